"""Files as Arrow tables with the columns of their roles; a mistake is one sentence with its file and line."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from tuiconsole.domain.errors import DataError
from tuiconsole.market.csv_rows import NULLS, check_number, opened, records
from tuiconsole.market.imports.actions import is_actions
from tuiconsole.market.imports.grouped import grouped_columns, read_grouped
from tuiconsole.market.imports.layout import Layout, recognise

ENDINGS = (".csv", ".csv.gz", ".txt", ".tsv", ".parquet")
_NUMBERS = ("open", "high", "low", "close", "adj_close", "volume")
_TIME_FORMATS = (
    "%m/%d/%Y",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%Y%m%d %H:%M:%S",
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%d-%b-%Y",
    "%Y.%m.%d",
    "%Y.%m.%d %H:%M",
)
_SLASHED = re.compile(rb"(?:^|[\s,;|\"])(\d{1,2}/\d{1,2}/\d{4})\b")
_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE = 65_536
_ROW_BYTES, _GZIP_ROW_BYTES = 150, 40
_BLOCK_BYTES = 16_777_216


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of a file that follow each other.

    Attributes
    ----------
    layout
        None for a file of corporate actions, which has no rows of bars.
    table
        Arrow table whose columns are named by their roles; of a wide one, by its symbols.
    first_row
        Number of rows before these in the file.
    bytes_read
        How much of the file has been read.
    """

    layout: Layout | None
    table: Any
    first_row: int
    bytes_read: int


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a header says: the layout, how cells are divided, and all columns."""

    layout: Layout | None
    delimiter: str
    decimal: str
    header: list[str]


class FileReader:
    """Reads files of bars one after the other; files with the same header are recognised once.

    Parameters
    ----------
    rows_at_once
        Files of more bytes than this many rows could need come in parts, so that memory stays bounded.
    """

    def __init__(self, rows_at_once: int = 2_000_000) -> None:
        self._known: dict[bytes, _Shape] = {}
        self._rows_at_once = rows_at_once

    def parts(self, path: Path) -> Iterator[Part]:
        """The rows of ``path``; a file without rows gives one part without any.

        Raises
        ------
        DataError
            The file cannot be read, has no known layout, or holds something that is no number.
        """
        try:
            yield from self._parquet(path) if path.suffix.lower() == ".parquet" else self._csv(path)
        except OSError as error:
            reason = error.strerror or str(error).splitlines()[0]
            raise DataError(f"{path.name} cannot be read: {reason}.", "Check its permissions.") from error

    def _csv(self, path: Path) -> Iterator[Part]:
        import pyarrow

        size, columns = path.stat().st_size, grouped_columns(_head(path)[2])
        if columns is not None:
            yield Part(*read_grouped(path, columns), 0, size)
            return
        shape = self._shape(path)
        if shape.layout is None:
            yield Part(None, None, 0, size)
            return
        large = size > self._rows_at_once * (_GZIP_ROW_BYTES if path.suffix == ".gz" else _ROW_BYTES)
        block = min(_BLOCK_BYTES, self._rows_at_once * _ROW_BYTES // 8) if large else None
        options = _options(shape.layout, shape, threads=size > _SAMPLE * 16, block_bytes=block)
        try:
            if large:
                yield from self._streamed(path, shape.layout, options)
            else:
                from pyarrow import csv as arrow_csv

                yield Part(shape.layout, _by_role(shape.layout, arrow_csv.read_csv(path, **options)), 0, size)
        except pyarrow.ArrowException as error:
            _find_fault(path, shape.layout, shape.delimiter)
            raise DataError(f"{path.name} cannot be read as CSV: {str(error).splitlines()[0]}.") from error

    def _shape(self, path: Path) -> _Shape:
        first, sample, _ = _head(path)
        if first not in self._known:
            delimiter = max(_DELIMITERS, key=first.decode("utf-8", "replace").count)
            header = _cells(path, first.decode("utf-8-sig", "replace"), delimiter)
            decimal = "," if delimiter == ";" and b"," in sample and b"." not in sample else "."
            layout = None if is_actions(header) else recognise(path.name, header)
            found = _SLASHED.search(sample)
            if layout is not None and found is not None:
                layout = replace(layout, slashed=found[1].decode())
            self._known[first] = _Shape(layout, delimiter, decimal, header)
        return self._known[first]

    def _streamed(self, path: Path, layout: Layout, options: dict[str, Any]) -> Iterator[Part]:
        import pyarrow
        from pyarrow import csv as arrow_csv

        with opened(path) as source:
            raw: Any = getattr(source, "fileobj", source)
            reader = arrow_csv.open_csv(source, **options)
            waiting, before, rows = [], 0, 0
            for batch in reader:
                waiting.append(batch)
                rows += batch.num_rows
                if rows - before >= self._rows_at_once:
                    yield Part(
                        layout, _by_role(layout, pyarrow.Table.from_batches(waiting)), before, raw.tell()
                    )
                    waiting, before = [], rows
            if waiting:
                yield Part(layout, _by_role(layout, pyarrow.Table.from_batches(waiting)), before, raw.tell())

    def _parquet(self, path: Path) -> Iterator[Part]:
        import pyarrow
        from pyarrow import parquet

        try:
            layout = recognise(path.name, list(parquet.read_schema(path).names))
            names = list(dict.fromkeys(layout.columns.values())) if layout.kind == "long" else None
            size, rows = path.stat().st_size, 0
            with parquet.ParquetFile(path) as file:
                total = file.metadata.num_rows
                if total <= self._rows_at_once:
                    yield Part(layout, _by_role(layout, file.read(names)), 0, size)
                    return
                for batch in file.iter_batches(self._rows_at_once, columns=names):
                    table = pyarrow.Table.from_batches([batch])
                    yield Part(layout, _by_role(layout, table), rows, size * (rows + len(table)) // total)
                    rows += len(table)
        except pyarrow.ArrowException as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise DataError(f"{path.name} cannot be read as Parquet: {reason}.", "Write it again.") from error


def _options(layout: Layout, shape: _Shape, *, threads: bool, block_bytes: int | None) -> dict[str, Any]:
    """How pyarrow reads a CSV file of this shape."""
    import pyarrow
    from pyarrow import csv as arrow_csv

    names = list(layout.columns.values()) if layout.kind == "long" else shape.header
    types = {column: pyarrow.float64() for column in _number_columns(layout, shape.header)}
    if "symbol" in layout.columns:
        types[layout.columns["symbol"]] = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
    return {
        "read_options": arrow_csv.ReadOptions(use_threads=threads, block_size=block_bytes),
        "parse_options": arrow_csv.ParseOptions(delimiter=shape.delimiter),
        "convert_options": arrow_csv.ConvertOptions(
            column_types=types,
            include_columns=list(dict.fromkeys(names)),
            null_values=sorted(NULLS),
            decimal_point=shape.decimal,
            timestamp_parsers=[arrow_csv.ISO8601, *_TIME_FORMATS],
        ),
    }


def _number_columns(layout: Layout, header: Sequence[str]) -> list[str]:
    if layout.kind == "wide":
        return [name for name in header if name != layout.columns["ts"]]
    return [layout.columns[role] for role in _NUMBERS if role in layout.columns]


def csv_header(path: Path) -> list[str]:
    """The column names of a CSV file; none for a file of another kind."""
    if path.suffix.lower() == ".parquet" or not path.is_file():
        return []
    first = _head(path)[0].decode("utf-8-sig", "replace")
    return _cells(path, first, max(_DELIMITERS, key=first.count))


def _cells(path: Path, line: str, delimiter: str) -> list[str]:
    """The cells of the header line."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error as error:
        raise DataError(
            f"{path.name} cannot be read as CSV: {error}.", "Save it with a line for each row."
        ) from error


