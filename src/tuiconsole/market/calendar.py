"""Sessions and time zones: when a daily bar of New York exists, and to which session a moment belongs.

The half-days are rules plus three single days, so that nothing heavy is imported at start; a test compares
them with the ``exchange_calendars`` package for 1990-2035.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, NANOSECONDS_PER_SECOND
from tuiconsole.domain.errors import DataError
from tuiconsole.domain.types import IntArray

NEW_YORK = "America/New_York"
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_HOUR_NS = 3600 * NANOSECONDS_PER_SECOND
_REGULAR_CLOSE_HOUR = 16
_COUNTED_DAYS = 1_000_000
_SINGLE_HALF_DAYS = frozenset({date(1997, 12, 26), date(1999, 12, 31), date(2003, 12, 26)})
_MONDAY, _WEDNESDAY, _THURSDAY, _FRIDAY = 0, 2, 3, 4


def zone(name: str) -> ZoneInfo:
    """The time zone called ``name``; an unknown one raises :class:`DataError`."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise DataError(
            f"Time zone {name!r} is not known on this machine.",
            'Use an IANA name such as "America/New_York" or "UTC", or install the tzdata package.',
        ) from error


def close_hour(day: date) -> int:
    """Hour, New York time, at which the exchanges close on ``day``: 16, or 13 (14 before 1993) on a half-day.

    Half-days: the day after Thanksgiving (from 1992), 24 December from Monday to Thursday, 3 July (from 1995;
    where it is a Wednesday before 2013, Friday 5 July instead), and three single days. ``day`` is not checked
    to be a session.

    >>> close_hour(date(2008, 11, 28)), close_hour(date(2008, 12, 1))
    (13, 16)
    """
    if not _is_half_day(day):
        return _REGULAR_CLOSE_HOUR
    return 13 if day.year >= 1993 else 14


def _is_half_day(day: date) -> bool:
    weekday, month, year = day.weekday(), day.month, day.year
    if month == 11 and weekday == _FRIDAY:
        return 23 <= day.day <= 29 and year >= 1992
    if month == 12:
        return (day.day == 24 and _MONDAY <= weekday <= _THURSDAY) or day in _SINGLE_HALF_DAYS
    if month == 7 and year >= 1995:
        if day.day == 3:
            return weekday <= _THURSDAY and (weekday != _WEDNESDAY or year >= 2013)
        return day.day == 5 and weekday == _FRIDAY and year < 2013
    return False


def exchange_close(days: IntArray) -> IntArray:
    """Closes of New York sessions.

    Parameters
    ----------
    days
        int64 ``[n]`` session dates as days since the epoch.

    Returns
    -------
    int64 ``[n]``, ns UTC of the close on each date.
    """
    new_york = zone(NEW_YORK)
    unique, inverse = distinct_days(days)
    closes = np.empty(len(unique), dtype=np.int64)
    for i, day in enumerate(unique.tolist()):
        moment = datetime.fromordinal(day + _EPOCH_ORDINAL)
        hour = close_hour(moment.date())
        offset = _offset_ns(moment.replace(hour=hour), new_york)
        closes[i] = day * NANOSECONDS_PER_DAY + hour * _HOUR_NS - offset
    return closes[inverse]


def distinct_days(days: IntArray) -> tuple[IntArray, IntArray]:
    """The distinct days in order, and the position of each among them; days are counted, so nothing is sorted.

    >>> distinct_days(np.array([5, 3, 5]))
    (array([3, 5]), array([1, 0, 1]))
    """
    if not len(days):
        return days, days
    first = int(days.min())
    span = int(days.max()) - first + 1
    if span > _COUNTED_DAYS:
        unique, inverse = np.unique(days, return_inverse=True)
        return unique, inverse
    present = np.zeros(span, dtype=np.bool_)
    present[days - first] = True
    position = np.cumsum(present) - 1
    return np.flatnonzero(present) + first, position[days - first]


def to_utc(wall: IntArray, zone_name: str) -> IntArray:
    """Wall-clock times of a zone as ns UTC; an hour that occurs twice is taken as its first occurrence.

    Parameters
    ----------
    wall
        int64 ``[n]``, ns since the epoch as the wall clock reads.
    """
    return wall - _offsets(wall, zone(zone_name), reads_wall=True)


def from_utc(ts: IntArray, zone_name: str) -> IntArray:
    """What the wall clock of a zone reads at each moment, as ns since the epoch; ``ts`` is ns UTC ``[n]``."""
    return ts + _offsets(ts, zone(zone_name), reads_wall=False)


def session_days(ts: IntArray, zone_name: str) -> IntArray:
    """Session keys: the local date of each moment, as days since the epoch; ``ts`` is ns UTC ``[n]``."""
    return from_utc(ts, zone_name) // NANOSECONDS_PER_DAY


def _offsets(values: IntArray, place: ZoneInfo, *, reads_wall: bool) -> IntArray:
    """UTC offset in ns at each value: looked up once a day, and singly where the clocks change."""
    days, inverse = distinct_days(values // NANOSECONDS_PER_DAY)
    starts = np.array(
        [_offset_at(int(d) * NANOSECONDS_PER_DAY, place, reads_wall) for d in days], dtype=np.int64
    )
    ends = np.array(
        [_offset_at((int(d) + 1) * NANOSECONDS_PER_DAY, place, reads_wall) for d in days], dtype=np.int64
    )
    offsets = starts[inverse]
    for i in np.flatnonzero((starts != ends)[inverse]).tolist():
        offsets[i] = _offset_at(int(values[i]), place, reads_wall)
    return offsets


def _offset_at(ns: int, place: ZoneInfo, reads_wall: bool) -> int:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ns // 1000)
    if reads_wall:
        return _offset_ns(moment, place)
    return _delta_ns(moment.astimezone(place).utcoffset())


def _offset_ns(wall: datetime, place: ZoneInfo) -> int:
    return _delta_ns(place.utcoffset(wall.replace(tzinfo=place)))


def _delta_ns(delta: timedelta | None) -> int:
    return 0 if delta is None else int(delta.total_seconds()) * NANOSECONDS_PER_SECOND
