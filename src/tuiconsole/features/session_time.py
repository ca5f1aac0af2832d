"""The calendar: where the bar stands in its week, month, year and session, and how near the next holiday is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from math import cos, pi, sin
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND
from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.features.contract import Bank, Feature, Request
from tuiconsole.features.holidays import holidays, is_session

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_EPOCH = date(1970, 1, 1).toordinal()
_OPEN_MINUTE = 570
_SESSION_MINUTES = 390.0
_TURN_SESSIONS = 3


class SessionTimeBank(Bank):
    """Numbers of the newest bar's session and time of day in New York; the same for every symbol with a good close."""

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self._families = [request.feature.family for request in requests]
        self._places = np.array([_ALL.index(family) for family in self._families], dtype=np.int64)
        self._numbers: FloatArray = np.zeros(len(_ALL))
        self._session = -1
        self._bars = 0

    def update(self, panel: Panel) -> None:
        """Read the newest bar's session and time."""
        if panel.session != self._session:
            self._session, self._bars = panel.session, 0
        else:
            self._bars += 1
        numbers = self._numbers
        numbers[: len(_OF_DAY)] = _day(panel.session)
        fraction = (_minute(panel.ts) - _OPEN_MINUTE) / _SESSION_MINUTES
        angle = 2.0 * pi * fraction
        numbers[len(_OF_DAY) :] = fraction, sin(angle), cos(angle), float(self._bars)
        np.add(numbers[self._places][:, None], 0.0 * panel.latest("close"), out=self.values)

    def state(self) -> dict[str, Any]:
        """The session and its bars so far."""
        return {"session": self._session, "bars": self._bars}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._session, self._bars = int(state["session"]), int(state["bars"])


@lru_cache(maxsize=1)
def _zone() -> ZoneInfo:
    return ZoneInfo("America/New_York")


def _minute(ts: int) -> float:
    """Minute of the day in New York at ``ts`` (ns UTC)."""
    moment = datetime.fromtimestamp(ts // NANOSECONDS_PER_SECOND, UTC).astimezone(_zone())
    return moment.hour * 60.0 + moment.minute + moment.second / 60.0


def _day(session: int) -> FloatArray:
    year = date.fromordinal(_EPOCH + session).year
    first, table = _year(year)
    row: FloatArray = table[session - first]
    return row


@lru_cache(maxsize=64)
def _year(year: int) -> tuple[int, FloatArray]:
    """First day of ``year`` since the epoch, and its table ``[days, len(_OF_DAY)]``."""
    days = _days_of(year, year)
    around = _days_of(year - 1, year + 1)
    sessions = around[is_session(around)]
    closed = np.array(sorted(set().union(*(holidays(y) for y in range(year - 1, year + 2)))), dtype=np.int64)
    done = np.searchsorted(sessions, days, side="right")
    before = np.searchsorted(sessions, days, side="left")
    starts = {span: _starts(days, span) for span in (1, 3, 12)}
    of_month = done - np.searchsorted(sessions, starts[1][0])
    left = {span: np.searchsorted(sessions, after) - done for span, (_, after) in starts.items()}
    turn = (left[1] == 0) | ((of_month <= _TURN_SESSIONS) & (of_month > 0))
    next_closed = closed[np.searchsorted(closed, days, side="right")]
    last_closed = closed[np.searchsorted(closed, days, side="left") - 1]
    expiries = _expiries(year)
    next_expiry = expiries[np.searchsorted(expiries, days, side="left")]
    angle = 2.0 * pi * (days - days[0]) / len(days)
    columns: dict[str, Any] = {
        "weekday": (days + 3) % 7,
        "month": days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12 + 1,
        "day_of_month": days - starts[1][0] + 1,
        "day_of_year_sin": np.sin(angle),
        "day_of_year_cos": np.cos(angle),
        "month_session": of_month,
        "month_sessions_left": left[1],
        "quarter_sessions_left": left[3],
        "year_sessions_left": left[12],
        "turn_of_month": turn,
        "sessions_to_holiday": np.searchsorted(sessions, next_closed) - done,
        "sessions_since_holiday": done - np.searchsorted(sessions, last_closed),
        "sessions_to_expiry": np.searchsorted(sessions, next_expiry, side="right") - done,
        "days_since_session": days - sessions[before - 1],
        "days_to_session": sessions[done] - days,
    }
    table = np.stack([np.asarray(columns[name], dtype=np.float64) for name in _OF_DAY], axis=1)
    return int(days[0]), table


def _days_of(first_year: int, last_year: int) -> IntArray:
    bounds = [np.datetime64(f"{year}-01-01", "D").astype(np.int64) for year in (first_year, last_year + 1)]
    return np.arange(*bounds, dtype=np.int64)


def _starts(days: IntArray, months: int) -> tuple[IntArray, IntArray]:
    """First day of the stretch of ``months`` that holds each day, and of the next stretch."""
    month = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    first = month - month % months
    begin, after = (
        m.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) for m in (first, first + months)
    )
    return begin, after


