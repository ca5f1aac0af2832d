"""``verify``: a full scan that finds every changed, missing, moved or cut-off row."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from tuiconsole.domain.codec import decode_record
from tuiconsole.domain.errors import StoreError
from tuiconsole.domain.records import Opened, Record
from tuiconsole.store import checkpoints, signed_head
from tuiconsole.store.archive import ARCHIVED, Archive, ArchiveDamaged, Row, all_rows, hash_at
from tuiconsole.store.binding import Binding
from tuiconsole.store.chain import GENESIS
from tuiconsole.store.connection import cause_of, open_reader, reading
from tuiconsole.store.projections import first_difference, project
from tuiconsole.store.schema import APPLICATION_ID, SCHEMA_VERSION, migrate

_PAGE = 4_096
_UNREADABLE = (msgspec.MsgspecError, ValueError, LookupError, TypeError)


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """Result of :func:`verify_chain`.

    Attributes
    ----------
    ok
        Nothing is wrong.
    rows, head
        Rows that are sound from the first on, and the hash of the last of them, in hexadecimal.
    first_bad
        First row that is not sound, or None when all rows are (something else may still be wrong: see
        ``text``).
    text
        One sentence.
    """

    ok: bool
    rows: int
    head: str
    first_bad: int | None
    text: str


class _Finding(Exception):
    """Something is wrong; ends the scan."""

    def __init__(self, text: str, row: int | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.row = row


class _Scan:
    """Walks the journal once; ``rows`` and ``head`` say how far it was sound."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection
        self.rows = 0
        self.head = GENESIS
        self._archived: list[Any] | None = None

    def run(self, projections: bool, integrity: bool) -> None:
        """All checks, the cheapest first; raises :class:`_Finding` at the first failure."""
        self._identity()
        self._archived = self._archive_row()
        binding, key = self._binding()
        exported = signed_head.read_head(self.path, key, binding.desk)
        total = self._head_row(key, binding.desk)
        marks = self._walk(total, binding, exported)
        self._ends(total, exported, marks)
        for checkpoint, sound in checkpoints.stored(self.connection):
            if not sound:
                raise _Finding(f"The checkpoint after row {checkpoint.seq} is damaged.")
        if integrity:
            self._integrity()
        if projections:
            self._projections(total)

    def moved_on(self) -> bool:
        """Whether rows left for the archive since the scan began: what it missed may be there by now."""
        return self._archived is not None and self._archive_row() != self._archived

    def _archive_row(self) -> list[Any]:
        found: list[Any] = self.connection.execute(
            "SELECT value FROM meta WHERE name = ?", (ARCHIVED,)
        ).fetchall()
        return found

    def _identity(self) -> None:
        application = self.connection.execute("PRAGMA application_id").fetchone()[0]
        version = self.connection.execute("PRAGMA user_version").fetchone()[0]
        if application != APPLICATION_ID:
            raise _Finding(f"{self.path} is not a store of this program.")
        if version != SCHEMA_VERSION:
            raise _Finding(f"{self.path} has format {version}; this program reads {SCHEMA_VERSION}.")

    def _binding(self) -> tuple[Binding, bytes]:
        try:
            binding = Binding.from_text(
                dict(self.connection.execute("SELECT name, value FROM meta").fetchall())
            )
        except (KeyError, ValueError):
            raise _Finding("The store does not say which desk it belongs to.") from None
        key = signed_head.read_key(self.path)
        if key is None:
            raise _Finding(signed_head.missing_key(self.path).what)
        return binding, key

    def _head_row(self, key: bytes, desk: str) -> int:
        found = self.connection.execute("SELECT rows, hash, signature FROM head WHERE id = 1").fetchone()
        if found is None or signed_head.sign(key, desk, found[0], found[1]) != found[2]:
            raise _Finding("The journal's head is not signed by this desk's key.")
        self._signed = bytes(found[1])
        return int(found[0])

    def _walk(self, total: int, binding: Binding, exported: signed_head.SignedHead | None) -> bytes | None:
        """Check every row; returns the hash at the exported head's row."""
        mark = None if exported is None else exported.rows
        at_mark = GENESIS if mark == 0 else None
        row, head = 0, GENESIS
        for page in self._pages(total):
            for seq, payload, stored in page:
                row += 1
                if seq != row:
                    raise _Finding(f"Row {row} is missing.", row)
                head = _link_or_fail(head, row, payload, stored)
                if row == 1:
                    _check_first(payload, binding)
                elif not _decodes(payload):
                    raise _Finding(f"Row {row} cannot be decoded.", row)
                if row == mark:
                    at_mark = head
                self.rows, self.head = row, head
        return at_mark

    def _pages(self, total: int) -> Iterator[list[Row]]:
        """The archived rows, then those of the table; what is in the table too early or twice is found."""
        try:
            archive = Archive.of(self.connection)
        except StoreError as error:
            raise _Finding(error.what, 1) from None
        if not archive.rows:
            yield from pages(self.connection, total, -(2**63))
            return
        early = self.connection.execute(
            "SELECT min(seq) FROM journal WHERE seq != 1 AND seq <= ?", (archive.rows,)
        ).fetchone()[0]
        if early is not None:
            raise _Finding(f"Row {early} is in the archive and in the store.", max(1, int(early)))
        first = self.connection.execute("SELECT payload, hash FROM journal WHERE seq = 1").fetchone()
        try:
            row: Row = (0, b"", b"")
            for count, row in enumerate(archive.walk()):
                if count == 0 and first != row[1:]:
                    raise _Finding("Row 1 is not the one in the archive.", 1)
                yield [row]
            if row[2] != archive.head:
                raise _Finding(
                    f"Row {archive.rows} does not end the archive as the store says.", archive.rows
                )
        except ArchiveDamaged as damage:
            raise _Finding(damage.what, damage.row) from None
        yield from pages(self.connection, total, archive.rows)

    def _ends(self, total: int, exported: signed_head.SignedHead | None, at_mark: bytes | None) -> None:
        if self.rows < total:
            raise _Finding(f"Row {self.rows + 1} is missing: {total} were committed.", self.rows + 1)
        if self.head != self._signed:
            raise _Finding(f"Row {total} does not end in the signed head.", max(1, total))
        beyond = self.connection.execute("SELECT min(seq) FROM journal WHERE seq > ?", (total,)).fetchone()[0]
        current = self.connection.execute("SELECT rows FROM head WHERE id = 1").fetchone()[0]
        if beyond is not None and current == total:
            raise _Finding(f"Row {beyond} was never committed by the desk.", int(beyond))
        if exported is None:
            raise _Finding("The signed head beside the store is missing, so truncation cannot be ruled out.")
        if not exported.valid:
            raise _Finding("The signed head beside the store is damaged or signed with another key.")
        if exported.head != at_mark:
            if exported.rows > self.rows:
                text = f"The journal was cut short: its signed head counts {exported.rows} rows."
                raise _Finding(text, self.rows + 1)
            raise _Finding(f"Row {exported.rows} is not the one that was signed.", exported.rows)

    def _integrity(self) -> None:
        found = self.connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found != "ok":
            raise _Finding(f"SQLite finds the file damaged: {found}.")

    def _projections(self, total: int) -> None:
        memory = sqlite3.connect(":memory:", isolation_level=None)
        try:
            migrate(memory)
            memory.execute("BEGIN")
            self.connection.execute("BEGIN")
            project(memory, all_rows(self.connection))
            difference = first_difference(self.connection, memory)
        finally:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            memory.close()
        if difference is not None:
            raise _Finding(f"The table {difference} does not follow from the journal's {total} rows.")


