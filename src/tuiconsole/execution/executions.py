"""Which executions were seen: a venue that repeats itself after a reconnect must not fill an order twice."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np

from tuiconsole.domain.types import IntArray

REMEMBERED = 20_000
"""Executions remembered; a repeat older than these would count again, so a reconnect must ask for less than
these."""


class SeenExecutions:
    """The newest execution numbers, in bounded memory.

    Parameters
    ----------
    limit
        How many are remembered, at least 1.

    Examples
    --------
    >>> seen = SeenExecutions()
    >>> seen.admit(np.array([1, 2])) is None  # all new
    True
    >>> seen.admit(np.array([2, 3, 3])).tolist()  # rows that are new
    [1]
    """

    def __init__(self, limit: int = REMEMBERED) -> None:
        self._limit = limit
        self._known: set[int] = set()
        self._order: deque[int] = deque()

    def __len__(self) -> int:
        return len(self._order)

    def admit(self, execution: IntArray) -> IntArray | None:
        """Remember ``execution`` ``[n]``; None when all are new, else the int64 rows that are."""
        if self.admit_new(execution):
            return None
        rows: list[int] = []
        for row, number in enumerate(execution.tolist()):
            if number not in self._known:
                self._known.add(number)
                self._order.append(number)
                rows.append(row)
        self._forget()
        return np.array(rows, dtype=np.int64)

    def admit_new(self, execution: IntArray) -> bool:
        """Remember ``execution`` ``[n]`` when all are new; False (and nothing remembered) when any is not."""
        numbers = execution.tolist()
        distinct = set(numbers)
        if len(distinct) < len(numbers) or not self._known.isdisjoint(distinct):
            return False
        self._remember(numbers)
        return True

    def remember(self, execution: IntArray) -> None:
        """Remember ``execution`` ``[n]``, all surely new."""
        self._remember(execution.tolist())

    def _remember(self, numbers: list[int]) -> None:
        self._known.update(numbers)
        self._order.extend(numbers)
        self._forget()

    def _forget(self) -> None:
        while len(self._order) > self._limit:
            self._known.discard(self._order.popleft())

    def state(self) -> dict[str, Any]:
        """The remembered numbers, oldest first."""
        return {"numbers": np.array(self._order, dtype=np.int64)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._order = deque(state["numbers"].tolist())
        self._known = set(self._order)
