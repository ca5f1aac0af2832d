"""Performance measures of a series of simple returns. Pure; fractions, not percent.

Conventions follow Bacon, *Practical Portfolio Performance Measurement and Attribution* (2nd ed., 2008) and
agree with the usual packages: volatility with ``ddof = 1``, annual return geometric, Sharpe ratio from
arithmetic means. NaN where a figure is not defined.
"""

from __future__ import annotations

import math

import numpy as np

from tuiconsole.analytics.tails import downside_deviation
from tuiconsole.domain.types import FloatArray

_NAN = float("nan")
_LARGEST_LOGARITHM = 700.0
_ROUNDING = 1e-12
"""Returns that differ by less than this share of the largest one do not differ: their Sharpe ratio is not defined."""


def wealth(returns: FloatArray) -> FloatArray:
    """Growth of one unit: float64 ``[n + 1]``, starting at 1, from simple returns ``[n]``."""
    return np.concatenate(([1.0], np.cumprod(1.0 + returns)))


def total_return(returns: FloatArray) -> float:
    """Compound return over the whole series.

    >>> round(total_return(np.array([0.1, -0.1])), 10)
    -0.01
    """
    return float(np.prod(1.0 + returns)) - 1.0


def annual_return(returns: FloatArray, bars_per_year: float) -> float:
    """Geometric mean return per year (Bacon eq. 3.3); NaN without returns, -1 when all was lost, infinite beyond float64."""
    if not len(returns):
        return _NAN
    growth = float(np.prod(1.0 + returns))
    if not growth > 0:
        return -1.0
    logarithm = math.log(growth) * bars_per_year / len(returns)
    return math.expm1(logarithm) if logarithm < _LARGEST_LOGARITHM else math.inf


def volatility(returns: FloatArray, bars_per_year: float = 1.0) -> float:
    """Sample standard deviation (``ddof = 1``), scaled by the square root of time; NaN below two returns."""
    if len(returns) < 2:
        return _NAN
    return float(returns.std(ddof=1)) * math.sqrt(bars_per_year)


def sharpe(returns: FloatArray, bars_per_year: float, risk_free: float = 0.0) -> float:
    """Annual Sharpe ratio from arithmetic means (Sharpe 1994); ``risk_free`` is a return per bar."""
    deviation = volatility(returns)
    if not deviation > _ROUNDING * float(np.abs(returns).max(initial=0.0)):
        return _NAN
    return (float(np.mean(returns)) - risk_free) / deviation * math.sqrt(bars_per_year)


def sortino(returns: FloatArray, bars_per_year: float, target: float = 0.0) -> float:
    """Annual Sortino ratio (Sortino and van der Meer 1991): excess over ``target`` per downside deviation."""
    excess = float(np.mean(returns)) - target if len(returns) else _NAN
    return _ratio(excess, downside_deviation(returns, target)) * math.sqrt(bars_per_year)


def stability(returns: FloatArray) -> float:
    """How straight the logarithm of wealth grows: R² of its regression on time, from 0 to 1; NaN where nothing moved."""
    if len(returns) < 2 or not (returns > -1.0).all():
        return _NAN
    logarithm = np.cumsum(np.log1p(returns))
    if not np.ptp(logarithm) > _ROUNDING:
        return _NAN
    return float(np.corrcoef(np.arange(len(logarithm)), logarithm)[0, 1]) ** 2


def hit_rate(returns: FloatArray) -> float:
    """Share of returns above zero."""
    return float(np.mean(returns > 0)) if len(returns) else _NAN


def _ratio(numerator: float, denominator: float) -> float:
    """The quotient, or NaN where the denominator is zero or not a number."""
    return numerator / denominator if denominator > 0 else _NAN
