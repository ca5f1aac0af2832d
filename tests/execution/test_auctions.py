"""The price of a call auction against trying every price, and each step of the rule by an example."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiconsole.execution.auctions import NOTHING, Interest, uncross

SIDE = st.lists(st.builds(Interest, st.integers(0, 12), st.integers(1, 20)), max_size=8)


def _executable(bids, asks, price):
    bought = sum(one.quantity for one in bids if not one.limit or one.limit >= price)
    sold = sum(one.quantity for one in asks if not one.limit or one.limit <= price)
    return min(bought, sold), bought - sold


@given(SIDE, SIDE, st.integers(1, 12))
def test_no_price_trades_more_and_none_as_much_with_less_surplus(bids, asks, reference) -> None:
    found = uncross(bids, asks, reference)
    tried = [_executable(bids, asks, price) for price in range(1, 13)]
    assert found.volume == max(volume for volume, _ in tried)
    if found.volume:
        assert (found.volume, found.surplus) == _executable(bids, asks, found.price)
        limits = {one.limit for one in (*bids, *asks) if one.limit} or {reference}
        assert abs(found.surplus) == min(
            abs(surplus)
            for volume, surplus in (_executable(bids, asks, price) for price in limits)
            if volume == found.volume
        )


@pytest.mark.parametrize(
    ("bids", "asks", "reference", "expected"),
    [
        ([], [(5, 1)], 5, (0, 0, 0)),
        ([(4, 9)], [(5, 9)], 5, (0, 0, 0)),
        ([(0, 7)], [(0, 5)], 33, (33, 5, 2)),  # market orders alone: the reference
        ([(10, 10)], [(8, 10)], 9, (10, 10, 0)),  # equal distance: the higher
        ([(10, 10)], [(8, 10)], 8, (8, 10, 0)),  # the nearer to the reference
        ([(10, 20)], [(8, 10)], 8, (10, 10, 10)),  # surplus of buyers: the highest
        ([(10, 10)], [(8, 20)], 10, (8, 10, -10)),  # surplus of sellers: the lowest
        ([(10, 10), (9, 10)], [(8, 15), (10, 10)], 9, (9, 15, 5)),  # most volume comes first
    ],
)
def test_each_step_of_the_rule(bids, asks, reference, expected) -> None:
    found = uncross([Interest(*one) for one in bids], [Interest(*one) for one in asks], reference)
    assert tuple(found) == expected
    if not expected[1]:
        assert found == NOTHING
