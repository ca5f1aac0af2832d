"""Ctrl-C during a long verb: one sentence about what was kept and how to go on, and exit code 130."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tuiconsole.domain.errors import Interrupted

ANY_VERB = "Interrupted: what was stored before is whole. Start the command again."
"""What is said of a verb that has no sentence of its own."""


class Stop:
    """Whether the user asked to stop: libraries that call back from C may swallow the interruption itself."""

    def __init__(self) -> None:
        self._asked = False

    def check(self) -> None:
        """Interrupt again when the user had asked to stop."""
        if self._asked:
            raise KeyboardInterrupt

    def handle(self, _number: int, _frame: Any) -> None:
        """Take the signal: remember it, and interrupt what runs."""
        self._asked = True
        raise KeyboardInterrupt


@contextmanager
def interruptible(kept: Callable[[], str]) -> Iterator[Stop]:
    """Turn Ctrl-C inside the block into :class:`Interrupted`, at the end of the block at the latest.

    Parameters
    ----------
    kept
        Asked after the interruption: what was kept and how to go on.
    """
    stop = Stop()
    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, stop.handle) if main else None
    try:
        yield stop
        stop.check()
    except KeyboardInterrupt:
        raise Interrupted(f"Interrupted: {kept()}") from None
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)
