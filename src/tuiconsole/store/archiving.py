"""Moving old rows from ``state.db`` to the archive, so that the file stays small however long the desk runs.

Rows are written to the archive, made durable and read back before the first of them is deleted. ``meta`` moves with every
group of deletions, in one transaction. A power loss at any moment leaves each row in the table, in the archive, or in both,
and the next run goes on where this one ended.
"""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import msgspec

from tuiconsole.domain.errors import StoreError
from tuiconsole.store.archive import (
    ARCHIVED,
    BLOCK_ROWS,
    FOOTER,
    MAGIC,
    Archive,
    ArchiveFile,
    Header,
    archive_path,
    file_path,
    hash_at,
)
from tuiconsole.store.binding import Binding
from tuiconsole.store.chain import link
from tuiconsole.store.connection import cause_of, reading, sync_directory
from tuiconsole.store.opening import open_file
from tuiconsole.store.readers import opened_row

DELETED_AT_ONCE = 20_000
"""Rows that leave the table in one transaction while nobody waits; a trading desk takes fewer."""

_COMPRESSION = 6


@dataclass(frozen=True, slots=True)
class Archived:
    """What a run moved.

    Attributes
    ----------
    moved, rows
        Rows moved by it, and all archived rows now.
    bytes_before, bytes_after
        Size of ``state.db``.
    bytes_free
        Of these, what no row uses any more and later rows use first.
    """

    moved: int
    rows: int
    bytes_before: int
    bytes_after: int
    bytes_free: int


def archive_rows(state: Path, older_than_ns: int) -> Archived:
    """Move the rows before the oldest checkpoint that were written before ``older_than_ns`` (wall time) to the archive.

    The caller holds the engine lock: nobody else has the store open for writing.

    Raises
    ------
    StoreError
        The store cannot be trusted or written, or the archive cannot; nothing is lost then.
    """
    connection = open_file(state, Binding.of(opened_row(state))).connection
    before = state.stat().st_size
    try:
        start = rows = Archive.of(connection).rows
        while (target := prepare(connection, state, older_than_ns)) > rows:
            forget(connection, target, lambda: None)
            rows = target
        if connection.execute("PRAGMA freelist_count").fetchone()[0]:
            _shrink(connection)
    except sqlite3.Error as error:
        raise _not_moved(state, error) from error
    finally:
        connection.close()
    return Archived(rows - start, rows, before, state.stat().st_size, 0)


def prepare_beside(state: Path, older_than_ns: int) -> int:
    """As :func:`prepare`, through a reader of its own: for a store that an engine writes meanwhile."""
    with reading(state) as connection:
        return prepare(connection, state, older_than_ns)


def prepare(connection: sqlite3.Connection, state: Path, older_than_ns: int) -> int:
    """See to it that the archive durably holds what may leave the table; up to which row it does.

    What an interrupted run has written is taken first. Raises :class:`StoreError` when the archive cannot be written, or does
    not fit the journal.
    """
    already = Archive.of(connection).rows
    try:
        for path in sorted(archive_path(state).glob("*.rows")):
            if ArchiveFile(path).header.last > already:
                return _checked(path, connection, already)
        last = _last_row(connection, already, older_than_ns)
        if last > already:
            _write(connection, state, already, last)
        return last
    except OSError as error:
        raise StoreError(
            f"The archive {archive_path(state)} cannot be written: {error.strerror}.",
            "Free some space, then try again.",
        ) from error


def forget(
    connection: sqlite3.Connection,
    target: int,
    between: Callable[[], None],
    at_once: int = DELETED_AT_ONCE,
) -> None:
    """Delete the rows up to ``target``, which the archive holds, from the table of the writer's ``connection``.

    ``between`` is called after each transaction of ``at_once`` rows and may write through ``connection``.
    """
    already = Archive.of(connection).rows
    while already < target:
        following = min(already + at_once, target)
        head = (hash_at(connection, following) or b"").hex()
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute("DELETE FROM journal WHERE seq > ? AND seq <= ?", (max(1, already), following))
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (ARCHIVED, f"{following}:{head}"))
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        already = following
        between()


