"""The panel: the last bars of every symbol as contiguous views, without copying."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY
from tuiconsole.domain.context import MACRO_SERIES, QUOTE_FIELDS
from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.market import BarBlock, Bars, ScreenedBars, ScreenedBlock
from tuiconsole.domain.types import BoolArray, FloatArray, IntArray

RANGES = ("open", "high", "low")
FIELDS = (*RANGES, "close", "volume", "log_close")
"""What a panel holds: prices in currency units, volume in shares, and the natural logarithm of the close."""
INPUTS = (*FIELDS, *QUOTE_FIELDS, *MACRO_SERIES, "time", "sector")
"""Everything a feature may name as its need: fields, quotes, macro series, the bar's time, the symbols' sectors."""


class Panel:
    """Histories ``[capacity, n_symbols]`` that grow downwards, one per field; any recent stretch is one slice.

    When the buffers are full their last ``window`` rows move to the top, so a bar costs one row written and
    seldom one row moved. Where a price was not GOOD every field is NaN: bad prices never reach a feature.
    Before the first bar all is NaN, so a view always has the length that was asked for. Fields that no bar
    came with share one NaN buffer.

    Parameters
    ----------
    n_symbols
        Width of the universe.
    window
        Longest history that will be asked for, in bars; at least 1.
    sectors
        int64 ``[n_symbols]`` codes from 0; -1 where unknown. None: all unknown.

    Notes
    -----
    Views are of the live buffers: they are valid until the next :meth:`push` or :meth:`push_block`.
    """

    def __init__(self, n_symbols: int, window: int, sectors: IntArray | None = None) -> None:
        if window < 1:
            raise UsageError(f"A panel needs a window of at least 1 bar, was {window}.")
        self.n_symbols = n_symbols
        self.window_bars = window
        self.count = 0
        """Bars pushed so far."""
        self.sectors: IntArray = np.full(n_symbols, -1, dtype=np.int64) if sectors is None else sectors
        self._capacity = 2 * window
        self._forget()

    def _forget(self) -> None:
        self._row = self.window_bars - 1
        self._nothing = self._empty()
        self._nothing.flags.writeable = False
        self._rings = dict.fromkeys((*RANGES, "volume", *QUOTE_FIELDS), self._nothing)
        self._rings["close"], self._rings["log_close"] = self._empty(), self._empty()
        self._moments: IntArray = np.full((self._capacity, 2), -1, dtype=np.int64)
        self._macro: FloatArray | None = None
        self.has_ranges = False
        """Whether any bar so far came with open, high and low."""
        self.has_volume = False
        """Whether any bar so far came with volume."""
        self.has_quotes = False
        """Whether any bar so far came with quotes."""

    def _empty(self) -> FloatArray:
        return np.full((self._capacity, self.n_symbols), np.nan)

    @property
    def ts(self) -> int:
        """Time of the newest bar, ns UTC; -1 before the first."""
        return int(self._moments[self._row, 0])

    @property
    def session(self) -> int:
        """Exchange session of the newest bar, days since the epoch; -1 before the first."""
        return int(self._moments[self._row, 1])

    @property
    def has_macro(self) -> bool:
        """Whether any bar so far came with macro series."""
        return self._macro is not None

    # ---- bars in -------------------------------------------------------------------------------------------

    def push(self, screened: ScreenedBars) -> None:
        """Take in one bar after the defence.

        Bars that the defence refused as a whole (see :func:`~tuiconsole.market.defence.refused`) are no bars:
        do not push them; pushed all the same, they are a row of NaN.
        """
        bars, quality = screened.bars, screened.quality
        self._welcome(
            bars,
            bars.high is not bars.low and (self.has_ranges or _known(bars.high)),
            bars.volume is not bars.open and (self.has_volume or _known(bars.volume)),
        )
        row = self._make_room(1)
        session = bars.session if bars.session >= 0 else bars.ts // NANOSECONDS_PER_DAY
        self._moments[row, 0], self._moments[row, 1] = bars.ts, session
        self._write(row, bars, (quality != 0)[None] if np.count_nonzero(quality) else None)
        self._row = row
        self.count += 1

    def push_block(self, block: ScreenedBlock) -> None:
        """Take in consecutive bars at once: the same as :meth:`push` of each of them.

        None of them may be refused as a whole. A field that comes for the first time counts as known from the
        first bar of its block (and is NaN until it comes).
        """
        bars, count = block.bars, len(block)
        self._welcome(
            bars,
            bars.high is not None and (self.has_ranges or _known(bars.high)),
            bars.volume is not None and (self.has_volume or _known(bars.volume)),
        )
        first = self._make_room(count)
        rows = slice(first, first + count)
        self._moments[rows, 0] = bars.ts
        self._moments[rows, 1] = bars.days
        self._write(rows, bars, None if block.all_good else block.quality != 0)
        self._row = first + count - 1
        self.count += count

    def _welcome(self, bars: Bars | BarBlock, ranges: bool, volume: bool) -> None:
        """Make buffers for fields that come for the first time."""
        new: tuple[str, ...] = ()
        if ranges and not self.has_ranges:
            self.has_ranges, new = True, RANGES
        if volume and not self.has_volume:
            self.has_volume, new = True, (*new, "volume")
        if bars.quotes is not None and not self.has_quotes:
            self.has_quotes, new = True, (*new, *QUOTE_FIELDS)
        for name in new:
            self._rings[name] = self._empty()
        if bars.macro is not None and self._macro is None:
            self._macro = np.full((self._capacity, len(MACRO_SERIES)), np.nan)

    def _make_room(self, bars: int) -> int:
        """Have ``bars`` free rows after the newest; returns the first of them."""
        first, window = self._row + 1, self.window_bars
        if first + bars <= self._capacity:
            return first
        kept = slice(first - window, first)
        if window + bars > self._capacity:
            self._grow(kept, window + bars)
        else:
            for ring in self._rings.values():
                if ring is not self._nothing:
                    ring[:window] = ring[kept]
            self._moments[:window] = self._moments[kept]
            if self._macro is not None:
                self._macro[:window] = self._macro[kept]
        self._row = window - 1
        return window

    def _grow(self, kept: slice, least: int) -> None:
        self._capacity = max(least, 2 * self._capacity)
        old, old_nothing, moments, macro = self._rings, self._nothing, self._moments, self._macro
        self._nothing = self._empty()
        self._nothing.flags.writeable = False
        for name, ring in old.items():
            self._rings[name] = self._nothing if ring is old_nothing else self._empty()
            if ring is not old_nothing:
                self._rings[name][: self.window_bars] = ring[kept]
        self._moments = np.full((self._capacity, 2), -1, dtype=np.int64)
        self._moments[: self.window_bars] = moments[kept]
        if macro is not None:
            self._macro = np.full((self._capacity, len(MACRO_SERIES)), np.nan)
            self._macro[: self.window_bars] = macro[kept]

    def _write(self, rows: int | slice, bars: Bars | BarBlock, bad: BoolArray | None) -> None:
        """Write one bar, or the bars of a block, where ``rows`` says."""
        rings = self._rings
        _put(rings["close"], rows, bars.close, bad)
        np.log(rings["close"][rows], out=rings["log_close"][rows])
        if self.has_ranges:
            for name in RANGES:
                _put(rings[name], rows, getattr(bars, name), bad)
        if self.has_volume:
            _put(rings["volume"], rows, bars.volume, bad)
        if self.has_quotes:
            for name in QUOTE_FIELDS:
                _put(rings[name], rows, None if bars.quotes is None else getattr(bars.quotes, name), bad)
        if self._macro is not None:
            self._macro[rows] = np.nan if bars.macro is None else bars.macro

    def replay(self, bars: int) -> Iterator[int]:
        """Stand at each of the newest ``bars`` bars in turn, oldest first; yields their index from 0.

        For what must be driven bar by bar after :meth:`push_block`. Everything this panel answers in between
        is as it was when that bar was the newest.
        """
        newest, count = self._row, self.count
        for index in range(bars):
            self._row = newest - bars + 1 + index
            self.count = count - bars + 1 + index
            yield index
        self._row, self.count = newest, count

    # ---- views out -----------------------------------------------------------------------------------------

    def window(self, field: str, length: int) -> FloatArray:
        """The last ``length`` bars, oldest first: a view ``[length, n_symbols]``; NaN before the first."""
        if not 0 < length <= self.window_bars:
            raise UsageError(f"The panel holds {self.window_bars} bars, {length} were asked for.")
        end = self._row + 1
        return self._rings[field][end - length : end]

    def stretch(self, field: str, bars: int, before: int = 0) -> FloatArray:
        """The newest ``bars`` bars and ``before`` more: a view ``[before + bars, n_symbols]``, oldest first.

        ``bars`` may be as many as the last :meth:`push_block` brought, ``before`` at most the window.
        """
        if not 0 <= before <= self.window_bars:
            raise UsageError(f"The panel holds {self.window_bars} bars; {before} before lie outside it.")
        end = self._row + 1
        return self._rings[field][end - bars - before : end]

    def macro(self, length: int) -> FloatArray:
        """Macro series as known at the last ``length`` bars, oldest first: ``[length, n_series]``, NaN where not given.

        Columns are in the order of :data:`~tuiconsole.domain.context.MACRO_SERIES`; a view, as of :meth:`window`.
        """
        if not 0 < length <= self.window_bars:
            raise UsageError(f"The panel holds {self.window_bars} bars, {length} were asked for.")
        if self._macro is None:
            return np.full((length, len(MACRO_SERIES)), np.nan)
        end = self._row + 1
        return self._macro[end - length : end]

    def macro_stretch(self, bars: int, before: int = 0) -> FloatArray:
        """Macro series at the newest ``bars`` bars and ``before`` more: see :meth:`stretch` and :meth:`macro`."""
        end = self._row + 1
        if self._macro is None:
            return np.full((before + bars, len(MACRO_SERIES)), np.nan)
        return self._macro[end - bars - before : end]

    def latest(self, field: str) -> FloatArray:
        """The newest bar of ``field``: a view ``[n_symbols]``, NaN where its price was not good."""
        row: FloatArray = self._rings[field][self._row]
        return row

    def ago(self, field: str, bars: int) -> FloatArray:
        """``field`` as it was ``bars`` bars before the newest (0 ≤ bars < window): a view ``[n_symbols]``."""
        if not 0 <= bars < self.window_bars:
            raise UsageError(f"The panel holds {self.window_bars} bars; {bars} bars ago lies outside it.")
        row: FloatArray = self._rings[field][self._row - bars]
        return row

    # ---- state ---------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """The stored bars, oldest first; logarithms are computed again on restore."""
        stored = min(self.count, self.window_bars)
        names = ["close"] + list(RANGES) * self.has_ranges + ["volume"] * self.has_volume
        names += list(QUOTE_FIELDS) * self.has_quotes
        rows = {name: self.window(name, stored).copy() for name in names} if stored else {}
        macro = self.macro(stored).copy() if stored and self._macro is not None else None
        return {
            "macro": macro,
            "moments": self._moments[self._row + 1 - stored : self._row + 1].copy(),
            "has_quotes": self.has_quotes,
            "count": self.count,
            "has_ranges": self.has_ranges,
            "has_volume": self.has_volume,
            "rows": rows,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`, bit for bit."""
        self._forget()
        self.count = int(state["count"])
        self.has_ranges, self.has_volume = bool(state["has_ranges"]), bool(state["has_volume"])
        self.has_quotes = bool(state["has_quotes"])
        for name in RANGES * self.has_ranges + ("volume",) * self.has_volume + QUOTE_FIELDS * self.has_quotes:
            self._rings[name] = self._empty()
        end = self._row + 1
        for name, rows in state["rows"].items():
            self._rings[name][end - len(rows) : end] = rows
        np.log(self._rings["close"], out=self._rings["log_close"])
        self._moments[end - len(state["moments"]) : end] = state["moments"]
        if state["macro"] is not None:
            self._macro = np.full((self._capacity, len(MACRO_SERIES)), np.nan)
            self._macro[end - len(state["macro"]) : end] = state["macro"]


def _known(values: FloatArray) -> bool:
    return not bool(np.isnan(values).all())


def _put(ring: FloatArray, rows: int | slice, values: FloatArray | None, bad: BoolArray | None) -> None:
    ring[rows] = np.nan if values is None else values
    if bad is not None:
        ring[slice(rows, rows + 1) if isinstance(rows, int) else rows][bad] = np.nan
