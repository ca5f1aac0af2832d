"""Files as Arrow tables with the columns of their roles; a mistake is one sentence with its file and line."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from tuiconsole.domain.errors import DataError
from tuiconsole.market.csv_rows import NULLS, opened, records
from tuiconsole.market.imports.actions import is_actions
from tuiconsole.market.imports.grouped import grouped_columns, read_grouped
from tuiconsole.market.imports.layout import NUMBERS, Layout, recognise
from tuiconsole.market.imports.notation import (
    PLAIN,
    Numbers,
    OrderFound,
    as_numbers,
    check_number,
    checked_order,
    date_order,
    impossible_date,
    is_ordered,
    number_cells,
    numbers_asked,
    numbers_of,
    time_formats,
)

ENDINGS = (".csv", ".csv.gz", ".txt", ".tsv", ".parquet")
_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE = 65_536
_FIRST_LINES, _CELLS_SAMPLED = 512, 4_000
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
    """What a header says: the layout, how cells are divided and numbers written, and all columns."""

    layout: Layout
    delimiter: str
    numbers: Numbers
    header: list[str]


class FileReader:
    """Reads files of bars one after the other; files with the same header are recognised once.

    Parameters
    ----------
    rows_at_once
        Files of more bytes than this many rows could need come in parts, so that memory stays bounded.
    files
        All that will be read: any of them may tell whether days or months come first.
    dates, decimal
        What the user says about dates and numbers; empty: found out.
    """

    def __init__(
        self, rows_at_once: int = 2_000_000, files: Sequence[Path] = (), dates: str = "", decimal: str = ""
    ) -> None:
        self._known: dict[bytes, _Shape | None] = {}
        self._rows_at_once = rows_at_once
        self._files = files
        self._dates = dates and checked_order(dates)
        self._numbers = numbers_asked(decimal)
        self.order: OrderFound | None = None

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

        head = _head(path)
        size, columns = path.stat().st_size, grouped_columns(head[2])
        if columns is not None:
            yield Part(*read_grouped(path, columns), 0, size)
            return
        shape = self._shape(path, head)
        if shape is None:
            yield Part(None, None, 0, size)
            return
        if is_ordered(head[1][:_FIRST_LINES]):
            self.order = self.order or date_order(self._files or (path,), self._dates)
            wrong = impossible_date(path, self.order.order)
            if wrong:
                raise DataError(
                    f"{path.name}: {wrong} is no date, {self.order.order.replace('-', ' ')} ({self.order.because}).",
                    "Correct it, or say with --dates what comes first.",
                )
        large = size > self._rows_at_once * (_GZIP_ROW_BYTES if path.suffix == ".gz" else _ROW_BYTES)
        try:
            if large:
                yield from self._streamed(path, shape)
            else:
                yield Part(shape.layout, self._whole(path, shape, size > _SAMPLE * 16), 0, size)
        except pyarrow.ArrowCancelled as error:
            raise KeyboardInterrupt from error
        except pyarrow.ArrowException as error:
            _find_fault(path, shape)
            raise DataError(f"{path.name} cannot be read as CSV: {str(error).splitlines()[0]}.") from error

    def _shape(self, path: Path, head: tuple[bytes, bytes, str]) -> _Shape | None:
        """What the header says; None when it is that of corporate actions."""
        first, sample, _ = head
        if first not in self._known:
            delimiter = max(_DELIMITERS, key=first.decode("utf-8", "replace").count)
            header = _cells(path, first.decode("utf-8-sig", "replace"), delimiter)
            if is_actions(header):
                self._known[first] = None
                return None
            layout, numbers = recognise(path.name, header), self._numbers
            if numbers is None:
                places = [header.index(name) for name in _number_columns(layout, header)]
                lines = sample.rpartition(b"\n")[0].decode("utf-8", "replace").splitlines()
                rows = csv.reader(lines[: _CELLS_SAMPLED // max(1, len(places))], delimiter=delimiter)
                numbers = numbers_of(path.name, number_cells(rows, places))
            self._known[first] = _Shape(layout, delimiter, numbers, header)
        return self._known[first]

    def _whole(self, path: Path, shape: _Shape, threads: bool) -> Any:
        """All rows; where numbers are not written as in the files before, the whole file tells how."""
        import pyarrow
        from pyarrow import csv as arrow_csv

        try:
            return _by_role(
                shape.layout, arrow_csv.read_csv(path, **self._options(shape, threads=threads)), shape.numbers
            )
        except pyarrow.ArrowInvalid:
            numbers = _numbers_in(path, shape) if self._numbers is None else shape.numbers
            if numbers == shape.numbers:
                raise
            other = replace(shape, numbers=numbers)
            return _by_role(
                other.layout, arrow_csv.read_csv(path, **self._options(other, threads=threads)), numbers
            )

    def _options(self, shape: _Shape, *, threads: bool, large: bool = False) -> dict[str, Any]:
        """How pyarrow reads a CSV file of this shape."""
        import pyarrow
        from pyarrow import csv as arrow_csv

        layout = shape.layout
        names = list(layout.columns.values()) if layout.kind == "long" else shape.header
        kind = pyarrow.string() if shape.numbers.parting else pyarrow.float64()
        types = dict.fromkeys(_number_columns(layout, shape.header), kind)
        if "symbol" in layout.columns:
            types[layout.columns["symbol"]] = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
        block = min(_BLOCK_BYTES, self._rows_at_once * _ROW_BYTES // 8) if large else None
        return {
            "read_options": arrow_csv.ReadOptions(use_threads=threads, block_size=block),
            "parse_options": arrow_csv.ParseOptions(delimiter=shape.delimiter),
            "convert_options": arrow_csv.ConvertOptions(
                column_types=types,
                include_columns=list(dict.fromkeys(names)),
                null_values=sorted(NULLS),
                decimal_point=shape.numbers.decimal,
                timestamp_parsers=[arrow_csv.ISO8601, *self._formats()],
            ),
        }

    def _formats(self) -> tuple[str, ...]:
        return time_formats(None if self.order is None else self.order.order)

    def _streamed(self, path: Path, shape: _Shape) -> Iterator[Part]:
        import pyarrow
        from pyarrow import csv as arrow_csv

        def part() -> Part:
            table = pyarrow.Table.from_batches(waiting)
            return Part(shape.layout, _by_role(shape.layout, table, shape.numbers), before, raw.tell())

        with opened(path) as source:
            raw: Any = getattr(source, "fileobj", source)
            reader = arrow_csv.open_csv(source, **self._options(shape, large=True, threads=True))
            waiting, before, rows = [], 0, 0
            for batch in reader:
                waiting.append(batch)
                rows += batch.num_rows
                if rows - before >= self._rows_at_once:
                    yield part()
                    waiting, before = [], rows
            if waiting:
                yield part()

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


def _number_columns(layout: Layout, header: Sequence[str]) -> list[str]:
    if layout.kind == "wide":
        return [name for name in header if name != layout.columns["ts"]]
    return [layout.columns[role] for role in NUMBERS if role in layout.columns]


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


def _by_role(layout: Layout, table: Any, numbers: Numbers = PLAIN) -> Any:
    """The columns by their roles, of a wide table by their symbols; numbers that came as texts are read."""
    import pyarrow

    if layout.kind == "wide":
        time = layout.columns["ts"]
        columns = {"ts" if name == time else name: table.column(name) for name in table.column_names}
        written = set(columns) - {"ts"}
    else:
        columns = {role: table.column(name) for role, name in layout.columns.items()}
        written = set(columns) & set(NUMBERS)
    if numbers.parting:
        columns |= {name: as_numbers(columns[name], numbers) for name in written}
    return pyarrow.table(columns)


def _numbers_in(path: Path, shape: _Shape) -> Numbers:
    """How the whole file writes its numbers."""
    with records(path, shape.delimiter) as lines:
        places = [shape.header.index(name) for name in _number_columns(shape.layout, shape.header)]
        next(lines)
        return numbers_of(path.name, number_cells((cells for _, cells in lines), places))


def _find_fault(path: Path, shape: _Shape) -> None:
    """Read slowly and raise :class:`DataError` at the first row that is wrong."""
    with records(path, shape.delimiter) as lines:
        header = next(lines)[1]
        places = {name: header.index(name) for name in _number_columns(shape.layout, header)}
        for line, cells in lines:
            where = f"{path.name}, line {line}:"
            if len(cells) != len(header):
                raise DataError(
                    f"{where} {len(cells)} cells, expected {len(header)}.", "Complete or remove the row."
                )
            for name, column in places.items():
                check_number(where, name, cells[column].strip(), shape.numbers)


def line_of_bad_time(path: Path, column: str, order: OrderFound | None) -> str:
    """Where the first cell of ``column`` that is no timestamp stands, as ``line 7: 'x'``; empty when all are."""
    if path.suffix.lower() == ".parquet":
        return ""
    formats = time_formats(None if order is None else order.order)
    first = _head(path)[0].decode("utf-8-sig", "replace")
    with records(path, max(_DELIMITERS, key=first.count)) as lines:
        at = next(lines)[1].index(column)
        for line, cells in lines:
            if len(cells) <= at or not _is_time(cells[at].strip(), formats):
                return f"line {line}: {cells[at] if len(cells) > at else ''!r}"
    return ""


def _is_time(text: str, formats: Sequence[str]) -> bool:
    for shape in ("", *formats):
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
