"""Sums of levels and their squares over sliding windows, without losing digits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tuiconsole.domain.types import BoolArray, FloatArray
from tuiconsole.features.rolling_sums import RollingSums, observe

_PRESENCE, _LEVEL, _SQUARE = range(3)


class AnchoredSums:
    """What mean and deviation of a level need, over several windows at once.

    Squares of whole prices would lose half of their digits, so everything is summed of the distance to an anchor: a
    value of the same symbol up to one longest window ago. Once per longest window the anchor moves to the newest
    value and the stored rows are moved along. Rows leave within one window, so nothing accumulates.

    Parameters
    ----------
    windows
        Different window lengths in bars, ascending.
    n_symbols
        Width of the universe.

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

    def __init__(self, windows: Sequence[int], n_symbols: int) -> None:
        self._sums = RollingSums(windows, 3, n_symbols)
        self._row: FloatArray = np.zeros((3, n_symbols))
        self._longest = windows[-1]
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
        self._sums.push(row)
        self.count = self._sums.observations(present)
        self.mean = self._sums.sums[:, _LEVEL] / self.count
        return present

    def variance(self) -> FloatArray:
        """Population variances ``[n_windows, n_symbols]``; rounding may leave them slightly below zero."""
        variance = self._sums.sums[:, _SQUARE] / self.count
        variance -= self.mean * self.mean
        return variance

    def _move(self) -> None:
        """Let the newest value be the anchor."""
        newest = self._row[_LEVEL] * self._row[_PRESENCE]

        def move(rows: FloatArray) -> None:
            presence, level = rows[:, _PRESENCE], rows[:, _LEVEL]
            level -= newest * presence
            np.multiply(level, level, out=rows[:, _SQUARE])

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
