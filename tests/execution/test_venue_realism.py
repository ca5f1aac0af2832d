"""What a fill leaves behind in the market, when an order arrives, and what crowded bars cost."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.execution.build import BAD, POINT, approved, batch, closes, ranged
from tuiconsole.domain.codec import decode_state, encode_state
from tuiconsole.domain.context import BarQuotes
from tuiconsole.domain.costs import IN_PRICE, CostPart
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.money import MONEY_SCALE
from tuiconsole.execution.paper import PaperVenue
from tuiconsole.execution.settings import ExecutionSettings

UNIVERSE = Universe.of(["A", "B"])
FREE = ExecutionSettings(
    fixed_usd=0.0,
    proportional_bps=0.0,
    half_spread_bps=0.0,
    temporary_impact=0.0,
    permanent_impact=0.0,
    capacity_penalty=0.0,
)
PRICES = (100.0, 50.0)
MINUTE_MS = 60_000
MINUTE = MINUTE_MS * 1_000_000


def venue(chosen):
    made = PaperVenue(UNIVERSE, chosen)
    made.on_bars(closes(1, PRICES))
    return made


def worse(fills, quoted=100 * POINT):
    """Basis points by which each fill is worse than the quoted price."""
    return (np.sign(fills.quantity) * (fills.price - quoted) / quoted * 1e4).tolist()


def flat_bars(made, ts):
    return made.on_bars(closes(ts, PRICES))


LASTING = replace(FREE, permanent_impact=1.0, displayed_volume=100_000.0, initial_volatility=0.02)


def test_a_fill_moves_the_price_for_later_ones_and_the_move_fades():
    made = venue(LASTING)
    made.submit(approved(batch(1, [(0, 1000)])))  # 1 % of the volume: moves the market by 2 bp
    fills = flat_bars(made, 2)
    assert worse(fills) == [pytest.approx(1.0)], "half of its own move"
    assert fills.costs[CostPart.PERMANENT].tolist() == [10 * MONEY_SCALE]
    made.submit(approved(batch(2, [(0, 1)])))
    first = worse(flat_bars(made, 3))
    made = venue(LASTING)
    made.submit(approved(batch(1, [(0, 1000)])))
    flat_bars(made, 2)
    flat_bars(made, 3)
    made.submit(approved(batch(2, [(0, 1)])))
    second = worse(flat_bars(made, 4))
    small = 0.001  # what the one share itself moves, half
    assert first == [pytest.approx(1.0 + small, rel=0.02)], "half of 2 bp is left after one bar"
    assert second == [pytest.approx(0.5 + small, rel=0.03)], "a quarter after two"


@pytest.mark.parametrize(("decay", "left"), [(0.0, 2.0), (0.25, 1.5), (1.0, 0.0)])
def test_how_fast_it_fades_is_a_setting(decay, left):
    made = venue(replace(LASTING, impact_decay=decay))
    made.submit(approved(batch(1, [(0, 1000)])))
    flat_bars(made, 2)
    made.submit(approved(batch(2, [(0, 1)])))
    assert worse(flat_bars(made, 3)) == [pytest.approx(left, abs=0.03)]


def test_selling_into_ones_own_buying_earns_nothing():
    made = venue(LASTING)
    made.submit(approved(batch(1, [(0, 1000)])))
    flat_bars(made, 2)
    made.submit(approved(batch(2, [(0, -1)])))
    assert worse(flat_bars(made, 3))[0] >= 0.0
    made.submit(approved(batch(3, [(1, 10)])))
    assert worse(flat_bars(made, 4), 50 * POINT) == [pytest.approx(0.0, abs=0.02)], (
        "other symbols do not feel it"
    )


def test_what_faded_is_forgotten():
    made = venue(LASTING)
    made.submit(approved(batch(1, [(0, 1000)])))
    for ts in range(2, 140):
        flat_bars(made, ts)
    assert not made._moving
    assert not made._displaced.any()


def test_a_crowded_bar_costs_more_in_high_volatility():
    chosen = replace(FREE, capacity_penalty=0.05, displayed_volume=100_000.0, memory_bars=5)
    paid = {}
    for name, later in (("calm", 0.002), ("wild", 0.06)):
        made = PaperVenue(UNIVERSE, chosen)
        level = 0.0
        for ts in range(1, 120):
            level += (0.02 if ts < 100 else later) * (1 if ts % 2 else -1)
            made.on_bars(closes(ts, (100.0 * np.exp(level), 50.0)))
        sigma = float(made._liquidity.sigma(np.array([0]))[0])
        made.submit(approved(batch(1, [(0, 4000)])))  # twice the free share
        fills = made.on_bars(closes(120, PRICES))
        paid[name] = worse(fills)[0] / (sigma * 1e4)
        assert (
            fills.costs[CostPart.CAPACITY, 0]
            == fills.costs[IN_PRICE, 0].sum() - fills.costs[CostPart.SPREAD, 0]
        )
    assert paid["calm"] == pytest.approx(0.05 * 0.7, rel=1e-3)
    assert paid["wild"] == pytest.approx(0.05 * 1.5, rel=1e-3)


def test_adverse_selection_is_a_drift_against_every_order():
    made = venue(replace(FREE, adverse_selection=0.1, initial_volatility=0.02))
    made.submit(approved(batch(1, [(0, 10), (1, -10)])))
    fills = flat_bars(made, 2)
    assert fills.price.tolist() == [100_200_000, 49_900_000]  # a tenth of 2 %
    assert fills.costs[CostPart.ADVERSE_SELECTION].tolist() == [2 * MONEY_SCALE, MONEY_SCALE]


def test_the_venues_tick_rounds_against_the_order():
    made = venue(replace(FREE, tick_usd=0.01))
    made.submit(approved(batch(1, [(0, 10), (1, -10)])))
    fills = made.on_bars(closes(2, (100.001, 50.009)))
    assert fills.price.tolist() == [100_010_000, 50_000_000]
    assert fills.costs[CostPart.SPREAD].tolist() == [10 * 9_000 * 100, 10 * 9_000 * 100]


def test_latency_in_bars():
    made = venue(replace(FREE, latency_bars=3))
    made.submit(approved(batch(1, [(0, 10)])))
    flat_bars(made, 2)
    made.submit(approved(batch(2, [(1, 10)])))
    got = [flat_bars(made, ts) for ts in range(3, 7)]
    assert [f.number.tolist() if f else None for f in got] == [None, [1], [2], None]


def minutes(made, ts, opened, close, quality=None):
    high, low = np.maximum(opened, close), np.minimum(opened, close)
    return made.on_bars(ranged(ts, opened, high, low, close, (1e6, 1e6), quality))


def test_latency_in_milliseconds_fills_on_the_way_from_open_to_close():
    made = PaperVenue(UNIVERSE, replace(FREE, latency_ms=MINUTE_MS / 4))
    for k in (1, 2):
        minutes(made, k * MINUTE, PRICES, PRICES)
    made.submit(approved(batch(1, [(0, 10)], ts=2 * MINUTE)))
    fills = minutes(made, 3 * MINUTE, (100.0, 50.0), (104.0, 50.0))
    assert fills.price.tolist() == [101 * POINT]


def test_an_order_that_arrives_after_the_bar_waits():
    made = PaperVenue(UNIVERSE, replace(FREE, latency_ms=MINUTE_MS * 1.5))
    for k in (1, 2):
        minutes(made, k * MINUTE, PRICES, PRICES)
    made.submit(approved(batch(1, [(0, 10)], ts=2 * MINUTE)))
    assert minutes(made, 3 * MINUTE, PRICES, PRICES) is None
    fills = minutes(made, 4 * MINUTE, (100.0, 50.0), (102.0, 50.0))
    assert fills.price.tolist() == [101 * POINT]


def test_over_night_an_order_arrives_before_the_open():
    made = PaperVenue(UNIVERSE, replace(FREE, latency_ms=50.0))
    for k in (1, 2):
        minutes(made, k * MINUTE, PRICES, PRICES)
    made.submit(approved(batch(1, [(0, 10)], ts=2 * MINUTE)))
    fills = minutes(made, 1000 * MINUTE, (103.0, 50.0), (104.0, 50.0))
    assert fills.price.tolist() == [103 * POINT]


@given(
    steps=st.lists(
        st.tuples(
            st.lists(
                st.tuples(st.integers(0, 1), st.integers(-9000, 9000).filter(bool)), min_size=1, max_size=3
            ),
            st.floats(0.95, 1.05),
            st.booleans(),
        ),
        min_size=1,
        max_size=12,
    ),
    latency_ms=st.sampled_from([0.0, 20_000.0]),
)
@settings(max_examples=60, derandomize=True, deadline=None)
def test_every_breakdown_adds_up_to_the_fill(steps, latency_ms):
    chosen = ExecutionSettings(
        displayed_volume=50_000.0, latency_ms=latency_ms, adverse_selection=0.02, borrow_annual_bps=300.0
    )
    made, number, sent = PaperVenue(UNIVERSE, chosen), 1, {}
    minutes(made, MINUTE, PRICES, PRICES)
    for k, (orders, move, bad) in enumerate(steps, start=2):
        made.submit(approved(batch(number, orders, ts=(k - 1) * MINUTE)))
        sent.update(dict.fromkeys(range(number, number + len(orders)), k))
        number += len(orders)
        opened, close = np.array(PRICES) * move, np.array(PRICES)
        fills = minutes(made, k * MINUTE, opened, close, (BAD if bad else 0, 0))
        if fills is None:
            continue
        assert (fills.costs >= 0).all()
        assert fills.fee.tolist() == fills.costs[: CostPart.SPREAD].sum(axis=0).tolist()
        late = np.array([sent[n] == k for n in fills.number.tolist()]) * latency_ms / MINUTE_MS
        at = fills.symbol
        reference = np.rint((opened[at] + (close[at] - opened[at]) * late) * POINT).astype(np.int64)
        slipped = np.abs(fills.price - reference) * np.abs(fills.quantity) * 100
        told = fills.costs[IN_PRICE].sum(axis=0)
        assert (np.abs(told - slipped) <= np.abs(fills.quantity) * 100 * (late > 0)).all()


def quoted(made, ts, bid, ask, size, depth, bid_depth=None):
    """A bar at the usual prices that ends with a book; ``size`` on both sides, ``depth`` too unless told otherwise."""
    price = np.array(PRICES)
    bid_depth = depth if bid_depth is None else bid_depth
    columns = (bid, ask, size, size, bid_depth, depth, (np.nan,) * 2, (np.nan,) * 2)
    quotes = BarQuotes(*(np.array(column, dtype=np.float64) for column in columns))
    bars = ranged(ts, price, price, price, price, (1e6, 1e6))
    return made.on_bars(structs.replace(bars, bars=structs.replace(bars.bars, quotes=quotes)))


NAN = float("nan")


def test_a_fill_meets_the_book_of_the_bar_before():
    made = venue(replace(FREE, half_spread_bps=2.0, temporary_impact=1.0, initial_volatility=0.02))
    quoted(made, 2, (99.9, NAN), (100.1, NAN), (300.0, NAN), (500.0, NAN))
    made.submit(approved(batch(1, [(0, 300), (1, -300)])))
    fills = quoted(made, 3, (99.0, 49.0), (101.0, 51.0), (1.0, 1.0), (1.0, 1.0))
    assert fills.number.tolist() == [1, 2]
    assert fills.costs[CostPart.SPREAD, 0] == 300 * MONEY_SCALE // 10, "half of 20 bp, not 2 bp"
    assert fills.costs[CostPart.TEMPORARY, 0] == 0, "within the touch"
    assert fills.costs[CostPart.TEMPORARY, 1] > 0, "no quotes: the whole order has impact"
    assert fills.costs[CostPart.SPREAD, 1] == pytest.approx(300 * 50 * 2e-4 * MONEY_SCALE, rel=1e-3)


def test_what_is_not_displayed_waits():
    made = venue(FREE)
    quoted(made, 2, (99.9, 49.9), (100.1, 50.1), (300.0, 200.0), (500.0, NAN))
    made.submit(approved(batch(1, [(0, 800), (1, -900)])))
    first = quoted(made, 3, (99.9, 49.9), (100.1, 50.1), (300.0, NAN), (500.0, NAN))
    second = quoted(made, 4, (99.9, 49.9), (100.1, 50.1), (300.0, NAN), (500.0, NAN))
    assert first.quantity.tolist() == [500, -200], "the visible levels, or the touch where they are not told"
    assert second.quantity.tolist() == [300, -700], "no size told: as much as the volume allows"


def test_the_part_beyond_the_touch_walks_the_book():
    chosen = replace(FREE, temporary_impact=1.0, initial_volatility=0.02)
    made, plain = venue(chosen), venue(replace(chosen, against_book=False))
    for one in (made, plain):
        quoted(one, 2, (99.9, 49.9), (100.1, 50.1), (300.0, 300.0), (5000.0, 5000.0))
        one.submit(approved(batch(1, [(0, 400)])))
    walked = quoted(made, 3, PRICES, PRICES, PRICES, PRICES).costs[CostPart.TEMPORARY, 0]
    whole = quoted(plain, 3, PRICES, PRICES, PRICES, PRICES).costs[CostPart.TEMPORARY, 0]
    assert walked / whole == pytest.approx(0.5, rel=1e-3), "a quarter of the order: half by the square root"


def test_the_book_outlives_a_restart_and_vanishes_with_the_quotes():
    made = venue(FREE)
    quoted(made, 2, (99.9, 49.9), (100.1, 50.1), (300.0, 300.0), (500.0, 500.0))
    again = PaperVenue(UNIVERSE, FREE)
    again.restore(decode_state(encode_state(made.state())))
    for one in (made, again):
        one.submit(approved(batch(1, [(0, 800)])))
        assert minutes(one, 3, PRICES, PRICES).quantity.tolist() == [500]
        assert minutes(one, 4, PRICES, PRICES).quantity.tolist() == [300]


def test_buys_take_from_the_offer_and_sales_from_the_bid():
    made = venue(FREE)
    quoted(made, 2, (99.9, 49.9), (100.1, 50.1), (1.0, 1.0), (500.0, 600.0), (30.0, 40.0))
    made.submit(approved(batch(1, [(0, 900), (1, -900)])))
    assert minutes(made, 3, PRICES, PRICES).quantity.tolist() == [500, -40]
