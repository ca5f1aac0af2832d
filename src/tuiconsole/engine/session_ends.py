"""Which bars end a session of the exchange: what orders for the day and at the close need to know."""

from __future__ import annotations

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY
from tuiconsole.domain.errors import UsageError
from tuiconsole.engine.timeframes import calendar_of
from tuiconsole.market.interval_grid import IntervalGrid, interval_grid
from tuiconsole.market.intervals import SECONDS_PER_DAY
from tuiconsole.market.tape import BarSource

_DAYS_AHEAD = 370


class SessionEnds:
    """Sessions of one exchange calendar, looked up when they are first asked for.

    Parameters
    ----------
    calendar
        Name of the exchange calendar.
    """

    def __init__(self, calendar: str) -> None:
        self._calendar = calendar
        self._grid: IntervalGrid | None = None

    @classmethod
    def of(cls, tape: BarSource) -> SessionEnds | None:
        """Those of ``tape``, or None when its symbols trade by several calendars."""
        try:
            return cls(calendar_of(tape))
        except UsageError:
            return None

    def __call__(self, ts: int) -> bool:
        """Whether a session ends with the bar that ends at ``ts`` (ns UTC)."""
        if self._grid is None or not self._grid.covers(ts, ts):
            ahead = ts + _DAYS_AHEAD * NANOSECONDS_PER_DAY
            self._grid = interval_grid(self._calendar, SECONDS_PER_DAY, ts, ahead)
        return bool(self._grid.ended(np.array([ts], dtype=np.int64))[0])
