"""Rows of an Arrow table, and of a Parquet file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tuiconsole.domain.errors import DataError
from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.market.rows import OPTIONAL, REQUIRED, Rows, TimeKind, check_columns


class NotTimesError(Exception):
    """The column ``ts`` holds something other than timestamps."""


def read_parquet_rows(path: Path) -> Rows:
    """Rows of a Parquet file; a broken file, a missing column or a wrong type raises :class:`DataError`."""
    import pyarrow
    from pyarrow import parquet

    if not path.stat().st_size:
        raise DataError(f"{path.name} is empty.")
    try:
        names = list(parquet.read_schema(path).names)
        ignored = check_columns(path.name, names)
        wanted = [name for name in names if name not in ignored]
        table = parquet.read_table(path, columns=wanted, read_dictionary=["symbol"])
        return rows_of_table(path.name, table, lambda row: f"row {row + 1}", ignored)
    except NotTimesError as error:
        raise DataError(f"{path.name}: {error}.", "Store ts as timestamps or dates.") from error
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise DataError(f"{path.name} cannot be read as Parquet: {reason}.", "Write it again.") from error


def rows_of_table(source: str, table: Any, place: Callable[[int], str], ignored: tuple[str, ...]) -> Rows:
    """``table`` (columns in lower case) as :class:`Rows`.

    Raises
    ------
    NotTimesError
        When ``ts`` is neither a date nor a timestamp.
    DataError
        When a row has no time or no symbol, or a column has no numbers.
    """
    for name in REQUIRED[:2]:
        column = table.column(name)
        if column.null_count:
            row = int(np.argmax(_numpy(column.is_null())))
            raise DataError(f"{source}, {place(row)}: {name} is empty.", "Complete or remove the row.")
    codes, symbols = _symbols(source, table.column("symbol"), place)
    ts, kind = _times(table.column("ts")) if len(table) else (np.empty(0, dtype=np.int64), "wall")
    values = {name: _floats(source, name, table.column(name)) for name in _numbers(table)}
    return Rows(source, ts, kind, codes, symbols, values, place, ignored)


def _numbers(table: Any) -> list[str]:
    return [name for name in ("close", *OPTIONAL) if name in table.column_names]


def _numpy(column: Any) -> Any:
    return column.to_numpy(zero_copy_only=False) if not hasattr(column, "chunks") else column.to_numpy()


def _symbols(source: str, column: Any, place: Callable[[int], str]) -> tuple[IntArray, tuple[str, ...]]:
    """Positions and names of the symbols that occur; names that no order could carry are refused."""
    import pyarrow

    if not pyarrow.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    joined = column.unify_dictionaries().combine_chunks()
    if isinstance(joined, pyarrow.ChunkedArray):
        joined = joined.chunk(0) if joined.num_chunks else pyarrow.array([], type=joined.type)
    names = joined.dictionary.to_pylist()
    codes = joined.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    present = np.bincount(codes, minlength=len(names)) > 0
    for i in np.flatnonzero(present).tolist():
        name = names[i]
        if not isinstance(name, str) or not name or any(c.isspace() or not c.isprintable() for c in name):
            row = int(np.argmax(codes == i))
            raise DataError(f"{source}, {place(row)}: symbol {name!r} is not a printable word.")
    return (np.cumsum(present) - 1)[codes], tuple(names[i] for i in np.flatnonzero(present).tolist())


def _times(column: Any) -> tuple[IntArray, TimeKind]:
    import pyarrow

    kind = column.type
    if pyarrow.types.is_date(kind):
        column = column.cast(pyarrow.timestamp("ns"))
    elif pyarrow.types.is_timestamp(kind):
        column = column.cast(pyarrow.timestamp("ns", tz=kind.tz), safe=True)
    else:
        raise NotTimesError(f"ts holds {kind}, expected timestamps or dates")
    zoned = pyarrow.types.is_timestamp(kind) and kind.tz is not None
    return column.cast(pyarrow.int64()).to_numpy(), "utc" if zoned else "wall"


def _floats(source: str, name: str, column: Any) -> FloatArray:
    """float64 ``[n_rows]``; nulls are NaN."""
    import pyarrow

    types = pyarrow.types
    if not (types.is_floating(column.type) or types.is_integer(column.type) or types.is_decimal(column.type)):
        raise DataError(f"{source}: {name} holds {column.type}, expected numbers.", "Store it as numbers.")
    return np.asarray(column.cast(pyarrow.float64(), safe=False).to_numpy(), dtype=np.float64)
