"""``state.db``: the durable journal of a replaying, paper or live desk.

``append`` chains and buffers on the caller's side; ``write`` puts a batch of rows and their projections into
the file in one transaction, on whichever thread owns the connection. ``commit`` is both. Any failure to write
is final: the store then refuses every further row, and the desk must halt.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tuiconsole.domain.clock import Clock
from tuiconsole.domain.codec import decode_record, encode_record, encode_state
from tuiconsole.domain.errors import StoreError
from tuiconsole.domain.records import Opened, Record
from tuiconsole.store import checkpoints, signed_head
from tuiconsole.store.archiving import forget, free_bytes
from tuiconsole.store.binding import Binding
from tuiconsole.store.chain import Chain
from tuiconsole.store.checkpoints import Checkpoint
from tuiconsole.store.connection import cause_of
from tuiconsole.store.copying import copy_database
from tuiconsole.store.opening import open_file
from tuiconsole.store.projections import Projector
from tuiconsole.store.sink import finished
from tuiconsole.store.tail import Tail

_INSERT = "INSERT INTO journal (seq, payload, hash, wall_ns) VALUES (?, ?, ?, ?)"
_MOVE_HEAD = "UPDATE head SET rows = ?, hash = ?, signature = ? WHERE id = 1 AND rows = ? AND hash = ?"


@dataclass(slots=True)
class Batch:
    """Rows that go into the file together, and the checkpoint after them if one was asked for."""

    rows: list[tuple[int, bytes, bytes, int]] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    checkpoint: Checkpoint | None = None
    head: bytes = b""
    last: int = 0

    def extend(self, later: Batch) -> None:
        """Join ``later`` to this batch; of two checkpoints the later one stays."""
        self.rows += later.rows
        self.records += later.records
        self.checkpoint = later.checkpoint or self.checkpoint
        self.head, self.last = later.head, later.last


class StateStore:
    """One open ``state.db``; made by :meth:`open`. A :class:`~tuiconsole.store.sink.DurableSink`.

    Attributes
    ----------
    path
        The file.
    binding
        What it is bound to.
    durable_rows
        Rows that a power loss would not take.
    """

    def __init__(
        self,
        path: Path,
        binding: Binding,
        clock: Clock,
        connection: sqlite3.Connection,
        key: bytes,
        chain: Chain,
    ) -> None:
        self.path = path
        self.binding = binding
        self.durable_rows = chain.rows
        self._clock = clock
        self._connection = connection
        self._key = key
        self._chain = chain
        self._durable_head = chain.head
        self._batch = Batch(head=chain.head, last=chain.rows)
        self._projector = Projector(self._symbols())
        self._failure: StoreError | None = None
        self._closed = False

    @classmethod
    def open(cls, path: Path, binding: Binding, clock: Clock) -> Self:
        """Create or open the store at ``path``; refusals as in :func:`tuiconsole.store.opening.open_file`."""
        found = open_file(path, binding)
        return cls(path, binding, clock, found.connection, found.key, Chain(found.head, found.rows))

    def _symbols(self) -> tuple[str, ...]:
        first = self._connection.execute("SELECT payload FROM journal WHERE seq = 1").fetchone()
        record = decode_record(first[0]) if first else None
        return record.symbols if isinstance(record, Opened) else ()

    @property
    def rows(self) -> int:
        """Rows appended so far, durable or not."""
        return self._chain.rows

    @property
    def head(self) -> bytes:
        """Hash of the last appended row, 32 bytes."""
        return self._chain.head

    @property
    def failure(self) -> StoreError | None:
        """Why the store stopped writing, or None while it writes."""
        return self._failure

    def append(self, record: Record) -> None:
        """Chain and buffer ``record``. Raises :class:`StoreError` once the store has failed or was closed."""
        self._refuse_if_stopped()
        payload = encode_record(record)
        digest = self._chain.push(payload)
        batch = self._batch
        batch.rows.append((self._chain.rows, payload, digest, self._clock.now_ns()))
        batch.records.append(record)

    def take(self, checkpoint: bytes | None = None) -> Batch:
        """What was appended since the last take; an encoded state becomes a checkpoint after it."""
        batch, chain = self._batch, self._chain
        self._batch = Batch()
        batch.head, batch.last = chain.head, chain.rows
        if checkpoint is not None:
            batch.checkpoint = Checkpoint(chain.rows, chain.head, checkpoint)
        return batch

    def write(self, batch: Batch) -> int:
        """Make ``batch`` durable in one transaction; returns the durable rows. Call it from one thread only.

        Raises
        ------
        StoreError
            When it could not be written, or another process wrote meanwhile; the store then takes nothing
            more.
        """
        self._refuse_if_stopped()
        if not batch.rows and batch.checkpoint is None:
            return self.durable_rows
        try:
            if batch.rows and batch.rows[0][0] != self.durable_rows + 1:
                raise StoreError(f"Rows for {self.path} came out of order.", "Start the desk again.")
            self._transaction(batch)
            self.durable_rows, self._durable_head = batch.last, batch.head
            if batch.checkpoint is not None:
                self._export()
        except (sqlite3.Error, OSError, ArithmeticError, LookupError, ValueError, StoreError) as error:
            self._fail(error)
        return self.durable_rows

    def _transaction(self, batch: Batch) -> None:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        done = False
        try:
            connection.executemany(_INSERT, batch.rows)
            for row, record in zip(batch.rows, batch.records, strict=True):
                self._projector.collect(row[0], record)
            self._projector.write(connection)
            if batch.rows:
                self._move_head(batch)
            if batch.checkpoint is not None:
                checkpoints.insert(connection, batch.checkpoint, self._clock.now_ns())
            connection.execute("COMMIT")
            done = True
        finally:
            if not done:
                self._abandon()

    def _move_head(self, batch: Batch) -> None:
        signature = signed_head.sign(self._key, self.binding.desk, batch.last, batch.head)
        moved = self._connection.execute(
            _MOVE_HEAD, (batch.last, batch.head, signature, self.durable_rows, self._durable_head)
        )
        if moved.rowcount != 1:
            raise StoreError(f"Another process wrote to {self.path}.", "Run one engine for each state file.")

    def _abandon(self) -> None:
        self._failure = self._failure or StoreError(
            f"A write to {self.path} was abandoned.", "Start the desk again."
        )
        if self._connection.in_transaction:
            try:
                self._connection.execute("ROLLBACK")
            except sqlite3.Error as error:  # the disk is gone; recovery at the next start rolls back
                self._failure.add_note(f"The roll-back failed too: {error}")

    def _fail(self, error: Exception) -> None:
        if isinstance(error, StoreError):
            self._failure = error
        elif isinstance(error, OSError):
            self._failure = StoreError(
                f"The signed head of {self.path} cannot be written: {error.strerror}.",
                "Free the disk or its permissions, then start the desk again.",
            )
        elif isinstance(error, ArithmeticError | LookupError | ValueError):
            self._failure = StoreError(
                f"A record cannot be written to {self.path}: {error}.",
                "This is a fault of the program; report it.",
            )
        else:
            why, remedy = cause_of(error)
            self._failure = StoreError(f"The journal {self.path} cannot be written: {why}.", remedy)
        raise self._failure from error

    def _refuse_if_stopped(self) -> None:
        if self._failure is not None:
            raise StoreError(self._failure.what, self._failure.remedy)
        if self._closed:
            raise StoreError(f"{self.path} was closed.", "Start the desk again.")

    def _export(self) -> None:
        signed_head.export(self.path, self._key, self.binding.desk, self.durable_rows, self._durable_head)

    def commit(self) -> None:
        """Return when everything appended is durable."""
        self.write(self.take())

    def submit(self) -> Future[int]:
        """As :meth:`commit`, as a future that is already done; errors are raised at once."""
        self.commit()
        return finished(self.durable_rows)

    def checkpoint(self, state: Any) -> Future[int]:
        """Commit, and store ``state`` as of the rows so far; the newest three are kept."""
        self.write(self.take(encode_state(state)))
        return finished(self.durable_rows)

    def copy_to(self, target: Path, between: Callable[[], None] = lambda: None) -> Future[int]:
        """Copy the file to ``target`` as :func:`~tuiconsole.store.copying.copy_database` does; errors are raised at once."""
        self._refuse_if_stopped()
        copy_database(self._connection, target, between)
        return finished(self.durable_rows)

    def forget(
        self, target: int, between: Callable[[], None] = lambda: None, at_once: int = 200
    ) -> Future[int]:
        """Let the rows up to ``target`` go, which the archive holds durably; the bytes that are free in the file now.

        Raises :class:`StoreError` when they cannot be deleted; the store itself goes on.
        """
        self._refuse_if_stopped()
        try:
            forget(self._connection, target, between, at_once)
            return finished(free_bytes(self._connection))
        except sqlite3.Error as error:
            why, remedy = cause_of(error)
            raise StoreError(f"Archived rows stay in {self.path}: {why}.", remedy) from error

    def last_checkpoint(self) -> Checkpoint | None:
        """The newest checkpoint whose hashes are right; a damaged one is passed over. None without any."""
        return checkpoints.newest_sound(self._connection)

    def tail(self, after: int) -> Tail:
        """``(row, payload)`` of the durable rows behind ``after``, page by page in short transactions."""
        return Tail.of(self._connection, self.path, after, self.durable_rows)

    def close(self) -> None:
        """Commit, export the signed head and close; after a failure only close."""
        if self._closed:
            return
        try:
            if self._failure is None:
                self.commit()
                self._export()
        except OSError as error:
            self._fail(error)
        finally:
            self._closed = True
            self._connection.close()
