"""The latest decisions that led to orders, for the screens."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tuiconsole.domain.records import Decided

if TYPE_CHECKING:
    from tuiconsole.store.stretch_rows import StretchRows


class RecentDecisions:
    """The newest ``most`` decisions, oldest first; those of a stretch become records only when somebody looks."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: deque[Decided] = deque(maxlen=most)
        self._waiting: StretchRows | None = None

    def append(self, record: Decided) -> None:
        """One more decision."""
        self._settle()
        self._kept.append(record)

    def extend(self, rows: StretchRows, count: int) -> None:
        """The ``count`` decisions of a stretch."""
        if not count:
            return
        if count < self._most:
            self._settle()
        self._waiting = rows

    def clear(self) -> None:
        """Forget all."""
        self._waiting = None
        self._kept.clear()

    @property
    def newest(self) -> Decided:
        """The latest of them; there must be one."""
        self._settle()
        return self._kept[-1]

    def __iter__(self) -> Iterator[Decided]:
        self._settle()
        return iter(self._kept)

    def _settle(self) -> None:
        if self._waiting is not None:
            rows, self._waiting = self._waiting, None
            self._kept.extend(rows.decided(self._most))
