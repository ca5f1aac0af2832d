"""Sums over sliding windows in constant time per bar, without drift."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
        self._rows: FloatArray = np.zeros((2 * self._size, channels, n_symbols))
        self._end = self._size
        self._leaving: FloatArray = np.empty_like(self.sums)
        self._lags = np.array(self.windows, dtype=np.int64)
        self._window_column: FloatArray = self._lags[:, None].astype(np.float64)
        self._sufficient: FloatArray = np.ceil(PRESENCE * self._window_column)
        self._count = 0
        self._due = 0
        self._unbroken: dict[int, tuple[int, int]] = {}

    def _make_room(self, rows: int) -> int:
        """Have free slots for ``rows`` after the newest row; returns the first of them."""
        if self._end + rows > len(self._rows):
            kept = self._rows[self._end - self._size : self._end]
            if self._size + rows > len(self._rows):
                self._rows = np.empty((2 * (self._size + rows), *kept.shape[1:]))
            self._rows[: self._size] = kept
            self._end = self._size
        return self._end

    def push(self, row: FloatArray) -> None:
        """Take in ``row`` ``[channels, n_symbols]``, copied."""
        slot = self._end if self._end < len(self._rows) else self._make_room(1)
        self._rows.take(slot - self._lags, axis=0, out=self._leaving, mode="clip")
        self._rows[slot] = row
        self.sums += row
        self.sums -= self._leaving
        self._end = slot + 1
        self._count += 1
        if self._count >= self._due:
            for index, window in enumerate(self.windows):
                if self._count % window == 0:
                    self._refresh(index, window)
            self._due = min(window * (self._count // window + 1) for window in self.windows)

    def push_block(self, rows: FloatArray) -> FloatArray:
        """Take in ``rows`` ``[bars, channels, n_symbols]``, oldest first: bit for bit as :meth:`push` of each.

        Returns
        -------
        float64 ``[bars, n_windows, channels, n_symbols]``: the sums after each row, a fresh array.
        """
        bars = len(rows)
        first = self._make_room(bars)
        self._rows[first : first + bars] = rows
        found: FloatArray = np.empty((bars, *self.sums.shape))
        for index, window in enumerate(self.windows):
            leaving, sums, done = self._rows[first - window :], self.sums[index], 0
            while done < bars:
                until = min(bars, done + window - (self._count + done) % window)
                _run(sums, rows[done:until], leaving[done:until], found[done:until, index])
                if (self._count + until) % window == 0:
                    end = first + until
                    self._rows[end - window : end].sum(axis=0, out=found[until - 1, index])
                sums, done = found[until - 1, index], until
        if bars:
            self.sums[...] = found[-1]
        self._end, self._count, self._due = first + bars, self._count + bars, 0
        return found

    def filled_elsewhere(self, bars: int) -> FloatArray:
        """Count ``bars`` more rows, of which whoever asks works out :attr:`sums`.

        Returns
        -------
        float64 ``[longest window, channels * n_symbols]``: a view to write the stored rows into, oldest first.
        """
        self._end, self._count, self._due = self._size, self._count + bars, 0
        return self._rows[: self._size].reshape(self._size, -1)

    def load(self, rows: FloatArray) -> None:
        """Replace the stored rows by ``rows`` ``[longest window, channels, n_symbols]``, oldest first."""
        self._rows[self._end - self._size : self._end] = rows
        for index, window in enumerate(self.windows):
            self._refresh(index, window)

    def transform(self, change: Callable[[FloatArray], None]) -> None:
        """Let ``change`` rewrite the stored rows ``[longest window, channels, n_symbols]`` in place; sums follow.

        Rows come oldest first; those before the first are zeros and must stay so.
        """
        change(self._rows[self._end - self._size : self._end])
        for index, window in enumerate(self.windows):
            self._refresh(index, window)

    def observations(self, present: BoolArray, channel: int = 0) -> FloatArray:
        """Observations per window ``[n_windows, n_symbols]``; NaN where the windows speak of nothing.

        That is: before the window is complete, where fewer than 80 % of its bars hold an observation, and
        where the newest bar (``present`` ``[n_symbols]``) holds none. Banks that observe several things, some of
        them more often than others, keep one channel of presence for each.
        """
        count: FloatArray = self.sums[:, channel]
        if self._is_whole(present, channel):
            return count
        enough = count >= self._sufficient
        enough &= present
        if self._count < self._size:
            enough &= self._window_column <= self._count
        if np.count_nonzero(enough) == enough.size:
            return count
        return np.where(enough, count, np.nan)

    def _is_whole(self, present: BoolArray, channel: int) -> bool:
        """Whether no symbol missed any of the last rows of the longest window: the usual case, and known cheaply."""
        at, rows = self._unbroken.get(channel, (0, 0))
        if np.count_nonzero(present) < present.size:
            rows = 0
        elif at != self._count:
            rows = rows + 1 if at == self._count - 1 else 1
        self._unbroken[channel] = self._count, rows
        return rows >= self._size

    def observations_block(self, sums: FloatArray, present: BoolArray) -> FloatArray:
        """:meth:`observations` after each of the rows of the last :meth:`push_block`, which returned ``sums``.

        ``present`` is ``[bars, n_symbols]``, the result ``[bars, n_windows, n_symbols]``.
        """
        count: FloatArray = sums[:, :, 0]
        enough = count >= self._sufficient
        enough &= present[:, None]
        before = self._count - len(sums)
        if before < self._size:
            bars = np.arange(before + 1, self._count + 1)
            enough &= self._window_column <= bars[:, None, None]
        if np.count_nonzero(enough) == enough.size:
            return count
        return np.where(enough, count, np.nan)

    def _refresh(self, index: int, window: int) -> None:
        self._rows[self._end - window : self._end].sum(axis=0, out=self.sums[index])

    def state(self) -> dict[str, Any]:
        """Rows, sums and count; copies."""
        return {
            "rows": self._rows[self._end - self._size : self._end].copy(),
            "sums": self.sums.copy(),
            "count": self._count,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`, bit for bit."""
        self._end = self._size
        self._rows[: self._size] = state["rows"]
        self.sums[...] = state["sums"]
        self._count, self._due = int(state["count"]), 0
        self._unbroken.clear()


