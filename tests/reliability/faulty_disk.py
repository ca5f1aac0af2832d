"""A disk that fails at one chosen operation: full, unreadable, or refusing one write or sync."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from enum import Enum
from pathlib import Path

from tests.reliability import sqlite_shim
from tests.reliability.disk import CODES, Disk


class Fault(Enum):
    """What goes wrong."""

    FULL = "disk full"
    """From here on nothing finds room; what overwrites a file in place still does."""
    WRITE = "one write fails"
    SYNC = "one sync fails"
    CORRUPT = "a page cannot be read"
    """From here on every page that SQLite reads is damaged."""
    DEAD = "the disk is gone"
    """From here on every operation fails."""


_CONCERNED = {
    Fault.FULL: ("write", "truncate"),
    Fault.WRITE: ("write", "overwrite", "truncate", "rename"),
    Fault.SYNC: ("sync",),
    Fault.CORRUPT: ("read",),
    Fault.DEAD: ("write", "overwrite", "truncate", "rename", "sync", "delete", "read"),
}
_ONCE = (Fault.WRITE, Fault.SYNC)


class FaultyDisk(Disk):
    """A disk on which ``fault`` happens at the first fitting operation from the ``at``-th on after :meth:`arm`.

    ``struck`` tells that it has happened; ``on_strike`` is called then.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.struck = False
        self._fault: Fault | None = None
        self._at = 0
        self._on_strike: Callable[[], None] = lambda: None

    def arm(self, fault: Fault, at: int, on_strike: Callable[[], None]) -> None:
        """Count operations from now on."""
        self._fault, self._at, self._on_strike = fault, at, on_strike
        self.operations = 0

    def _fails(self, what: str) -> bool:
        if what != "read":
            self.operations += 1
        fault = self._fault
        if fault is None or self.operations < self._at or what not in _CONCERNED[fault]:
            return False
        if self.struck and fault in _ONCE:
            return False
        if not self.struck:
            self.struck = True
            self._on_strike()
        return True

    def reading(self, path: str, offset: int, size: int) -> int:
        if not self._fails("read"):
            return sqlite_shim.OK
        return sqlite_shim.CORRUPT if self._fault == Fault.CORRUPT else sqlite_shim.IOERR_READ

    def _code(self, what: str) -> int:
        return sqlite_shim.FULL if self._fault == Fault.FULL else CODES[what]

    def _error(self) -> OSError:
        number = errno.ENOSPC if self._fault == Fault.FULL else errno.EIO
        return OSError(number, os.strerror(number))
