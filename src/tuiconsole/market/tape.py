"""A tape: a recorded market as columns, ready to be played."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tuiconsole.domain.codec import encode_state
from tuiconsole.domain.context import MACRO_SERIES, QUOTE_FIELDS, BarQuotes, PointInTime
from tuiconsole.domain.errors import DataError
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.market import BarBlock, Bars
from tuiconsole.domain.types import BoolArray, FloatArray, IntArray
from tuiconsole.market.dating import EXCHANGE, Dating
from tuiconsole.market.range_limits import limits_of, within
from tuiconsole.market.universes.instruments import told

_THURSDAY = 3
"""Weekday of 1970-01-01, Monday being 0."""
_WEEKEND_SHARE = 0.2
"""Of the sessions of a market that never closes 2 in 7 fall on a weekend, of currencies that open on Sunday 1 in 6."""
_EXCHANGE_DAYS = 252
_FIELDS = ("open", "high", "low", "close", "volume")


class BarSource(Protocol):
    """What a session plays: bars by index, whole in memory (:class:`Tape`) or growing while a live feed records them."""

    @property
    def name(self) -> str:
        """Short label for the header."""
        ...

    @property
    def universe(self) -> Universe:
        """Instruments in column order."""
        ...

    def __len__(self) -> int: ...

    def bars(self, index: int) -> Bars:
        """The cross-section at ``index``, with ``seq`` = ``index``."""
        ...

    def block(self, first: int, end: int) -> BarBlock:
        """The cross-sections ``first`` (inclusive) to ``end`` (exclusive); as :meth:`bars` of each."""
        ...


@dataclass(frozen=True, eq=False)
class Tape:
    """Bars of one universe over time, in memory, read-only.

    Attributes
    ----------
    name
        Short label for the header, e.g. ``"S&P-20"``.
    source
        ``"packaged"`` or the file's name; never a path.
    universe
        Instruments in column order.
    ts
        int64 ``[n_bars]``, ns UTC at which each bar is complete; strictly increasing.
    close
        float64 ``[n_bars, n_symbols]`` in currency units; NaN where there is no bar.
    open, high, low, volume
        The same shape, or None when the source has none of it.
    bid, ask, bid_size, ask_size, bid_depth, ask_depth, buy_volume, sell_volume
        Quotes and signed volume (see :class:`~tuiconsole.domain.context.BarQuotes`), or None.
    macro
        float64 ``[n_bars, len(MACRO_SERIES)]``, what had been released by each bar's ``ts``, or None; see
        :meth:`with_macro`.
    members
        bool ``[n_bars, n_symbols]``: the symbol belongs to the universe at that bar; outside it takes no new risk.
        None: always.
    dating
        By whose days bars are dated, and how many make a year.
    notes
        Sentences for the trader about how the source was read.
    """

    name: str
    source: str
    universe: Universe
    ts: IntArray
    close: FloatArray
    open: FloatArray | None = None
    high: FloatArray | None = None
    low: FloatArray | None = None
    volume: FloatArray | None = None
    bid: FloatArray | None = None
    ask: FloatArray | None = None
    bid_size: FloatArray | None = None
    ask_size: FloatArray | None = None
    bid_depth: FloatArray | None = None
    ask_depth: FloatArray | None = None
    buy_volume: FloatArray | None = None
    sell_volume: FloatArray | None = None
    macro: FloatArray | None = None
    members: BoolArray | None = None
    dating: Dating = EXCHANGE
    notes: tuple[str, ...] = ()
    _nothing: FloatArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse shapes and times that no tape can have, and take figures that no market has for missing; then read-only."""
        shape = (len(self.ts), len(self.universe))
        if not len(self.ts):
            raise DataError(f"{self.source} holds no bars.")
        if not bool((np.diff(self.ts) > 0).all()):
            raise DataError(
                f"{self.source}: times of bars must increase.", "Check its timestamps and time zone."
            )
        outside = 0
        for name in (*_FIELDS, *QUOTE_FIELDS, "macro"):
            values = getattr(self, name)
            if values is None:
                continue
            if name == "macro":
                shape = (len(self.ts), len(MACRO_SERIES))
            if values.shape != shape:
                raise DataError(f"{self.source}: {name} has shape {values.shape}, expected {shape}.")
            kept, count = within(np.asarray(values, dtype=np.float64), *limits_of(name, self.universe))
            outside += count
            object.__setattr__(self, name, _frozen(kept, np.float64))
        if outside:
            note = f"{outside:,} figures that no market has (a price of 1e300, say) were taken for missing."
            object.__setattr__(self, "notes", (*self.notes, note))
        if self.members is not None:
            if self.members.shape != self.close.shape:
                raise DataError(
                    f"{self.source}: members has shape {self.members.shape}, expected {self.close.shape}."
                )
            object.__setattr__(self, "members", _frozen(self.members, np.bool_))
        object.__setattr__(self, "ts", _frozen(self.ts, np.int64))
        object.__setattr__(self, "_nothing", _frozen(np.full(len(self.universe), np.nan), np.float64))

    def __len__(self) -> int:
        return len(self.ts)

    @property
    def has_ranges(self) -> bool:
        """Whether open, high and low are known."""
        return self.open is not None and self.high is not None and self.low is not None

    @cached_property
    def digest(self) -> str:
        """SHA-256 in hex over the canonical bytes of symbols, times and arrays, and what lists say about the symbols."""
        content: dict[str, object] = {"symbols": list(self.universe.symbols), "ts": self.ts}
        content.update({name: getattr(self, name) for name in _FIELDS})
        beside = {name: getattr(self, name) for name in (*QUOTE_FIELDS, "macro")}
        content.update({name: values for name, values in beside.items() if values is not None})
        content.update(
            {} if self.members is None else {"members": np.packbits(self.members).astype(np.int64)}
        )
        listed = told(self.universe)
        content.update({"instruments": [list(row) for row in listed]} if listed else {})
        return hashlib.sha256(encode_state(content)).hexdigest()

    @cached_property
    def sessions(self) -> IntArray:
        """Session of each bar, int64 ``[n_bars]``: its date by :attr:`dating` as days since the epoch.

        A bar is dated by its last moment, which is just before ``ts``: one that ends at midnight closes its day.
        """
        return self.dating.sessions(self.ts)

    @cached_property
    def bars_per_year(self) -> float | None:
        """Bars in one year: bars of a usual session times sessions in a year; None for an exchange's days, 252 a year.

        Markets that are open on weekends have 365 sessions a year, currencies 260, others 252. Where calendars are mixed a
        session counts with its mean number of bars: some have bars of a few instruments alone.
        """
        days, counts = np.unique(self.sessions, return_counts=True)
        usual = float(counts.mean() if self.dating.mixed else np.median(counts))
        weekend = np.isin((days + _THURSDAY) % 7, (5, 6))
        sessions = 365 if float(weekend.mean()) > _WEEKEND_SHARE else self.dating.days_per_year
        return None if usual < 2.0 and sessions == _EXCHANGE_DAYS else usual * sessions

    def bars(self, index: int) -> Bars:
        """The cross-section at ``index`` (0 ≤ index < len); rows are views and ``seq`` is ``index``."""
        nothing = self._nothing
        return Bars(
            int(self.ts[index]),
            index,
            nothing if self.open is None else self.open[index],
            nothing if self.high is None else self.high[index],
            nothing if self.low is None else self.low[index],
            self.close[index],
            nothing if self.volume is None else self.volume[index],
            int(self.sessions[index]),
            None if self.macro is None else self.macro[index],
            self._quotes(index) if self.has_quotes else None,
            None if self.members is None else self.members[index],
        )

    @cached_property
    def has_quotes(self) -> bool:
        """Whether any column of quotes is known."""
        return any(getattr(self, name) is not None for name in QUOTE_FIELDS)

    def _quotes(self, index: int) -> BarQuotes:
        columns = (getattr(self, name) for name in QUOTE_FIELDS)
        return BarQuotes(*(self._nothing if column is None else column[index] for column in columns))

    def with_macro(self, source: PointInTime) -> Tape:
        """The same tape with the macro series that ``source`` had released by the end of each bar."""
        return replace(self, macro=source.as_of(self.ts))

    def block(self, first: int, end: int) -> BarBlock:
        """The cross-sections ``first`` (inclusive) to ``end`` (exclusive) as views; as :meth:`bars` of each."""
        rows = slice(first, end)

        def cut(values: FloatArray | None) -> FloatArray | None:
            return None if values is None else values[rows]

        quotes = None
        if self.has_quotes:
            columns = (cut(getattr(self, name)) for name in QUOTE_FIELDS)
            quotes = BarQuotes(*(self._nothing if column is None else column for column in columns))
        return BarBlock(
            seq=first,
            ts=self.ts[rows].tolist(),
            session=self.sessions[rows].tolist(),
            close=self.close[rows],
            open=cut(self.open),
            high=cut(self.high),
            low=cut(self.low),
            volume=cut(self.volume),
            nothing=self._nothing,
            macro=cut(self.macro),
            quotes=quotes,
            members=None if self.members is None else self.members[rows],
        )

    def index_from(self, ts: int) -> int:
        """Index of the first bar at or after ``ts`` (ns UTC); ``len(self)`` when there is none."""
        return int(np.searchsorted(self.ts, ts, side="left"))

    def between(self, start: int, end: int) -> Tape:
        """The bars with ``start <= ts < end`` (ns UTC); none at all raises :class:`DataError`."""
        return self._slice(self.index_from(start), self.index_from(end))

    def tail(self, n_bars: int) -> Tape:
        """The last ``n_bars`` bars, or all when there are fewer."""
        return self._slice(max(0, len(self) - n_bars), len(self))

    def _slice(self, first: int, last: int) -> Tape:
        columns = {name: getattr(self, name) for name in (*_FIELDS, *QUOTE_FIELDS, "macro", "members")}
        cut: dict[str, Any] = {
            name: None if values is None else values[first:last] for name, values in columns.items()
        }
        return replace(self, ts=self.ts[first:last], **cut)


def _frozen(values: NDArray[Any], dtype: type[np.generic]) -> NDArray[Any]:
    view = np.ascontiguousarray(values, dtype=dtype).view()
    view.flags.writeable = False
    return view


def mixture(tape: Tape) -> tuple[str, ...]:
    """A sentence about a tape of instruments with different calendars: by whose days it is dated, how many bars make a year."""
    if not tape.dating.mixed:
        return ()
    per_year = tape.bars_per_year or float(tape.dating.days_per_year)
    return (
        f"Its instruments keep different calendars: sessions of all are dated by the clock of {tape.dating.zone}, and "
        f"{per_year:,.0f} bars make a year.",
    )
