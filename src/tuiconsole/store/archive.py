"""The archive: journal rows that left ``state.db``, compressed, in files that carry the hash chain on.

``state.archive/`` holds files of consecutive rows. A file: eight bytes of magic; frames, each a length (u32, little-endian) and
its bytes; then the length ``0xFFFFFFFF`` and the SHA-256 of everything before it (32 bytes). The first frame is the
:class:`Header`, every further one a block of up to :data:`BLOCK_ROWS` rows: number of its first row (u64, little-endian), hash
of the row before it (32 bytes), and zlib-compressed MessagePack of ``[payload, wall_ns]`` pairs. Hashes of rows are worked out
again when they are read, and must lead to the block that follows.

``meta`` in ``state.db`` says how many rows, from the first on, are in the archive and no longer in the journal's table; row 1,
which says whose journal it is, is in both.
"""

from __future__ import annotations

import sqlite3
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import msgspec

from tuiconsole.domain.errors import StoreError
from tuiconsole.store.chain import GENESIS, HASH_BYTES, Chain

MAGIC = b"TUIAR\x00\x00\x01"
FOOTER = 0xFFFFFFFF
BLOCK_ROWS = 4_096
ARCHIVED = "archived"
"""Name in ``meta`` of how many rows have left the journal's table and the hash of the last of them, ``ROWS:HASH``."""

_LENGTH_BYTES, _ROW_BYTES = 4, 8
_REMEDY = "Put it back from a backup; 'tuiconsole verify' tells more."
_PAGE = 4_096

Row = tuple[int, bytes, bytes]
"""Number, payload, hash."""


class Header(msgspec.Struct, frozen=True, array_like=True):
    """What a file holds: rows ``first`` to ``last`` of ``desk``, between the hashes ``before`` and ``head``."""

    desk: str
    first: int
    last: int
    before: bytes
    head: bytes


class ArchiveDamaged(StoreError):
    """A file of the archive is missing, was cut or changed; ``row`` is the first journal row that is concerned."""

    def __init__(self, what: str, row: int) -> None:
        super().__init__(what, _REMEDY)
        self.row = row


def archive_path(state: Path) -> Path:
    """Directory of the archive that belongs to ``state``."""
    return state.with_name(state.name.removesuffix(".db") + ".archive")


def file_path(directory: Path, first: int, last: int) -> Path:
    """Where rows ``first`` to ``last`` lie."""
    return directory / f"{first:012d}-{last:012d}.rows"


@dataclass(frozen=True, slots=True)
class _Block:
    first: int
    before: bytes
    at: int
    size: int


