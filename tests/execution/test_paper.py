"""The paper venue: the broker's contract, fills never early, never twice, never free."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.execution.build import BAD, POINT, approved, batch, closes, ints, ranged
from tests.execution.conformance import BrokerConformance
from tuiconsole.domain.codec import decode_state, encode_state
from tuiconsole.domain.costs import CostPart
from tuiconsole.domain.instruments import Instrument, Universe
from tuiconsole.domain.market import Quality
from tuiconsole.domain.money import MONEY_SCALE
from tuiconsole.domain.orders import OrderEvent, Purpose
from tuiconsole.execution.paper import PaperVenue
from tuiconsole.execution.settings import ExecutionSettings

UNIVERSE = Universe.of(["A", "B", "C"])
FREE = ExecutionSettings(
    fixed_usd=0.0,
    proportional_bps=0.0,
    half_spread_bps=0.0,
    temporary_impact=0.0,
    permanent_impact=0.0,
    capacity_penalty=0.0,
)
CENT = MONEY_SCALE // 100
ACK, REJECTED = OrderEvent.ACKNOWLEDGED, OrderEvent.REJECTED
NAN = float("nan")


def venue(chosen=FREE, universe=UNIVERSE, prices=(100.0, 50.0, 20.0)):
    made = PaperVenue(universe, chosen)
    made.on_bars(closes(1, prices))
    return made


def continued(made, chosen=FREE):
    again = PaperVenue(UNIVERSE, chosen)
    again.restore(decode_state(encode_state(made.state())))
    return again


class TestPaperVenue(BrokerConformance):
    """The contract, on close-only bars."""

    def make(self):
        self.ts = 1
        return venue(ExecutionSettings())

    def trade(self, broker):
        self.ts += 1
        return broker.on_bars(closes(self.ts, (100.0, 50.0, 20.0)))


class TestPaperVenueInParts(TestPaperVenue):
    """The contract, with every order filled over several bars."""

    def make(self):
        self.ts = 1
        return venue(ExecutionSettings(displayed_volume=20.0, max_participation=0.1))


class TestPaperVenueRestored(TestPaperVenue):
    """The contract, by a venue that is stopped and continued before every bar."""

    def trade(self, broker):
        broker.restore(decode_state(encode_state(broker.state())))
        return super().trade(broker)


def test_an_order_fills_at_the_next_bar_at_its_close_when_there_is_no_open():
    made = venue()
    made.submit(approved(batch(1, [(0, 10), (2, -5)])))
    fills = made.on_bars(closes(2, (101.0, 50.0, 19.5)))
    assert fills.ts == 2
    assert fills.number.tolist() == [1, 2]
    assert fills.symbol.tolist() == [0, 2]
    assert fills.price.tolist() == [101 * POINT, 19_500_000]
    assert fills.execution.tolist() == [1, 2]
    assert not fills.forced
    assert made.on_bars(closes(3, (101.0, 50.0, 19.5))) is None


def test_an_order_fills_at_the_open_when_there_is_one():
    made = venue()
    made.submit(approved(batch(1, [(0, 10), (1, 10)])))
    bars = ranged(
        2, (99.0, NAN, 20.0), (102.0, NAN, 21.0), (98.0, NAN, 19.0), (101.0, 51.0, 20.0), (1e6,) * 3
    )
    assert made.on_bars(bars).price.tolist() == [99 * POINT, 51 * POINT]


@pytest.mark.parametrize("quality", [q for q in Quality if q is not Quality.GOOD], ids=lambda q: q.name)
def test_a_symbol_whose_price_is_not_good_waits(quality):
    made = venue()
    made.submit(approved(batch(1, [(0, 10), (1, 10)])))
    fills = made.on_bars(closes(2, (400.0, 50.0, 20.0), (quality, 0, 0)))
    assert fills.symbol.tolist() == [1]
    fills = made.on_bars(closes(3, (102.0, 50.0, 20.0)))
    assert (fills.number.tolist(), fills.price.tolist()) == ([1], [102 * POINT])


def test_nothing_fills_when_no_price_is_good():
    made = venue()
    made.submit(approved(batch(1, [(0, 10)])))
    assert made.on_bars(closes(2, (100.0, 50.0, 20.0), (BAD, 0, 0))) is None


def test_costs_move_the_price_and_are_told():
    chosen = ExecutionSettings(
        displayed_volume=100_000.0, initial_volatility=0.02, temporary_impact=1.0, permanent_impact=0.0
    )
    made = venue(chosen)
    made.submit(approved(batch(1, [(0, 1000), (1, -1000)])))
    fills = made.on_bars(closes(2, (100.0, 50.0, 20.0)))
    assert fills.price.tolist() == [100_220_000, 49_890_000]  # 2 bp spread and 20 bp impact
    assert fills.costs[CostPart.SPREAD].tolist() == [20 * MONEY_SCALE, 10 * MONEY_SCALE]
    assert fills.costs[CostPart.TEMPORARY].tolist() == [200 * MONEY_SCALE, 100 * MONEY_SCALE]
    assert fills.fee.tolist() == [10_52 * CENT, 5_49 * CENT]


def test_an_order_too_large_for_the_bar_fills_in_parts_and_pays_the_fixed_fee_once():
    chosen = ExecutionSettings(proportional_bps=0.0, displayed_volume=1000.0, max_participation=0.1)
    made = venue(chosen)
    made.submit(approved(batch(1, [(0, 250), (1, 40)])))
    parts = [made.on_bars(closes(ts, (100.0, 50.0, 20.0))) for ts in range(2, 6)]
    assert [f.quantity.tolist() if f else None for f in parts] == [[100, 40], [100], [50], None]
    assert [f.fee.tolist() for f in parts[:3]] == [[50 * CENT, 50 * CENT], [0], [0]]


def test_the_bars_own_volume_limits_and_zero_volume_fills_nothing():
    made = venue()
    made.submit(approved(batch(1, [(0, 30), (1, -30), (2, 30)])))
    price = (100.0, 50.0, 20.0)
    fills = made.on_bars(ranged(2, price, price, price, price, (0.0, 100.0, NAN)))
    assert fills.number.tolist() == [2, 3]
    assert fills.quantity.tolist() == [-10, 30]
    fills = made.on_bars(ranged(3, price, price, price, price, (1e6, 1e6, 1e6)))
    assert fills.quantity.tolist() == [30, -20]


def test_parts_are_whole_lots_and_the_odd_rest_fills_last():
    universe = Universe((Instrument("A", lot=10),))
    made = venue(ExecutionSettings(displayed_volume=250.0, max_participation=0.1), universe, (100.0,))
    made.submit(approved(batch(1, [(0, -53)])))
    got = [made.on_bars(closes(ts, (100.0,))) for ts in range(2, 6)]
    assert [f.quantity.tolist() if f else None for f in got] == [[-20], [-20], [-13], None]


def test_orders_in_one_symbol_share_the_bars_volume():
    made = venue(ExecutionSettings(displayed_volume=1000.0, max_participation=0.1))
    made.submit(approved(batch(1, [(0, 70), (0, -60), (0, 10)])))
    got = [made.on_bars(closes(ts, (100.0, 50.0, 20.0))) for ts in (2, 3)]
    assert [dict(zip(f.number.tolist(), f.quantity.tolist(), strict=True)) for f in got] == [
        {1: 70, 2: -30},
        {2: -30, 3: 10},
    ]


def test_impact_uses_what_was_known_before_the_bar():
    chosen = replace(FREE, temporary_impact=1.0, displayed_volume=1e6)
    calm, wild = venue(chosen), venue(chosen)
    for made, price in ((calm, 100.0), (wild, 140.0)):
        made.submit(approved(batch(1, [(0, 100)])))
        fills = made.on_bars(closes(2, (price, 50.0, 20.0)))
        assert fills.price[0] == pytest.approx(price * (1 + 0.02 * 1e-4**0.5) * POINT, abs=1)
    prices = []
    for made, price in ((calm, 100.0), (wild, 140.0)):
        made.submit(approved(batch(2, [(0, 100)])))
        prices.append(made.on_bars(closes(3, (price, 50.0, 20.0))).price[0] / (price * POINT) - 1)
    assert prices[1] > 3 * prices[0]


def test_fills_are_within_the_bars_range_before_costs():
    rng = np.random.default_rng(5)
    made = venue(FREE)
    for ts in range(2, 60):
        made.submit(approved(batch(ts - 1, [(int(rng.integers(3)), 1 if ts % 2 else -1)])))
        close = 50 * np.exp(0.02 * rng.standard_normal(3))
        opened = close * np.exp(0.01 * rng.standard_normal(3))
        high, low = np.maximum(opened, close) * 1.01, np.minimum(opened, close) * 0.99
        fills = made.on_bars(ranged(ts, opened, high, low, close, np.full(3, 1e6)))
        price = fills.price / POINT
        assert (price >= low[fills.symbol]).all()
        assert (price <= high[fills.symbol]).all()


def test_a_flatten_uses_the_last_good_price_also_of_bad_symbols():
    made = venue(replace(FREE, half_spread_bps=10.0))
    made.submit(approved(batch(1, [(0, 10)])))
    made.on_bars(closes(2, (100.0, 50.0, 20.0)))
    made.on_bars(closes(3, (104.0, 50.0, 20.0), (BAD, 0, 0)))
    response = made.submit(approved(batch(2, [(0, -10)], Purpose.FLATTEN, ts=4)), immediate=True)
    assert response.fills.ts == response.updates.ts == 4
    assert response.fills.price.tolist() == [103_896_000]
    assert response.fills.forced
    assert not made.positions().any()


def test_a_flatten_is_whole_whatever_the_volume():
    made = venue(ExecutionSettings(displayed_volume=10.0))
    response = made.submit(approved(batch(1, [(0, -1000)], Purpose.FLATTEN)), immediate=True)
    assert response.fills.quantity.tolist() == [-1000]
    assert made.positions()[0] == -1000


def test_a_flatten_of_a_symbol_never_priced_is_rejected():
    made = PaperVenue(UNIVERSE, FREE)
    made.on_bars(closes(1, (NAN, 50.0, 20.0), (Quality.NEVER_SEEN, 0, 0)))
    flatten = approved(batch(1, [(1, -5), (0, 5)], Purpose.FLATTEN))
    response = made.submit(flatten, immediate=True)
    assert response.updates.event.tolist() == [ACK, REJECTED]
    assert response.updates.text == "no good price was ever seen"
    assert response.fills.number.tolist() == [1]
    none = made.submit(approved(batch(2, [(0, 5)], Purpose.FLATTEN)), immediate=True)
    assert none.fills is None
    assert none.updates.event.tolist() == [REJECTED]


def test_a_flatten_without_immediate_rests_like_any_order():
    made = venue()
    assert made.submit(approved(batch(1, [(0, -5)], Purpose.FLATTEN))).fills is None
    assert made.on_bars(closes(2, (100.0, 50.0, 20.0))).forced is False


def test_an_order_may_wait_for_the_first_price_ever():
    made = PaperVenue(UNIVERSE, FREE)
    made.submit(approved(batch(1, [(0, 5)])))
    missing = (Quality.NEVER_SEEN, 0, 0)
    assert made.on_bars(closes(1, (NAN, 50.0, 20.0), missing)) is None
    assert made.on_bars(closes(2, (7.0, 50.0, 20.0))).price.tolist() == [7 * POINT]


def test_a_fill_that_was_handed_out_never_changes():
    made = venue(ExecutionSettings(displayed_volume=1000.0, max_participation=0.1))
    made.submit(approved(batch(1, [(0, 150), (1, 10)])))
    fills = made.on_bars(closes(2, (100.0, 50.0, 20.0)))
    before = (fills.number.tolist(), fills.quantity.tolist())
    made.on_bars(closes(3, (100.0, 50.0, 20.0)))
    assert (fills.number.tolist(), fills.quantity.tolist()) == before


SMALL = ExecutionSettings(displayed_volume=100.0, max_participation=0.1)


class Market(RuleBasedStateMachine):
    """Random orders, cancels, bars, flattens and restarts: quantities never come from nowhere."""

    def __init__(self):
        super().__init__()
        self.venue = PaperVenue(UNIVERSE, SMALL)
        self.next = 1
        self.ts = 1
        self.open = {}
        self.position = [0, 0, 0]
        self.executions = []

    @rule(
        orders=st.lists(
            st.tuples(st.integers(0, 2), st.integers(-25, 25).filter(bool)), min_size=1, max_size=4
        )
    )
    def submit(self, orders):
        response = self.venue.submit(approved(batch(self.next, orders)))
        assert response.updates.event.tolist() == [ACK] * len(orders)
        for symbol, quantity in orders:
            self.open[self.next] = [symbol, quantity, True]
            self.next += 1

    @precondition(lambda self: self.next > 1)
    @rule(data=st.data())
    def cancel(self, data):
        wanted = data.draw(st.lists(st.integers(1, self.next), max_size=3, unique=True))
        events = self.venue.cancel(self.ts, ints(*wanted)).updates.event.tolist()
        for number, event in zip(wanted, events, strict=True):
            assert (event == OrderEvent.CANCELED) == (self.open.pop(number, None) is not None)

    @rule(
        quality=st.tuples(*[st.sampled_from([0, 0, BAD])] * 3),
        move=st.tuples(*[st.floats(0.9, 1.1)] * 3),
        with_ranges=st.booleans(),
    )
    def bar(self, quality, move, with_ranges):
        self.ts += 1
        price = np.array([100.0, 50.0, 20.0]) * move
        volume = np.array([40.0, 100.0, NAN])
        bars = closes(self.ts, price, quality)
        if with_ranges:
            bars = ranged(self.ts, price, price, price, price, volume, quality)
        fills = self.venue.on_bars(bars)
        taken = [0, 0, 0]
        if fills is not None:
            assert len(fills)
            for i, number in enumerate(fills.number.tolist()):
                symbol = self.book(fills, i, number)
                taken[symbol] += abs(int(fills.quantity[i]))
                assert quality[symbol] == 0
                side = np.sign(fills.quantity[i])
                assert side * (fills.price[i] - price[symbol] * POINT) > -1
        limit = np.where(np.isnan(volume) | (not with_ranges), 100.0, volume) * 0.1
        assert (np.array(taken) <= limit).all()

    def book(self, fills, i, number):
        symbol, left, first = self.open[number]
        quantity = int(fills.quantity[i])
        assert int(fills.symbol[i]) == symbol
        assert 0 < quantity / left <= 1
        assert fills.fee[i] >= (50 * CENT if first else 0)
        self.open[number] = [symbol, left - quantity, False]
        if left == quantity:
            del self.open[number]
        self.position[symbol] += quantity
        self.executions.append(int(fills.execution[i]))
        return symbol

    @precondition(lambda self: self.ts > 1 and any(self.position))
    @rule()
    def flatten(self):
        orders = [(s, -held) for s, held in enumerate(self.position) if held]
        made = approved(batch(self.next, orders, Purpose.FLATTEN))
        response = self.venue.submit(made, immediate=True)
        if response.fills is not None:
            assert response.fills.forced
            for i, number in enumerate(response.fills.number.tolist()):
                symbol, quantity = orders[number - self.next]
                self.open[number] = [symbol, quantity, True]
                self.book(response.fills, i, number)
        self.next += len(orders)
        assert not any(self.position)

    @rule()
    def restart(self):
        self.venue = continued(self.venue, SMALL)

    @invariant()
    def positions_are_the_sum_of_fills(self):
        assert self.venue.positions().tolist() == self.position
        assert self.executions == list(range(1, len(self.executions) + 1))


TestMarket = Market.TestCase
TestMarket.settings = settings(max_examples=60, stateful_step_count=25)


def test_the_state_continues_bit_for_bit():
    rng = np.random.default_rng(3)
    made = venue(SMALL)
    again = continued(made, SMALL)
    for ts in range(2, 80):
        orders = approved(batch(ts - 1, [(int(rng.integers(3)), int(rng.integers(1, 30)))]))
        price = 50 * np.exp(0.02 * rng.standard_normal(3))
        quality = np.where(rng.random(3) < 0.1, BAD, 0)
        bars = (
            closes(ts, price, quality) if ts % 3 else ranged(ts, price, price, price, price, price, quality)
        )
        for one in (made, again):
            one.submit(orders)
            one.on_bars(bars)
        assert encode_state(made.state()) == encode_state(again.state())
        again = continued(again, SMALL)
