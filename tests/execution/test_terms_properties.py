"""Random orders with terms on random bars: none beyond its quantity, its limit or its bar; exits close what was opened."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.execution.test_paper_terms import Market, points
from tuiconsole.domain.order_terms import OrderType, Terms, TimeInForce, TrailUnit
from tuiconsole.execution.reconciliation import reconcile

T, F = OrderType, TimeInForce
cents = st.integers(9_000, 11_000).map(lambda value: value / 100)
waiting = st.sampled_from((F.DAY, F.GTC))


@st.composite
def single(draw: st.DrawFn) -> tuple[int, Terms]:
    quantity = draw(st.integers(1, 300)) * draw(st.sampled_from((1, -1)))
    kind = draw(st.sampled_from((T.MARKET, T.LIMIT, T.STOP, T.STOP_LIMIT, T.TRAILING_STOP)))
    at_once = draw(st.sampled_from((F.DAY, F.IOC, F.FOK, F.OPG, F.CLS)))
    if kind == T.MARKET:
        return quantity, Terms(tif=at_once)
    if kind == T.LIMIT:
        tif = draw(st.sampled_from((F.DAY, F.GTC, F.IOC, F.FOK, F.OPG, F.CLS)))
        shown = draw(st.sampled_from((0, 1))) * (abs(quantity) // 2) * (tif in (F.DAY, F.GTC))
        return quantity, Terms(T.LIMIT, tif, limit=points(draw(cents)), display=shown)
    if kind == T.TRAILING_STOP:
        return quantity, Terms(
            kind, draw(waiting), trail=points(draw(st.integers(1, 5))), trail_unit=TrailUnit.PRICE
        )
    stop = points(draw(cents))
    return quantity, Terms(
        kind, draw(waiting), stop=stop, limit=points(draw(cents)) if kind == T.STOP_LIMIT else 0
    )


@st.composite
def bracketed(draw: st.DrawFn) -> list[tuple[int, Terms]]:
    size, side = draw(st.integers(1, 300)), draw(st.sampled_from((1, -1)))
    entry = draw(st.sampled_from((Terms(), Terms(T.LIMIT, F.GTC, limit=points(100 - side)))))
    loss = Terms(T.STOP, F.GTC, stop=points(100 - 3 * side), parent=-1, oco=-1)
    profit = Terms(T.LIMIT, F.GTC, limit=points(100 + 3 * side), parent=-1, oco=-1)
    return [(side * size, entry), (-side * size, loss), (-side * size, profit)]


batches = st.lists(st.one_of(single().map(lambda one: [one]), bracketed()), max_size=3)


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.lists(batches, min_size=8, max_size=14), st.booleans())
def test_orders_keep_their_terms(
    seed: int, script: list[list[list[tuple[int, Terms]]]], touching: bool
) -> None:
    rng = np.random.default_rng(seed)
    market = Market(max_participation=0.1, limit_needs="touch" if touching else "through")
    quantity: dict[int, int] = {}
    terms: dict[int, Terms] = {}
    group: dict[int, int] = {}
    filled: dict[int, int] = {}
    ended: set[int] = set()
    price = 100.0
    for batch in script:
        for orders in batch:
            first = market.number
            for place, (answer, (size, one)) in enumerate(zip(market.send(*orders), orders, strict=True)):
                assert answer == "ACKNOWLEDGED"
                quantity[first + place], terms[first + place] = size, one
                group[first + place] = first if one.oco else 0
        path = price + np.cumsum(rng.normal(0.0, 1.2, 4))
        opened, close = round(float(path[0]), 2), round(float(path[-1]), 2)
        high, low = round(float(path.max()), 2), round(float(path.min()), 2)
        volume = float(rng.integers(100, 3_000))
        taken = 0
        for number, size, paid in market.bar(opened, high, low, close, volume=volume):
            assert number not in ended
            assert size * quantity[number] > 0
            assert low <= paid <= high
            side = 1 if size > 0 else -1
            limit = terms[number].limit
            assert not limit or side * (points(paid) - limit) <= 0
            filled[number] = filled.get(number, 0) + size
            taken += abs(size)
        assert taken <= 0.1 * volume
        ended |= {number for number, event in market.events if event != "TRIGGERED"}
        price = close
    assert all(abs(done) <= abs(quantity[number]) for number, done in filled.items())
    for leader in set(group.values()) - {0}:
        exits = sum(abs(filled.get(number, 0)) for number, of in group.items() if of == leader)
        assert exits <= abs(filled.get(leader, 0)), "exits never close more than their entry opened"
    assert market.venue.positions()[0] == sum(filled.values())
    account = market.venue.account()
    assert len(reconcile(account, account)) == 0
    for order in account.orders:
        assert (order.quantity, order.filled) == (quantity[order.number], filled.get(order.number, 0))
        assert order.number not in ended


def test_a_later_slice_of_an_iceberg_trades_within_its_bar() -> None:
    market = Market(max_participation=0.1)
    market.bar(108.0, 109.0, 107.5, 108.5, volume=3_000.0)
    assert market.send((-900, Terms(T.LIMIT, F.GTC, limit=points(90.0), display=119))) == ["ACKNOWLEDGED"]
    paid = []
    for _ in range(4):
        paid += [price for _, _, price in market.bar(109.0, 110.0, 108.6, 109.5, volume=3_000.0)]
    assert len(paid) >= 2
    assert min(paid) >= 108.6
