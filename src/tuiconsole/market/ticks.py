"""Trades and quotes made into bars, causally: one code for a whole file and for a stream.

Rules. A tick belongs to the interval that its time lies in, the end excluded. Ticks are taken in the order of their times,
and of arrival where times are equal; one that comes after its bar was handed out is late, dropped and counted. Only trades
make a bar: no bar where nothing traded. A quote may update one side; the other stands, from bar to bar. A trade was started
by its buyer when it was at or above the ask that stood before its time, by its seller at or below the bid, else by the side
of the midpoint that it was on; at the midpoint, and without quotes, by whether the last different price was lower or higher
(Lee and Ready 1991, J. Finance 46, 733-746).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tuiconsole.domain.context import QUOTE_FIELDS
from tuiconsole.domain.types import BoolArray, FloatArray, IntArray
from tuiconsole.market.interval_grid import NOWHERE, IntervalGrid

TICK_FIELDS = ("price", "size", "bid", "bid_size", "ask", "ask_size")
BAR_COLUMNS = ("open", "high", "low", "close", "volume", *QUOTE_FIELDS)
_SIDES = (("bid", "bid_size"), ("ask", "ask_size"))


@dataclass(frozen=True, slots=True)
class Ticks:
    """Ticks of one symbol; each float64 ``[n]``, NaN where a tick says nothing of it.

    Attributes
    ----------
    ts
        int64 ``[n]``, ns UTC.
    price, size
        Of a trade.
    bid, bid_size, ask, ask_size
        Of a quote; a side of NaN was not updated.
    """

    ts: IntArray
    price: FloatArray
    size: FloatArray
    bid: FloatArray
    bid_size: FloatArray
    ask: FloatArray
    ask_size: FloatArray

    def take(self, rows: IntArray | BoolArray) -> Ticks:
        """The ticks at these positions, or where the mask is true."""
        return Ticks(self.ts[rows], *(getattr(self, name)[rows] for name in TICK_FIELDS))

    def plus(self, later: Ticks) -> Ticks:
        """These ticks, then those."""
        columns = (
            np.concatenate((getattr(self, name), getattr(later, name))) for name in ("ts", *TICK_FIELDS)
        )
        return Ticks(*columns)


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands from bar to bar: the touch with its sizes, the last price, and the direction of its last change."""

    quote: dict[str, float] = field(default_factory=lambda: dict.fromkeys(TICK_FIELDS[2:], float("nan")))
    price: float = float("nan")
    direction: float = 0.0


@dataclass(frozen=True, slots=True)
class TickedBars:
    """Bars of one symbol: ends ``[n_bars]`` in ns UTC, and float64 ``[n_bars]`` for each of :data:`BAR_COLUMNS`."""

    ts: IntArray
    columns: dict[str, FloatArray]


def tick_bars(
    ticks: Ticks, grid: IntervalGrid, until: int, standing: Standing
) -> tuple[TickedBars, Standing]:
    """Bars of all intervals that end by ``until`` (ns UTC), from ticks before it, and what stands after them.

    Parameters
    ----------
    ticks
        In order of arrival, all before ``until``.
    standing
        After the ticks before these.
    """
    ticks = ticks.take(np.argsort(ticks.ts, kind="stable"))
    quotes = {name: _carried(getattr(ticks, name), standing.quote[name]) for name in TICK_FIELDS[2:]}
    traded = np.flatnonzero(~np.isnan(ticks.price))
    side, direction = _started(ticks, quotes, traded, standing)
    end_of_tick = grid.ends(ticks.ts + 1)
    ends = end_of_tick[traded]
    kept = (ends != NOWHERE) & (ends <= until)
    rows, ends, side = traded[kept], ends[kept], side[kept]
    found = _bars(ticks, rows, ends, side)
    last_tick = np.searchsorted(ticks.ts, found.ts, side="left") - 1
    for name, values in quotes.items():
        found.columns[name] = values[last_tick]
    if not len(ticks.ts):
        return found, standing
    price = float(ticks.price[traded[-1]]) if len(traded) else standing.price
    return found, Standing({name: float(values[-1]) for name, values in quotes.items()}, price, direction)


