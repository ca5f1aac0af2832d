"""What may be set about trading costs and about how the paper venue fills."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval


@dataclass(frozen=True, slots=True)
class ExecutionSettings:
    """Costs of a trade and liquidity of the paper venue. Costs are always on; zero has to be asked for."""

    fixed_usd: Annotated[float, Interval(ge=0.0, le=1000.0)] = 0.50
    """Commission per order that gets at least one fill, in currency units; charged once, with the first
    fill."""

    proportional_bps: Annotated[float, Interval(ge=0.0, le=1000.0)] = 1.0
    """Commission in basis points of the traded value."""

    half_spread_bps: Annotated[float, Interval(ge=0.0, le=1000.0)] = 2.0
    """Half of the bid-ask spread, in basis points of the price: what crossing it costs."""

    impact_coefficient: Annotated[float, Interval(ge=0.0, le=10.0)] = 1.0
    """Impact as a share of the price is this number times the volatility of one bar times the square root of
    (order quantity / volume of one bar)."""

    borrow_annual_bps: Annotated[float, Interval(ge=0.0, le=100_000.0)] = 50.0
    """What holding a short costs per year, in basis points of its value; charged by calendar day into the
    ledger. 50 is a usual rate for large stocks; hard-to-borrow ones cost a hundred times as much."""

    displayed_volume: Annotated[float, Interval(ge=1.0, le=1e12)] = 5_000_000.0
    """Volume of one bar, in shares, assumed for sources that carry closes alone."""

    max_participation: Annotated[float, Interval(gt=0.0, le=1.0)] = 0.10
    """Largest share of one bar's volume that the desk's orders in a symbol may take; the rest waits for the
    next bar."""

    initial_volatility: Annotated[float, Interval(gt=0.0, le=1.0)] = 0.02
    """Volatility of one bar's log-return that the impact assumes before a symbol has any history."""

    memory_bars: Annotated[int, Interval(ge=2, le=1000)] = 20
    """Memory of the venue's volatility and volume estimates: the weight of a bar falls by a factor e in this
    many bars."""
