"""Equity at the start of the session, week and month, and a bounded equity curve."""

from __future__ import annotations

from typing import Any

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, month_key
from tuiconsole.domain.types import FloatArray, IntArray

MAX_POINTS = 2048
_DAYS_FROM_THURSDAY_TO_MONDAY = 3


def week_key(session: int) -> int:
    """Number of the Monday-based week that holds ``session`` (days since the epoch, a Thursday)."""
    return (session + _DAYS_FROM_THURSDAY_TO_MONDAY) // 7


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
