"""Scheduled holidays of the New York exchanges, from their rules: what anyone could know years before.

Closings that no one could know (mourning, storms, attacks) are left out on purpose. Days are counted since the epoch.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

import numpy as np

from tuiconsole.domain.types import BoolArray, IntArray

_EPOCH = date(1970, 1, 1)
_MONDAY, _THURSDAY, _SATURDAY, _SUNDAY = 0, 3, 5, 6


@lru_cache(maxsize=256)
def holidays(year: int) -> frozenset[int]:
    """Weekdays of ``year`` (from 1971) on which the exchanges are closed, as days since the epoch."""
    days = [
        _weekday(year, 2, _MONDAY, 3),
        _easter(year) - timedelta(days=2),
        _last_monday_of_may(year),
        _weekday(year, 9, _MONDAY, 1),
        _weekday(year, 11, _THURSDAY, 4),
        _observed(date(year, 7, 4)),
        _observed(date(year, 12, 25)),
    ]
    new_year = date(year, 1, 1)
    if new_year.weekday() != _SATURDAY:  # the year before keeps its last trading day
        days.append(_observed(new_year))
    if year >= 1998:
        days.append(_weekday(year, 1, _MONDAY, 3))
    if year >= 2022:
        days.append(_observed(date(year, 6, 19)))
    return frozenset((day - _EPOCH).days for day in days)


def is_session(days: IntArray) -> BoolArray:
    """Whether each day is a scheduled trading day; ``days`` int64 ``[n]`` since the epoch."""
    weekday = (days + 3) % 7
    years = days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    closed: set[int] = set()
    for year in np.unique(years).tolist():
        closed |= holidays(year)
    open_days: BoolArray = (weekday < 5) & ~np.isin(days, np.array(sorted(closed), dtype=np.int64))
    return open_days


def _weekday(year: int, month: int, weekday: int, which: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (which - 1))


def _last_monday_of_may(year: int) -> date:
    last = date(year, 5, 31)
    return last - timedelta(days=(last.weekday() - _MONDAY) % 7)


def _observed(day: date) -> date:
    shift = {_SATURDAY: -1, _SUNDAY: 1}.get(day.weekday(), 0)
    return day + timedelta(days=shift)


def _easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (Meeus, 1991, Astronomical Algorithms, ch. 8)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = b // 4, b % 4
    f = (b + 8) // 25
    g = (b - f + 1) // 3
    h = (19 * a + b - d - g + 15) % 30
    i, k = c // 4, c % 4
    j = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * j) // 451
    month, day = divmod(h + j - 7 * m + 114, 31)
    return date(year, month, day + 1)
