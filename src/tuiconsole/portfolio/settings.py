"""Settings of sizing: how much of a belief becomes a position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval


@dataclass(frozen=True, slots=True)
class SizingSettings:
    """How forecasts become target weights. Weights are fractions of equity."""

    kelly_fraction: Annotated[float, Interval(gt=0, le=0.25)] = 0.25
    """Share of the full Kelly weight that is taken."""
    volatility_target: Annotated[float, Interval(gt=0, le=1)] = 0.15
    """Annual volatility that the whole portfolio is steered to, as a fraction."""
    least_volatility_scale: Annotated[float, Interval(gt=0, le=1)] = 0.2
    """Least factor by which the volatility target may shrink all weights."""
    greatest_volatility_scale: Annotated[float, Interval(ge=1, le=10)] = 2.0
    """Greatest factor by which the volatility target may raise all weights."""
    high_volatility_cut: Annotated[float, Interval(ge=0, le=1)] = 0.4
    """Share by which the volatility target is cut when the regime is surely high volatility; less in
    proportion."""
    risk_window_bars: Annotated[int, Interval(ge=10, le=1000)] = 63
    """Window of the volatilities and betas that risk is predicted from, in bars."""
    name_cap: Annotated[float, Interval(gt=0, le=1)] = 0.15
    """Greatest weight of one name; a position that drifts over it is trimmed."""
    gross_cap: Annotated[float, Interval(gt=0, le=10)] = 1.0
    """Greatest sum of absolute weights."""
    cash_reserve: Annotated[float, Interval(ge=0, lt=1)] = 0.05
    """Share of equity that is never invested."""
    headroom: Annotated[float, Interval(gt=0, le=1)] = 0.95
    """Share of each cap that targets use, so that price moves before the fill do not break it."""
    band: Annotated[float, Interval(ge=0, le=1)] = 0.02
    """No trade while a weight is nearer than this to its target."""
    relative_band: Annotated[float, Interval(ge=0, le=1)] = 0.3
    """No trade while a weight is nearer than this share of its target."""
    allow_short: bool = False
    """Whether weights may be negative; shorts pay execution.borrow_annual_bps."""
