"""The paper venue on order books keeps the broker's contract; costs, latency, terms, links, halts, auctions and borrow."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.execution.build import approved, batch, ints
from tests.execution.conformance import BrokerConformance
from tests.market.books.messages import sample
from tuiconsole.domain.books import BookBroken, DepthUpdate, TopQuote, TradePrint
from tuiconsole.domain.clock import NANOSECONDS_PER_DAY
from tuiconsole.domain.codec import decode_state, encode_state
from tuiconsole.domain.costs import CostPart
from tuiconsole.domain.events import Fills, OrderUpdates
from tuiconsole.domain.instruments import AssetClass, Currency, Instrument, Universe
from tuiconsole.domain.order_terms import OrderTerms, OrderType, Peg, Terms, TimeInForce, TrailUnit
from tuiconsole.domain.orders import OrderEvent, Purpose
from tuiconsole.execution.book_venue import BookVenue
from tuiconsole.execution.settings import BookVenueSettings
from tuiconsole.market.books.recorded import feed_of, played

P = 10**6
BUY, SELL = 1, -1
DAY = NANOSECONDS_PER_DAY


class TestBookVenueConformance(BrokerConformance):
    def make(self):
        self.ts = 100
        self.venue = BookVenue(Universe.of(["AAA", "BBB", "CCC"]))
        self.trade(self.venue)
        return self.venue

    def trade(self, broker):
        self.ts += 1
        for symbol in ("AAA", "BBB", "CCC"):
            found = broker.on_book(DepthUpdate(self.ts, symbol, [(99 * P, 50)], [(101 * P, 50)], True))
            for one in found:
                if isinstance(one, Fills):
                    return one
        return None


class TestBookVenueWithLatency(BrokerConformance):
    """Orders that are on their way for some time."""

    settings = BookVenueSettings(submit_ns=3, queue="log")

    def make(self):
        self.ts = 100
        self.venue = BookVenue(Universe.of(["AAA", "BBB", "CCC"]), self.settings)
        self.trade(self.venue)
        return self.venue

    def move(self, broker, symbol):
        return broker.on_book(DepthUpdate(self.ts, symbol, [(99 * P, 50)], [(101 * P, 50)], True))

    def trade(self, broker):
        for _ in range(5):  # until what was sent has arrived
            self.ts += 1
            for symbol in ("AAA", "BBB", "CCC"):
                for one in self.move(broker, symbol):
                    if isinstance(one, Fills):
                        return one
        return None


class TestBookVenueOnQuotes(TestBookVenueWithLatency):
    """Best quotes alone drive it."""

    settings = BookVenueSettings(feed_ns=2, cancel_ns=0)

    def move(self, broker, symbol):
        return broker.on_quote(TopQuote(self.ts, symbol, 99 * P, 50, 101 * P, 50))

    def test_a_cancelled_order_never_fills(self):
        broker = self.make()
        broker.submit(approved(batch(1, [(0, 10), (1, 5)])))
        answer = broker.cancel(88, ints(1)).updates  # the answer is as late as the market data
        assert (answer.ts, answer.number.tolist(), answer.event.tolist()) == (
            88,
            [1],
            [OrderEvent.CANCEL_PENDING],
        )

    def test_cancels_of_what_does_not_rest_are_refused(self):
        broker = self.make()
        assert broker.cancel(3, ints(9)).updates.event.tolist() == [OrderEvent.CANCEL_REJECTED]


def _levels(levels):
    return [(price * P, size) for price, size in levels]


def _book(ts, bids=(), asks=(), symbol="AAA", whole=False):
    return DepthUpdate(ts, symbol, _levels(bids), _levels(asks), whole)


def _trade(ts, price, size, side):
    return TradePrint(ts, "AAA", price * P, size, side)


def _venue(**chosen):
    venue = BookVenue(Universe.of(["AAA", "BBB"]), BookVenueSettings(**chosen))
    venue.on_book(_book(1, [(99, 10), (98, 20)], [(101, 10), (102, 20)], whole=True))
    return venue


def _send(venue, ts, first, *orders):
    """Orders ``(quantity, Terms)`` in the first symbol."""
    made = batch(first, [(0, quantity) for quantity, _ in orders], ts=ts)
    made = msgspec.structs.replace(made, terms=OrderTerms.of([terms for _, terms in orders]))
    return venue.submit(approved(made))


def _limit(price, tif=TimeInForce.GTC, **more):
    return Terms(OrderType.LIMIT, tif, limit=price * P, **more)


def _told(happened):
    """Fills as ``(number, quantity, price)``, reports as ``(number, event)``, in their order."""
    rows = []
    for one in happened:
        if isinstance(one, Fills):
            prices = (one.price / P).tolist()
            rows += zip(one.number.tolist(), one.quantity.tolist(), prices, strict=True)
        else:
            events = [OrderEvent(code).name for code in one.event.tolist()]
            rows += zip(one.number.tolist(), events, strict=True)
    return rows


def test_costs_tell_the_spread_the_walk_and_the_commission() -> None:
    venue = _venue(taker_bps=10.0, maker_bps=-1.0)
    venue.submit(approved(batch(1, [(0, 15)])))
    (fills,) = venue.on_trade(_trade(2, 101, 1, BUY))
    assert fills.price.tolist() == [101 * P, 102 * P]
    assert fills.quantity.tolist() == [10, 5]
    money = 10**8
    costs = fills.costs / money
    assert costs[CostPart.SPREAD].tolist() == [10.0, 5.0]  # 1 from the middle at 100
    assert costs[CostPart.TEMPORARY].tolist() == [0.0, 5.0]  # 1 more beyond the touch
    assert (fills.fee / money).tolist() == [1.01, 0.51]
    assert costs[CostPart.COMMISSION_PROPORTIONAL].tolist() == [1.01, 0.51]
    _send(venue, 3, 2, (-4, _limit(103)))
    assert (
        _told(venue.on_trade(_trade(4, 103, 9, BUY))) == []
    )  # its level is not displayed: how much stands there is not known
    venue.on_book(_book(5, [], [(103, 1)]))
    (maker,) = venue.on_trade(_trade(6, 103, 9, BUY))
    assert (maker.quantity.tolist(), maker.fee.tolist()) == (
        [-4],
        [-4 * money // 100],
    )  # a rebate of 1 bp of 412
    assert maker.costs[CostPart.SPREAD].tolist() == [0]
    assert venue.positions().tolist() == [11, 0]


def test_latency_lets_the_market_move_first() -> None:
    venue = _venue(submit_ns=30, cancel_ns=20, feed_ns=10)
    venue.submit(approved(batch(1, [(0, 5)], ts=100)))
    assert venue.on_book(_book(139, [], [(101, 0)])) == []  # still on its way: 40 ns
    assert _told(venue.on_book(_book(200, [], [(100, 9)]))) == [(1, 5, 102.0)]  # as the book stood at 140
    _send(venue, 300, 2, (5, _limit(98)))
    venue.on_trade(_trade(350, 99, 1, SELL))
    answer = venue.cancel(360, ints(2)).updates
    assert answer.event.tolist() == [OrderEvent.CANCEL_PENDING]
    assert _told(venue.on_trade(_trade(389, 98, 22, SELL))) == [(2, 2, 98.0)]  # before the cancel arrives
    assert _told(venue.on_trade(_trade(391, 98, 22, SELL))) == [(2, "CANCELED")]
    assert venue.cancel(400, ints(2)).updates.event.tolist() == [OrderEvent.CANCEL_REJECTED]


def test_a_cancel_that_comes_too_late_is_told_so() -> None:
    venue = _venue(cancel_ns=50)
    venue.submit(approved(batch(1, [(0, 5)], ts=10)))
    venue.cancel(11, ints(1))
    assert _told(venue.advance(20)) == [(1, 5, 101.0)]
    assert _told(venue.advance(61)) == [(1, "CANCEL_REJECTED")]
    venue.submit(approved(batch(2, [(0, 5)], ts=100)))
    assert venue.cancel(100, ints(2)).updates.event.tolist() == [OrderEvent.CANCEL_PENDING]
    assert _told(_venue().advance(5)) == []


def test_a_cancel_reaches_an_order_on_its_way() -> None:
    venue = _venue(submit_ns=50)
    venue.submit(approved(batch(1, [(0, 5)], ts=10)))
    assert venue.cancel(11, ints(1)).updates.event.tolist() == [OrderEvent.CANCELED]
    assert venue.advance(100) == []
    assert not venue.positions().any()


def test_times_in_force() -> None:
    venue = _venue()
    _send(
        venue,
        10,
        1,
        (12, _limit(101, TimeInForce.IOC)),
        (50, _limit(102, TimeInForce.FOK)),
        (3, _limit(98, TimeInForce.DAY)),
        (3, _limit(98, TimeInForce.GTD, expiry=500)),
        (3, _limit(98, TimeInForce.GTC)),
    )
    assert _told(venue.advance(11)) == [(1, 10, 101.0), (1, "EXPIRED"), (2, "EXPIRED")]
    assert _told(venue.advance(499)) == []
    assert _told(venue.advance(500)) == [(4, "EXPIRED")]
    assert _told(venue.advance(DAY - 1)) == []
    assert _told(venue.advance(DAY)) == [(3, "EXPIRED")]
    assert venue.cancel(DAY + 1, ints(3, 4, 5)).updates.event.tolist() == [
        OrderEvent.CANCEL_REJECTED,
        OrderEvent.CANCEL_REJECTED,
        OrderEvent.CANCELED,
    ]


def test_stops_are_reached_by_trades_and_trail_behind_them() -> None:
    venue = _venue()
    stop = Terms(OrderType.STOP, TimeInForce.GTC, stop=97 * P)
    stop_limit = Terms(OrderType.STOP_LIMIT, TimeInForce.GTC, stop=97 * P, limit=99 * P)
    trailing = Terms(OrderType.TRAILING_STOP, TimeInForce.GTC, trail=2 * P, trail_unit=TrailUnit.PRICE)
    _send(venue, 10, 1, (-4, stop), (-4, stop_limit), (-4, trailing))
    assert _told(venue.on_trade(_trade(11, 100, 1, BUY))) == []
    assert _told(venue.on_trade(_trade(12, 103, 1, BUY))) == []  # the trail follows to 101
    assert _told(venue.on_trade(_trade(13, 102, 1, SELL))) == []
    assert _told(venue.on_trade(_trade(14, 101, 1, SELL))) == [(3, "TRIGGERED"), (3, -4, 99.0)]
    assert _told(venue.on_trade(_trade(15, 97, 1, SELL))) == [
        (1, "TRIGGERED"),
        (1, -4, 99.0),
        (2, "TRIGGERED"),
        (2, -2, 99.0),  # as far as its limit goes
    ]
    assert _told(venue.on_trade(_trade(16, 99, 5, BUY))) == [(2, -2, 99.0)]


def test_a_percentage_trails_and_the_middle_counts_before_any_trade() -> None:
    venue = _venue()
    trailing = Terms(OrderType.TRAILING_STOP, TimeInForce.GTC, trail=100_000, trail_unit=TrailUnit.PERCENT)
    _send(venue, 10, 1, (4, trailing))  # a purchase, 10 % above the lowest middle
    assert _told(venue.on_book(_book(11, [(88, 5), (99, 0), (98, 0)], [(92, 1)]))) == []
    assert _told(venue.on_book(_book(12, [(98, 5)], [(92, 0)]))) == [(1, "TRIGGERED"), (1, 4, 101.0)]


def test_pegged_orders_follow_the_touch() -> None:
    venue = _venue()
    primary = Terms(OrderType.PEGGED, TimeInForce.GTC, peg=Peg.PRIMARY)
    middle = Terms(OrderType.PEGGED, TimeInForce.GTC, peg=Peg.MID, limit=100 * P)
    _send(venue, 10, 1, (5, primary), (5, middle))
    assert _told(venue.on_trade(_trade(11, 99, 17, SELL))) == [(2, 5, 100.0), (1, 2, 99.0)]
    venue.on_book(_book(12, [(99, 0)]))
    assert _told(venue.on_trade(_trade(13, 98, 21, SELL))) == [(1, 1, 98.0)]  # behind those 20 anew
    market = Terms(OrderType.PEGGED, TimeInForce.GTC, peg=Peg.MARKET, peg_offset=2 * P)
    _send(venue, 14, 3, (5, market))
    assert _told(venue.on_trade(_trade(15, 98, 100, SELL))) == [(3, 5, 99.0), (1, 2, 98.0)]


def test_a_bracket_opens_one_exit_cancels_the_other() -> None:
    venue = _venue()
    _send(
        venue,
        10,
        1,
        (6, _limit(99)),
        (-6, _limit(103, parent=1, oco=2)),
        (-6, Terms(OrderType.STOP, TimeInForce.GTC, stop=95 * P, parent=1, oco=2)),
    )
    assert _told(venue.on_trade(_trade(11, 103, 50, BUY))) == []  # the exits wait for the entry
    assert _told(venue.on_trade(_trade(12, 99, 14, SELL))) == [(1, 4, 99.0)]
    venue.on_book(_book(13, [], [(101, 0), (102, 0), (103, 1)]))
    assert _told(venue.on_trade(_trade(14, 104, 3, BUY))) == [(2, -3, 103.0)]
    assert _told(venue.on_trade(_trade(15, 98, 50, SELL))) == [(1, 2, 99.0)]
    venue.on_book(_book(16, [(98, 0), (99, 0), (94, 9)], []))
    steps = _told(venue.on_trade(_trade(17, 94, 1, SELL)))
    assert steps == [(3, "TRIGGERED"), (3, -3, 94.0), (2, "CANCELED")]
    assert venue.positions().tolist() == [0, 0]


def test_exits_end_with_an_entry_that_never_filled() -> None:
    venue = _venue(submit_ns=5)
    _send(venue, 10, 1, (6, _limit(99)), (-6, _limit(103, parent=1)))
    assert _told([venue.cancel(11, ints(1)).updates]) == [(1, "CANCELED"), (2, "CANCELED")]  # on their way
    _send(venue, 20, 3, (6, _limit(99, TimeInForce.GTD, expiry=50)), (-6, _limit(103, parent=3)))
    assert _told(venue.advance(60)) == [(3, "EXPIRED"), (4, "CANCELED")]
    _send(venue, 70, 5, (6, _limit(99)), (-6, _limit(103, parent=5)))
    venue.advance(80)
    assert _told([venue.cancel(81, ints(5)).updates]) == [(5, "CANCELED"), (6, "CANCELED")]


def test_a_replacement_keeps_its_place_only_when_it_asks_for_less() -> None:
    venue = _venue()
    _send(venue, 10, 1, (6, _limit(99)))
    venue.advance(11)
    venue.on_book(_book(12, [(99, 30)], []))

    def change(ts, quantity, terms):
        made = msgspec.structs.replace(batch(1, [(0, quantity)], ts=ts), terms=OrderTerms.of([terms]))
        return [OrderEvent(code).name for code in venue.replace(approved(made)).updates.event.tolist()]

    assert change(13, 4, _limit(99, revision=1)) == ["REPLACED"]
    assert _told(venue.on_trade(_trade(14, 99, 11, SELL))) == [(1, 1, 99.0)]
    assert change(15, 8, _limit(99, revision=2)) == ["REPLACED"]  # more: behind the 30 there now
    assert _told(venue.on_trade(_trade(16, 99, 20, SELL))) == []
    assert change(17, 1, _limit(99, revision=3)) == ["REPLACE_REJECTED"]  # no more than is filled
    assert change(18, 8, _limit(99)) == ["REPLACE_REJECTED"]  # not a replacement
    assert change(19, -8, _limit(99, revision=3)) == ["REPLACE_REJECTED"]
    assert change(20, 8, _limit(101, revision=3)) == ["REPLACED"]  # into the other side
    assert _told(venue.advance(21)) == [(1, 7, 101.0)]
    assert change(22, 9, _limit(99, revision=4)) == ["REPLACE_REJECTED"]


def test_a_replacement_on_its_way_comes_before_its_consequences() -> None:
    venue = _venue(submit_ns=10)
    _send(venue, 10, 1, (6, _limit(99)))
    venue.advance(30)
    made = msgspec.structs.replace(batch(1, [(0, 6)], ts=40), terms=OrderTerms.of([_limit(101, revision=1)]))
    assert venue.replace(approved(made)).updates.event.tolist() == [OrderEvent.REPLACE_PENDING]
    assert _told(venue.advance(49)) == []
    assert _told(venue.advance(50)) == [(1, "REPLACED"), (1, 6, 101.0)]


def test_a_halt_and_an_auction() -> None:
    venue = _venue()
    assert venue.halt(5, "AAA") == []
    _send(venue, 6, 1, (4, _limit(101)), (3, Terms(tif=TimeInForce.OPG)), (2, Terms(tif=TimeInForce.IOC)))
    assert _told(venue.on_trade(_trade(7, 99, 50, SELL))) == [(3, "EXPIRED")]
    assert venue.call(8, "AAA") == []
    venue.on_book(_book(9, [(100, 6)], [(99, 0), (100, 8)]))
    result, happened = venue.uncross(10, "AAA")
    assert (result.price, result.volume) == (100 * P, 8)
    assert _told(happened) == [(2, 3, 100.0), (1, 4, 100.0)]
    assert _told(venue.resume(11, "AAA")) == []


def test_a_broken_book_fills_nothing_until_its_snapshot() -> None:
    venue = _venue()
    venue.on_event(BookBroken(2, "AAA", "gap"))
    venue.submit(approved(batch(1, [(0, 5)], ts=3)))
    assert venue.on_event(_book(4, [], [(101, 50)])) == []
    assert _told(venue.on_event(_book(5, [(99, 1)], [(100, 50)], whole=True))) == [(1, 5, 100.0)]


def test_quotes_drive_a_symbol_without_levels() -> None:
    venue = _venue()
    venue.on_event(TopQuote(2, "BBB", 50 * P, 8, 51 * P, 8))
    venue.on_event(TopQuote(2, "CCC", 50 * P, 8, 51 * P, 8))  # not of the universe
    venue.submit(approved(batch(1, [(1, 12)], ts=3)))
    assert _told(venue.on_event(TopQuote(4, "BBB", 50 * P, 8, 52 * P, 9))) == [(1, 8, 51.0), (1, 4, 52.0)]


def test_a_flatten_walks_the_book_and_pays_beyond_it() -> None:
    venue = _venue(beyond_depth_bps=100.0)
    flatten = approved(batch(1, [(0, -40), (1, -3)], purpose=Purpose.FLATTEN))
    response = venue.submit(flatten, immediate=True)
    assert response.updates.event.tolist() == [OrderEvent.ACKNOWLEDGED, OrderEvent.REJECTED]
    assert "no price" in response.updates.text
    assert response.fills is not None
    assert response.fills.forced
    assert response.fills.price.tolist() == [99 * P, 98 * P, 98 * P - 98 * P // 100]
    assert response.fills.quantity.tolist() == [-10, -20, -10]


def test_a_flatten_without_a_book_fills_around_the_last_middle() -> None:
    venue = _venue(beyond_depth_bps=50.0)
    venue.on_event(BookBroken(2, "AAA", "gap"))
    response = venue.submit(approved(batch(1, [(0, 7)], purpose=Purpose.FLATTEN)), immediate=True)
    assert response.fills is not None
    assert response.fills.price.tolist() == [100 * P + P // 2]
    assert venue.positions().tolist() == [7, 0]


def test_shorts_pay_borrow_by_the_day() -> None:
    venue = BookVenue(Universe.of(["AAA"]), borrow_annual_bps=365.0)
    venue.on_book(_book(DAY, [(99, 10)], [(101, 10)], whole=True))
    venue.submit(approved(batch(1, [(0, -10)], ts=DAY)))
    venue.advance(DAY + 1)
    assert venue.due is None
    venue.advance(3 * DAY)
    assert venue.due is not None
    assert (venue.due.days, venue.due.amount.tolist()) == (
        2,
        [2 * 10**8 // 10],
    )  # a basis point of 1000 a day
    venue.submit(approved(batch(2, [(0, 10)], ts=3 * DAY)))
    (fills,) = venue.advance(3 * DAY + 1)
    assert fills.costs[CostPart.BORROW].tolist() == [2 * 10**8 // 10]
    venue.advance(9 * DAY)
    assert venue.due is None


# ---- what must hold whatever happens ----------------------------------------------------------------------------

PRICE, SIZE = st.integers(95, 105), st.integers(0, 12)
LEVELS = st.lists(st.tuples(PRICE, SIZE), max_size=3)
MARKET_EVENT = st.one_of(
    st.tuples(st.just("depth"), LEVELS, LEVELS),
    st.tuples(st.just("trade"), PRICE, st.integers(1, 15), st.sampled_from((BUY, SELL, 0))),
)
TERMS = st.one_of(
    st.builds(Terms, tif=st.sampled_from((TimeInForce.DAY, TimeInForce.IOC, TimeInForce.FOK))),
    st.builds(_limit, PRICE, st.sampled_from((TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK))),
    st.builds(_limit, PRICE, display=st.integers(1, 2)),
    st.builds(lambda price: Terms(OrderType.STOP, TimeInForce.GTC, stop=price * P), PRICE),
    st.builds(lambda peg: Terms(OrderType.PEGGED, TimeInForce.GTC, peg=peg), st.sampled_from((1, 2, 3))),
)
ORDER = st.tuples(st.just("order"), st.integers(-9, 9).filter(bool), TERMS)
CANCEL = st.tuples(st.just("cancel"), st.integers(1, 6))
STEPS = st.lists(st.one_of(MARKET_EVENT, MARKET_EVENT, ORDER, CANCEL), min_size=5, max_size=40)


def _play(venue, steps, restart_after=-1):
    """The reports of a run; the venue is saved and loaded after the step ``restart_after``."""
    number, ts, sent, told = 0, 10, {}, []
    for at, step in enumerate(steps):
        ts += 7
        if step[0] == "depth":
            told += venue.on_book(_book(ts, step[1], step[2]))
        elif step[0] == "trade":
            told += venue.on_trade(_trade(ts, *step[1:]))
        elif step[0] == "order":
            number += 1
            sent[number] = step[1:]
            told.append(_send(venue, ts, number, step[1:]).updates)
        else:
            told.append(venue.cancel(ts, ints(step[1])).updates)
        if at == restart_after:
            other = BookVenue(Universe.of(["AAA", "BBB"]), BookVenueSettings(submit_ns=10, queue="power"))
            other.restore(decode_state(encode_state(venue.state())))
            venue = other
    return venue, sent, told


@settings(max_examples=150)
@given(STEPS, st.integers(0, 39))
def test_invariants_of_any_run(steps, restart_after) -> None:
    def fresh():
        return _venue(submit_ns=10, queue="power")

    venue, sent, told = _play(fresh(), steps)
    again, _, repeated = _play(fresh(), steps, restart_after)
    assert _told(told) == _told(repeated)
    assert venue.state()["markets"] == again.state()["markets"]
    filled, ended = dict.fromkeys(sent, 0), set()
    for one in told:
        if isinstance(one, OrderUpdates):
            events = zip(one.number.tolist(), one.event.tolist(), strict=True)
            ended |= {n for n, code in events if code in (OrderEvent.EXPIRED, OrderEvent.CANCELED)}
            continue
        for n, quantity, price in zip(
            one.number.tolist(), one.quantity.tolist(), one.price.tolist(), strict=True
        ):
            assert n not in ended  # nothing fills after its end
            wanted, terms = sent[n]
            filled[n] += quantity
            assert quantity * wanted > 0
            assert abs(filled[n]) <= abs(wanted)
            if terms.limit:
                assert (price - terms.limit) * wanted <= 0  # never worse than its limit
    assert sum(filled.values()) == int(venue.positions()[0])
    executions = [n for one in told if isinstance(one, Fills) for n in one.execution.tolist()]
    assert executions == list(range(1, len(executions) + 1))


# ---- recorded books ---------------------------------------------------------------------------------------------


def test_the_same_recorded_books_and_orders_give_the_same_fills() -> None:
    path = sample("binance/usdm_btcusdt_20240808.ws.gz")
    coin = Instrument(
        "BTCUSDT",
        AssetClass.CRYPTO,
        "24/7",
        Currency("USDT", 8),
        price_decimals=2,
        quantity_decimals=3,
        tick=10,
    )
    runs = []
    for _ in range(2):
        venue, feed = BookVenue(Universe((coin,)), BookVenueSettings(submit_ns=5_000_000)), feed_of([path])
        number, next_ts, fills, told = 0, 0, [], []
        for event in played(feed, [path]):
            for one in venue.on_event(event):
                if isinstance(one, Fills):
                    fills.append(one)
                else:
                    told += [OrderEvent(code).name for code in one.event.tolist()]
            if isinstance(event, DepthUpdate) and event.ts >= next_ts:
                bid, _, ask, _ = feed.books["BTCUSDT"].book.touch()
                number += 2
                orders = ((5, bid), (-5, ask))
                made = batch(number - 1, [(0, quantity) for quantity, _ in orders], ts=event.ts)
                terms = OrderTerms.of(
                    [
                        Terms(OrderType.LIMIT, TimeInForce.GTD, limit=price, expiry=event.ts + 4 * 10**9)
                        for _, price in orders
                    ]
                )
                venue.submit(approved(msgspec.structs.replace(made, terms=terms)))
                next_ts = event.ts + 5 * 10**9
        quantity = [int(q) for one in fills for q in one.quantity.tolist()]
        assert sum(quantity) == int(venue.positions()[0])
        runs.append(
            (number, quantity, [int(p) for one in fills for p in one.price.tolist()], told.count("EXPIRED"))
        )
    assert runs[0] == runs[1]
    orders, quantity, _, expired = runs[0]
    assert (orders, len(quantity), expired) == (138, 117, 54)
    assert sum(map(abs, quantity)) == 410
