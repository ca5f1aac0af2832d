"""Pieces on disk: one Parquet file each, sorted by symbol and time, made durable before anyone may name it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY
from tuiconsole.domain.context import QUOTE_FIELDS
from tuiconsole.domain.errors import DataError
from tuiconsole.domain.types import IntArray
from tuiconsole.market.calendar import distinct_days
from tuiconsole.market.history.columns import Columns
from tuiconsole.market.history.manifest import Piece
from tuiconsole.market.intervals import SECONDS_PER_DAY

_ROW_GROUP = 131_072
_MONTHS_BELOW_SECONDS = 900


def buckets_of(ts: IntArray, seconds: int) -> tuple[IntArray, list[str]]:
    """Bucket of each time, int64 ``[n]``, and their names: decades of days, years of hours, months of minutes.

    >>> buckets_of(np.array([0, 86_400_000_000_000 * 4000]), 86_400)
    (array([0, 1]), ['1970', '1980'])
    """
    days = ts // NANOSECONDS_PER_DAY
    unique, inverse = distinct_days(days)
    dates = np.datetime_as_string(unique.astype("datetime64[D]"))
    if seconds >= SECONDS_PER_DAY:
        names = [f"{text[:3]}0" for text in dates]
    elif seconds >= _MONTHS_BELOW_SECONDS:
        names = [text[:4] for text in dates]
    else:
        names = [text[:7] for text in dates]
    kept = sorted(set(names))
    position = {name: i for i, name in enumerate(kept)}
    return np.array([position[name] for name in names], dtype=np.int64)[inverse], kept


def write_piece(
    root: Path,
    folder: str,
    bucket: str,
    seq: int,
    columns: Columns,
    origin: IntArray | int,
    *,
    seqs: IntArray | None = None,
) -> Piece:
    """Write ``columns`` (sorted, at least one row) as a new piece and make its content durable.

    Parameters
    ----------
    origin
        Position of the provenance in the manifest, for all rows or ``[n]``.
    seqs
        int64 ``[n]``, the write that each row came with; default ``seq``.
    """
    import pyarrow
    from pyarrow import parquet

    n = len(columns)
    arrays: dict[str, Any] = {
        "ts": pyarrow.array(columns.ts).view(pyarrow.timestamp("ns", tz="UTC")),
        "symbol": pyarrow.DictionaryArray.from_arrays(
            columns.codes.astype(np.int32), pyarrow.array(columns.symbols, pyarrow.string())
        ),
        **{name: pyarrow.array(values) for name, values in columns.values.items()},
        "flags": pyarrow.array(columns.flags),
        "row": pyarrow.array(columns.row),
        "origin": pyarrow.array(np.broadcast_to(np.asarray(origin, dtype=np.int32), n).copy()),
        "seq": pyarrow.array(np.full(n, seq, dtype=np.int64) if seqs is None else seqs),
    }
    name = f"{folder}/{bucket}/{seq:08d}.parquet"
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("wb") as file:
            parquet.write_table(
                pyarrow.table(arrays),
                file,
                row_group_size=_ROW_GROUP,
                compression="lz4",
                use_dictionary=["symbol", "flags", "origin", "seq"],
                column_encoding={"ts": "DELTA_BINARY_PACKED", "row": "DELTA_BINARY_PACKED"},
            )
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise DataError(
            f"The history cannot be written to {root}: {error.strerror}.",
            "Free space or change history.root.",
        ) from error
    low, high = columns.symbols[int(columns.codes[0])], columns.symbols[int(columns.codes[-1])]
    return Piece(name, bucket, seq, n, int(columns.ts.min()), int(columns.ts.max()), low, high)


def read_piece(
    root: Path,
    piece: Piece,
    names: list[str],
    symbols: set[str] | None = None,
    between: tuple[int, int] | None = None,
) -> Any:
    """Columns ``names`` of a piece as an Arrow table; only of ``symbols`` and of ``between`` (ns, end excluded) if given.

    Columns of quotes that the piece lacks are NaN.

    Raises ``FileNotFoundError`` when a later write has replaced it: read the manifest again. A file that cannot be read
    raises :class:`DataError`.
    """
    import pyarrow
    from pyarrow import compute, parquet

    condition = None
    if symbols is not None:
        condition = compute.field("symbol").isin(sorted(symbols))
    if between is not None and (piece.first < between[0] or piece.last >= between[1]):
        low, high = (pyarrow.scalar(t, pyarrow.timestamp("ns", tz="UTC")) for t in between)
        inside = (compute.field("ts") >= low) & (compute.field("ts") < high)
        condition = inside if condition is None else condition & inside
    wanted = names
    try:
        if not set(QUOTE_FIELDS).isdisjoint(names):
            held = set(parquet.read_schema(root / piece.file).names)
            wanted = [name for name in names if name in held]
        if condition is None:
            with parquet.ParquetFile(root / piece.file, read_dictionary=["symbol"]) as file:
                table = file.read(wanted)
        else:
            table = parquet.read_table(
                root / piece.file,
                columns=wanted,
                filters=condition,
                read_dictionary=["symbol"],
                partitioning=None,
            )
    except FileNotFoundError:
        raise
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise DataError(
            f"{piece.file} of the history in {root} is damaged: {reason}.",
            "Restore it, or import again into another history.root.",
        ) from error
    if len(wanted) == len(names):
        return table
    for name in set(names) - set(wanted):
        table = table.append_column(name, pyarrow.array(np.full(len(table), np.nan)))
    return table.select(names)
