"""Correcting agents that claim too much or too little."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.ensemble.errors import AGREEMENT, FORECAST
from tuiconsole.ensemble.skill import breadth

if TYPE_CHECKING:
    from tuiconsole.ensemble.settings import EnsembleSettings


def slopes(
    moments: FloatArray, horizons: FloatArray, n_symbols: int, settings: EnsembleSettings
) -> FloatArray:
    """Factor by which each agent's mean is multiplied: the slope of outcome on forecast, shrunk to 1.

    Mincer and Zarnowitz (1969), "The evaluation of economic forecasts": a calibrated forecast has slope 1. In
    units of volatility the outcome's variance is about 1, so with a normal prior of mean 1 and deviation
    ``d``, and ``k = breadth / horizon`` independent outcomes per bar, Bayesian regression gives::

        slope = (1 / d**2 + k * sum(z*y)) / (1 / d**2 + k * sum(z*z))

    Parameters
    ----------
    moments
        float64 ``[n_moments, n_agents]`` of :class:`~tuiconsole.ensemble.errors.ErrorTracker`.
    horizons
        float64 ``[n_agents]`` in bars.

    Returns
    -------
    float64 ``[n_agents]``, from 0 to ``greatest_slope``; 1 without evidence.
    """
    prior = settings.slope_deviation**-2
    per_bar = breadth(n_symbols) / horizons
    slope = (prior + per_bar * moments[AGREEMENT]) / (prior + per_bar * moments[FORECAST])
    bounded: FloatArray = np.minimum(np.maximum(slope, 0.0), settings.greatest_slope)
    return bounded
