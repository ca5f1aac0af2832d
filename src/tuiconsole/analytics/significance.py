"""How much of a Sharpe ratio is luck: its error, the probability that it is real, and what many trials do to that.

Everything is per bar, not annual. Bailey and Lopez de Prado, "The Sharpe ratio efficient frontier", Journal of Risk 15 (2012);
"The deflated Sharpe ratio", Journal of Portfolio Management 40 (2014). Kurtosis is raw: 3 for a normal distribution.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

_NORMAL = NormalDist()
_EULER = 0.5772156649015329
_LEAST_BARS = 2


@dataclass(frozen=True, slots=True)
class Trials:
    """How often was tried, and how far the tries lay apart.

    Attributes
    ----------
    count
        Different trials; each counts once, however often it was run.
    variance
        Of their per-bar Sharpe ratios (``ddof = 1``); 0 with fewer than two.
    """

    count: int
    variance: float


def sharpe_error(sharpe: float, n_bars: int, skewness: float = 0.0, kurtosis: float = 3.0) -> float:
    """Standard error of a per-bar Sharpe ratio (Mertens 2002); for a normal distribution that of Lo (2002, eq. 9).

    ``sqrt((1 - skewness * SR + (kurtosis - 1) / 4 * SR**2) / n)``; NaN below two bars or where the term is not positive.
    """
    variance = 1.0 - skewness * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2
    if n_bars < _LEAST_BARS or not variance > 0.0:
        return float("nan")
    return math.sqrt(variance / n_bars)


def probabilistic_sharpe(
    sharpe: float, n_bars: int, skewness: float, kurtosis: float, against: float = 0.0
) -> float:
    """Probability that the true Sharpe ratio is above ``against``, given what was seen (2012, eq. 9).

    The error counts ``n_bars - 1`` observations, as the paper does. NaN where it is not defined.
    """
    error = sharpe_error(sharpe, n_bars - 1, skewness, kurtosis)
    if not error > 0.0:
        return float("nan")
    return _NORMAL.cdf((sharpe - against) / error)


def expected_best_sharpe(n_trials: float, variance: float) -> float:
    """Sharpe ratio that the best of ``n_trials`` strategies without any skill is expected to show (2014, eq. 1).

    Parameters
    ----------
    n_trials
        Independent trials; one or none means nothing was chosen: 0.
    variance
        Of the trials' Sharpe ratios, same units squared.

    Examples
    --------
    >>> round(expected_best_sharpe(100, 0.2), 3)  # annual figures of 100 tries over five years
    1.132
    """
    if n_trials <= 1 or not variance > 0.0:
        return 0.0
    first = _NORMAL.inv_cdf(1.0 - 1.0 / n_trials)
    second = _NORMAL.inv_cdf(1.0 - 1.0 / (n_trials * math.e))
    return max(0.0, math.sqrt(variance) * ((1.0 - _EULER) * first + _EULER * second))


def deflated_sharpe(
    sharpe: float, n_bars: int, skewness: float, kurtosis: float, n_trials: float, variance: float
) -> float:
    """Probability that the true Sharpe ratio is above 0 once it is counted that it was the best of ``n_trials`` (2014, eq. 2).

    ``variance`` is that of the per-bar Sharpe ratios of all trials. Never above :func:`probabilistic_sharpe` against 0.
    """
    best = expected_best_sharpe(n_trials, variance)
    return probabilistic_sharpe(sharpe, n_bars, skewness, kurtosis, best)


def minimum_track_record(
    sharpe: float, skewness: float, kurtosis: float, against: float = 0.0, confidence: float = 0.95
) -> float:
    """Bars needed before a per-bar Sharpe ratio is above ``against`` with ``confidence`` (2012, eq. 11).

    Infinite when it is not above ``against`` at all; NaN where it is not defined.
    """
    variance = 1.0 - skewness * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2
    if math.isnan(variance) or not variance > 0.0:
        return float("nan")
    if sharpe <= against:
        return math.inf
    return 1.0 + variance * (_NORMAL.inv_cdf(confidence) / (sharpe - against)) ** 2
