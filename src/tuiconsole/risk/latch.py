"""The latch: a small file beside ``state.db`` that says how far the desk is stopped, whoever asks.

It is preallocated and overwritten in place, so that it can be raised on a full disk, and read by any process
without a lock. Two slots are written in turn, each with a counter and a checksum: while one is being
overwritten the other still holds the level before. A slot that does not check out means that a write was torn
or the file was damaged: then the latch counts as latched, at the highest level any readable slot names and
never below HALTED. So is a missing file.

One process writes at a time: the engine, or whoever has fenced it. A file system that copies on write (btrfs,
zfs) may need free space even to overwrite.
"""

from __future__ import annotations

import hashlib
import os
import struct
from dataclasses import dataclass
from pathlib import Path

from tuiconsole.domain.errors import StoreError
from tuiconsole.domain.events import DeskLevel

SIZE = 512
"""Bytes of the file: two slots."""

SLOT = SIZE // 2
_HEAD = struct.Struct("<8sBBBBQ")  # magic, version, level, length of trip, length of reason, counter
_MAGIC = b"TUILATCH"
_VERSION = 1
_DIGEST = hashlib.sha256().digest_size
_ROOM = SLOT - _HEAD.size - _DIGEST
TRIP_BYTES = 48
"""Longest trip id, in bytes of UTF-8; longer ones are cut."""
REASON_BYTES = _ROOM - TRIP_BYTES
"""Longest reason, in bytes of UTF-8; longer ones are cut at a whole character."""


@dataclass(frozen=True, slots=True)
class LatchState:
    """What the latch says.

    Attributes
    ----------
    level
        How far the desk is stopped; at least HALTED when not ``readable``.
    trip
        Id of the command that raised it; empty if none.
    reason
        Why, in words.
    readable
        False when the file is missing, short, torn or damaged, which counts as latched.
    """

    level: DeskLevel
    trip: str
    reason: str
    readable: bool


@dataclass(frozen=True, slots=True)
class _Slot:
    counter: int
    level: DeskLevel
    trip: str
    reason: str


class Latch:
    """The latch file at ``path``.

    Parameters
    ----------
    path
        Beside the store; its directory must exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self) -> None:
        """Make the file, open (RUNNING). Only for a desk made new: an existing file is never replaced.

        Raises
        ------
        StoreError
            When the file exists or cannot be made.
        """
        if self.path.exists():
            raise StoreError(f"The latch {self.path} exists already.", "It is kept: re-arm to release it.")
        self._make(_pack(_Slot(1, DeskLevel.RUNNING, "", "")))

    def read(self) -> LatchState:
        """What the latch says now; never raises for what it finds."""
        slots = [_unpack(part) for part in _halves(self._bytes())]
        known = [slot for slot in slots if slot is not None]
        if len(known) == len(slots):
            latest = max(known, key=_counter)
            return LatchState(latest.level, latest.trip, latest.reason, True)
        highest = max(known, key=_level, default=None)
        if highest is None or highest.level < DeskLevel.HALTED:
            return LatchState(DeskLevel.HALTED, "", f"The latch {self.path.name} cannot be read.", False)
        return LatchState(highest.level, highest.trip, highest.reason, False)

    def write(self, level: DeskLevel, trip: str, reason: str) -> None:
        """Overwrite the older slot in place and wait until it is on the disk; repairs a damaged file.

        Raises
        ------
        StoreError
            When the file cannot be written; the desk must not trade then.
        """
        slots = [_unpack(part) for part in _halves(self._bytes())]
        known = [slot for slot in slots if slot is not None]
        counter = 1 + max((slot.counter for slot in known), default=0)
        data = _pack(_Slot(counter, level, trip, reason))
        if not self._whole():
            self._make(data)
            return
        broken = [i for i, slot in enumerate(slots) if slot is None]
        older = min(range(len(slots)), key=lambda i: _age(slots[i]))
        targets = broken or [older]
        try:
            file = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)
            try:
                for target in targets:
                    _write_all(file, data, target * SLOT)
                    os.fsync(file)
            finally:
                os.close(file)
        except OSError as error:
            raise self._failed(error) from error

    def _whole(self) -> bool:
        try:
            return self.path.stat().st_size == SIZE
        except OSError:
            return False

    def _bytes(self) -> bytes:
        """The file's bytes; none when it cannot be read."""
        try:
            file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return b""
        try:
            return os.pread(file, SIZE + 1, 0)
        except OSError:
            return b""
        finally:
            os.close(file)

    def _make(self, slot: bytes) -> None:
        """Put a whole new file in place at once: written aside, synced, renamed, the directory synced."""
        aside = self.path.with_name(self.path.name + ".new")
        try:
            file = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                os.fchmod(file, 0o600)
                _write_all(file, slot + slot, 0)
                os.fsync(file)
            finally:
                os.close(file)
            aside.replace(self.path)
            directory = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> StoreError:
        return StoreError(
            f"The latch {self.path} cannot be written: {error.strerror}.",
            "The desk must not trade: make its directory writable, then start again.",
        )


def _counter(slot: _Slot) -> int:
    return slot.counter


def _level(slot: _Slot) -> DeskLevel:
    return slot.level


def _age(slot: _Slot | None) -> int:
    return -1 if slot is None else slot.counter


def _halves(data: bytes) -> tuple[bytes, bytes]:
    if len(data) != SIZE:
        return b"", b""
    return data[:SLOT], data[SLOT:]


def _cut(text: str, room: int) -> bytes:
    """UTF-8 of ``text`` in at most ``room`` bytes, whole characters only."""
    return text.encode(errors="replace")[:room].decode(errors="ignore").encode()


def _pack(slot: _Slot) -> bytes:
    trip, reason = _cut(slot.trip, TRIP_BYTES), _cut(slot.reason, REASON_BYTES)
    head = _HEAD.pack(_MAGIC, _VERSION, int(slot.level), len(trip), len(reason), slot.counter)
    body = (head + trip + reason).ljust(SLOT - _DIGEST, b"\0")
    return body + hashlib.sha256(body).digest()


def _unpack(data: bytes) -> _Slot | None:
    """The slot of ``data``, or None when it does not check out."""
    if len(data) != SLOT:
        return None
    body, digest = data[:-_DIGEST], data[-_DIGEST:]
    if hashlib.sha256(body).digest() != digest:
        return None
    magic, version, level, trip_length, reason_length, counter = _HEAD.unpack_from(body)
    if magic != _MAGIC or version != _VERSION or level not in DeskLevel._value2member_map_:
        return None
    middle = _HEAD.size + trip_length
    trip, reason = body[_HEAD.size : middle], body[middle : middle + reason_length]
    return _Slot(counter, DeskLevel(level), trip.decode(errors="replace"), reason.decode(errors="replace"))


def _write_all(file: int, data: bytes, offset: int) -> None:
    """``os.pwrite`` until all of ``data`` is written."""
    while data:
        written = os.pwrite(file, data, offset)
        data, offset = data[written:], offset + written
