"""Stored bars as a tape: by instrument, adjusted on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY
from tuiconsole.domain.errors import DataError
from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.market.actions import TickerMap
from tuiconsole.market.dating import EXCHANGE, Dating, dating_of
from tuiconsole.market.history.adjusting import Adjusting, actions_by_instrument, adjust
from tuiconsole.market.history.columns import VALUES, symbol_codes
from tuiconsole.market.history.manifest import Manifest
from tuiconsole.market.history.pieces import read_piece
from tuiconsole.market.history.reading import pieces_of
from tuiconsole.market.history.tables import ticker_map
from tuiconsole.market.tape import Tape, mixture
from tuiconsole.market.universes.instruments import members, universe_of
from tuiconsole.market.universes.lists import SymbolList

_ALWAYS = (-(2**63), 2**63 - 1)
_NEW_YORK_NIGHT_NS = 5 * 3_600 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Stored:
    """Bars as stored, by instrument.

    Attributes
    ----------
    ts
        int64 ``[n_bars]``, ns UTC.
    arrays
        float64 ``[n_symbols, n_bars]`` for open, high, low, close, volume, flags and origin; NaN where there is no bar.
    """

    symbols: tuple[str, ...]
    ts: IntArray
    arrays: dict[str, FloatArray]
    _days: dict[Dating, IntArray] = field(default_factory=dict)

    def days(self, dating: Dating) -> IntArray:
        """Session of each bar, int64 ``[n_bars]`` in days since 1970."""
        if dating not in self._days:
            self._days[dating] = dating.sessions(self.ts)
        return self._days[dating]


def tape(
    root: Path,
    manifest: Manifest,
    wanted: tuple[str, ...] | None,
    interval: str,
    between: tuple[int | None, int | None],
    how: Adjusting,
    chosen: SymbolList | None = None,
) -> Tape:
    """Bars of ``wanted`` as a tape; arguments and errors as the store's own method of this name."""
    partly = chosen is not None and chosen.from_file
    names = ticker_map(root, manifest)
    actions = actions_by_instrument(root, manifest, names) if how.splits or how.dividends else {}
    held = manifest.columns(interval)
    columns = (*held, "origin") if actions else held
    stored = _priced(read(root, manifest, wanted, interval, between, names, columns, partly=partly))
    if not len(stored.ts):
        raise DataError(f"The history holds no prices of {interval} in that time for those symbols.")
    arrays = dict(stored.arrays)
    if actions:
        origin = arrays.pop("origin")
        adjust(arrays, stored.days(EXCHANGE), stored.symbols, actions, origin, manifest, how)
    open_, high, low, close, volume = (np.ascontiguousarray(arrays[name].T) for name in VALUES)
    volume[volume < 0.0] = np.nan
    quotes: dict[str, Any] = {name: np.ascontiguousarray(arrays[name].T) for name in held[len(VALUES) :]}
    quotes = {name: values for name, values in quotes.items() if not np.isnan(values).all()}
    label = f"history {interval}"
    universe = universe_of(stored.symbols, chosen)
    dating = dating_of(universe)
    tape = Tape(label, label, universe, stored.ts, close, open_, high, low, volume, dating=dating, **quotes)
    tape = replace(tape, notes=(*tape.notes, *mixture(tape)))
    return tape if chosen is None else _listed(tape, chosen, names)


def _listed(tape: Tape, chosen: SymbolList, names: TickerMap) -> Tape:
    """The tape with its list's membership, and with what the list means for results."""
    held = set(tape.universe.symbols)
    missing = [symbol for symbol in chosen.symbols if names.named(symbol) not in held]
    notes = (chosen.survivorship,) if chosen.name else ()
    if missing:
        shown = ", ".join(missing[:8]) + (" …" if len(missing) > 8 else "")
        notes = (
            *notes,
            f"{len(missing)} of {len(chosen.rows)} symbols of {chosen.name} have no bars here: {shown}.",
        )
    mask = members(chosen, tape.universe.symbols, tape.sessions)
    return replace(tape, members=mask, notes=(*tape.notes, *notes))


