"""Opening ``state.db``: make it when new, and refuse it with one sentence when it cannot be trusted."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from tuiconsole.domain.errors import StoreBindingError, StoreError
from tuiconsole.store import signed_head
from tuiconsole.store.archive import Archive, hash_at
from tuiconsole.store.binding import Binding
from tuiconsole.store.chain import GENESIS, link
from tuiconsole.store.connection import cause_of, open_writer, sync_directory
from tuiconsole.store.schema import APPLICATION_ID, SCHEMA_VERSION, migrate

QUICK_CHECK_PAGES = 4_096
"""Files up to this size (16 MiB) get SQLite's ``quick_check`` at opening; ``verify`` checks any size."""

LAST_ROWS_CHECKED = 256
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
_MOVE_AWAY = "Restore it from a backup, or move it away to start a new desk; 'tuiconsole verify' tells more."


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A store that may be trusted: its writer connection, signing key, and where its journal stands."""

    connection: sqlite3.Connection
    key: bytes
    rows: int
    head: bytes


def open_file(path: Path, binding: Binding) -> OpenedFile:
    """Create or open the store at ``path`` for the desk that ``binding`` describes.

    Raises
    ------
    StoreBindingError
        The file is no database, not ours, newer, damaged, cut short, or bound to another mode, tape or
        configuration.
    StoreError
        It cannot be created or written.
    """
    _prepare_directory(path)
    check_no_restore(path)
    try:
        connection = open_writer(path, lambda found: _check_header(path, found))
    except sqlite3.Error as error:
        raise _refusal(path, error) from error
    try:
        return _check(path, connection, binding)
    except sqlite3.Error as error:
        connection.close()
        raise _refusal(path, error) from error
    except BaseException:
        connection.close()
        raise


def restoring_path(state: Path) -> Path:
    """Directory that exists beside ``state`` while a backup is put in its place."""
    return state.with_name(state.name.removesuffix(".db") + ".restoring")


def check_no_restore(path: Path) -> None:
    """Refuse with :class:`StoreBindingError` a store into which a restore has not come to its end."""
    if restoring_path(path).exists():
        raise StoreBindingError(
            f"A restore into {path} has not come to its end.",
            "Run it once more: tuiconsole restore DIRECTORY --overwrite",
        )


def _prepare_directory(path: Path) -> None:
    directory = path.absolute().parent
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"The directory {directory} of {path.name} cannot be made: {error.strerror}.",
            "Name another file with --state, or make the directory writable by you.",
        ) from error
    if not os.access(directory, os.W_OK | os.X_OK):
        raise StoreError(
            f"The directory {directory} of {path.name} is not writable by you.",
            "Name another file with --state, or make the directory writable by you.",
        )


def _refusal(path: Path, error: sqlite3.Error) -> StoreError:
    why, remedy = cause_of(error)
    kind = StoreBindingError if (error.sqlite_errorname or "").startswith(_DAMAGED) else StoreError
    return kind(f"{path} cannot be used: {why}.", remedy)


def _check(path: Path, connection: sqlite3.Connection, binding: Binding) -> OpenedFile:
    _check_pages(path, connection)
    if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
        signed_head.check_fresh(path)
    migrate(connection)
    try:
        key = _bind(path, connection, binding)
    except OSError as error:
        raise StoreError(
            f"The key or the signed head beside {path} cannot be read or written: {error.strerror}.",
            "Make the directory and its files readable and writable by you.",
        ) from error
    rows, head = _check_head(path, connection, binding.desk, key)
    return OpenedFile(connection, key, rows, head)


def _check_header(path: Path, connection: sqlite3.Connection) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = connection.execute(
        "SELECT count(*) FROM sqlite_master WHERE name NOT LIKE '%migrations%'"
    ).fetchone()[0]
    if (application, version, tables) == (0, 0, 0):
        return
    if application != APPLICATION_ID:
        raise StoreBindingError(
            f"{path} is a database of another program.",
            "Name another file with --state; nothing was changed in it.",
        )
    if version < SCHEMA_VERSION:
        raise StoreBindingError(
            f"{path} has format {version}, older than the {SCHEMA_VERSION} that this program reads and writes.",
            "Keep it for the program that wrote it, and name another file with --state; nothing was changed in it.",
        )
    if version > SCHEMA_VERSION:
        raise StoreBindingError(
            f"{path} has format {version}, newer than the {SCHEMA_VERSION} this program knows.",
            "Upgrade tuiconsole, or name another file with --state.",
        )


def _check_pages(path: Path, connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA page_count").fetchone()[0] > QUICK_CHECK_PAGES:
        return
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise StoreBindingError(f"{path} is damaged: {found}.", _MOVE_AWAY)


def _bind(path: Path, connection: sqlite3.Connection, binding: Binding) -> bytes:
    """Bind a new store, or compare an old one's binding; returns the signing key."""
    stored = dict(connection.execute("SELECT name, value FROM meta").fetchall())
    if not stored:
        if connection.execute("SELECT count(*) FROM journal").fetchone()[0]:
            raise StoreBindingError(f"{path} has rows but does not say which desk it belongs to.", _MOVE_AWAY)
        signed_head.check_fresh(path)
        key = signed_head.create_key(path)
        signature = signed_head.sign(key, binding.desk, 0, GENESIS)
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "INSERT INTO meta (name, value) VALUES (?, ?)", list(binding.as_text().items())
        )
        connection.execute(
            "INSERT INTO head (id, rows, hash, signature) VALUES (1, 0, ?, ?)", (GENESIS, signature)
        )
        connection.execute("COMMIT")
        sync_directory(path.absolute().parent)
        signed_head.export(path, key, binding.desk, 0, GENESIS)
        return key
    try:
        difference = Binding.from_text(stored).difference(binding)
    except (KeyError, ValueError):
        raise StoreBindingError(f"{path} does not say which desk it belongs to.", _MOVE_AWAY) from None
    if difference is not None:
        raise StoreBindingError(
            f"{path} belongs to a desk with {difference}.",
            "Start with the settings it was made with, or name another file with --state.",
        )
    found = signed_head.read_key(path)
    if found is None:
        raise signed_head.missing_key(path)
    return found


