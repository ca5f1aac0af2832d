"""Sums of levels and their squares over sliding windows, with time beside them, without losing digits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tuiconsole.domain.types import BoolArray, FloatArray
from tuiconsole.features.rolling_sums import RollingSums, observe

_PRESENCE, _LEVEL, _SQUARE, _TIME, _TIME_LEVEL, _TIME_SQUARE = range(6)


class AnchoredSums:
    """What mean, deviation, weighted mean and straight line of a level need, over several windows at once.

    Squares of whole prices would lose half of their digits, so everything is summed of the distance to an anchor: a
    value of the same symbol up to one longest window ago. Once per longest window the anchor moves to the newest
    value, time begins again at 0, and the stored rows are moved along. Rows leave within one window, so nothing
    accumulates.

    Parameters
    ----------
    windows
        Different window lengths in bars, ascending.
    n_symbols
        Width of the universe.
    times
        Whether to sum time as well; needed for :meth:`weighted_mean` and :meth:`line`.

    Attributes
    ----------
    anchor
        ``[n_symbols]``; NaN before the first value.
    count
        Observations ``[n_windows, n_symbols]``; NaN where a window speaks of nothing (see
        :meth:`~tuiconsole.features.rolling_sums.RollingSums.observations`).
    mean
        Means ``[n_windows, n_symbols]`` less the anchor; NaN as ``count``.
    """

    def __init__(self, windows: Sequence[int], n_symbols: int, times: bool = True) -> None:
        channels = 6 if times else 3
        self._times = times
        self._sums = RollingSums(windows, channels, n_symbols)
        self._row: FloatArray = np.zeros((channels, n_symbols))
        self._longest = windows[-1]
        self._lengths: FloatArray = np.array(windows, dtype=np.float64)[:, None]
        self._now = 0
        self._anchored = False
        self.anchor: FloatArray = np.full(n_symbols, np.nan)
        self.count: FloatArray = np.full((len(windows), n_symbols), np.nan)
        self.mean: FloatArray = self.count

    def push(self, level: FloatArray) -> BoolArray:
        """Take in one value per symbol, NaN where there is none; whether there was one."""
        if not self._anchored:
            np.copyto(self.anchor, level, where=np.isnan(self.anchor))
            self._anchored = not np.isnan(self.anchor).any()
        if self._now == self._longest:
            self._move()
        self._now += 1
        row = self._row
        present = observe(level - self.anchor, row[_PRESENCE], row[_LEVEL])
        np.multiply(row[_LEVEL], row[_LEVEL], out=row[_SQUARE])
        if self._times:
            np.multiply(row[_PRESENCE], float(self._now), out=row[_TIME])
            np.multiply(row[_LEVEL], float(self._now), out=row[_TIME_LEVEL])
            np.multiply(row[_TIME], float(self._now), out=row[_TIME_SQUARE])
        self._sums.push(row)
        self.count = self._sums.observations(present)
        self.mean = self._sums.sums[:, _LEVEL] / self.count
        return present

    def variance(self) -> FloatArray:
        """Population variances ``[n_windows, n_symbols]``; rounding may leave them slightly below zero."""
        variance = self._sums.sums[:, _SQUARE] / self.count
        variance -= self.mean * self.mean
        return variance

    def weighted_mean(self) -> FloatArray:
        """Means less the anchor with weights that fall in a line, ``window`` for the newest bar and 1 for the oldest."""
        sums = self._sums.sums
        start = self._now - self._lengths
        weight = sums[:, _TIME] - start * self.count
        weighted: FloatArray = (sums[:, _TIME_LEVEL] - start * sums[:, _LEVEL]) / weight
        return weighted

    def line(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Sums of squares about the means: of time, of time and level, of level; and the newest bar's time less its mean."""
        sums = self._sums.sums
        mean_time = sums[:, _TIME] / self.count
        time = sums[:, _TIME_SQUARE] - mean_time * sums[:, _TIME]
        both = sums[:, _TIME_LEVEL] - mean_time * sums[:, _LEVEL]
        level = sums[:, _SQUARE] - self.mean * sums[:, _LEVEL]
        return time, both, level, self._now - mean_time

    def _move(self) -> None:
        """Let the newest value be the anchor, and the newest bar's time be 0."""
        newest = self._row[_LEVEL] * self._row[_PRESENCE]
        passed = float(self._now)

        def move(rows: FloatArray) -> None:
            presence, level = rows[:, _PRESENCE], rows[:, _LEVEL]
            level -= newest * presence
            np.multiply(level, level, out=rows[:, _SQUARE])
            if self._times:
                rows[:, _TIME] -= passed * presence
                np.multiply(rows[:, _TIME], level, out=rows[:, _TIME_LEVEL])
                np.multiply(rows[:, _TIME], rows[:, _TIME], out=rows[:, _TIME_SQUARE])

        self._sums.transform(move)
        self.anchor += newest
        self._now = 0

    def state(self) -> dict[str, Any]:
        """Sums, anchor, and what the next move of the anchor needs; copies."""
        return {
            "sums": self._sums.state(),
            "anchor": self.anchor.copy(),
            "row": self._row.copy(),
            "now": self._now,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`, bit for bit."""
        self._sums.restore(state["sums"])
        self.anchor[...] = state["anchor"]
        self._row[...] = state["row"]
        self._now = int(state["now"])
        self._anchored = not np.isnan(self.anchor).any()
