"""Coinbase: ``level2`` of the Exchange feed and ``l2_data`` of Advanced Trade.

Advanced Trade numbers the messages of a connection (``sequence_num``) over all channels: one left out breaks every book of
the connection until its next snapshot. The Exchange's ``level2`` has no numbers; there a message that cannot be read breaks
the books, and a lost one cannot be noticed, except by a crossed book. Both feeds name the maker's side of a trade.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec

from tuiconsole.domain.books import BookEvent, BookScale
from tuiconsole.domain.errors import MalformedBook
from tuiconsole.market.books.rebuilding import BookFeed

_Rows = list[tuple[str, str]]
_MAKER = {"buy": -1, "sell": 1, "BUY": -1, "SELL": 1}
"""Side that started a trade, by the maker's side."""
_BIDS, _ASKS = ("buy", "bid"), ("sell", "offer")


class _Level(msgspec.Struct, gc=False):
    side: str
    price_level: str
    new_quantity: str


class _Trade(msgspec.Struct, gc=False):
    product_id: str
    price: str
    size: str
    side: str = ""


class _Event(msgspec.Struct, gc=False):
    type: str = ""
    product_id: str = ""
    updates: list[_Level] = []
    trades: list[_Trade] = []


class _Message(msgspec.Struct, gc=False):
    type: str = ""
    product_id: str = ""
    bids: _Rows = []
    asks: _Rows = []
    changes: list[tuple[str, str, str]] = []
    price: str = ""
    size: str = ""
    side: str = ""
    channel: str = ""
    sequence_num: Annotated[int, msgspec.Meta(ge=0, lt=2**62)] | None = None
    events: msgspec.Raw = msgspec.Raw(b"")


_MESSAGES = msgspec.json.Decoder(_Message)
_EVENTS = msgspec.json.Decoder(list[_Event])


class CoinbaseFeed(BookFeed):
    """Books and trades of one connection to Coinbase, Exchange or Advanced Trade."""

    name = "Coinbase"
    least_scale = BookScale(8, 8)

    def __init__(self, scales: Mapping[str, BookScale] | None = None) -> None:
        super().__init__(scales)
        self._sequence: int | None = None

    def _read(self, ts: int, payload: str | bytes) -> list[BookEvent]:
        try:
            message = _MESSAGES.decode(payload)
            if message.sequence_num is not None:
                return self._numbered(ts, message, message.sequence_num)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise MalformedBook(f"A message of Coinbase cannot be read: {error}.") from error
        if message.type == "snapshot":
            return self._whole(ts, message.product_id, message.bids, message.asks)
        if message.type == "l2update":
            return self._changes(ts, message.product_id, message.changes)
        if message.type == "match":
            return [self._trade(ts, message.product_id, message.price, message.size, message.side)]
        return []

    def _numbered(self, ts: int, message: _Message, number: int) -> list[BookEvent]:
        found: list[BookEvent] = []
        if self._sequence is not None and number != self._sequence + 1 and number:
            reason = f"message {number} does not follow {self._sequence}"
            for book in self.books.values():
                book.counts.gaps += book.live
                found += book.break_off(ts, reason)
        self._sequence = number
        if message.channel not in ("l2_data", "market_trades") or not bytes(message.events):
            return found
        for event in _EVENTS.decode(message.events):
            for trade in event.trades:
                found.append(self._trade(ts, trade.product_id, trade.price, trade.size, trade.side))
            rows = [(level.side, level.price_level, level.new_quantity) for level in event.updates]
            if event.type == "snapshot" and message.channel == "l2_data":
                bids, asks = _sides(rows)
                found += self._whole(ts, event.product_id, bids, asks)
            elif rows:
                found += self._changes(ts, event.product_id, rows)
        return found

    def _whole(self, ts: int, symbol: str, bids: _Rows, asks: _Rows) -> list[BookEvent]:
        book = self.book(_named(symbol))
        return [book.adopt(ts, *book.levels(bids, asks))]

    def _changes(self, ts: int, symbol: str, rows: list[tuple[str, str, str]]) -> list[BookEvent]:
        book = self.book(_named(symbol))
        bids, asks = _sides(rows)
        if not book.live:
            book.counts.unplaced += 1
            return []
        update = book.advance(ts, *book.levels(bids, asks))
        if not book.book.crossed:
            return [update]
        book.counts.gaps += 1
        return book.break_off(ts, "its best bid is not below its best ask: a message was lost")

    def _trade(self, ts: int, symbol: str, price: str, size: str, side: str) -> BookEvent:
        return self.book(_named(symbol)).trade(ts, price, size, _MAKER.get(side, 0))

    def _lose_message(self, ts: int) -> list[BookEvent]:
        return [event for book in self.books.values() for event in book.break_off(ts, "a message was lost")]


def _named(symbol: str) -> str:
    if not symbol:
        raise MalformedBook("A message of Coinbase does not name its product.")
    return symbol


def _sides(rows: list[tuple[str, str, str]]) -> tuple[_Rows, _Rows]:
    bids = [(price, size) for side, price, size in rows if side in _BIDS]
    asks = [(price, size) for side, price, size in rows if side in _ASKS]
    if len(bids) + len(asks) != len(rows):
        raise MalformedBook("A level of Coinbase is on neither side.")
    return bids, asks
