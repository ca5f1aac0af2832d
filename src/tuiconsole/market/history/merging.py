"""New rows against stored ones: which are new, which differ, and how many pieces of a bucket become one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tuiconsole.domain.context import QUOTE_FIELDS
from tuiconsole.domain.types import BoolArray, IntArray
from tuiconsole.market.history.columns import VALUES, Columns, columns_of, equal, sort
from tuiconsole.market.history.manifest import Piece
from tuiconsole.market.history.pieces import read_piece, write_piece
from tuiconsole.market.history.records import CHANGES_SHOWN, Change


@dataclass(frozen=True, slots=True)
class Compared:
    """Outcome of a comparison: masks ``[n]`` over the new rows, and the first replaced values."""

    new: BoolArray
    changed: BoolArray
    changes: tuple[Change, ...]


def completed(
    root: Path, pieces: tuple[Piece, ...], given: Columns, origin: int, middles: frozenset[int]
) -> tuple[Columns, IntArray]:
    """``given`` with what stored rows know and it does not, and the origin of each row's prices, int64 ``[n]``.

    A bar's prices and its quotes may come from two sources. Prices that are the middle of bid and ask never replace those of
    trades, and rows without columns of quotes leave the stored quotes as they are.

    Parameters
    ----------
    middles
        Origins whose prices are the middle of bid and ask.
    """
    origins = np.full(len(given), origin, dtype=np.int64)
    stored = _stored(root, pieces, given, (*VALUES, *QUOTE_FIELDS), ("origin",))
    if stored is None or not len(stored[0]):
        return given, origins
    held, extra = stored
    at, found = _positions(held, given)
    here, there = np.flatnonzero(found), at[found]
    values = {name: column.copy() for name, column in given.values.items()}
    for name in QUOTE_FIELDS:
        if name not in given.values and not np.isnan(held.values[name][there]).all():
            values[name] = np.full(len(given), np.nan)
            values[name][here] = held.values[name][there]
    flags = given.flags.copy()
    if origin in middles:
        traded = ~np.isin(extra["origin"][there], sorted(middles)) & ~np.isnan(held.values["close"][there])
        here, there = here[traded], there[traded]
        for name in VALUES:
            values[name][here] = held.values[name][there]
        flags[here], origins[here] = held.flags[there], extra["origin"][there]
    return Columns(given.ts, given.codes, given.symbols, values, flags, given.row), origins


def compare(root: Path, pieces: tuple[Piece, ...], given: Columns) -> Compared:
    """Compare ``given`` (sorted, of one bucket) with what ``pieces`` of that bucket hold."""
    found_rows = _stored(root, pieces, given, tuple(given.values))
    new = np.ones(len(given), dtype=np.bool_)
    if found_rows is None or not len(found_rows[0]):
        return Compared(new, ~new, ())
    stored = found_rows[0]
    at, found = _positions(stored, given)
    new[found] = False
    here, there = np.flatnonzero(found), at[found]
    same = np.ones(len(here), dtype=np.bool_)
    for name in given.values:
        same &= equal(given.values[name][here], stored.values[name][there])
    changed = np.zeros(len(given), dtype=np.bool_)
    changed[here[~same]] = True
    return Compared(new, changed, _changes(given, here[~same], stored, there[~same]))


def _stored(
    root: Path, pieces: tuple[Piece, ...], given: Columns, values: tuple[str, ...], more: tuple[str, ...] = ()
) -> tuple[Columns, dict[str, IntArray]] | None:
    """The stored rows of the symbols and the time of ``given``, each bar once, and more columns of theirs.

    None when no piece can hold any.
    """
    import pyarrow

    first, last = int(given.ts.min()), int(given.ts.max())
    symbols = {given.symbols[i] for i in np.unique(given.codes).tolist()}
    low, high = min(symbols), max(symbols)
    near = [
        piece
        for piece in pieces
        if piece.first <= last and piece.last >= first and piece.low <= high and piece.high >= low
    ]
    if not near:
        return None
    names = ["ts", "symbol", *values, *more]
    table = pyarrow.concat_tables(
        [read_piece(root, piece, names, symbols, (first, last + 1)) for piece in near]
    )
    if not more:
        return sort(columns_of(table))[0], {}
    kept = sort(columns_of(table.append_column("row", _numbered(len(table)))))[0]
    return kept, {name: table.column(name).to_numpy()[kept.row].astype(np.int64) for name in more}


def _positions(stored: Columns, given: Columns) -> tuple[IntArray, BoolArray]:
    """Where each given bar stands in ``stored``, and whether it does."""
    times = np.unique(np.concatenate((stored.ts, given.ts)))
    index = {name: i for i, name in enumerate(given.symbols)}
    translation = np.array([index[name] for name in stored.symbols], dtype=np.int64)
    key = translation[stored.codes] * len(times) + np.searchsorted(times, stored.ts)
    wanted = given.codes * len(times) + np.searchsorted(times, given.ts)
    at = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
    return at, key[at] == wanted


def _changes(given: Columns, here: IntArray, stored: Columns, there: IntArray) -> tuple[Change, ...]:
    found: list[Change] = []
    for mine, theirs in zip(here[:CHANGES_SHOWN].tolist(), there[:CHANGES_SHOWN].tolist(), strict=True):
        for name in given.values:
            before, after = float(stored.values[name][theirs]), float(given.values[name][mine])
            if before != after and not (np.isnan(before) and np.isnan(after)):
                symbol = given.symbols[int(given.codes[mine])]
                found.append(Change(symbol, int(given.ts[mine]), name, before, after))
    return tuple(found[:CHANGES_SHOWN])


def worth_joining(pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """Which of a bucket's pieces (by ``seq``) become one when they are too many: the newest, and older ones of like size.

    A piece is taken along while it is at most twice as large as all newer ones together, so that a large piece is not
    written again for every few small ones: n writes cost n log n. Only the newest may be joined, because the joined piece
    counts before all that were left out.
    """
    ordered = sorted(pieces, key=lambda piece: piece.seq)
    taken, rows = [ordered.pop()], 0
    while ordered:
        rows += taken[0].rows
        if ordered[-1].rows > 2 * rows and len(taken) > 1:
            break
        taken.insert(0, ordered.pop())
    return tuple(taken)


def join(
    root: Path, folder: str, pieces: tuple[Piece, ...], seq: int, held: tuple[str, ...] = VALUES
) -> Piece:
    """One new piece with the newest row of every bar in ``pieces``, which are of one bucket; ``held`` names its values."""
    import pyarrow

    names = ["ts", "symbol", *held, "row", "origin", "seq"]
    table = pyarrow.concat_tables(
        [read_piece(root, piece, names) for piece in sorted(pieces, key=lambda p: p.seq)]
    )
    columns = columns_of(table.set_column(table.column_names.index("row"), "row", _numbered(len(table))))
    kept = sort(columns)[0]
    rows = {name: table.column(name).to_numpy() for name in ("row", "origin", "seq")}
    whole = Columns(kept.ts, kept.codes, kept.symbols, kept.values, kept.flags, rows["row"][kept.row])
    origin, seqs = rows["origin"][kept.row].astype(np.int64), rows["seq"][kept.row]
    return write_piece(root, folder, pieces[0].bucket, seq, whole, origin, seqs=seqs)


def _numbered(n: int) -> object:
    import pyarrow

    return pyarrow.array(np.arange(n, dtype=np.int64))
