"""What a market says: bars and quotes as columns over the symbol axis, and how good they are."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import msgspec
import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY
from tuiconsole.domain.context import QUOTE_FIELDS, BarQuotes
from tuiconsole.domain.types import BoolArray, CodeArray, FloatArray


class Quality(enum.IntEnum):
    """Verdict of the defence on one symbol's price at one bar; anything but GOOD blocks new orders on it."""

    GOOD = 0
    MISSING = 1
    NOT_POSITIVE = 2
    STALE = 3
    JUMP = 4
    BAD_RANGE = 5
    DUPLICATE = 6
    TIME_REVERSED = 7
    NEVER_SEEN = 8
    CROSSED = 9
    SPLIT_LIKE = 10


QUALITY_TEXT = {
    Quality.GOOD: "good",
    Quality.MISSING: "no price in this bar",
    Quality.NOT_POSITIVE: "price is zero or negative",
    Quality.STALE: "price has not changed for too many bars",
    Quality.JUMP: "move is beyond the robust deviations allowed; waiting for a bar that confirms the level",
    Quality.BAD_RANGE: "open or close lies outside the bar's low and high",
    Quality.DUPLICATE: "a bar with this time was already seen",
    Quality.TIME_REVERSED: "the bar's time is before the last one",
    Quality.NEVER_SEEN: "no good price seen yet",
    Quality.CROSSED: "the bid is above the ask",
    Quality.SPLIT_LIKE: "move looks like a split that no corporate action explains; waiting for a bar that confirms the level",
}


class Bars(msgspec.Struct, frozen=True, gc=False):
    """One cross-section of bars, available at ``ts``: the end of the bar, never its start.

    Attributes
    ----------
    ts
        Nanoseconds UTC at which the bar is complete and may be used.
    seq
        Position of the event on its tape, counted from 0; warm-up bars count too.
    open, high, low, close
        float64 ``[n_symbols]`` in currency units; NaN where the source has none. Close-only sources leave the
        other three NaN: they are never invented.
    volume
        float64 ``[n_symbols]`` in shares, coins or contracts; NaN where unknown.
    session
        The exchange session the bar belongs to, as days since the epoch; -1 means the UTC date of ``ts``.
    macro
        float64 ``[len(MACRO_SERIES)]``, what had been released by ``ts``; None when no source is given.
    quotes
        Quotes at the end of the bar; None when the source has none.
    members
        bool ``[n_symbols]``: belongs to the universe in this session; others take no new risk. None: all do.
    """

    ts: int
    seq: int
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    session: int = -1
    macro: FloatArray | None = None
    quotes: BarQuotes | None = None
    members: BoolArray | None = None

    @classmethod
    def close_only(cls, ts: int, seq: int, close: FloatArray) -> Bars:
        """Bars of a source that knows closes alone."""
        nothing = np.full(close.shape, np.nan)
        return cls(ts, seq, nothing, nothing, nothing, close, nothing)


@dataclass(frozen=True, slots=True)
class Quotes:
    """A batch of best quotes, one row per symbol; NaN where a side is missing. Prices in currency units."""

    ts: int
    seq: int
    bid: FloatArray
    ask: FloatArray
    bid_size: FloatArray
    ask_size: FloatArray


class ScreenedBars(msgspec.Struct, frozen=True, gc=False):
    """Bars after the defence.

    Attributes
    ----------
    bars
        The raw bars.
    price
        float64 ``[n_symbols]``: the last good close; NaN where none was ever seen. Positions are marked at it.
    quality
        int8 ``[n_symbols]`` of :class:`Quality`.
    """

    bars: Bars
    price: FloatArray
    quality: CodeArray


@dataclass(frozen=True, slots=True)
class BarBlock:
    """Consecutive bars of one tape as arrays ``[n_bars, n_symbols]``: what :class:`Bars` holds, bar upon bar.

    Attributes
    ----------
    seq
        Tape position of the first bar; the others follow without gaps.
    ts, session
        Lists of ``n_bars`` times (ns UTC, rising) and exchange sessions.
    close
        float64 ``[n_bars, n_symbols]`` in currency units; NaN where there is no bar.
    open, high, low, volume
        The same shape, or None where the source has none of it.
    nothing
        float64 ``[n_symbols]`` of NaN that stands for a missing field in :meth:`at`.
    macro
        float64 ``[n_bars, len(MACRO_SERIES)]``, or None.
    quotes
        Columns ``[n_bars, n_symbols]``, :attr:`nothing` where the source has no such column; or None.
    members
        bool ``[n_bars, n_symbols]``, or None where every symbol always belongs.
    """

    seq: int
    ts: list[int]
    session: list[int]
    close: FloatArray
    open: FloatArray | None
    high: FloatArray | None
    low: FloatArray | None
    volume: FloatArray | None
    nothing: FloatArray
    macro: FloatArray | None = None
    quotes: BarQuotes | None = None
    members: BoolArray | None = None

    def __len__(self) -> int:
        return len(self.ts)

    @property
    def days(self) -> list[int]:
        """Session of each bar: its own, or the UTC date of its time where it says -1."""
        if min(self.session, default=0) >= 0:
            return self.session
        each = zip(self.session, self.ts, strict=True)
        return [day if day >= 0 else ts // NANOSECONDS_PER_DAY for day, ts in each]

    def at(self, index: int) -> Bars:
        """The bar at ``index`` of the block; its arrays are rows of the block's."""
        nothing = self.nothing
        return Bars(
            self.ts[index],
            self.seq + index,
            nothing if self.open is None else self.open[index],
            nothing if self.high is None else self.high[index],
            nothing if self.low is None else self.low[index],
            self.close[index],
            nothing if self.volume is None else self.volume[index],
            self.session[index],
            None if self.macro is None else self.macro[index],
            self.quotes_at(index),
            None if self.members is None else self.members[index],
        )

    def quotes_at(self, index: int) -> BarQuotes | None:
        """The quotes at the end of the bar at ``index``; None where the source has none."""
        quotes = self.quotes
        if quotes is None:
            return None
        columns = (getattr(quotes, name) for name in QUOTE_FIELDS)
        return BarQuotes(*(column if column is self.nothing else column[index] for column in columns))


@dataclass(frozen=True, slots=True)
class ScreenedBlock:
    """Consecutive bars after the defence; ``price`` and ``quality`` as in :class:`ScreenedBars`, bar upon bar.

    Attributes
    ----------
    price, quality
        ``[n_bars, n_symbols]``.
    flagged
        bool per bar: some symbol's price is not good.
    all_good
        No price of the whole block is bad.
    """

    bars: BarBlock
    price: FloatArray
    quality: CodeArray
    flagged: list[bool]
    all_good: bool

    def __len__(self) -> int:
        return len(self.bars)

    def at(self, index: int) -> ScreenedBars:
        """The bar at ``index`` of the block, after the defence."""
        return ScreenedBars(self.bars.at(index), self.price[index], self.quality[index])
