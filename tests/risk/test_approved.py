"""Only the gate approves: every other way to an ApprovedOrders fails or is not genuine."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from msgspec import structs

from tuiconsole.domain.errors import NotApproved
from tuiconsole.domain.orders import Approved, OrderBatch
from tuiconsole.risk.approved import ApprovedOrders, genuine
from tuiconsole.risk.gate import Gate
from tuiconsole.risk.settings import RiskSettings

from .books import UNIVERSE, make_batch, make_book


@pytest.fixture
def approved() -> ApprovedOrders:
    verdict = Gate(RiskSettings(), UNIVERSE).judge(make_batch([(0, 10), (1, -5)]), make_book(), 7)
    assert verdict.approved is not None
    return verdict.approved


def test_what_the_gate_makes_is_genuine(approved: ApprovedOrders) -> None:
    assert genuine(approved)
    assert isinstance(approved, Approved)
    assert len(approved) == 2
    assert approved.batch.number.tolist() == [7, 8]


@pytest.mark.parametrize("key", [None, 0, object(), "gate"])
def test_it_cannot_be_constructed(key: object) -> None:
    with pytest.raises(NotApproved, match="only be approved by the risk gate"):
        ApprovedOrders(make_batch([(0, 10)]), key)


def test_it_cannot_be_copied_or_travel(approved: ApprovedOrders) -> None:
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(NotApproved):
            attempt(approved)
    with pytest.raises(NotApproved):
        approved.__replace__(batch=approved.batch)


def test_it_cannot_be_subclassed() -> None:
    with pytest.raises(NotApproved):
        type("Mine", (ApprovedOrders,), {})


def test_it_cannot_be_changed(approved: ApprovedOrders) -> None:
    with pytest.raises(NotApproved):
        approved.batch = make_batch([(0, 1)])
    with pytest.raises(NotApproved):
        del approved.batch
    for column in (approved.batch.number, approved.batch.quantity, approved.batch.symbol):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 99
        with pytest.raises(ValueError, match="WRITEABLE"):
            column.flags.writeable = True


def test_the_source_batch_no_longer_matters() -> None:
    batch = make_batch([(0, 10)])
    approved = Gate(RiskSettings(), UNIVERSE).judge(batch, make_book(), 1).approved
    assert approved is not None
    batch.quantity[0] = 10**9
    assert approved.batch.quantity.tolist() == [10]


def test_forgeries_are_not_genuine(approved: ApprovedOrders) -> None:
    bare = object.__new__(ApprovedOrders)
    assert not genuine(bare)
    object.__setattr__(bare, "batch", approved.batch)
    assert not genuine(bare)
    alike = Approved()
    alike.batch = approved.batch
    assert not genuine(alike)
    assert not genuine(approved.batch)
    assert not genuine(None)


def test_an_exchanged_batch_is_not_genuine(approved: ApprovedOrders) -> None:
    object.__setattr__(approved, "batch", make_batch([(0, 10**6)]))
    assert not genuine(approved)


@pytest.mark.parametrize("name", ["quantity", "symbol", "number", "reference_price", "purpose", "ts"])
def test_an_exchanged_column_is_not_genuine(approved: ApprovedOrders, name: str) -> None:
    batch: OrderBatch = approved.batch
    value = getattr(batch, name)
    structs.force_setattr(batch, name, value + np.int64(1) if name == "ts" else value.copy())
    assert not genuine(approved)