def _bars(ticks: Ticks, rows: IntArray, ends: IntArray, side: FloatArray) -> TickedBars:
    if not len(rows):
        return TickedBars(ends, {name: np.empty(0) for name in BAR_COLUMNS})
    starts = np.flatnonzero(np.concatenate(([True], np.diff(ends) != 0)))
    price, size = ticks.price[rows], ticks.size[rows]
    last = np.append(starts[1:], len(rows)) - 1
    unknown = np.full(len(starts), np.nan)
    known = side != 0.0
    columns = {
        "open": price[starts],
        "high": np.maximum.reduceat(price, starts),
        "low": np.minimum.reduceat(price, starts),
        "close": price[last],
        "volume": np.add.reduceat(size, starts),
        "bid_depth": unknown,
        "ask_depth": unknown,
        "buy_volume": np.add.reduceat(np.where(side > 0.0, size, 0.0), starts),
        "sell_volume": np.add.reduceat(np.where(side < 0.0, size, 0.0), starts),
    }
    none = ~np.logical_or.reduceat(known, starts)
    for name in ("buy_volume", "sell_volume"):
        columns[name] = np.where(none, np.nan, columns[name])
    return TickedBars(ends[starts], columns)


def _carried(values: FloatArray, before: float) -> FloatArray:
    """Each value, or the last one known before it."""
    places = np.maximum.accumulate(np.where(np.isnan(values), -1, np.arange(len(values))))
    return np.where(places < 0, before, values[places]) if len(values) else values


def _started(
    ticks: Ticks, quotes: dict[str, FloatArray], traded: IntArray, standing: Standing
) -> tuple[FloatArray, float]:
    """Who started each trade (1 buyer, -1 seller, 0 unknown), and the direction of the last change of price."""
    price = ticks.price[traded]
    before = np.searchsorted(ticks.ts, ticks.ts[traded], side="left") - 1
    bid, ask = (
        np.where(before < 0, standing.quote[name], quotes[name][before]) if len(traded) else price
        for name in ("bid", "ask")
    )
    change = np.sign(price - np.concatenate(([standing.price], price[:-1]))) if len(price) else price
    change = np.where(np.isnan(change) | (change == 0.0), np.nan, change)
    direction = np.nan_to_num(_carried(change, standing.direction))
    with np.errstate(invalid="ignore"):
        quoted = (bid > 0.0) & (ask >= bid)
        away = np.sign(price - (bid + ask) / 2.0)
    side = np.where(quoted & (away != 0.0), away, direction)
    return side, float(direction[-1]) if len(direction) else standing.direction


_NO_TICKS = Ticks(np.empty(0, dtype=np.int64), *(np.empty(0) for _ in TICK_FIELDS))


class TickStream:
    """Ticks of one symbol as they come: :meth:`add` them, and :meth:`close` what is over.

    Attributes
    ----------
    late
        Ticks that came after their bar was handed out.
    """

    def __init__(self, grid: IntervalGrid) -> None:
        self.late = 0
        self._grid = grid
        self._standing = Standing()
        self._until = -(2**62)
        self._waiting: list[Ticks] = []

    def add(self, ticks: Ticks) -> None:
        """Take in ticks in the order of their arrival."""
        late = self._over(ticks, self._until)
        self.late += int(np.count_nonzero(late))
        self._waiting.append(ticks.take(~late))

    def close(self, until: int) -> TickedBars:
        """The bars of all intervals that are over at ``until`` (ns UTC); later ticks for them will be dropped."""
        self._until = max(self._until, until)
        ticks = self._waiting[0] if self._waiting else _NO_TICKS
        for more in self._waiting[1:]:
            ticks = ticks.plus(more)
        over = self._over(ticks, self._until)
        self._waiting = [ticks.take(~over)]
        found, self._standing = tick_bars(ticks.take(over), self._grid, self._until, self._standing)
        return found

    def _over(self, ticks: Ticks, until: int) -> BoolArray:
        """Ticks whose interval has ended, or which lie in none and are past."""
        ends = self._grid.ends(ticks.ts + 1)
        return np.where(ends == NOWHERE, ticks.ts < until, ends <= until)
