"""What one run left behind as columns: a value per traded bar, and a row per fill. Currency units, float64."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tuiconsole.domain.types import BoolArray, CodeArray, FloatArray, IntArray

REGIME_LABELS = tuple(
    f"{volatility} volatility, {path}"
    for volatility in ("low", "medium", "high")
    for path in ("trend", "range")
)
"""What the codes of :attr:`Track.regime` mean; -1 is not yet known."""


@dataclass(frozen=True, slots=True)
class Track:
    """One value per traded bar, ``[n_bars]``; money as float64 in currency units.

    Attributes
    ----------
    ts
        int64 ns UTC, end of the bar.
    equity, cash
        After the bar was marked and its fills were booked.
    gross, net
        Sum of absolute, and of signed, market values.
    holdings
        int64, symbols held.
    level
        int8 :class:`~tuiconsole.domain.events.DeskLevel`.
    regime
        int8, index into :data:`REGIME_LABELS`, or -1: the likeliest regime as the desk knew it at this bar.
    """

    ts: IntArray
    equity: FloatArray
    cash: FloatArray
    gross: FloatArray
    net: FloatArray
    holdings: IntArray
    level: CodeArray
    regime: CodeArray

    def __len__(self) -> int:
        return len(self.ts)

    @classmethod
    def zeros(cls, n_bars: int) -> Track:
        """A track to be filled in; no regime is known."""
        return cls(
            ts=np.zeros(n_bars, dtype=np.int64),
            equity=np.zeros(n_bars),
            cash=np.zeros(n_bars),
            gross=np.zeros(n_bars),
            net=np.zeros(n_bars),
            holdings=np.zeros(n_bars, dtype=np.int64),
            level=np.zeros(n_bars, dtype=np.int8),
            regime=np.full(n_bars, -1, dtype=np.int8),
        )


@dataclass(frozen=True, slots=True)
class FillTable:
    """One row per execution, in the order in which they were booked; columns ``[n_fills]``.

    Attributes
    ----------
    ts
        int64 ns UTC.
    order
        int64 order number.
    symbol
        int64 universe column.
    quantity
        Signed, in shares, coins or contracts.
    price
        Currency units per point.
    value
        Signed money: price times quantity times the contract's multiplier.
    realised
        Profit of lots closed by this fill (first in, first out), before fees.
    forced
        True when Kill's flatten was filled at once at the last good price.
    fee
        Money paid beside the price: both commissions.
    costs
        Money paid by part (:data:`~tuiconsole.domain.costs.COST_NAMES`): the commissions are the fee, ``borrow`` is what the
        closed part of a short was charged while it was open, all others are already contained in the price.
    """

    ts: IntArray
    order: IntArray
    symbol: IntArray
    quantity: FloatArray
    price: FloatArray
    value: FloatArray
    realised: FloatArray
    forced: BoolArray
    fee: FloatArray
    costs: Mapping[str, FloatArray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ts)
