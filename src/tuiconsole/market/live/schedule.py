"""When the bars of a live market are due: sessions, holidays and half days, computed once.

Bars are cut from the open of each session, so the last one of a session may be shorter; a daily bar is the whole session and is
due at its close.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, NANOSECONDS_PER_SECOND
from tuiconsole.domain.errors import DataError
from tuiconsole.domain.types import IntArray
from tuiconsole.market.calendar import zone
from tuiconsole.market.exchange_sessions import exchange_sessions

SECONDS_PER_DAY = 86_400
_DAYS_BACK, _DAYS_AHEAD = 2_192, 370
_NS_PER_YEAR = int(365.25 * NANOSECONDS_PER_DAY)


@dataclass(frozen=True, eq=False)
class Schedule:
    """Sessions of one exchange calendar and the bars in them.

    Attributes
    ----------
    bar_seconds
        Length of a bar; 86,400 for one bar a session.
    opens, closes
        int64 ``[n_sessions]``, ns UTC, rising; ``sessions`` beside them: the session's date as days since the epoch.
    """

    calendar: str
    timezone: str
    bar_seconds: int
    opens: IntArray
    closes: IntArray
    sessions: IntArray

    @property
    def daily(self) -> bool:
        """Whether a session is one bar."""
        return self.bar_seconds >= SECONDS_PER_DAY

    def is_open(self, ts: int) -> bool:
        """Whether the market trades at ``ts`` (ns UTC): from the open on, and no more at the close."""
        at = self._session_at(ts)
        return at >= 0 and ts < int(self.closes[at])

    def next_start(self, ts: int) -> int:
        """The first moment at or after ``ts`` at which the market trades: ``ts`` itself, or the next open."""
        return ts if self.is_open(ts) else self._next_open(ts)

    def next_end(self, ts: int) -> int:
        """End of the first bar that ends after ``ts``; past the calendar's end raises :class:`DataError`."""
        at = self._session_at(ts)
        if at < 0 or ts >= int(self.closes[at]):
            at += 1
            if at >= len(self.opens):
                raise DataError(f"The calendar {self.calendar} ends here.", "Start the engine again.")
        return self._end_after(at, max(ts, int(self.opens[at])))

    def last_end(self, ts: int) -> int:
        """End of the last bar that ends at or before ``ts``; before the calendar's begin raises :class:`DataError`."""
        at = self._session_at(ts)
        if at >= 0 and ts < int(self.closes[at]):
            done = 0 if self.daily else (ts - int(self.opens[at])) // self._bar_ns
            if done:
                return int(self.opens[at]) + done * self._bar_ns
            at -= 1
        if at < 0:
            raise DataError(f"The calendar {self.calendar} begins later.", "Set the machine's clock.")
        return int(self.closes[at])

    def end_of(self, start: int) -> int:
        """End of the bar that starts at ``start``, or 0 when no bar does; a daily bar may start anywhere in its session."""
        at = self._session_at(start)
        if at < 0 or start >= int(self.closes[at]):
            return 0
        if self.daily:
            return int(self.closes[at])
        off_grid = (start - int(self.opens[at])) % self._bar_ns
        return 0 if off_grid else self._end_after(at, start)

    def session_of(self, end: int) -> int:
        """Date, as days since the epoch, of the session in which the bar that ends at ``end`` lies."""
        return int(self.sessions[self._session_at(end - 1)])

    def ends(self, count: int, ts: int) -> list[int]:
        """Ends of the last ``count`` bars that end at or before ``ts``, oldest first; fewer where the calendar begins."""
        found: list[int] = []
        try:
            end = self.last_end(ts)
            while len(found) < count:
                found.append(end)
                end = self.last_end(end - 1)
        except DataError:
            pass  # no bar before the calendar's begin
        return found[::-1]

    @property
    def bars_per_year(self) -> float:
        """Bars in one year: sessions of the last whole years times bars in a usual session."""
        years = (int(self.closes[-1]) - int(self.opens[0])) / _NS_PER_YEAR
        length = int(np.median(self.closes - self.opens))
        bars = 1 if self.daily else -(-length // self._bar_ns)
        return round(len(self.opens) / years) * float(bars)

    def describe(self, ts: int) -> str:
        """What the market does at ``ts``, for the header: ``open until 16:00`` or ``closed, opens Fri 09:30``."""
        if self.is_open(ts):
            close = int(self.closes[self._session_at(ts)])
            return f"open until {self._local(close, '%H:%M')}"
        return f"closed, opens {self._local(self._next_open(ts), '%a %H:%M')}"

    def _local(self, ts: int, form: str) -> str:
        return (
            datetime.fromtimestamp(ts // NANOSECONDS_PER_SECOND, UTC)
            .astimezone(zone(self.timezone))
            .strftime(form)
        )

    @property
    def _bar_ns(self) -> int:
        return self.bar_seconds * NANOSECONDS_PER_SECOND

    def _session_at(self, ts: int) -> int:
        """Index of the last session that has opened at ``ts``; -1 before the first."""
        return int(np.searchsorted(self.opens, ts, side="right")) - 1

    def _next_open(self, ts: int) -> int:
        at = int(np.searchsorted(self.opens, ts, side="left"))
        if at >= len(self.opens):
            raise DataError(f"The calendar {self.calendar} ends here.", "Start the engine again.")
        return int(self.opens[at])

    def _end_after(self, at: int, ts: int) -> int:
        opened, closed = int(self.opens[at]), int(self.closes[at])
        if self.daily:
            return closed
        return min(closed, opened + ((ts - opened) // self._bar_ns + 1) * self._bar_ns)


def load_schedule(calendar: str, bar_seconds: int, now: int) -> Schedule:
    """The schedule of an exchange calendar around ``now`` (ns UTC): six years back, a year ahead.

    Parameters
    ----------
    calendar
        A name of the ``exchange_calendars`` package, e.g. ``"XNYS"``, ``"XTSE"`` or ``"24/7"``.

    Raises
    ------
    ConfigError
        There is no such calendar.
    """
    today = now // NANOSECONDS_PER_DAY
    found = exchange_sessions(calendar, today - _DAYS_BACK, today + _DAYS_AHEAD)
    return Schedule(calendar, found.timezone, bar_seconds, found.opens, found.closes, found.days)
