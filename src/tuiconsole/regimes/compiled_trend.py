"""The trend regime of many bars as a kernel: the steps of :mod:`tuiconsole.regimes.trend`, sums in the order of NumPy's."""

from __future__ import annotations

import math

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.regimes.logistic import logistic

Rules = tuple[float, float, float, float, float, float, float]
"""What the efficiency ratio is multiplied by to make it a move, what the sum of squares of long returns is divided by, the
deviation of the variance ratio, the variance that is a standstill, and centre, width and weight."""
LONGEST_WINDOW = 128
"""NumPy sums up to so many values in one piece."""
_LANES = 8


def piece_sum(values: FloatArray) -> float:
    """The sum of at most :data:`LONGEST_WINDOW` values as NumPy makes it: eight sums beside each other, then the rest."""
    n, total, done = len(values), 0.0, 0
    if n >= _LANES:
        a, b, c, d, e, f, g, h = (
            values[0],
            values[1],
            values[2],
            values[3],
            values[4],
            values[5],
            values[6],
            values[7],
        )
        done = n - n % _LANES
        for i in range(_LANES, done, _LANES):
            a += values[i]
            b += values[i + 1]
            c += values[i + 2]
            d += values[i + 3]
            e += values[i + 4]
            f += values[i + 5]
            g += values[i + 6]
            h += values[i + 7]
        total = ((a + b) + (c + d)) + ((e + f) + (g + h))
    for i in range(done, n):
        total += values[i]
    return total


def trend_of(path: FloatArray, window: int, span: int, rules: Rules, first: int, found: FloatArray) -> None:
    """Probability of trend over every stretch of ``window`` returns in ``path``, from its stretch ``first`` on.

    ``path`` holds ``window + bars`` returns; stretch ``i`` ends at its return ``window + i``, and ``found`` ``[bars]`` gets
    its probability.
    """
    to_move, to_variance, deviation, standstill, centre, width, weight = rules
    short, walked, squares = np.empty(window), np.zeros(window + 1), np.empty(window)
    for i in range(first, len(found)):
        recent = path[i + 1 : i + 1 + window]
        total = piece_sum(recent)
        mean = total / window
        for j in range(window):
            squares[j] = abs(recent[j])
        move = abs(total) / piece_sum(squares) * to_move
        for j in range(window):
            short[j] = recent[j] - mean
            squares[j] = short[j] * short[j]
        walk = short[0]
        walked[1] = walk
        for j in range(1, window):
            walk += short[j]
            walked[j + 1] = walk
        one = piece_sum(squares) / (window - 1)
        for j in range(window - span + 1):
            long = walked[j + span] - walked[j]
            squares[j] = long * long
        many = piece_sum(squares[: window - span + 1]) / to_variance
        if math.isnan(move) or one <= standstill:
            found[i] = 0.5
            continue
        z = (many / one - 1.0) / deviation
        logit = (move - centre) / width
        logit += weight * (3.0 if z > 3.0 else -3.0 if z < -3.0 else z)
        found[i] = logistic(logit)
