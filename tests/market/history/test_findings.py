"""Findings: what must be found is found, on made faults and on real files, and little else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiconsole.domain.clock import EventClock, iso, parse_iso
from tuiconsole.domain.types import FloatArray
from tuiconsole.market.exchange_sessions import exchange_sessions
from tuiconsole.market.history.findings import session_gaps, spikes, split_like, volume_shifts
from tuiconsole.market.history.store import HistoryStore
from tuiconsole.market.imports.reading import Asked
from tuiconsole.market.imports.run import import_bars

_SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"


def _real(tmp_path: Path, name: str) -> HistoryStore:
    if not (_SHARED / name).is_file():
        pytest.skip(f"real data file {name} is not beside the repository")
    store = HistoryStore(tmp_path, EventClock(parse_iso("2100-01-01")))
    import_bars(store, _SHARED / name, Asked())
    return store


def _volume(n: int, seed: int) -> FloatArray:
    return np.exp(14.0 + 0.35 * np.random.default_rng(seed).standard_normal(n))


@pytest.mark.parametrize(("at", "ratio"), [(40, 30.0), (120, 60.0), (194, 10.0), (60, 0.05)])
def test_a_change_of_level_is_found_on_its_day(at: int, ratio: float) -> None:
    """Also when only six sessions follow it."""
    for seed in range(10):
        volume = _volume(200, seed)
        volume[at:] *= ratio
        (shift,) = volume_shifts(np.arange(200), volume)
        assert shift.day == at
        assert shift.ratio == pytest.approx(ratio, rel=0.5)


def test_ordinary_volume_and_surges_are_no_change_of_level() -> None:
    alarms = 0
    for seed in range(40):
        volume = _volume(500, seed)
        volume[200:212] *= 8.0
        volume[350] *= 100.0
        alarms += len(volume_shifts(np.arange(500), volume))
    assert alarms == 0
    assert volume_shifts(np.arange(9), np.ones(9)) == ()
    assert volume_shifts(np.arange(50), np.zeros(50)) == ()


@pytest.mark.parametrize("ratio", [2.0, 3.0, 7.0, 20.0, 0.05, 0.1, 1.5])
def test_an_unexplained_split_is_found(ratio: float) -> None:
    generator = np.random.default_rng(5)
    close = 100.0 * np.exp(np.cumsum(0.015 * generator.standard_normal(300)))
    opened = close * np.exp(0.004 * generator.standard_normal(300))
    opened[1:] = close[:-1] * np.exp(0.004 * generator.standard_normal(299))
    close[200:] /= ratio
    opened[200:] /= ratio
    (jump,) = split_like(np.arange(300), opened, close)
    assert (jump.day, jump.ratio) == (200, pytest.approx(ratio))


def test_a_crash_is_no_split() -> None:
    """AIG on 2008-09-15: 12.14, open 7.12, close 4.76, and wild days before."""
    close = np.array([20.0, 21, 20, 19.5, 18.4, 17.5, 12.14, 4.76, 3.75, 2.05, 2.69, 3.85])
    opened = np.array([20.0, 20, 21, 20, 19, 18, 14, 7.12, 1.85, 2.2, 2.2, 3])
    assert split_like(np.arange(12), opened, close) == ()


@given(st.sets(st.integers(0, 60), min_size=1), st.sets(st.integers(0, 60), min_size=1))
def test_gaps_are_the_sessions_between_first_and_last_without_bars(
    held: set[int], calendar: set[int]
) -> None:
    found = session_gaps(np.array(sorted(held)), np.array(sorted(calendar)))
    inside = {day for day in calendar if min(held) <= day <= max(held)}
    assert found.expected == len(inside)
    assert set(found.missing.tolist()) == inside - held
    assert set(found.outside.tolist()) == held - calendar
    ordered = sorted(inside)
    runs = "".join("x" if day in held else "-" for day in ordered).split("x")
    assert found.longest == max(map(len, runs))
    if found.longest:
        assert ordered.index(found.longest_from) == "".join(
            "x" if day in held else "-" for day in ordered
        ).index("-" * found.longest)


def test_sessions_of_an_exchange_know_holidays_and_half_days() -> None:
    thanksgiving = int(np.datetime64("2025-11-27", "D").astype(np.int64))
    sessions = exchange_sessions("XNYS", thanksgiving - 1, thanksgiving + 1)
    assert sessions.days.tolist() == [thanksgiving - 1, thanksgiving + 1]
    assert ((sessions.closes - sessions.opens) // (60 * 10**9)).tolist() == [390, 210]


def test_the_change_of_feed_in_real_minutes_is_found_in_every_name(tmp_path: Path) -> None:
    """All 15 names that have bars on both sides of 2026-01-22; none on any other day."""
    reports = {report.symbol: report for report in _real(tmp_path, "us_1min.parquet").inspect("1min")}
    day = int(np.datetime64("2026-01-22", "D").astype(np.int64))
    assert {name for name, report in reports.items() if not report.shifts} == {"META", "GS"}
    assert {shift.day for report in reports.values() for shift in report.shifts} == {day}
    assert 30 < reports["SPY"].shifts[0].ratio < 60
    assert sum(report.zero_volume for report in reports.values()) == 2_304
    assert all(len(report.gaps.missing) == len(report.gaps.outside) == 0 for report in reports.values())
    assert reports["NVDA"].filled > 0.999
    assert reports["WEBL"].filled == pytest.approx(0.1, abs=0.01)


def test_five_minute_bars_and_22_years_of_days_raise_few_alarms(tmp_path: Path) -> None:
    """No alarm in 50 names of minutes; at most one volume shift and one jump per 80,000 daily bars of 172 names."""
    assert not any(report.shifts for report in _real(tmp_path / "minutes", "us_5min.parquet").inspect("5min"))
    reports = _real(tmp_path / "days", "us_daily_ohlcv.parquet").inspect("1day")
    bars = sum(report.bars for report in reports)
    assert bars == 779_928
    assert sum(len(report.shifts) for report in reports) <= bars / 80_000
    assert sum(len(report.jumps) for report in reports) <= bars / 80_000
    assert {report.symbol for report in reports if report.quarantined} == {"CRH", "DVN", "NVDA"}
    assert sum(report.zero_volume for report in reports) == 1_456


def test_raw_splits_without_actions_are_found(tmp_path: Path) -> None:
    (report,) = _real(tmp_path, "us_daily_raw_1998_2020.parquet").inspect("1day", ["AAPL"])
    found = [(str(np.datetime64(jump.day, "D")), round(jump.ratio)) for jump in report.jumps]
    assert found == [("2000-06-21", 2), ("2005-02-28", 2), ("2014-06-09", 7), ("2020-08-31", 4)]


def test_a_spike_is_found_and_a_crash_or_a_wild_stretch_is_none() -> None:
    quiet = 100.0 * np.exp(0.001 * np.random.default_rng(3).standard_normal(60).cumsum())
    ts = np.arange(60)
    struck = quiet.copy()
    struck[30] *= 0.8
    (spike,) = spikes(ts, struck)
    assert (spike.ts, spike.close) == (30, struck[30])
    assert spike.around == pytest.approx(quiet[30], rel=0.01)
    struck[29] = np.nan
    assert len(spikes(ts, struck)) == 1
    crashed = quiet.copy()
    crashed[30:] *= 0.4
    assert spikes(ts, crashed) == ()
    wild = 100.0 * np.exp(0.1 * np.random.default_rng(3).standard_normal(60))
    assert len(spikes(ts, wild)) <= 1
    assert spikes(ts[:2], quiet[:2]) == spikes(ts[:0], quiet[:0]) == ()


def test_real_bad_ticks_are_spikes_and_the_fall_of_aig_is_none(tmp_path: Path) -> None:
    """QQQ 568.68, 456.90, 568.63 on 2025-07-28, and others after hours; 22 years of 172 stocks have next to none."""
    store = _real(tmp_path / "minutes", "multi_5min_extended.parquet")
    found = {report.symbol: report.spikes for report in store.inspect("5min", None)}
    (qqq,) = (s for s in found["QQQ"] if iso(s.ts) == "2025-07-28T21:00:00Z")
    assert (round(qqq.close, 2), round(qqq.around)) == (456.9, 569)
    struck = {"AAPL", "AMZN", "GLD", "GOOGL", "MSFT", "QQQ", "SPY", "TSLA"}
    assert {name for name, some in found.items() if some} == struck
    days = _real(tmp_path / "days", "us_daily_ohlcv.parquet")
    alarms = {report.symbol: report.spikes for report in days.inspect("1day", None) if report.spikes}
    assert "AIG" not in alarms
    assert sum(map(len, alarms.values())) <= 2