def _check_head(path: Path, connection: sqlite3.Connection, desk: str, key: bytes) -> tuple[int, bytes]:
    """Rows and head of the journal, after checking its end and both signed heads."""
    found = connection.execute("SELECT rows, hash, signature FROM head WHERE id = 1").fetchone()
    last = connection.execute("SELECT max(seq) FROM journal").fetchone()[0] or 0
    if found is None or found[2] != signed_head.sign(key, desk, found[0], found[1]):
        raise StoreBindingError(f"The journal's head in {path} is not signed by this desk's key.", _MOVE_AWAY)
    rows, head = int(found[0]), bytes(found[1])
    if rows != last:
        raise StoreBindingError(f"{path} holds {last} journal rows where {rows} were committed.", _MOVE_AWAY)
    first = max(Archive.of(connection).rows, rows - LAST_ROWS_CHECKED)
    previous = hash_at(connection, first)
    for seq, payload, stored in connection.execute(
        "SELECT seq, payload, hash FROM journal WHERE seq > ? ORDER BY seq", (first,)
    ):
        previous = link(previous, seq, payload) if previous is not None else None
        if previous != stored:
            raise StoreBindingError(f"Row {seq} of the journal in {path} was changed.", _MOVE_AWAY)
    if previous != head:
        raise StoreBindingError(f"The journal in {path} does not end in its signed head.", _MOVE_AWAY)
    exported = signed_head.read_head(path, key, desk)
    if exported is not None and not exported.valid:
        raise StoreBindingError(
            f"{signed_head.head_path(path)} is damaged or signed with another key.",
            "Restore it beside the store, or remove it after 'tuiconsole verify' has found the rest sound.",
        )
    if exported is not None and exported.head != hash_at(connection, exported.rows):
        raise StoreBindingError(
            f"{path} was cut short or replaced by another: it holds {rows} journal rows that do not contain "
            f"the {exported.rows} its signed head counts.",
            _MOVE_AWAY,
        )
    return rows, head
