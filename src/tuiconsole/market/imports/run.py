"""An import: every file of a path into the history store, all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY
from tuiconsole.domain.errors import DataError
from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.market.history.columns import VALUES, symbol_codes
from tuiconsole.market.history.records import Adjustment, Provenance, WriteReport
from tuiconsole.market.history.store import HistoryStore
from tuiconsole.market.history.transaction import Transaction
from tuiconsole.market.imports.actions import read_actions_file
from tuiconsole.market.imports.layout import Layout, symbol_in, symbol_name
from tuiconsole.market.imports.reading import Asked, Reading, decide
from tuiconsole.market.imports.tables import FileReader, Part, files_under, line_of_bad_time
from tuiconsole.market.imports.times import NotTimes, Times, times_of

_ROWS_AT_ONCE = 2_000_000
_ADJUSTED_BY: dict[str, Adjustment] = {"yahoo": "split", "yfinance": "total"}
Progress = Callable[[int, int, int], None]
"""Told the bytes read, the bytes there are, and the rows so far."""


@dataclass(frozen=True, slots=True)
class Block:
    """The rows of one file: times as written, symbols, and values that the file has."""

    layout: Layout
    times: Times
    codes: IntArray
    symbols: tuple[str, ...]
    values: dict[str, FloatArray]
    row: IntArray


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


@dataclass(slots=True)
class _State:
    """What an import has found out so far."""

    reading: Reading | None = None
    written: WriteReport | None = None
    layouts: dict[str, None] = field(default_factory=dict)
    ignored: dict[str, None] = field(default_factory=dict)
    symbols: set[str] = field(default_factory=set)
    kind: str = ""
    actions: int = 0
    slashed: str = ""
    month_first: bool = False


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
    with store.transaction() as transaction:
        waiting: list[Block] = []
        rows = stored = 0
        for file, done, block in _blocks(files, FileReader(_ROWS_AT_ONCE)):
            if block is None:
                _add_actions(transaction, file, state)
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
        if waiting:
            _store(transaction, path.name, waiting, asked, adjusted, state)
        if state.reading is None or state.written is None:
            raise DataError(f"{path.name} has a header but no rows.", "Name another file.")
        if state.slashed and not state.month_first:
            raise DataError(
                f"{path.name}: dates such as {state.slashed} may name the month or the day first, and no day above 12 tells.",
                "Write them as 2020-03-04.",
            )
        symbols = tuple(sorted(state.symbols))
        if universe:
            transaction.name_universe(universe, symbols)
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
    )


def _add_actions(transaction: Transaction, file: Path, state: _State) -> None:
    """Stage a file of splits, dividends or tickers that lies among the bars."""
    actions, spans = read_actions_file(file)
    transaction.add_actions(actions)
    transaction.add_tickers(spans)
    state.actions += len(actions) + len(spans)


def _blocks(files: Sequence[Path], reader: FileReader) -> Iterator[tuple[Path, int, Block | None]]:
    """Each file, the bytes read by then, and rows of it; no rows for a file of corporate actions."""
    before = 0
    for file in files:
        for part in reader.parts(file):
            yield file, before + part.bytes_read, _block(file, part)
        before += file.stat().st_size


def _block(file: Path, part: Part) -> Block | None:
    layout = part.layout
    if layout is None:
        return None
    try:
        times = times_of(part.table)
    except NotTimes as error:
        column = layout.columns.get("ts", layout.columns.get("date", ""))
        where = line_of_bad_time(file, column)
        if not where:
            raise DataError(
                f"{file.name}, column {column} cannot be read as times: it holds {error}.",
                "Write all alike, with a zone or without, as 2024-05-31 or 2024-05-31T20:00:00Z.",
            ) from error
        raise DataError(
            f"{file.name}, {where} is not a time.", "Write times as 2024-05-31 or 2024-05-31T20:00:00Z."
        ) from error
    return (_wide if layout.kind == "wide" else _long)(file, layout, times, part)


def _long(file: Path, layout: Layout, times: Times, part: Part) -> Block:
    import pyarrow
    from pyarrow import compute

    table, n = part.table, len(times.ns)
    if "symbol" in table.column_names:
        column = table.column("symbol")
        if {None, ""} & set(column.unique().to_pylist()):
            blank = compute.fill_null(compute.equal(column.cast(pyarrow.string()), ""), True)
            empty = int(np.argmax(blank.to_numpy()))
            raise DataError(
                f"{file.name}, {_place(file, part.first_row + empty)}: the symbol is empty.",
                "Complete or remove the row.",
            )
        codes, symbols = symbol_codes(column)
    else:
        symbol = symbol_in(file.name)
        if not symbol or any(c.isspace() for c in symbol):
            raise DataError(
                f"{file.name} has no column symbol, and its name is no symbol.",
                "Name the file after its symbol, e.g. AAPL.csv, or add a column symbol.",
            )
        codes, symbols = np.zeros(n, dtype=np.int64), (symbol,)
    values = {
        name: _floats(file, table.column(name))
        for name in (*VALUES, "adj_close")
        if name in table.column_names
    }
    row = table.column("row").to_numpy() if "row" in table.column_names else _rows(file, n, part.first_row)
    return Block(layout, times, codes, tuple(map(symbol_name, symbols)), values, row)


def _wide(file: Path, layout: Layout, times: Times, part: Part) -> Block:
    """One row for each cell that is not empty."""
    table = part.table
    names = [name for name in table.column_names if name != "ts"]
    close = np.stack([_floats(file, table.column(name)) for name in names]) if names else np.empty((0, 0))
    codes, at = np.nonzero(~np.isnan(close))
    symbols = tuple(symbol_name(name) for name in names)
    rows = _rows(file, len(times.ns), part.first_row)
    return Block(
        layout, Times(times.ns[at], times.kind), codes, symbols, {"close": close[codes, at]}, rows[at]
    )


def _floats(file: Path, column: Any) -> FloatArray:
    import pyarrow

    types = pyarrow.types
    kind = column.type
    if not (
        types.is_floating(kind) or types.is_integer(kind) or types.is_decimal(kind) or types.is_null(kind)
    ):
        raise DataError(
            f"{file.name}: a column of prices holds {kind}, expected numbers.", "Store it as numbers."
        )
    return np.asarray(column.cast(pyarrow.float64(), safe=False).to_numpy(), dtype=np.float64)


def _rows(file: Path, n: int, before: int) -> IntArray:
    return np.arange(n, dtype=np.int64) + before + (1 if file.suffix.lower() == ".parquet" else 2)


def _place(file: Path, row: int) -> str:
    return f"row {row + 1}" if file.suffix.lower() == ".parquet" else f"line {row + 2}"


def _store(
    transaction: Transaction,
    name: str,
    blocks: list[Block],
    asked: Asked,
    adjusted: bool | None,
    state: _State,
) -> None:
    """Stage the rows of ``blocks``; the first decide how times are read."""
    import pyarrow

    kinds = {block.times.kind for block in blocks} | ({state.kind} if state.kind else set())
    if len(kinds) > 1:
        raise DataError(
            f"{name} mixes times of several kinds ({', '.join(sorted(kinds))}).",
            "Import its parts one by one.",
        )
    state.kind = next(iter(kinds))
    for block in blocks:
        state.layouts[block.layout.source] = None
        state.ignored.update(dict.fromkeys(block.layout.ignored))
        if block.layout.slashed:
            state.slashed = block.layout.slashed
            state.month_first = state.month_first or _day_above_12(block.times.ns)
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
    ts = pyarrow.array(state.reading.available(times)).view(pyarrow.timestamp("ns", tz="UTC"))
    names = pyarrow.DictionaryArray.from_arrays(
        codes.astype(np.int32), pyarrow.array(symbols, pyarrow.string())
    )
    row = np.concatenate([block.row for block in blocks])
    table = pyarrow.table({"ts": ts, "symbol": names, **values, "row": row})
    reading = state.reading
    provenance = Provenance(
        next(iter(state.layouts)),
        name,
        reading.label,
        reading.label_from,
        reading.zone,
        _adjustment(state.layouts, adjusted),
    )
    report = transaction.add(reading.interval, table, provenance)
    state.written = report if state.written is None else state.written.plus(report)


def _day_above_12(ns: IntArray) -> bool:
    """Whether a date among these times falls after the 12th: read with the month first it could not be otherwise."""
    days = np.unique(ns // NANOSECONDS_PER_DAY).astype("datetime64[D]")
    return bool((days - days.astype("datetime64[M]") >= np.timedelta64(12, "D")).any())


def _values(blocks: list[Block], adjusted: bool | None) -> dict[str, FloatArray]:
    """The columns of all blocks, NaN where one has none; scaled to the adjusted close when that is asked for."""
    names = [name for name in (*VALUES, "adj_close") if any(name in block.values for block in blocks)]
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
        for name in ("open", "high", "low"):
            if name in found:
                found[name] = found[name] * factor
        found["close"] = total
    return found


def _adjustment(layouts: dict[str, None], adjusted: bool | None) -> Adjustment:
    if adjusted is None:
        return next((_ADJUSTED_BY[layout] for layout in layouts if layout in _ADJUSTED_BY), "raw")
    return "total" if adjusted else "raw"
