"""Factors over splits and dividends, and which instrument a ticker meant."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiconsole.market.actions import OPEN_END, Action, TickerMap, TickerSpan, factors, split_ratio


def _split(day: int, ratio: float, known: int = 0) -> Action:
    return Action("A", day, "split", ratio, None, known)


def _dividend(day: int, cash: float, known: int = 0) -> Action:
    return Action("A", day, "dividend", cash, None, known)


def test_a_split_divides_what_came_before_its_day() -> None:
    sessions, close = np.array([1, 2, 5, 6]), np.array([70.0, 70.0, 10.0, 11.0])
    by = factors(sessions, close, [_split(5, 7.0)], "split")
    np.testing.assert_allclose(close * by, [10, 10, 10, 11], rtol=1e-15)
    by = factors(sessions, close, [_split(4, 7.0)], "split")
    np.testing.assert_allclose(by, [1 / 7, 1 / 7, 1, 1])
    np.testing.assert_array_equal(factors(sessions, close, [_split(5, 7.0)], "dividend"), np.ones(4))


def test_a_dividend_makes_the_return_of_its_day_total() -> None:
    """Close 100, then 98 after a dividend of 2: a total return of zero (factor 1 − 2/100)."""
    sessions, close = np.array([1, 2, 3]), np.array([100.0, np.nan, 98.0])
    by = factors(sessions, close, [_dividend(3, 2.0)], "dividend")
    np.testing.assert_allclose(close * by, [98.0, np.nan, 98.0])
    np.testing.assert_array_equal(factors(sessions, close, [_dividend(1, 2.0)], "dividend"), np.ones(3))


def test_only_what_was_known_then_counts() -> None:
    sessions, close = np.arange(4), np.full(4, 10.0)
    actions = [_split(2, 2.0, known=100), _split(3, 5.0, known=200)]
    np.testing.assert_allclose(factors(sessions, close, actions, "split"), [0.1, 0.1, 0.2, 1.0])
    np.testing.assert_allclose(factors(sessions, close, actions, "split", 150), [0.5, 0.5, 1.0, 1.0])
    np.testing.assert_array_equal(factors(sessions, close, actions, "split", 99), np.ones(4))


@given(
    st.lists(
        st.tuples(st.integers(0, 60), st.sampled_from([0.05, 0.5, 1.5, 2.0, 3.0, 7.0, 20.0])), max_size=8
    )
)
def test_adjusting_undoes_any_splits(splits: list[tuple[int, float]]) -> None:
    """A constant value cut into shares again and again is constant once adjusted."""
    sessions = np.arange(50)
    actions = [_split(day, ratio) for day, ratio in splits]
    raw = np.array([100.0 / np.prod([r for d, r in splits if d <= day] or [1.0]) for day in sessions])
    adjusted = raw * factors(sessions, raw, actions, "split")
    np.testing.assert_allclose(adjusted, adjusted[-1], rtol=1e-12)


@pytest.mark.parametrize(
    ("factor", "ratio"),
    [(1 / 7, 7.0), (0.142857, 7.0), (20.00002, 0.05), (0.6666667, 1.5), (0.997306, 1.0027)],
)
def test_rounded_factors_become_simple_ratios(factor: float, ratio: float) -> None:
    assert split_ratio(factor) == pytest.approx(ratio, rel=2e-6)


_SPANS = (
    TickerSpan("FB.1", "FB", 100, 200),
    TickerSpan("FB", "FB", 500, OPEN_END),
    TickerSpan("QQQ", "QQQ", 100, 200),
    TickerSpan("QQQ", "QQQQ", 201, 400),
    TickerSpan("QQQ", "QQQ", 401, OPEN_END),
)


def test_a_reused_ticker_is_two_instruments_and_a_renamed_one_is_one() -> None:
    names = TickerMap(_SPANS)
    assert [names.instrument("FB", day) for day in (100, 200, 500, 9_999)] == ["FB.1", "FB.1", "FB", "FB"]
    assert names.instrument("FB", 300) == "FB.until-1971-05-15"
    assert names.instrument("FB", 50) == "FB.until-1970-04-10"
    assert {names.instrument(t, d) for t, d in (("QQQ", 150), ("QQQQ", 300), ("QQQ", 450))} == {"QQQ"}
    assert names.named("QQQQ") == "QQQ"
    assert names.named("FB") == "FB"
    assert set(names.tickers("QQQ")) == {"QQQ", "QQQQ"}
    assert names.tickers("MSFT") == ("MSFT",)


def test_an_action_is_about_an_instrument_or_the_ticker_of_its_day() -> None:
    names = TickerMap(_SPANS)
    assert names.subject(Action("FB", 150, "split", 2.0, None, 0)) == "FB"
    assert names.subject(Action("QQQQ", 300, "split", 2.0, None, 0)) == "QQQ"
    assert names.subject(Action("FB.1", 150, "split", 2.0, None, 0)) == "FB.1"
    assert names.subject(Action("MSFT", 150, "split", 2.0, None, 0)) == "MSFT"
