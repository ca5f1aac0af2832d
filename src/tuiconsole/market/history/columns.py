"""Bars as columns: checked once when they enter, sorted by symbol and time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuiconsole.domain.context import QUOTE_FIELDS
from tuiconsole.domain.errors import DataError
from tuiconsole.domain.types import BoolArray, FloatArray, IntArray

PRICES = ("open", "high", "low", "close")
VALUES = (*PRICES, "volume")

NO_CLOSE, NOT_POSITIVE, BAD_RANGE, NEGATIVE_VOLUME, DUPLICATE, CONFLICT, FUTURE = 1, 2, 4, 8, 16, 32, 64
REASONS = {
    NO_CLOSE: "no close",
    NOT_POSITIVE: "price not positive",
    BAD_RANGE: "high or low inside open and close",
    NEGATIVE_VOLUME: "negative volume",
    DUPLICATE: "duplicate of another row",
    CONFLICT: "contradicts another row of the same time",
    FUTURE: "later than the time of the import",
}
"""What can be wrong with a row, by flag. Rows with the last three are put aside, all others stay bars."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Rows of bars.

    Attributes
    ----------
    ts
        int64 ``[n]``, ns UTC at the end of each bar.
    codes
        int64 ``[n]`` positions in ``symbols``, which are sorted.
    values
        float64 ``[n]`` for open, high, low, close, volume, and columns of quotes where the source has them; NaN where unknown.
    flags
        uint8 ``[n]``, sum of the flags of :data:`REASONS`.
    row
        int64 ``[n]``, line or row in the source, from 1; 0 where unknown.
    """

    ts: IntArray
    codes: IntArray
    symbols: tuple[str, ...]
    values: dict[str, FloatArray]
    flags: NDArray[np.uint8]
    row: IntArray

    def __len__(self) -> int:
        return len(self.ts)

    def take(self, rows: IntArray | BoolArray) -> Columns:
        """The rows at these positions, or where the mask is true; symbols stay."""
        values = {name: column[rows] for name, column in self.values.items()}
        return Columns(
            self.ts[rows], self.codes[rows], self.symbols, values, self.flags[rows], self.row[rows]
        )


def columns_of(table: Any) -> Columns:
    """A table of bars as :class:`Columns`, flagged, in the order given.

    Parameters
    ----------
    table
        Arrow table with ``ts`` (timestamp with a zone, or int64 ns UTC), ``symbol``, ``close`` and optionally
        ``open, high, low, volume``, columns of quotes, and ``row`` (its line in the source).

    Raises
    ------
    DataError
        A column is missing or has the wrong type, or a row has no time or symbol.
    """
    names = table.column_names
    missing = [name for name in ("ts", "symbol", "close") if name not in names]
    if missing:
        raise DataError(f"Bars need the column {missing[0]}; found {', '.join(names) or 'none'}.")
    for name in ("ts", "symbol"):
        if table.column(name).null_count:
            raise DataError(f"Bars need a {name} in every row; {table.column(name).null_count} have none.")
    ts = _times(table.column("ts"))
    codes, symbols = symbol_codes(table.column("symbol"))
    quoted = [name for name in QUOTE_FIELDS if name in names]
    values = {name: _floats(table, name, len(ts)) for name in (*VALUES, *quoted)}
    row = _integers(table.column("row")) if "row" in names else np.zeros(len(ts), dtype=np.int64)
    return Columns(ts, codes, symbols, values, _flags(values), row)


def _times(column: Any) -> IntArray:
    import pyarrow

    kind = column.type
    if pyarrow.types.is_timestamp(kind) and kind.tz is not None:
        column = column.cast(pyarrow.timestamp("ns", tz=kind.tz)).cast(pyarrow.int64())
    elif not pyarrow.types.is_int64(kind):
        raise DataError(f"Bars need ts as timestamps in UTC, was {kind}.")
    return _integers(column)


def _integers(column: Any) -> IntArray:
    import pyarrow

    return np.asarray(column.cast(pyarrow.int64()).to_numpy(), dtype=np.int64)


def _floats(table: Any, name: str, n: int) -> FloatArray:
    import pyarrow

    if name not in table.column_names:
        return np.full(n, np.nan)
    column = table.column(name)
    try:
        found = np.asarray(column.cast(pyarrow.float64(), safe=False).to_numpy(), dtype=np.float64)
    except pyarrow.ArrowException as error:
        raise DataError(f"Bars need numbers as {name}, was {column.type}.") from error
    if np.isinf(found).any():
        found = np.where(np.isinf(found), np.nan, found)
    return found


def symbol_codes(column: Any) -> tuple[IntArray, tuple[str, ...]]:
    """Codes ``[n]`` into the sorted names that occur in an Arrow column of texts."""
    import pyarrow

    if not len(column):
        return np.empty(0, dtype=np.int64), ()
    if not pyarrow.types.is_dictionary(column.type):
        column = column.cast(pyarrow.string()).dictionary_encode()
    joined = column.unify_dictionaries().combine_chunks()
    if isinstance(joined, pyarrow.ChunkedArray):
        joined = joined.chunk(0)
    names = joined.dictionary.to_pylist()
    codes = joined.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    present = np.bincount(codes, minlength=len(names)) > 0
    kept = sorted(np.flatnonzero(present).tolist(), key=names.__getitem__)
    for name in (names[i] for i in kept):
        if not name or any(c.isspace() or not c.isprintable() for c in name):
            raise DataError(f"Symbol {name!r} is not a printable word.")
    position = np.zeros(len(names), dtype=np.int64)
    position[kept] = np.arange(len(kept))
    return position[codes], tuple(names[i] for i in kept)


def _flags(values: dict[str, FloatArray]) -> NDArray[np.uint8]:
    """What is wrong with each row; unknown values are never wrong, apart from the close."""
    opened, high, low, close = (values[name] for name in PRICES)
    flags = np.zeros(len(close), dtype=np.uint8)
    flags[np.isnan(close)] |= NO_CLOSE
    with np.errstate(invalid="ignore"):
        wrong = (opened <= 0) | (high <= 0) | (low <= 0) | (close <= 0)
        flags[wrong] |= NOT_POSITIVE
        outside = (high < np.fmax(opened, close)) | (low > np.fmin(opened, close)) | (high < low)
        flags[outside] |= BAD_RANGE
        flags[values["volume"] < 0] |= NEGATIVE_VOLUME
    return flags


def sort(columns: Columns) -> tuple[Columns, Columns]:
    """Bars sorted by symbol and time, each once, and the rows put aside because another has their time.

    Of rows with the same symbol and time the last given stays.
    """
    order = _order(columns)
    if order is not None:
        columns = columns.take(order)
    again = (np.diff(columns.ts) == 0) & (np.diff(columns.codes) == 0)
    if not again.any():
        return columns, columns.take(np.empty(0, dtype=np.int64))
    earlier = np.concatenate((again, np.zeros(1, dtype=np.bool_)))
    last = np.flatnonzero(~earlier)
    stays = last[np.searchsorted(last, np.flatnonzero(earlier))]
    aside = columns.take(earlier)
    same = np.ones(len(aside), dtype=np.bool_)
    for name in columns.values:
        same &= equal(aside.values[name], columns.values[name][stays])
    aside.flags[:] |= np.where(same, DUPLICATE, CONFLICT).astype(np.uint8)
    return columns.take(~earlier), aside


def without_future(columns: Columns, now: int) -> tuple[Columns, Columns]:
    """Bars that had ended at ``now`` (ns UTC), and those that had not, flagged: nobody can have seen them."""
    later = columns.ts > now
    if not later.any():
        return columns, columns.take(np.empty(0, dtype=np.int64))
    aside = columns.take(later)
    aside.flags[:] |= np.uint8(FUTURE)
    return columns.take(~later), aside


def both(first: Columns, second: Columns) -> Columns:
    """The rows of both, which have the same symbols and columns, sorted by symbol and time."""
    values = {name: np.concatenate((column, second.values[name])) for name, column in first.values.items()}
    whole = Columns(
        np.concatenate((first.ts, second.ts)),
        np.concatenate((first.codes, second.codes)),
        first.symbols,
        values,
        np.concatenate((first.flags, second.flags)),
        np.concatenate((first.row, second.row)),
    )
    order = _order(whole)
    return whole if order is None else whole.take(order)


def _order(columns: Columns) -> IntArray | None:
    """The stable order by symbol and time; None when the rows are in it."""
    by_time, steps = np.diff(columns.ts), np.diff(columns.codes)
    if bool(((steps > 0) | ((steps == 0) & (by_time >= 0))).all()):
        return None
    small = columns.codes.astype(np.uint16) if len(columns.symbols) < 65_536 else columns.codes
    if bool((by_time >= 0).all()):
        return np.argsort(small, kind="stable")
    order = np.argsort(columns.ts, kind="stable")
    return order[np.argsort(small[order], kind="stable")]


def equal(left: FloatArray, right: FloatArray) -> BoolArray:
    """Elementwise equality in which NaN equals NaN."""
    same: BoolArray = (left == right) | (np.isnan(left) & np.isnan(right))
    return same


def counts(*flags: NDArray[np.uint8]) -> dict[str, int]:
    """Rows by what is wrong with them."""
    found = {
        reason: sum(int(np.count_nonzero(part & flag)) for part in flags) for flag, reason in REASONS.items()
    }
    return {reason: n for reason, n in found.items() if n}
