"""Round trips out of fills, first in, first out, and what they say about a strategy.

A round trip is a quantity that was opened by one fill and closed by another. Its profit contains spread and impact, because
its prices do; fees and borrow are shared out by quantity. What is still open at the end is no round trip.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from tuiconsole.analytics.track import FillTable
from tuiconsole.domain.types import FloatArray, IntArray

_NAN = float("nan")
_DUST = 1e-9
"""Quantities closer to zero than this, relative to the fill, are rounding."""


@dataclass(frozen=True, slots=True)
class RoundTrips:
    """One row per round trip, in the order of closing; columns ``[n_trips]``.

    Attributes
    ----------
    symbol
        int64 universe column.
    opened, closed
        int64 ns UTC.
    quantity
        Positive for a long trip, negative for a short one.
    entry, exit
        Prices, currency units per point.
    profit
        Currency units after all costs: fees of both ends and borrow included.
    fees
        Those fees and that borrow.
    """

    symbol: IntArray
    opened: IntArray
    closed: IntArray
    quantity: FloatArray
    entry: FloatArray
    exit: FloatArray
    profit: FloatArray
    fees: FloatArray

    def __len__(self) -> int:
        return len(self.symbol)


def round_trips(fills: FillTable) -> RoundTrips:
    """Match every closing quantity with the oldest open one of its symbol."""
    borrow = fills.costs.get("borrow", np.zeros(len(fills)))
    columns = (fills.symbol, fills.ts, fills.quantity, fills.price, fills.value, fills.fee, borrow)
    lots: dict[int, deque[list[float]]] = {}
    rows: list[tuple[float, ...]] = []
    for symbol, ts, quantity, price, value, paid, borrowed in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        open_lots = lots.setdefault(symbol, deque())
        left, unit_value, unit_fee = quantity, value / quantity, paid / abs(quantity)
        closing = min(abs(quantity), abs(sum(lot[0] for lot in open_lots)))
        unit_borrow = borrowed / closing if borrowed and closing else 0.0
        while open_lots and abs(left) > abs(quantity) * _DUST and (open_lots[0][0] > 0) != (left > 0):
            lot = open_lots[0]
            size = min(abs(left), abs(lot[0]))
            signed = size if lot[0] > 0 else -size
            fees = size * (unit_fee + lot[4] + unit_borrow)
            profit = signed * (unit_value - lot[3]) - fees
            rows.append((symbol, lot[1], ts, signed, lot[2], price, profit, fees))
            left += signed
            lot[0] -= signed
            if abs(lot[0]) <= size * _DUST:
                open_lots.popleft()
        if abs(left) > abs(quantity) * _DUST:
            open_lots.append([left, ts, price, unit_value, unit_fee])
    return _table(rows)


def _table(rows: list[tuple[float, ...]]) -> RoundTrips:
    symbol, opened, closed, *rest = zip(*rows, strict=True) if rows else ((),) * 8
    quantity, entry, exit_price, profit, fees = (np.array(column, dtype=np.float64) for column in rest)
    return RoundTrips(
        symbol=np.array(symbol, dtype=np.int64),
        opened=np.array(opened, dtype=np.int64),
        closed=np.array(closed, dtype=np.int64),
        quantity=quantity,
        entry=entry,
        exit=exit_price,
        profit=profit,
        fees=fees,
    )


def win_rate(profit: FloatArray) -> float:
    """Share of trips that ended above zero after costs."""
    return float(np.mean(profit > 0)) if len(profit) else _NAN


def profit_factor(profit: FloatArray) -> float:
    """Money won per unit of money lost; NaN without a loss.

    >>> profit_factor(np.array([3.0, -1.0, -1.0]))
    1.5
    """
    return _ratio(float(profit[profit > 0].sum()), -float(profit[profit < 0].sum()))


def payoff(profit: FloatArray) -> float:
    """Mean win per unit of mean loss; NaN without one of each."""
    wins, losses = profit[profit > 0], profit[profit < 0]
    return _ratio(float(wins.mean()), -float(losses.mean())) if len(wins) and len(losses) else _NAN


def holding_bars(trips: RoundTrips, ts: IntArray) -> IntArray:
    """int64 ``[n_trips]``: bars between opening and closing; ``ts`` are the ends of the traded bars."""
    return np.searchsorted(ts, trips.closed) - np.searchsorted(ts, trips.opened)


def turnover(traded: float, equity: FloatArray, bars_per_year: float) -> float:
    """Money traded per year as a multiple of mean equity, both sides counted.

    Parameters
    ----------
    traded
        Absolute money traded over all bars.
    equity
        float64 ``[n]`` equity at each bar, same currency.
    """
    if not len(equity):
        return _NAN
    return _ratio(traded, float(np.sum(equity))) * bars_per_year


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator > 0 else _NAN
