"""What the rebuilding of every exchange's books has in common: trust, and what is counted."""

from __future__ import annotations

import enum
import hashlib
import struct
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from tuiconsole.domain.books import BookBroken, BookEvent, BookScale, DepthUpdate, Level, TopQuote, TradePrint
from tuiconsole.domain.errors import MalformedBook
from tuiconsole.domain.order_book import OrderBook
from tuiconsole.market.books.decimal_text import LevelReader, Rows, scale_of

_TOUCH = struct.Struct("<5q")
_ANY_SCALE = BookScale(0, 0)


class Trust(enum.Enum):
    """Whether a book is known."""

    WAITING = "waiting for a snapshot"
    LIVE = "live"
    BROKEN = "broken"


@dataclass(slots=True)
class Counts:
    """What came for one symbol.

    Attributes
    ----------
    updates, levels
        Messages that changed the book (snapshots included), and levels in them.
    ignored
        Messages that the book already contained.
    unplaced
        Changes that came while the book was not known.
    gaps
        Times the sequence of changes was interrupted while the book was known.
    crossed
        Messages after which the best bid stood at or above the best ask.
    checked, mismatched
        Checksums compared, and those that did not fit.
    """

    updates: int = 0
    levels: int = 0
    snapshots: int = 0
    ignored: int = 0
    unplaced: int = 0
    trades: int = 0
    quotes: int = 0
    gaps: int = 0
    crossed: int = 0
    checked: int = 0
    mismatched: int = 0


class RebuiltBook:
    """One symbol's book and whether it can be trusted.

    Parameters
    ----------
    scale
        Of its prices and sizes; None: the most decimals of the first levels seen, or ``least`` where that is more. It
        never changes afterwards.
    """

    def __init__(self, symbol: str, scale: BookScale | None = None, least: BookScale = _ANY_SCALE) -> None:
        self.symbol = symbol
        self.book = OrderBook()
        self.trust = Trust.WAITING
        self.last_id = 0
        self.counts = Counts()
        self._reader = None if scale is None else LevelReader(scale)
        self._least = least
        self._hash = hashlib.sha256(symbol.encode())

    @property
    def scale(self) -> BookScale | None:
        """Scale of prices and sizes; None before any level was seen."""
        return None if self._reader is None else self._reader.scale

    @property
    def live(self) -> bool:
        """Whether the book is known now."""
        return self.trust is Trust.LIVE

    def reader(self, *sides: Rows) -> LevelReader:
        """Reads this book's numbers; the first levels settle the scale."""
        if self._reader is None:
            found = scale_of(*sides)
            least = self._least
            self._reader = LevelReader(
                BookScale(
                    max(found.price_decimals, least.price_decimals),
                    max(found.size_decimals, least.size_decimals),
                )
            )
        return self._reader

    def levels(self, bids: Rows, asks: Rows) -> tuple[list[Level], list[Level]]:
        """Both sides of a message, or :class:`MalformedBook` and nothing."""
        if not bids and not asks:
            return [], []
        reader = self.reader(bids, asks)
        return reader.levels(bids), reader.levels(asks)

    def adopt(self, ts: int, bids: list[Level], asks: list[Level], last_id: int = 0) -> DepthUpdate:
        """The book is exactly this from now on."""
        self.book.replace(bids, asks)
        self.trust = Trust.LIVE
        self.counts.snapshots += 1
        return self._changed(DepthUpdate(ts, self.symbol, bids, asks, True, last_id))

    def advance(
        self, ts: int, bids: list[Level], asks: list[Level], last_id: int = 0, depth: int | None = None
    ) -> DepthUpdate:
        """These levels changed; with ``depth`` all that lies deeper falls out."""
        book = self.book
        book.bids.change(bids)
        book.asks.change(asks)
        if depth is not None:
            bids = bids + [(price, 0) for price in book.bids.truncate(depth)]
            asks = asks + [(price, 0) for price in book.asks.truncate(depth)]
        return self._changed(DepthUpdate(ts, self.symbol, bids, asks, False, last_id))

    def _changed(self, update: DepthUpdate) -> DepthUpdate:
        counts, touch = self.counts, self.book.touch()
        counts.updates += 1
        counts.levels += len(update.bids) + len(update.asks)
        bid, _, ask, _ = touch
        counts.crossed += bid >= ask > 0
        self.last_id = update.last_id
        self._hash.update(_TOUCH.pack(update.last_id, *touch))
        return update

    def break_off(self, ts: int, reason: str) -> list[BookEvent]:
        """Nothing is known any more; says so once."""
        if self.trust is not Trust.LIVE:
            return []
        self.trust = Trust.BROKEN
        self.book.replace((), ())
        return [BookBroken(ts, self.symbol, reason)]

    def trade(self, ts: int, price: str, size: str, side: int) -> TradePrint:
        """A trade, at the book's scale."""
        reader = self.reader([(price, size)])
        self.counts.trades += 1
        return TradePrint(ts, self.symbol, reader.price(price), reader.size(size), side)

    def quote(self, ts: int, bid: tuple[str, str], ask: tuple[str, str], last_id: int) -> TopQuote:
        """The exchange's own best bid and ask, at the book's scale."""
        reader = self.reader([bid, ask])
        self.counts.quotes += 1
        size = reader.size
        best = [(reader.price(one[0]), size(one[1])) if size(one[1]) else (0, 0) for one in (bid, ask)]
        return TopQuote(ts, self.symbol, *best[0], *best[1], last_id)

    def digest(self) -> str:
        """SHA-256 (hex) of every touch with its number so far and of the whole book now."""
        whole = self._hash.copy()
        whole.update(self.book.digest())
        return whole.hexdigest()


class BookFeed(ABC):
    """Rebuilds the books of one connection to an exchange.

    Parameters
    ----------
    scales
        Scale by symbol where it is known beforehand.
    """

    name = ""
    """The exchange."""
    least_scale = _ANY_SCALE
    """Scale that every book has at least: for exchanges that leave out zeros at the end of a number."""

    def __init__(self, scales: Mapping[str, BookScale] | None = None) -> None:
        self.books: dict[str, RebuiltBook] = {}
        """By symbol, in the order in which they were first seen."""
        self.malformed = 0
        self._scales = scales or {}
        self._lost: list[BookEvent] = []

    def read(self, ts: int, payload: str | bytes) -> list[BookEvent]:
        """Take in one message.

        Parameters
        ----------
        ts
            Nanoseconds UTC at which it was received.
        payload
            The message as it came.

        Returns
        -------
        What it says; empty for messages that say nothing about books and trades.

        Raises
        ------
        MalformedBook
            It cannot be understood or says what cannot be. Nothing of it was taken in. Books of which a lost message
            could not be noticed later are broken off at once; the events that say so come with the next message.
        """
        try:
            found = self._read(ts, payload)
        except MalformedBook:
            self.malformed += 1
            self._lost += self._lose_message(ts)
            raise
        if self._lost:
            found, self._lost = self._lost + found, []
        return found

    def book(self, symbol: str) -> RebuiltBook:
        """The book of ``symbol``, new and waiting when it is seen for the first time."""
        found = self.books.get(symbol)
        if found is None:
            found = self.books[symbol] = RebuiltBook(symbol, self._scales.get(symbol), self.least_scale)
        return found

    @abstractmethod
    def _read(self, ts: int, payload: str | bytes) -> list[BookEvent]: ...

    def _lose_message(self, ts: int) -> list[BookEvent]:
        """A message could not be read. Where neither numbers nor checksums would tell, break books off here."""
        return []
