"""One symbol's market: walking the depth, queues, trade-throughs, icebergs, halts and auctions."""

from __future__ import annotations

import pytest

from tuiconsole.domain.books import DepthUpdate, TopQuote, TradePrint
from tuiconsole.domain.order_terms import OrderType, Terms, TimeInForce
from tuiconsole.domain.orders import OrderEvent
from tuiconsole.execution.book_matching import BookMarket, Execution, Report
from tuiconsole.execution.book_order import UNKNOWN_FRONT, BookOrder
from tuiconsole.execution.queue_position import fifo_front, queue_model

BUY, SELL = 1, -1


def _market(bids=((99, 10), (98, 20)), asks=((101, 10), (102, 20)), queue=fifo_front) -> BookMarket:
    market = BookMarket(queue)
    market.on_depth(DepthUpdate(1, "X", list(bids), list(asks), True))
    return market


def _order(side=BUY, size=5, limit=0, number=1, tif=TimeInForce.GTC, kind=None, **terms) -> BookOrder:
    kind = kind if kind is not None else OrderType.LIMIT if limit else OrderType.MARKET
    return BookOrder.of(number, 0, side * size, Terms(kind, tif, limit=limit, **terms))


def _told(steps):
    return [
        (one.number, one.event.name)
        if isinstance(one, Report)
        else (one.order.number, one.size, one.price, one.maker)
        for one in steps
    ]


def test_a_market_order_walks_the_displayed_depth_and_waits_for_more() -> None:
    market = _market()
    order = _order(size=40)
    assert _told(market.accept(order)) == [(1, 10, 101, False), (1, 20, 102, False)]
    assert (order.left, len(market.book.asks)) == (10, 0)
    assert market.on_depth(DepthUpdate(2, "X", [(99, 11)], [])) == []
    assert _told(market.on_depth(DepthUpdate(3, "X", [], [(103, 4)]))) == [(1, 4, 103, False)]
    assert _told(market.on_depth(DepthUpdate(4, "X", [], [(103, 60)]))) == [(1, 6, 103, False)]
    assert market.orders == {}


def test_what_the_desk_took_is_gone_until_the_feed_tells_the_level_again() -> None:
    market = _market()
    market.accept(_order(size=6))
    assert _told(market.accept(_order(size=6, number=2))) == [(2, 4, 101, False), (2, 2, 102, False)]
    market.on_depth(DepthUpdate(2, "X", [], [(101, 10)]))
    assert _told(market.accept(_order(size=6, number=3))) == [(3, 6, 101, False)]


@pytest.mark.parametrize(
    ("terms", "filled", "ended", "resting"),
    [
        ({"limit": 101}, [10], 0, 1),
        ({"limit": 101, "tif": TimeInForce.IOC}, [10], 1, 0),
        ({"tif": TimeInForce.IOC}, [10, 5], 0, 0),
        ({"limit": 101, "tif": TimeInForce.FOK}, [], 1, 0),
        ({"limit": 102, "tif": TimeInForce.FOK}, [10, 5], 0, 0),
        ({"limit": 100}, [], 0, 1),
    ],
)
def test_times_in_force_on_arrival(terms, filled, ended, resting) -> None:
    market = _market()
    steps = market.accept(_order(size=15, **terms))
    assert [one.size for one in steps if isinstance(one, Execution)] == filled
    assert [one.event for one in steps if isinstance(one, Report)] == [OrderEvent.EXPIRED] * ended
    assert len(market.orders) == resting


def test_an_order_waits_behind_its_level_and_moves_up_by_trades_and_cancels() -> None:
    market = _market()
    order = _order(limit=98, size=6)
    market.accept(order)
    assert order.front == 20
    market.on_depth(DepthUpdate(2, "X", [(98, 50)], []))  # those came later
    assert order.front == 20
    market.on_depth(DepthUpdate(3, "X", [(98, 15)], []))  # cancels from behind, until there are not enough
    assert order.front == 15
    assert market.on_trade(TradePrint(4, "X", 98, 10, SELL)) == []
    assert order.front == 5
    market.on_depth(DepthUpdate(5, "X", [(98, 5)], []))  # the same trade in the book: it does not count twice
    assert order.front == 5
    assert _told(market.on_trade(TradePrint(6, "X", 98, 8, SELL))) == [(1, 3, 98, True)]
    assert _told(market.on_trade(TradePrint(7, "X", 98, 8, SELL))) == [(1, 3, 98, True)]