def pages(connection: sqlite3.Connection, total: int, after: int) -> Iterator[list[Row]]:
    """Rows of the table behind ``after`` up to ``total``, page by page: each page is its own short transaction."""
    while True:
        page = connection.execute(
            "SELECT seq, payload, hash FROM journal WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
            (after, total, _PAGE),
        ).fetchall()
        if not page:
            return
        yield page
        after = page[-1][0]


def _link_or_fail(previous: bytes, row: int, payload: object, stored: object) -> bytes:
    if not isinstance(payload, bytes):
        raise _Finding(f"Row {row} holds no bytes.", row)
    head = sha256(previous + row.to_bytes(8, "little") + payload).digest()
    if head != stored:
        raise _Finding(f"Row {row} was changed: its hash does not follow from the rows before it.", row)
    return head


def _decodes(payload: bytes) -> Record | None:
    try:
        return decode_record(payload)
    except _UNREADABLE:
        return None


def _check_first(payload: bytes, binding: Binding) -> None:
    opened = _decodes(payload)
    if not isinstance(opened, Opened):
        raise _Finding("Row 1 does not open the journal.", 1)
    difference = Binding.of(opened).difference(binding)
    if difference is not None:
        raise _Finding(f"Row 1 opens a journal with {difference}, as the store claims.", 1)


def verify_chain(path: Path, *, projections: bool = False, integrity: bool = True) -> VerifyReport:
    """Check the whole of a store: rows, chain, signatures, checkpoints, SQLite's pages.

    Parameters
    ----------
    projections
        Also rebuild the tables in memory and compare them (one long read transaction; best with the engine
        stopped).
    integrity
        Also run SQLite's ``integrity_check``.

    Raises
    ------
    UsageError
        When there is no such file. Everything else wrong with it is in the report.
    """
    try:
        connection = open_reader(path)
    except StoreError as error:
        return VerifyReport(False, 0, GENESIS.hex(), None, str(error))
    scan = _Scan(path, connection)
    try:
        scan.run(projections, integrity)
    except _Finding as finding:
        if scan.moved_on():
            return verify_chain(path, projections=projections, integrity=integrity)
        return VerifyReport(False, scan.rows, scan.head.hex(), finding.row, finding.text)
    except (sqlite3.Error, OSError) as error:
        why = cause_of(error)[0] if isinstance(error, sqlite3.Error) else str(error.strerror)
        return VerifyReport(
            False, scan.rows, scan.head.hex(), scan.rows + 1, f"{path} cannot be read: {why}."
        )
    finally:
        connection.close()
    return VerifyReport(True, scan.rows, scan.head.hex(), None, f"All {scan.rows} rows are sound.")


def against_head(path: Path, kept: Path) -> tuple[str, int | None]:
    """What is wrong with a sound store by a signed head ``kept`` elsewhere, and at which row; an empty text if nothing.

    Whoever can change everything beside the store, its key too, cannot change a head that lies somewhere else.

    Raises
    ------
    UsageError
        ``kept`` is no signed head.
    """
    file = signed_head.read_kept(kept)
    with reading(path) as connection:
        desk = connection.execute("SELECT value FROM meta WHERE name = 'desk'").fetchone()
        found = hash_at(connection, file.rows)
    if desk is None or desk[0] != file.desk:
        return f"{kept} is the head of another desk ({file.desk}).", None
    key = signed_head.read_key(path) or b""
    if found is None:
        return f"The journal was cut short: {kept} counts {file.rows} rows.", file.rows
    if found.hex() != file.head:
        return f"Row {file.rows} is not the one that {kept} names: the journal was written anew.", file.rows
    if signed_head.sign(key, file.desk, file.rows, found).hex() != file.signature:
        return f"{kept} was signed with another key than the one beside the store.", None
    return "", None
