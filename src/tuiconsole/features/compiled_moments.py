"""Rolling means, deviations and z-scores of many bars as a kernel: the steps of :mod:`tuiconsole.features.rolling_moments`.

What that bank keeps of a bar follows from its close and the anchor, so here it is made again where a bar leaves a window.
A bar with a close of every symbol takes a shorter way. Loops are short and touch few arrays, because only such loops become
vector instructions; and rows are named by their index, because every slice counts references.
"""

from __future__ import annotations

import math

import numpy as np

from tuiconsole.domain.types import BoolArray, FloatArray, IntArray

MEAN, DEVIATION = range(2)
"""Families in the plan; 2 is the z-score."""
STANDSTILL = 1e-16
"""Variance over the squared price below which the price stands still: moves of a 10^-8 part of it."""


def observe_row(history: FloatArray, bar: int, anchor: FloatArray, rows: FloatArray, place: int) -> None:
    """Presence, distance to the anchor and its square of ``bar``, one after the other in ``rows[place]``."""
    n = len(anchor)
    for s in range(n):
        rows[place, n + s] = history[bar, s] - anchor[s]
    for s in range(n):
        rows[place, s] = 1.0 if np.isfinite(rows[place, n + s]) else 0.0
    for s in range(n):
        rows[place, n + s] = rows[place, n + s] if rows[place, s] > 0.0 else 0.0
    for s in range(n):
        rows[place, 2 * n + s] = rows[place, n + s] * rows[place, n + s]


def slide_whole(
    rows: FloatArray, history: FloatArray, old: int, anchor: FloatArray, sums: FloatArray, w: int
) -> None:
    """Add ``rows[0]`` to the sums and take out the bar ``old``; both have a close of every symbol."""
    n = len(anchor)
    for s in range(n):
        sums[w, n + s] = sums[w, n + s] + rows[0, n + s] - (history[old, s] - anchor[s])
    for s in range(n):
        leaving = history[old, s] - anchor[s]
        sums[w, 2 * n + s] = sums[w, 2 * n + s] + rows[0, 2 * n + s] - leaving * leaving


def slide_any(rows: FloatArray, sums: FloatArray, w: int) -> None:
    """Add ``rows[0]`` to the sums and take out ``rows[1]``."""
    for j in range(sums.shape[1]):
        sums[w, j] = sums[w, j] + rows[0, j] - rows[1, j]


def sum_afresh(
    history: FloatArray,
    whole: BoolArray,
    newest: int,
    window: int,
    anchor: FloatArray,
    rows: FloatArray,
    sums: FloatArray,
    w: int,
) -> None:
    """Sum the rows of the ``window`` bars up to ``newest`` into ``sums[w]``; ``rows[1]`` is overwritten."""
    n = len(anchor)
    for j in range(3 * n):
        sums[w, j] = 0.0
    for bar in range(newest + 1 - window, newest + 1):
        if whole[bar]:
            for s in range(n):
                sums[w, s] += 1.0
            for s in range(n):
                sums[w, n + s] += history[bar, s] - anchor[s]
            for s in range(n):
                apart = history[bar, s] - anchor[s]
                sums[w, 2 * n + s] += apart * apart
        else:
            observe_row(history, bar, anchor, rows, 1)
            for j in range(3 * n):
                sums[w, j] += rows[1, j]


def count_seen(rows: FloatArray, sums: FloatArray, w: int, sufficient: float, seen: FloatArray) -> None:
    """Observations in a whole window, NaN where it speaks of nothing."""
    for s in range(seen.shape[1]):
        seen[w, s] = sums[w, s] if (sums[w, s] >= sufficient) & (rows[0, s] > 0.0) else np.nan


def write_values(
    family: int,
    sums: FloatArray,
    seen: FloatArray,
    w: int,
    history: FloatArray,
    bar: int,
    anchor: FloatArray,
    out: FloatArray,
    place: tuple[int, int],
) -> None:
    """One row of values ``out[place]`` from the sums of its window."""
    n = len(anchor)
    i, k = place
    if family == MEAN:
        for s in range(n):
            out[i, k, s] = sums[w, n + s] / seen[w, s] + anchor[s]
        return
    for s in range(n):
        mean = sums[w, n + s] / seen[w, s]
        variance = sums[w, 2 * n + s] / seen[w, s] - mean * mean
        still = variance <= anchor[s] * anchor[s] * STANDSTILL
        if family == DEVIATION:
            out[i, k, s] = 0.0 if still else math.sqrt(variance)
        else:
            out[i, k, s] = np.nan if still else ((history[bar, s] - anchor[s]) - mean) / math.sqrt(variance)


def moments_of(
    history: FloatArray,
    whole: BoolArray,
    anchor: FloatArray,
    sums: FloatArray,
    kept: FloatArray,
    windows: IntArray,
    sufficient: FloatArray,
    plan: IntArray,
    count: int,
    out: FloatArray,
) -> None:
    """Take in the last ``len(out)`` closes of ``history``; ``count`` came before.

    Parameters
    ----------
    history, whole
        float64 ``[longest window + bars, n_symbols]``, NaN where there is no close; and the bars that have one of every symbol.
    sums, kept
        ``[n_windows, 3 n_symbols]``, and the rows of the longest window ``[window, 3 n_symbols]`` as they are at the end.
    plan
        int64 ``[k, 2]``: the family of each row of values, and the place of its window.
    out
        float64 ``[bars, k, n_symbols]``.
    """
    longest, n = windows[-1], len(anchor)
    rows, seen = np.empty((2, 3 * n)), np.empty((len(windows), n))
    for i in range(len(out)):
        newest = longest + i
        for s in range(n):
            anchor[s] = history[newest, s] if np.isnan(anchor[s]) else anchor[s]
        observe_row(history, newest, anchor, rows, 0)
        count += 1
        for w in range(len(windows)):
            old = newest - windows[w]
            if count % windows[w] == 0:
                sum_afresh(history, whole, newest, windows[w], anchor, rows, sums, w)
            elif whole[newest] and whole[old]:
                slide_whole(rows, history, old, anchor, sums, w)
            else:
                observe_row(history, old, anchor, rows, 1)
                slide_any(rows, sums, w)
            same = i > 0 and count > windows[w] and whole[newest] and whole[newest - 1] and whole[old]
            if not same:
                count_seen(rows, sums, w, sufficient[w] if count >= windows[w] else np.inf, seen)
        if count % longest == 0:
            for s in range(n):
                anchor[s] = history[newest, s] if np.isfinite(history[newest, s]) else anchor[s]
            for w in range(len(windows)):
                sum_afresh(history, whole, newest, windows[w], anchor, rows, sums, w)
        for k in range(len(plan)):
            write_values(plan[k, 0], sums, seen, plan[k, 1], history, newest, anchor, out, (i, k))
    for j in range(longest):
        observe_row(history, len(out) + j, anchor, kept, j)


PARTS = (observe_row, slide_whole, slide_any, sum_afresh, count_seen, write_values)
"""What :func:`moments_of` calls."""
