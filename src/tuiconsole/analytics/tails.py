"""The shape of returns: moments, upside against downside, and what the worst bars cost.

Simple returns per bar, fractions. Bacon, *Practical Portfolio Performance Measurement and Attribution* (2nd ed., 2008),
ch. 4; NaN where a figure is not defined.
"""

from __future__ import annotations

import math

import numpy as np

from tuiconsole.domain.types import FloatArray

_NAN = float("nan")


def skewness(returns: FloatArray) -> float:
    """Third standardised moment of the population; 0 for a normal distribution."""
    return _moment(returns, 3)


def kurtosis(returns: FloatArray) -> float:
    """Fourth standardised moment of the population, not in excess; 3 for a normal distribution."""
    return _moment(returns, 4)


def downside_deviation(returns: FloatArray, target: float = 0.0) -> float:
    """Root mean square of shortfalls below ``target`` per bar, over all observations (Bacon eq. 4.33)."""
    return math.sqrt(float(np.mean(np.minimum(returns - target, 0.0) ** 2))) if len(returns) else _NAN


def upside_risk(returns: FloatArray, target: float = 0.0) -> float:
    """Root mean square of gains above ``target`` per bar, over all observations (Bacon eq. 4.35)."""
    return math.sqrt(float(np.mean(np.maximum(returns - target, 0.0) ** 2))) if len(returns) else _NAN


def downside_potential(returns: FloatArray, target: float = 0.0) -> float:
    """Mean shortfall below ``target`` per bar, over all observations: the first lower partial moment."""
    return float(np.mean(np.maximum(target - returns, 0.0))) if len(returns) else _NAN


def upside_potential(returns: FloatArray, target: float = 0.0) -> float:
    """Mean gain above ``target`` per bar, over all observations: the first upper partial moment."""
    return float(np.mean(np.maximum(returns - target, 0.0))) if len(returns) else _NAN


def omega(returns: FloatArray, target: float = 0.0) -> float:
    """Gains above ``target`` per unit of shortfall below it (Keating and Shadwick 2002).

    With target 0 it is also the gain-loss ratio of Bernardo and Ledoit (2000).

    >>> omega(np.array([0.02, -0.01]))
    2.0
    """
    return _ratio(upside_potential(returns, target), downside_potential(returns, target))


def volatility_skewness(returns: FloatArray, target: float = 0.0) -> float:
    """Upside variance per unit of downside variance (Bacon eq. 4.39)."""
    return _ratio(upside_risk(returns, target) ** 2, downside_deviation(returns, target) ** 2)


def d_ratio(returns: FloatArray) -> float:
    """Count-weighted losses per count-weighted gains, 0 best (Dowd 2000; Bacon eq. 4.40)."""
    losses, gains = returns[returns < 0], returns[returns > 0]
    return _ratio(len(losses) * -float(losses.sum()), len(gains) * float(gains.sum()))


def mean_absolute_deviation(returns: FloatArray) -> float:
    """Mean absolute distance from the mean (Bacon eq. 4.2)."""
    return float(np.mean(np.abs(returns - returns.mean()))) if len(returns) else _NAN


def tail_ratio(returns: FloatArray, share: float = 0.05) -> float:
    """The upper quantile per unit of the lower one, absolute: 95 % against 5 % by default. Above 1 the gains reach further."""
    if not len(returns):
        return _NAN
    low, high = np.quantile(returns, (share, 1.0 - share))
    return _ratio(abs(float(high)), abs(float(low)))


def value_at_risk(returns: FloatArray, confidence: float = 0.95) -> float:
    """Historical value at risk of one bar: the loss that ``1 - confidence`` of the bars reach; positive is a loss."""
    return -float(np.quantile(returns, 1.0 - confidence)) if len(returns) else _NAN


def expected_shortfall(returns: FloatArray, confidence: float = 0.95) -> float:
    """Mean loss of the worst bars, as many as ``(n - 1) (1 - confidence)`` rounded down, plus one; positive is a loss.

    Never below :func:`value_at_risk` at the same confidence (Acerbi and Tasche 2002).
    """
    if not len(returns):
        return _NAN
    count = int((len(returns) - 1) * (1.0 - confidence) + 1e-9) + 1
    return -float(np.mean(np.partition(returns, count - 1)[:count]))


def _moment(returns: FloatArray, order: int) -> float:
    if not len(returns):
        return _NAN
    centred = returns - returns.mean()
    return _ratio(float(np.mean(centred**order)), float(np.mean(centred**2)) ** (order / 2))


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator > 0 else _NAN
