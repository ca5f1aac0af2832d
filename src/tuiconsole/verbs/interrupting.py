"""Ctrl-C during a long verb: one sentence about what was kept and how to go on, and exit code 130."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tuiconsole.domain.errors import Interrupted

ANY_VERB = "Interrupted: what was stored before is whole. Start the command again."
"""What is said of a verb that has no sentence of its own."""


@contextmanager
def interruptible(kept: Callable[[], str]) -> Iterator[None]:
    """Turn Ctrl-C inside the block into :class:`Interrupted`.

    Parameters
    ----------
    kept
        Asked after the interruption: what was kept and how to go on.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(f"Interrupted: {kept()}") from None
