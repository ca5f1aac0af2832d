"""Trend or range: how straight the market's path is, and whether its moves go on or turn back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.regimes.logistic import logistic
from tuiconsole.regimes.settings import RegimeSettings

_NO_OPINION = 0.5
_STANDSTILL = 1e-24


def efficiency_ratio(returns: FloatArray) -> float:
    """Net move over the length of the path, 0 to 1; NaN where nothing moved.

    Parameters
    ----------
    returns
        float64 ``[n]`` log-returns without NaN.

    References
    ----------
    Kaufman (1995), *Smarter Trading*, ch. 7.

    Examples
    --------
    >>> efficiency_ratio(np.array([1.0, 1.0, -1.0, 1.0]))
    0.5
    """
    path = float(np.abs(returns).sum())
    return abs(float(returns.sum())) / path if path > 0.0 else math.nan


def variance_ratio_z(returns: FloatArray, span: int) -> float:
    """The variance of ``span``-bar returns against ``span`` times that of one-bar returns, as a z-statistic.

    Above 0 moves go on, below 0 they turn back; about normal(0, 1) for a random walk. NaN where nothing
    moved.

    Parameters
    ----------
    returns
        float64 ``[n]`` log-returns without NaN, ``n`` well above ``span``.
    span
        Bars of the longer return, at least 2.

    References
    ----------
    Lo, MacKinlay (1988), Review of Financial Studies 1(1), eq. 12, 13 and 16: overlapping, unbiased
    variances; the statistic for homoskedastic increments.
    """
    n = len(returns)
    short = returns - float(returns.sum()) / n
    path = np.zeros(n + 1)
    np.cumsum(short, out=path[1:])
    long = path[span:] - path[:-span]
    one = float(np.square(short).sum()) / (n - 1)
    if one <= _STANDSTILL:
        return math.nan
    many = float(np.square(long).sum()) / (span * (n - span + 1) * (1.0 - span / n))
    scale = math.sqrt(2.0 * (2.0 * span - 1.0) * (span - 1.0) / (3.0 * span * n))
    return (many / one - 1.0) / scale


class TrendRegime:
    """Probability of trend against range over the last bars of the market index.

    For a random walk of ``n`` bars the efficiency ratio times ``sqrt(2 n / pi)`` is about the size of a
    standard normal number: the net move in deviations, ``move``. With ``L`` the logistic function::

        trend = L((move - centre) / width + weight z)

    where ``z`` is the variance ratio's statistic, limited to 3 deviations either way. A random walk leans to
    range.

    Attributes
    ----------
    probability
        Of trend; one half until the window is full, and where nothing moved.
    """

    def __init__(self, settings: RegimeSettings) -> None:
        self._settings = settings
        self._window = settings.trend_window_bars
        self._returns: FloatArray = np.zeros(2 * self._window)
        self._bars = 0
        self.probability = _NO_OPINION

    def update(self, market_return: float) -> None:
        """Take in one log-return of the market."""
        slot = self._bars % self._window
        self._returns[slot] = self._returns[slot + self._window] = market_return
        self._bars += 1
        if self._bars < self._window:
            return
        recent = self._returns[slot + 1 : slot + 1 + self._window]
        settings = self._settings
        move = efficiency_ratio(recent) * math.sqrt(2.0 * self._window / math.pi)
        z = variance_ratio_z(recent, settings.trend_span_bars)
        if math.isnan(move) or math.isnan(z):
            self.probability = _NO_OPINION
            return
        logit = (move - settings.trend_centre) / settings.trend_width
        logit += settings.trend_variance_ratio_weight * min(3.0, max(-3.0, z))
        self.probability = logistic(logit)

    def state(self) -> dict[str, Any]:
        """Returns, their count and the current answer; copies."""
        return {"returns": self._returns.copy(), "bars": self._bars, "probability": self.probability}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`, bit for bit."""
        self._returns[...] = state["returns"]
        self._bars = int(state["bars"])
        self.probability = float(state["probability"])
