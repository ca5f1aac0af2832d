"""Journal rows as a stream: read page by page, each page its own short transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from tuiconsole.domain.errors import StoreError
from tuiconsole.store.archive import Archive, hash_at
from tuiconsole.store.connection import reading

PAGE_ROWS = 512


class Tail(Iterator[tuple[int, bytes]]):
    """``(row, payload)`` of the rows ``after + 1`` to ``last``.

    Attributes
    ----------
    after
        Row before the next one.
    last
        Where the stream ends, whatever is appended meanwhile.
    head
        Hash of the row ``after`` that the stream started behind, 32 bytes.
    """

    def __init__(self, path: Path, after: int, last: int, head: bytes) -> None:
        self.after = after
        self.last = last
        self.head = head
        self._path = path
        self._page: Iterator[tuple[int, bytes]] = iter(())

    @classmethod
    def of(cls, connection: sqlite3.Connection, path: Path, after: int, last: int) -> Self:
        """The rows of ``path`` behind ``after``; ``connection`` only looks up the hash to start from."""
        found = hash_at(connection, after)
        if found is None:
            raise StoreError(f"Row {after} of the journal in {path} is missing.", "Run 'tuiconsole verify'.")
        return cls(path, after, last, found)

    def __length_hint__(self) -> int:
        return self.last - self.after

    def __next__(self) -> tuple[int, bytes]:
        if self.after >= self.last:
            raise StopIteration
        item = next(self._page, None)
        if item is None:
            self._page = iter(self._read())
            item = next(self._page, None)
        if item is None or item[0] != self.after + 1:
            raise StoreError(
                f"Row {self.after + 1} of the journal in {self._path} is missing.", "Run 'tuiconsole verify'."
            )
        self.after += 1
        return item

    def _read(self) -> list[tuple[int, bytes]]:
        with reading(self._path) as connection:
            connection.execute("BEGIN")  # one moment: rows may leave for the archive meanwhile
            archive = Archive.of(connection)
            if self.after < archive.rows:
                rows = archive.block_at(self.after + 1)
                return [(row, payload) for row, payload, _ in rows if row <= self.last]
            return connection.execute(
                "SELECT seq, payload FROM journal WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
                (self.after, self.last, PAGE_ROWS),
            ).fetchall()
