"""Falls of a wealth curve: how deep, how long, how often; and the ratios that divide by them.

All depths are positive shares of the peak. Conventions of Bacon, *Practical Portfolio Performance Measurement and
Attribution* (2nd ed., 2008), ch. 4: the starting value is a peak too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tuiconsole.domain.types import FloatArray

_NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Drawdown:
    """One fall of a wealth curve.

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


def episodes(curve: FloatArray) -> list[Drawdown]:
    """Every fall from a peak to its recovery, deepest first; the last one may not have recovered.

    >>> [round(fall.depth, 2) for fall in episodes(np.array([1.0, 0.9, 1.0, 0.5]))]
    [0.5, 0.1]
    """
    under = np.concatenate(([False], drawdowns(curve) > 0.0, [False]))
    edges = np.flatnonzero(under[1:] != under[:-1])
    found = []
    for first, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        trough = first + int(curve[first:end].argmin())
        depth = 1.0 - float(curve[trough] / curve[first - 1])
        found.append(Drawdown(depth, first - 1, trough, end if end < len(curve) else None))
    return sorted(found, key=lambda fall: (-fall.depth, fall.peak))


def pain_index(curve: FloatArray) -> float:
    """Mean depth over the bars of a wealth curve that begins with its starting value (Becker 2006)."""
    return float(drawdowns(curve)[1:].mean()) if len(curve) > 1 else _NAN


def ulcer_index(curve: FloatArray) -> float:
    """Root mean square depth over the bars (Martin and McCann 1989; Bacon eq. 4.20)."""
    return math.sqrt(float(np.mean(drawdowns(curve)[1:] ** 2))) if len(curve) > 1 else _NAN


def calmar(annual_return: float, curve: FloatArray) -> float:
    """Annual return per unit of maximum drawdown (Young 1991), over the whole series."""
    return _ratio(annual_return, max_drawdown(curve).depth)


def sterling(annual_return: float, curve: FloatArray, excess: float = 0.1) -> float:
    """Annual return per unit of maximum drawdown plus ``excess`` (Kestner 1996; Bacon eq. 4.24)."""
    return _ratio(annual_return, max_drawdown(curve).depth + excess)


def martin(annual_return: float, curve: FloatArray, annual_risk_free: float = 0.0) -> float:
    """Annual excess return per unit of the ulcer index (Martin and McCann 1989), also called ulcer performance index."""
    return _ratio(annual_return - annual_risk_free, ulcer_index(curve))


def pain_ratio(annual_return: float, curve: FloatArray, annual_risk_free: float = 0.0) -> float:
    """Annual excess return per unit of the pain index."""
    return _ratio(annual_return - annual_risk_free, pain_index(curve))


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator > 0 else _NAN
