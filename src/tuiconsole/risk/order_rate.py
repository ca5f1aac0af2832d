"""How many orders went out in the last minute of event time."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND
from tuiconsole.domain.types import IntArray

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

    def lend(self, room: int) -> tuple[IntArray, IntArray]:
        """The window for a kernel: clock ``[4]`` and a ring ``[2, most]`` with room for ``room`` more entries.

        See :mod:`tuiconsole.risk.compiled_ordinary`.
        """
        count = len(self._sent)
        ring = np.zeros((2, count + room), dtype=np.int64)
        if count:
            ring[:, :count] = np.array(self._sent, dtype=np.int64).T
        return np.array([self._now, 0, count, self._total], dtype=np.int64), ring

    def take_back(self, clock: IntArray, ring: IntArray) -> None:
        """Go on from what a kernel made of :meth:`lend`."""
        self._now, first, count, self._total = clock.tolist()
        places = (first + np.arange(count)) % ring.shape[1]
        self._sent = deque(map(tuple, ring[:, places].T.tolist()))

    def state(self) -> dict[str, Any]:
        """Everything needed to go on."""
        return {"now": self._now, "sent": [list(entry) for entry in self._sent]}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`."""
        self._now = state["now"]
        self._sent = deque((ts, count) for ts, count in state["sent"])
        self._total = sum(count for _, count in self._sent)
