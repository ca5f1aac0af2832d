"""The writer thread: it alone touches the store's connection, so the event loop never waits on a disk.

The caller appends and hashes; each ``submit`` hands over what was appended since the last one. The thread
takes everything that is waiting, commits it as one group and resolves all futures. A failure fails them all,
and every later one.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

from tuiconsole.domain.codec import encode_state
from tuiconsole.domain.errors import StoreError
from tuiconsole.domain.records import Record
from tuiconsole.store.state_store import Batch, StateStore

MAX_WAITING = 1_024
"""Hand-overs that may wait for the disk; with more the disk has stalled, and the store counts as failed."""


class Writer:
    """Runs one :class:`StateStore` on its own thread. A :class:`~tuiconsole.store.sink.DurableSink`.

    Parameters
    ----------
    store
        An open store; from now on used through the writer alone (its ``tail`` and ``last_checkpoint`` before
        that).
    on_failure
        Called once, on the writer's thread, when the store fails: tell the loop to halt the desk.

    Notes
    -----
    ----- ``append``, ``submit`` and ``checkpoint`` belong to one thread. At interpreter exit the executor
    finishes what was submitted before the thread ends.
    """

    def __init__(self, store: StateStore, on_failure: Callable[[StoreError], None] | None = None) -> None:
        self._store = store
        self._on_failure = on_failure
        self._waiting: deque[tuple[Batch, Future[int]]] = deque()
        self._lock = threading.Lock()
        self._failure: StoreError | None = None
        self._closed = False
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="state-writer")

    @property
    def rows(self) -> int:
        """Rows appended so far, durable or not."""
        return self._store.rows

    @property
    def head(self) -> bytes:
        """Hash of the last appended row, 32 bytes."""
        return self._store.head

    @property
    def durable_rows(self) -> int:
        """Rows that a power loss would not take."""
        return self._store.durable_rows

    @property
    def failure(self) -> StoreError | None:
        """Why nothing is written any more, or None."""
        return self._failure

    def append(self, record: Record) -> None:
        """Chain and buffer ``record``; :class:`StoreError` once the store has failed."""
        self._refuse_if_failed()
        self._store.append(record)

    def submit(self) -> Future[int]:
        """Hand everything appended to the thread; the future gives the durable rows or a ``StoreError``."""
        self._refuse_if_failed()
        return self._hand_over(self._store.take())

    def checkpoint(self, state: Any) -> Future[int]:
        """Like :meth:`submit`, with ``state`` (encoded now) stored as of the rows so far."""
        self._refuse_if_failed()
        return self._hand_over(self._store.take(encode_state(state)))

    def copy_to(self, target: Path) -> Future[int]:
        """Copy the store on its thread; what is submitted meanwhile is committed between the pages, and copied too."""
        self._refuse_if_failed()
        return self._thread.submit(self._copy_to, target)

    def _copy_to(self, target: Path) -> int:
        return self._store.copy_to(target, self._between_pages).result()

    def forget(self, target: int) -> Future[int]:
        """Delete archived rows on the store's thread, a few at a time, commits going on between; the bytes free then."""
        self._refuse_if_failed()
        return self._thread.submit(lambda: self._store.forget(target, self._between_pages).result())

    def _between_pages(self) -> None:
        self._drain()
        self._refuse_if_failed()

    def commit(self) -> None:
        """Wait until everything appended is durable. Blocks: not for an event loop."""
        self.submit().result()

    def close(self) -> None:
        """Commit what was appended, close the store on its thread and end the thread. Blocks shortly."""
        if self._closed:
            return
        self._closed = True
        closing = self._thread.submit(self._close_store)
        self._thread.shutdown(wait=True)
        closing.result()

    def _close_store(self) -> None:
        self._drain()
        self._store.close()

    def _refuse_if_failed(self) -> None:
        if self._failure is not None:
            raise StoreError(self._failure.what, self._failure.remedy)
        if self._closed:
            raise StoreError(f"{self._store.path} was closed.", "Start the desk again.")

    def _hand_over(self, batch: Batch) -> Future[int]:
        future: Future[int] = Future()
        future.set_running_or_notify_cancel()  # a waiter that gives up cannot take the rows back
        with self._lock:
            self._waiting.append((batch, future))
            too_many = len(self._waiting) > MAX_WAITING
        self._thread.submit(self._drain)
        if too_many:
            self._failure = StoreError(
                f"The disk of {self._store.path} has stalled: {MAX_WAITING} commits are waiting.",
                "Check the disk, then start the desk again.",
            )
            raise self._failure
        return future

    def _drain(self) -> None:
        with self._lock:
            waiting = list(self._waiting)
            self._waiting.clear()
        if not waiting:
            return
        joined = waiting[0][0]
        for batch, _ in waiting[1:]:
            joined.extend(batch)
        try:
            rows = self._store.write(joined)
        except StoreError as error:
            self._fail(error, waiting)
            return
        except BaseException as error:  # a fault of the program: nobody may wait for ever
            fault = StoreError(f"The writer thread failed: {error!r}.", "Start the desk again.")
            self._fail(fault, waiting)
            raise
        for _, future in waiting:
            future.set_result(rows)

    def _fail(self, error: StoreError, waiting: list[tuple[Batch, Future[int]]]) -> None:
        first, self._failure = self._failure is None, error
        for _, future in waiting:
            future.set_exception(StoreError(error.what, error.remedy))
        if first and self._on_failure is not None:
            self._on_failure(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