def _expiries(year: int) -> IntArray:
    """Third Fridays from ``year`` to January of the next; the session before where that is a holiday."""
    months = np.arange((year - 1970) * 12, (year - 1970) * 12 + 13)
    first = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    friday = first + (4 - (first + 3) % 7) % 7 + 14
    return np.where(is_session(friday), friday, friday - 1)


_LAKONISHOK = "Lakonishok, Smidt (1988), Review of Financial Studies 1(4)"
_ARIEL = "Ariel (1987, 1990), Journal of Financial Economics 18(1), Journal of Finance 45(5)"
_FRENCH = "French (1980), Journal of Financial Economics 8(1)"
_EXPIRY = "Stoll, Whaley (1987), Financial Analysts Journal 43(2)"
_INTRADAY = "Harris (1986), Journal of Financial Economics 16(1)"

_DAY_ENTRIES = (
    ("weekday", "weekday of the session, Monday 0", "0 to 6", _FRENCH),
    (
        "month",
        "month of the session",
        "1 to 12",
        "Rozeff, Kinney (1976), Journal of Financial Economics 3(4)",
    ),
    ("day_of_month", "day of the month", "1 to 31", _ARIEL),
    ("day_of_year_sin", "sin(2 pi day of the year / days in it)", "-1 to 1", _LAKONISHOK),
    ("day_of_year_cos", "cos(2 pi day of the year / days in it)", "-1 to 1", _LAKONISHOK),
    ("month_session", "scheduled sessions of the month so far", "sessions", _ARIEL),
    ("month_sessions_left", "scheduled sessions of the month to come", "sessions", _ARIEL),
    ("quarter_sessions_left", "scheduled sessions of the quarter to come", "sessions", _LAKONISHOK),
    ("year_sessions_left", "scheduled sessions of the year to come", "sessions", _LAKONISHOK),
    ("turn_of_month", "1 on the last and the first three sessions of a month, else 0", "0 or 1", _LAKONISHOK),
    ("sessions_to_holiday", "sessions between this one and the next holiday", "sessions", _ARIEL),
    ("sessions_since_holiday", "sessions since the last holiday, this one included", "sessions", _ARIEL),
    ("sessions_to_expiry", "sessions until the monthly option expiry, 0 on its day", "sessions", _EXPIRY),
    ("days_since_session", "calendar days since the session before", "days", _FRENCH),
    ("days_to_session", "calendar days until the next session", "days", _FRENCH),
)
_TIME_ENTRIES = (
    (
        "session_fraction",
        "(minute of the day - 9:30) / 390; below 0 before and above 1 after",
        "none",
        _INTRADAY,
    ),
    ("session_sin", "sin(2 pi session_fraction)", "-1 to 1", _INTRADAY),
    ("session_cos", "cos(2 pi session_fraction)", "-1 to 1", _INTRADAY),
    ("bars_since_open", "bars of the session before this one", "bars", _INTRADAY),
)
_OF_DAY = tuple(entry[0] for entry in _DAY_ENTRIES)
_ALL = (*_OF_DAY, *(entry[0] for entry in _TIME_ENTRIES))

FEATURES = (
    *(
        Feature(
            family=family,
            parameters=(),
            minimum=(),
            formula=formula + "; New York's schedule",
            unit=unit,
            source=source,
            needs=("close", "time"),
            window_bars=lambda: 1,
            bank=SessionTimeBank,
            example=(),
            listed=((),),
        )
        for family, formula, unit, source in (*_DAY_ENTRIES, *_TIME_ENTRIES)
    ),
)
