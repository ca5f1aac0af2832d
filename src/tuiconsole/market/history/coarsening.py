"""Stored bars made into stored bars of a coarser length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tuiconsole.domain.errors import DataError, UsageError
from tuiconsole.domain.types import BoolArray
from tuiconsole.market.aggregation import aggregate
from tuiconsole.market.history.columns import NO_CLOSE, NOT_POSITIVE, Columns, columns_of, sort
from tuiconsole.market.history.manifest import Manifest
from tuiconsole.market.history.pieces import read_piece
from tuiconsole.market.history.reading import coverage, pieces_of
from tuiconsole.market.history.records import Provenance, WriteReport
from tuiconsole.market.history.store import HistoryStore
from tuiconsole.market.history.transaction import Transaction
from tuiconsole.market.interval_grid import IntervalGrid, interval_grid
from tuiconsole.market.intervals import canonical_interval, interval_seconds
from tuiconsole.market.universes.instruments import calendar_of

SOURCE = "aggregate"
_AT_ONCE = 40


@dataclass(frozen=True, slots=True)
class Coarsened:
    """What was made.

    Attributes
    ----------
    read, left_out
        Finer bars, and those of them without a positive close.
    kept
        Symbols that have bars of the coarser length from elsewhere: theirs stay as they are.
    """

    source: str
    written: WriteReport
    read: int
    left_out: int
    symbols: tuple[str, ...]
    kept: tuple[str, ...]


def coarsen(
    store: HistoryStore, interval: str, source: str = "", symbols: Sequence[str] | None = None
) -> Coarsened:
    """Make bars of ``interval`` from the stored ones of ``source`` (default: the coarsest finer ones) and store them.

    Each symbol's intervals follow its own exchange calendar. One that is not over when the stored bars of ``source`` end is
    left out.

    Raises
    ------
    UsageError
        ``interval`` is no multiple of ``source``.
    DataError
        The history holds nothing finer, or a symbol is not stored.
    """
    wanted = canonical_interval(interval)
    with store.transaction() as transaction:
        manifest = transaction.manifest
        finer = canonical_interval(source) if source else _finest(manifest, wanted)
        if interval_seconds(wanted) <= interval_seconds(finer) or interval_seconds(wanted) % interval_seconds(
            finer
        ):
            raise UsageError(f"Bars of {wanted} cannot be made of bars of {finer}.", "Choose a multiple.")
        until = max(piece.last for piece in pieces_of(manifest, finer))
        held = [one.symbol for one in coverage(store.root, manifest, finer)]
        unknown = sorted(set(symbols or ()) - set(held))
        if unknown:
            raise DataError(f"The history holds no bars of {finer} for {', '.join(unknown[:8])}.")
        kept = _from_elsewhere(store.root, manifest, wanted)
        chosen = [symbol for symbol in (symbols or held) if symbol not in kept]
        written, read, left_out = WriteReport(wanted), 0, 0
        for at in range(0, len(chosen), _AT_ONCE):
            rows = _rows(store.root, manifest, finer, set(chosen[at : at + _AT_ONCE]))
            good = (rows.flags & (NO_CLOSE | NOT_POSITIVE)) == 0
            read, left_out = read + len(rows), left_out + int(np.count_nonzero(~good))
            for report in _add(transaction, rows, good, finer, wanted, until):
                written = report if not written.given else written.plus(report)
    return Coarsened(finer, written, read, left_out, tuple(chosen), tuple(sorted(kept)))


def _finest(manifest: Manifest, wanted: str) -> str:
    """The coarsest stored length that divides ``wanted``."""
    seconds = interval_seconds(wanted)
    finer = [s for s in map(interval_seconds, manifest.bars) if s < seconds and not seconds % s]
    if not finer:
        raise DataError(
            f"The history holds no bars that {wanted} could be made of.", "Import or pull finer ones first."
        )
    return next(name for name in manifest.bars if interval_seconds(name) == max(finer))


def _from_elsewhere(root: Path, manifest: Manifest, interval: str) -> set[str]:
    """Symbols whose bars of ``interval`` were not made here."""
    return {
        one.symbol
        for one in coverage(root, manifest, interval)
        if any(origin.source != SOURCE for origin in one.origins)
    }


def _rows(root: Path, manifest: Manifest, interval: str, symbols: set[str]) -> Columns:
    """The stored bars of ``symbols``, each once; ``row`` holds the position of a bar's origin."""
    import pyarrow

    names = ["ts", "symbol", *manifest.columns(interval), "origin"]
    tables = [read_piece(root, piece, names, symbols) for piece in pieces_of(manifest, interval)]
    table = pyarrow.concat_tables(tables)
    return sort(columns_of(table.rename_columns([*names[:-1], "row"])))[0]


def _add(
    transaction: Transaction, rows: Columns, good: BoolArray, finer: str, wanted: str, until: int
) -> list[WriteReport]:
    """Stage the coarser bars, one write for each kind of prices."""
    kinds = [origin.provenance.adjusted for origin in transaction.manifest.origins]
    kind_of = np.array([sorted(set(kinds)).index(kind) for kind in kinds], dtype=np.int64)
    reports = []
    for code, kind in enumerate(sorted(set(kinds))):
        chosen = good & (kind_of[rows.row] == code)
        if chosen.any():
            made = _coarser(rows.take(chosen), interval_seconds(wanted), until)
            told = Provenance(SOURCE, finer, "end", "declared", "UTC", kind)
            reports.append(transaction.add(wanted, made, told))
    return reports


def _coarser(rows: Columns, seconds: int, until: int) -> Any:
    """The coarser bars of all symbols as a table."""
    import pyarrow

    starts = np.searchsorted(rows.codes, np.arange(len(rows.symbols) + 1))
    first, last = int(rows.ts.min()), int(rows.ts.max())
    grids: dict[str, IntervalGrid] = {}
    parts = []
    for code, symbol in enumerate(rows.symbols):
        calendar = calendar_of(symbol)
        if calendar not in grids:
            grids[calendar] = interval_grid(calendar, seconds, first, last)
        own = slice(int(starts[code]), int(starts[code + 1]))
        columns = {name: values[own, None] for name, values in rows.values.items()}
        found = aggregate(rows.ts[own], columns, grids[calendar], until)
        named = pyarrow.array([symbol] * len(found.ts), pyarrow.string())
        values = {name: column[:, 0] for name, column in found.columns.items()}
        parts.append(
            pyarrow.table(
                {
                    "ts": pyarrow.array(found.ts).view(pyarrow.timestamp("ns", tz="UTC")),
                    "symbol": named,
                    **values,
                }
            )
        )
    return pyarrow.concat_tables(parts)
