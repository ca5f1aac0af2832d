"""The router: sums, exactness against enumeration, and never worse than the best single venue."""

import itertools

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tuiconsole.execution.router import Circumstances, Level, VenueQuote, all_in_price, route


def quote(name, *levels, **more):
    return VenueQuote(name, tuple(Level(*level) for level in levels), **more)


def test_the_cheapest_level_after_fees_comes_first():
    quotes = [quote("near", (10_000, 50), (10_010, 100)), quote("cheap", (10_002, 60), fee_bps=-5.0)]
    found = route(130, quotes)
    assert [(leg.venue, leg.quantity, leg.worst_price) for leg in found.legs] == [
        ("cheap", 60, 10_002),
        ("near", 70, 10_010),
    ]
    assert found.left == 0
    assert found.all_in == pytest.approx(60 * 10_002 * 0.9995 + 50 * 10_000 + 20 * 10_010)


def test_a_venue_that_is_slow_or_unlikely_must_be_cheaper():
    quotes = [
        quote("fast", (10_010, 100)),
        quote("slow", (10_000, 100), latency_ms=20.0, fill_probability=0.5),
    ]
    assert route(100, quotes).legs[0].venue == "slow"
    assert route(100, quotes, Circumstances(drift_bps_per_ms=1.0)).legs[0].venue == "fast"
    assert route(100, quotes, Circumstances(miss_bps=30.0)).legs[0].venue == "fast"


def test_the_slowest_leg_is_sent_first():
    quotes = [quote("fast", (100, 5), latency_ms=1.0), quote("slow", (100, 5), latency_ms=9.0)]
    assert [leg.venue for leg in route(10, quotes).legs] == ["slow", "fast"]


def test_what_is_displayed_nowhere_is_left():
    found = route(-25, [quote("a", (100, 10)), quote("b", (99, 7))])
    assert (sum(leg.quantity for leg in found.legs), found.left) == (-17, -8)
    assert route(5, []) == ((), 5)


def test_legs_are_whole_lots():
    found = route(250, [quote("a", (100, 130)), quote("b", (101, 400))], lot=100)
    assert {leg.venue: leg.quantity for leg in found.legs} == {"a": 100, "b": 150}


@pytest.mark.parametrize(
    ("quotes", "what"),
    [
        ([quote("a", (100, 1)), quote("a", (100, 1))], "same venue"),
        ([quote("a", (101, 1), (100, 1))], "best price first"),
        ([quote("a", (100, 0))], "positive"),
        ([quote("a", (100, 1), fill_probability=0.0)], "fill probability"),
    ],
)
def test_quotes_that_are_none_are_refused(quotes, what):
    with pytest.raises(ValueError, match=what):
        route(5, quotes)


books = st.lists(
    st.tuples(
        st.lists(st.tuples(st.integers(9_900, 10_100), st.integers(1, 40)), min_size=0, max_size=4),
        st.floats(-3.0, 30.0),
        st.floats(0.0, 50.0),
        st.floats(0.1, 1.0),
    ),
    min_size=1,
    max_size=4,
)


def quotes_of(rows, side):
    return [
        VenueQuote(
            f"v{i}", tuple(Level(*x) for x in sorted(levels, key=lambda level: side * level[0])), *more
        )
        for i, (levels, *more) in enumerate(rows)
    ]


@settings(max_examples=250, deadline=None, derandomize=True)
@given(rows=books, quantity=st.integers(-200, 200), drift=st.floats(0.0, 0.5), miss=st.floats(0.0, 50.0))
def test_it_adds_up_and_no_single_venue_is_better(rows, quantity, drift, miss):
    assume(quantity)
    side, market = (1 if quantity > 0 else -1), Circumstances(drift, miss)
    quotes = quotes_of(rows, side)
    found = route(quantity, quotes, market)
    assert sum(leg.quantity for leg in found.legs) + found.left == quantity
    assert all(leg.quantity * side > 0 for leg in found.legs)
    shown = {q.venue: sum(level.quantity for level in q.levels) for q in quotes}
    assert all(abs(leg.quantity) <= shown[leg.venue] for leg in found.legs)
    assert abs(found.left) == max(0, abs(quantity) - sum(shown.values()))
    for one in quotes:
        alone = route(quantity, [one], market)
        if not alone.left:
            assert found.all_in <= alone.all_in + 1e-6
            # and at displayed prices alone, where nothing else is asked for
            plain = route(quantity, [q._replace(fee_bps=0.0) for q in quotes])
            assert plain.all_in <= route(quantity, [one._replace(fee_bps=0.0)]).all_in + 1e-6


@settings(max_examples=60, deadline=None, derandomize=True)
@given(rows=books, quantity=st.integers(1, 6), drift=st.floats(0.0, 0.5))
def test_it_is_as_good_as_trying_every_split(rows, quantity, drift):
    rows = [([(price, size % 3 + 1) for price, size in levels[:2]], *more) for levels, *more in rows[:3]]
    market = Circumstances(drift, 10.0)
    quotes = quotes_of(rows, 1)
    assume(sum(level.quantity for q in quotes for level in q.levels) >= quantity)
    offers = [(all_in_price(level, q, 1, market), level.quantity) for q in quotes for level in q.levels]
    best = min(
        sum(price * size for (price, _), size in zip(offers, sizes, strict=True))
        for sizes in itertools.product(*(range(size + 1) for _, size in offers))
        if sum(sizes) == quantity
    )
    assert route(quantity, quotes, market).all_in == pytest.approx(best)
