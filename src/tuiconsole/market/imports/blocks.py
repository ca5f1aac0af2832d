"""The rows of a file as arrays: times as written, house symbols, and the values that the file has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tuiconsole.domain.context import QUOTE_FIELDS
from tuiconsole.domain.errors import DataError
from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.market.history.columns import PRICES, VALUES, symbol_codes
from tuiconsole.market.imports.layout import Layout, symbol_in
from tuiconsole.market.imports.spelling import Spelling
from tuiconsole.market.imports.tables import FileReader, Part, line_of_bad_time
from tuiconsole.market.imports.times import NotTimes, Times, times_of

KNOWN = (*VALUES, "adj_close", *QUOTE_FIELDS)
"""Columns that a block may have."""


@dataclass(frozen=True, slots=True)
class Block:
    """The rows of one file: times as written, symbols, and values that the file has."""

    layout: Layout
    times: Times
    codes: IntArray
    symbols: tuple[str, ...]
    values: dict[str, FloatArray]
    row: IntArray


def blocks(
    files: Sequence[Path], reader: FileReader, spelling: Spelling
) -> Iterator[tuple[Path, int, Block | None]]:
    """Each file, the bytes read by then, and rows of it; no rows for a file of corporate actions.

    Raises :class:`DataError` with file and line for what cannot be read.
    """
    before = 0
    for file in files:
        for part in reader.parts(file):
            yield file, before + part.bytes_read, _block(file, part, reader, spelling)
        before += file.stat().st_size


def _block(file: Path, part: Part, reader: FileReader, spelling: Spelling) -> Block | None:
    layout = part.layout
    if layout is None:
        return None
    try:
        times = times_of(part.table)
    except NotTimes as error:
        column = layout.columns.get("ts", layout.columns.get("date", ""))
        where = line_of_bad_time(file, column, reader.order)
        if not where:
            raise DataError(
                f"{file.name}, column {layout.columns.get('time', column)} cannot be read as times: it holds {error}.",
                "Write all alike, with a zone or without, as 2024-05-31 or 2024-05-31T20:00:00Z.",
            ) from error
        known = reader.order
        because = "" if known is None else f", {known.order.replace('-', ' ')} ({known.because})"
        raise DataError(
            f"{file.name}, {where} is not a time{because}.",
            "Write times as 2024-05-31 or 2024-05-31T20:00:00Z.",
        ) from error
    return (_wide if layout.kind == "wide" else _long)(file, layout, times, part, spelling)


def _long(file: Path, layout: Layout, times: Times, part: Part, spelling: Spelling) -> Block:
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
    values = _values(file, table, layout)
    row = table.column("row").to_numpy() if "row" in table.column_names else _rows(file, n, part.first_row)
    named = tuple(spelling.house(symbol, layout.source, file.name) for symbol in symbols)
    return Block(layout, times, codes, named, values, row)


def _values(file: Path, table: Any, layout: Layout) -> dict[str, FloatArray]:
    """The known columns; bars of bid and ask get the middle of both as their prices, unknown where a side is."""
    found = {name: _floats(file, table.column(name)) for name in KNOWN if name in table.column_names}
    if layout.source != "quotes":
        return found
    found = {name: np.where(values > 0.0, values, np.nan) for name, values in found.items()}
    for name in PRICES:
        sides = [side if name == "close" else f"{side}_{name}" for side in ("bid", "ask")]
        if set(sides) <= set(table.column_names):
            bid, ask = (_floats(file, table.column(side)) for side in sides)
            found[name] = np.where((bid > 0.0) & (ask > 0.0), (bid + ask) / 2.0, np.nan)
    return found


def _wide(file: Path, layout: Layout, times: Times, part: Part, spelling: Spelling) -> Block:
    """One row for each cell that is not empty."""
    table = part.table
    names = [name for name in table.column_names if name != "ts"]
    close = np.stack([_floats(file, table.column(name)) for name in names]) if names else np.empty((0, 0))
    codes, at = np.nonzero(~np.isnan(close))
    symbols = tuple(spelling.house(name, layout.source, file.name) for name in names)
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
