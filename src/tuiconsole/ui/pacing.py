"""How often data may be painted: a budget of bytes that refills with time. Pure. Key feedback does not ask."""

from __future__ import annotations

from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND

BYTES_PER_S = 16_000
MOST_SAVED = 4_000
MOST_OWED = 8_000
MAX_BACKLOG_BYTES = 4_096


class Pacer:
    """Lets data be painted while the terminal keeps up and the budget lasts."""

    def __init__(self, now_ns: int) -> None:
        self._left = float(MOST_SAVED)
        self._then_ns = now_ns
        self._written = 0
        self._free = True

    def forgive(self) -> None:
        """Let the next data through at once: someone pressed a key and waits for what it does."""
        self._free = True

    def may_paint(self, now_ns: int, written: int, backlog: int) -> bool:
        """Take note of the bytes ``written`` so far; True when data may be painted now.

        Parameters
        ----------
        backlog
            Bytes that the terminal has not taken yet.
        """
        self._left += (now_ns - self._then_ns) * BYTES_PER_S / NANOSECONDS_PER_SECOND
        self._left = max(-MOST_OWED, min(MOST_SAVED, self._left) - (written - self._written))
        self._then_ns, self._written = now_ns, written
        if backlog >= MAX_BACKLOG_BYTES or not (self._free or self._left > 0):
            return False
        self._free = False
        return True
