"""Performance measures of a series of simple returns. Pure; fractions, not percent.

Conventions follow Bacon, *Practical Portfolio Performance Measurement and Attribution* (2nd ed., 2008) and
agree with the usual packages: volatility with ``ddof = 1``, annual return geometric, Sharpe ratio from
arithmetic means, downside deviation over all observations, drawdowns against the starting value too. NaN
where a figure is not defined.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tuiconsole.domain.types import FloatArray

_NAN = float("nan")


_LEAST_POINTS = 3
_SUMMARY = (
    "total_return",
    "annual_return",
    "volatility",
    "sharpe",
    "sortino",
    "calmar",
    "max_drawdown",
    "skewness",
    "kurtosis",
    "hit_rate",
)


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The deepest fall of a wealth curve.

    Attributes
    ----------
    depth
        Share of the peak that was lost, positive; 0 when the curve never fell.
    peak, trough
        Positions on the curve; position 0 is the start, before the first return.
    recovery
        First position after the trough at which the peak was reached again; None while under water.
    """

    depth: float
    peak: int
    trough: int
    recovery: int | None


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
    """Geometric mean return per year (Bacon eq. 3.3); NaN without returns, -1 when everything was lost."""
    if not len(returns):
        return _NAN
    growth = float(np.prod(1.0 + returns))
    return growth ** (bars_per_year / len(returns)) - 1.0 if growth > 0 else -1.0


def volatility(returns: FloatArray, bars_per_year: float = 1.0) -> float:
    """Sample standard deviation (``ddof = 1``), scaled by the square root of time; NaN below two returns."""
    if len(returns) < 2:
        return _NAN
    return float(returns.std(ddof=1)) * math.sqrt(bars_per_year)


def sharpe(returns: FloatArray, bars_per_year: float, risk_free: float = 0.0) -> float:
    """Annual Sharpe ratio from arithmetic means (Sharpe 1994); ``risk_free`` is a return per bar."""
    return _ratio(float(np.mean(returns)) - risk_free if len(returns) else _NAN, volatility(returns)) * (
        math.sqrt(bars_per_year)
    )


def downside_deviation(returns: FloatArray, target: float = 0.0) -> float:
    """Root mean square of shortfalls below ``target`` per bar, over all observations (Bacon eq. 4.33)."""
    return float(np.sqrt(np.mean(np.minimum(returns - target, 0.0) ** 2))) if len(returns) else _NAN


def sortino(returns: FloatArray, bars_per_year: float, target: float = 0.0) -> float:
    """Annual Sortino ratio (Sortino and van der Meer 1991): excess over ``target`` per downside deviation."""
    excess = float(np.mean(returns)) - target if len(returns) else _NAN
    return _ratio(excess, downside_deviation(returns, target)) * math.sqrt(bars_per_year)


def drawdowns(curve: FloatArray) -> FloatArray:
    """Share of the highest value so far that is lost at each point of a positive wealth curve ``[n]``."""
    return 1.0 - curve / np.maximum.accumulate(curve)


def max_drawdown(curve: FloatArray) -> Drawdown:
    """The deepest fall of a positive wealth curve ``[n]`` (prices or equity), the first one when several tie.

    >>> max_drawdown(np.array([1.0, 2.0, 1.5, 2.0]))
    Drawdown(depth=0.25, peak=1, trough=2, recovery=3)
    """
    if not len(curve):
        return Drawdown(_NAN, 0, 0, None)
    fall = drawdowns(curve)
    trough = int(fall.argmax())
    peak = int(curve[: trough + 1].argmax())
    back = np.flatnonzero(curve[trough:] >= curve[peak])
    return Drawdown(float(fall[trough]), peak, trough, trough + int(back[0]) if len(back) else None)


def calmar(returns: FloatArray, bars_per_year: float) -> float:
    """Annual return per unit of maximum drawdown (Young 1991), over the whole series."""
    return _ratio(annual_return(returns, bars_per_year), max_drawdown(wealth(returns)).depth)


def skewness(returns: FloatArray) -> float:
    """Third standardised moment of the population; 0 for a normal distribution."""
    return _moment(returns, 3)


def kurtosis(returns: FloatArray) -> float:
    """Fourth standardised moment of the population, not in excess; 3 for a normal distribution."""
    return _moment(returns, 4)


def hit_rate(returns: FloatArray) -> float:
    """Share of returns above zero."""
    return float(np.mean(returns > 0)) if len(returns) else _NAN


def summary(equity: FloatArray, capital: float, bars_per_year: float) -> dict[str, float | None]:
    """The figures of one equity curve by name; None where a figure is not defined.

    Parameters
    ----------
    equity
        float64 ``[n_bars]`` in currency units, at the end of each bar; ``capital`` is the equity before the first.

    Examples
    --------
    >>> summary(np.array([110.0, 99.0]), 100.0, 252.0)["max_drawdown"]
    0.1
    """
    curve = np.concatenate(([capital], equity))
    if len(curve) < _LEAST_POINTS:
        return dict.fromkeys(_SUMMARY)
    returns = curve[1:] / curve[:-1] - 1.0
    figures = (
        total_return(returns),
        annual_return(returns, bars_per_year),
        volatility(returns, bars_per_year),
        sharpe(returns, bars_per_year),
        sortino(returns, bars_per_year),
        calmar(returns, bars_per_year),
        round(max_drawdown(curve).depth, 12),
        skewness(returns),
        kurtosis(returns),
        hit_rate(returns),
    )
    named = zip(_SUMMARY, (float(value) for value in figures), strict=True)
    return {name: value if np.isfinite(value) else None for name, value in named}


def turnover(traded: FloatArray, equity: FloatArray, bars_per_year: float) -> float:
    """Money traded per year as a multiple of equity, both sides counted.

    Parameters
    ----------
    traded
        float64 ``[n]`` absolute money traded at each bar.
    equity
        float64 ``[n]`` equity at each bar, same currency.
    """
    if not len(traded):
        return _NAN
    return _ratio(float(np.mean(traded)), float(np.mean(equity))) * bars_per_year


def _moment(returns: FloatArray, order: int) -> float:
    if not len(returns):
        return _NAN
    centred = returns - returns.mean()
    return _ratio(float(np.mean(centred**order)), float(np.mean(centred**2)) ** (order / 2))


def _ratio(numerator: float, denominator: float) -> float:
    """The quotient, or NaN where the denominator is zero or not a number."""
    return numerator / denominator if denominator > 0 else _NAN
