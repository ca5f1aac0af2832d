"""Rolling means, deviations and z-scores of many bars as a kernel: the steps of :mod:`tuiconsole.features.rolling_moments`.

What that bank keeps of a bar follows from its close and the anchor, so here it is made again where a bar leaves a window.
Loops are short and touch few arrays, because only such loops become vector instructions.
"""

from __future__ import annotations

import math

import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray

MEAN, DEVIATION = range(2)
"""Families in the plan; 2 is the z-score."""
STANDSTILL = 1e-16
"""Variance over the squared price below which the price stands still: moves of a 10^-8 part of it."""


def observe_row(close: FloatArray, anchor: FloatArray, row: FloatArray) -> None:
    """Presence, distance to the anchor and its square, one after the other in ``row`` ``[3 n_symbols]``."""
    n = len(close)
    here, distance, square = row[:n], row[n : 2 * n], row[2 * n :]
    for s in range(n):
        distance[s] = close[s] - anchor[s]
    for s in range(n):
        here[s] = 1.0 if np.isfinite(distance[s]) else 0.0
    for s in range(n):
        distance[s] = distance[s] if here[s] > 0.0 else 0.0
    for s in range(n):
        square[s] = distance[s] * distance[s]


def sum_afresh(closes: FloatArray, anchor: FloatArray, row: FloatArray, total: FloatArray) -> None:
    """Sum the rows of ``closes`` ``[window, n_symbols]`` into ``total`` ``[3 n_symbols]``; ``row`` is overwritten."""
    for i in range(len(total)):
        total[i] = 0.0
    for close in closes:
        observe_row(close, anchor, row)
        for i in range(len(total)):
            total[i] += row[i]


def count_seen(row: FloatArray, total: FloatArray, sufficient: float, seen: FloatArray) -> None:
    """Observations in a whole window, NaN where it speaks of nothing."""
    for s in range(len(seen)):
        seen[s] = total[s] if (total[s] >= sufficient) & (row[s] > 0.0) else np.nan


def write_values(
    family: int, total: FloatArray, seen: FloatArray, close: FloatArray, anchor: FloatArray, found: FloatArray
) -> None:
    """One row of values ``[n_symbols]`` from the sums of its window."""
    n = len(close)
    distance, square = total[n : 2 * n], total[2 * n :]
    if family == MEAN:
        for s in range(n):
            found[s] = distance[s] / seen[s] + anchor[s]
        return
    for s in range(n):
        mean = distance[s] / seen[s]
        variance = square[s] / seen[s] - mean * mean
        still = variance <= anchor[s] * anchor[s] * STANDSTILL
        if family == DEVIATION:
            found[s] = 0.0 if still else math.sqrt(variance)
        else:
            found[s] = np.nan if still else ((close[s] - anchor[s]) - mean) / math.sqrt(variance)


def moments_of(
    history: FloatArray,
    anchor: FloatArray,
    sums: FloatArray,
    rows: FloatArray,
    windows: IntArray,
    sufficient: FloatArray,
    plan: IntArray,
    count: int,
    out: FloatArray,
) -> None:
    """Take in the last ``len(out)`` closes of ``history``; ``count`` came before.

    Parameters
    ----------
    history
        float64 ``[longest window + bars, n_symbols]``, NaN where there is no close.
    sums, rows
        ``[n_windows, 3 n_symbols]``, and the rows of the longest window ``[window, 3 n_symbols]`` as they are at the end.
    plan
        int64 ``[k, 2]``: the family of each row of values, and the place of its window.
    out
        float64 ``[bars, k, n_symbols]``.
    """
    longest, n = windows[-1], len(anchor)
    row, leaving, seen = np.empty(3 * n), np.empty(3 * n), np.empty((len(windows), n))
    for i in range(len(out)):
        newest = longest + i
        close = history[newest]
        for s in range(n):
            anchor[s] = close[s] if np.isnan(anchor[s]) else anchor[s]
        observe_row(close, anchor, row)
        count += 1
        for w in range(len(windows)):
            window, total = windows[w], sums[w]
            if count % window:
                observe_row(history[newest - window], anchor, leaving)
                for j in range(3 * n):
                    total[j] = total[j] + row[j] - leaving[j]
            else:
                sum_afresh(history[newest + 1 - window : newest + 1], anchor, leaving, total)
            count_seen(row, total, sufficient[w] if count >= window else np.inf, seen[w])
        if count % longest == 0:
            for s in range(n):
                anchor[s] = close[s] if row[s] > 0.0 else anchor[s]
            for w in range(len(windows)):
                sum_afresh(history[newest + 1 - windows[w] : newest + 1], anchor, leaving, sums[w])
        for k in range(len(plan)):
            w = plan[k, 1]
            write_values(plan[k, 0], sums[w], seen[w], close, anchor, out[i, k])
    for j in range(longest):
        observe_row(history[len(out) + j], anchor, rows[j])


PARTS = (observe_row, sum_afresh, count_seen, write_values)
"""What :func:`moments_of` calls."""
