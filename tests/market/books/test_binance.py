"""Binance: the documented joining of a snapshot and its stream, and the recorded books rebuilt exactly."""

from __future__ import annotations

import json

import pytest

from tests.market.books.messages import diff, sample, snapshot
from tuiconsole.domain.books import BookBroken, BookScale, DepthUpdate, TopQuote, TradePrint
from tuiconsole.domain.errors import MalformedBook
from tuiconsole.domain.order_book import OrderBook
from tuiconsole.market.books.binance import BinanceFeed
from tuiconsole.market.books.rebuilding import Trust
from tuiconsole.market.books.recorded import feed_of, played

WHOLE = ([["10.00", "1.0"], ["9.50", "2.0"]], [["11.00", "3.0"]])


def _live(feed: BinanceFeed | None = None, last: int = 100) -> BinanceFeed:
    feed = feed or BinanceFeed(symbol="AAA")
    feed.read(1, snapshot(last, *WHOLE))
    return feed


def test_spot_events_wait_for_the_snapshot_and_join_it() -> None:
    feed = BinanceFeed()
    assert feed.read(1, diff(90, 95, [["1.00", "1.0"]])) == []
    assert feed.read(2, diff(96, 100, [["2.00", "1.0"]])) == []
    assert feed.read(3, diff(101, 105, [["10.00", "5.0"]])) == []
    assert feed.books["AAA"].trust is Trust.WAITING
    events = feed.read(4, snapshot(103, *WHOLE))
    assert [type(event) for event in events] == [DepthUpdate, DepthUpdate]
    assert [(event.ts, event.last_id) for event in events] == [
        (4, 103),
        (4, 105),
    ]  # known from the snapshot on
    book = feed.books["AAA"]
    assert book.trust is Trust.LIVE
    assert book.book.touch() == (1000, 50, 1100, 30)
    assert book.counts.ignored == 2
    assert feed.read(5, diff(106, 107, asks=[["11.00", "0.0"], ["12.00", "1.0"]]))[0].last_id == 107
    assert book.book.touch() == (1000, 50, 1200, 10)


@pytest.mark.parametrize(
    ("first", "last", "joins"),
    [(101, 101, True), (95, 101, True), (101, 120, True), (102, 110, False), (90, 100, None)],
)
def test_the_first_spot_event_after_a_snapshot(first: int, last: int, joins: bool | None) -> None:
    feed = _live(last=100)
    events = feed.read(2, diff(first, last, [["10.00", "7.0"]]))
    if joins is None:  # contained in the snapshot
        assert events == []
        assert feed.books["AAA"].counts.ignored == 1
    else:
        assert isinstance(events[0], DepthUpdate if joins else BookBroken)
        assert feed.books["AAA"].live is joins


@pytest.mark.parametrize(
    ("first", "last", "before", "joins"),
    [
        (90, 100, 80, True),
        (95, 105, 90, True),
        (101, 105, 100, True),
        (101, 105, 99, False),
        (90, 99, 80, None),
    ],
)
def test_the_first_futures_event_after_a_snapshot(
    first: int, last: int, before: int, joins: bool | None
) -> None:
    feed = _live(last=100)
    events = feed.read(2, diff(first, last, [["10.00", "7.0"]], before=before))
    if joins is None:
        assert events == []
        assert feed.books["AAA"].counts.ignored == 1
        return
    assert isinstance(events[0], DepthUpdate if joins else BookBroken)
    after = feed.read(3, diff(last + 3, last + 9, [["10.00", "8.0"]], before=last))
    assert (after != []) is joins  # numbers may leave places out as long as pu fits
    wrong = feed.read(4, diff(last + 12, last + 19, before=last + 8))
    assert [type(event) for event in wrong] == ([BookBroken] if joins else [])


