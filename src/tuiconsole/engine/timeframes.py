"""When a policy and its agents are woken: at bars that end the longer intervals they declare."""

from __future__ import annotations

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY
from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.policy import Policy, timeframe_of
from tuiconsole.domain.types import BoolArray, IntArray
from tuiconsole.market.interval_grid import IntervalGrid, interval_grid
from tuiconsole.market.intervals import interval_seconds
from tuiconsole.market.live.recorded import RecordedTape
from tuiconsole.market.tape import BarSource, Tape

_DAYS_AHEAD = 370


class Timeframes:
    """The intervals that one policy and its agents declare, by the words they declare them with; without any, every bar counts.

    Parameters
    ----------
    own
        The policy's.
    names
        All of them.
    calendar
        Exchange calendar whose sessions are cut into intervals.
    """

    def __init__(self, own: str = "", names: tuple[str, ...] = (), calendar: str = "") -> None:
        self.own = own
        self._names = names
        self._calendar = calendar
        self._grids: dict[str, IntervalGrid] = {}

    @classmethod
    def of(cls, policy: Policy, tape: BarSource) -> Timeframes:
        """The timeframes of ``policy`` on the sessions of ``tape``.

        Raises
        ------
        UsageError
            A timeframe is no length of a bar, the symbols trade by several calendars, or no bar of the tape ends such an
            interval.
        """
        own = timeframe_of(policy)
        names = tuple(sorted({own, *getattr(policy, "timeframes", ())} - {""}))
        if not names:
            return cls()
        found = cls(own, names, calendar_of(tape))
        if isinstance(tape, Tape):
            found._cover(int(tape.ts[0]), int(tape.ts[-1]))
            for name, grid in found._grids.items():
                if not grid.ended(tape.ts).any():
                    raise UsageError(
                        f"No bar of {tape.name} ends an interval of {name} by the calendar {found._calendar}: nothing would "
                        "be decided.",
                        "Declare a timeframe that its bars make up, and check that bars are stamped at their end.",
                    )
        return found

    def ended(self, ts: int) -> frozenset[str]:
        """The declared timeframes of which an interval ends at ``ts`` (ns UTC)."""
        if not self._names:
            return frozenset()
        self._cover(ts, ts)
        at = np.array([ts], dtype=np.int64)
        return frozenset(name for name, grid in self._grids.items() if grid.ended(at)[0])

    def due(self, ts: IntArray) -> BoolArray:
        """Whether the policy is woken at bars that end at ``ts``, int64 ``[n]``, rising."""
        self._cover(int(ts[0]), int(ts[-1]))
        return self._grids[self.own].ended(ts)

    def _cover(self, first: int, last: int) -> None:
        """Have sessions from ``first`` to ``last`` (ns UTC); a tape that grows is given another year at a time."""
        if self._grids and next(iter(self._grids.values())).covers(first, last):
            return
        ahead = last + _DAYS_AHEAD * NANOSECONDS_PER_DAY
        for name in self._names:
            self._grids[name] = interval_grid(self._calendar, interval_seconds(name), first, ahead)


def calendar_of(tape: BarSource) -> str:
    """The one exchange calendar of a tape; :class:`UsageError` when its symbols trade by several."""
    if isinstance(tape, RecordedTape):
        return tape.header.calendar
    found = {one.venue for one in tape.universe.instruments}
    if len(found) > 1:
        raise UsageError(
            f"A timeframe needs one exchange calendar, and these symbols trade by {', '.join(sorted(found))}.",
            "Choose symbols of one calendar with --universe, or decide at every bar.",
        )
    return found.pop()
