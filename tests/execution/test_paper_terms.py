"""Orders with terms on bars: where each type trades, what it pays, when it ends; the pessimistic path throughout."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.execution.build import POINT, batch, ints
from tuiconsole.domain.codec import decode_state, encode_state
from tuiconsole.domain.context import BarQuotes
from tuiconsole.domain.costs import CostPart
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.market import Bars, ScreenedBars
from tuiconsole.domain.order_terms import OrderTerms, OrderType, Peg, Terms, TimeInForce, TrailUnit
from tuiconsole.domain.orders import OrderEvent
from tuiconsole.execution.paper import PaperVenue
from tuiconsole.execution.settings import ExecutionSettings
from tuiconsole.risk.approved import _approve

UNIVERSE = Universe.of(("A", "B", "C"))
FREE = {
    "half_spread_bps": 0.0,
    "temporary_impact": 0.0,
    "permanent_impact": 0.0,
    "proportional_bps": 0.0,
    "fixed_usd": 0.0,
    "capacity_penalty": 0.0,
}
DAY, GTC, GTD, IOC, FOK, OPG, CLS = (
    TimeInForce[name] for name in ("DAY", "GTC", "GTD", "IOC", "FOK", "OPG", "CLS")
)
LIMIT, STOP, STOP_LIMIT, TRAILING, PEGGED = (
    OrderType[name] for name in ("LIMIT", "STOP", "STOP_LIMIT", "TRAILING_STOP", "PEGGED")
)
HOUR = 3_600 * 10**9
VOLUME = 1_000_000.0


def points(price: float) -> int:
    return round(price * POINT)


class Market:
    """A venue with one symbol that matters (A), driven bar by bar; hours 1 to 4 of a session of four bars."""

    def __init__(self, bars_a_session: int = 4, calendar: bool = True, **settings: Any) -> None:
        self.bars_a_session = bars_a_session
        ends = (lambda ts: (ts // HOUR) % bars_a_session == 0) if calendar else None
        self.venue = PaperVenue(UNIVERSE, ExecutionSettings(**{**FREE, **settings}), ends)
        self.ts = 0
        self.number = 1
        self.events: list[tuple[int, str]] = []
        self.bar(100, 100, 100, 100)

    def send(self, *orders: tuple[int, Terms]) -> list[str]:
        """Hand over orders in A; the names of the answers."""
        rows = batch(self.number, [(0, quantity) for quantity, _ in orders], ts=self.ts)
        linked = []
        for _, terms in orders:
            parent = self.number - terms.parent - 1 if terms.parent < 0 else terms.parent
            oco = self.number - terms.oco - 1 if terms.oco < 0 else terms.oco
            linked.append(
                Terms(
                    **{
                        **{f: getattr(terms, f) for f in Terms.__struct_fields__},
                        "parent": parent,
                        "oco": oco,
                    }
                )
            )
        rows = type(rows)(*(getattr(rows, f) for f in rows.__struct_fields__[:-1]), OrderTerms.of(linked))
        self.number += len(orders)
        answer = self.venue.submit(_approve(rows, rows.number)).updates
        self.text = answer.text
        return [OrderEvent(event).name for event in answer.event.tolist()]

    def bar(
        self,
        opened: float,
        high: float,
        low: float,
        close: float,
        volume: float = VOLUME,
        quality: int = 0,
        quotes: tuple[float, float] | None = None,
    ) -> list[tuple[int, int, float]]:
        """The next bar; fills as (number, quantity, price). Reports since the last are in ``events``."""
        self.ts += HOUR
        columns = [np.array([value, 50.0, 50.0]) for value in (opened, high, low, close, volume)]
        found = None
        if quotes is not None:
            sides = [np.array([value, np.nan, np.nan]) for value in (*quotes, 1e6, 1e6, 1e7, 1e7, 0.0, 0.0)]
            found = BarQuotes(*sides)
        session = (self.ts // HOUR - 1) // self.bars_a_session
        bars = Bars(self.ts, self.ts // HOUR, *columns, session, None, found)
        return self._take(ScreenedBars(bars, columns[3], np.array([quality, 0, 0], dtype=np.int8)))

    @property
    def plain(self) -> bool:
        """Nothing with terms rests."""
        return not self.venue.state()["terms"]["orders"]["orders"]

    def close(self, price: float) -> list[tuple[int, int, float]]:
        """The next bar of a source that tells closes alone."""
        self.ts += HOUR
        bars = Bars.close_only(self.ts, self.ts // HOUR, np.array([price, 50.0, 50.0]))
        return self._take(ScreenedBars(bars, bars.close, np.zeros(3, dtype=np.int8)))

    def _take(self, screened: ScreenedBars) -> list[tuple[int, int, float]]:
        fills = self.venue.on_bars(screened)
        self.fills = fills
        self.events = []
        for updates in (self.venue.triggered, self.venue.ended):
            if updates is not None:
                pairs = zip(updates.number.tolist(), updates.event.tolist(), strict=True)
                self.events += [(number, OrderEvent(event).name) for number, event in pairs]
        if fills is None:
            return []
        rows = zip(fills.number.tolist(), fills.quantity.tolist(), fills.price.tolist(), strict=True)
        return [(number, quantity, price / POINT) for number, quantity, price in rows]


def limit(price: float, tif: TimeInForce = GTC, **more: Any) -> Terms:
    return Terms(LIMIT, tif, limit=points(price), **more)


def stop(price: float, tif: TimeInForce = GTC, **more: Any) -> Terms:
    return Terms(STOP, tif, stop=points(price), **more)


def stop_limit(trigger: float, price: float, **more: Any) -> Terms:
    return Terms(STOP_LIMIT, GTC, stop=points(trigger), limit=points(price), **more)


ONE_BAR = [
    # quantity, terms, bar (open, high, low, close), price it fills at or None; all before costs
    ("buy limit below the range", 10, limit(95), (100, 101, 96, 99), None),
    ("buy limit touched only", 10, limit(96), (100, 101, 96, 99), None),
    ("buy limit traded through", 10, limit(97), (100, 101, 96, 99), 97),
    ("buy limit at the market", 10, limit(101), (100, 102, 96, 99), 100),
    ("sell limit traded through", -10, limit(101), (100, 102, 96, 99), 101),
    ("sell limit touched only", -10, limit(102), (100, 102, 96, 99), None),
    ("sell limit at the market", -10, limit(99), (100, 102, 96, 99), 100),
    ("buy stop not reached", 10, stop(103), (100, 102, 96, 99), None),
    ("buy stop touched", 10, stop(102), (100, 102, 96, 99), 102),
    ("buy stop gapped", 10, stop(103), (105, 106, 104, 104), 105),
    ("sell stop touched", -10, stop(96), (100, 102, 96, 99), 96),
    ("sell stop gapped", -10, stop(97), (90, 92, 88, 91), 90),
    ("buy stop-limit within its limit", 10, stop_limit(101, 103), (100, 104, 99, 104), 101),
    ("buy stop-limit gapped beyond its limit", 10, stop_limit(101, 103), (105, 106, 104, 104), None),
    ("buy stop-limit gapped beyond, closes back", 10, stop_limit(101, 103), (105, 106, 102, 102), 103),
    ("sell stop-limit gapped beyond its limit", -10, stop_limit(97, 95), (90, 92, 88, 91), None),
]


@pytest.mark.parametrize(
    ("quantity", "terms", "bar", "price"), [row[1:] for row in ONE_BAR], ids=[r[0] for r in ONE_BAR]
)
def test_one_bar(
    quantity: int, terms: Terms, bar: tuple[float, float, float, float], price: float | None
) -> None:
    market = Market()
    assert market.send((quantity, terms)) == ["ACKNOWLEDGED"]
    assert market.bar(*bar) == ([] if price is None else [(1, quantity, price)])
    assert market.venue.positions()[0] == (0 if price is None else quantity)
    assert market.plain == (price is not None)


def test_a_touch_is_enough_where_it_is_set_so() -> None:
    market = Market(limit_needs="touch")
    market.send((10, limit(96)))
    assert market.bar(100, 101, 96, 99) == [(1, 10, 96)]


CLOSES = [
    (10, limit(97), 98, None),
    (10, limit(97), 97, 97),
    (10, limit(97), 95, 95),
    (-10, stop(96), 97, None),
    (-10, stop(96), 96, 96),
    (-10, stop(96), 90, 90),
    (10, stop_limit(101, 103), 105, None),
    (10, stop_limit(101, 103), 102, 102),
]


@pytest.mark.parametrize(("quantity", "terms", "close", "price"), CLOSES)
def test_closes_alone_trigger_and_fill_at_the_close(
    quantity: int, terms: Terms, close: float, price: float | None
) -> None:
    market = Market()
    market.close(100)
    market.send((quantity, terms))
    assert market.close(close) == ([] if price is None else [(1, quantity, price)])


def test_what_meets_the_market_pays_as_a_market_order_and_what_rests_pays_commission() -> None:
    costs = {"half_spread_bps": 5.0, "proportional_bps": 1.0, "fixed_usd": 0.5, "temporary_impact": 0.3}
    market = Market(**costs)
    market.send((100, limit(102)), (100, limit(98)))
    [(_, _, crossing)] = market.bar(100, 101, 99, 100)
    assert market.fills is not None
    assert crossing > 100.05
    assert market.fills.costs[CostPart.SPREAD, 0] > 0
    assert market.fills.costs[CostPart.TEMPORARY, 0] > 0
    assert market.bar(99, 99, 97, 98) == [(2, 100, 98)]
    costs_of = market.fills.costs[:, 0]
    assert costs_of[CostPart.COMMISSION_FIXED] == 50_000_000
    assert costs_of[CostPart.COMMISSION_PROPORTIONAL] == 98_000_000
    assert costs_of[CostPart.SPREAD : CostPart.BORROW].sum() == 0


def test_adverse_selection_of_a_resting_order_is_told_and_never_worsens_its_limit() -> None:
    market = Market(adverse_selection=0.5, initial_volatility=0.02)
    market.send((100, limit(98)))
    assert market.bar(100, 101, 97, 98) == [(1, 100, 98)]
    assert market.fills is not None
    told = int(market.fills.costs[CostPart.ADVERSE_SELECTION, 0])
    assert told == pytest.approx(0.5 * 0.02 * 98 * 100 * 1e8, rel=0.05)


def test_an_order_that_would_sweep_beyond_its_limit_waits_there_instead() -> None:
    market = Market(half_spread_bps=100.0)
    market.send((10, limit(100.5)))
    assert market.bar(100, 101, 100, 101) == [(1, 10, 100.5)]
    market.send((10, limit(100.5)))
    assert market.bar(100.5, 101, 100.5, 101) == []


def test_a_resting_limit_takes_the_opening_of_a_session_but_not_a_gap_within() -> None:
    market = Market()
    market.send((10, limit(97)))
    assert market.bar(100, 101, 99, 100) == []
    assert market.bar(95, 96, 94, 95) == [
        (1, 10, 96)
    ]  # a gap within the session: no better than the bar's worst
    market.send((10, limit(97)))
    market.bar(100, 101, 99, 100)
    assert market.bar(95, 96, 94, 95) == [(2, 10, 95)]  # the opening auction: one price for all


# ---- time in force ---------------------------------------------------------------------------------------------------


def test_an_order_for_the_day_ends_with_its_session() -> None:
    market = Market()
    market.send((10, limit(90, DAY)))
    for _ in range(2):
        market.bar(100, 101, 99, 100)
        assert market.events == []
    market.bar(100, 101, 99, 100)  # the fourth bar of the session
    assert market.events == [(1, "EXPIRED")]
    assert market.bar(80, 81, 79, 80) == []


def test_an_order_after_the_close_is_for_the_next_day() -> None:
    market = Market()
    for _ in range(3):
        market.bar(100, 101, 99, 100)
    market.send((10, limit(90, DAY)))
    market.bar(100, 101, 99, 100)
    assert market.events == []
    assert market.bar(91, 92, 89, 90) == [(1, 10, 90)]


def test_without_a_calendar_the_day_ends_with_the_next_sessions_first_bar() -> None:
    market = Market(calendar=False)
    market.send((10, limit(90, DAY)))
    for _ in range(3):
        market.bar(100, 101, 99, 100)
    assert market.events == []
    assert market.bar(80, 81, 79, 80) == []
    assert market.events == [(1, "EXPIRED")]


def test_daily_bars_are_a_session_each() -> None:
    market = Market(bars_a_session=1)
    market.send((10, limit(90, DAY)), (10, limit(90, GTC)))
    market.bar(100, 101, 99, 100)
    assert market.events == [(1, "EXPIRED")]
    assert market.bar(80, 81, 79, 80) == [(2, 10, 80)]


def test_good_till_a_date() -> None:
    market = Market()
    market.send(
        (10, limit(90, GTD, expiry=market.ts + 2 * HOUR)), (10, limit(90, GTD, expiry=market.ts + HOUR + 1))
    )
    market.bar(100, 101, 99, 100)
    assert market.events == []
    assert market.bar(91, 92, 89, 90) == [(1, 10, 90)]
    assert market.events == [(2, "EXPIRED")]


def test_at_once_takes_what_there_is_and_ends() -> None:
    market = Market(max_participation=0.1)
    market.send((200, Terms(tif=IOC)), (50, limit(99, IOC)), (200, Terms(tif=FOK)), (40, Terms(tif=FOK)))
    assert market.bar(100, 101, 98, 100, volume=1400.0) == [(1, 140, 100)]
    assert market.events == [(1, "EXPIRED"), (2, "EXPIRED"), (3, "EXPIRED"), (4, "EXPIRED")]
    market.send((200, Terms(tif=FOK)), (40, Terms(tif=FOK)))
    assert market.bar(100, 101, 98, 100, volume=1400.0) == [(6, 40, 100)]
    assert market.events == [(5, "EXPIRED")]


def test_at_the_opening_and_at_the_close() -> None:
    market = Market()
    market.send((10, Terms(tif=OPG)), (10, limit(94, OPG)), (10, Terms(tif=CLS)), (-10, limit(99, CLS)))
    market.bar(100, 101, 90, 100)
    market.bar(100, 101, 90, 100)
    assert market.events == []
    assert market.bar(100, 101, 90, 98) == [(3, 10, 98)]
    assert market.events == [(4, "EXPIRED")]
    assert market.bar(95, 101, 90, 100) == [(1, 10, 95)]
    assert market.events == [(2, "EXPIRED")]


def test_terms_that_this_market_cannot_keep_are_rejected_with_a_sentence() -> None:
    market = Market(calendar=False)
    assert market.send((10, Terms(tif=CLS))) == ["REJECTED"]
    assert "calendar" in market.text
    assert market.send((10, Terms(PEGGED, GTC, peg=Peg.MID))) == ["REJECTED"]
    assert "quotes" in market.text
    market.close(100)
    assert market.send((10, Terms(tif=OPG)), (5, limit(90))) == ["REJECTED", "ACKNOWLEDGED"]
    assert "opening prices" in market.text
    assert market.send((10, Terms(tif=CLS)), (-10, stop(90, parent=-1))) == ["REJECTED", "REJECTED"]


# ---- trailing, iceberg, pegged ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit", "distance"),
    [(TrailUnit.PRICE, 5 * POINT), (TrailUnit.ATR, 5 * POINT), (TrailUnit.PERCENT, 50_000)],
)
def test_a_trailing_stop_follows_the_best_price_and_never_goes_back(unit: TrailUnit, distance: int) -> None:
    market = Market()
    market.send((-10, Terms(TRAILING, GTC, trail=distance, trail_unit=unit)))
    market.bar(100, 110, 99, 109)  # from 95 to 105, or 104.5 where it is a share
    assert market.bar(108, 109, 106, 107) == []
    [(_, quantity, price)] = market.bar(106, 106, 100, 101)
    assert (quantity, price) == (-10, 104.5 if unit == TrailUnit.PERCENT else 105)
    assert market.events == [(1, "TRIGGERED")]


def test_a_trailing_stop_moved_by_its_own_bar_is_met_at_the_close() -> None:
    market = Market()
    market.send((-10, Terms(TRAILING, GTC, trail=5 * POINT, trail_unit=TrailUnit.PRICE)))
    assert market.bar(100, 120, 99, 110) == [(1, -10, 110)]


def test_a_trailing_stop_may_begin_at_a_price_of_its_own_and_buys_too() -> None:
    market = Market()
    market.send((10, Terms(TRAILING, GTC, stop=points(104), trail=10 * POINT, trail_unit=TrailUnit.PRICE)))
    assert market.bar(100, 101, 98, 99) == []
    assert market.bar(100, 104, 99, 104) == [(1, 10, 104)]


def test_an_iceberg_shows_one_slice_a_bar() -> None:
    market = Market()
    market.send((100, limit(98, display=40)))
    got = [market.bar(99, 99, 97, 99) for _ in range(3)]
    assert got == [[(1, 40, 98)], [(1, 40, 98)], [(1, 20, 98)]]


def test_a_pegged_order_follows_the_quotes() -> None:
    market = Market()
    market.bar(100, 100, 100, 100, quotes=(99.5, 100.5))
    sent = market.send(
        (10, Terms(PEGGED, GTC, peg=Peg.PRIMARY, peg_offset=points(0.5))),
        (20, Terms(PEGGED, GTC, peg=Peg.MID)),
        (-30, Terms(PEGGED, GTC, peg=Peg.MARKET)),
        (40, Terms(PEGGED, GTC, peg=Peg.PRIMARY, limit=points(90))),
    )
    assert sent == ["ACKNOWLEDGED"] * 4
    # a bid at 99, one at 100, a sale at the bid 99.5 that the open meets, and a bid capped at 90
    assert market.bar(100.2, 100.4, 99.9, 100, quotes=(100.5, 101.5)) == [(3, -30, 99.699), (2, 20, 100)]
    assert market.bar(101, 101, 99.9, 100, quotes=(100.5, 101.5)) == [(1, 10, 100)]
    market.bar(100, 100, 100, 100)
    assert market.bar(80, 81, 79, 80) == []  # quotes are gone: it stands nowhere


# ---- links ---------------------------------------------------------------------------------------------------------------


def bracket(loss: float, profit: float) -> tuple[Terms, Terms]:
    return stop(loss, parent=-1, oco=-1), limit(profit, parent=-1, oco=-1)


def test_a_bracket_waits_for_its_entry_then_one_exit_cancels_the_other() -> None:
    market = Market()
    loss, profit = bracket(90, 110)
    market.send((10, limit(98)), (-10, loss), (-10, profit))
    assert market.bar(100, 120, 99, 100) == []  # nothing is held: the exits sleep
    assert market.bar(99, 100, 97, 99) == [(1, 10, 98)]
    assert market.bar(100, 111, 99, 110) == [(3, -10, 110)]
    assert market.events == [(2, "CANCELED")]
    assert market.venue.positions()[0] == 0


def test_stop_and_target_within_one_bar_is_the_stop() -> None:
    market = Market()
    loss, profit = bracket(95, 105)
    market.send((10, Terms()), (-10, loss), (-10, profit))
    assert market.bar(100, 110, 90, 100) == [(1, 10, 100), (2, -10, 95)]
    assert market.events == [(2, "TRIGGERED"), (3, "CANCELED")]


def test_an_entry_within_a_bar_is_stopped_by_its_range_and_takes_profit_only_at_its_close() -> None:
    market = Market()
    market.send((10, limit(98)), (-10, limit(102, parent=-1)))
    assert market.bar(100, 110, 97, 101) == [(1, 10, 98)]  # the high may have come first
    market = Market()
    market.send((10, limit(98)), (-10, limit(102, parent=-1)))
    assert market.bar(100, 110, 97, 103) == [(1, 10, 98), (2, -10, 102)]
    market = Market()
    market.send((10, stop(102)), (-10, stop(97, parent=-1)))
    assert market.bar(100, 103, 96, 103) == [(1, 10, 102), (2, -10, 97)]


def test_exits_follow_a_partly_filled_entry() -> None:
    market = Market(max_participation=0.1)
    loss, profit = bracket(90, 110)
    market.send((100, limit(98)), (-100, loss), (-100, profit))
    assert market.bar(99, 99, 97, 98, volume=400.0) == [(1, 40, 98)]
    assert market.bar(109, 111, 105, 106, volume=250.0) == [(3, -25, 110)]
    assert market.bar(100, 100, 97, 98, volume=500.0) == [(1, 50, 98)]
    assert market.venue.positions()[0] == 65
    assert market.bar(80, 82, 79, 80) == [(1, 10, 80), (2, -75, 80)]
    assert market.events == [(2, "TRIGGERED"), (3, "CANCELED")]
    assert market.venue.positions()[0] == 0


def test_a_cancelled_entry_takes_its_exits_with_it() -> None:
    market = Market()
    loss, profit = bracket(90, 110)
    market.send((10, limit(98)), (-10, loss), (-10, profit))
    answer = market.venue.cancel(5, ints(1)).updates
    assert answer.number.tolist() == [1, 2, 3]
    assert answer.event.tolist() == [OrderEvent.CANCELED] * 3
    assert market.plain
    assert market.venue.cancel(6, ints(2)).updates.event.tolist() == [OrderEvent.CANCEL_REJECTED]


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 1, 3, 2)])
def test_each_is_answered_once_when_an_entry_and_its_exits_are_cancelled_together(
    order: tuple[int, ...],
) -> None:
    market = Market()
    loss, profit = bracket(90, 110)
    market.send((10, limit(98)), (-10, loss), (-10, profit))
    answer = market.venue.cancel(5, ints(*order)).updates
    assert answer.number.tolist() == list(order)
    names = [OrderEvent(event).name for event in answer.event.tolist()]
    assert names == ["CANCELED"] * 3 + ["CANCEL_REJECTED"] * (len(order) - 3)


def test_one_of_two_entries_cancels_the_other() -> None:
    market = Market()
    market.send((10, limit(95, oco=-1)), (10, stop(105, oco=-1)))
    assert market.bar(100, 106, 99, 105) == [(2, 10, 105)]
    assert market.events == [(2, "TRIGGERED"), (1, "CANCELED")]


# ---- replacements ----------------------------------------------------------------------------------------------------------


def change(market: Market, number: int, quantity: int, terms: Terms) -> str:
    rows = batch(number, [(0, quantity)], ts=market.ts)
    rows = type(rows)(*(getattr(rows, f) for f in rows.__struct_fields__[:-1]), OrderTerms.of([terms]))
    return OrderEvent(int(market.venue.replace(_approve(rows, rows.number)).updates.event[0])).name


def test_a_replacement_keeps_what_is_filled() -> None:
    market = Market(max_participation=0.1)
    market.send((100, limit(98)))
    assert market.bar(99, 99, 97, 98, volume=300.0) == [(1, 30, 98)]
    assert change(market, 1, 50, limit(96, revision=1)) == "REPLACED"
    assert market.bar(97, 97, 95, 96) == [(1, 20, 96)]
    assert market.plain
    assert change(market, 1, 60, limit(96, revision=2)) == "REPLACE_REJECTED"


@pytest.mark.parametrize("total", [30, 20, -50])
def test_a_replacement_that_comes_too_late_is_rejected(total: int) -> None:
    market = Market(max_participation=0.1)
    market.send((100, limit(98)))
    market.bar(99, 99, 97, 98, volume=300.0)
    assert change(market, 1, total, limit(98, revision=1)) == "REPLACE_REJECTED"
    assert change(market, 9, 5, limit(98, revision=1)) == "REPLACE_REJECTED"


def test_a_moved_stop_counts_from_its_new_price() -> None:
    market = Market()
    market.send((-10, stop(90)))
    assert change(market, 1, -10, stop(96, revision=1)) == "REPLACED"
    assert market.bar(100, 101, 95, 99) == [(1, -10, 96)]


# ---- everything else -----------------------------------------------------------------------------------------------------


def test_market_orders_take_the_bars_volume_first() -> None:
    market = Market(max_participation=0.1)
    market.send((80, limit(101)))
    plain = batch(market.number, [(0, 70)], ts=market.ts)
    market.venue.submit(_approve(plain, plain.number))
    assert market.bar(100, 100, 99, 100, volume=1000.0) == [(2, 70, 100), (1, 30, 100)]
    assert market.fills is not None
    assert market.fills.execution.tolist() == [1, 2]


def test_a_bad_bar_fills_nothing_and_latency_is_kept() -> None:
    market = Market(latency_bars=2)
    market.send((10, limit(101)))
    assert market.bar(100, 100, 99, 100) == []
    assert market.bar(100, 100, 99, 100, quality=4) == []
    assert market.bar(100, 100, 99, 100) == [(1, 10, 100)]


def test_it_goes_on_from_its_state_bit_for_bit() -> None:
    rng = np.random.default_rng(5)
    left = Market(max_participation=0.1)
    loss, profit = bracket(97, 103)
    left.send((500, limit(99.5)), (-500, loss), (-500, profit))
    left.send(
        (-300, Terms(TRAILING, GTC, trail=2 * POINT, trail_unit=TrailUnit.PRICE)),
        (700, limit(99, display=50)),
    )
    right = Market(max_participation=0.1)
    price = 100.0
    for step in range(60):
        if step % 7 == 0:
            right.venue.restore(decode_state(encode_state(left.venue.state())))
            right.ts = left.ts
        opened, close = price, price + float(rng.normal(0, 1.0))
        high, low = (
            max(opened, close) + abs(float(rng.normal())),
            min(opened, close) - abs(float(rng.normal())),
        )
        prices = [round(value, 2) for value in (opened, high, low, close)]
        assert left.bar(*prices, volume=900.0) == right.bar(*prices, volume=900.0)
        assert left.events == right.events
        price = close
