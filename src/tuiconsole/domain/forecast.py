"""A forecast is a distribution over the log-return of every symbol."""

from __future__ import annotations

from dataclasses import dataclass

from tuiconsole.domain.types import FloatArray


@dataclass(frozen=True, slots=True)
class Forecast:
    """What one agent believes.

    Attributes
    ----------
    mean
        float64 ``[n_symbols]``, expected log-return over ``horizon_bars``; NaN = no opinion.
    sigma
        float64 ``[n_symbols]``, standard deviation of that return around ``mean``, from the agent's own realised
        errors; positive, NaN exactly where ``mean`` is NaN.
    horizon_bars
        Bars ahead that the forecast speaks of; at least 1.
    """

    mean: FloatArray
    sigma: FloatArray
    horizon_bars: int
