"""What the store holds of each instrument, and what is doubtful about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, NANOSECONDS_PER_SECOND
from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.market.actions import Action, TickerMap, factors
from tuiconsole.market.dating import COINS, CURRENCIES, EXCHANGE
from tuiconsole.market.exchange_sessions import (
    ROUND_THE_CLOCK,
    WEEK,
    ExchangeSessions,
    exchange_sessions,
)
from tuiconsole.market.history.adjusting import actions_by_instrument
from tuiconsole.market.history.columns import FUTURE, REASONS
from tuiconsole.market.history.findings import (
    Gaps,
    Jump,
    Shift,
    Spike,
    session_gaps,
    spikes,
    split_like,
    volume_shifts,
)
from tuiconsole.market.history.manifest import Manifest
from tuiconsole.market.history.pieces import read_piece
from tuiconsole.market.history.reading import symbols as stored_symbols
from tuiconsole.market.history.records import Provenance
from tuiconsole.market.history.tables import ticker_map
from tuiconsole.market.history.taping import Stored, read
from tuiconsole.market.intervals import SECONDS_PER_DAY, interval_seconds
from tuiconsole.market.universes.instruments import calendar_of

_AT_ONCE = 40
_SHORT = 0.5
_NEAR_DAYS = 4
_ROWS_SHOWN = 20
_COLUMNS = ("open", "close", "volume", "flags", "origin", "row")
_TOUCH = ("bid", "ask")


@dataclass(frozen=True, slots=True)
class WrongRow:
    """A quarantined row: its time (ns UTC), what is wrong with it, and its line or row in the source (0: unknown)."""

    ts: int
    reason: str
    row: int


@dataclass(frozen=True, slots=True)
class QuoteReport:
    """Quotes beside the bars.

    Attributes
    ----------
    bars
        Bars with a bid and an ask.
    spread_bp
        Median of ask less bid over the middle, in basis points.
    crossed
        Bars whose bid is above the ask.
    """

    bars: int
    spread_bp: float
    crossed: int


@dataclass(frozen=True, slots=True)
class SymbolReport:
    """Everything about the bars of one instrument and one length.

    Attributes
    ----------
    first, last
        Times of the first and last bar, ns UTC.
    calendar
        Exchange calendar that gaps are counted against.
    gaps
        Sessions without bars, and days with bars on which the exchange was closed.
    filled
        Share of the expected bars of regular sessions that exist; 1 for daily bars.
    short_sessions
        Sessions with less than half as many of their expected bars as this instrument usually has.
    zero_volume, unknown_volume, without_close
        Bars by what they lack.
    quarantined
        Rows by what is wrong with them, rows put aside included.
    wrong_rows
        The first of these, at most 20.
    shifts
        Lasting changes of the level of volume, splits taken out.
    jumps
        Overnight jumps of raw or split-adjusted prices that look like a split and have no action.
    spikes
        Single closes far from those around them.
    splits, dividends
        Stored actions.
    origins
        Where the bars come from.
    quotes
        What is kept of bid and ask; None where nothing is.
    """

    symbol: str
    bars: int
    first: int
    last: int
    calendar: str
    gaps: Gaps
    filled: float
    short_sessions: int
    zero_volume: int
    unknown_volume: int
    without_close: int
    quarantined: Mapping[str, int]
    wrong_rows: tuple[WrongRow, ...]
    shifts: tuple[Shift, ...]
    jumps: tuple[Jump, ...]
    spikes: tuple[Spike, ...]
    splits: int
    dividends: int
    origins: tuple[Provenance, ...]
    quotes: QuoteReport | None

    @property
    def adjusted(self) -> str:
        """``"raw"``, ``"split"``, ``"total"``, or ``"mixed"`` when sources differ."""
        kinds = {origin.adjusted for origin in self.origins}
        return next(iter(kinds)) if len(kinds) == 1 else "mixed"


def inspect(
    root: Path, manifest: Manifest, interval: str, wanted: Sequence[str] | None
) -> tuple[SymbolReport, ...]:
    """A report for each instrument, default all; one that is not stored raises :class:`DataError`."""
    names = ticker_map(root, manifest)
    actions = actions_by_instrument(root, manifest, names)
    aside = _aside(root, manifest, interval, names)
    tickers = stored_symbols(root, manifest, interval)
    every = sorted({stretch.instrument for ticker in tickers for stretch in names.stretches(ticker)})
    chosen = every if wanted is None else [names.named(name) for name in wanted]
    found: list[SymbolReport] = []
    for at in range(0, len(chosen), _AT_ONCE):
        some = tuple(chosen[at : at + _AT_ONCE])
        columns = (*_COLUMNS, *(_TOUCH if interval in manifest.quoted else ()))
        part = read(root, manifest, some, interval, (None, None), names, columns, partly=wanted is None)
        for row, symbol in enumerate(part.symbols):
            found.append(
                _report(part, row, interval, manifest, actions.get(symbol, []), aside.get(symbol, []))
            )
    return tuple(found)


def _report(
    part: Stored,
    row: int,
    interval: str,
    manifest: Manifest,
    actions: Sequence[Action],
    aside: Sequence[tuple[int, int, int]],
) -> SymbolReport:
    held = ~np.isnan(part.arrays["origin"][row])
    ts = part.ts[held]
    opened, close, volume, flags, origin, row_in_source = (part.arrays[name][row][held] for name in _COLUMNS)
    symbol, seconds = part.symbols[row], interval_seconds(interval)
    calendar = _calendar(symbol, ts)
    days = part.days({ROUND_THE_CLOCK: COINS, WEEK: CURRENCIES}.get(calendar, EXCHANGE))[held]
    sessions, starts = np.unique(days, return_index=True)
    ends = np.append(starts[1:], len(days)) - 1
    expected = _sessions(calendar, manifest, interval)
    filled, short = _filled(ts, expected, seconds) if seconds < SECONDS_PER_DAY else (1.0, 0)
    traded = np.add.reduceat(np.where(volume > 0, volume, 0.0), starts)
    origins = tuple(manifest.origins[int(k)].provenance for k in np.unique(origin))
    raw = all(one.adjusted == "raw" for one in origins)
    if raw:
        traded = traded / factors(sessions, close[ends], actions, "split")
    known = np.array([action.ex_day for action in actions if action.kind == "split"], dtype=np.int64)
    jumps = [
        jump
        for jump in split_like(sessions, opened[starts], close[ends])
        if not (raw and bool((np.abs(known - jump.day) <= _NEAR_DAYS).any()))
    ]
    marked = np.flatnonzero(flags)
    wrong = [
        *zip(
            ts[marked].tolist(),
            flags[marked].astype(np.int64).tolist(),
            row_in_source[marked].astype(np.int64).tolist(),
            strict=True,
        ),
        *(one for one in aside if not (one[1] & FUTURE and np.isin(one[0], ts).item())),
    ]
    counted = {reason: sum(bool(mark & flag) for _, mark, _ in wrong) for flag, reason in REASONS.items()}
    return SymbolReport(
        symbol=symbol,
        bars=len(ts),
        first=int(ts[0]),
        last=int(ts[-1]),
        calendar=calendar,
        gaps=session_gaps(sessions, expected.days),
        filled=filled,
        short_sessions=short,
        zero_volume=int(np.count_nonzero(volume == 0)),
        unknown_volume=int(np.count_nonzero(np.isnan(volume))),
        without_close=int(np.count_nonzero(np.isnan(close))),
        quarantined={reason: n for reason, n in counted.items() if n},
        wrong_rows=tuple(
            WrongRow(at, _reasons(mark), line) for at, mark, line in sorted(wrong)[:_ROWS_SHOWN]
        ),
        shifts=volume_shifts(sessions, traded),
        jumps=tuple(jumps),
        spikes=spikes(ts, close),
        splits=sum(action.kind == "split" for action in actions),
        dividends=sum(action.kind == "dividend" for action in actions),
        origins=origins,
        quotes=_quotes(*(part.arrays[name][row][held] for name in _TOUCH)) if "bid" in part.arrays else None,
    )


def _quotes(bid: FloatArray, ask: FloatArray) -> QuoteReport | None:
    known = ~np.isnan(bid) & ~np.isnan(ask)
    if not known.any():
        return None
    bid, ask = bid[known], ask[known]
    spread = 2e4 * (ask - bid) / (ask + bid)
    return QuoteReport(len(bid), float(np.median(spread)), int(np.count_nonzero(bid > ask)))


def _sessions(calendar: str, manifest: Manifest, interval: str) -> ExchangeSessions:
    """The calendar over all that is stored of ``interval``, so that it is computed once."""
    pieces = manifest.bars[interval]
    first, last = min(piece.first for piece in pieces), max(piece.last for piece in pieces)
    return exchange_sessions(calendar, first // NANOSECONDS_PER_DAY - 1, last // NANOSECONDS_PER_DAY + 1)


def _calendar(symbol: str, ts: IntArray) -> str:
    """A market with bars on Saturdays never closes; otherwise the calendar of what the symbol names."""
    weekday = ((ts - 1) // NANOSECONDS_PER_DAY + 3) % 7
    if float(np.mean(weekday == 5)) > 0.03:
        return ROUND_THE_CLOCK
    return calendar_of(symbol)


def _filled(ts: IntArray, expected: ExchangeSessions, seconds: int) -> tuple[float, int]:
    """Share of the expected bars of open sessions that exist, and sessions far below the usual share."""
    length = seconds * NANOSECONDS_PER_SECOND
    wanted = -(-(expected.closes - expected.opens) // length)
    last = np.searchsorted(ts, expected.closes + length, side="left")
    first = np.searchsorted(ts, expected.opens, side="right")
    late = np.searchsorted(ts, expected.closes, side="right")
    count = np.where(wanted * length > expected.closes - expected.opens, last, late) - first
    share: FloatArray = np.minimum(count / wanted, 1.0)
    some = share[count > 0]
    if not len(some):
        return 0.0, 0
    return float(some.mean()), int(np.count_nonzero(some < _SHORT * float(np.median(some))))


def _reasons(mark: int) -> str:
    return ", ".join(reason for flag, reason in REASONS.items() if mark & flag)


def _aside(
    root: Path, manifest: Manifest, interval: str, names: TickerMap
) -> dict[str, list[tuple[int, int, int]]]:
    """Time, flags and line of the rows put aside, by instrument."""
    import pyarrow

    found: dict[str, list[tuple[int, int, int]]] = {}
    for piece in manifest.aside.get(interval, ()):
        table = read_piece(root, piece, ["ts", "symbol", "flags", "row"])
        moments = table.column("ts").cast(pyarrow.int64()).to_pylist()
        others = (table.column(name).to_pylist() for name in ("symbol", "flags", "row"))
        for ts, ticker, mark, line in zip(moments, *others, strict=True):
            instrument = names.instrument(ticker, ts // NANOSECONDS_PER_DAY)
            found.setdefault(instrument, []).append((ts, mark, line))
    return found