def test_a_gap_breaks_the_book_until_the_next_snapshot() -> None:
    feed = _live()
    feed.read(2, diff(101, 102, [["10.50", "1.0"]]))
    broken = feed.read(3, diff(104, 106, [["10.60", "1.0"]]))
    assert broken == [BookBroken(3, "AAA", "updates 104 to 106 do not follow 102")]
    book = feed.books["AAA"]
    assert (book.trust, book.counts.gaps, book.book.touch()) == (Trust.BROKEN, 1, (0, 0, 0, 0))
    assert feed.read(4, diff(107, 108, asks=[["10.90", "2.0"]])) == []  # nothing is guessed meanwhile
    assert feed.read(5, snapshot(101, *WHOLE)) == []  # older than what waits: of no use
    events = feed.read(6, snapshot(106, *WHOLE))
    assert [event.snapshot for event in events] == [True, False]
    assert book.book.touch() == (1000, 10, 1090, 20)
    assert (book.trust, book.counts.gaps) == (Trust.LIVE, 1)


def test_repeated_events_and_needless_snapshots_change_nothing() -> None:
    feed = _live()
    feed.read(2, diff(101, 105, [["10.00", "5.0"]]))
    before = feed.books["AAA"].digest()
    assert feed.read(3, diff(101, 105, [["10.00", "9.0"]])) == []
    assert feed.read(4, snapshot(103, [["1.00", "1.0"]], [])) == []
    assert feed.books["AAA"].digest() == before
    assert feed.books["AAA"].counts.ignored == 2


def test_trades_and_quotes_are_exact() -> None:
    feed = BinanceFeed({"AAA": BookScale(2, 3)})
    trade = '{"data":{"e":"trade","s":"AAA","p":"10.01","q":"0.250","m":%s}}'
    assert feed.read(5, trade % "true") == [TradePrint(5, "AAA", 1001, 250, -1)]
    assert feed.read(6, trade % "false") == [TradePrint(6, "AAA", 1001, 250, 1)]
    quote = '{"u":7,"s":"AAA","b":"10.00","B":"1.000","a":"10.02","A":"2.500"}'
    assert feed.read(7, quote) == [TopQuote(7, "AAA", 1000, 1000, 1002, 2500, 7)]
    assert feed.read(8, '{"result":null,"id":1}') == []


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "{",
        "[]",
        '{"data":{"e":"depthUpdate","s":"AAA","U":5,"u":4,"b":[],"a":[]}}',
        '{"data":{"e":"depthUpdate","s":"","U":5,"u":6,"b":[],"a":[]}}',
        diff(101, 102, [["-1.0", "1.0"]]),
        diff(101, 102, [["1e5", "1.0"]]),
        diff(101, 102, [["0.00", "1.0"]]),
        diff(101, 102, [["1.00", "NaN"]]),
        diff(101, 102, [["1.001", "1.0"]]),  # finer than the book's own prices
        diff(101, 102, [["1" * 30 + ".00", "1.0"]]),
        '{"data":{"e":"trade","s":"AAA","p":"","q":"1"}}',
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(payload: str) -> None:
    feed = _live()
    before = feed.books["AAA"].digest()
    with pytest.raises(MalformedBook):
        feed.read(2, payload)
    assert feed.malformed == 1
    assert feed.books["AAA"].digest() == before
    assert feed.read(3, diff(101, 103, [["10.00", "4.0"]]))[0].last_id == 103


def _best(number: int, bid: str, ask: str, size: str = "1.0") -> str:
    return json.dumps({"u": number, "s": "AAA", "b": bid, "B": size, "a": ask, "A": "3.0"})


def test_the_best_quote_that_the_exchange_states_proves_the_book() -> None:
    feed = _live()
    counts = feed.books["AAA"].counts
    feed.read(2, _best(103, "10.50", "11.00"))  # before its depth event
    assert len(feed.read(3, diff(101, 103, [["10.50", "1.0"]]))) == 1
    assert len(feed.read(4, _best(103, "10.50", "11.00"))) == 1  # after it
    assert (counts.checked, counts.mismatched) == (2, 0)
    feed.read(5, _best(104, "10.55", "11.00"))
    events = feed.read(6, diff(104, 104, [["10.60", "1.0"]]))
    assert [type(event) for event in events] == [DepthUpdate, BookBroken]
    assert (counts.checked, counts.mismatched, counts.gaps) == (3, 1, 1)
    assert not feed.books["AAA"].live


