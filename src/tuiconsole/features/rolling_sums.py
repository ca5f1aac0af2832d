"""Sums over sliding windows in constant time per bar, without drift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tuiconsole.domain.types import BoolArray, FloatArray

PRESENCE = 0.8
"""Share of a window's bars that must hold an observation."""


class RollingSums:
    """Sums of several channels over several windows at once.

    The newest row is added and the row that leaves each window is subtracted. Every ``window`` rows the sum
    is computed afresh from the rows themselves, so rounding errors live for one window at most and never
    accumulate; the refresh depends on the count of rows alone, so it is the same in every run.

    Parameters
    ----------
    windows
        Different window lengths in bars, ascending.
    channels
        Quantities summed. Channel 0 is by convention the presence of an observation, 1 or 0; where it is 0
        all channels must be 0.
    n_symbols
        Width of the universe.

    Attributes
    ----------
    sums
        float64 ``[n_windows, channels, n_symbols]``.
    """

    def __init__(self, windows: Sequence[int], channels: int, n_symbols: int) -> None:
        self.windows = tuple(windows)
        self.sums: FloatArray = np.zeros((len(self.windows), channels, n_symbols))
        self._size = self.windows[-1]
        self._rows: FloatArray = np.zeros((self._size, channels, n_symbols))
        self._leaving: FloatArray = np.empty_like(self.sums)
        lags = np.array(self.windows, dtype=np.int64)
        self._leaving_slots = (np.arange(self._size)[:, None] - lags) % self._size
        self._window_column: FloatArray = lags[:, None].astype(np.float64)
        self._sufficient: FloatArray = np.ceil(PRESENCE * self._window_column)
        self._count = 0

    def push(self, row: FloatArray) -> None:
        """Take in ``row`` ``[channels, n_symbols]``, copied."""
        slot = self._count % self._size
        self._rows.take(self._leaving_slots[slot], axis=0, out=self._leaving, mode="clip")
        self._rows[slot] = row
        self.sums += row
        self.sums -= self._leaving
        self._count += 1
        for index, window in enumerate(self.windows):
            if self._count % window == 0:
                self._refresh(index, window)

    def load(self, rows: FloatArray) -> None:
        """Replace the stored rows by ``rows`` ``[longest window, channels, n_symbols]``, oldest first."""
        slots = np.arange(self._count - self._size, self._count) % self._size
        self._rows[slots] = rows
        for index, window in enumerate(self.windows):
            self._refresh(index, window)

    def observations(self, present: BoolArray) -> FloatArray:
        """Observations per window ``[n_windows, n_symbols]``; NaN where the windows speak of nothing.

        That is: before the window is complete, where fewer than 80 % of its bars hold an observation, and
        where the newest bar (``present`` ``[n_symbols]``) holds none.
        """
        count: FloatArray = self.sums[:, 0]
        enough = count >= self._sufficient
        enough &= present
        if self._count < self._size:
            enough &= self._window_column <= self._count
        if np.count_nonzero(enough) == enough.size:
            return count
        return np.where(enough, count, np.nan)

    def _refresh(self, index: int, window: int) -> None:
        end = self._count % self._size or self._size
        if end >= window:
            self._rows[end - window : end].sum(axis=0, out=self.sums[index])
        else:
            older = self._rows[self._size + end - window :].sum(axis=0)
            np.add(older, self._rows[:end].sum(axis=0), out=self.sums[index])

    def state(self) -> dict[str, Any]:
        """Rows, sums and count; copies."""
        return {
            "rows": self._rows.copy(),
            "sums": self.sums.copy(),
            "count": self._count,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`, bit for bit."""
        self._rows[...] = state["rows"]
        self.sums[...] = state["sums"]
        self._count = int(state["count"])


def observe(x: FloatArray, presence: FloatArray, value: FloatArray) -> BoolArray:
    """Where ``x`` holds an observation.

    ``presence`` gets 1 there and 0 elsewhere, ``value`` gets ``x`` there and 0 elsewhere.
    """
    present = np.isfinite(x)
    presence[...] = present
    if np.count_nonzero(present) == present.size:
        value[...] = x
    else:
        value[...] = np.where(present, x, 0.0)
    return present
