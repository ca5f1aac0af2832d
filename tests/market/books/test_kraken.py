"""Kraken: checksums of the documentation and of the recorded stream, depth, and what a wrong checksum does."""

from __future__ import annotations

import json
import zlib

import pytest

from tests.market.books.messages import sample
from tuiconsole.domain.books import BookBroken, DepthUpdate, TradePrint
from tuiconsole.domain.errors import MalformedBook
from tuiconsole.domain.order_book import OrderBook
from tuiconsole.market.books.kraken import KrakenFeed, checksum
from tuiconsole.market.books.rebuilding import Trust
from tuiconsole.market.books.recorded import feed_of, played

_ASKS_V2 = "45285.2 0.00100000 45286.4 1.54571953 45286.6 1.54571109 45289.6 1.54560911 45290.2 0.15890660"
_ASKS_V2 += " 45291.8 1.54553491 45294.7 0.04454749 45296.1 0.35380000 45297.5 0.09945542 45299.5 0.18772827"
_BIDS_V2 = "45283.5 0.10000000 45283.4 1.54582015 45282.1 0.10000000 45281.0 0.10000000 45280.3 1.54592586"
_BIDS_V2 += " 45279.0 0.07990000 45277.6 0.03310103 45277.5 0.30000000 45277.3 1.54602737 45276.6 0.15445238"


def _levels_v2(text: str) -> str:
    words = text.split()
    rows = zip(words[::2], words[1::2], strict=True)
    return ",".join(f'{{"price":{price},"qty":{size}}}' for price, size in rows)


def _v2(kind: str, told: int, bids: str = "", asks: str = "") -> str:
    return (
        f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"BTC/USD","bids":[{_levels_v2(bids)}],'
        f'"asks":[{_levels_v2(asks)}],"checksum":{told}}}]}}'
    )


def _v1(sides: dict[str, object], depth: int = 10) -> str:
    return json.dumps([7, sides, f"book-{depth}", "XBT/USD"])


def test_the_checksum_of_the_documentation_version_1() -> None:
    book = OrderBook()  # prices 0.05005 … 0.05050 and 0.05000 … 0.04950, each 0.00000500
    asks = [5005 + 5 * k for k in range(10)]
    bids = [5000, 4995, 4990, 4980, 4975, 4970, 4965, 4960, 4955, 4950]
    book.replace([(price, 500) for price in bids], [(price, 500) for price in asks])
    assert checksum(book) == 974947235


def test_the_snapshot_of_the_documentation_version_2() -> None:
    feed = KrakenFeed()
    feed.read(1, _v2("snapshot", 3310070434, _BIDS_V2, _ASKS_V2))
    book = feed.books["BTC/USD"]
    assert (book.live, book.counts.checked, book.counts.mismatched) == (True, 1, 0)
    assert book.book.touch() == (452835, 10000000, 452852, 100000)
    wrong = KrakenFeed()
    events = wrong.read(1, _v2("snapshot", 3310070435, _BIDS_V2, _ASKS_V2))
    assert isinstance(events[-1], BookBroken)
    assert wrong.books["BTC/USD"].trust is Trust.BROKEN


def test_levels_beyond_the_subscribed_depth_fall_out_and_say_so() -> None:
    feed = KrakenFeed()
    feed.read(1, _v2("snapshot", 3310070434, _BIDS_V2, _ASKS_V2))
    better = _ASKS_V2.replace("45285.2", "45284.0").split()
    book, expected = feed.books["BTC/USD"], OrderBook()
    expected.bids.replace(book.book.bids.levels())
    expected.asks.replace([(452840, 100000), *book.book.asks.levels(9)])
    events = feed.read(2, _v2("update", checksum(expected), asks=" ".join(better[:2])))
    assert events == [DepthUpdate(2, "BTC/USD", [], [(452840, 100000), (452995, 0)])]
    assert book.book.digest() == expected.digest()
    assert len(book.book.asks) == 10


