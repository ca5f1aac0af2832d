"""Small batches go through plain integers, large ones through arrays: the same orders, journal and state."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.sma_cross import SmaCross
from tests.engine.test_blocks import by_blocks, gapped, same, session_on
from tuiconsole.execution import oms, order_columns
from tuiconsole.execution.oms import wanted_orders
from tuiconsole.risk import ordinary
from tuiconsole.risk.ordinary import OrdinaryBatch
from tuiconsole.store import batch_journal

MODULES = (oms, order_columns, ordinary)


@pytest.mark.parametrize("seed", [2, 9])
def test_a_run_through_plain_integers_equals_one_through_arrays(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sales, purchases, rejections by price, part fills and halts on the way."""
    tape = gapped(seed, 420, 12, 0.02, 260)
    proven = []
    passes = OrdinaryBatch.passes

    def noted(*arguments: object) -> int | None:
        proven.append(passes(*arguments))  # type: ignore[arg-type]
        return proven[-1]

    monkeypatch.setattr(OrdinaryBatch, "passes", noted)
    few = session_on(tape, SmaCross(tape.universe))
    by_blocks(few[0], [64])
    assert sum(found is not None for found in proven) > 30
    for module in MODULES:
        monkeypatch.setattr(module, "MOST_ORDERS", 0)
    proven.clear()
    many = session_on(tape, SmaCross(tape.universe))
    by_blocks(many[0], [64])
    assert set(proven) == {None}
    same(few, many)
    assert few[0].desk.orders.fills_total > 50


def test_rows_that_wait_for_their_encoding_say_what_they_said_when_they_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Part fills keep an order resting and changing: what was journalled of it must not change with it."""
    tape = gapped(6, 420, 5, 0.02, 260)
    heads = []
    for rows in (256, 1):
        monkeypatch.setattr(batch_journal, "_BATCH_ROWS", rows)
        session, sink = session_on(tape, SmaCross(tape.universe), 300.0)
        by_blocks(session, [64])
        heads.append((sink.rows, sink.head))
    assert heads[0] == heads[1]


quantities = st.lists(st.tuples(*[st.integers(-300, 300)] * 3), min_size=1, max_size=20)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(rows=quantities, lot=st.sampled_from([1, 10, 100]), idle=st.integers(0, 20))
def test_few_orders_equal_many(rows: list[tuple[int, int, int]], lot: int, idle: int) -> None:
    target, position, pending = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    n = len(target)
    acting = np.arange(n) != idle
    found = []
    for most in (24, 0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(oms, "MOST_ORDERS", most)
            arguments = (np.full(n, 5, dtype=np.int64), np.full(n, lot, dtype=np.int64), 3, 9)
            found.append(wanted_orders(target, acting, position, pending, *arguments))
    few, many = found
    assert few.symbol.tolist() == many.symbol.tolist()
    assert few.quantity.tolist() == many.quantity.tolist()
    assert few.quantity.dtype == many.quantity.dtype
