"""Round trips out of fills: first in, first out, money neither made nor lost."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiconsole.analytics import trades
from tuiconsole.analytics.track import FillTable


def table(rows: list[tuple[int, int, float, float, float]], multiplier: float = 1.0) -> FillTable:
    """``(ts, symbol, quantity, price, fee)`` rows as fills."""
    ts, symbol, quantity, price, fee = (
        (np.array(column) for column in zip(*rows, strict=True)) if rows else (np.zeros(0),) * 5
    )
    n = len(rows)
    return FillTable(
        ts=ts.astype(np.int64),
        order=np.arange(1, n + 1),
        symbol=symbol.astype(np.int64),
        quantity=quantity.astype(float),
        price=price.astype(float),
        value=quantity * price * multiplier,
        realised=np.zeros(n),
        forced=np.zeros(n, dtype=np.bool_),
        fee=fee.astype(float),
        costs={"commission_fixed": fee.astype(float)},
    )


def test_two_lots_closed_by_three_fills() -> None:
    fills = table(
        [
            (1, 0, 10, 100.0, 1.0),
            (2, 0, 10, 110.0, 2.0),
            (3, 0, -5, 120.0, 0.5),
            (4, 0, -10, 90.0, 1.0),
            (5, 0, -10, 80.0, 1.0),
        ],
        multiplier=2.0,
    )
    found = trades.round_trips(fills)
    assert found.quantity.tolist() == [5, 5, 5, 5]
    assert found.opened.tolist() == [1, 1, 2, 2]
    assert found.closed.tolist() == [3, 4, 4, 5]
    assert found.entry.tolist() == [100, 100, 110, 110]
    assert found.fees == pytest.approx([0.5 + 0.5, 0.5 + 0.5, 1.0 + 0.5, 1.0 + 0.5])
    assert found.profit == pytest.approx([2 * 100 - 1.0, -2 * 50 - 1.0, -2 * 100 - 1.5, -2 * 150 - 1.5])
    assert trades.holding_bars(found, np.arange(1, 6)).tolist() == [2, 3, 2, 3]
    assert trades.win_rate(found.profit) == 0.25
    assert trades.profit_factor(found.profit) == pytest.approx(199 / (101 + 201.5 + 301.5))
    assert trades.payoff(found.profit) == pytest.approx(199 / ((101 + 201.5 + 301.5) / 3))


def test_a_short_trip_and_a_fill_that_crosses_zero() -> None:
    found = trades.round_trips(table([(1, 3, -4, 50.0, 0.0), (2, 3, 10, 40.0, 1.0), (3, 3, -6, 45.0, 0.0)]))
    assert found.quantity.tolist() == [-4, 6]
    assert found.profit == pytest.approx([40 - 0.4, 30 - 0.6])
    assert found.symbol.tolist() == [3, 3]


def test_borrow_is_paid_by_what_was_closed() -> None:
    fills = table([(1, 0, -6, 50.0, 0.0), (2, 0, -2, 40.0, 0.0), (3, 0, 10, 45.0, 0.0)])
    fills.costs["borrow"] = np.array([0.0, 0.0, 4.0])  # type: ignore[index]
    found = trades.round_trips(fills)
    assert found.profit == pytest.approx([30 - 3.0, -10 - 1.0])
    assert found.fees == pytest.approx([3.0, 1.0])


def test_nothing_traded() -> None:
    found = trades.round_trips(table([]))
    assert len(found) == 0
    undefined = [
        trades.win_rate(found.profit),
        trades.profit_factor(found.profit),
        trades.payoff(found.profit),
    ]
    assert all(math.isnan(value) for value in undefined)
    assert math.isnan(trades.turnover(0.0, np.zeros(0), 252))
    assert trades.turnover(10.0, np.array([100.0, 100.0]), 252) == pytest.approx(12.6)


rows = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(-20, 20).filter(bool),
        st.integers(1, 200),
        st.integers(0, 5),
    ),
    max_size=40,
)


@given(rows)
def test_profit_and_what_is_still_open_add_up_to_the_cash(drawn: list[tuple[int, int, int, int]]) -> None:
    fills = table(
        [(i + 1, symbol, q, float(price), float(fee)) for i, (symbol, q, price, fee) in enumerate(drawn)]
    )
    found = trades.round_trips(fills)
    cash = -float(fills.value.sum() + fills.fee.sum())
    open_cost = 0.0
    for symbol in range(3):
        lots: list[list[float]] = []
        for _, quantity, price, fee in (row for row in drawn if row[0] == symbol):
            unit, left = fee / abs(quantity), quantity
            while lots and left and (lots[0][0] > 0) != (left > 0):
                size = min(abs(left), abs(lots[0][0]))
                side = 1 if lots[0][0] > 0 else -1
                lots[0][0] -= side * size
                left += side * size
                if not lots[0][0]:
                    lots.pop(0)
            if left:
                lots.append([left, price, unit])
        open_cost += sum(quantity * price + abs(quantity) * unit for quantity, price, unit in lots)
    assert float(found.profit.sum()) == pytest.approx(cash + open_cost, abs=1e-6)
    assert (found.closed >= found.opened).all()
    assert (found.fees >= 0).all()
