"""The store's columns, built from what vendors answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray

if TYPE_CHECKING:
    import pyarrow as pa

PRICES = ("open", "high", "low", "close")


def bars_schema() -> pa.Schema:
    """``ts`` (end of bar, ns UTC), ``symbol``, ``open``, ``high``, ``low``, ``close``, ``volume``; raw values."""
    import pyarrow as pa

    numbers = [(name, pa.float64()) for name in (*PRICES, "volume")]
    return pa.schema([("ts", pa.timestamp("ns", "UTC")), ("symbol", pa.string()), *numbers])


def actions_schema() -> pa.Schema:
    """``ts`` (close of the last session before the action takes effect, ns UTC), ``symbol``, ``kind``, ``value``.

    ``kind`` is "split" (``value``: new shares for one old share) or "dividend" (``value``: cash for one share as
    it was then). ``ex_date`` is the first session that trades without it.
    """
    import pyarrow as pa

    return pa.schema(
        [("ex_date", pa.date32()), ("symbol", pa.string()), ("kind", pa.string()), ("value", pa.float64())]
    )


def bars_table(symbol: str, ts: IntArray, columns: Mapping[str, FloatArray]) -> pa.Table:
    """One symbol's bars as a table, sorted by time; rows without a close are left out.

    Parameters
    ----------
    ts
        int64 ``[n]``, end of bar in ns UTC.
    columns
        float64 ``[n]`` for each of open, high, low, close and volume; NaN where the vendor gave none.
    """
    import pyarrow as pa

    keep = np.flatnonzero(np.isfinite(columns["close"]))
    order = keep[np.argsort(ts[keep], kind="stable")]
    arrays = [pa.array(ts[order], pa.timestamp("ns", "UTC")), pa.array([symbol] * len(order), pa.string())]
    for name in (*PRICES, "volume"):
        arrays.append(pa.array(np.asarray(columns[name], dtype=np.float64)[order], pa.float64()))
    return pa.Table.from_arrays(arrays, schema=bars_schema())


def actions_table(symbol: str, rows: Sequence[tuple[int, str, float]]) -> pa.Table:
    """One symbol's actions; ``rows`` are (ex-date in days since the epoch, kind, value)."""
    import pyarrow as pa

    ordered = sorted(rows)
    return pa.Table.from_arrays(
        [
            pa.array([day for day, _, _ in ordered], pa.int32()).cast(pa.date32()),
            pa.array([symbol] * len(ordered), pa.string()),
            pa.array([kind for _, kind, _ in ordered], pa.string()),
            pa.array([value for _, _, value in ordered], pa.float64()),
        ],
        schema=actions_schema(),
    )


def joined(tables: Sequence[pa.Table], schema: pa.Schema) -> pa.Table:
    """All ``tables`` one after the other; an empty table of ``schema`` when there is none."""
    import pyarrow as pa

    return pa.concat_tables([table.cast(schema) for table in tables]) if tables else schema.empty_table()


def within(table: pa.Table, start_ns: int, end_ns: int) -> pa.Table:
    """The bars that end in ``(start_ns, end_ns]``."""
    ends = np.asarray(table["ts"].cast("int64"))
    return table.filter((ends > start_ns) & (ends <= end_ns))
