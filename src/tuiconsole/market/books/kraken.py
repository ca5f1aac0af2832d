"""Kraken: book channels of both versions of its websocket, every update proved by its CRC32 checksum.

The checksum covers the ten best asks, then the ten best bids: of each level the digits of price and size as the exchange
writes them, without point and leading zeros. Levels beyond the subscribed depth fall out of the book after each update; the
exchange does not say when they change. A checksum that does not fit breaks the book until the next snapshot. Version 2 writes
numbers without a fixed count of decimals in its trades: they are told from the first snapshot of their book on, which settles
the scale.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from tuiconsole.domain.books import BookEvent, BookScale
from tuiconsole.domain.errors import MalformedBook
from tuiconsole.domain.order_book import OrderBook
from tuiconsole.market.books.rebuilding import BookFeed, RebuiltBook

DEPTHS = (10, 25, 100, 500, 1000)
"""Depths that may be subscribed to."""
_CHECKED_LEVELS = 10
_MOST_DEPTH = 100_000

_Rows = list[tuple[str, str]]
_Checksum = Annotated[int, msgspec.Meta(ge=0, lt=2**32)]


def checksum(book: OrderBook) -> int:
    """CRC32 of the ten best levels of each side, 0 to 2**32 - 1; the book's scale must be that of the exchange's text.

    References
    ----------
    Kraken, "Book checksum (WebSocket v1)" and "(WebSocket v2)", docs.kraken.com.
    """
    digits = [
        f"{price}{size}" for side in (book.asks, book.bids) for price, size in side.levels(_CHECKED_LEVELS)
    ]
    return zlib.crc32("".join(digits).encode())


class _LevelV2(msgspec.Struct, gc=False):
    price: msgspec.Raw
    qty: msgspec.Raw


class _DatumV2(msgspec.Struct, gc=False):
    symbol: str = ""
    bids: list[_LevelV2] = []
    asks: list[_LevelV2] = []
    checksum: _Checksum | None = None
    side: str = ""
    price: msgspec.Raw = msgspec.Raw(b"")
    qty: msgspec.Raw = msgspec.Raw(b"")


class _MessageV2(msgspec.Struct, gc=False):
    channel: str = ""
    type: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")
    method: str = ""
    result: msgspec.Raw = msgspec.Raw(b"")


class _Subscribed(msgspec.Struct, gc=False):
    channel: str = ""
    symbol: str = ""
    depth: int = 0


_OBJECTS = msgspec.json.Decoder(_MessageV2)
_DATA = msgspec.json.Decoder(list[_DatumV2])
_RESULT = msgspec.json.Decoder(_Subscribed)
_ARRAYS = msgspec.json.Decoder(list[Any])
_SIDES = {"b": 1, "buy": 1, "s": -1, "sell": -1}


class KrakenFeed(BookFeed):
    """Books and trades of Kraken's websocket, version 1 (arrays) or 2 (objects), told apart message by message.

    Parameters
    ----------
    depth
        Levels subscribed to in version 2, where the messages do not tell; None: as the subscription's answer says, else
        the least of :data:`DEPTHS` that holds the snapshot.
    """

    name = "Kraken"

    def __init__(self, scales: Mapping[str, BookScale] | None = None, depth: int | None = None) -> None:
        super().__init__(scales)
        self._depth = depth
        self._depths: dict[str, int] = {}

    def _read(self, ts: int, payload: str | bytes) -> list[BookEvent]:
        text = payload.strip()
        arrays = text[:1] in ("[", b"[")
        try:
            return (
                self._array(ts, _ARRAYS.decode(text)) if arrays else self._object(ts, _OBJECTS.decode(text))
            )
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise MalformedBook(f"A message of Kraken cannot be read: {error}.") from error

    # ---- version 1 ---------------------------------------------------------------------------------------

    def _array(self, ts: int, message: list[Any]) -> list[BookEvent]:
        if len(message) < 4 or not isinstance(message[-1], str) or not isinstance(message[-2], str):
            raise MalformedBook("An array of Kraken does not name its channel and pair.")
        channel, pair = message[-2], message[-1]
        if channel == "trade":
            book = self.book(pair)
            return [
                book.trade(ts, row[0], row[1], _SIDES.get(row[3], 0)) for row in _rows(message[1], 4, pair)
            ]
        name, _, depth = channel.partition("-")
        if name != "book":
            return []
        if not depth.isdecimal() or not 0 < int(depth[:7]) <= _MOST_DEPTH:
            raise MalformedBook(f"Kraken's channel {channel[:40]!r} does not tell its depth.")
        parts: dict[str, Any] = {}
        for part in message[1:-2]:
            if not isinstance(part, dict):
                raise MalformedBook("A book message of Kraken holds something else than levels.")
            parts.update(part)
        book = self.book(pair)
        if "as" in parts or "bs" in parts:
            bids, asks = (_pairs(parts.get(key, []), pair) for key in ("bs", "as"))
            return self._whole(ts, book, bids, asks, int(depth))
        bids, asks = (_pairs(parts.get(key, []), pair) for key in ("b", "a"))
        told = parts.get("c")
        if told is not None and not (isinstance(told, str) and told.isascii() and told.isdecimal()):
            raise MalformedBook("A checksum of Kraken is not a number.")
        return self._changes(ts, book, bids, asks, None if told is None else int(told[:12]))

    # ---- version 2 ---------------------------------------------------------------------------------------

    def _object(self, ts: int, message: _MessageV2) -> list[BookEvent]:
        if message.method == "subscribe" and bytes(message.result):
            told = _RESULT.decode(message.result)
            if told.channel == "book" and 0 < told.depth <= _MOST_DEPTH:
                self._depths[told.symbol] = told.depth
            return []
        if message.channel not in ("book", "trade") or not bytes(message.data):
            return []
        found: list[BookEvent] = []
        for datum in _DATA.decode(message.data):
            if not datum.symbol:
                raise MalformedBook("A message of Kraken does not name its symbol.")
            book = self.book(datum.symbol)
            if message.channel == "trade":
                if book.scale is None:
                    continue
                found.append(book.trade(ts, _text(datum.price), _text(datum.qty), _SIDES.get(datum.side, 0)))
                continue
            bids, asks = (
                [(_text(level.price), _text(level.qty)) for level in side]
                for side in (datum.bids, datum.asks)
            )
            if message.type == "snapshot":
                depth = self._depth or self._depths.get(datum.symbol) or _least_depth(len(bids), len(asks))
                found += self._whole(ts, book, bids, asks, depth)
                found += self._prove(ts, book, datum.checksum)
            else:
                found += self._changes(ts, book, bids, asks, datum.checksum)
        return found

    # ---- both --------------------------------------------------------------------------------------------

    def _whole(self, ts: int, book: RebuiltBook, bids: _Rows, asks: _Rows, depth: int) -> list[BookEvent]:
        levels = book.levels(bids, asks)
        self._depths[book.symbol] = depth
        return [book.adopt(ts, *levels)]

    def _changes(
        self, ts: int, book: RebuiltBook, bids: _Rows, asks: _Rows, told: int | None
    ) -> list[BookEvent]:
        if not book.live:
            book.counts.unplaced += 1
            return []
        update = book.advance(ts, *book.levels(bids, asks), depth=self._depths[book.symbol])
        return self._prove(ts, book, told) or [update]

    def _prove(self, ts: int, book: RebuiltBook, told: int | None) -> list[BookEvent]:
        """The break when the exchange's checksum is another one; empty when it fits or none is told."""
        if told is None:
            return []
        book.counts.checked += 1
        found = checksum(book.book)
        if found == told:
            return []
        book.counts.mismatched += 1
        book.counts.gaps += 1
        return book.break_off(ts, f"checksum is {found}, the exchange has {told}")

    def _lose_message(self, ts: int) -> list[BookEvent]:
        """A checksum sees the ten best levels only; what was lost may lie deeper, so no book is trusted on."""
        return [event for book in self.books.values() for event in book.break_off(ts, "a message was lost")]


def _rows(rows: Any, least: int, pair: str) -> list[list[str]]:
    if not isinstance(rows, list) or not all(
        isinstance(row, list) and len(row) >= least and all(isinstance(x, str) for x in row) for row in rows
    ):
        raise MalformedBook(f"Rows of Kraken's {pair[:20]!r} are not lists of texts.")
    return rows


def _pairs(rows: Any, pair: str) -> _Rows:
    return [(row[0], row[1]) for row in _rows(rows, 2, pair)]


def _text(raw: msgspec.Raw) -> str:
    """The number as the exchange wrote it, with its trailing zeros; in quotes or not."""
    return bytes(raw).decode().strip('"')


def _least_depth(bids: int, asks: int) -> int:
    wanted = max(bids, asks)
    return next((depth for depth in DEPTHS if depth >= wanted), wanted)