_NARROW = 128
"""Elements of a row up to which one accumulation over time is faster than a loop of whole rows."""


def _run(start: FloatArray, coming: FloatArray, leaving: FloatArray, out: FloatArray) -> None:
    """``out[i]`` = ``start`` plus ``coming[0]`` less ``leaving[0]`` ... less ``leaving[i]``, in this order."""
    if start.size <= _NARROW:
        steps = np.empty((2 * len(coming) + 1, *start.shape))
        steps[0] = start
        steps[1::2] = coming
        np.negative(leaving, out=steps[2::2])
        np.add.accumulate(steps, axis=0, out=steps)
        out[...] = steps[2::2]
        return
    for plus, minus, after in zip(coming, leaving, out, strict=True):
        np.add(start, plus, out=after)
        np.subtract(after, minus, out=after)
        start = after


def observe(x: FloatArray, presence: FloatArray, value: FloatArray) -> BoolArray:
    """Where ``x`` (one bar, or bars along the first axis) holds an observation.

    ``presence`` gets 1 there and 0 elsewhere, ``value`` gets ``x`` there and 0 elsewhere.
    """
    present = np.isfinite(x)
    presence[...] = present
    if np.count_nonzero(present) == present.size:
        value[...] = x
    else:
        value[...] = np.where(present, x, 0.0)
    return present


def blank(values: FloatArray, unusable: BoolArray) -> FloatArray:
    """``values`` with NaN written, in place, where they are ``unusable``: a divisor that makes no infinities."""
    if np.count_nonzero(unusable):
        values[unusable] = np.nan
    return values
