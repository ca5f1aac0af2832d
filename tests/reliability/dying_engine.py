"""A real engine that ends itself with SIGKILL at a chosen moment, and says before what it hands to the venue.

``python -m tests.reliability.dying_engine MOMENT NTH SENT headless …``. ``MOMENT`` is one of :data:`FAULT_POINTS` or
:data:`IN_A_WRITE`, ``NTH`` how often it is passed until then (0 never dies), ``SENT`` a file that gets a line per order sent.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from tests.reliability import sqlite_shim
from tuiconsole import cli
from tuiconsole.engine import headless
from tuiconsole.execution.paper import PaperVenue
from tuiconsole.store.state_store import StateStore

IN_A_WRITE = "in a write of SQLite"
"""The last moment: SQLite is about to write to the file or its log."""


class Death:
    """Counts how often the chosen moment is passed, and ends the process."""

    def __init__(self, moment: str, nth: int) -> None:
        self._moment, self._left = moment, nth

    def __call__(self, moment: str) -> None:
        if moment == self._moment:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class Writes:
    """Tells of every write of SQLite before it is carried out; syncs nothing, which a SIGKILL cannot tell."""

    def __init__(self, death: Death) -> None:
        self._death = death

    def watches(self, path: str) -> bool:
        return not path.endswith("-shm")

    def opened(self, path: str, flags: int) -> None:
        return

    def reading(self, path: str, offset: int, size: int) -> int:
        return sqlite_shim.OK

    def write(self, path: str, offset: int, data: bytes) -> int:
        self._death(IN_A_WRITE)
        return sqlite_shim.OK

    def truncate(self, path: str, size: int) -> int:
        return sqlite_shim.OK

    def sync(self, path: str) -> int:
        return sqlite_shim.OK

    def delete(self, path: str, sync_directory: bool) -> int:
        return sqlite_shim.OK


def main(moment: str, nth: str, sent: str, *arguments: str) -> int:
    death = Death(moment, int(nth))
    make, write, submit = headless.make_session, StateStore.write, PaperVenue.submit
    told = os.open(sent, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def written(self: StateStore, batch: Any) -> int:
        rows = write(self, batch)
        if batch.checkpoint is not None:
            death("checkpoint written")
        return rows

    def submitted(self: PaperVenue, approved: Any, immediate: bool = False) -> Any:
        os.write(told, "".join(f"{number}\n" for number in approved.batch.number.tolist()).encode())
        return submit(self, approved, immediate)

    headless.make_session = lambda chosen, sink, broker: make(chosen, sink, fault=death, broker=broker)
    StateStore.write = written  # type: ignore[method-assign]
    PaperVenue.submit = submitted  # type: ignore[method-assign]
    if moment == IN_A_WRITE:
        with sqlite_shim.watched_by(Writes(death)):
            return cli.main(list(arguments))
    return cli.main(list(arguments))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
