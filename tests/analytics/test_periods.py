"""Months and rolling windows, each against a loop over the bars."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiconsole.analytics import performance as p
from tuiconsole.analytics.periods import monthly, rolling_sharpe
from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, parse_iso
from tuiconsole.domain.rng import generator


@given(st.integers(0, 20_000), st.integers(1, 120), st.integers(1, 20))
def test_months_are_those_of_the_calendar(first: int, count: int, step: int) -> None:
    ts = (first + 1 + step * np.arange(count)) * NANOSECONDS_PER_DAY - 3_600_000_000_000
    returns = generator(1, "months").normal(0.0, 0.01, count)
    slow: dict[tuple[int, int], float] = {}
    for stamp, value in zip(ts.tolist(), returns.tolist(), strict=True):
        date = datetime.fromtimestamp(stamp // 1_000_000_000, UTC)
        key = (date.year, date.month)
        slow[key] = (1 + slow.get(key, 0.0)) * (1 + value) - 1
    found = {
        (year.year, month): value
        for year in monthly(ts, returns)
        for month, value in enumerate(year.months, start=1)
        if value is not None
    }
    assert found == pytest.approx(slow)
    total = math.prod(1 + year.total for year in monthly(ts, returns))
    assert total - 1 == pytest.approx(p.total_return(returns))


def test_a_bar_that_ends_at_midnight_closes_its_day() -> None:
    (year,) = monthly(np.array([parse_iso("2021-01-01")]), np.array([0.1]))
    assert (year.year, year.months[11]) == (2020, pytest.approx(0.1))
    assert monthly(np.zeros(0, dtype=np.int64), np.zeros(0)) == ()


def test_a_rolling_sharpe_is_the_sharpe_of_its_window() -> None:
    returns = generator(2, "rolling").normal(0.001, 0.01, 60)
    returns[30:50] = 0.0
    found = rolling_sharpe(returns, 12, 252)
    assert np.isnan(found[:11]).all()
    for i in range(11, 60):
        expected = p.sharpe(returns[i - 11 : i + 1], 252)
        assert found[i] == pytest.approx(expected, nan_ok=True)
    assert np.isnan(found[45])
    assert np.isnan(rolling_sharpe(returns[:5], 12, 252)).all()
