"""The manifest: which files make up the store. Whoever renames it changes the store, at once and whole."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tuiconsole.domain.context import QUOTE_FIELDS
from tuiconsole.domain.errors import DataError
from tuiconsole.market.history.columns import VALUES
from tuiconsole.market.history.records import Provenance

MANIFEST = "manifest.json"
VERSION = 1
_LOCK = "writer.lock"
_OWN = re.compile(
    r"(aside/)?\d+(s|min|h|day)/[\d-]+/\d{8,}\.parquet|aside/\w+/all/\d{8,}\.parquet|tables/[a-z]+-\d{8,}\.json"
)


class Piece(msgspec.Struct, frozen=True):
    """One Parquet file, never changed once written.

    ``file`` is relative to the root; ``bucket`` is the stretch of time it lies in; ``first`` and ``last`` are ns
    UTC, ``low`` and ``high`` the alphabetical range of its symbols. Where two pieces hold the same bar, the one
    with the higher ``seq`` counts.
    """

    file: str
    bucket: str
    seq: int
    rows: int
    first: int
    last: int
    low: str
    high: str


class Origin(msgspec.Struct, frozen=True):
    """A provenance, the times (ns UTC) of its first and last write, and how many writes there were."""

    provenance: Provenance
    first_written: int
    last_written: int
    writes: int


class Manifest(msgspec.Struct, frozen=True):
    """The whole state of a store.

    ``bars`` and ``aside`` are pieces by interval, ``tables`` other files by name, ``universes`` lists of symbols,
    ``quoted`` the intervals of which some bars have quotes.
    """

    version: int = VERSION
    seq: int = 0
    bars: dict[str, tuple[Piece, ...]] = {}
    aside: dict[str, tuple[Piece, ...]] = {}
    tables: dict[str, str] = {}
    origins: tuple[Origin, ...] = ()
    universes: dict[str, tuple[str, ...]] = {}
    quoted: tuple[str, ...] = ()

    def columns(self, interval: str) -> tuple[str, ...]:
        """The columns of values that bars of ``interval`` have."""
        return (*VALUES, *QUOTE_FIELDS) if interval in self.quoted else VALUES

    def files(self) -> set[str]:
        """Every file that belongs to the store."""
        pieces = [*self.bars.values(), *self.aside.values()]
        return {piece.file for group in pieces for piece in group} | set(self.tables.values())


def load_manifest(root: Path) -> Manifest:
    """The manifest under ``root``, or an empty one where there is no store yet.

    Raises :class:`DataError` when it cannot be read or was written by a later version.
    """
    try:
        text = (root / MANIFEST).read_bytes()
    except FileNotFoundError:
        return Manifest()
    except OSError as error:
        raise DataError(f"The history in {root} cannot be read: {error.strerror}.") from error
    try:
        found = msgspec.json.decode(text, type=Manifest)
    except msgspec.DecodeError as error:
        raise DataError(
            f"The history's {MANIFEST} in {root} is damaged: {error}.", "Restore it, or import again."
        ) from error
    if found.version != VERSION:
        raise DataError(f"The history in {root} has version {found.version}, expected {VERSION}.")
    return found


def save_manifest(root: Path, manifest: Manifest) -> None:
    """Put ``manifest`` in place: written beside, made durable, renamed."""
    beside = root / f"{MANIFEST}.new"
    with beside.open("wb") as file:
        file.write(msgspec.json.encode(manifest))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(root / MANIFEST)
    sync_folder(root)


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def sole_writer(root: Path) -> Iterator[None]:
    """Hold the store's lock; waits while another process writes."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        file = (root / _LOCK).open("ab")
    except OSError as error:
        raise DataError(
            f"The history cannot be written to {root}: {error.strerror}.", "Check history.root."
        ) from error
    with file:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        yield


def remove_strays(root: Path, manifest: Manifest) -> None:
    """Remove files that an interrupted or older write left behind; only the sole writer may.

    Only names that the store itself gives are looked at: what else lies in the folder is not its business.
    """
    belonging = manifest.files()
    for pattern in ("*.parquet", "tables/*.json"):
        for path in root.rglob(pattern):
            name = path.relative_to(root).as_posix()
            if name not in belonging and _OWN.fullmatch(name):
                path.unlink()
