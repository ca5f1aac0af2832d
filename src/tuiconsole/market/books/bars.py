"""Bars with quotes and depth from the events of order books, causally.

A bar holds the trades of its interval, and the book as it stood when the interval ended, before any message of the next one.
Only trades make a bar. Where the book was not known at that moment its columns are NaN. Volume counts to the side that the
exchange says started the trade.
"""

from __future__ import annotations

import numpy as np

from tuiconsole.domain.books import BookBroken, BookEvent, BookScale, DepthUpdate, TradePrint
from tuiconsole.domain.order_book import OrderBook
from tuiconsole.domain.types import IntArray
from tuiconsole.market.interval_grid import NOWHERE, IntervalGrid
from tuiconsole.market.ticks import BAR_COLUMNS, TickedBars

_NAN = float("nan")


class BookBars:
    """Bars of one symbol, event by event.

    Parameters
    ----------
    grid
        Where intervals end.
    scale
        Of the book's prices and sizes; bars are in currency units and shares or coins.
    levels
        Levels of each side that count as depth.
    """

    def __init__(self, grid: IntervalGrid, scale: BookScale, levels: int) -> None:
        self._grid = grid
        self._price_scale, self._size_scale = 10**scale.price_decimals, 10**scale.size_decimals
        self._levels = levels
        self._book = OrderBook()
        self._touch = (0, 0, 0, 0)
        self._deep = False
        self._end = NOWHERE
        self._next = -(2**63)
        self._prices: list[int] = []
        self._volume = [0, 0, 0]
        self._rows: list[tuple[float, ...]] = []
        self._ends: list[int] = []

    def take(self, event: BookEvent) -> None:
        """Take in the next event; times do not fall."""
        if event.ts >= self._next:
            self._close(event.ts)
        if isinstance(event, TradePrint):
            if self._end != NOWHERE:
                self._prices.append(event.price)
                self._volume[event.side] += event.size
        elif isinstance(event, DepthUpdate):
            self._book.apply(event)
            self._deep = True
        elif isinstance(event, BookBroken):
            self._book.replace((), ())
            self._touch = (0, 0, 0, 0)
        elif not self._deep:
            self._touch = (event.bid, event.bid_size, event.ask, event.ask_size)

    def _close(self, ts: int) -> None:
        """The interval is over: its bar, if anything was traded, and the interval that ``ts`` lies in."""
        if self._prices:
            self._ends.append(self._end)
            self._rows.append(self._bar())
        self._prices, self._volume = [], [0, 0, 0]
        self._end = int(self._grid.ends(np.array([ts + 1], dtype=np.int64))[0])
        self._next = self._end if self._end != NOWHERE else ts + 1

    def _bar(self) -> tuple[float, ...]:
        prices = self._prices
        traded = [price / self._price_scale for price in (prices[0], max(prices), min(prices), prices[-1])]
        unknown, bought, sold = (size / self._size_scale for size in self._volume)
        sides = (bought, sold) if bought or sold else (_NAN, _NAN)
        return (*traded, unknown + bought + sold, *self._quotes(), *sides)

    def _quotes(self) -> tuple[float, ...]:
        """Bid, ask, their sizes, and the depth of both sides; in the order of ``QUOTE_FIELDS``."""
        book = self._book
        bid, bid_size, ask, ask_size = book.touch() if self._deep else self._touch
        depth = [side.depth(self._levels) for side in (book.bids, book.asks)]
        prices = [price / self._price_scale if price else _NAN for price in (bid, ask)]
        sizes = [size / self._size_scale if size else _NAN for size in (bid_size, ask_size, *depth)]
        return (*prices, *sizes)

    def bars(self) -> TickedBars:
        """The bars of all intervals that a later event showed to be over."""
        table = np.array(self._rows, dtype=np.float64).reshape(-1, len(BAR_COLUMNS)).T
        ends: IntArray = np.array(self._ends, dtype=np.int64)
        return TickedBars(ends, dict(zip(BAR_COLUMNS, table, strict=True)))
