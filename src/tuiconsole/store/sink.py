"""Where the desk's records go: a backtest's file, the store, its writer thread, a replay catching up."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import Any, Protocol

from tuiconsole.domain.records import Record


class JournalSink(Protocol):
    """Takes records in order and chains their hashes."""

    @property
    def rows(self) -> int:
        """Rows appended so far, durable or not."""
        ...

    @property
    def head(self) -> bytes:
        """Hash of the last appended row, 32 bytes."""
        ...

    def append(self, record: Record) -> None:
        """Add ``record``; the chain advances at once, durability waits for :meth:`commit`."""
        ...

    def commit(self) -> None:
        """Return when everything appended is durable; ``StoreError`` when it cannot be."""
        ...

    def close(self) -> None:
        """Commit and let go; harmless when called twice."""
        ...


class DurableSink(JournalSink, Protocol):
    """A sink that also keeps checkpoints and can be waited on without blocking an event loop."""

    def submit(self) -> Future[int]:
        """Ask for everything appended so far to become durable; the result is the number of durable rows."""
        ...

    def checkpoint(self, state: Any) -> Future[int]:
        """Store ``state`` (nested values that ``encode_state`` takes) as of the rows appended so far."""
        ...

    def forget(self, target: int) -> Future[int]:
        """Delete the rows up to ``target``, which the archive holds; the result is the bytes that are free in the file."""
        ...

    def copy_to(self, target: Path) -> Future[int]:
        """Copy the store to the new file ``target`` while rows go on being written; the result is the durable rows."""
        ...


def finished(rows: int) -> Future[int]:
    """A future that is already done."""
    future: Future[int] = Future()
    future.set_result(rows)
    return future
