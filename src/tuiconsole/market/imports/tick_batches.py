"""A large file of ticks, a batch at a time: Parquet by row groups, CSV by blocks; never the whole of it in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tuiconsole.domain.errors import DataError
from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.market.csv_rows import opened
from tuiconsole.market.history.columns import symbol_codes

ROWS_AT_ONCE = 262_144
NEEDED = ("ts", "symbol", "price", "size")
_LAST = 2**63 - 1
_CSV_BLOCK = 1 << 24


@dataclass(frozen=True, slots=True)
class TickRows:
    """Rows of a file that follow each other: times ``[n]`` (ns UTC), codes ``[n]`` into ``symbols``, and their Arrow table."""

    ts: IntArray
    codes: IntArray
    symbols: tuple[str, ...]
    table: Any


@dataclass(frozen=True, slots=True)
class TickPlan:
    """What the times of a file say before its ticks are read.

    Attributes
    ----------
    ranges
        First and last time of each symbol, ns UTC.
    later
        For each batch and symbol, the earliest time (ns UTC) of any later row of that symbol; nothing where there is none. What
        lies before it is complete once the batch has been read, whatever the order of the file.
    """

    ranges: dict[str, tuple[int, int]]
    later: list[dict[str, int]]


class TickFile:
    """Ticks in a Parquet or CSV file.

    Parameters
    ----------
    path
        The file.
    wanted
        Columns that are read where the file has them.
    rows_at_once
        Rows of a batch of Parquet.

    Raises
    ------
    DataError
        The file cannot be read or lacks a column.
    """

    def __init__(self, path: Path, wanted: Sequence[str], rows_at_once: int = ROWS_AT_ONCE) -> None:
        if not path.is_file():
            raise DataError(f"{path} is not a file.", "Name one Parquet or CSV file of ticks.")
        self._path = path
        self._rows_at_once = rows_at_once
        held = self._header()
        missing = [name for name in NEEDED if name not in held]
        if missing:
            others = [name for name in wanted if name not in NEEDED]
            raise DataError(
                f"{path.name} has no column {missing[0]}.",
                f"Ticks need {', '.join(NEEDED)}, and where known {', '.join(others)}.",
            )
        self._columns = [name for name in wanted if name in held]

    def batches(self) -> Iterator[TickRows]:
        """All rows, batch by batch, in the order of the file."""
        for table in self._tables(self._columns):
            yield self._rows(table)

    def plan(self) -> TickPlan:
        """Read the times alone, and say what may be made of each batch."""
        earliest: list[dict[str, int]] = []
        ranges: dict[str, tuple[int, int]] = {}
        for table in self._tables(["ts", "symbol"]):
            rows = self._rows(table)
            least = np.full(len(rows.symbols), _LAST, dtype=np.int64)
            most = np.full(len(rows.symbols), -_LAST, dtype=np.int64)
            np.minimum.at(least, rows.codes, rows.ts)
            np.maximum.at(most, rows.codes, rows.ts)
            earliest.append(dict(zip(rows.symbols, least.tolist(), strict=True)))
            for symbol, first, last in zip(rows.symbols, least.tolist(), most.tolist(), strict=True):
                known = ranges.get(symbol, (first, last))
                ranges[symbol] = min(first, known[0]), max(last, known[1])
        later: dict[str, int] = {}
        found: list[dict[str, int]] = []
        for batch in reversed(earliest):
            found.append(dict(later))
            later |= {symbol: min(ts, later.get(symbol, _LAST)) for symbol, ts in batch.items()}
        return TickPlan(ranges, found[::-1])

    def _rows(self, table: Any) -> TickRows:
        import pyarrow

        column = table.column("ts")
        if not pyarrow.types.is_timestamp(column.type) or column.type.tz is None or column.null_count:
            raise DataError(
                f"{self._path.name}: ts must be times with a zone, was {column.type}.",
                "Write them as 2024-05-31T20:00:00Z.",
            )
        moments = column.cast(pyarrow.timestamp("ns", tz=column.type.tz)).cast(pyarrow.int64())
        codes, symbols = symbol_codes(table.column("symbol"))
        return TickRows(np.asarray(moments.to_numpy(), dtype=np.int64), codes, symbols, table)

    @property
    def _parquet(self) -> bool:
        return self._path.suffix.lower() == ".parquet"

    def _header(self) -> list[str]:
        import pyarrow
        from pyarrow import parquet

        from tuiconsole.market.imports.tables import csv_header

        if not self._parquet:
            return csv_header(self._path)
        try:
            return list(parquet.read_schema(self._path).names)
        except (OSError, pyarrow.ArrowException) as error:
            raise self._unreadable("Parquet", error) from error

    def _tables(self, columns: list[str]) -> Iterator[Any]:
        import pyarrow
        from pyarrow import csv as arrow_csv
        from pyarrow import parquet

        try:
            if self._parquet:
                with parquet.ParquetFile(self._path) as file:
                    for batch in file.iter_batches(self._rows_at_once, columns=columns):
                        yield pyarrow.Table.from_batches([batch]).select(columns)
                return
            numbers = {name: pyarrow.float64() for name in columns if name not in ("ts", "symbol")}
            types = {"symbol": pyarrow.string(), **numbers}
            options = arrow_csv.ConvertOptions(column_types=types, include_columns=columns)
            with opened(self._path) as source:
                reading = arrow_csv.ReadOptions(block_size=_CSV_BLOCK)
                for batch in arrow_csv.open_csv(source, read_options=reading, convert_options=options):
                    yield pyarrow.Table.from_batches([batch])
        except pyarrow.ArrowCancelled as error:
            raise KeyboardInterrupt from error
        except (OSError, pyarrow.ArrowException) as error:
            raise self._unreadable("Parquet" if self._parquet else "CSV", error) from error

    def _unreadable(self, kind: str, error: Exception) -> DataError:
        return DataError(f"{self._path.name} cannot be read as {kind}: {str(error).splitlines()[0]}.")


def numbers(table: Any, name: str) -> FloatArray:
    """A column as float64 ``[n]``; NaN where the table has none of it."""
    import pyarrow

    if name not in table.column_names:
        return np.full(len(table), np.nan)
    column = table.column(name).cast(pyarrow.float64(), safe=False)
    return np.asarray(column.to_numpy(), dtype=np.float64)
