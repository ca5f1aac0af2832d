"""Rows of a CSV file: pyarrow reads it fast; where it cannot, a slow pass finds the wrong line."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import numpy as np

from tuiconsole.domain.errors import DataError
from tuiconsole.market.arrow_rows import NotTimesError, rows_of_table
from tuiconsole.market.rows import OPTIONAL, Rows, check_columns

_NUMBERS = ("close", *OPTIONAL)
NULLS = frozenset(
    {"", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"}
) | frozenset({"N/A", "NA", "NULL", "NaN", "n/a", "nan", "null"})


def read_csv_rows(path: Path) -> Rows:
    """Rows of ``path``, plain or gzip-compressed.

    Raises
    ------
    DataError
        Empty file, missing column, ragged row, or a number or timestamp that cannot be read: with its line.
    """
    import pyarrow
    from pyarrow import csv as arrow_csv

    header = _header(path)
    names = [name.strip().lower() for name in header]
    ignored = check_columns(path.name, names)
    wanted = [raw for raw, name in zip(header, names, strict=True) if name not in ignored]
    types = {raw: pyarrow.float64() for raw in wanted if raw.strip().lower() in _NUMBERS}
    types[header[names.index("symbol")]] = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
    options = arrow_csv.ConvertOptions(column_types=types, include_columns=wanted, null_values=sorted(NULLS))
    try:
        with opened(path) as file:
            table = arrow_csv.read_csv(file, convert_options=options)
        table = table.rename_columns([name.strip().lower() for name in table.column_names])
        return rows_of_table(path.name, table, lambda row: f"line {_line_of(path, row)}", ignored)
    except (pyarrow.ArrowException, NotTimesError) as error:
        _find_fault(path, names)
        reason = str(error).splitlines()[0]
        raise DataError(f"{path.name} cannot be read as CSV: {reason}.") from error


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of ``path``, decompressed; a broken archive raises :class:`DataError`."""
    opener: Any = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as file:
            yield file
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path.name} is not a whole gzip file.", "Fetch or compress it again.") from error


@contextmanager
def records(path: Path, delimiter: str = ",") -> Iterator[Iterator[tuple[int, list[str]]]]:
    """Line number and cells of every row that is not blank, the header first."""
    try:
        with opened(path) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text:
            reader = csv.reader(text, delimiter=delimiter)
            yield ((reader.line_num, cells) for cells in reader if cells)
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not text in UTF-8.", "Save it as UTF-8.") from error
    except csv.Error as error:
        raise DataError(f"{path.name} cannot be read as CSV: {error}.") from error


def _header(path: Path) -> list[str]:
    with records(path) as lines:
        for _, cells in lines:
            return cells
    raise DataError(f"{path.name} is empty.", "Expected a header line ts,symbol,close,… and rows.")


def _line_of(path: Path, row: int) -> int:
    with records(path) as lines:
        for position, (line, _) in enumerate(lines):
            if position == row + 1:
                return line
    return row + 2


def _find_fault(path: Path, names: list[str]) -> None:
    """Read slowly and raise :class:`DataError` at the first row that is wrong."""
    at = {name: names.index(name) for name in ("ts", "symbol", *_NUMBERS) if name in names}
    zoned: bool | None = None
    with records(path) as lines:
        next(lines)
        for line, cells in lines:
            where = f"{path.name}, line {line}:"
            if len(cells) != len(names):
                raise DataError(
                    f"{where} {len(cells)} cells, expected {len(names)}.", "Complete or remove the row."
                )
            moment = _moment(where, cells[at["ts"]].strip())
            if zoned is not None and zoned != (moment.tzinfo is not None):
                raise DataError(
                    f"{where} some timestamps carry a time zone and some do not.", "Write all alike."
                )
            zoned = moment.tzinfo is not None
            for name in _NUMBERS:
                if name in at:
                    check_number(where, name, cells[at[name]].strip())


def _moment(where: str, text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise DataError(
            f"{where} {text!r} is not a timestamp.", "Write it as 2024-05-31 or 2024-05-31T20:00:00Z."
        ) from error


def check_number(where: str, name: str, text: str) -> None:
    """Refuse a cell that is neither a number nor empty."""
    if text in NULLS:
        return
    try:
        np.float64(text)
    except ValueError as error:
        raise DataError(
            f"{where} {name} {text!r} is not a number.", "Use a point and no thousands separator."
        ) from error