def test_a_probable_queue_moves_faster_than_a_cautious_one() -> None:
    fronts = []
    for name in ("fifo", "power", "log"):
        market = _market(queue=queue_model(name, 1.0))
        order = _order(limit=98, size=6)
        market.accept(order)
        market.on_depth(DepthUpdate(2, "X", [(98, 40)], []))
        market.on_depth(DepthUpdate(3, "X", [(98, 24)], []))
        fronts.append(order.front)
    assert fronts == [20, 12.0, 12.0]


def test_a_trade_explains_the_fall_of_its_level_once() -> None:
    market = _market(bids=[(98, 20)], queue=queue_model("power", 1.0))
    order = _order(limit=98, size=6)
    market.accept(order)
    market.on_depth(DepthUpdate(2, "X", [(98, 40)], []))
    market.on_trade(TradePrint(3, "X", 98, 10, SELL))
    market.on_depth(DepthUpdate(4, "X", [(98, 30)], []))  # that trade
    assert order.front == 10
    market.on_depth(DepthUpdate(5, "X", [(98, 20)], []))  # a cancel: from before it with 10 in 30
    assert order.front == pytest.approx(10 - 10 / 3)


def test_orders_of_the_desk_at_one_price_share_a_trade_in_their_order() -> None:
    market = _market()
    first, second = _order(limit=99, size=4, number=1), _order(limit=99, size=9, number=2)
    market.accept(first)
    market.accept(second)
    executions = market.on_trade(TradePrint(2, "X", 99, 20, SELL))  # 10 before both, then 4, then 6
    assert _told(executions) == [(1, 4, 99, True), (2, 6, 99, True)]
    assert (second.left, second.front) == (3, 0)


def test_a_trade_through_the_limit_fills_no_more_than_was_traded() -> None:
    market = _market()
    order = _order(limit=100, size=9)
    market.accept(order)
    assert order.front == 0  # alone at a better price
    assert market.on_trade(TradePrint(2, "X", 101, 50, BUY)) == []
    assert _told(market.on_trade(TradePrint(3, "X", 99, 4, SELL))) == [(1, 4, 100, True)]
    assert _told(market.on_trade(TradePrint(4, "X", 100, 2, SELL))) == [(1, 2, 100, True)]
    assert _told(market.on_trade(TradePrint(5, "X", 98, 50, SELL))) == [(1, 3, 100, True)]


def test_a_quote_of_the_other_side_at_the_limit_fills_what_it_shows() -> None:
    market = _market()
    order = _order(SELL, limit=100, size=9)
    market.accept(order)
    executions = market.on_depth(DepthUpdate(2, "X", [(100, 4), (102, 2)], [(101, 0), (102, 0), (104, 1)]))
    assert _told(executions) == [(1, 2, 100, True), (1, 4, 100, True)]
    assert order.left == 3
    assert market.book.bids.best == 99


def test_a_trade_that_does_not_tell_who_started_it_is_judged_by_the_touch() -> None:
    for price, side, filled in ((99, BUY, 1), (101, SELL, 1), (100, BUY, 0)):
        market = _market()
        market.accept(_order(side, 3, limit=99 if side == BUY else 101))
        assert len(market.on_trade(TradePrint(2, "X", price, 13, 0))) == filled


def test_an_iceberg_shows_a_part_and_each_next_part_waits_again() -> None:
    market = _market()
    order = _order(limit=99, size=10, display=4)
    market.accept(order)
    assert (order.shown, order.front) == (4, 10)
    assert _told(market.on_trade(TradePrint(2, "X", 99, 50, SELL))) == [(1, 4, 99, True)]
    assert (order.shown, order.front) == (4, 10)
    market.on_depth(DepthUpdate(3, "X", [(99, 1)], []))
    assert _told(market.on_trade(TradePrint(4, "X", 99, 3, SELL))) == [(1, 2, 99, True)]
    assert _told(market.on_trade(TradePrint(5, "X", 98, 50, SELL))) == [
        (1, 4, 99, True)
    ]  # through it: the reserve too


def test_an_order_beyond_what_the_feed_shows_waits_until_its_level_is_seen() -> None:
    market = _market()
    order = _order(limit=90, size=5)
    market.accept(order)
    assert order.front == UNKNOWN_FRONT
    assert market.on_trade(TradePrint(2, "X", 90, 4, SELL)) == []
    market.on_depth(DepthUpdate(3, "X", [(99, 0), (98, 0), (90, 7)], []))
    assert order.front == 7
    market.on_depth(DepthUpdate(4, "X", [(99, 1), (90, 0)], []))  # out of sight again, not gone
    assert order.front == 7