def read(
    root: Path,
    manifest: Manifest,
    wanted: tuple[str, ...] | None,
    interval: str,
    between: tuple[int | None, int | None],
    names: TickerMap,
    columns: Sequence[str],
    *,
    partly: bool = False,
) -> Stored:
    """Bars of the instruments ``wanted`` (default all) with ``between[0] <= ts < between[1]``, unadjusted.

    Raises :class:`DataError` when there are none, or none of one that was asked for; unless ``partly``, which takes what
    there is and may be empty.
    """
    chosen = None if wanted is None else {names.named(name) for name in wanted}
    tickers = None if chosen is None else {ticker for one in chosen for ticker in names.tickers(one)}
    low, high = (limit if given is None else given for given, limit in zip(between, _ALWAYS, strict=True))
    near = [piece for piece in pieces_of(manifest, interval) if piece.first < high and piece.last >= low]
    if tickers is not None:
        near = [p for p in near if p.low <= max(tickers, default="") and p.high >= min(tickers, default="")]
    limits = None if between == (None, None) else (low, high)
    tables = [read_piece(root, piece, ["ts", "symbol", *columns], tickers, limits) for piece in near]
    parts = [_by_instrument(table, names, chosen) for table in tables if len(table)]
    held = tuple(sorted({symbol for _, _, own, _ in parts for symbol in own}))
    missing = sorted((chosen or set()) - set(held))
    if missing and not partly:
        lists = (
            f"Its lists are called {', '.join(sorted(manifest.universes))}. " if manifest.universes else ""
        )
        raise DataError(
            f"The history holds no bars of {interval} for {', '.join(missing[:8])}.",
            f"{lists}See tuiconsole data info.",
        )
    if not held and not partly:
        raise DataError(f"The history holds no bars of {interval} in that time for those symbols.")
    return _pivoted(parts, held, columns)


def _by_instrument(
    table: Any, names: TickerMap, chosen: set[str] | None
) -> tuple[IntArray, IntArray, tuple[str, ...], Any]:
    """Times and instrument codes of the rows of a table, the instruments, and the table; only the rows chosen."""
    import pyarrow

    codes, tickers = symbol_codes(table.column("symbol"))
    ts = table.column("ts").cast(pyarrow.int64()).to_numpy()
    index: dict[str, int] = {}
    first_of = np.empty(len(tickers), dtype=np.int64)
    for i, ticker in enumerate(tickers):
        stretches = names.stretches(ticker)
        at = [index.setdefault(stretch.instrument, len(index)) for stretch in stretches]
        first_of[i] = at[0]
        if len(stretches) > 1:
            rows = np.flatnonzero(codes == i)
            day = (ts[rows] - _NEW_YORK_NIGHT_NS) // NANOSECONDS_PER_DAY
            which = np.searchsorted([stretch.last for stretch in stretches], day)
            codes[rows] = -1 - np.array(at, dtype=np.int64)[which]
    codes = np.where(codes < 0, -1 - codes, first_of[np.maximum(codes, 0)])
    instruments = tuple(index)
    used = np.bincount(codes, minlength=len(instruments)) > 0
    keep = np.array([chosen is None or one in chosen for one in instruments]) & used
    if not keep.all():
        kept = keep[codes]
        table, ts, codes = table.filter(pyarrow.array(kept)), ts[kept], (np.cumsum(keep) - 1)[codes[kept]]
    return (
        ts,
        codes,
        tuple(one for one, stays in zip(instruments, keep.tolist(), strict=True) if stays),
        table,
    )


def _pivoted(
    parts: list[tuple[IntArray, IntArray, tuple[str, ...], Any]],
    held: tuple[str, ...],
    columns: Sequence[str],
) -> Stored:
    """Rows of all parts in their places; of two for one bar the later part's counts."""
    times = _distinct([ts for ts, *_ in parts])
    index = {name: i for i, name in enumerate(held)}
    arrays = {name: np.full((len(held), len(times)), np.nan) for name in columns}
    for ts, codes, own, table in parts:
        column = np.array([index[name] for name in own], dtype=np.int64)
        flat = column[codes] * len(times) + np.searchsorted(times, ts)
        for name, values in arrays.items():
            values.reshape(-1)[flat] = table.column(name).to_numpy()
    return Stored(held, times, arrays)


def _distinct(columns: list[IntArray]) -> IntArray:
    """Sorted distinct times; hashing first, because a time repeats for every symbol."""
    import pyarrow
    from pyarrow import compute

    if not columns:
        return np.empty(0, dtype=np.int64)
    parts = [compute.unique(pyarrow.array(column)).to_numpy() for column in columns]
    return np.unique(np.concatenate(parts))


def _priced(stored: Stored) -> Stored:
    """Only the times at which something has a close: a row without a price is no bar."""
    known = ~np.isnan(stored.arrays["close"]).all(axis=0)
    if known.all():
        return stored
    arrays = {name: values[:, known] for name, values in stored.arrays.items()}
    return Stored(stored.symbols, stored.ts[known], arrays)
