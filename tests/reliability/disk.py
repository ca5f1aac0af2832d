"""A disk that forgets: what was written to a directory but not synced, and what a power loss makes of it.

Writes of SQLite come through :mod:`tests.reliability.sqlite_shim`, those of the store's own files (key, signed head, latch)
through the functions of :mod:`os`. Data counts as kept after a sync of its file, a name after a sync of its directory (SQLite
does that itself for its journals). Everything since may be dropped, torn at sectors or come in another order.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tests.reliability import sqlite_shim
from tests.reliability.sqlite_shim import OPEN_MAIN_JOURNAL, OPEN_WAL

SECTORS = (512, 4096)
CODES = {
    "write": sqlite_shim.IOERR_WRITE,
    "truncate": sqlite_shim.IOERR_TRUNCATE,
    "sync": sqlite_shim.IOERR_FSYNC,
    "delete": sqlite_shim.IOERR_DELETE,
}
"""What SQLite is told when an operation fails."""

_WAYS = ("nothing", "everything", "prefix", "sectors", "any order")

Operation = tuple[int, bytes | None]
"""A write of bytes at an offset, or (with None) a truncation to a size."""


@dataclass
class Contents:
    """One file, whatever its name is now."""

    kept: bytearray = field(default_factory=bytearray)
    waiting: list[Operation] = field(default_factory=list)
    names_too: bool = False
    """A sync of it also syncs its directory: a journal that SQLite has just made."""

    def settle(self) -> None:
        """Everything written is kept."""
        for operation in self.waiting:
            _carry_out(self.kept, operation)
        self.waiting.clear()


def _carry_out(data: bytearray, operation: Operation) -> None:
    offset, written = operation
    if written is None:
        del data[offset:]
        data.extend(bytes(max(0, offset - len(data))))
        return
    data.extend(bytes(max(0, offset + len(written) - len(data))))
    data[offset : offset + len(written)] = written


class Disk:
    """The files of ``root``, as they are and as they are kept.

    Parameters
    ----------
    off_at
        The power fails at this operation (1 is the first write, sync, truncation, deletion or renaming); None = never.
    """

    def __init__(self, root: Path, off_at: int | None = None) -> None:
        self.root = root
        self.off = False
        self.operations = 0
        self._off_at = off_at
        self._prefix = f"{root}/"
        self._files = {
            self._name(str(path)): Contents(bytearray(path.read_bytes()))
            for path in root.rglob("*")
            if path.is_file()
        }
        self._kept_names = dict(self._files)
        self._renamings: list[dict[str, Contents]] = []
        self._descriptors: dict[int, str] = {}

    # ---- what SQLite does -------------------------------------------------------------------------------------

    def watches(self, path: str) -> bool:
        return path.startswith(self._prefix) and not path.endswith("-shm")

    def opened(self, path: str, flags: int) -> None:
        name = self._name(path)
        if name not in self._files:
            self._named(
                {**self._files, name: Contents(names_too=bool(flags & (OPEN_WAL | OPEN_MAIN_JOURNAL)))}
            )

    def reading(self, path: str, offset: int, size: int) -> int:
        return sqlite_shim.IOERR_READ if self.off else sqlite_shim.OK

    def write(self, path: str, offset: int, data: bytes) -> int:
        return self._noted("write", path, (offset, data))

    def truncate(self, path: str, size: int) -> int:
        return self._noted("truncate", path, (size, None))

    def sync(self, path: str) -> int:
        if self._fails("sync"):
            return self._code("sync")
        self._settle(self._name(path))
        return sqlite_shim.OK

    def delete(self, path: str, sync_directory: bool) -> int:
        if self._fails("delete"):
            return self._code("delete")
        self._unlinked(self._name(path))
        if sync_directory:
            self._settle_names("")
        return sqlite_shim.OK

    def _noted(self, what: str, path: str, operation: Operation) -> int:
        """A write that fails may have arrived all the same."""
        if self.off:
            return self._code(what)
        self._files[self._name(path)].waiting.append(operation)
        return self._code(what) if self._fails(what) else sqlite_shim.OK

    # ---- the same for files that are not SQLite's -----------------------------------------------------------------

    def _note(self, what: str, name: str, operation: Operation) -> None:
        if not self.off:
            self._files[name].waiting.append(operation)
        if self._fails(what):
            raise self._error()

    def _fails(self, what: str) -> bool:
        """Count one operation; whether it fails. ``overwrite`` needs no room, ``write`` may."""
        self.operations += not self.off
        self.off = self.off or self.operations == self._off_at
        return self.off

    def _code(self, what: str) -> int:
        """SQLite's result code of an operation that failed."""
        return CODES[what]

    def _error(self) -> OSError:
        return OSError(errno.EIO, os.strerror(errno.EIO))

    def _name(self, path: str) -> str:
        return path.removeprefix(self._prefix)

    def _settle(self, name: str) -> None:
        contents = self._files[name]
        contents.settle()
        if contents.names_too:
            contents.names_too = False
            self._settle_names(_parent(name))

    def _named(self, names: dict[str, Contents]) -> None:
        self._files = names
        self._renamings.append(names)

    def _unlinked(self, name: str) -> None:
        self._named({other: contents for other, contents in self._files.items() if other != name})

    def _settle_names(self, directory: str) -> None:
        """Names in ``directory`` (relative to the root) are kept as they are now, those elsewhere as they were."""
        now = {name: contents for name, contents in self._files.items() if _parent(name) == directory}

        def settled(names: dict[str, Contents]) -> dict[str, Contents]:
            return {name: contents for name, contents in names.items() if _parent(name) != directory} | now

        self._kept_names = settled(self._kept_names)
        self._renamings = [settled(names) for names in self._renamings]

    @contextmanager
    def attached(self) -> Iterator[None]:
        """While this lasts, everything done in the directory is noted."""
        ours: dict[str, Callable[..., Any]] = {
            "open": self._open,
            "write": self._write,
            "pwrite": self._pwrite,
            "fsync": self._fsync,
            "close": self._close,
            "replace": self._replace,
        }
        real = {name: getattr(os, name) for name in ours}
        self._real = real
        for name, call in ours.items():
            setattr(os, name, call)
        try:
            with sqlite_shim.watched_by(self):
                yield
        finally:
            for name, call in real.items():
                setattr(os, name, call)

    def _open(self, path: Any, flags: int, *more: Any, **named: Any) -> int:
        text = os.fspath(path)
        ours = isinstance(text, str) and (text.startswith(self._prefix) or text == str(self.root))
        if ours and self.off:
            raise self._error()
        descriptor: int = self._real["open"](path, flags, *more, **named)
        if not ours:
            return descriptor
        name = "" if text == str(self.root) else self._name(text)
        if os.path.isdir(text):  # noqa: PTH112 - os itself is watched here
            self._descriptors[descriptor] = f"{name}/"
            return descriptor
        if name not in self._files:
            self._named({**self._files, name: Contents()})
        if flags & os.O_TRUNC:
            self._note("truncate", name, (0, None))
        self._descriptors[descriptor] = name
        return descriptor

    def _write(self, descriptor: int, data: Any) -> int:
        name = self._descriptors.get(descriptor)
        if name is not None:
            self._note("write", name, (os.lseek(descriptor, 0, os.SEEK_CUR), bytes(data)))
        return int(self._real["write"](descriptor, data))

    def _pwrite(self, descriptor: int, data: Any, offset: int) -> int:
        name = self._descriptors.get(descriptor)
        if name is not None:
            self._note("overwrite", name, (offset, bytes(data)))
        return int(self._real["pwrite"](descriptor, data, offset))

    def _fsync(self, descriptor: int) -> None:
        name = self._descriptors.get(descriptor)
        if name is None:
            self._real["fsync"](descriptor)
            return
        if self._fails("sync"):
            raise self._error()
        if name.endswith("/"):
            self._settle_names(name.removesuffix("/"))
        else:
            self._settle(name)

    def _close(self, descriptor: int) -> None:
        self._descriptors.pop(descriptor, None)
        self._real["close"](descriptor)

    def _replace(self, source: Any, target: Any, **named: Any) -> None:
        text = os.fspath(source)
        if isinstance(text, str) and text.startswith(self._prefix):
            if self._fails("rename"):
                raise self._error()
            old, new = self._name(text), self._name(os.fspath(target))
            names = {name: contents for name, contents in self._files.items() if name != old}
            self._named({**names, new: self._files[old]})
        self._real["replace"](source, target, **named)

    # ---- the power is back ----------------------------------------------------------------------------------------

    def left_behind(self, rng: np.random.Generator, to: Path) -> None:
        """Put into ``to`` what the disk holds when the power is back: one of the many things it may hold."""
        to.mkdir()
        names = [self._kept_names, *self._renamings][int(rng.integers(len(self._renamings) + 1))]
        for name, contents in names.items():
            (to / name).parent.mkdir(exist_ok=True)
            (to / name).write_bytes(_after_loss(contents, rng))


