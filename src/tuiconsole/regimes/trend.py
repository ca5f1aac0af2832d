"""Trend or range: how straight the market's path is, and whether its moves go on or turn back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tuiconsole.domain.machine_code import Kernel, machine_code
from tuiconsole.domain.types import FloatArray
from tuiconsole.regimes.compiled_trend import LONGEST_WINDOW, piece_sum, trend_of
from tuiconsole.regimes.logistic import logistic
from tuiconsole.regimes.settings import RegimeSettings

_NO_OPINION = 0.5
_STANDSTILL = 1e-24


def efficiency_ratio(returns: FloatArray) -> FloatArray:
    """Net move over the length of the path, 0 to 1; NaN where nothing moved.

    Parameters
    ----------
    returns
        float64 ``[..., n]`` log-returns without NaN; every row is a path of its own.

    References
    ----------
    Kaufman (1995), *Smarter Trading*, ch. 7.

    Examples
    --------
    >>> float(efficiency_ratio(np.array([1.0, 1.0, -1.0, 1.0])))
    0.5
    """
    path = np.abs(returns).sum(axis=-1)
    with np.errstate(invalid="ignore"):
        ratio: FloatArray = np.abs(returns.sum(axis=-1)) / path
    return ratio


def variance_ratio_z(returns: FloatArray, span: int) -> FloatArray:
    """The variance of ``span``-bar returns against ``span`` times that of one-bar returns, as a z-statistic.

    Above 0 moves go on, below 0 they turn back; about normal(0, 1) for a random walk. NaN where nothing
    moved.

    Parameters
    ----------
    returns
        float64 ``[..., n]`` log-returns without NaN, ``n`` well above ``span``; every row is a path of its own.
    span
        Bars of the longer return, at least 2.

    References
    ----------
    Lo, MacKinlay (1988), Review of Financial Studies 1(1), eq. 12, 13 and 16: overlapping, unbiased
    variances; the statistic for homoskedastic increments.
    """
    n = returns.shape[-1]
    short = returns - (returns.sum(axis=-1) / n)[..., None]
    path = np.zeros((*returns.shape[:-1], n + 1))
    np.cumsum(short, axis=-1, out=path[..., 1:])
    long = path[..., span:] - path[..., :-span]
    one = np.square(short).sum(axis=-1) / (n - 1)
    one = np.where(one <= _STANDSTILL, np.nan, one)
    divisor, scale = _divisors(n, span)
    many = np.square(long).sum(axis=-1) / divisor
    z: FloatArray = (many / one - 1.0) / scale
    return z


def _divisors(n: int, span: int) -> tuple[float, float]:
    """Of the sum of squares of ``span``-bar returns for their variance per bar, and the deviation of the ratio."""
    scale = math.sqrt(2.0 * (2.0 * span - 1.0) * (span - 1.0) / (3.0 * span * n))
    return span * (n - span + 1) * (1.0 - span / n), scale


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
        self._returns: FloatArray = np.zeros(self._window)
        self._bars = 0
        self.probability = _NO_OPINION
        self._rules = (
            math.sqrt(2.0 * self._window / math.pi),
            *_divisors(self._window, settings.trend_span_bars),
            _STANDSTILL,
            settings.trend_centre,
            settings.trend_width,
            settings.trend_variance_ratio_weight,
        )
        self._kernel: Kernel | None = None

    def use_machine_code(self) -> None:
        """Have paths judged by a kernel, with the same bits; windows over 128 bars stay with NumPy."""
        if self._window <= LONGEST_WINDOW:
            sources = tuple(Path(__file__).with_name(name) for name in ("compiled_trend.py", "logistic.py"))
            self._kernel = machine_code(trend_of, (piece_sum, logistic), sources, "Regimes in machine code")

    def update(self, market_return: float) -> None:
        """Take in one log-return of the market."""
        self.update_block(np.array([market_return]))

    def update_block(self, market_returns: FloatArray) -> FloatArray:
        """Take in log-returns ``[bars]`` of the market; :attr:`probability` after each, float64 ``[bars]``."""
        window, bars = self._window, len(market_returns)
        path = np.concatenate((self._returns, market_returns))
        self._returns = path[-window:].copy()
        self._bars += bars
        warming = min(bars, max(0, window - 1 - (self._bars - bars)))
        found: FloatArray = np.full(bars, self.probability)
        if warming < bars:
            if self._kernel is None:
                recent = np.lib.stride_tricks.sliding_window_view(path, window)[1 + warming :]
                found[warming:] = self._judge(np.ascontiguousarray(recent))
            else:
                self._kernel(path, window, self._settings.trend_span_bars, self._rules, warming, found)
            self.probability = float(found[-1])
        return found

    def _judge(self, recent: FloatArray) -> list[float]:
        """Probabilities of paths ``[bars, window]``."""
        settings, found = self._settings, []
        moves: list[float] = (efficiency_ratio(recent) * self._rules[0]).tolist()
        statistics: list[float] = variance_ratio_z(recent, settings.trend_span_bars).tolist()
        for move, z in zip(moves, statistics, strict=True):
            if math.isnan(move) or math.isnan(z):
                found.append(_NO_OPINION)
                continue
            logit = (move - settings.trend_centre) / settings.trend_width
            logit += settings.trend_variance_ratio_weight * min(3.0, max(-3.0, z))
            found.append(logistic(logit))
        return found

    def state(self) -> dict[str, Any]:
        """Returns, their count and the current answer; copies."""
        return {"returns": self._returns.copy(), "bars": self._bars, "probability": self.probability}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`, bit for bit."""
        self._returns = state["returns"].copy()
        self._bars = int(state["bars"])
        self.probability = float(state["probability"])
