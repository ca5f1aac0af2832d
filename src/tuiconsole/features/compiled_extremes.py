"""Highest values over sliding windows and their bars, for kernels; for lowest ones push the negative."""

from __future__ import annotations

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.compiled import Windows


def push_extremes(windows: Windows, count: int, channel: int, extra: FloatArray, first: int) -> None:
    """Bring the maxima of ``channel`` up to date after :func:`~tuiconsole.features.compiled.slide` of row ``count``.

    Rows ``first + 2 w`` and ``first + 2 w + 1`` of ``extra`` hold the maximum of window ``w`` and its row; of equal ones
    the newest. Only when a maximum leaves its window is the window looked through again.
    """
    kept, row, _, _, lengths, _ = windows
    size = len(kept)
    for w in range(len(lengths)):
        best, at, oldest = extra[first + 2 * w], extra[first + 2 * w + 1], count - lengths[w] + 1
        for s in range(len(best)):
            if row[channel, s] >= best[s]:
                best[s], at[s] = row[channel, s], count
            elif at[s] < oldest:
                top, place = -np.inf, count
                for bar in range(max(oldest, 0), count + 1):
                    x = kept[bar % size, channel, s]
                    if x >= top:
                        top, place = x, bar
                best[s], at[s] = top, place


def forget_extremes(extra: FloatArray, first: int, n_windows: int) -> None:
    """No maximum yet."""
    extra[first : first + 2 * n_windows : 2] = -np.inf
    extra[first + 1 : first + 2 * n_windows : 2] = -1.0
