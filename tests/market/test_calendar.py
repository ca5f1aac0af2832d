"""Sessions, closes and zones."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiconsole.domain.clock import iso
from tuiconsole.domain.errors import DataError
from tuiconsole.market.calendar import NEW_YORK, close_hour, exchange_close, session_days, to_utc, zone


def _day(text: str) -> int:
    return int(np.datetime64(text, "D").astype(np.int64))


@pytest.mark.filterwarnings("ignore:Series.values")
def test_closes_equal_the_exchange_calendar_for_46_years() -> None:
    """Every session from 1990 to 2035, half-days included, against an independent calendar."""
    calendars = pytest.importorskip("exchange_calendars")
    known = calendars.get_calendar("XNYS", start="1990-01-01", end="2035-12-31").closes
    days = known.index.to_numpy().astype("datetime64[D]").astype(np.int64)
    closes = known.dt.tz_convert(None).to_numpy().astype("datetime64[ns]").astype(np.int64)
    assert len(days) > 11_000
    assert np.array_equal(exchange_close(days), closes)


@pytest.mark.parametrize(
    ("day", "close"),
    [
        ("2007-01-03", "2007-01-03T21:00:00Z"),
        ("2007-07-02", "2007-07-02T20:00:00Z"),
        ("2008-11-28", "2008-11-28T18:00:00Z"),
        ("1992-12-24", "1992-12-24T19:00:00Z"),
        ("2002-07-05", "2002-07-05T17:00:00Z"),
    ],
)
def test_close_of_a_day(day: str, close: str) -> None:
    """Winter, summer, and half-days of three kinds."""
    assert iso(int(exchange_close(np.array([_day(day)]))[0])) == close


def test_half_days_are_no_ordinary_fridays() -> None:
    """The day after Thanksgiving is the only early Friday in November."""
    early = [day for day in range(1, 31) if close_hour(date(2018, 11, day)) == 13]
    assert early == [23]


@given(st.integers(0, 2**31), st.sampled_from([NEW_YORK, "UTC", "Asia/Kolkata", "Australia/Sydney"]))
@settings(max_examples=100, deadline=None)
def test_session_day_is_the_local_date(seconds: int, name: str) -> None:
    """The vectorised session key equals the standard library's local date."""
    ts = np.array([seconds, seconds + 3600, seconds + 86_400], dtype=np.int64) * 1_000_000_000
    expected = [
        (datetime.fromtimestamp(int(t) // 1_000_000_000, ZoneInfo(name)).date() - date(1970, 1, 1)).days
        for t in ts
    ]
    assert session_days(ts, name).tolist() == expected


@given(st.integers(31_536_000, 2**31), st.sampled_from([NEW_YORK, "Europe/Berlin"]))
@settings(max_examples=100, deadline=None)
def test_wall_clock_to_utc(seconds: int, name: str) -> None:
    """The vectorised conversion equals the standard library's, first occurrence of a doubled hour."""
    wall = datetime.fromtimestamp(seconds, UTC)
    expected = int(wall.replace(tzinfo=ZoneInfo(name)).timestamp()) * 1_000_000_000
    assert to_utc(np.array([seconds * 1_000_000_000]), name).tolist() == [expected]


def test_evening_bar_belongs_to_the_exchange_day() -> None:
    """19:55 in New York is past midnight UTC and still the same session."""
    ts = np.array([np.datetime64("2025-07-29T00:55", "ns").astype(np.int64)])
    assert session_days(ts, NEW_YORK).tolist() == [_day("2025-07-28")]


def test_unknown_zone_is_a_sentence() -> None:
    """The name is repeated and a remedy given."""
    with pytest.raises(DataError, match=r"'Mars/Olympus' is not known.*IANA"):
        zone("Mars/Olympus")
