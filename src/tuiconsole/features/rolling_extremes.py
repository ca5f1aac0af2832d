"""Highest values over sliding windows in constant time per bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tuiconsole.domain.types import FloatArray


class RollingExtremes:
    """Maxima of several channels over several windows at once; for minima push the negative.

    Time is cut into blocks as long as the window. A window then reaches from somewhere in the last complete block to
    the newest bar: its maximum is that of the rest of that block, computed once when the block was complete, and of
    the bars since, kept as they come. About three comparisons per bar, however long the window.

    Parameters
    ----------
    windows
        Different window lengths in bars, ascending.
    channels
        Quantities side by side.
    n_symbols
        Width of the universe.
    ages
        Whether to know as well how long ago the maximum was.

    Attributes
    ----------
    maxima
        float64 ``[n_windows, channels, n_symbols]``; ``-inf`` where no bar of the window had a value.

    References
    ----------
    M. van Herk (1992), *Pattern Recognition Letters* 13(7); J. Gil, M. Werman (1993), *IEEE PAMI* 15(5).
    """

    def __init__(self, windows: Sequence[int], channels: int, n_symbols: int, ages: bool = False) -> None:
        self.windows = tuple(windows)
        shape = (len(self.windows), channels, n_symbols)
        self.maxima: FloatArray = np.full(shape, -np.inf)
        self._size = self.windows[-1]
        self._lengths = np.array(self.windows, dtype=np.int64)
        self._offsets = np.concatenate(([0], np.cumsum(self._lengths + 1)[:-1]))
        n_rest = int((self._lengths + 1).sum())
        self._rows: FloatArray = np.full((self._size, *shape[1:]), -np.inf)
        self._since: FloatArray = np.full(shape, -np.inf)
        self._rest: FloatArray = np.full((n_rest, *shape[1:]), -np.inf)
        self._of_rest: FloatArray = np.empty(shape)
        self._ages = ages
        self._since_at: FloatArray = np.zeros(shape if ages else 0)
        self._rest_at: FloatArray = np.zeros((n_rest, *shape[1:]) if ages else 0)
        self._places = self._offsets.copy()
        """Of each window, the row of ``_rest`` that holds what is left of its last complete block."""
        self._count = 0

    def push(self, row: FloatArray) -> None:
        """Take in ``row`` ``[channels, n_symbols]``, copied; ``-inf`` where there is no value."""
        count = self._count
        for index, window in enumerate(self.windows):
            if count % window == 0:
                self._complete(index, window)
        self._rows[count % self._size] = row
        if self._ages:
            np.copyto(self._since_at, count, where=row >= self._since)
        np.maximum(self._since, row, out=self._since)
        self._places += 1
        self._rest.take(self._places, axis=0, out=self._of_rest, mode="clip")
        np.maximum(self._since, self._of_rest, out=self.maxima)
        self._count = count + 1

    def bars_since(self) -> FloatArray:
        """Bars since each maximum, ``[n_windows, channels, n_symbols]``; of equal values the newest counts."""
        newest = np.where(self._since >= self._of_rest, self._since_at, self._rest_at[self._places])
        return np.subtract(float(self._count - 1), newest, out=newest)

    def _complete(self, index: int, window: int) -> None:
        """Begin a new block: what is left of the last one, from each of its bars on."""
        slots = np.arange(self._count - window, self._count) % self._size
        backward = self._rows[slots[::-1]]
        rest = np.maximum.accumulate(backward, axis=0)
        start = int(self._offsets[index])
        self._rest[start : start + window] = rest[::-1]
        if self._ages:
            at = np.arange(self._count - 1, self._count - 1 - window, -1, dtype=np.float64)[:, None, None]
            newer = np.empty(rest.shape, dtype=np.bool_)
            newer[0] = True
            np.greater(backward[1:], rest[:-1], out=newer[1:])
            self._rest_at[start : start + window] = np.minimum.accumulate(
                np.where(newer, at, np.inf), axis=0
            )[::-1]
        self._since[index] = -np.inf
        self._places[index] = start

    def state(self) -> dict[str, Any]:
        """Rows, blocks and count; copies."""
        return {
            "rows": self._rows.copy(),
            "since": self._since.copy(),
            "rest": self._rest.copy(),
            "since_at": self._since_at.copy(),
            "rest_at": self._rest_at.copy(),
            "count": self._count,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`, bit for bit."""
        self._rows[...] = state["rows"]
        self._since[...] = state["since"]
        self._rest[...] = state["rest"]
        self._since_at[...] = state["since_at"]
        self._rest_at[...] = state["rest_at"]
        self._count = int(state["count"])
        self._places[...] = self._offsets + (self._count - 1) % self._lengths + 1
