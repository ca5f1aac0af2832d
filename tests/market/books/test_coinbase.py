"""Coinbase: both feeds, numbered messages, a crossed book, and the recorded stream."""

from __future__ import annotations

import json

import pytest

from tests.market.books.messages import SAMPLES, sample
from tuiconsole.domain.books import BookBroken, DepthUpdate, TradePrint
from tuiconsole.domain.errors import MalformedBook
from tuiconsole.market.books.coinbase import CoinbaseFeed
from tuiconsole.market.books.recorded import feed_of, played

UNIT = 10**8


def _level2(kind: str, **rest: object) -> str:
    return json.dumps({"type": kind, "product_id": "A-B", **rest})


def _numbered(number: int, kind: str, *levels: tuple[str, str, str], channel: str = "l2_data") -> str:
    updates = [{"side": side, "price_level": price, "new_quantity": size} for side, price, size in levels]
    events = [{"type": kind, "product_id": "A-B", "updates": updates}]
    return json.dumps({"channel": channel, "sequence_num": number, "events": events})


def test_the_exchange_feed_changes_levels() -> None:
    feed = CoinbaseFeed()
    assert feed.read(0, _level2("l2update", changes=[["buy", "1.0", "1"]])) == []
    feed.read(1, _level2("snapshot", bids=[["1.10", "5"]], asks=[["1.2", "6"]]))
    feed.read(
        2, _level2("l2update", changes=[["sell", "1.20", "0"], ["sell", "1.25", "2.5"], ["buy", "1.15", "1"]])
    )
    assert feed.books["A-B"].book.touch() == (115_000_000, UNIT, 125_000_000, 250_000_000)
    match = _level2("match", price="1.25", size="1", side="sell")  # the maker sold
    assert feed.read(3, match) == [TradePrint(3, "A-B", 125_000_000, UNIT, 1)]


def test_a_crossed_book_shows_that_a_message_was_lost() -> None:
    feed = CoinbaseFeed()
    feed.read(1, _level2("snapshot", bids=[["1.10", "5"]], asks=[["1.2", "6"]]))
    events = feed.read(2, _level2("l2update", changes=[["buy", "1.20", "1"]]))
    assert [type(event) for event in events] == [BookBroken]
    assert feed.books["A-B"].counts.crossed == feed.books["A-B"].counts.gaps == 1


@pytest.mark.parametrize(
    "payload", ["{", _level2("l2update", changes=[["buy", "x", "1"]]), '{"type":"snapshot"}']
)
def test_a_message_that_cannot_be_read_breaks_the_books(payload: str) -> None:
    feed = CoinbaseFeed()
    feed.read(1, _level2("snapshot", bids=[["1.10", "5"]], asks=[["1.2", "6"]]))
    if payload == '{"type":"snapshot"}':
        with pytest.raises(MalformedBook, match="product"):
            feed.read(2, payload)
    else:
        with pytest.raises(MalformedBook):
            feed.read(2, payload)
    assert not feed.books["A-B"].live


def test_a_number_left_out_breaks_every_book_of_the_connection() -> None:
    feed = CoinbaseFeed()
    first = (("bid", "1.10", "5"), ("offer", "1.20", "6"))
    assert isinstance(feed.read(1, _numbered(0, "snapshot", *first))[0], DepthUpdate)
    assert feed.read(2, _numbered(1, "update", channel="heartbeats")) == []
    assert feed.read(3, _numbered(2, "update", ("bid", "1.10", "4")))[0].bids == [(110_000_000, 4 * UNIT)]
    events = feed.read(4, _numbered(4, "update", ("bid", "1.10", "3")))
    assert events == [BookBroken(4, "A-B", "message 4 does not follow 2")]
    assert feed.read(5, _numbered(5, "update", ("bid", "1.10", "3"))) == []
    assert feed.read(6, _numbered(6, "snapshot", *first))[0].snapshot


def test_the_recorded_stream_never_crosses() -> None:
    path = sample("coinbase/cryptofeed_COINBASE.ws.28.0.gz")
    feed = feed_of([path])
    events = list(played(feed, [path]))
    books = feed.books.values()
    assert len(books) == 10
    assert all(book.live and not book.counts.crossed and not book.counts.gaps for book in books)
    assert sum(book.counts.updates for book in books) == 9729
    assert sum(isinstance(event, TradePrint) for event in events) == 97
    assert feed.books["DASH-BTC"].book.touch()[0] == 619_316


def test_the_samples_of_advanced_trade_are_read() -> None:
    path = sample("coinbase/adapter_fixtures.jsonl")
    assert path.parent.parent == SAMPLES
    feed, found = CoinbaseFeed(), []
    for line in path.read_text(encoding="utf-8").splitlines():
        one = json.loads(line)
        if one["file"].startswith(("ws_l2", "ws_market")):
            found += feed.read(1, json.dumps(one["json"]))
    kinds = [type(event).__name__ for event in found]
    assert kinds == [
        "DepthUpdate",
        "DepthUpdate",
        "BookBroken",
        "TradePrint",
        "TradePrint",
    ]  # numbers 0, 1 and 5
    assert found[3].side == -1
