"""Targets to wanted orders: closing before opening, whole lots, nothing twice, a fixed order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.execution.build import POINT, ints
from tuiconsole.domain.orders import Purpose
from tuiconsole.execution.oms import flatten_orders, wanted_orders


def wanted(target, position, pending=None, acting=None, lot=None):
    n = len(target)
    return wanted_orders(
        ints(*target),
        np.ones(n, dtype=np.bool_) if acting is None else np.array(acting, dtype=np.bool_),
        ints(*position),
        ints(*(pending or [0] * n)),
        np.arange(1, n + 1, dtype=np.int64) * POINT,
        ints(*(lot or [1] * n)),
        7,
        99,
    )


@pytest.mark.parametrize(
    ("target", "position", "pending", "quantity"),
    [
        (100, 0, 0, 100),
        (100, 60, 0, 40),
        (100, 60, 40, 0),
        (100, 60, 15, 25),
        (20, 60, 0, -40),
        (0, 60, 0, -60),
        (0, 60, -60, 0),
        (0, 60, -20, -40),
        (-50, 60, 0, -60),  # closes first; the short follows at a later decision
        (-50, 60, -60, 0),  # and waits until the close is done
        (-50, 0, 0, -50),
        (50, -60, 0, 60),
        (-10, -60, 0, 50),
        (0, 60, 30, -60),  # never more off than is held, whatever is still coming in
        (0, 0, 30, 0),  # nothing held: no order against one's own working order
        (20, 0, 30, 0),
        (80, 0, 30, 50),
        (-80, -10, -30, -40),
        (150, 100, -100, 150),
    ],
)
def test_quantity_wanted(target, position, pending, quantity):
    batch = wanted([target], [position], [pending])
    assert batch.quantity.tolist() == ([quantity] if quantity else [])


def test_a_batch_is_complete():
    batch = wanted([5, 0, -3], [0, 0, 0])
    assert (batch.batch, batch.ts) == (7, 99)
    assert batch.number.tolist() == [0, 0]
    assert batch.symbol.tolist() == [2, 0]
    assert batch.reference_price.tolist() == [3 * POINT, POINT]
    assert batch.purpose.tolist() == [Purpose.POLICY] * 2
    assert batch.purpose.dtype == np.int8
    assert batch.quantity.dtype == batch.symbol.dtype == np.int64


def test_only_acting_symbols_trade():
    batch = wanted([5, 5, 5], [0, 0, 0], acting=[False, True, False])
    assert batch.symbol.tolist() == [1]
    nothing = wanted([5, 5], [0, 0], acting=[False, False])
    assert len(nothing) == 0
    assert nothing.number.dtype == np.int64
    assert nothing.purpose.dtype == np.int8


def test_sales_that_reduce_come_first_then_covers_then_shorts_then_purchases():
    batch = wanted([10, -10, 0, 5, 20, 0], [0, 0, -4, 9, 0, 8])
    assert batch.symbol.tolist() == [3, 5, 2, 1, 0, 4]
    assert batch.quantity.tolist() == [-4, -8, 4, -10, 10, 20]


def test_orders_are_whole_lots_rounded_toward_zero_and_full_closes_are_exact():
    batch = wanted([250, -250, 130, 0, 40], [0, 0, 230, 130, 0], lot=[100, 100, 100, 100, 100])
    assert dict(zip(batch.symbol.tolist(), batch.quantity.tolist(), strict=True)) == {
        0: 200,
        1: -200,
        2: -100,
        3: -130,
    }


def test_flatten_closes_everything_exactly_sales_first():
    batch = flatten_orders(ints(5, 0, -7, 3), ints(1, 2, 3, 4) * POINT, 4, 50)
    assert batch.symbol.tolist() == [0, 3, 2]
    assert batch.quantity.tolist() == [-5, -3, 7]
    assert batch.purpose.tolist() == [Purpose.FLATTEN] * 3
    assert batch.reference_price.tolist() == [POINT, 4 * POINT, 3 * POINT]
    assert (batch.batch, batch.ts) == (4, 50)
    assert len(flatten_orders(ints(0, 0), ints(1, 1), 1, 1)) == 0


quantities = st.lists(st.tuples(*[st.integers(-300, 300)] * 3), min_size=1, max_size=8)


@given(rows=quantities, lot=st.sampled_from([1, 10, 100]))
@settings(max_examples=150)
def test_orders_never_cross_zero_and_go_toward_the_target(rows, lot):
    target, position, pending = (list(column) for column in zip(*rows, strict=True))
    before = (list(target), list(position), list(pending))
    batch = wanted(target, position, pending, lot=[lot] * len(rows))
    assert (target, position, pending) == before
    assert len(set(batch.symbol.tolist())) == len(batch)
    for symbol, quantity in zip(batch.symbol.tolist(), batch.quantity.tolist(), strict=True):
        held, wish = position[symbol], target[symbol] - position[symbol] - pending[symbol]
        assert quantity
        assert quantity * wish > 0
        assert abs(quantity) <= abs(wish)
        assert quantity % lot == 0 or quantity == -held
        if held * quantity < 0:
            same_way = pending[symbol] if pending[symbol] * quantity > 0 else 0
            assert abs(quantity) + abs(same_way) <= max(abs(held), abs(same_way))
        if held == 0:
            assert quantity * pending[symbol] >= 0


@given(rows=quantities)
@settings(max_examples=80)
def test_decisions_repeated_until_filled_reach_the_target(rows):
    target, position, _ = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    for _ in range(2):  # one to close, one to open
        batch = wanted(target.tolist(), position.tolist())
        np.add.at(position, batch.symbol, batch.quantity)
    assert position.tolist() == target.tolist()
    assert len(wanted(target.tolist(), position.tolist())) == 0
