"""Settings of the gate and the breakers. Shares are of equity at the last good prices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval

PARTS = 1_000_000
"""Shares are compared as whole parts per million, so that a limit is exact to one unit of money."""


def parts(share: float) -> int:
    """``share`` in parts per million.

    >>> parts(0.025)
    25000
    """
    return round(share * PARTS)


@dataclass(frozen=True, slots=True)
class RiskSettings:
    """What the desk may do, and when it stops by itself."""

    name_cap: Annotated[float, Interval(gt=0, le=1)] = 0.15
    """Largest share of equity in one symbol, long or short."""
    gross_cap: Annotated[float, Interval(gt=0, le=10)] = 1.0
    """Largest sum of absolute positions, as a share of equity."""
    net_cap: Annotated[float, Interval(gt=0, le=10)] = 1.0
    """Largest long minus short (either way), as a share of equity."""
    cash_reserve: Annotated[float, Interval(ge=0, le=1)] = 0.05
    """Share of equity that stays in cash."""
    order_notional_share: Annotated[float, Interval(gt=0, le=10)] = 0.30
    """Largest order as a share of equity; twice the name cap lets one order turn a full position around."""
    order_notional_usd: Annotated[float, Interval(gt=0, le=1e10)] = 10_000_000.0
    """Largest order in currency units, whatever the equity."""
    order_quantity_max: Annotated[float, Interval(gt=0, le=1e9)] = 1_000_000.0
    """Largest order in shares, coins or contracts."""
    position_quantity_max: Annotated[float, Interval(gt=0, le=1e9)] = 10_000_000.0
    """Largest position in one symbol in shares, coins or contracts."""
    collar: Annotated[float, Interval(gt=0, le=1)] = 0.10
    """Largest distance of an order's reference price from the last good price, as a share of that price."""
    reference_age_s: Annotated[float, Interval(ge=0, le=86_400)] = 60.0
    """Oldest decision, in seconds of event time, that may still become orders."""
    orders_per_minute: Annotated[int, Interval(ge=1, le=100_000)] = 500
    """Most orders that add risk in any 60 seconds of event time."""
    daily_loss: Annotated[float, Interval(gt=0, le=1)] = 0.025
    """Loss since the session's start, as a share of equity then, that pauses until the next session."""
    session_drawdown: Annotated[float, Interval(gt=0, le=1)] = 0.03
    """Fall from the session's highest equity that halts the desk."""
    month_drawdown: Annotated[float, Interval(gt=0, le=1)] = 0.08
    """Fall from the month's highest equity that halts the desk."""
    drawdown: Annotated[float, Interval(gt=0, le=1)] = 0.08
    """Fall from the highest equity ever (since the last re-arming) that halts the desk."""
    cool_down_bars: Annotated[int, Interval(ge=0, le=10_000)] = 20
    """Bars after which a halted backtest re-arms by itself, each time reported; 0 = never."""
