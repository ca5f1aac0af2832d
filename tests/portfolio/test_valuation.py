"""Money of arrays equals money of integers, whatever the units and sizes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiconsole.domain.errors import MoneyOverflow
from tuiconsole.domain.instruments import Instrument, Universe
from tuiconsole.domain.money import INT64_MAX, notional
from tuiconsole.portfolio.valuation import Valuation, half_even, split

big = st.one_of(st.integers(-1000, 1000), st.integers(-INT64_MAX - 1, INT64_MAX))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12), big, big), min_size=1, max_size=4),
    st.sampled_from([1, 7]),
)
def test_money_is_the_exact_notional_or_an_overflow(
    rows: list[tuple[int, int, int, int]], multiplier: int
) -> None:
    items = [
        Instrument(f"S{i}", price_decimals=p, quantity_decimals=q, multiplier=multiplier)
        for i, (p, q, _, _) in enumerate(rows)
    ]
    valuation = Valuation(Universe(tuple(items)))
    price = np.array([row[2] for row in rows], dtype=np.int64)
    quantity = np.array([row[3] for row in rows], dtype=np.int64)
    expected = [
        notional(p, q * multiplier, item.money_exponent)
        for item, (_, _, p, q) in zip(items, rows, strict=True)
    ]
    if all(abs(value) <= INT64_MAX for value in expected):
        assert valuation.money(price, quantity).tolist() == expected
        assert valuation.money(price, quantity, np.arange(len(rows))).tolist() == expected
    else:
        with pytest.raises(MoneyOverflow):
            valuation.money(price, quantity)


def test_half_even_at_the_ties() -> None:
    numerator = np.array([5, 7, -5, -7, 6, 15, 25, INT64_MAX])
    assert half_even(numerator, np.array([2, 2, 2, 2, 2, 10, 10, 1])).tolist() == [
        2,
        4,
        -2,
        -4,
        3,
        2,
        2,
        INT64_MAX,
    ]


@given(st.integers(-(10**20), 10**20), st.integers(1, 10**9), st.data())
def test_both_parts_of_a_split_are_the_whole(total: int, whole: int, data: st.DataObject) -> None:
    part = data.draw(st.integers(0, whole))
    assert abs(split(total, part, whole) * whole - total * part) * 2 <= whole
    assert split(total, whole, whole) == total
    assert split(total, 0, whole) == 0
