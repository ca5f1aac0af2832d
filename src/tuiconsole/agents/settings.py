"""Settings of the agents: which ones run, what they claim, and how far they look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """Which agents the desk runs, and what they are told."""

    enabled: tuple[str, ...] = ("ts_momentum", "xs_momentum", "mean_reversion", "breakout", "low_volatility")
    """Names of the agents that the desk runs, in the order of the screen; each can be switched off and on
    later."""
    prior_ic: Annotated[float, Interval(gt=0, le=0.5)] = 0.05
    """Information coefficient (correlation of forecast and outcome) an agent claims before any evidence."""
    score_limit: Annotated[float, Interval(gt=0, le=10)] = 2.0
    """Standard deviations beyond which a stronger signal says no more."""
    trend_horizon_bars: Annotated[int, Interval(ge=1, le=250)] = 20
    """Bars ahead that time-series momentum speaks of."""
    cross_section_horizon_bars: Annotated[int, Interval(ge=1, le=250)] = 20
    """Bars ahead that cross-sectional momentum speaks of."""
    reversion_horizon_bars: Annotated[int, Interval(ge=1, le=250)] = 5
    """Bars ahead that mean reversion speaks of."""
    breakout_horizon_bars: Annotated[int, Interval(ge=1, le=250)] = 10
    """Bars ahead that the channel breakout speaks of."""
    low_volatility_horizon_bars: Annotated[int, Interval(ge=1, le=250)] = 20
    """Bars ahead that low volatility speaks of."""
