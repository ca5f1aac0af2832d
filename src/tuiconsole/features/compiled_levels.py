"""Sums of levels, their squares and time over sliding windows, for kernels: what means, deviations and lines need.

Everything is summed of the distance to an anchor, a value
of the same symbol up to one longest window ago, because squares of whole prices would lose half of their digits.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.compiled import CompiledBank, Windows, observe_windows, slide
from tuiconsole.features.contract import Request

PRESENT, LEVEL, SQUARE, TIME, TIME_LEVEL, TIME_SQUARE = range(6)
"""Channels."""
ANCHOR, NOW = range(2)
"""Rows of what goes from bar to bar: the anchor, NaN before the first value, and the bars since it moved."""


def push_level(level: FloatArray, windows: Windows, count: int, extra: FloatArray) -> None:
    """Take in one value per symbol, NaN where there is none; ``count`` came before."""
    kept, row, _, _, _, _ = windows
    anchor, clock = extra[ANCHOR], extra[NOW]
    if clock[0] == len(kept):
        move_anchor(windows, count, extra)
    now = clock[0] + 1.0
    for s in range(len(level)):
        clock[s] = now
        anchor[s] = level[s] if np.isnan(anchor[s]) else anchor[s]
        distance = level[s] - anchor[s]
        here = 1.0 if np.isfinite(distance) else 0.0
        distance = distance if here > 0.0 else 0.0
        row[PRESENT, s] = here
        row[LEVEL, s] = distance
        row[SQUARE, s] = distance * distance
        row[TIME, s] = here * now
        row[TIME_LEVEL, s] = distance * now
        row[TIME_SQUARE, s] = here * now * now
    slide(windows, count)
    observe_windows(windows, count + 1, 0, PRESENT)


def move_anchor(windows: Windows, count: int, extra: FloatArray) -> None:
    """Let the newest value be the anchor and the newest bar's time be 0; stored rows and sums follow."""
    kept, row, sums, _, lengths, wanted = windows
    size, channels, n_symbols = kept.shape
    anchor, clock, passed = extra[ANCHOR], extra[NOW], extra[NOW, 0]
    last = kept[(count - 1) % size]
    for s in range(n_symbols):
        row[LEVEL, s] = last[LEVEL, s] * last[PRESENT, s]
        anchor[s] += row[LEVEL, s]
        clock[s] = 0.0
    for bar in range(size):
        some = kept[bar]
        for s in range(n_symbols):
            here = some[PRESENT, s]
            level, time = some[LEVEL, s] - row[LEVEL, s] * here, some[TIME, s] - passed * here
            some[LEVEL, s], some[SQUARE, s] = level, level * level
            some[TIME, s], some[TIME_LEVEL, s], some[TIME_SQUARE, s] = time, time * level, time * time
    for w in range(len(lengths)):
        for c in range(channels):
            if wanted[w, c]:
                for s in range(n_symbols):
                    sums[w, c, s] = 0.0
                for bar in range(count - lengths[w], count):
                    for s in range(n_symbols):
                        sums[w, c, s] += kept[bar % size, c, s]


class LevelBank(CompiledBank):
    """A bank of formulas over :func:`push_level`."""

    channels = 6
    first_bar = 0
    n_extra = 2

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self.extra[NOW] = 0.0
