"""Settings of the ensemble: how fast it learns from realised errors, and how much it doubts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval


@dataclass(frozen=True, slots=True)
class EnsembleSettings:
    """How agents are judged, corrected and blended."""

    half_life_bars: Annotated[float, Interval(ge=2, le=100_000)] = 252.0
    """Bars after which a realised error or success counts half."""
    error_prior_bars: Annotated[float, Interval(gt=0, le=100_000)] = 60.0
    """Realised errors that weigh as much as the prior in an agent's sigma (the realised volatility, and what
    all symbols together say about the agent)."""
    prior_ic: Annotated[float, Interval(ge=0, le=0.5)] = 0.03
    """Information coefficient credited to every agent before any evidence."""
    prior_ic_deviation: Annotated[float, Interval(gt=0, le=1)] = 0.05
    """Standard deviation of true information coefficients across agents: the smaller, the slower weights
    move."""
    least_ic: Annotated[float, Interval(gt=0, le=0.5)] = 0.002
    """Information coefficient an agent is credited with at least, so that it keeps a foothold and can come
    back."""
    slope_deviation: Annotated[float, Interval(gt=0, le=10)] = 0.5
    """Standard deviation of true calibration slopes around 1: the smaller, the more a claimed mean is
    believed."""
    greatest_slope: Annotated[float, Interval(ge=1, le=10)] = 2.0
    """Most that calibration may multiply an agent's mean by; the least is 0."""
