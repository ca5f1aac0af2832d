"""Copies of ``state.db`` through SQLite's online backup: whole and consistent, also while the desk trades.

The copy is one file without a log beside it, with the same journal, tables and checkpoints, bound to the same desk.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from tuiconsole.domain.errors import StoreError
from tuiconsole.store import signed_head
from tuiconsole.store.connection import cause_of, open_reader

PAGES_AT_A_TIME = 128
"""Pages (4 KiB each) between two moments at which commits that wait are let through."""


def copy_database(
    source: sqlite3.Connection, target: Path, between: Callable[[], None], pages: int = PAGES_AT_A_TIME
) -> None:
    """Copy what ``source`` has open to the new file ``target``, and make it durable.

    Parameters
    ----------
    between
        Called after each ``pages`` pages; may write through ``source``, which the copy then contains too.
    pages
        -1 copies all in one transaction: for a reader of a file that another process may write.

    Raises
    ------
    StoreError
        ``target`` exists, or cannot be written.
    """
    if target.exists():
        raise StoreError(f"{target} exists already.", "Copies never replace a file: name another.")
    before = os.umask(0o077)
    try:
        copy = sqlite3.connect(target, isolation_level=None)
    except sqlite3.Error as error:
        raise _not_copied(target, error) from error
    finally:
        os.umask(before)
    try:
        source.backup(copy, pages=pages, progress=lambda *_: between(), sleep=0.0)
        copy.execute("PRAGMA journal_mode=DELETE").fetchone()
    except sqlite3.Error as error:
        raise _not_copied(target, error) from error
    finally:
        copy.close()


def copy_at_rest(state: Path, target: Path) -> None:
    """Copy the store ``state`` in one reading transaction; for when no engine can be asked. Raises as :func:`copy_database`."""
    reader = open_reader(state)
    try:
        copy_database(reader, target, lambda: None, pages=-1)
    finally:
        reader.close()


def export_head_of(copy: Path) -> tuple[int, str]:
    """Write the signed head beside ``copy`` from the one inside it; its rows, and its hash in hexadecimal.

    Raises :class:`StoreError` when there is no head in it.
    """
    reader = open_reader(copy)
    try:
        found = reader.execute("SELECT rows, hash, signature FROM head WHERE id = 1").fetchone()
        desk = reader.execute("SELECT value FROM meta WHERE name = 'desk'").fetchone()
    except sqlite3.Error as error:
        raise _not_copied(copy, error) from error
    finally:
        reader.close()
    if found is None or desk is None:
        raise StoreError(f"{copy} holds no journal: no desk was ever started on it.")
    rows, head, signature = found
    signed_head.write_head(copy, signed_head.HeadFile(rows, head.hex(), desk[0], signature.hex()))
    return int(rows), head.hex()


def _not_copied(target: Path, error: sqlite3.Error) -> StoreError:
    why, remedy = cause_of(error)
    return StoreError(f"{target} cannot be written: {why}.", remedy)
