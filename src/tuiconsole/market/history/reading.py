"""Reading the store: symbols, coverage, and bars as a tape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tuiconsole.domain.errors import DataError
from tuiconsole.domain.instruments import Instrument, Universe
from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.market.history.columns import VALUES, symbol_codes
from tuiconsole.market.history.manifest import Manifest, Piece
from tuiconsole.market.history.pieces import read_piece
from tuiconsole.market.history.records import Coverage
from tuiconsole.market.sectors import sector_of
from tuiconsole.market.tape import Tape

_ALWAYS = (-(2**63), 2**63 - 1)


def pieces_of(manifest: Manifest, interval: str) -> tuple[Piece, ...]:
    """The pieces of an interval in the order of writing; none at all raises :class:`DataError`."""
    pieces = manifest.bars.get(interval, ())
    if not pieces:
        held = ", ".join(sorted(manifest.bars)) or "nothing yet"
        raise DataError(
            f"The history holds no bars of {interval}; it holds {held}.",
            "Import some: tuiconsole data import PATH",
        )
    return tuple(sorted(pieces, key=lambda piece: piece.seq))


def symbols(root: Path, manifest: Manifest, interval: str) -> tuple[str, ...]:
    """Symbols with bars of ``interval``; none when there are no such bars."""
    found: set[str] = set()
    for piece in manifest.bars.get(interval, ()):
        found.update(read_piece(root, piece, ["symbol"]).column("symbol").unique().to_pylist())
    return tuple(sorted(found))


def coverage(root: Path, manifest: Manifest, interval: str) -> tuple[Coverage, ...]:
    """What is held of each symbol."""
    import pyarrow

    tables = [
        read_piece(root, piece, ["ts", "symbol", "origin"]) for piece in manifest.bars.get(interval, ())
    ]
    if not tables:
        return ()
    table = pyarrow.concat_tables(tables)
    codes, names = symbol_codes(table.column("symbol"))
    ts = table.column("ts").cast(pyarrow.int64()).to_numpy()
    origin = table.column("origin").to_numpy()
    order = np.lexsort((ts, codes))
    ts, codes, origin = ts[order], codes[order], origin[order]
    first_of_bar = np.concatenate((np.ones(1, dtype=np.bool_), (np.diff(ts) != 0) | (np.diff(codes) != 0)))
    starts = np.searchsorted(codes, np.arange(len(names) + 1))
    found = []
    for i, name in enumerate(names):
        rows = slice(int(starts[i]), int(starts[i + 1]))
        used = [manifest.origins[k].provenance for k in np.unique(origin[rows]).tolist()]
        bars = int(np.count_nonzero(first_of_bar[rows]))
        found.append(Coverage(name, bars, int(ts[rows][0]), int(ts[rows][-1]), tuple(used)))
    return tuple(found)


def tape(
    root: Path,
    manifest: Manifest,
    wanted: tuple[str, ...] | None,
    interval: str,
    start: int | None,
    end: int | None,
) -> Tape:
    """Bars of ``wanted`` as a tape; arguments and errors as the store's own method of this name."""
    between = (_ALWAYS[0] if start is None else start, _ALWAYS[1] if end is None else end)
    chosen = None if wanted is None else set(wanted)
    near = [p for p in pieces_of(manifest, interval) if p.first < between[1] and p.last >= between[0]]
    if chosen is not None:
        near = [p for p in near if p.low <= max(chosen) and p.high >= min(chosen)]
    names = ["ts", "symbol", *VALUES]
    limits = None if start is None and end is None else between
    tables = [read_piece(root, piece, names, chosen, limits) for piece in near]
    tables = [table for table in tables if len(table)]
    if not tables:
        raise DataError(f"The history holds no bars of {interval} in that time for those symbols.")
    held = tuple(sorted({name for t in tables for name in t.column("symbol").unique().to_pylist()}))
    missing = sorted((chosen or set()) - set(held))
    if missing:
        raise DataError(
            f"The history holds no bars of {interval} for {', '.join(missing[:8])}.",
            "See tuiconsole data info.",
        )
    times, arrays = _priced(*_pivoted(tables, held))
    if not len(times):
        raise DataError(f"The history holds no prices of {interval} in that time for those symbols.")
    open_, high, low, close, volume = (arrays[name] for name in VALUES)
    universe = Universe(tuple(Instrument(symbol, sector=sector_of(symbol)) for symbol in held))
    volume[volume < 0.0] = np.nan
    label = f"history {interval}"
    return Tape(label, label, universe, times, close, open_, high, low, volume)


def _pivoted(tables: list[Any], held: tuple[str, ...]) -> tuple[IntArray, dict[str, FloatArray]]:
    """Times ``[n_bars]`` and arrays ``[n_bars, n_symbols]``; of two rows for one bar the later table's counts."""
    import pyarrow

    times = _distinct([table.column("ts").cast(pyarrow.int64()) for table in tables])
    index = {name: i for i, name in enumerate(held)}
    arrays = {name: np.full((len(held), len(times)), np.nan) for name in VALUES}
    for table in tables:
        codes, own = symbol_codes(table.column("symbol"))
        column = np.array([index[name] for name in own], dtype=np.int64)
        ts = table.column("ts").cast(pyarrow.int64()).to_numpy()
        flat = column[codes] * len(times) + np.searchsorted(times, ts)
        for name, values in arrays.items():
            values.reshape(-1)[flat] = table.column(name).to_numpy()
    return times, {name: np.ascontiguousarray(values.T) for name, values in arrays.items()}


def _priced(times: IntArray, arrays: dict[str, FloatArray]) -> tuple[IntArray, dict[str, FloatArray]]:
    """Only the times at which something has a close: a row without a price is no bar."""
    known = ~np.isnan(arrays["close"]).all(axis=1)
    if known.all():
        return times, arrays
    return times[known], {name: values[known] for name, values in arrays.items()}


def _distinct(columns: list[Any]) -> IntArray:
    parts = [np.asarray(column.unique().to_numpy(zero_copy_only=False)) for column in columns]
    return np.unique(np.concatenate(parts))
