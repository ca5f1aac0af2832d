"""Sessions of an exchange over a stretch of time: their days, opens and closes, half-days included."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, NANOSECONDS_PER_SECOND
from tuiconsole.domain.errors import ConfigError
from tuiconsole.domain.types import IntArray
from tuiconsole.market.calendar import NEW_YORK, to_utc

NEW_YORK_STOCK_EXCHANGE = "XNYS"
ROUND_THE_CLOCK = "24/7"
WEEK = "24/5"
"""Calendar of currencies: from Sunday 17:00 in New York to Friday 17:00; each session ends at 17:00."""
_DAY_ENDS_NS = 17 * 3_600 * NANOSECONDS_PER_SECOND


@dataclass(frozen=True, eq=False, slots=True)
class ExchangeSessions:
    """Sessions in order.

    Attributes
    ----------
    days
        int64 ``[n]``, date of each session as days since 1970.
    opens, closes
        int64 ``[n]``, ns UTC.
    timezone
        Zone of the exchange.
    """

    calendar: str
    days: IntArray
    opens: IntArray
    closes: IntArray
    timezone: str


@lru_cache(maxsize=8)
def exchange_sessions(calendar: str, first_day: int, last_day: int) -> ExchangeSessions:
    """The sessions of ``calendar`` from ``first_day`` to ``last_day`` (days since 1970, both included).

    Parameters
    ----------
    calendar
        A name of the ``exchange_calendars`` package, e.g. ``"XNYS"``, ``"XTSE"`` or ``"24/7"``.

    Raises
    ------
    ConfigError
        There is no such calendar.
    """
    if calendar == WEEK:
        return _currency_sessions(first_day, last_day)
    import exchange_calendars
    import pandas
    from exchange_calendars.errors import InvalidCalendarName

    start, end = (pandas.Timestamp(day, unit="D") for day in (first_day - 7, last_day + 7))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # between the two libraries
            found = exchange_calendars.get_calendar(calendar, start=start, end=end)
    except InvalidCalendarName:
        raise ConfigError(
            f"There is no exchange calendar {calendar!r}.", 'Use for example "XNYS", "XTSE" or "24/7".'
        ) from None
    days = found.sessions.to_numpy().astype("datetime64[D]").astype(np.int64)
    inside = (days >= first_day) & (days <= last_day)
    opens, closes = (
        pandas.DatetimeIndex(moments).as_unit("ns").asi8 for moments in (found.opens, found.closes)
    )
    return ExchangeSessions(calendar, days[inside], opens[inside], closes[inside], str(found.tz))


def _currency_sessions(first_day: int, last_day: int) -> ExchangeSessions:
    """Mondays to Fridays, each from 17:00 in New York on the day before to 17:00."""
    days = np.arange(first_day, last_day + 1, dtype=np.int64)
    days = days[(days + 3) % 7 < 5]  # 1970-01-01 was a Thursday
    closes = to_utc(days * NANOSECONDS_PER_DAY + _DAY_ENDS_NS, NEW_YORK)
    opens = to_utc((days - 1) * NANOSECONDS_PER_DAY + _DAY_ENDS_NS, NEW_YORK)
    return ExchangeSessions(WEEK, days, opens, closes, NEW_YORK)
