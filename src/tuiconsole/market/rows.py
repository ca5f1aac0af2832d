"""Rows as a file gives them, and how they become a tape: sorted, free of duplicates, pivoted to columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, NANOSECONDS_PER_SECOND, iso
from tuiconsole.domain.context import QUOTE_FIELDS
from tuiconsole.domain.errors import DataError
from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.market.calendar import to_utc
from tuiconsole.market.dating import Dating, dating_of
from tuiconsole.market.tape import Tape, mixture
from tuiconsole.market.universes.instruments import universe_of

REQUIRED = ("ts", "symbol", "close")
OPTIONAL = ("open", "high", "low", "volume", *QUOTE_FIELDS)
TimeKind = Literal["utc", "wall"]
_LABEL_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Rows:
    """The content of one file.

    Attributes
    ----------
    source
        The file's name, without its folder.
    ts
        int64 ``[n_rows]``: ns UTC, or ns as a wall clock reads when ``kind`` is ``"wall"``.
    codes
        int64 ``[n_rows]`` positions in ``symbols``.
    values
        float64 ``[n_rows]`` for ``close`` and whichever of :data:`OPTIONAL` the file has.
    place
        Where a row stands in the file, e.g. ``"line 7"``.
    ignored
        Names of columns that were not read.
    """

    source: str
    ts: IntArray
    kind: TimeKind
    codes: IntArray
    symbols: tuple[str, ...]
    values: Mapping[str, FloatArray]
    place: Callable[[int], str]
    ignored: tuple[str, ...]

    def symbol(self, row: int) -> str:
        """The symbol of one row."""
        return self.symbols[int(self.codes[row])]


def check_columns(source: str, names: list[str]) -> tuple[str, ...]:
    """Names that will be ignored; a header that lacks a column or has one twice is refused."""
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise DataError(
            f"{source} has no column {' and no column '.join(missing)}; it has {', '.join(names) or 'none'}.",
            "Expected ts, symbol, close and optionally open, high, low, volume, and quotes such as bid and ask.",
        )
    for name in (*REQUIRED, *OPTIONAL):
        if names.count(name) > 1:
            raise DataError(f"{source} has the column {name} {names.count(name)} times.", "Keep one of them.")
    return tuple(name for name in names if name not in REQUIRED and name not in OPTIONAL)


def tape_of(rows: Rows, timezone: str, bar_seconds: int) -> Tape:
    """Check the order of ``rows``, pivot them and say when each bar becomes available.

    Raises
    ------
    DataError
        No rows, rows out of order, a (ts, symbol) twice, or wall-clock times without a zone.
    """
    if not len(rows.ts):
        raise DataError(f"{rows.source} has a header but no rows.")
    _check_order(rows)
    order = sorted(range(len(rows.symbols)), key=rows.symbols.__getitem__)
    column_of = np.empty(len(order), dtype=np.int64)
    column_of[order] = np.arange(len(order))
    symbols = [rows.symbols[i] for i in order]
    columns = column_of[rows.codes]
    times, row_of = _distinct(rows.ts)
    flat = row_of * len(symbols) + columns
    _check_duplicates(rows, flat, len(times) * len(symbols))
    arrays: dict[str, Any] = {
        name: _pivot(rows.values[name], flat, len(times), len(symbols)) for name in rows.values
    }
    notes = _unknown_volume(arrays, rows.source)
    if rows.ignored:
        notes = (f"{rows.source}: columns not used: {', '.join(rows.ignored)}.", *notes)
    universe = universe_of(symbols)
    dating = Dating(timezone) if timezone else dating_of(universe)
    ts = _available(rows, times, timezone, dating)
    ts = ts + bar_seconds * NANOSECONDS_PER_SECOND * _intraday(rows, times)
    label = rows.source.split(".")[0][:_LABEL_LENGTH]
    tape = Tape(label, rows.source, universe, ts, dating=dating, notes=notes, **arrays)
    return replace(tape, notes=(*tape.notes, *mixture(tape)))


def _check_order(rows: Rows) -> None:
    """Accept rows sorted by time, or one block per symbol each sorted by time."""
    back = np.diff(rows.ts) < 0
    if not back.any():
        return
    changes = np.diff(rows.codes) != 0
    if len(rows.symbols) > 1 and np.count_nonzero(changes) == len(rows.symbols) - 1:
        back &= ~changes
        if not back.any():
            return
    at = int(np.argmax(back)) + 1
    before, here = iso(int(rows.ts[at - 1])), iso(int(rows.ts[at]))
    raise DataError(
        f"{rows.source}, {rows.place(at)}: time goes back from {before} to {here} ({rows.symbol(at)}).",
        "Sort the file by ts, or by symbol and then ts.",
    )


def _check_duplicates(rows: Rows, flat: IntArray, size: int) -> None:
    seen = np.zeros(size, dtype=np.bool_)
    seen[flat] = True
    if np.count_nonzero(seen) == len(flat):
        return
    first = np.unique(flat, return_index=True)[1]
    again = np.ones(len(flat), dtype=np.bool_)
    again[first] = False
    at = int(np.argmax(again))
    raise DataError(
        f"{rows.source}, {rows.place(at)}: a second row for {rows.symbol(at)} at {iso(int(rows.ts[at]))}.",
        "Keep one row for each symbol and time.",
    )


def _distinct(ts: IntArray) -> tuple[IntArray, IntArray]:
    """Distinct times in order, and the position of every row among them."""
    steps = np.diff(ts)
    if bool((steps >= 0).all()):
        new = np.concatenate((np.ones(1, dtype=np.int64), (steps > 0).astype(np.int64)))
        return ts[new.astype(np.bool_)], np.cumsum(new) - 1
    times = np.unique(ts)
    return times, np.searchsorted(times, ts)


def _pivot(values: FloatArray, flat: IntArray, n_bars: int, n_symbols: int) -> FloatArray:
    table = np.full(n_bars * n_symbols, np.nan)
    table[flat] = values
    return table.reshape(n_bars, n_symbols)


def _unknown_volume(arrays: dict[str, FloatArray], source: str) -> tuple[str, ...]:
    """Make negative volumes unknown, in place, and say so."""
    volume = arrays.get("volume")
    if volume is None:
        return ()
    negative = volume < 0.0
    count = int(np.count_nonzero(negative))
    if not count:
        return ()
    volume[negative] = np.nan
    return (f"{source}: {count} negative volumes are taken as unknown.",)


def _are_dates(rows: Rows, times: IntArray) -> bool:
    return rows.kind == "wall" and not bool((times % NANOSECONDS_PER_DAY).any())


def _intraday(rows: Rows, times: IntArray) -> int:
    return 0 if _are_dates(rows, times) else 1


def _available(rows: Rows, times: IntArray, timezone: str, dating: Dating) -> IntArray:
    """When the bars of ``times`` may be used, ns UTC; bare dates are sessions and available at their end."""
    if rows.kind == "utc":
        return times
    if _are_dates(rows, times):
        return dating.ends(times // NANOSECONDS_PER_DAY)
    if not timezone:
        raise DataError(
            f"{rows.source}: timestamps carry no time zone, so they could mean any hour.",
            'Set feed.timezone, e.g. "America/New_York" or "UTC".',
        )
    return to_utc(times, timezone)