def _head(path: Path) -> tuple[bytes, bytes, str]:
    """The header line, the bytes after it (of the first few thousand), and the first three lines as text."""
    with opened(path) as file:
        start = file.read(_SAMPLE)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{path.name} is not text in UTF-8.", "Save it as UTF-8.")
    if b"\n" not in start and b"\r" in start:
        raise DataError(
            f"{path.name} ends its lines with a carriage return alone.", "Save it with usual line ends."
        )
    first, _, rest = start.partition(b"\n")
    if not first.strip():
        raise DataError(f"{path.name} is empty.", "Expected a header line and rows.")
    lines = b"\n".join(start.split(b"\n", 3)[:3]).decode("utf-8-sig", "replace")
    return first.rstrip(b"\r"), rest, lines


def _by_role(layout: Layout, table: Any) -> Any:
    if layout.kind == "wide":
        return table.rename_columns(
            ["ts" if name == layout.columns["ts"] else name for name in table.column_names]
        )
    import pyarrow

    return pyarrow.table({role: table.column(name) for role, name in layout.columns.items()})


def _find_fault(path: Path, layout: Layout, delimiter: str) -> None:
    """Read slowly and raise :class:`DataError` at the first row that is wrong."""
    with records(path, delimiter) as lines:
        header = next(lines)[1]
        numbers = {name: header.index(name) for name in _number_columns(layout, header)}
        for line, cells in lines:
            where = f"{path.name}, line {line}:"
            if len(cells) != len(header):
                raise DataError(
                    f"{where} {len(cells)} cells, expected {len(header)}.", "Complete or remove the row."
                )
            for name, column in numbers.items():
                check_number(where, name, cells[column].strip())


def line_of_bad_time(path: Path, column: str) -> str:
    """Where the first cell of ``column`` that is no timestamp stands, as ``line 7: 'x'``; empty when all are."""
    if path.suffix.lower() == ".parquet":
        return ""
    first = _head(path)[0].decode("utf-8-sig", "replace")
    with records(path, max(_DELIMITERS, key=first.count)) as lines:
        at = next(lines)[1].index(column)
        for line, cells in lines:
            if len(cells) <= at or not _is_time(cells[at].strip()):
                return f"line {line}: {cells[at] if len(cells) > at else ''!r}"
    return ""


def _is_time(text: str) -> bool:
    for shape in ("", *_TIME_FORMATS):
        try:
            if shape:
                datetime.strptime(text, shape)  # noqa: DTZ007 - only whether it can be read is asked
            else:
                datetime.fromisoformat(text)
        except ValueError:
            continue
        return True
    return False


def files_under(path: Path) -> Sequence[Path]:
    """The files of bars at ``path``: itself, or all in the folder and below it, in the order of their names.

    Raises :class:`DataError` when there is none.
    """
    if not path.exists():
        raise DataError(f"{path} does not exist.", "Name a file or a folder of CSV or Parquet files.")
    if path.is_file():
        if not path.name.lower().endswith(ENDINGS):
            raise DataError(
                f"{path.name} is neither CSV nor Parquet.", "Name it .csv, .csv.gz, .txt or .parquet."
            )
        return (path,)
    found = sorted(
        one
        for one in path.rglob("*")
        if one.name.lower().endswith(ENDINGS) and one.is_file() and not one.name.startswith((".", "_"))
    )
    if not found:
        raise DataError(f"The folder {path} holds no CSV or Parquet file.", "Name another one.")
    return found
