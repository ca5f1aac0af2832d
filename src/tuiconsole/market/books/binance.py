"""Binance: spot and USD-M futures depth streams, joined to a snapshot by their update numbers.

Rules, as the exchange documents them ("How to manage a local order book correctly"):

* spot: events with ``u <= lastUpdateId`` of the snapshot are contained in it; the first one after it has
  ``U <= lastUpdateId + 1 <= u``, and each later ``U`` is the ``u`` before it plus one;
* USD-M: events with ``u < lastUpdateId`` are contained; the first one after has ``U <= lastUpdateId <= u``, and each later
  ``pu`` is the ``u`` before it.

Events that come before a snapshot wait for it. A snapshot older than the first waiting event is of no use: the book goes on
waiting. An interruption breaks the book until the next snapshot. Where best quotes (``bookTicker``) are streamed too, each one
that carries the number of a depth event must equal the best levels after it. Partial books (``@depth5``, ``10`` and ``20``)
are whole snapshots, one after the other.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from typing import Annotated

import msgspec

from tuiconsole.domain.books import BookEvent, BookScale, TopQuote
from tuiconsole.domain.errors import MalformedBook
from tuiconsole.market.books.rebuilding import BookFeed, RebuiltBook

_WAITING_MOST = 20_000
"""Events kept while a book waits for its snapshot; older ones are dropped, and then the snapshot must be newer."""
_STATED_MOST = 5_000
"""Best quotes remembered to be compared with a later depth event."""
_PARTIAL = re.compile(r"@depth(?:5|10|20)(?:@|$)")

_Rows = list[tuple[str, str]]
_Id = Annotated[int, msgspec.Meta(ge=0, lt=2**62)]


class _Data(msgspec.Struct, gc=False):
    """Fields of all messages looked at; one letter means different things in different messages."""

    e: str = ""
    s: str = ""
    U: _Id = 0
    u: _Id = 0
    pu: _Id | None = None
    b: _Rows | str = ""
    a: _Rows | str | int = ""
    B: str = ""
    A: str = ""
    p: str = ""
    q: str = ""
    m: bool = False
    lastUpdateId: _Id = 0  # noqa: N815 - the exchange's name
    bids: _Rows = []
    asks: _Rows = []


class _Frame(_Data, gc=False):
    stream: str = ""
    data: _Data | None = None


class _Change(msgspec.Struct, frozen=True, gc=False):
    first: int
    last: int
    before: int | None
    bids: _Rows
    asks: _Rows


_FRAMES = msgspec.json.Decoder(_Frame)


class BinanceFeed(BookFeed):
    """Books of Binance's streams; spot and USD-M messages are told apart by their ``pu``.

    Parameters
    ----------
    symbol
        Of snapshots, which do not name it. With one symbol on the stream it is found out; :meth:`snapshot` names it.
    """

    name = "Binance"

    def __init__(self, scales: Mapping[str, BookScale] | None = None, symbol: str = "") -> None:
        super().__init__(scales)
        self._symbol = symbol
        self._waiting: dict[str, deque[_Change]] = {}
        self._joining: set[str] = set()
        self._stated: dict[tuple[str, int], TopQuote] = {}

    def snapshot(self, ts: int, symbol: str, payload: str | bytes) -> list[BookEvent]:
        """Take in the answer of the depth request for ``symbol``; errors as in :meth:`read`."""
        self._symbol, before = symbol, self._symbol
        try:
            return self.read(ts, payload)
        finally:
            self._symbol = before

    def _read(self, ts: int, payload: str | bytes) -> list[BookEvent]:
        try:
            frame = _FRAMES.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise MalformedBook(f"A message of Binance cannot be read: {error}.") from error
        data = frame if frame.data is None else frame.data
        if _PARTIAL.search(frame.stream):
            return self._partial(ts, frame.stream.partition("@")[0].upper(), data)
        if data.e == "depthUpdate":
            return self._depth(ts, data)
        if data.lastUpdateId:
            return self._snapshot(ts, data)
        if data.e in ("trade", "aggTrade"):
            return [self._named(data.s).trade(ts, data.p, data.q, -1 if data.m else 1)]
        if data.e == "bookTicker" or (data.u and data.B):
            if not isinstance(data.b, str) or not isinstance(data.a, str):
                raise MalformedBook("A best quote of Binance has no prices.")
            return self._quote(ts, self._named(data.s), (data.b, data.B), (data.a, data.A), data.u)
        return []

    def _quote(
        self, ts: int, book: RebuiltBook, bid: tuple[str, str], ask: tuple[str, str], number: int
    ) -> list[BookEvent]:
        quote = book.quote(ts, bid, ask, number)
        if book.live and number == book.last_id:
            return [quote, *self._prove(ts, book, quote)]
        if number > book.last_id:
            if len(self._stated) >= _STATED_MOST:
                self._stated.clear()
            self._stated[book.symbol, number] = quote
        return [quote]

    def _prove(self, ts: int, book: RebuiltBook, quote: TopQuote) -> list[BookEvent]:
        """The break when the exchange's own best quote is another one than the book's."""
        book.counts.checked += 1
        stated = (quote.bid, quote.bid_size, quote.ask, quote.ask_size)
        if book.book.touch() == stated:
            return []
        book.counts.mismatched += 1
        book.counts.gaps += 1
        return book.break_off(
            ts, f"its best levels after update {book.last_id} are not those that the exchange states"
        )

    def _partial(self, ts: int, symbol: str, data: _Data) -> list[BookEvent]:
        """The best levels as they are now: a whole book of that depth."""
        book = self._named(symbol)
        bids, asks = (data.bids, data.asks) if data.lastUpdateId else (data.b, data.a)
        if not isinstance(bids, list) or not isinstance(asks, list):
            raise MalformedBook("A partial book of Binance lacks its levels.")
        number = data.lastUpdateId or data.u
        if number < book.last_id:
            book.counts.ignored += 1
            return []
        return [book.adopt(ts, *book.levels(bids, asks), number)]

    def _named(self, symbol: str) -> RebuiltBook:
        if not symbol:
            raise MalformedBook("A message of Binance does not name its symbol.")
        return self.book(symbol)

    def _depth(self, ts: int, data: _Data) -> list[BookEvent]:
        if not isinstance(data.b, list) or not isinstance(data.a, list) or data.u < data.U or not data.u:
            raise MalformedBook("A depth update of Binance lacks its levels or its numbers.")
        book = self._named(data.s)
        change = _Change(data.U, data.u, data.pu, data.b, data.a)
        if book.live:
            return self._next(ts, book, change)
        book.levels(data.b, data.a)  # what cannot be read is told now, not with the snapshot
        self._wait(book, change)
        return []

    def _wait(self, book: RebuiltBook, change: _Change) -> None:
        book.counts.unplaced += 1
        self._waiting.setdefault(book.symbol, deque(maxlen=_WAITING_MOST)).append(change)

    def _snapshot(self, ts: int, data: _Data) -> list[BookEvent]:
        symbol = data.s or self._symbol
        if not symbol:
            if len(self.books) != 1:
                raise MalformedBook(
                    "A snapshot of Binance does not name its symbol, and several are streamed."
                )
            symbol = next(iter(self.books))
        book = self.book(symbol)
        if book.live:
            book.counts.ignored += 1  # the changes since are known, the snapshot says nothing more
            return []
        last = data.lastUpdateId
        waiting = self._waiting.get(symbol, ())
        after = [change for change in waiting if not _contained(change, last)]
        bids, asks = book.levels(data.bids, data.asks)
        if after and not _joins(after[0], last):
            book.counts.ignored += 1
            return []
        book.counts.ignored += len(waiting) - len(after)
        found: list[BookEvent] = [book.adopt(ts, bids, asks, last)]
        self._joining.add(symbol)
        self._waiting.pop(symbol, None)
        for change in after:
            found += self._next(ts, book, change)
        return found

    def _next(self, ts: int, book: RebuiltBook, change: _Change) -> list[BookEvent]:
        if not book.live:
            self._wait(book, change)
            return []
        last, joining = book.last_id, book.symbol in self._joining
        if _contained(change, last) and (joining or change.last <= last):
            book.counts.ignored += 1
            return []
        if not (_joins(change, last) if joining else _follows(change, last)):
            book.counts.gaps += 1
            reason = f"updates {change.first} to {change.last} do not follow {last}"
            self._wait(book, change)
            return book.break_off(ts, reason)
        bids, asks = book.levels(change.bids, change.asks)
        self._joining.discard(book.symbol)
        update = book.advance(ts, bids, asks, change.last)
        stated = self._stated.pop((book.symbol, change.last), None)
        return [update] if stated is None else [update, *self._prove(ts, book, stated)]


def _contained(change: _Change, last: int) -> bool:
    """Whether a snapshot with this number contains the change."""
    return change.last <= last if change.before is None else change.last < last


def _joins(change: _Change, last: int) -> bool:
    """Whether the change may be the first one after a snapshot with this number."""
    if change.before is None:
        return change.first <= last + 1 <= change.last
    return change.first <= last <= change.last or change.before == last


def _follows(change: _Change, last: int) -> bool:
    """Whether the change continues the one with this number."""
    return change.first <= last + 1 if change.before is None else change.before == last
