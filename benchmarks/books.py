"""Order books: levels changed a second beside a sorted dictionary in the same run, messages read, trades matched."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import numpy as np
from sortedcontainers import SortedDict

from benchmarks.rows import Row
from tuiconsole.domain.books import DepthUpdate, Level, TradePrint
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.order_book import BID, Ladder
from tuiconsole.domain.order_terms import OrderType, Terms, TimeInForce
from tuiconsole.domain.rng import generator
from tuiconsole.execution.book_matching import BookMarket
from tuiconsole.execution.book_order import BookOrder
from tuiconsole.execution.book_venue import BookVenue
from tuiconsole.execution.queue_position import fifo_front
from tuiconsole.market.books.binance import BinanceFeed

LEVELS_PER_S = 500_000.0
_DEPTH = 5_000
_TOUCH = 1_000_000
_PER_MESSAGE = 60


def level_stream(count: int) -> list[list[Level]]:
    """Messages of changed bids around a drifting touch: two thirds new sizes, the rest levels that come and go."""
    random = generator(11, "book levels")
    distance = np.minimum(random.geometric(0.004, count), _DEPTH)
    touch = _TOUCH + np.cumsum(random.integers(-1, 2, count))
    size = np.where(random.random(count) < 0.3, 0, random.integers(1, 10_000, count))
    rows = list(zip((touch - distance).tolist(), size.tolist(), strict=True))
    return [rows[at : at + _PER_MESSAGE] for at in range(0, count, _PER_MESSAGE)]


def sorted_dictionary(messages: list[list[Level]]) -> int:
    """The plain way: a sorted dictionary, the best price asked for after each message."""
    levels, best = SortedDict(), 0
    for message in messages:
        for price, size in message:
            if size:
                levels[price] = size
            else:
                levels.pop(price, None)
        best = levels.peekitem(-1)[0]
    return int(best)


def ladder_of(messages: list[list[Level]]) -> int:
    ladder, best = Ladder(BID), 0
    for message in messages:
        ladder.change(message)
        best = ladder.best
    return best


def _best_of(times: int, action: Callable[[], object]) -> float:
    """Least seconds of processor time: everything here runs on one core."""
    found = []
    for _ in range(times):
        began = time.process_time_ns()
        action()
        found.append((time.process_time_ns() - began) / 1e9)
    return min(found)


def _frames(messages: list[list[Level]]) -> list[bytes]:
    found = [
        json.dumps({"lastUpdateId": 1, "bids": [["1.00", "1.000"]], "asks": [["99999.00", "1.000"]]}).encode()
    ]
    for number, message in enumerate(messages, 2):
        rows = [[f"{price / 100:.2f}", f"{size / 1000:.3f}"] for price, size in message]
        data = {"e": "depthUpdate", "s": "AAA", "U": number, "u": number, "b": rows, "a": []}
        found.append(json.dumps({"stream": "aaa@depth", "data": data}).encode())
    return found


def _read(frames: list[bytes]) -> None:
    feed = BinanceFeed(symbol="AAA")
    for at, frame in enumerate(frames):
        feed.read(at, frame)


def trades(count: int, seed: int = 12) -> list[TradePrint]:
    """Trades at and around a touch of 1,000 to 1,001."""
    random = generator(seed, "trades")
    side = random.integers(0, 2, count) * 2 - 1
    price = np.where(side > 0, 1_001, 1_000) + random.integers(-1, 2, count)
    size = random.integers(1, 50, count)
    rows = zip(price.tolist(), size.tolist(), side.tolist(), strict=True)
    return [TradePrint(at, "AAA", *row) for at, row in enumerate(rows)]


def _matched(prints: list[TradePrint], orders: int) -> None:
    """Trades against a market that always holds ``orders`` of the desk's."""
    market, number = BookMarket(fifo_front), 0
    bids = [(1_000 - k, 500) for k in range(50)]
    market.on_depth(DepthUpdate(0, "AAA", bids, [(1_001 + k, 500) for k in range(50)], True))
    for trade in prints:
        while len(market.orders) < orders:
            number += 1
            side = 1 if number % 2 else -1
            limit = (1_000 if side > 0 else 1_001) - side * (number // 2 % 3)
            terms = Terms(OrderType.LIMIT, TimeInForce.GTC, limit=limit)
            market.accept(BookOrder.of(number, 0, side * 5, terms))
        market.on_trade(trade)


def _through_venue(prints: list[TradePrint], messages: list[list[Level]]) -> None:
    venue = BookVenue(Universe.of(["AAA"]))
    venue.on_book(DepthUpdate(0, "AAA", [(1, 1)], [(2 * _TOUCH, 1)], True))
    for at, message in enumerate(messages):
        venue.on_book(DepthUpdate(at, "AAA", message, []))
    for trade in prints:
        venue.on_trade(trade)


def measure(quick: bool = False) -> list[Row]:
    """Rows of the report."""
    count, times = (60_000, 2) if quick else (300_000, 5)
    messages = level_stream(count)
    ours = _best_of(times, lambda: ladder_of(messages))
    plain = _best_of(times, lambda: sorted_dictionary(messages))
    frames = _frames(messages[: len(messages) // 3])
    read = _best_of(times, lambda: _read(frames))
    prints = trades(count // 10)
    matched = _best_of(times, lambda: _matched(prints, 10))
    venue = _best_of(times, lambda: _through_venue(prints, messages[: len(messages) // 3]))
    events = len(prints) + len(messages) // 3
    return [
        Row(
            "book: levels changed, best price after every message",
            count / ours,
            "levels/s",
            LEVELS_PER_S,
            True,
            plain / ours,
            "a sorted dictionary (sortedcontainers)",
            note=f"{count:,} levels in messages of {_PER_MESSAGE}",
        ),
        Row(
            "book: messages of an exchange to a checked book",
            count / 3 / read,
            "levels/s",
            LEVELS_PER_S,
            True,
            note="JSON decoded, exact integers, sequence numbers, digest",
        ),
        Row(
            "venue on books: trades matched with ten orders in queues",
            len(prints) / matched,
            "trades/s",
            note="one symbol, first in first out",
        ),
        Row("venue on books: messages passed without orders", events / venue, "messages/s"),
    ]
