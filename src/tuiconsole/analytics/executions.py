"""How orders were executed: the shortfall of each with its effects, and its price against the usual benchmarks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray

BENCHMARKS = ("arrival", "vwap", "twap", "close")
"""Prices that an execution is held against: the market's at the first fill, its volume-weighted and plain means over the
bars in which the order was worked, and the close of the last of them."""


@dataclass(frozen=True, slots=True)
class ExecutionTable:
    """One row per order that was sent, children of one parent together; columns ``[n]``.

    Attributes
    ----------
    ts
        int64 ns UTC, of the decision.
    symbol
        int64 universe column.
    order, parent
        int64: number of the (first) order, and of the parent; 0 where the order went out at once.
    quantity, filled
        Signed, in shares, coins or contracts.
    value
        Signed money of the whole at the price the decision saw.
    decision_price, average_price
        Currency units; the average is NaN where nothing was filled.
    effects
        Money lost by effect, named by :data:`~tuiconsole.analytics.shortfall.EFFECTS`; together the shortfall.
    benchmarks
        Price of each of :data:`BENCHMARKS`, NaN where the data do not carry it.
    """

    ts: IntArray
    symbol: IntArray
    order: IntArray
    parent: IntArray
    quantity: FloatArray
    filled: FloatArray
    value: FloatArray
    decision_price: FloatArray
    average_price: FloatArray
    effects: Mapping[str, FloatArray] = field(default_factory=dict)
    benchmarks: Mapping[str, FloatArray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ts)

    @property
    def shortfall(self) -> FloatArray:
        """Money lost against the decision's price, all effects together, float64 ``[n]``."""
        return np.asarray(sum(self.effects.values(), np.zeros(len(self))))


def slippage_bps(table: ExecutionTable, benchmark: str) -> float:
    """Mean slippage against a benchmark in basis points, weighted by the money filled; positive = worse than it.

    NaN where no order has both a fill and that benchmark.
    """
    price = table.benchmarks[benchmark]
    known = np.isfinite(price) & np.isfinite(table.average_price) & (price > 0.0)
    if not known.any():
        return float("nan")
    side = np.sign(table.filled[known])
    worse = side * (table.average_price[known] / price[known] - 1.0) * 1e4
    weight = np.abs(table.filled[known] / table.quantity[known] * table.value[known])
    return float(worse @ weight / weight.sum()) if weight.sum() > 0.0 else float("nan")


def volume_weighted_price(
    close: FloatArray, high: FloatArray | None, low: FloatArray | None, volume: FloatArray | None
) -> float:
    """VWAP over bars ``[n]``: typical prices weighted by volume; NaN without volume.

    The typical price is the mean of high, low and close, or the close where ranges are missing.
    """
    if volume is None:
        return float("nan")
    typical = close
    if high is not None and low is not None:
        with_range = np.isfinite(high) & np.isfinite(low)
        typical = np.where(with_range, (high + low + close) / 3.0, close)
    known = np.isfinite(typical) & (volume > 0.0)
    if not known.any():
        return float("nan")
    return float(typical[known] @ volume[known] / volume[known].sum())
