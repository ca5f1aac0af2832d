"""Equity at the start of the session, week and month, and a bounded equity curve."""

from __future__ import annotations

from typing import Any, overload

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, month_key
from tuiconsole.domain.types import FloatArray, IntArray

MAX_POINTS = 2048
_DAYS_FROM_THURSDAY_TO_MONDAY = 3
_FIRST_MONTH = month_key(0)


@overload
def week_key(session: int) -> int: ...
@overload
def week_key(session: IntArray) -> IntArray: ...
def week_key(session: int | IntArray) -> int | IntArray:
    """Number of the Monday-based week that holds ``session`` (days since the epoch, a Thursday)."""
    return (session + _DAYS_FROM_THURSDAY_TO_MONDAY) // 7


def month_keys(session: IntArray) -> IntArray:
    """:func:`~tuiconsole.domain.clock.month_key` of the days ``[n]`` since the epoch.

    >>> month_keys(np.array([0, 31])).tolist() == [month_key(0), month_key(31 * NANOSECONDS_PER_DAY)]
    True
    """
    months: IntArray = session.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return months + _FIRST_MONTH


def _at_change(key: IntArray, before: int, equity_before: IntArray, start: int) -> int:
    """What the equity was before the last bar at which ``key`` is another than at the bar before; ``start`` if none is."""
    changed = np.flatnonzero(np.diff(key, prepend=before))
    return int(equity_before[changed[-1]]) if len(changed) else start


def _running(start: float, values: FloatArray) -> float:
    """``start`` and then one value after the other, added in their order."""
    return float(np.cumsum(np.concatenate(([start], values)))[-1])


