"""Coarser bars: the array and the stream agree, nothing is early, and sessions are kept apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiconsole.domain.clock import parse_iso
from tuiconsole.domain.context import QUOTE_FIELDS, BarQuotes
from tuiconsole.domain.market import Bars
from tuiconsole.domain.rng import generator
from tuiconsole.market.aggregation import BAR_FIELDS, BarStream, aggregate
from tuiconsole.market.interval_grid import NOWHERE, interval_grid

MINUTE = 60_000_000_000
OPEN = parse_iso("2025-11-26T14:30:00Z")
HALF_DAY = parse_iso("2025-11-28T14:30:00Z")


def _grid(seconds: int) -> Any:
    return interval_grid("XNYS", seconds, OPEN, OPEN + 10 * 86_400_000_000_000)


def test_intervals_are_cut_from_the_open_and_end_at_the_close() -> None:
    grid = _grid(3_600)
    minutes = np.array([1, 60, 61, 361, 390])
    ends = (grid.ends(OPEN + minutes * MINUTE) - OPEN) // MINUTE
    assert ends.tolist() == [60, 60, 120, 390, 390]
    assert ((grid.ends(HALF_DAY + np.array([181, 210]) * MINUTE) - HALF_DAY) // MINUTE).tolist() == [210, 210]
    outside = np.array([-61, -60, 0, 391, 450, 451])
    assert ((grid.ends(OPEN + outside * MINUTE) - OPEN) // MINUTE).tolist() == [-60, -60, 0, 450, 450, 510]
    assert grid.ended(OPEN + np.array([59, 60, 390]) * MINUTE).tolist() == [False, True, True]
    day = _grid(86_400)
    found = day.ends(OPEN + np.array([0, 1, 390, 391]) * MINUTE)
    assert found.tolist() == [NOWHERE, OPEN + 390 * MINUTE, OPEN + 390 * MINUTE, NOWHERE]
    assert int(day.ends(np.array([HALF_DAY + MINUTE]))[0]) == HALF_DAY + 210 * MINUTE


def _market(seed: int, n: int, symbols: int, gaps: float) -> tuple[Any, dict[str, Any]]:
    rng = generator(seed, "aggregation")
    places = np.sort(rng.choice(np.arange(-90, 480), n, replace=False))
    ts = OPEN + places * MINUTE
    close = 50.0 + rng.normal(0.0, 1.0, (n, symbols)).cumsum(axis=0) * 0.1
    rows: dict[str, Any] = {
        "open": close + 0.01,
        "high": close + 0.05,
        "low": close - 0.05,
        "close": close,
        "volume": rng.integers(0, 900, (n, symbols)).astype(float),
    }
    for name in QUOTE_FIELDS:
        rows[name] = rng.integers(1, 500, (n, symbols)).astype(float)
    for name, values in rows.items():
        rows[name] = np.where(
            rng.random((n, symbols)) < (gaps if name == "close" else gaps / 9), np.nan, values
        )
    return ts, rows


def _bars(ts: Any, rows: dict[str, Any], index: int) -> Bars:
    quotes = BarQuotes(**{name: rows[name][index] for name in QUOTE_FIELDS})
    opened, high, low, close, volume = (rows[name][index] for name in BAR_FIELDS)
    return Bars(int(ts[index]), index, opened, high, low, close, volume, -1, None, quotes)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**16),
    n=st.integers(1, 300),
    symbols=st.integers(1, 4),
    gaps=st.sampled_from((0.0, 0.4, 0.95)),
    seconds=st.sampled_from((300, 900, 3_600, 86_400)),
)
def test_the_stream_equals_the_array_and_hands_nothing_out_early(
    seed: int, n: int, symbols: int, gaps: float, seconds: int
) -> None:
    ts, rows = _market(seed, n, symbols, gaps)
    grid = _grid(seconds)
    stream, found = BarStream(grid), []
    for i in range(n):
        for bar in stream.add(_bars(ts, rows, i)):
            assert bar.ts <= ts[i]
            found.append(bar)
    found += stream.close(int(ts[-1]))
    whole = aggregate(ts, rows, grid, int(ts[-1]))
    assert [bar.ts for bar in found] == whole.ts.tolist()
    for i, bar in enumerate(found):
        for name in BAR_FIELDS:
            assert np.array_equal(getattr(bar, name), whole.columns[name][i], equal_nan=True)
        for name in QUOTE_FIELDS:
            assert np.array_equal(getattr(bar.quotes, name), whole.columns[name][i], equal_nan=True)
    cut = int(ts[n // 2])
    changed = {name: np.where((ts > cut)[:, None], values * 3.0, values) for name, values in rows.items()}
    before = aggregate(ts, changed, grid, int(ts[-1]))
    done = whole.ts <= cut
    assert all(
        np.array_equal(before.columns[k][done], whole.columns[k][done], equal_nan=True) for k in whole.columns
    )


def test_a_bar_holds_what_its_parts_know() -> None:
    nan = float("nan")
    ts = OPEN + np.array([1, 2, 4, 7, 12]) * MINUTE
    rows = {
        "open": np.array([[10.0], [11.0], [nan], [13.0], [1.0]]),
        "high": np.array([[12.0], [15.0], [nan], [nan], [1.0]]),
        "low": np.array([[9.0], [8.0], [nan], [12.0], [1.0]]),
        "close": np.array([[11.0], [12.0], [nan], [13.0], [1.0]]),
        "volume": np.array([[5.0], [6.0], [nan], [7.0], [1.0]]),
        "bid": np.array([[9.5], [nan], [9.75], [nan], [1.0]]),
    }
    found = aggregate(ts, rows, _grid(300), int(ts[-1]))
    assert ((found.ts - OPEN) // MINUTE).tolist() == [5, 10]  # the last one was not over
    table = {name: values[:, 0].tolist() for name, values in found.columns.items()}
    assert table["open"] == [10.0, 13.0]
    assert table["high"] == [15.0, pytest.approx(nan, nan_ok=True)]
    assert table["low"] == [8.0, 12.0]
    assert table["close"] == [12.0, 13.0]
    assert table["volume"] == [11.0, 7.0]
    assert table["bid"] == [9.75, pytest.approx(nan, nan_ok=True)]


def test_bars_out_of_order_are_dropped_and_counted() -> None:
    ts, rows = _market(3, 50, 2, 0.0)
    stream = BarStream(_grid(900))
    stream.add(_bars(ts, rows, 10))
    assert stream.add(_bars(ts, rows, 9)) == ()
    assert stream.add(_bars(ts, rows, 10)) == ()
    assert stream.late == 2
