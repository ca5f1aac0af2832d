"""Named periods: which bars belong to them, what may not overlap, and results that fit together."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiconsole.analytics.named_periods import (
    DEFAULT_PERIODS,
    Period,
    PeriodSettings,
    periods_of,
    results_by_period,
)
from tuiconsole.analytics.performance import sharpe, volatility
from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, parse_iso
from tuiconsole.domain.errors import ConfigError


def named(**given_):
    return {period.name: period for period in periods_of({n: PeriodSettings(*v) for n, v in given_.items()})}


def test_the_defaults_are_sound():
    made = {period.name: period for period in periods_of(DEFAULT_PERIODS)}
    assert {period.kind for period in made.values()} == {"in-sample", "out-of-sample", "stress"}
    crash = made["stress_2008"]
    assert crash.start < parse_iso("2008-09-15") < crash.end
    assert made["in_sample"].end == made["out_of_sample"].start


def test_first_and_last_day_belong_to_a_period():
    period = named(x=("2008-09-15", "2008-09-16", "stress"))["x"]
    closes = [parse_iso(f"2008-09-{day}T20:00:00") for day in (12, 15, 16, 17)]
    assert period.rows(np.array(closes)) == slice(1, 3)
    midnights = [parse_iso(f"2008-09-{day}") for day in (15, 16, 17, 18)]
    assert period.rows(np.array(midnights)) == slice(1, 3), "a bar that ends at midnight closes its day"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (("soon", "2008-01-01", "stress"), "periods.x.start is 'soon', expected a day"),
        (("2008-01-01", "2008-01-02T10:00", "stress"), "periods.x.end is '2008-01-02T10:00', expected a day"),
        (("2008-01-02", "2008-01-01", "stress"), "ends on 2008-01-01, before it starts on 2008-01-02"),
    ],
)
def test_what_is_no_period_is_refused(value, words):
    with pytest.raises(ConfigError, match=words):
        named(x=value)


def test_in_sample_and_out_of_sample_never_share_a_day():
    with pytest.raises(ConfigError, match=r"a .in-sample. and periods.b .out-of-sample. overlap"):
        named(a=("2001-01-01", "2005-01-01", "in-sample"), b=("2005-01-01", "2006-01-01", "out-of-sample"))
    apart = named(
        a=("2001-01-01", "2004-12-31", "in-sample"), b=("2005-01-01", "2006-01-01", "out-of-sample")
    )
    assert len(apart) == 2
    named(a=("2001-01-01", "2005-01-01", "in-sample"), storm=("2003-01-01", "2006-01-01", "stress"))


@given(
    moves=st.lists(st.floats(-0.05, 0.05), min_size=3, max_size=80),
    cuts=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
@settings(max_examples=60, derandomize=True)
def test_adjacent_periods_compound_to_the_whole(moves, cuts):
    ts = np.arange(1, len(moves) + 1) * NANOSECONDS_PER_DAY
    equity = 100.0 * np.cumprod(1.0 + np.array(moves))
    low, high = sorted(int(cut * len(moves)) * NANOSECONDS_PER_DAY for cut in cuts)
    edges = [0, low, high, int(ts[-1])]
    periods = [Period(f"p{i}", edges[i], edges[i + 1], "stress") for i in range(3)]
    found = results_by_period(ts, equity, 100.0, periods, 252.0)
    assert sum(result.bars for result in found) == len(moves)
    growth = np.prod([1.0 + result.total_return for result in found if result.bars])
    assert growth == pytest.approx(equity[-1] / 100.0, rel=1e-9)


def test_the_figures_of_one_period():
    moves = np.array([0.5, 0.01, -0.02, 0.03, -0.5])
    ts = np.arange(1, 6) * NANOSECONDS_PER_DAY
    equity = 100.0 * np.cumprod(1.0 + moves)
    period = Period("inner", NANOSECONDS_PER_DAY, 4 * NANOSECONDS_PER_DAY, "stress")
    absent = Period("never", 10**20, 10**20 + 1, "stress")
    inner, never = results_by_period(ts, equity, 100.0, [period, absent], 252.0)
    assert inner.whole
    assert inner.volatility == pytest.approx(volatility(moves[1:4], 252.0))
    assert inner.sharpe == pytest.approx(sharpe(moves[1:4], 252.0))
    assert inner.max_drawdown == pytest.approx(0.02)
    assert (never.bars, never.whole) == (0, False)
    assert np.isnan(never.total_return)
