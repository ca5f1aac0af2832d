"""By whose days bars are dated: an exchange's, coins' in UTC, or those of currencies, which end at 17:00 in New York."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, NANOSECONDS_PER_SECOND
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.types import IntArray
from tuiconsole.market.calendar import NEW_YORK, exchange_close, from_utc, to_utc
from tuiconsole.market.exchange_sessions import ROUND_THE_CLOCK, WEEK
from tuiconsole.market.universes.instruments import calendar_of

_HOUR_NS = 3_600 * NANOSECONDS_PER_SECOND


@dataclass(frozen=True, slots=True)
class Dating:
    """By whose days bars are dated.

    Attributes
    ----------
    zone
        IANA zone whose clock counts.
    ends_hour
        Hour of that clock at which a day ends; 24 is midnight.
    days_per_year
        Days with trading in a year.
    mixed
        Instruments of other calendars are dated along.
    """

    zone: str = NEW_YORK
    ends_hour: int = 24
    days_per_year: int = 252
    mixed: bool = False

    def sessions(self, ts: IntArray) -> IntArray:
        """Session of each bar, int64 ``[n]`` days since the epoch: of its last moment, just before ``ts`` (ns UTC).

        >>> monday = 4 * NANOSECONDS_PER_DAY  # 1970-01-05
        >>> CURRENCIES.sessions(np.array([monday - 2 * _HOUR_NS, monday + 22 * _HOUR_NS + 1])).tolist()
        [4, 5]
        """
        return (from_utc(ts - 1, self.zone) + (24 - self.ends_hour) * _HOUR_NS) // NANOSECONDS_PER_DAY

    def ends(self, days: IntArray) -> IntArray:
        """When the bars of ``days`` (int64 ``[n]``, days since the epoch) are complete, ns UTC; an exchange's at its close."""
        if self.zone == NEW_YORK and self.ends_hour == 24:
            return exchange_close(days)
        return to_utc(days * NANOSECONDS_PER_DAY + self.ends_hour * _HOUR_NS, self.zone)


EXCHANGE = Dating()
COINS = Dating("UTC", 24, 365)
CURRENCIES = Dating(NEW_YORK, 17, 260)
_OF_CALENDAR = {ROUND_THE_CLOCK: COINS, WEEK: CURRENCIES}


def dating_of(universe: Universe) -> Dating:
    """The dating that all instruments share; of a mixture the exchange's, or UTC days without one."""
    kinds = {_OF_CALENDAR.get(item.venue, EXCHANGE) for item in universe.instruments}
    if len(kinds) == 1:
        return kinds.pop()
    return replace(EXCHANGE if EXCHANGE in kinds else COINS, mixed=True)


def dating_of_symbol(symbol: str) -> Dating:
    """The dating of the house's ``symbol``, as far as the symbol itself tells."""
    return _OF_CALENDAR.get(calendar_of(symbol), EXCHANGE)


def zones_of(symbols: Iterable[str]) -> str:
    """The clocks by which the days of these symbols end, in words.

    >>> zones_of(["AAPL", "BTC-USD"]), zones_of(["EUR-USD"])
    ('America/New_York and UTC', 'America/New_York at 17:00')
    """
    kinds = {dating_of_symbol(symbol) for symbol in symbols}
    words = (
        f"{one.zone} at {one.ends_hour}:00" if one.ends_hour < 24 else one.zone
        for one in (EXCHANGE, COINS, CURRENCIES)
        if one in kinds
    )
    return " and ".join(words)


def dated_by_symbol(days: IntArray, codes: IntArray, symbols: Sequence[str]) -> IntArray:
    """When the daily bars of ``days`` (days since the epoch) are complete, ns UTC, each by the days of its own symbol.

    Parameters
    ----------
    codes
        int64 ``[n]`` positions in ``symbols``.
    """
    found = EXCHANGE.ends(days)
    for dating in (COINS, CURRENCIES):
        own = np.array([dating_of_symbol(symbol) == dating for symbol in symbols], dtype=np.bool_)
        if own.any():
            rows = own[codes]
            found[rows] = dating.ends(days[rows])
    return found
