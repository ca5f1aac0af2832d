"""An import: every file of a path into the history store, all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from tuiconsole.domain.errors import DataError
from tuiconsole.domain.types import FloatArray
from tuiconsole.market.history.records import Adjustment, Provenance, WriteReport
from tuiconsole.market.history.store import HistoryStore
from tuiconsole.market.history.transaction import Transaction
from tuiconsole.market.imports.actions import read_actions_file
from tuiconsole.market.imports.blocks import KNOWN, Block, blocks
from tuiconsole.market.imports.notation import OrderFound
from tuiconsole.market.imports.reading import Asked, Reading, decide
from tuiconsole.market.imports.spelling import Spelling
from tuiconsole.market.imports.tables import FileReader, files_under
from tuiconsole.market.imports.times import Times

_ROWS_AT_ONCE = 2_000_000
_ADJUSTED_BY: dict[str, Adjustment] = {"yahoo": "split", "yfinance": "total"}
Progress = Callable[[int, int, int], None]
"""Told the bytes read, the bytes there are, and the rows so far."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import read and stored.

    Attributes
    ----------
    files, bytes
        Files read and their size on disk.
    layout
        Where the layout comes from, e.g. ``"yahoo"``; ``"file"`` for a plain one.
    reading
        How times were read.
    written
        What was new, changed, there already, flagged or put aside.
    symbols
        All symbols of the import.
    empty
        Names of files without rows.
    ignored
        Columns that were not read.
    actions
        Splits, dividends and ticker spans of files that lay among the bars.
    mapped
        House symbol by the spelling of the files, where they differ.
    dates
        Which of day and month came first, where dates had to tell; else None.
    quoted
        Rows with a bid and an ask.
    unpriced
        Symbols without a single price: a list of the import does not hold them.
    """

    files: int
    bytes: int
    layout: str
    reading: Reading
    adjusted: Adjustment
    written: WriteReport
    symbols: tuple[str, ...]
    empty: tuple[str, ...]
    ignored: tuple[str, ...]
    actions: int
    mapped: Mapping[str, str]
    dates: OrderFound | None
    quoted: int
    unpriced: tuple[str, ...]


@dataclass(slots=True)
class _State:
    """What an import has found out so far."""

    reading: Reading | None = None
    written: WriteReport | None = None
    layouts: dict[str, None] = field(default_factory=dict)
    ignored: dict[str, None] = field(default_factory=dict)
    symbols: set[str] = field(default_factory=set)
    priced: set[str] = field(default_factory=set)
    kind: str = ""
    actions: int = 0
    quoted: int = 0


def import_bars(
    store: HistoryStore,
    path: Path,
    asked: Asked,
    adjusted: bool | None = None,
    universe: str = "",
    progress: Progress | None = None,
) -> ImportReport:
    """Import the file or folder ``path``; it becomes visible as a whole, at the end.

    Parameters
    ----------
    adjusted
        True: prices are adjusted; where a column of adjusted closes exists, all prices are scaled to it. False: prices
        are as traded. None: what the layout says.
    universe
        Name under which the symbols are kept as a list; empty: no list.

    Raises
    ------
    DataError
        One sentence, with the file and line where there is one. Nothing was stored then.
    """
    files = files_under(path)
    total = sum(file.stat().st_size for file in files)
    state, empty = _State(), []
    reader, spelling = FileReader(_ROWS_AT_ONCE, files, asked.dates, asked.decimal), Spelling(asked.spelling)
    with store.transaction() as transaction:
        waiting: list[Block] = []
        rows = stored = 0
        for file, done, block in blocks(files, reader, spelling):
            if block is None:
                _add_actions(transaction, file, state, spelling)
            elif not len(block.row):
                empty.append(file.name)
            else:
                waiting.append(block)
                rows += len(block.row)
            if rows - stored >= _ROWS_AT_ONCE:
                _store(transaction, path.name, waiting, asked, adjusted, state)
                waiting, stored = [], rows
            if progress is not None:
                progress(done, total, rows)
        _store(transaction, path.name, waiting, asked, adjusted, state)
        if state.reading is None or state.written is None:
            raise DataError(f"{path.name} has a header but no rows.", "Name another file.")
        symbols = tuple(sorted(state.symbols))
        if universe:
            transaction.name_universe(universe, tuple(sorted(state.priced)) or symbols)
    return ImportReport(
        len(files),
        total,
        ", ".join(state.layouts),
        state.reading,
        _adjustment(state.layouts, adjusted),
        replace(state.written, symbols=len(symbols)),
        symbols,
        tuple(empty),
        tuple(state.ignored),
        state.actions,
        spelling.mapped,
        reader.order,
        state.quoted,
        tuple(sorted(state.symbols - state.priced)),
    )


def _add_actions(transaction: Transaction, file: Path, state: _State, spelling: Spelling) -> None:
    """Stage a file of splits, dividends or tickers that lies among the bars."""
    actions, spans = read_actions_file(file, spelling.asked)
    transaction.add_actions(actions)
    transaction.add_tickers(spans)
    state.actions += len(actions) + len(spans)


def _store(
    transaction: Transaction,
    name: str,
    waiting: Sequence[Block],
    asked: Asked,
    adjusted: bool | None,
    state: _State,
) -> None:
    """Stage the rows of these blocks, those of trades first; the first ever decide how times are read."""
    for quotes in (False, True):
        some = [block for block in waiting if (block.layout.source == "quotes") is quotes]
        if some:
            _store_alike(transaction, name, some, asked, adjusted, state)


def _store_alike(
    transaction: Transaction,
    name: str,
    blocks: list[Block],
    asked: Asked,
    adjusted: bool | None,
    state: _State,
) -> None:
    import pyarrow

    kinds = {block.times.kind for block in blocks} | ({state.kind} if state.kind else set())
    if len(kinds) > 1:
        raise DataError(
            f"{name} mixes times of several kinds ({', '.join(sorted(kinds))}).",
            "Import its parts one by one.",
        )
    state.kind = next(iter(kinds))
    layouts = dict.fromkeys(block.layout.source for block in blocks)
    state.layouts |= layouts
    for block in blocks:
        state.ignored.update(dict.fromkeys(block.layout.ignored))
    symbols = sorted({symbol for block in blocks for symbol in block.symbols})
    position = {symbol: i for i, symbol in enumerate(symbols)}
    codes = np.concatenate(
        [np.array([position[s] for s in block.symbols], dtype=np.int64)[block.codes] for block in blocks]
    )
    times = Times(np.concatenate([block.times.ns for block in blocks]), blocks[0].times.kind)
    values = _values(blocks, adjusted)
    if state.reading is None:
        state.reading = decide(name, times, codes, values.get("volume"), asked)
    state.symbols.update(symbols)
    priced = np.zeros(len(codes), dtype=np.bool_)
    for column in {"close", "bid", "ask"} & set(values):
        priced |= ~np.isnan(values[column])
    state.priced.update(symbols[code] for code in np.unique(codes[priced]).tolist())
    if {"bid", "ask"} <= set(values):
        state.quoted += int(np.count_nonzero(~np.isnan(values["bid"]) & ~np.isnan(values["ask"])))
    ts = pyarrow.array(state.reading.available(times, codes, symbols)).view(pyarrow.timestamp("ns", tz="UTC"))
    names = pyarrow.DictionaryArray.from_arrays(
        codes.astype(np.int32), pyarrow.array(symbols, pyarrow.string())
    )
    row = np.concatenate([block.row for block in blocks])
    table = pyarrow.table({"ts": ts, "symbol": names, **values, "row": row})
    reading = state.reading
    provenance = Provenance(
        next(iter(layouts)),
        name,
        reading.label,
        reading.label_from,
        reading.zone_of(symbols),
        _adjustment(layouts, adjusted),
    )
    report = transaction.add(reading.interval, table, provenance)
    state.written = report if state.written is None else state.written.plus(report)


def _values(blocks: list[Block], adjusted: bool | None) -> dict[str, FloatArray]:
    """The columns of all blocks, NaN where one has none; scaled to the adjusted close when that is asked for."""
    names = [name for name in KNOWN if any(name in block.values for block in blocks)]
    found = {
        name: np.concatenate(
            [
                block.values[name] if name in block.values else np.full(len(block.row), np.nan)
                for block in blocks
            ]
        )
        for name in names
    }
    total = found.pop("adj_close", None)
    if total is not None and adjusted:
        factor = total / found["close"]
        for name in ("open", "high", "low", "bid", "ask"):
            if name in found:
                found[name] = found[name] * factor
        found["close"] = total
    return found


def _adjustment(layouts: dict[str, None], adjusted: bool | None) -> Adjustment:
    if adjusted is None:
        return next((_ADJUSTED_BY[layout] for layout in layouts if layout in _ADJUSTED_BY), "raw")
    return "total" if adjusted else "raw"
