"""The panel: the last bars of every symbol as contiguous views, without copying."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY
from tuiconsole.domain.context import MACRO_SERIES, QUOTE_FIELDS
from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.market import Bars, ScreenedBars
from tuiconsole.domain.types import FloatArray, IntArray

RANGES = ("open", "high", "low")
FIELDS = (*RANGES, "close", "volume", "log_close")
"""What a panel holds: prices in currency units, volume in shares, and the natural logarithm of the close."""
INPUTS = (*FIELDS, *QUOTE_FIELDS, *MACRO_SERIES, "time", "sector")
"""Everything a feature may name as its need: fields, quotes, macro series, the bar's time, the symbols' sectors."""


class Panel:
    """Doubled ring buffers ``[2 * window, n_symbols]``, one per field.

    Every row is written twice, ``window`` rows apart, so any stretch of the last ``window`` bars is one
    contiguous slice. Where a price was not GOOD every field is NaN: bad prices never reach a feature. Before
    the first bar all is NaN, so a view always has the length that was asked for. Sources without ranges or
    volume share one NaN buffer for these.

    Parameters
    ----------
    n_symbols
        Width of the universe.
    window
        Longest history that will be asked for, in bars; at least 1.
    sectors
        int64 ``[n_symbols]`` codes from 0; -1 where unknown. None: all unknown.

    Attributes
    ----------
    ts, session
        Time (ns UTC) and exchange session (days since the epoch) of the newest bar; -1 before the first.

    Notes
    -----
    Views are of the live buffers: they are valid until the next :meth:`push`.
    """

    def __init__(self, n_symbols: int, window: int, sectors: IntArray | None = None) -> None:
        if window < 1:
            raise UsageError(f"A panel needs a window of at least 1 bar, was {window}.")
        self.n_symbols = n_symbols
        self.window_bars = window
        self.count = 0
        """Bars pushed so far."""
        self.sectors: IntArray = np.full(n_symbols, -1, dtype=np.int64) if sectors is None else sectors
        self.ts = self.session = -1
        self._forget()

    def _forget(self) -> None:
        self._row = self.window_bars - 1
        self._nothing = self._empty()
        self._nothing.flags.writeable = False
        self._rings = dict.fromkeys((*RANGES, "volume", *QUOTE_FIELDS), self._nothing)
        self._close = self._rings["close"] = self._empty()
        self._log_close = self._rings["log_close"] = self._empty()
        self.has_ranges = False
        """Whether any bar so far came with open, high and low."""
        self.has_volume = False
        """Whether any bar so far came with volume."""
        self.has_quotes = False
        """Whether any bar so far came with quotes."""
        self._macro: FloatArray | None = None

    def _empty(self) -> FloatArray:
        return np.full((2 * self.window_bars, self.n_symbols), np.nan)

    def push(self, screened: ScreenedBars) -> None:
        """Take in one bar after the defence.

        Bars that the defence refused as a whole (see :func:`~tuiconsole.market.defence.refused`) are no bars:
        do not push them; pushed all the same, they are a row of NaN.
        """
        bars, quality = screened.bars, screened.quality
        bad = quality != 0 if np.count_nonzero(quality) else None
        row = (self._row + 1) % self.window_bars
        twin = row + self.window_bars
        close = bars.close if bad is None else np.where(bad, np.nan, bars.close)
        self._close[row] = self._close[twin] = close
        log_close = self._log_close[row]
        np.log(close, out=log_close)
        self._log_close[twin] = log_close
        if self.has_ranges or (bars.high is not bars.low and _known(bars.high)):
            self._push_ranges(bars, bad, row, twin)
        if self.has_volume or (bars.volume is not bars.open and _known(bars.volume)):
            if not self.has_volume:
                self.has_volume = True
                self._rings["volume"] = self._empty()
            _write(self._rings["volume"], bars.volume, bad, row, twin)
        if self.has_quotes or bars.quotes is not None:
            self._push_quotes(bars, bad, row, twin)
        if self._macro is not None or bars.macro is not None:
            self._push_macro(bars, row, twin)
        self.ts = bars.ts
        self.session = bars.session if bars.session >= 0 else bars.ts // NANOSECONDS_PER_DAY
        self._row = row
        self.count += 1

    def _push_ranges(self, bars: Bars, bad: Any, row: int, twin: int) -> None:
        rings = self._rings
        if not self.has_ranges:
            self.has_ranges = True
            for name in RANGES:
                rings[name] = self._empty()
        _write(rings["open"], bars.open, bad, row, twin)
        _write(rings["high"], bars.high, bad, row, twin)
        _write(rings["low"], bars.low, bad, row, twin)

    def _push_quotes(self, bars: Bars, bad: Any, row: int, twin: int) -> None:
        if not self.has_quotes:
            self.has_quotes = True
            for name in QUOTE_FIELDS:
                self._rings[name] = self._empty()
        for name in QUOTE_FIELDS:
            values = bars.open * np.nan if bars.quotes is None else getattr(bars.quotes, name)
            _write(self._rings[name], values, bad, row, twin)

    def _push_macro(self, bars: Bars, row: int, twin: int) -> None:
        if self._macro is None:
            self._macro = np.full((2 * self.window_bars, len(MACRO_SERIES)), np.nan)
        self._macro[row] = self._macro[twin] = np.nan if bars.macro is None else bars.macro

    @property
    def has_macro(self) -> bool:
        """Whether any bar so far came with macro series."""
        return self._macro is not None

    def macro(self, length: int) -> FloatArray:
        """Macro series as known at the last ``length`` bars, oldest first: ``[length, n_series]``, NaN where not given.

        Columns are in the order of :data:`~tuiconsole.domain.context.MACRO_SERIES`; a view, as of :meth:`window`.
        """
        if not 0 < length <= self.window_bars:
            raise UsageError(f"The panel holds {self.window_bars} bars, {length} were asked for.")
        if self._macro is None:
            return np.full((length, len(MACRO_SERIES)), np.nan)
        end = self._row + self.window_bars + 1
        return self._macro[end - length : end]

    def window(self, field: str, length: int) -> FloatArray:
        """The last ``length`` bars, oldest first: a view ``[length, n_symbols]``; NaN before the first."""
        if not 0 < length <= self.window_bars:
            raise UsageError(f"The panel holds {self.window_bars} bars, {length} were asked for.")
        end = self._row + self.window_bars + 1
        return self._rings[field][end - length : end]

    def latest(self, field: str) -> FloatArray:
        """The newest bar of ``field``: a view ``[n_symbols]``, NaN where its price was not good."""
        row: FloatArray = self._rings[field][self._row + self.window_bars]
        return row

    def ago(self, field: str, bars: int) -> FloatArray:
        """``field`` as it was ``bars`` bars before the newest (0 ≤ bars < window): a view ``[n_symbols]``."""
        if not 0 <= bars < self.window_bars:
            raise UsageError(f"The panel holds {self.window_bars} bars; {bars} bars ago lies outside it.")
        row: FloatArray = self._rings[field][self._row + self.window_bars - bars]
        return row

    def state(self) -> dict[str, Any]:
        """The stored bars, oldest first, without their doubles; logarithms are computed again on restore."""
        stored = min(self.count, self.window_bars)
        names = ["close"] + list(RANGES) * self.has_ranges + ["volume"] * self.has_volume
        names += list(QUOTE_FIELDS) * self.has_quotes
        rows = {name: self.window(name, stored).copy() for name in names} if stored else {}
        macro = self.macro(stored).copy() if stored and self._macro is not None else None
        return {
            "macro": macro,
            "ts": self.ts,
            "session": self.session,
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
        self._row = (self.count - 1) % self.window_bars
        self.ts, self.session = int(state["ts"]), int(state["session"])
        self.has_quotes = bool(state["has_quotes"])
        for name in RANGES * self.has_ranges + ("volume",) * self.has_volume + QUOTE_FIELDS * self.has_quotes:
            self._rings[name] = self._empty()
        for name, rows in state["rows"].items():
            slots = np.arange(self.count - len(rows), self.count) % self.window_bars
            self._rings[name][slots] = self._rings[name][slots + self.window_bars] = rows
        np.log(self._close, out=self._log_close)
        if state["macro"] is not None:
            slots = np.arange(self.count - len(state["macro"]), self.count) % self.window_bars
            self._macro = np.full((2 * self.window_bars, len(MACRO_SERIES)), np.nan)
            self._macro[slots] = self._macro[slots + self.window_bars] = state["macro"]


def _known(values: FloatArray) -> bool:
    return not bool(np.isnan(values).all())


def _write(ring: FloatArray, values: FloatArray, bad: Any, row: int, twin: int) -> None:
    ring[row] = values
    if bad is not None:
        ring[row][bad] = np.nan
    ring[twin] = ring[row]
