"""Bars of a book's events: what was known when an interval ended, and nothing later."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tuiconsole.domain.books import BookBroken, BookScale, DepthUpdate, TopQuote, TradePrint
from tuiconsole.market.books.bars import BookBars
from tuiconsole.market.books.statistics import SpreadStatistics
from tuiconsole.market.interval_grid import interval_grid

DAY = 1_723_075_200 * 10**9
SECOND = 10**9


def _bars(*events, levels=2):
    made = BookBars(interval_grid("24/7", 1, DAY, DAY), BookScale(2, 1), levels)
    for event in events:
        made.take(event)
    return made.bars()


def _book(at, bids, asks, whole=False):
    return DepthUpdate(DAY + at, "X", bids, asks, whole)


def test_a_bar_has_the_book_as_it_stood_at_its_end() -> None:
    found = _bars(
        _book(1, [(9900, 10), (9800, 20), (9700, 40)], [(10100, 30)], True),
        TradePrint(DAY + 2, "X", 10100, 5, 1),
        TradePrint(DAY + 3, "X", 9900, 15, -1),
        TradePrint(DAY + 4, "X", 10000, 7, 0),
        _book(SECOND - 1, [(9900, 0)], [(10100, 25)]),
        _book(SECOND, [(9850, 99)], []),  # belongs to the next interval
        TradePrint(DAY + 3 * SECOND, "X", 9850, 2, -1),
        TradePrint(DAY + 4 * SECOND, "X", 9850, 2, -1),
    )
    assert (found.ts - DAY).tolist() == [
        SECOND,
        4 * SECOND,
    ]  # nothing traded in between, and the last is not over
    first = {name: float(values[0]) for name, values in found.columns.items()}
    assert first == {
        "open": 101.0,
        "high": 101.0,
        "low": 99.0,
        "close": 100.0,
        "volume": 2.7,
        "bid": 98.0,
        "ask": 101.0,
        "bid_size": 2.0,
        "ask_size": 2.5,
        "bid_depth": 6.0,
        "ask_depth": 2.5,
        "buy_volume": 0.5,
        "sell_volume": 1.5,
    }
    assert found.columns["bid"][1] == 98.5


def test_a_broken_book_has_no_quotes_and_trades_without_sides_no_signed_volume() -> None:
    found = _bars(
        _book(1, [(9900, 10)], [(10100, 30)], True),
        TradePrint(DAY + 2, "X", 10000, 5, 0),
        BookBroken(DAY + 3, "X", "gap"),
        TradePrint(DAY + SECOND, "X", 10000, 5, 1),
    )
    missing = {name for name, values in found.columns.items() if math.isnan(values[0])}
    assert missing == {
        "bid",
        "ask",
        "bid_size",
        "ask_size",
        "bid_depth",
        "ask_depth",
        "buy_volume",
        "sell_volume",
    }
    assert _bars().ts.tolist() == []


def test_best_quotes_alone_give_a_touch_without_depth() -> None:
    found = _bars(
        TopQuote(DAY + 1, "X", 9900, 10, 10100, 30),
        TradePrint(DAY + 2, "X", 10000, 5, 1),
        TradePrint(DAY + SECOND, "X", 10000, 5, 1),
    )
    assert found.columns["bid"][0] == 99.0
    assert found.columns["ask_size"][0] == 3.0
    assert np.isnan(found.columns["bid_depth"][0])


def test_the_mean_spread_is_weighted_with_time() -> None:
    spread = SpreadStatistics()
    assert math.isnan(spread.mean)
    spread.take(_book(0, [(9900, 1)], [(10100, 1)], True))  # 200 bp for 10 ns
    spread.take(_book(10, [(9950, 1)], [(10050, 1)]))  # 100 bp for 30 ns
    spread.take(BookBroken(DAY + 40, "X", "gap"))
    spread.take(_book(90, [(9975, 1)], [(10025, 1)], True))  # 50 bp, no time
    spread.take(TradePrint(DAY + 95, "X", 10000, 1, 1))
    assert spread.mean == pytest.approx((200 * 10 + 100 * 30) / 40)
    assert (spread.least, spread.most) == (pytest.approx(50.0), pytest.approx(200.0))
    assert (spread.first, spread.last) == (DAY, DAY + 95)
    quoted = SpreadStatistics()
    quoted.take(TopQuote(DAY, "X", 9900, 1, 10100, 1))
    quoted.take(TopQuote(DAY + 10, "X", 9950, 1, 10050, 1))
    quoted.take(TopQuote(DAY + 20, "X", 0, 0, 10050, 1))
    assert quoted.mean == pytest.approx(150.0)