def free_bytes(connection: sqlite3.Connection) -> int:
    """What no row uses in the file of ``connection``."""
    pages = connection.execute("PRAGMA freelist_count").fetchone()[0]
    return int(pages) * int(connection.execute("PRAGMA page_size").fetchone()[0])


def _not_moved(state: Path, error: sqlite3.Error) -> StoreError:
    why, remedy = cause_of(error)
    return StoreError(f"Rows of {state} cannot be moved to the archive: {why}.", remedy)


def _last_row(connection: sqlite3.Connection, already: int, older_than_ns: int) -> int:
    """The last row that may go: before every checkpoint, and old enough (wall times grow with the rows)."""
    oldest = connection.execute("SELECT min(seq) FROM checkpoints").fetchone()[0]
    low, high = already, (oldest or 1) - 1
    while low < high:
        middle = (low + high + 1) // 2
        written = connection.execute("SELECT wall_ns FROM journal WHERE seq = ?", (middle,)).fetchone()[0]
        low, high = (middle, high) if written < older_than_ns else (low, middle - 1)
    return low


def _write(connection: sqlite3.Connection, state: Path, already: int, last: int) -> None:
    """Put the rows ``already + 1`` to ``last`` into one file of the archive, durable and read back."""
    directory = archive_path(state)
    directory.mkdir(mode=0o700, exist_ok=True)
    sync_directory(state.parent)
    before, head = hash_at(connection, already), hash_at(connection, last)
    if before is None or head is None:
        raise StoreError(f"Row {already} or {last} of {state} is missing.", "Run 'tuiconsole verify'.")
    path = file_path(directory, already + 1, last)
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        _Hashed(descriptor).write_file(
            connection, Header(opened_row(connection).desk, already + 1, last, before, head)
        )
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    _check(fresh)
    fresh.replace(path)
    sync_directory(directory)


class _Hashed:
    """A file that is written once, hashed on the way."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._digest = sha256()

    def write_file(self, connection: sqlite3.Connection, header: Header) -> None:
        """Header, blocks and footer of the rows that ``header`` names, their chain checked on the way."""
        self._put(MAGIC)
        self._frame(msgspec.msgpack.encode(header))
        before = header.before
        for first in range(header.first, header.last + 1, BLOCK_ROWS):
            before = self._block(connection, first, min(first + BLOCK_ROWS - 1, header.last), before)
        self._put(FOOTER.to_bytes(4, "little"))
        self._put(self._digest.digest())

    def _block(self, connection: sqlite3.Connection, first: int, last: int, before: bytes) -> bytes:
        found = connection.execute(
            "SELECT seq, payload, hash, wall_ns FROM journal WHERE seq BETWEEN ? AND ? ORDER BY seq",
            (first, last),
        ).fetchall()
        head = before
        for wanted, (row, payload, stored, _) in zip(range(first, last + 1), found, strict=True):
            head = link(head, row, payload)
            if row != wanted or head != stored:
                raise StoreError(f"Row {wanted} of the journal was changed.", "Run 'tuiconsole verify'.")
        pairs = [(payload, wall_ns) for _, payload, _, wall_ns in found]
        self._frame(
            first.to_bytes(8, "little") + before + zlib.compress(msgspec.msgpack.encode(pairs), _COMPRESSION)
        )
        return head

    def _frame(self, content: bytes) -> None:
        self._put(len(content).to_bytes(4, "little"))
        self._put(content)

    def _put(self, data: bytes) -> None:
        self._digest.update(data)
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]


def _check(path: Path) -> ArchiveFile:
    """Read a file back, every row of it."""
    file = ArchiveFile(path)
    file.check_footer()
    row = file.header.first
    while row <= file.header.last:
        row = file.block_at(row)[-1][0] + 1
    return file


def _checked(path: Path, connection: sqlite3.Connection, already: int) -> int:
    """The last row of a file that an interrupted run has left, after checking that it goes on where the archive ends."""
    header = _check(path).header
    if hash_at(connection, header.last) != header.head or header.first > already + 1:
        raise StoreError(f"The archive {path} does not fit the journal.", "Run 'tuiconsole verify'.")
    return header.last


def _shrink(connection: sqlite3.Connection) -> None:
    """Give the room back to the disk."""
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
