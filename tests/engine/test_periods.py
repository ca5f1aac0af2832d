"""Period starts and the bounded equity curve."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tuiconsole.domain.codec import decode_state, encode_state
from tuiconsole.engine.periods import MAX_POINTS, EquityCurve, Periods, week_key

MONDAY = 4  # 1970-01-05


def test_weeks_begin_on_monday() -> None:
    assert week_key(MONDAY) == week_key(MONDAY + 6)
    assert week_key(MONDAY + 7) == week_key(MONDAY) + 1
    assert week_key(MONDAY - 1) == week_key(MONDAY) - 1


def test_starts_are_the_equity_at_the_end_of_the_period_before() -> None:
    periods = Periods(1000)
    periods.update(MONDAY, 1010)
    assert (periods.session_start, periods.week_start, periods.month_start) == (1000, 1000, 1000)
    periods.update(MONDAY + 1, 1020)
    assert (periods.session_start, periods.week_start, periods.month_start) == (1010, 1000, 1000)
    periods.update(MONDAY + 7, 1030)
    assert (periods.session_start, periods.week_start, periods.month_start) == (1020, 1020, 1000)
    periods.update(31, 1040)  # 1970-02-01
    assert (periods.session_start, periods.month_start) == (1030, 1030)


def test_two_bars_of_one_session_share_its_start() -> None:
    periods = Periods(1000)
    periods.update(3, 900)
    periods.update(3, 950)
    assert periods.session_start == 1000


@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=300))
def test_curve_keeps_peak_and_drawdown_exactly(values: list[int]) -> None:
    curve = EquityCurve(values[0])
    for i, value in enumerate(values):
        curve.add(i, value)
    peaks = np.maximum.accumulate(np.array([values[0], *values]))[1:]
    assert curve.peak == max(values)
    assert curve.max_drawdown == max(1.0 - v / p for v, p in zip(values, peaks.tolist(), strict=True))


def test_curve_stays_bounded_and_evenly_spaced() -> None:
    curve = EquityCurve(1)
    for i in range(5 * MAX_POINTS + 3):
        curve.add(i, i + 1)
    ts, equity = curve.points()
    assert MAX_POINTS // 2 <= len(ts) <= MAX_POINTS
    assert set(np.diff(ts).tolist()) == {8}
    assert (equity == ts + 1).all()


def test_curve_moments_match_numpy() -> None:
    values = [100, 110, 99, 120]
    curve = EquityCurve(100)
    for i, value in enumerate(values):
        curve.add(i, value)
    returns = np.array([0.0, 0.1, -0.1, 120 / 99 - 1])
    mean, deviation = curve.moments()
    assert abs(mean - returns.mean()) < 1e-15
    assert abs(deviation - returns.std(ddof=1)) < 1e-12


def test_state_round_trip_continues_bit_for_bit() -> None:
    one, two = EquityCurve(100), EquityCurve(100)
    periods, again = Periods(100), Periods(100)
    for i in range(3000):
        one.add(i, 100 + i % 37)
        periods.update(i // 3, 100 + i % 37)
    two.restore(decode_state(encode_state(one.state())))
    again.restore(decode_state(encode_state(periods.state())))
    for i in range(3000, 6000):
        one.add(i, 100 + i % 31)
        two.add(i, 100 + i % 31)
        periods.update(i // 3, 100 + i % 31)
        again.update(i // 3, 100 + i % 31)
    assert encode_state(one.state()) == encode_state(two.state())
    assert encode_state(periods.state()) == encode_state(again.state())
