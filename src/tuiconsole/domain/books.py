"""What an order book's feed says: levels that changed, trades, quotes, and that a book can no longer be trusted.

Prices and sizes are scaled integers, exact images of the exchange's decimal text (see :class:`BookScale`).
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

Level = tuple[int, int]
"""Scaled price and scaled size; a size of 0 takes the level away."""


@dataclass(frozen=True, slots=True)
class BookScale:
    """Digits after the point of a book's prices and sizes: both are held in units of ``10**-decimals``."""

    price_decimals: int
    size_decimals: int


class DepthUpdate(msgspec.Struct, frozen=True, gc=False):
    """Levels of one book as they are from now on.

    Attributes
    ----------
    ts
        Nanoseconds UTC at which the message was received.
    symbol
        As the exchange writes it.
    bids, asks
        Absolute sizes; of a price told twice the later one counts.
    snapshot
        The levels are the whole book; what it held before is gone.
    last_id
        The exchange's number of the last change contained; 0 where it has none.
    """

    ts: int
    symbol: str
    bids: list[Level]
    asks: list[Level]
    snapshot: bool = False
    last_id: int = 0


class TradePrint(msgspec.Struct, frozen=True, gc=False):
    """One trade of the market.

    Attributes
    ----------
    price, size
        Scaled, positive.
    side
        1 when the buyer started it (it took from the asks), -1 when the seller did, 0 when that is not told.
    """

    ts: int
    symbol: str
    price: int
    size: int
    side: int


class TopQuote(msgspec.Struct, frozen=True, gc=False):
    """The best bid and ask as the exchange itself states them; 0 where a side is empty."""

    ts: int
    symbol: str
    bid: int
    bid_size: int
    ask: int
    ask_size: int
    last_id: int = 0


class BookBroken(msgspec.Struct, frozen=True, gc=False):
    """From here on the book of ``symbol`` is not known, until a :class:`DepthUpdate` with ``snapshot`` comes."""

    ts: int
    symbol: str
    reason: str


BookEvent = DepthUpdate | TradePrint | TopQuote | BookBroken