def test_the_subscription_tells_the_depth_of_version_2() -> None:
    feed = KrakenFeed()
    feed.read(
        0, '{"method":"subscribe","result":{"channel":"book","symbol":"BTC/USD","depth":25},"success":true}'
    )
    feed.read(1, _v2("snapshot", 3310070434, _BIDS_V2, _ASKS_V2))
    feed.read(2, _v2("update", zlib.crc32(b"x"), asks="45284.0 1.00000000"))
    assert len(feed.books["BTC/USD"].book.asks) == 0  # broken: the checksum is wrong
    feed.read(3, _v2("snapshot", 3310070434, _BIDS_V2, _ASKS_V2))
    assert isinstance(feed.read(4, _v2("update", 3310070434, bids="45270.0 1.00000000"))[0], DepthUpdate)
    assert len(feed.books["BTC/USD"].book.bids) == 11


def test_a_wrong_checksum_breaks_the_book_until_the_next_snapshot() -> None:
    feed = KrakenFeed()
    whole = {"as": [["5.30", "1.0", "1"]], "bs": [["5.20", "2.0", "1"]]}
    feed.read(1, _v1(whole))
    right = zlib.crc32(b"530105203" + b"0")
    assert feed.read(2, _v1({"b": [["5.20", "3.0", "2"]], "c": str(right)}))[0].bids == [(520, 30)]
    events = feed.read(3, _v1({"a": [["5.31", "1.0", "3"]], "c": "1"}))
    assert [type(event) for event in events] == [BookBroken]
    assert "the exchange has 1" in events[0].reason
    assert feed.read(4, _v1({"a": [["5.32", "1.0", "3"]], "c": "1"})) == []
    assert feed.books["XBT/USD"].counts.gaps == 1
    assert feed.read(5, _v1(whole))[0].snapshot
    assert feed.books["XBT/USD"].live


def test_a_lost_message_breaks_every_book() -> None:
    feed = KrakenFeed()
    feed.read(1, _v1({"as": [["5.30", "1.0", "1"]], "bs": [["5.20", "2.0", "1"]]}))
    with pytest.raises(MalformedBook):
        feed.read(2, '[7,{"a":[["x","1.0"]]},"book-10","XBT/USD"]')
    assert not feed.books["XBT/USD"].live
    assert feed.read(3, '{"event":"heartbeat"}') == [BookBroken(2, "XBT/USD", "a message was lost")]
    assert feed.read(4, '{"event":"heartbeat"}') == []


def test_trades_name_who_started_them() -> None:
    feed = KrakenFeed()
    rows = '[["5.20","1.0","1.5","s","l",""],["5.30","2.0","1.6","b","m",""]]'
    assert feed.read(1, f'[7,{rows},"trade","XBT/USD"]') == [
        TradePrint(1, "XBT/USD", 520, 10, -1),
        TradePrint(1, "XBT/USD", 530, 20, 1),
    ]
    second = (
        '{"channel":"trade","type":"update","data":[{"symbol":"A/B","side":"buy","price":5.30,"qty":0.10}]}'
    )
    assert feed.read(2, second) == []  # how many decimals the book has is not known yet
    rows = '"bids":[{"price":5.20,"qty":0.100}],"asks":[{"price":5.30,"qty":2.000}]'
    feed.read(3, f'{{"channel":"book","type":"snapshot","data":[{{"symbol":"A/B",{rows}}}]}}')
    assert feed.read(4, second) == [TradePrint(4, "A/B", 530, 100, 1)]


def test_every_recorded_checksum_fits() -> None:
    paths = [sample("kraken/cryptofeed_KRAKEN.ws.50.0.gz"), sample("kraken/cryptofeed_KRAKEN.ws.48.0.gz")]
    feed = feed_of(paths)
    events = list(played(feed, paths))
    counts = [book.counts for book in feed.books.values()]
    assert sum(count.checked for count in counts) == 4269
    assert sum(count.mismatched + count.gaps + count.crossed for count in counts) == 0
    assert sum(isinstance(event, TradePrint) for event in events) == 10
    assert all(len(book.book.bids) <= 1000 for book in feed.books.values())
    assert feed.books["ADA/XBT"].book.touch() == (22880, 1194713445094, 22900, 720050427342)
