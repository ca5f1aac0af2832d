"""Clocks. Time is injected, never taken: this is the only file that reads the machine's clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol

NANOSECONDS_PER_SECOND = 1_000_000_000
NANOSECONDS_PER_DAY = 86_400 * NANOSECONDS_PER_SECOND
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Where the desk's shells read time from."""

    def now_ns(self) -> int:
        """Nanoseconds since the Unix epoch, UTC."""
        ...

    def monotonic_ns(self) -> int:
        """Nanoseconds of a clock that never goes backwards; only differences mean anything."""
        ...

    def seconds_until(self, ts: int) -> float:
        """Seconds to wait until :meth:`now_ns` is ``ts``; 0 when that is past."""
        ...


class WallClock:
    """The machine's clock, for shells, sockets and logs; never for the core."""

    def now_ns(self) -> int:
        """Nanoseconds since the Unix epoch, UTC."""
        return time.time_ns()

    def monotonic_ns(self) -> int:
        """Nanoseconds of the machine's monotonic clock."""
        return time.monotonic_ns()

    def seconds_until(self, ts: int) -> float:
        """Seconds of waiting until ``ts`` (ns UTC); 0 when that is past."""
        return max(0.0, (ts - time.time_ns()) / NANOSECONDS_PER_SECOND)


def sleep(seconds: float) -> None:
    """Let the calling thread stand still; for waits at the edges, given to what must be tested without them."""
    time.sleep(seconds)


class EventClock:
    """A clock that stands still until it is told to move; used by backtests, replays and tests.

    Examples
    --------
    >>> clock = EventClock(5)
    >>> clock.advance_to(9)
    >>> clock.now_ns()
    9
    """

    def __init__(self, start_ns: int = 0) -> None:
        self._now_ns = start_ns

    def now_ns(self) -> int:
        """The time last told, in nanoseconds since the Unix epoch."""
        return self._now_ns

    def monotonic_ns(self) -> int:
        """The same as :meth:`now_ns`: event time never goes backwards."""
        return self._now_ns

    def seconds_until(self, ts: int) -> float:
        """Seconds of event time until ``ts`` (ns); 0 when that is past."""
        return max(0.0, (ts - self._now_ns) / NANOSECONDS_PER_SECOND)

    def advance_to(self, ts: int) -> None:
        """Move to ``ts`` (ns); a step backwards raises ``ValueError``."""
        if ts < self._now_ns:
            raise ValueError(f"event time went backwards from {self._now_ns} to {ts}")
        self._now_ns = ts


def iso(ts: int) -> str:
    """``ts`` (ns, UTC) as ISO 8601 with seconds, or as a bare date at midnight.

    >>> iso(0)
    '1970-01-01'
    >>> iso(1_500_000_000)
    '1970-01-01T00:00:01Z'
    """
    moment = datetime.fromtimestamp(ts // NANOSECONDS_PER_SECOND, UTC)
    if ts % NANOSECONDS_PER_DAY == 0:
        return moment.date().isoformat()
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_iso(text: str) -> int:
    """Nanoseconds since the epoch for an ISO date or date-time; a naive value is taken as UTC.

    Raises ``ValueError`` when ``text`` is not ISO 8601.

    >>> parse_iso("1970-01-02")
    86400000000000
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def session_date(ts: int) -> int:
    """Days since the epoch of ``ts`` in UTC; the session key of daily bars."""
    return ts // NANOSECONDS_PER_DAY


@lru_cache(maxsize=64)
def month_key(ts: int) -> int:
    """``year * 12 + month - 1`` of ``ts`` in UTC."""
    moment = datetime.fromtimestamp(ts // NANOSECONDS_PER_SECOND, UTC)
    return moment.year * 12 + moment.month - 1
