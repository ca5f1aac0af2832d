"""Where coarser intervals end: cut from the open of each session, the last one of a session perhaps shorter.

A bar that ends at ``ts`` lies in the interval ``(start, end]`` with ``start < ts <= end``. Before an open intervals are counted
back from it, after a close forward from it, so none holds prices of both sides. A day is its session, open to close; what
trades outside belongs to no day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, NANOSECONDS_PER_SECOND
from tuiconsole.domain.types import BoolArray, IntArray
from tuiconsole.market.exchange_sessions import exchange_sessions
from tuiconsole.market.intervals import SECONDS_PER_DAY

NOWHERE = 0
"""End of an interval for a bar that lies in none."""


@dataclass(frozen=True, eq=False, slots=True)
class IntervalGrid:
    """Intervals of ``seconds`` over sessions with ``opens`` and ``closes``, int64 ``[n_sessions]``, ns UTC, rising."""

    seconds: int
    opens: IntArray
    closes: IntArray

    def ends(self, ts: IntArray) -> IntArray:
        """End of the interval that each bar lies in, int64 ``[n]`` ns UTC; :data:`NOWHERE` where it lies in none.

        Parameters
        ----------
        ts
            int64 ``[n]``, ends of bars; a tick is passed as one nanosecond after its time, for it opens what begins there.
        """
        length = self.seconds * NANOSECONDS_PER_SECOND
        at = np.searchsorted(self.opens, ts, side="left") - 1
        here = np.maximum(at, 0)
        opened, closed = self.opens[here], self.closes[here]
        inside = (at >= 0) & (ts <= closed)
        if self.seconds >= SECONDS_PER_DAY:
            return np.where(inside, closed, NOWHERE)
        within = np.minimum(closed, opened - (opened - ts) // length * length)
        after = closed - (closed - ts) // length * length
        next_open = self.opens[np.minimum(at + 1, len(self.opens) - 1)]
        before = next_open - (next_open - ts) // length * length
        nearer_close = (at >= 0) & ((at + 1 >= len(self.opens)) | (ts - closed <= next_open - ts))
        return np.where(inside, within, np.where(nearer_close, after, before))

    def covers(self, first: int, last: int) -> bool:
        """Whether it has sessions before ``first`` and after ``last`` (ns UTC)."""
        return int(self.opens[0]) < first and last < int(self.opens[-1])

    def ended(self, ts: IntArray) -> BoolArray:
        """Whether an interval ends with each bar, bool ``[n]``."""
        ended: BoolArray = self.ends(ts) == ts
        return ended


def interval_grid(calendar: str, seconds: int, first: int, last: int) -> IntervalGrid:
    """The grid of an exchange calendar over ``first`` to ``last`` (ns UTC); an unknown calendar raises :class:`ConfigError`."""
    sessions = exchange_sessions(calendar, first // NANOSECONDS_PER_DAY - 7, last // NANOSECONDS_PER_DAY + 7)
    return IntervalGrid(seconds, sessions.opens, sessions.closes)