def test_partial_books_are_whole_ones_each_time() -> None:
    feed = BinanceFeed()

    def partial(number: int, bid: str) -> str:
        data = {"lastUpdateId": number, "bids": [[bid, "1.0"]], "asks": [["11.00", "1.0"]]}
        return json.dumps({"stream": "aaa@depth5@100ms", "data": data})

    assert [event.snapshot for event in feed.read(1, partial(5, "10.00"))] == [True]
    assert feed.read(2, partial(9, "10.10"))[0].bids == [(1010, 10)]
    assert feed.read(3, partial(8, "10.20")) == []
    assert feed.books["AAA"].book.touch() == (1010, 10, 1100, 10)
    futures = json.loads(diff(10, 12, [["10.30", "2.0"]], [["11.00", "1.0"]], before=9))
    futures["stream"] = "aaa@depth20"
    assert feed.read(4, json.dumps(futures))[0].snapshot
    assert len(feed.books["AAA"].book.bids) == 1


def test_a_snapshot_of_one_among_several_symbols_must_be_named() -> None:
    feed = BinanceFeed()
    feed.read(1, diff(1, 2, [["1.00", "1.0"]], symbol="AAA"))
    feed.read(1, diff(1, 2, [["1.00", "1.0"]], symbol="BBB"))
    with pytest.raises(MalformedBook, match="several"):
        feed.read(2, snapshot(2, *WHOLE))
    assert len(feed.snapshot(3, "BBB", snapshot(2, *WHOLE))) == 1
    assert [book.live for book in feed.books.values()] == [False, True]


SPOT = ("binance/spot_btcusdt_20240808.ws.gz", "binance/spot_btcusdt_20240809.ws.gz")


@pytest.mark.parametrize(
    ("files", "updates", "trades", "quoted", "touch", "digest"),
    [
        (SPOT, 6494, 19904, 1072, (6160201000000, 167177000, 6160202000000, 266795000), "a3909e884677ae04"),
        (
            ("binance/usdm_btcusdt_20240808.ws.gz",),
            6548,
            21313,
            629,
            (6165970, 1486, 6165980, 981),
            "f2a360b508f2c29c",
        ),
    ],
)
def test_recorded_books_are_rebuilt_exactly(
    files: tuple[str, ...], updates: int, trades: int, quoted: int, touch: tuple[int, ...], digest: str
) -> None:
    paths = [sample(name) for name in files]
    feed, beside = feed_of(paths), OrderBook()
    stated: dict[int, tuple[int, ...]] = {}
    shown: dict[int, tuple[int, ...]] = {}
    for event in played(feed, paths):
        if isinstance(event, DepthUpdate):
            beside.apply(event)
            shown[event.last_id] = beside.touch()
            assert not beside.crossed
        elif isinstance(event, TopQuote):
            stated[event.last_id] = (event.bid, event.bid_size, event.ask, event.ask_size)
    book = feed.books["BTCUSDT"]
    assert (feed.malformed, book.counts.gaps, book.counts.crossed) == (0, 0, 0)
    assert (book.counts.updates, book.counts.snapshots, book.counts.trades) == (updates, 1, trades)
    assert book.book.touch() == touch
    assert beside.digest() == book.book.digest()
    assert book.digest().startswith(digest)
    common = stated.keys() & shown.keys()  # the exchange states its best quotes at just these updates
    assert len(common) == quoted
    assert (book.counts.checked, book.counts.mismatched) == (quoted, 0)
    assert all(stated[number] == shown[number] for number in common)


def test_a_stream_that_goes_on_without_its_snapshot_stays_unknown() -> None:
    path = sample(SPOT[1])
    feed = feed_of([path])
    assert not any(isinstance(event, DepthUpdate) for event in played(feed, [path]))
    assert feed.books["BTCUSDT"].trust is Trust.WAITING
    paths = [sample("binance/cryptofeed_BINANCE.http.0.0.gz"), sample("binance/cryptofeed_BINANCE.ws.1.0.gz")]
    several = feed_of(paths)
    assert sum(isinstance(event, DepthUpdate) for event in played(several, paths)) == 176
    assert [(book.symbol, book.live, book.counts.gaps) for book in several.books.values()] == [
        (name, True, 0) for name in ("NKNUSDT", "BLZETH", "LRCBTC", "RUNEEUR")
    ]
