"""Series of the economy from a long file: ``ts, series, value`` and, where known, ``release`` and ``source``.

A file that gives no release times gets the documented lag of each series, and its rows say so: such files hold the
latest, perhaps revised, figures (one vintage), dated by the month they speak of.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tuiconsole.domain.errors import DataError
from tuiconsole.domain.types import IntArray
from tuiconsole.market.point_in_time_store import VENDOR_TIME, Appended, Fact, PointInTimeStore
from tuiconsole.market.release_lags import lag_of, released

if TYPE_CHECKING:
    import pyarrow as pa

_NEEDED = ("ts", "series", "value")


def import_macro(store: PointInTimeStore, path: Path) -> tuple[Appended, dict[str, str]]:
    """Bring a file into the store.

    Returns
    -------
    What was added, and for each series where its release times come from.

    Raises
    ------
    DataError
        The file is missing, is no CSV or Parquet file, lacks a column, or has a time or value that is none.
    """
    table = _read(path)
    missing = [name for name in _NEEDED if name not in table.column_names]
    if missing:
        raise DataError(
            f"{path.name} has no column {missing[0]}; it has {', '.join(table.column_names)}.",
            "Expected ts, series, value and optionally release and source.",
        )
    facts, bases = _facts(table, path.name)
    return store.append("macro", facts), bases


def _facts(table: pa.Table, name: str) -> tuple[list[Fact], dict[str, str]]:
    import pyarrow as pa

    series = np.array(table["series"].cast(pa.string()).to_pylist())
    try:
        values = table["value"].cast(pa.float64()).to_numpy()
    except pa.ArrowInvalid:
        raise DataError(f"{name}: the column value must hold numbers.") from None
    references = _times(table, "ts", name)
    stated = _times(table, "release", name) if "release" in table.column_names else None
    sources = (
        table["source"].cast(pa.string()).to_pylist()
        if "source" in table.column_names
        else [name] * len(series)
    )
    facts: list[Fact] = []
    bases: dict[str, str] = {}
    for one in np.unique(series).tolist():
        rows = np.flatnonzero(series == one)
        if stated is None:
            lag = lag_of(one, references[rows])
            moments, bases[one] = released(references[rows], lag), f"{lag.basis} ({lag.why})"
            basis = lag.basis
        else:
            moments, bases[one], basis = stated[rows], VENDOR_TIME, VENDOR_TIME
        facts += [
            Fact(one, "", int(references[i]), int(at), float(values[i]), basis, sources[i], stated is None)
            for i, at in zip(rows.tolist(), moments, strict=True)
        ]
    return facts, bases


def _times(table: pa.Table, column: str, name: str) -> IntArray:
    import pyarrow as pa

    try:
        cells = table[column].cast(pa.timestamp("ns"))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise DataError(f"{name}: the column {column} must hold dates or times in UTC.") from None
    if cells.null_count:
        raise DataError(f"{name}: the column {column} is empty in {cells.null_count} rows.")
    out: IntArray = cells.cast(pa.int64()).to_numpy()
    return out


def _read(path: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.csv as csv
    import pyarrow.parquet as pq

    try:
        if path.suffix.lower() == ".csv":
            return csv.read_csv(path)
        if path.suffix.lower() == ".parquet":
            return pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"{path} cannot be read: {str(error).splitlines()[0]}.") from None
    raise DataError(f"{path} is neither a CSV nor a Parquet file.", "Its name must end in .csv or .parquet.")