class Periods:
    """Remembers where the money stood when the session, the week and the month began. Money in scaled integers."""

    def __init__(self, capital: int) -> None:
        self.session = -1
        self.month = -1
        self._week = -1
        self._last = capital
        self.session_start = capital
        self.week_start = capital
        self.month_start = capital

    def update(self, session: int, equity: int) -> None:
        """Take in the equity at a bar of ``session`` (days since the epoch)."""
        if session != self.session:
            self.session = session
            self.session_start = self._last
            week = week_key(session)
            if week != self._week:
                self._week = week
                self.week_start = self._last
            month = month_key(session * NANOSECONDS_PER_DAY)
            if month != self.month:
                self.month = month
                self.month_start = self._last
        self._last = equity

    def update_many(self, session: IntArray, equity: IntArray) -> None:
        """Take in the equity after consecutive bars ``[n_bars]``, whose sessions do not fall; as :meth:`update` of each."""
        before = np.concatenate(([self._last], equity))
        self._last = int(before[-1])
        months = month_keys(session)
        self.session_start = _at_change(session, self.session, before, self.session_start)
        self.week_start = _at_change(week_key(session), self._week, before, self.week_start)
        self.month_start = _at_change(months, self.month, before, self.month_start)
        self.session, self.month = int(session[-1]), int(months[-1])
        self._week = int(week_key(session[-1]))

    def state(self) -> dict[str, Any]:
        """Everything needed to go on."""
        return {
            "session": self.session,
            "month": self.month,
            "week": self._week,
            "last": self._last,
            "starts": [self.session_start, self.week_start, self.month_start],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`."""
        self.session, self.month, self._week = state["session"], state["month"], state["week"]
        self._last = state["last"]
        self.session_start, self.week_start, self.month_start = state["starts"]


class EquityCurve:
    """Equity over time in bounded memory: when full, every second point is dropped and the stride doubles.

    Also keeps, exactly and over every bar, the peak, the deepest drawdown and the moments of the bar returns.
    """

    def __init__(self, capital: int) -> None:
        self._ts: IntArray = np.zeros(MAX_POINTS, dtype=np.int64)
        self._equity: IntArray = np.zeros(MAX_POINTS, dtype=np.int64)
        self._count = 0
        self._stride = 1
        self._seen = 0
        self._previous = capital
        self.peak = capital
        self.max_drawdown = 0.0
        self._return_sum = 0.0
        self._return_square_sum = 0.0

    def add(self, ts: int, equity: int) -> None:
        """One more bar."""
        change = equity / self._previous - 1.0 if self._previous > 0 else 0.0
        self._return_sum += change
        self._return_square_sum += change * change
        self._previous = equity
        self.peak = max(self.peak, equity)
        self.max_drawdown = max(self.max_drawdown, 1.0 - equity / self.peak)
        self._point(ts, equity)

    def add_many(self, ts: IntArray, equity: IntArray) -> None:
        """Consecutive bars ``[n_bars]`` whose equity is positive and below 2**53, to the bit as :meth:`add` of each."""
        before = np.concatenate(([self._previous], equity[:-1]))
        change = np.where(before > 0, equity / np.maximum(before, 1) - 1.0, 0.0)
        self._return_sum = _running(self._return_sum, change)
        self._return_square_sum = _running(self._return_square_sum, change * change)
        peaks = np.maximum.accumulate(np.concatenate(([self.peak], equity)))[1:]
        self.max_drawdown = max(self.max_drawdown, float((1.0 - equity / peaks).max()))
        self.peak, self._previous = int(peaks[-1]), int(equity[-1])
        kept = slice(-self._seen % self._stride, None, self._stride)
        end = self._count + len(ts[kept])
        if end > MAX_POINTS:
            for moment, money in zip(ts.tolist(), equity.tolist(), strict=True):
                self._point(moment, money)
            return
        self._ts[self._count : end], self._equity[self._count : end] = ts[kept], equity[kept]
        self._count = end
        self._seen += len(ts)

    def _point(self, ts: int, equity: int) -> None:
        """Keep one more point if its turn has come; thin them out when they are too many."""
        if self._seen % self._stride == 0:
            if self._count == MAX_POINTS:
                half = MAX_POINTS // 2
                self._ts[:half] = self._ts[::2]
                self._equity[:half] = self._equity[::2]
                self._count = half
                self._stride *= 2
            if self._seen % self._stride == 0:
                self._ts[self._count] = ts
                self._equity[self._count] = equity
                self._count += 1
        self._seen += 1

    @property
    def bars(self) -> int:
        """Bars taken in so far."""
        return self._seen

    def moments(self) -> tuple[float, float]:
        """Mean and standard deviation of the simple return per bar; NaN before two bars."""
        if self._seen < 2:
            return float("nan"), float("nan")
        mean = self._return_sum / self._seen
        variance = (
            max(0.0, self._return_square_sum / self._seen - mean * mean) * self._seen / (self._seen - 1)
        )
        return mean, variance**0.5

    def points(self) -> tuple[IntArray, IntArray]:
        """Times (ns) and equity (money) of the points kept, oldest first; copies."""
        return self._ts[: self._count].copy(), self._equity[: self._count].copy()

    def drawdowns(self) -> FloatArray:
        """Drawdown fraction at each kept point, against the peak of the points before it."""
        equity = self._equity[: self._count].astype(np.float64)
        return 1.0 - equity / np.maximum.accumulate(equity) if self._count else equity

    def state(self) -> dict[str, Any]:
        """Everything needed to go on."""
        ts, equity = self.points()
        return {
            "ts": ts,
            "equity": equity,
            "stride": self._stride,
            "seen": self._seen,
            "previous": self._previous,
            "peak": self.peak,
            "moments": np.array([self.max_drawdown, self._return_sum, self._return_square_sum]),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`."""
        self._count = len(state["ts"])
        self._ts[: self._count] = state["ts"]
        self._equity[: self._count] = state["equity"]
        self._stride, self._seen = state["stride"], state["seen"]
        self._previous, self.peak = state["previous"], state["peak"]
        self.max_drawdown, self._return_sum, self._return_square_sum = (float(v) for v in state["moments"])