def test_nothing_fills_while_the_book_is_not_known() -> None:
    market = _market()
    order = _order(limit=99, size=5)
    market.accept(order)
    market.lose()
    assert market.accept(_order(number=2)) == []
    assert market.on_trade(TradePrint(2, "X", 99, 100, SELL)) == []
    assert market.on_depth(DepthUpdate(3, "X", [], [(90, 5)])) == []
    executions = market.on_depth(DepthUpdate(4, "X", [(99, 3)], [(101, 50)], True))
    assert _told(executions) == [(2, 5, 101, False)]
    assert order.front == 3


def test_best_quotes_alone_are_a_book_of_one_level() -> None:
    market = BookMarket(fifo_front)
    assert market.on_quote(TopQuote(1, "X", 99, 10, 101, 10)) == []
    order = _order(limit=98, size=5)
    market.accept(order)
    assert order.front == UNKNOWN_FRONT
    market.on_quote(TopQuote(2, "X", 98, 6, 101, 10))
    assert order.front == 6
    assert _told(market.on_quote(TopQuote(3, "X", 96, 6, 98, 2))) == [(1, 2, 98, True)]
    market.on_depth(DepthUpdate(4, "X", [(97, 1)], []))
    assert market.on_quote(TopQuote(5, "X", 96, 6, 97, 2)) == []  # a feed with levels tells its touch by them
    assert market.book.bids.best == 97


def test_a_halt_stops_fills_and_keeps_orders() -> None:
    market = _market()
    market.accept(_order(limit=99, size=5))
    assert market.halt() == []
    assert market.on_trade(TradePrint(2, "X", 99, 100, SELL)) == []
    assert market.accept(_order(number=2, size=3)) == []
    assert _told(market.accept(_order(number=3, size=3, tif=TimeInForce.IOC))) == [(3, "EXPIRED")]
    assert market.on_depth(DepthUpdate(3, "X", [], [(98, 2)])) == []
    assert _told(market.resume()) == [(2, 2, 98, False), (2, 1, 101, False)]
    assert market.cancel(1) == [1]
    assert market.cancel(1) == []


def test_an_auction_trades_the_most_at_one_price_and_the_desk_comes_last_at_it() -> None:
    market = _market(bids=[(100, 10), (99, 5)], asks=[(101, 10), (102, 5)])
    market.call()
    market.on_depth(DepthUpdate(2, "X", [(102, 20)], [(98, 12)]))  # crossed while it collects
    for order in (
        _order(SELL, 6, number=1, tif=TimeInForce.OPG),
        _order(SELL, 8, limit=101, number=2),
        _order(BUY, 4, limit=102, number=3),
        _order(BUY, 5, limit=101, number=4, tif=TimeInForce.OPG),
    ):
        assert market.accept(order) == []
    result, executions = market.uncross()
    # buyers 24 at 102 and 29 at 101; sellers 6 + 12 below 101, and 18 more at it
    assert (result.price, result.volume, result.surplus) == (101, 29, -7)
    assert _told(executions) == [(3, 4, 101, True), (4, 5, 101, True), (1, 6, 101, True), (2, 1, 101, True)]
    assert [(order.number, order.left) for order in market.orders.values()] == [(2, 7)]
    assert market.last_price == 101
    assert market.matching


def test_an_auction_without_a_match_gives_up_orders_that_were_for_it_alone() -> None:
    market = _market()
    market.accept(_order(BUY, 5, limit=97, number=1, tif=TimeInForce.OPG))
    market.accept(_order(BUY, 5, limit=97, number=2))
    market.call()
    result, steps = market.uncross()
    assert (result.volume, _told(steps)) == (0, [(1, "EXPIRED")])
    assert list(market.orders) == [2]


def test_state_is_everything() -> None:
    market = _market()
    market.accept(_order(limit=99, size=10, display=4))
    market.on_trade(TradePrint(2, "X", 99, 12, SELL))
    other = BookMarket(fifo_front)
    other.restore(market.state())
    assert other.state() == market.state()
    trade = TradePrint(3, "X", 99, 11, SELL)
    assert _told(other.on_trade(trade)) == _told(market.on_trade(trade)) != []