def _parent(name: str) -> str:
    return name.rpartition("/")[0]


def _after_loss(contents: Contents, rng: np.random.Generator) -> bytes:
    data = bytearray(contents.kept)
    way = _WAYS[int(rng.integers(len(_WAYS)))]
    waiting = contents.waiting
    if not waiting or way == "nothing":
        return bytes(data)
    if way == "everything":
        survivors = waiting
    else:
        pieces = [
            piece for each in waiting for piece in _torn(each, SECTORS[int(rng.integers(len(SECTORS)))])
        ]
        if way == "prefix":
            survivors = pieces[: int(rng.integers(len(pieces) + 1))]
        else:
            keep = rng.random(len(pieces)) < rng.uniform(0.05, 0.95)
            order = np.arange(len(pieces)) if way == "sectors" else rng.permutation(len(pieces))
            survivors = [pieces[i] for i in order if keep[i]]
    if way in ("sectors", "any order") and rng.random() < 0.3:  # room that was given, and never written
        room = max(offset + len(written or b"") for offset, written in waiting)
        data.extend(rng.bytes(max(0, room - len(data))))
    for each in survivors:
        _carry_out(data, each)
    return bytes(data)


def _torn(operation: Operation, sector: int) -> list[Operation]:
    """A write as the sectors it touches, each of which may arrive or not."""
    offset, written = operation
    if written is None:
        return [operation]
    pieces: list[Operation] = []
    at = offset
    while at < offset + len(written):
        end = min(offset + len(written), (at // sector + 1) * sector)
        pieces.append((at, written[at - offset : end - offset]))
        at = end
    return pieces
