"""Reading the store: which pieces, which symbols, and what is held of each."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tuiconsole.domain.errors import DataError
from tuiconsole.market.history.columns import symbol_codes
from tuiconsole.market.history.manifest import Manifest, Piece
from tuiconsole.market.history.pieces import read_piece
from tuiconsole.market.history.records import Coverage


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
