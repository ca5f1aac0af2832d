"""Connections to ``state.db``: one that writes and checkpoints, and readers that can do neither."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import msgspec

from tuiconsole.domain.errors import StoreError, UsageError

WRITER_BUSY_MS = 2_000
READER_BUSY_MS = 1_000
WAL_AUTOCHECKPOINT_PAGES = 1_000
JOURNAL_SIZE_LIMIT_BYTES = 64 * 1024 * 1024

_WRITER_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    f"PRAGMA wal_autocheckpoint={WAL_AUTOCHECKPOINT_PAGES}",
    f"PRAGMA journal_size_limit={JOURNAL_SIZE_LIMIT_BYTES}",
    "PRAGMA foreign_keys=OFF",
    "PRAGMA trusted_schema=OFF",
)
_READER_PRAGMAS = ("PRAGMA query_only=ON", "PRAGMA wal_autocheckpoint=0", "PRAGMA trusted_schema=OFF")

_CAUSES = {
    "SQLITE_FULL": ("the disk is full", "Free some space, then start the desk again."),
    "SQLITE_IOERR": ("the disk reported an input/output error", "Check the disk, then start the desk again."),
    "SQLITE_BUSY": ("another process holds it locked", "Stop the other process, then start the desk again."),
    "SQLITE_LOCKED": ("it is locked", "Stop the other process, then start the desk again."),
    "SQLITE_READONLY": ("it is read-only", "Make the file and its directory writable by you."),
    "SQLITE_CANTOPEN": (
        "it cannot be opened or created",
        "Check that its directory exists and is writable by you.",
    ),
    "SQLITE_NOTADB": ("it is not a database", "Name another file with --state, or move this one away."),
    "SQLITE_CORRUPT": ("it is damaged", "Restore it from a backup, or move it away to start a new desk."),
}


def cause_of(error: Exception) -> tuple[str, str]:
    """``(why, what to do)`` for an error of SQLite, in the trader's words."""
    name = getattr(error, "sqlite_errorname", None) or ""
    for prefix, words in _CAUSES.items():
        if name.startswith(prefix):
            return words
    return f"SQLite reports: {error}", "Run 'tuiconsole verify' and 'tuiconsole doctor'."


def _uri(path: Path, mode: str) -> str:
    return f"file:{quote(str(path.absolute()))}?mode={mode}"


def open_writer(path: Path, check: Callable[[sqlite3.Connection], None] | None = None) -> sqlite3.Connection:
    """The one writing connection: WAL, ``synchronous=FULL``; creates the file with mode 0600.

    ``check`` sees the connection before anything is changed in the file, and may raise to refuse it.

    SQLite's own locking stays ``NORMAL`` (exclusive locking would shut readers out of a WAL file): that there
    is one writer is the engine's lock, and every commit checks that the head is still the one it left.
    """
    before = os.umask(0o077)
    try:
        connection = sqlite3.connect(
            _uri(path, "rwc"),
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=WRITER_BUSY_MS / 1000,
        )
        try:
            if check is not None:
                check(connection)
            for pragma in _WRITER_PRAGMAS:
                connection.execute(pragma).fetchall()
        except BaseException:
            connection.close()
            raise
    finally:
        os.umask(before)
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that only reads and never checkpoints; keep its transactions under a second.

    Raises
    ------
    UsageError
        When there is no such file.
    StoreError
        When it cannot be read.
    """
    if not path.exists():
        raise UsageError(f"There is no {path}.", "Start the desk once, or name its file with --state.")
    try:
        connection = sqlite3.connect(
            _uri(path, "ro"),
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=READER_BUSY_MS / 1000,
        )
        for pragma in _READER_PRAGMAS:
            connection.execute(pragma)
    except sqlite3.Error as error:
        why, remedy = cause_of(error)
        raise StoreError(f"{path} cannot be read: {why}.", remedy) from error
    return connection


@contextmanager
def reading(source: Path | sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """``source`` itself when it is a connection, else a reader of that path, closed at the end."""
    if isinstance(source, sqlite3.Connection):
        yield source
        return
    connection = open_reader(source)
    try:
        yield connection
    except sqlite3.Error as error:
        why, remedy = cause_of(error)
        raise StoreError(f"{source} cannot be read: {why}.", remedy) from error
    except msgspec.MsgspecError as error:
        raise StoreError(
            f"{source} cannot be read: a row of its journal is damaged.", "Run 'tuiconsole verify'."
        ) from error
    finally:
        connection.close()


def fold_log(path: Path) -> None:
    """Bring what is in the log of ``path`` into the file itself, if both are sound; for a file that nobody has open."""
    with suppress(sqlite3.Error):
        connection = sqlite3.connect(_uri(path, "rw"), uri=True, isolation_level=None)
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            connection.close()


def sync_directory(directory: Path) -> None:
    """Make names created or replaced in ``directory`` durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
