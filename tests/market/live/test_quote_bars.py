"""Bars from quotes: causal, whole, and the same whatever order the symbols' quotes come in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiconsole.domain.clock import parse_iso
from tuiconsole.market.live.quote_bars import Quote, QuoteBars
from tuiconsole.market.live.schedule import Schedule

OPEN, CLOSE = parse_iso("2025-11-28T14:30:00"), parse_iso("2025-11-28T18:00:00")
SECOND = 1_000_000_000
FIVE = Schedule("XNYS", "UTC", 5, np.array([OPEN]), np.array([CLOSE]), np.array([20_420]))


def at(seconds: float) -> int:
    return OPEN + int(seconds * SECOND)


def test_a_bar_holds_what_was_quoted_in_it() -> None:
    bars = QuoteBars(2, FIVE)
    for seconds, amount, volume in (
        (0.0, 10.0, 100.0),
        (1.0, 12.0, 130.0),
        (2.0, 9.0, 130.0),
        (4.9, 11.0, 150.0),
    ):
        bars.add(Quote(0, at(seconds), amount, volume))
    bars.add(Quote(0, at(5.0), 11.5, 190.0))
    (made,) = bars.close(at(5))
    assert (made.ts, made.session) == (at(5), 20_420)
    columns = [getattr(made, name)[0] for name in ("open", "high", "low", "close", "volume")]
    assert columns == [10.0, 12.0, 9.0, 11.0, 50.0], "the first volume of the day only sets the mark"
    assert np.isnan(made.close[1])
    (after,) = bars.close(at(10))
    assert (after.open[0], after.volume[0]) == (11.5, 40.0)
    assert bars.close(at(60)) == ()


def test_late_early_and_senseless_quotes_are_dropped() -> None:
    bars = QuoteBars(1, FIVE)
    bars.add(Quote(0, at(1), 10.0))
    assert len(bars.close(at(5))) == 1
    bars.add(Quote(0, at(4), 99.0))  # its bar was handed out
    bars.add(Quote(0, OPEN - 1, 99.0))
    bars.add(Quote(0, CLOSE, 99.0))
    for nonsense in (0.0, -1.0, float("nan"), float("inf")):
        bars.add(Quote(0, at(6), nonsense))
    assert bars.close(CLOSE) == ()


quotes = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 30_000), st.floats(1.0, 1_000.0)), min_size=1, max_size=60
)


@given(quotes)
def test_no_bar_knows_what_comes_after_it(given_quotes: list[tuple[int, int, float]]) -> None:
    ordered = sorted(given_quotes, key=lambda quote: quote[1])
    whole, cut = QuoteBars(3, FIVE), QuoteBars(3, FIVE)
    end = at(15)
    for column, ms, amount in ordered:
        whole.add(Quote(column, OPEN + ms * SECOND // 1000, amount))
        if ms < 15_000:
            cut.add(Quote(column, OPEN + ms * SECOND // 1000, amount))
    for one, other in zip(whole.close(end), cut.close(end), strict=True):
        for name in ("open", "high", "low", "close"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@given(quotes)
def test_each_bar_is_what_its_quotes_say(given_quotes: list[tuple[int, int, float]]) -> None:
    ordered = sorted(given_quotes, key=lambda quote: quote[1])
    bars = QuoteBars(3, FIVE)
    for column, ms, amount in ordered:
        bars.add(Quote(column, OPEN + ms * SECOND // 1000, amount))
    for made in bars.close(at(3_600)):
        for column in range(3):
            inside = [
                amount
                for c, ms, amount in ordered
                if c == column and made.ts - 5 * SECOND <= OPEN + ms * SECOND // 1000 < made.ts
            ]
            if inside:
                found = (made.open[column], made.high[column], made.low[column], made.close[column])
                assert found == (inside[0], max(inside), min(inside), inside[-1])
            else:
                assert np.isnan(made.close[column])


def test_volume_that_starts_again_adds_nothing() -> None:
    bars = QuoteBars(1, FIVE)
    for seconds, volume in ((0, 500.0), (1, 20.0), (2, 25.0)):
        bars.add(Quote(0, at(seconds), 10.0, volume))
    (made,) = bars.close(at(5))
    assert made.volume[0] == pytest.approx(5.0)
