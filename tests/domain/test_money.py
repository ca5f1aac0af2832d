"""Exact money: conversions, half-even rounding, and products that never wrap around."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiconsole.domain.errors import MoneyOverflow
from tuiconsole.domain.money import (
    INT64_MAX,
    MONEY_SCALE,
    checked_product,
    divide_half_even,
    floats_to_scaled,
    from_scaled,
    notional,
    round_to_currency,
    rows_to_scaled,
    to_float,
    to_scaled,
)

INT64_MIN = -INT64_MAX - 1
int64 = st.one_of(
    st.integers(-10, 10), st.integers(INT64_MIN, INT64_MAX), st.sampled_from([INT64_MIN, INT64_MAX])
)


@given(int64, st.integers(0, 12))
def test_scaled_integers_survive_decimal(value: int, decimals: int) -> None:
    assert to_scaled(from_scaled(value, decimals), decimals) == value


@pytest.mark.parametrize(
    ("text", "units"), [("1.005", 100), ("1.015", 102), ("-1.005", -100), ("0", 0), ("7", 700)]
)
def test_to_scaled_rounds_half_even(text: str, units: int) -> None:
    assert to_scaled(text, 2) == units


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_what_is_not_finite_is_refused(text: str) -> None:
    with pytest.raises(MoneyOverflow, match="not a finite number"):
        to_scaled(text, 2)


@given(st.integers(-(10**40), 10**40), st.integers(1, 10**20))
def test_divide_half_even_is_the_nearest_even(numerator: int, denominator: int) -> None:
    assert divide_half_even(numerator, denominator) == round(Fraction(numerator, denominator))


@given(st.lists(st.tuples(int64, int64), min_size=1, max_size=5))
def test_checked_product_is_exact_or_refuses(pairs: list[tuple[int, int]]) -> None:
    left = np.array([a for a, _ in pairs], dtype=np.int64)
    right = np.array([b for _, b in pairs], dtype=np.int64)
    exact = [a * b for a, b in pairs]
    if all(abs(value) <= INT64_MAX for value in exact):
        assert checked_product(left, right).tolist() == exact
    else:
        with pytest.raises(MoneyOverflow):
            checked_product(left, right)


def test_checked_product_sees_the_smallest_int64() -> None:
    with pytest.raises(MoneyOverflow):
        checked_product(np.array([INT64_MIN]), np.array([2]))
    with pytest.raises(MoneyOverflow):
        checked_product(np.array([INT64_MIN, 1]), np.array([-1, 1]))


def test_checked_product_broadcasts_and_takes_nothing() -> None:
    assert checked_product(np.array([2, 3]), np.array(4)).tolist() == [8, 12]
    wide = checked_product(np.array([[1], [2**40]]), np.array([2**22, 3]))
    assert wide.tolist() == [[2**22, 3], [2**62, 3 * 2**40]]
    assert checked_product(np.zeros(0, np.int64), np.zeros(0, np.int64)).shape == (0,)


@given(st.integers(1, 10**12), st.integers(-(10**9), 10**9), st.integers(-12, 8))
def test_notional_rounds_the_exact_value_once(price: int, quantity: int, exponent: int) -> None:
    assert notional(price, quantity, exponent) == round(Fraction(price * quantity) * Fraction(10) ** exponent)


@given(st.integers(-(10**17), 10**17), st.integers(0, 8))
def test_round_to_currency_is_a_whole_unit_half_even(money: int, decimals: int) -> None:
    quantum = Decimal(1).scaleb(-decimals)
    expected = from_scaled(money, 8).quantize(quantum, rounding=ROUND_HALF_EVEN)
    assert from_scaled(round_to_currency(money, decimals), 8) == expected


def test_floats_to_scaled() -> None:
    scale = np.full(4, 10**6, dtype=np.int64)
    assert floats_to_scaled(np.array([1.5, np.nan, -0.0, 12.3456785]), scale).tolist() == [
        1500000,
        0,
        0,
        12345678,
    ]
    for value in (1e10, -1e10, np.inf, -np.inf):
        with pytest.raises(MoneyOverflow):
            floats_to_scaled(np.array([value]), scale[:1])
    assert floats_to_scaled(np.zeros(0), scale[:0]).shape == (0,)


def test_rows_to_scaled_are_the_same_and_know_their_bounds() -> None:
    scale = np.array([10**6, 10**2], dtype=np.int64)
    values = np.array([[1.5, 0.125], [np.nan, 3.0], [-0.0, -2.005], [np.nan, np.nan]])
    scaled, bounds = rows_to_scaled(values, scale)
    np.testing.assert_array_equal(scaled, floats_to_scaled(values, scale))
    assert bounds.tolist() == [[12, 1500000], [0, 300], [-200, 0], [0, 0]]
    for value in (1e14, -1e14, np.inf, -np.inf):
        with pytest.raises(MoneyOverflow):
            rows_to_scaled(np.array([[1.0, 1.0], [1.0, value]]), scale)


def test_to_float() -> None:
    assert to_float(123 * MONEY_SCALE) == 123.0
    assert to_float(5, 1) == 0.5
