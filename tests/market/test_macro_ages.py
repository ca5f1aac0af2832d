"""A figure of the economy counts for a while after its release, then it is unknown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, EventClock, parse_iso
from tuiconsole.domain.context import MACRO_SERIES
from tuiconsole.domain.errors import ConfigError
from tuiconsole.market.history.opening import stored_tape
from tuiconsole.market.history.records import Provenance
from tuiconsole.market.history.store import HistoryStore
from tuiconsole.market.macro_ages import MacroAges, frequency
from tuiconsole.market.macro_import import import_macro
from tuiconsole.market.macro_series import economic_surprise, macro_releases
from tuiconsole.market.point_in_time import PointSeries
from tuiconsole.market.point_in_time_store import PointInTimeStore
from tuiconsole.market.releases import Releases
from tuiconsole.market.settings import FeedSettings, HistorySettings

_DAY = NANOSECONDS_PER_DAY
_NOW = parse_iso("2024-06-01")
_VIX, _JOBS = MACRO_SERIES.index("vix"), MACRO_SERIES.index("unemployment")


@pytest.mark.parametrize(
    ("step", "often", "days"),
    [(1, "daily", 10), (7, "weekly", 21), (30, "monthly", 70), (91, "quarterly", 160), (365, "yearly", 550)],
)
def test_the_distance_of_its_dates_says_how_long_a_value_counts(step: int, often: str, days: int) -> None:
    references = np.arange(20, dtype=np.int64) * step * _DAY
    assert frequency(references) == often
    assert MacroAges().days("vix", often) == days
    assert frequency(references[:1]) == "yearly"


def test_a_value_is_unknown_when_its_days_are_over() -> None:
    released = np.array([10, 12], dtype=np.int64) * _DAY
    source = Releases({"vix": (released, np.array([1.0, 2.0]))}, {"vix": 10})
    moments = np.array([10 * _DAY, 22 * _DAY, 22 * _DAY + 1, 90 * _DAY], dtype=np.int64)
    np.testing.assert_array_equal(source.as_of(moments)[:, _VIX], [1.0, 2.0, np.nan, np.nan])
    assert (source.outdated(22 * _DAY), source.outdated(23 * _DAY)) == ({}, {"vix": 12 * _DAY})
    assert source.released(90 * _DAY) == {"vix": 12 * _DAY}


@settings(derandomize=True, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(-5, 5)), min_size=1, max_size=30),
    st.lists(st.integers(0, 600), min_size=1, max_size=20),
    st.integers(1, 100),
)
def test_nothing_older_than_its_age_is_ever_joined(
    rows: list[tuple[int, int]], moments: list[int], age: int
) -> None:
    released = np.array([day for day, _ in rows], dtype=np.int64) * _DAY
    values = np.array([float(value) for _, value in rows])
    ts = np.array(moments, dtype=np.int64) * _DAY
    limited = Releases({"oil": (released, values)}, {"oil": age}).as_of(ts)
    always = Releases({"oil": (released, values)}).as_of(ts)
    for k, moment in enumerate(moments):
        near = [day for day, _ in rows if moment - age <= day <= moment]
        np.testing.assert_array_equal(limited[k], always[k] if near else np.nan)


def test_a_silent_series_leaves_the_economic_surprise() -> None:
    noise = np.random.default_rng(5).normal(0.0, 1.0, 40)
    days = np.arange(40, dtype=np.int64) * 30 * _DAY
    long = PointSeries.of(days, days + 40 * _DAY, 100.0 + noise)
    short = PointSeries.of(days[:20], days[:20] + 41 * _DAY, 50.0 - noise[:20])
    both = economic_surprise({"PAYEMS": long, "INDPRO": short})
    alone = economic_surprise({"PAYEMS": long})
    last = np.array([days[-1] + 40 * _DAY])
    assert both.as_of(last)[0] == alone.as_of(last)[0]
    early = np.array([days[18] + 41 * _DAY])
    assert both.as_of(early)[0] != alone.as_of(early)[0]


def test_ages_are_settings_and_mistakes_are_refused(tmp_path: Path) -> None:
    store = PointInTimeStore(tmp_path, EventClock(_NOW))
    path = tmp_path / "macro.csv"
    days = np.datetime_as_string(np.arange("2024-01-01", "2024-01-21", dtype="datetime64[D]"))
    months = ("2023-10-01", "2023-11-01", "2023-12-01")
    rows = [*(f"{day},VIXCLS,15" for day in days), *(f"{day},UNRATE,3.7" for day in months)]
    path.write_text("ts,series,value\n" + "\n".join(rows) + "\n")
    import_macro(store, path)
    ts = np.array([parse_iso("2024-01-25"), parse_iso("2024-02-20"), parse_iso("2024-05-01")])

    def known(ages: MacroAges | None) -> list[list[bool]]:
        source = macro_releases(store, ages)
        assert source is not None
        return np.isfinite(source.as_of(ts)[:, [_VIX, _JOBS]]).tolist()

    assert known(None) == [[True, True], [False, True], [False, False]]
    assert known(MacroAges(named=("vix=90", "unemployment=10"))) == [
        [True, True],
        [True, False],
        [False, False],
    ]
    with pytest.raises(ConfigError, match=r"macro_age_of 'vixx=5' is not SERIES=DAYS\. Series: vix, "):
        HistorySettings(macro_age_of=("vixx=5",))
    with pytest.raises(ConfigError, match="macro_age_days holds 2 numbers, expected 5: daily, weekly"):
        HistorySettings(macro_age_days=(1, 2))


def test_a_tape_says_which_series_fell_silent_on_it(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path, EventClock(_NOW))
    import pyarrow

    ends = [parse_iso(f"2024-0{month}-15T21:00:00Z") for month in (1, 2, 3)]
    times = pyarrow.array(ends, pyarrow.timestamp("ns", tz="UTC"))
    bars = pyarrow.table({"ts": times, "symbol": ["A"] * 3, "close": [1.0, 2.0, 3.0]})
    store.write("1day", bars, Provenance("file"))
    path = tmp_path / "macro.csv"
    path.write_text("ts,series,value\n" + "".join(f"2024-01-{day:02d},VIXCLS,15\n" for day in range(2, 20)))
    import_macro(PointInTimeStore(tmp_path, EventClock(_NOW)), path)
    tape = stored_tape(FeedSettings(feed="history"), HistorySettings(root=str(tmp_path)))
    assert tape.macro is not None
    assert np.isfinite(tape.macro[:, _VIX]).tolist() == [True, False, False]
    assert (
        "Macro series vix: no value since 2024-01-23, so it is unknown from 10 days later on." in tape.notes
    )
