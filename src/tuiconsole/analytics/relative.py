"""Returns against a benchmark: regression, tracking, market timing, and where the difference came from.

Simple returns per bar of portfolio and benchmark, equally long. NaN where a figure is not defined.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tuiconsole.analytics.performance import annual_return, volatility
from tuiconsole.domain.types import FloatArray

_NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Regression:
    """``alpha + beta * benchmark + gamma * timing term``, per bar.

    ``gamma`` is 0 where there is no timing term; ``gamma_t`` is its t statistic, NaN where there is none or no error is left.
    """

    alpha: float
    beta: float
    gamma: float = 0.0
    gamma_t: float = _NAN


def regression(returns: FloatArray, benchmark: FloatArray, risk_free: float = 0.0) -> Regression:
    """Ordinary least squares of excess returns on the benchmark's (Jensen 1968); ``risk_free`` is per bar."""
    excess, market = returns - risk_free, benchmark - risk_free
    if len(excess) < 2 or not np.ptp(market) > 0.0:
        return Regression(_NAN, _NAN)
    return Regression(*_least_squares(excess, market))


def henriksson_merton(returns: FloatArray, benchmark: FloatArray, risk_free: float = 0.0) -> Regression:
    """Timing as a free put: the third term is ``max(0, -market)`` (Henriksson and Merton 1981, eq. 3)."""
    market = benchmark - risk_free
    return _timing(returns - risk_free, market, np.maximum(-market, 0.0))


def treynor_mazuy(returns: FloatArray, benchmark: FloatArray, risk_free: float = 0.0) -> Regression:
    """Timing as curvature: the third term is ``market**2`` (Treynor and Mazuy 1966)."""
    market = benchmark - risk_free
    return _timing(returns - risk_free, market, market**2)


def _timing(excess: FloatArray, market: FloatArray, term: FloatArray) -> Regression:
    if len(excess) < 4 or not np.ptp(market) > 0.0 or not np.ptp(term) > 0.0:
        return Regression(_NAN, _NAN, _NAN)
    alpha, beta, gamma = _least_squares(excess, market, term)
    design = np.column_stack((np.ones(len(excess)), market, term))
    left = excess - design @ np.array([alpha, beta, gamma])
    variance = float(left @ left) / (len(excess) - 3) * float(np.linalg.pinv(design.T @ design)[2, 2])
    return Regression(alpha, beta, gamma, gamma / math.sqrt(variance) if variance > 0.0 else _NAN)


def _least_squares(y: FloatArray, *columns: FloatArray) -> tuple[float, ...]:
    design = np.column_stack((np.ones(len(y)), *columns))
    return tuple(np.linalg.lstsq(design, y, rcond=None)[0].tolist())


def tracking_error(returns: FloatArray, benchmark: FloatArray, bars_per_year: float) -> float:
    """Annual standard deviation (``ddof = 1``) of the difference to the benchmark."""
    return volatility(returns - benchmark, bars_per_year)


def information_ratio(returns: FloatArray, benchmark: FloatArray, bars_per_year: float) -> float:
    """Difference of the geometric annual returns per unit of tracking error (Bacon eq. 4.13)."""
    error = tracking_error(returns, benchmark, bars_per_year)
    active = annual_return(returns, bars_per_year) - annual_return(benchmark, bars_per_year)
    return active / error if error > 0 and math.isfinite(active) else _NAN


@dataclass(frozen=True, slots=True)
class Attribution:
    """Where an excess return came from, ``[n_sectors]`` each; all three together are the excess.

    Attributes
    ----------
    allocation
        From weighting sectors differently from the benchmark.
    selection
        From holding other names within the sectors, at the benchmark's weights.
    interaction
        From both at once.
    """

    allocation: FloatArray
    selection: FloatArray
    interaction: FloatArray


def brinson_fachler(
    weights: FloatArray, benchmark_weights: FloatArray, returns: FloatArray, benchmark_returns: FloatArray
) -> Attribution:
    """Attribution of one period by sector (Brinson and Fachler 1985; Bacon eq. 5.10-5.16); arrays ``[..., n_sectors]``.

    >>> parts = brinson_fachler(np.array([1.0]), np.array([1.0]), np.array([0.1]), np.array([0.04]))
    >>> round(float(parts.selection[0]), 2)
    0.06
    """
    benchmark = (benchmark_weights * benchmark_returns).sum(axis=-1, keepdims=True)
    active_weight, active_return = weights - benchmark_weights, returns - benchmark_returns
    return Attribution(
        allocation=active_weight * (benchmark_returns - benchmark),
        selection=benchmark_weights * active_return,
        interaction=active_weight * active_return,
    )
