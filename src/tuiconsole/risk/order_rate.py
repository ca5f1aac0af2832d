"""How many orders went out in the last minute of event time."""

from __future__ import annotations

from collections import deque
from typing import Any

from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND

WINDOW_NS = 60 * NANOSECONDS_PER_SECOND


class OrderRate:
    """A sliding window over event time. Time never runs backwards here: an older event counts as now.

    Parameters
    ----------
    limit
        Most orders in any window of 60 seconds.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._sent: deque[tuple[int, int]] = deque()
        self._total = 0
        self._now = 0

    def used(self, ts: int) -> int:
        """Orders in the window that ends at ``ts`` (ns UTC)."""
        self._now = max(self._now, ts)
        sent = self._sent
        while sent and sent[0][0] <= self._now - WINDOW_NS:
            self._total -= sent.popleft()[1]
        return self._total

    def record(self, count: int) -> None:
        """``count`` orders went out at the time of the last :meth:`used`."""
        if count:
            self._sent.append((self._now, count))
            self._total += count

    def state(self) -> dict[str, Any]:
        """Everything needed to go on."""
        return {"now": self._now, "sent": [list(entry) for entry in self._sent]}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`."""
        self._now = state["now"]
        self._sent = deque((ts, count) for ts, count in state["sent"])
        self._total = sum(count for _, count in self._sent)
