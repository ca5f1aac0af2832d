"""A file of trades and quotes into bars with quotes in the history, with memory bounded by what is not yet a bar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tuiconsole.domain.errors import DataError
from tuiconsole.domain.types import BoolArray, FloatArray
from tuiconsole.market.history.records import Provenance, WriteReport
from tuiconsole.market.history.store import HistoryStore
from tuiconsole.market.history.transaction import Transaction
from tuiconsole.market.imports.spelling import Spelling
from tuiconsole.market.imports.tick_batches import ROWS_AT_ONCE, TickFile, TickRows, numbers
from tuiconsole.market.interval_grid import interval_grid
from tuiconsole.market.intervals import canonical_interval, interval_seconds
from tuiconsole.market.ticks import BAR_COLUMNS, TICK_FIELDS, TickedBars, Ticks, TickStream
from tuiconsole.market.universes.instruments import calendar_of

_COLUMNS = ("ts", "symbol", *TICK_FIELDS, "suspicious")
_BARS_AT_ONCE = 200_000


@dataclass(frozen=True, slots=True)
class TickReport:
    """What an import of ticks read and stored: trades, updates of quotes, and ticks left out as flagged or without a price."""

    written: WriteReport
    trades: int
    quotes: int
    left_out: int
    symbols: tuple[str, ...]


def import_ticks(
    store: HistoryStore, path: Path, interval: str, rows_at_once: int = ROWS_AT_ONCE
) -> TickReport:
    """Make bars of ``interval`` from the ticks in ``path`` and store them; intervals not over at the last tick are left out.

    The file (Parquet or CSV) has ``ts`` (with a zone), ``symbol``, ``price`` and ``size`` of trades, and where known ``bid``,
    ``bid_size``, ``ask``, ``ask_size`` (0 or empty: that side was not updated) and ``suspicious`` (not 0: left out). It is read
    twice, a batch at a time: first its times, so that a bar is made as soon as no later row can belong to it.

    Raises
    ------
    DataError
        The file cannot be read, lacks a column, or holds no trade. Nothing was stored then.
    """
    file = TickFile(path, _COLUMNS, rows_at_once)
    name = canonical_interval(interval)
    plan = file.plan()
    making = _Making(name, path.name, plan.ranges)
    with store.transaction() as transaction:
        for rows, later in zip(file.batches(), plan.later, strict=True):
            making.take(rows, later)
            if making.waiting_bars >= _BARS_AT_ONCE:
                making.store(transaction)
        if not making.trades:
            raise DataError(f"{path.name} holds no trade.", "Bars are made of trades.")
        making.store(transaction)
    symbols = tuple(sorted(making.house(symbol) for symbol in making.streams))
    return TickReport(making.written, making.trades, making.quotes, making.left_out, symbols)


@dataclass(slots=True)
class _Of:
    """The ticks of one symbol on their way: its stream, its last good tick, and until when bars were made."""

    stream: TickStream
    last: int = -(2**62)
    until: int = -(2**62)


@dataclass(slots=True)
class _Making:
    """Bars being made of all symbols."""

    interval: str
    file: str
    ranges: Mapping[str, tuple[int, int]]
    spelling: Spelling = field(default_factory=Spelling)
    streams: dict[str, _Of] = field(default_factory=dict)
    tables: list[Any] = field(default_factory=list)
    waiting_bars: int = 0
    trades: int = 0
    quotes: int = 0
    left_out: int = 0
    written: WriteReport = field(init=False)

    def __post_init__(self) -> None:
        """Nothing is written yet."""
        self.written = WriteReport(self.interval)

    def take(self, rows: TickRows, later: dict[str, int]) -> None:
        """Take in a batch; make the bars to which no later row can belong."""
        values, good = _values(rows.table)
        traded = ~np.isnan(values["price"])
        self.trades += int(np.count_nonzero(traded & good))
        self.quotes += int(np.count_nonzero(good & (~np.isnan(values["bid"]) | ~np.isnan(values["ask"]))))
        self.left_out += int(np.count_nonzero(~good))
        for code, symbol in enumerate(rows.symbols):
            own = np.flatnonzero(good & (rows.codes == code))
            if not len(own):
                continue
            ticks = Ticks(rows.ts[own], *(values[name][own] for name in TICK_FIELDS))
            held = self._held(symbol)
            held.last = max(held.last, int(ticks.ts.max()))
            held.stream.add(ticks)
        for symbol, held in self.streams.items():
            until = later.get(symbol, held.last)
            if until > held.until:
                held.until = until
                self._keep(symbol, held.stream.close(until))

    def house(self, symbol: str) -> str:
        """The house's name of what the file calls ``symbol``."""
        return self.spelling.house(symbol, "file", self.file)

    def store(self, transaction: Transaction) -> None:
        """Stage the bars made so far."""
        import pyarrow

        if self.tables:
            table = pyarrow.concat_tables(self.tables)
            report = transaction.add(self.interval, table, Provenance("ticks", self.file))
            self.written = self.written.plus(report) if self.written.given else report
        self.tables, self.waiting_bars = [], 0

    def _held(self, symbol: str) -> _Of:
        """The stream of ``symbol``."""
        if symbol not in self.streams:
            calendar = calendar_of(self.house(symbol))
            grid = interval_grid(calendar, interval_seconds(self.interval), *self.ranges[symbol])
            self.streams[symbol] = _Of(TickStream(grid))
        return self.streams[symbol]

    def _keep(self, symbol: str, found: TickedBars) -> None:
        import pyarrow

        if not len(found.ts):
            return
        self.waiting_bars += len(found.ts)
        self.tables.append(
            pyarrow.table(
                {
                    "ts": pyarrow.array(found.ts).view(pyarrow.timestamp("ns", tz="UTC")),
                    "symbol": pyarrow.array([self.house(symbol)] * len(found.ts), pyarrow.string()),
                    **{name: found.columns[name] for name in BAR_COLUMNS},
                }
            )
        )


def _values(table: Any) -> tuple[dict[str, FloatArray], BoolArray]:
    """Prices and sizes, NaN where a tick says nothing of them, and which ticks count."""
    values = {name: numbers(table, name) for name in TICK_FIELDS}
    values = {name: np.where(column > 0.0, column, np.nan) for name, column in values.items()}
    traded, quoted = ~np.isnan(values["price"]), ~np.isnan(values["bid"]) | ~np.isnan(values["ask"])
    values["size"] = np.where(traded, np.nan_to_num(values["size"]), np.nan)
    good: BoolArray = traded | quoted
    if "suspicious" in table.column_names:
        good &= ~(numbers(table, "suspicious") > 0.0)
    return values, good
