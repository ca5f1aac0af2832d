"""Hostile messages for the feeds of order books: each is read, or refused with one kind of error, and books stay sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from tuiconsole.domain.books import DepthUpdate
from tuiconsole.domain.errors import MalformedBook
from tuiconsole.domain.order_book import OrderBook
from tuiconsole.domain.rng import generator
from tuiconsole.market.books.binance import BinanceFeed
from tuiconsole.market.books.coinbase import CoinbaseFeed
from tuiconsole.market.books.kraken import KrakenFeed
from tuiconsole.market.books.rebuilding import BookFeed

FEEDS: tuple[type[BookFeed], ...] = (BinanceFeed, KrakenFeed, CoinbaseFeed)
_SOUND = (
    '{"stream":"aaa@depth","data":{"e":"depthUpdate","E":1,"s":"AAA","U":11,"u":12,"b":[["10.00","1.000"]],"a":[["11.00","0.000"]]}}',
    '{"stream":"aaa@depth","data":{"e":"depthUpdate","E":1,"s":"AAA","U":13,"u":15,"pu":12,"b":[],"a":[["11.50","2.500"]]}}',
    '{"lastUpdateId":11,"bids":[["9.99","4.000"],["9.98","1.000"]],"asks":[["11.00","1.000"]]}',
    '{"stream":"aaa@trade","data":{"e":"trade","E":1,"s":"AAA","t":7,"p":"10.00","q":"0.500","T":1,"m":true}}',
    '{"u":16,"s":"AAA","b":"10.00","B":"1.000","a":"11.00","A":"1.000"}',
    '[7,{"as":[["5.30","1.0","1.5"]],"bs":[["5.20","2.0","1.5"]]},"book-10","XXX/YYY"]',
    '[7,{"b":[["5.21","1.0","1.6"]],"c":"123456"},"book-10","XXX/YYY"]',
    '[7,{"a":[["5.30","0.0","1.6"]]},{"b":[["5.20","3.0","1.6","r"]],"c":"1"},"book-10","XXX/YYY"]',
    '[7,[["5.20","1.0","1.5","s","l",""]],"trade","XXX/YYY"]',
    '{"channel":"book","type":"snapshot","data":[{"symbol":"X/Y","bids":[{"price":1.5,"qty":0.10}],"asks":[],"checksum":9}]}',
    '{"channel":"book","type":"update","data":[{"symbol":"X/Y","bids":[{"price":1.5,"qty":0.00}],"asks":[]}]}',
    '{"type":"snapshot","product_id":"A-B","bids":[["1.10","5"]],"asks":[["1.20","6"]]}',
    '{"type":"l2update","product_id":"A-B","changes":[["buy","1.11","3"],["sell","1.20","0"]],"time":"now"}',
    '{"channel":"l2_data","sequence_num":4,"events":[{"type":"update","product_id":"A-B","updates":[{"side":"bid",'
    '"price_level":"1.10","new_quantity":"2"}]}]}',
)
_TOKENS = (
    "NaN", "Infinity", "-1", "1e400", "null", "true", "[]", "{}", '""', '"0x10"', '"1_0"', '"１"', '" 1"', '"+1"', '"-5"',
    '"1.2.3"', '"."', '".5"', "99999999999999999999", '"99999999999999999999"', '"0.0000000000000000000000001"', '"9"' * 2,
    "[[[[[[[[", "\\ud800", "\x00", '"\U0001f4a5"', "18446744073709551616", '"00010.00"',
)  # fmt: skip


@dataclass
class FuzzOutcome:
    """What became of the payloads; ``escaped`` names errors of any other kind, and books that became unsound."""

    read: int = 0
    refused: int = 0
    events: int = 0
    escaped: list[str] = field(default_factory=list)


def payload(random: np.random.Generator) -> bytes:
    """One hostile message: a sound one, mutated up to four times."""
    raw = _SOUND[int(random.integers(len(_SOUND)))].encode()
    for _ in range(max(0, int(random.integers(-3, 5)))):
        raw = _MUTATIONS[int(random.integers(len(_MUTATIONS)))](raw, random)
    return raw


def fuzz(count: int, seed: int = 1) -> FuzzOutcome:
    """Read ``count`` payloads with every feed, and rebuild each book beside it from the events alone."""
    random, outcome = generator(seed, "book fuzz"), FuzzOutcome()
    feeds = [made() for made in FEEDS]
    beside: dict[tuple[int, str], OrderBook] = {}
    for number in range(count):
        raw = payload(random)
        if number % 997 == 0:
            feeds, beside = [made() for made in FEEDS], {}
        for place, feed in enumerate(feeds):
            try:
                events = feed.read(number, raw)
            except MalformedBook:
                outcome.refused += 1
                continue
            except Exception as error:  # noqa: BLE001 - what escapes is what is looked for
                outcome.escaped.append(
                    f"payload {number} of seed {seed}: {type(error).__name__}: {error}: {raw!r}"
                )
                continue
            outcome.read += 1
            outcome.events += len(events)
            for event in events:
                if isinstance(event, DepthUpdate):
                    beside.setdefault((place, event.symbol), OrderBook()).apply(event)
            outcome.escaped += _unsound(place, feed, beside, f"payload {number} of seed {seed}")
    return outcome


def _unsound(place: int, feed: BookFeed, beside: dict[tuple[int, str], OrderBook], where: str) -> list[str]:
    wrong = []
    for symbol, book in feed.books.items():
        levels = [*book.book.bids.levels(), *book.book.asks.levels()]
        if any(price <= 0 or size <= 0 for price, size in levels):
            wrong.append(f"{where}: {symbol} holds a level without price or size")
        if book.live and book.book.digest() != beside[place, symbol].digest():
            wrong.append(f"{where}: {symbol} differs from the book that its events make")
    return wrong


def _flip(raw: bytes, random: np.random.Generator) -> bytes:
    if not raw:
        return b"\xff"
    at = int(random.integers(len(raw)))
    return raw[:at] + bytes([int(random.integers(256))]) + raw[at + 1 :]


def _cut(raw: bytes, random: np.random.Generator) -> bytes:
    return raw[: int(random.integers(len(raw) + 1))]


def _repeat(raw: bytes, random: np.random.Generator) -> bytes:
    first, last = sorted(int(x) for x in random.integers(0, len(raw) + 1, 2))
    return raw[:last] + raw[first:last] * int(random.integers(1, 4)) + raw[last:]


def _put_token(raw: bytes, random: np.random.Generator) -> bytes:
    token = _TOKENS[int(random.integers(len(_TOKENS)))].encode("utf-8", "surrogatepass")
    numbers = [at for at, byte in enumerate(raw) if byte in b'"0123456789[{,:']
    at = numbers[int(random.integers(len(numbers)))] if numbers else 0
    return raw[:at] + token + raw[at + int(random.integers(0, 6)) :]


def _digits(raw: bytes, random: np.random.Generator) -> bytes:
    found = [at for at, byte in enumerate(raw) if byte in b"0123456789"]
    if not found:
        return raw
    at = found[int(random.integers(len(found)))]
    return raw[:at] + str(int(random.integers(0, 10 ** int(random.integers(1, 18))))).encode() + raw[at + 1 :]


def _join(raw: bytes, random: np.random.Generator) -> bytes:
    other = _SOUND[int(random.integers(len(_SOUND)))].encode()
    return raw[: len(raw) // 2] + other[len(other) // 2 :]


_MUTATIONS: tuple[Callable[[bytes, np.random.Generator], bytes], ...] = (
    _flip, _cut, _repeat, _put_token, _put_token, _digits, _digits, _digits, _join,
)  # fmt: skip
