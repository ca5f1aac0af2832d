"""A Parquet file of trades and quotes into bars with quotes in the history."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tuiconsole.domain.errors import DataError
from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.market.history.columns import symbol_codes
from tuiconsole.market.history.records import Provenance, WriteReport
from tuiconsole.market.history.store import HistoryStore
from tuiconsole.market.interval_grid import interval_grid
from tuiconsole.market.intervals import canonical_interval, interval_seconds
from tuiconsole.market.ticks import BAR_COLUMNS, TICK_FIELDS, Standing, Ticks, tick_bars
from tuiconsole.market.universes.instruments import calendar_of
from tuiconsole.market.vendor_symbols import house_symbol

_NEEDED = ("ts", "symbol", "price", "size")
_QUOTES = TICK_FIELDS[2:]


@dataclass(frozen=True, slots=True)
class TickReport:
    """What an import of ticks read and stored: trades, updates of quotes, and ticks left out as flagged or without a price."""

    written: WriteReport
    trades: int
    quotes: int
    left_out: int
    symbols: tuple[str, ...]


def import_ticks(store: HistoryStore, path: Path, interval: str) -> TickReport:
    """Make bars of ``interval`` from the ticks in ``path`` and store them; intervals not over at the last tick are left out.

    The file has ``ts`` (with a zone), ``symbol``, ``price`` and ``size`` of trades, and where known ``bid``, ``bid_size``,
    ``ask``, ``ask_size`` (0 or empty: that side was not updated) and ``suspicious`` (not 0: left out).

    Raises
    ------
    DataError
        The file cannot be read, lacks a column, or holds no trade.
    """
    table = _read(path)
    codes, names = symbol_codes(table.column("symbol"))
    ts = _times(path, table.column("ts"))
    values = {name: _numbers(table, name) for name in TICK_FIELDS}
    for name in TICK_FIELDS:
        values[name] = np.where(values[name] > 0.0, values[name], np.nan)
    traded, quoted = ~np.isnan(values["price"]), ~np.isnan(values["bid"]) | ~np.isnan(values["ask"])
    values["size"] = np.where(traded, np.nan_to_num(values["size"]), np.nan)
    good = traded | quoted
    if "suspicious" in table.column_names:
        good &= ~(_numbers(table, "suspicious") > 0.0)
    if not (traded & good).any():
        raise DataError(f"{path.name} holds no trade.", "Bars are made of trades.")
    name = canonical_interval(interval)
    symbols = tuple(house_symbol(symbol) for symbol in names)
    parts = [
        _bars_of(symbol, Ticks(ts[own], *(values[column][own] for column in TICK_FIELDS)), name)
        for code, symbol in enumerate(symbols)
        for own in [np.flatnonzero(good & (codes == code))]
        if len(own)
    ]
    import pyarrow

    written = store.write(name, pyarrow.concat_tables(parts), Provenance("ticks", path.name))
    return TickReport(
        written,
        int(np.count_nonzero(traded & good)),
        int(np.count_nonzero(quoted & good)),
        int(np.count_nonzero(~good)),
        symbols,
    )


def _bars_of(symbol: str, ticks: Ticks, interval: str) -> Any:
    import pyarrow

    first, last = int(ticks.ts.min()), int(ticks.ts.max())
    grid = interval_grid(calendar_of(symbol), interval_seconds(interval), first, last)
    found, _ = tick_bars(ticks, grid, last, Standing())
    return pyarrow.table(
        {
            "ts": pyarrow.array(found.ts).view(pyarrow.timestamp("ns", tz="UTC")),
            "symbol": pyarrow.array([symbol] * len(found.ts), pyarrow.string()),
            **{name: found.columns[name] for name in BAR_COLUMNS},
        }
    )


def _read(path: Path) -> Any:
    import pyarrow
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
    except (OSError, pyarrow.ArrowException) as error:
        raise DataError(f"{path.name} cannot be read as Parquet: {str(error).splitlines()[0]}.") from error
    missing = [name for name in _NEEDED if name not in table.column_names]
    if missing:
        raise DataError(
            f"{path.name} has no column {missing[0]}.",
            f"Ticks need {', '.join(_NEEDED)}, and where known {', '.join(_QUOTES)}.",
        )
    return table


def _times(path: Path, column: Any) -> IntArray:
    import pyarrow

    if not pyarrow.types.is_timestamp(column.type) or column.type.tz is None or column.null_count:
        raise DataError(f"{path.name}: ts must be times with a zone, was {column.type}.")
    moments = column.cast(pyarrow.timestamp("ns", tz=column.type.tz)).cast(pyarrow.int64())
    return np.asarray(moments.to_numpy(), dtype=np.int64)


def _numbers(table: Any, name: str) -> FloatArray:
    import pyarrow

    if name not in table.column_names:
        return np.full(len(table), np.nan)
    column = table.column(name).cast(pyarrow.float64(), safe=False)
    return np.asarray(column.to_numpy(), dtype=np.float64)