class ArchiveFile:
    """One file, opened for looking rows up; raises :class:`ArchiveDamaged` for what is not sound."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._row = _first_of(path)
        try:
            with path.open("rb") as file:
                self.header, self._blocks = self._index(file)
        except OSError as error:
            raise self._damaged(f"cannot be read: {error.strerror}") from error

    def _index(self, file: BinaryIO) -> tuple[Header, list[_Block]]:
        if file.read(len(MAGIC)) != MAGIC:
            raise self._damaged("is no archive")
        try:
            header = msgspec.msgpack.decode(file.read(self._length(file)), type=Header)
        except msgspec.MsgspecError:
            raise self._damaged("has no header") from None
        blocks: list[_Block] = []
        while (length := self._length(file)) != FOOTER:
            at = file.tell()
            opening = file.read(_ROW_BYTES + HASH_BYTES)
            first = int.from_bytes(opening[:_ROW_BYTES], "little")
            size = length - len(opening)
            blocks.append(_Block(first, opening[_ROW_BYTES:], at + len(opening), size))
            file.seek(at + length)
        if not blocks or blocks[0].first != header.first or blocks[0].before != header.before:
            raise self._damaged("does not begin as it says")
        return header, blocks

    def _length(self, file: BinaryIO) -> int:
        data = file.read(_LENGTH_BYTES)
        if len(data) != _LENGTH_BYTES:
            raise self._damaged("was cut short")
        return int.from_bytes(data, "little")

    def block_at(self, row: int) -> list[Row]:
        """All rows of the block that holds ``row``, their chain worked out and checked."""
        index = bisect_right(self._blocks, row, key=lambda block: block.first) - 1
        block = self._blocks[index]
        self._row = block.first
        ends = index + 1 == len(self._blocks)
        wanted = self.header.head if ends else self._blocks[index + 1].before
        last = self.header.last if ends else self._blocks[index + 1].first - 1
        chain = Chain(block.before, block.first - 1)
        rows: list[Row] = []
        for payload, _ in self._pairs(block):
            digest = chain.push(payload)
            rows.append((chain.rows, payload, digest))
        if (chain.rows, chain.head) != (last, wanted):
            raise self._damaged(f"was changed between rows {block.first} and {last}")
        return rows

    def _pairs(self, block: _Block) -> list[tuple[bytes, int]]:
        try:
            with self.path.open("rb") as file:
                file.seek(block.at)
                data = zlib.decompress(file.read(block.size))
            return msgspec.msgpack.decode(data, type=list[tuple[bytes, int]])
        except (zlib.error, msgspec.MsgspecError, OSError) as error:
            raise self._damaged(f"cannot be read behind row {block.first - 1} ({error})") from error

    def check_footer(self) -> None:
        """Compare the file with the SHA-256 at its end."""
        with self.path.open("rb") as file:
            digest, left = sha256(), self.path.stat().st_size - HASH_BYTES
            while left > 0 and (chunk := file.read(min(left, 1 << 20))):
                digest.update(chunk)
                left -= len(chunk)
            if file.read() != digest.digest():
                raise self._damaged("does not have the hash at its end")

    def _damaged(self, what: str) -> ArchiveDamaged:
        return ArchiveDamaged(f"The archive {self.path.parent.name}/{self.path.name} {what}.", self._row)


def _first_of(path: Path) -> int:
    first = path.stem.partition("-")[0]
    return int(first) if first.isdecimal() else 1


class Archive:
    """The archived rows 1 to ``rows`` of a store, in ``directory``.

    Attributes
    ----------
    rows, head
        How many rows have left the journal's table, and the hash of the last; 0 for a store that was never archived.
    """

    def __init__(self, directory: Path, rows: int, head: bytes) -> None:
        self.rows = rows
        self.head = head
        self._directory = directory
        self._files: list[ArchiveFile] | None = None

    @classmethod
    def of(cls, connection: sqlite3.Connection) -> Archive:
        """The archive of the store that ``connection`` has open; :class:`StoreError` when ``meta`` makes no sense."""
        found = connection.execute("SELECT value FROM meta WHERE name = ?", (ARCHIVED,)).fetchone()
        if found is None:
            return cls(Path(), 0, GENESIS)
        state = Path(connection.execute("PRAGMA database_list").fetchone()[2])
        rows, _, head = found[0].partition(":")
        try:
            return cls(archive_path(state), int(rows), bytes.fromhex(head))
        except ValueError:
            raise StoreError(f"{state} does not say which rows are in its archive.", _REMEDY) from None

    @property
    def files(self) -> list[ArchiveFile]:
        """The files, in the order of their rows."""
        if self._files is None:
            self._files = [ArchiveFile(path) for path in sorted(self._directory.glob("*.rows"))]
        return self._files

    def file_of(self, row: int) -> ArchiveFile:
        """The file that holds ``row``; :class:`ArchiveDamaged` says which rows are missing."""
        for file in self.files:
            if file.header.first <= row <= file.header.last:
                return file
        raise ArchiveDamaged(
            f"Row {row} of the journal was moved to {self._directory.name}, which does not hold it.", row
        )

    def block_at(self, row: int) -> list[Row]:
        """The rows of one block, from ``row`` on, as far as they are archived."""
        found = self.file_of(row).block_at(row)
        return [each for each in found if row <= each[0] <= self.rows]

    def row(self, row: int) -> Row:
        """One archived row."""
        return self.block_at(row)[0]

    def walk(self) -> Iterator[Row]:
        """All archived rows in order; each file's own hash is checked too."""
        checked: ArchiveFile | None = None
        row = 1
        while row <= self.rows:
            if checked is not (file := self.file_of(row)):
                file.check_footer()
                checked = file
            block = self.block_at(row)
            yield from block
            row = block[-1][0] + 1


def row_at(connection: sqlite3.Connection, row: int) -> tuple[bytes, bytes] | None:
    """Payload and hash of journal row ``row``, from the table or from the archive; None when it was never written."""
    found = connection.execute("SELECT payload, hash FROM journal WHERE seq = ?", (row,)).fetchone()
    if found is not None:
        return bytes(found[0]), bytes(found[1])
    archive = Archive.of(connection)
    if not 1 <= row <= archive.rows:
        return None
    return archive.row(row)[1:]


def hash_at(connection: sqlite3.Connection, row: int) -> bytes | None:
    """Hash of journal row ``row``; that of nothing for row 0, None when it was never written."""
    archive = Archive.of(connection)
    if row in (0, archive.rows):
        return archive.head if row else GENESIS
    found = row_at(connection, row)
    return None if found is None else found[1]


def all_rows(connection: sqlite3.Connection) -> Iterator[tuple[int, bytes]]:
    """``(row, payload)`` of the whole journal, the archived part first."""
    archive = Archive.of(connection)
    for row, payload, _ in archive.walk():
        yield row, payload
    yield from connection.execute(
        "SELECT seq, payload FROM journal WHERE seq > ? ORDER BY seq", (archive.rows,)
    )
