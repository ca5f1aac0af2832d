"""A layer over the file system of the SQLite library that Python itself uses.

It is registered through ``ctypes`` in the very library behind :mod:`sqlite3`, as its default VFS: the store's own code,
statements, pragmas and threads run unchanged, and every write, truncation, sync and deletion passes a :class:`Watcher`, which
may note it, refuse it or let it through. Locks, shared memory and everything else stay those of the operating system.

See "The SQLite OS Interface or VFS" (sqlite.org/vfs.html) for the two structures.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Protocol

OK, CORRUPT, FULL = 0, 11, 13
IOERR_READ, IOERR_WRITE, IOERR_FSYNC, IOERR_TRUNCATE = (10 | code << 8 for code in (1, 3, 4, 6))
IOERR_DELETE = 10 | 10 << 8
OPEN_WAL, OPEN_MAIN_JOURNAL = 0x80000, 0x800

_POINTERS_OF_VFS = (
    "open",
    "delete",
    "access",
    "full_pathname",
    "dl_open",
    "dl_error",
    "dl_sym",
    "dl_close",
    "randomness",
    "sleep",
    "current_time",
    "get_last_error",
    "current_time_int64",
    "set_system_call",
    "get_system_call",
    "next_system_call",
)
_POINTERS_OF_FILE = (
    "close",
    "read",
    "write",
    "truncate",
    "sync",
    "file_size",
    "lock",
    "unlock",
    "check_reserved_lock",
    "file_control",
    "sector_size",
    "device_characteristics",
    "shm_map",
    "shm_lock",
    "shm_barrier",
    "shm_unmap",
    "fetch",
    "unfetch",
)
_INT, _ADDRESS, _LONG = ctypes.c_int, ctypes.c_void_p, ctypes.c_int64
_OPEN = ctypes.CFUNCTYPE(_INT, _ADDRESS, _ADDRESS, _ADDRESS, _INT, _ADDRESS)
_DELETE = ctypes.CFUNCTYPE(_INT, _ADDRESS, _ADDRESS, _INT)
_CLOSE = ctypes.CFUNCTYPE(_INT, _ADDRESS)
_TRANSFER = ctypes.CFUNCTYPE(_INT, _ADDRESS, _ADDRESS, _INT, _LONG)
_TRUNCATE = ctypes.CFUNCTYPE(_INT, _ADDRESS, _LONG)
_SYNC = ctypes.CFUNCTYPE(_INT, _ADDRESS, _INT)


class _Vfs(ctypes.Structure):
    _fields_ = (
        ("version", _INT),
        ("file_bytes", _INT),
        ("longest_path", _INT),
        ("next", _ADDRESS),
        ("name", ctypes.c_char_p),
        ("data", _ADDRESS),
        *((name, _ADDRESS) for name in _POINTERS_OF_VFS),
    )


class _Methods(ctypes.Structure):
    _fields_ = (("version", _INT), *((name, _ADDRESS) for name in _POINTERS_OF_FILE))


class Watcher(Protocol):
    """Sees what SQLite does with files; paths are absolute. Each answer but the first is a result code of SQLite.

    Other answers than :data:`OK` are handed to SQLite and the operation is not carried out.
    """

    def watches(self, path: str) -> bool:
        """Whether to be told of this file at all."""
        ...

    def opened(self, path: str, flags: int) -> None:
        """A file is opened, or made."""
        ...

    def reading(self, path: str, offset: int, size: int) -> int:
        """Before a read."""
        ...

    def write(self, path: str, offset: int, data: bytes) -> int:
        """Before a write."""
        ...

    def truncate(self, path: str, size: int) -> int:
        """Before a truncation."""
        ...

    def sync(self, path: str) -> int:
        """Instead of a sync: nothing is handed to the disk, the files live for one test."""
        ...

    def delete(self, path: str, sync_directory: bool) -> int:
        """Before a deletion."""
        ...


@cache
def library() -> Any:
    """The SQLite library of :mod:`sqlite3`; None where its functions cannot be reached from outside."""
    import _sqlite3
    import sqlite3

    place = getattr(_sqlite3, "__file__", None)
    try:
        found = ctypes.CDLL(place)  # looks in the libraries that it is linked with too
        found.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
        found.sqlite3_sourceid.restype = ctypes.c_char_p
    except (OSError, AttributeError):
        return None
    used = sqlite3.connect(":memory:").execute("SELECT sqlite_source_id()").fetchone()[0]
    return found if found.sqlite3_sourceid().decode() == used else None


class _Shim:
    """The one layer of this process; it stays in memory for good, because connections hold on to it."""

    def __init__(self) -> None:
        self.watcher: Watcher | None = None
        self._unix = library().sqlite3_vfs_find(None)
        self._paths: dict[int, str] = {}
        self._methods: dict[int, _Methods] = {}
        self._real: dict[int, dict[str, Callable[..., int]]] = {}
        self._of: dict[int, int] = {}
        vfs = _Vfs()
        ctypes.memmove(ctypes.byref(vfs), self._unix, ctypes.sizeof(_Vfs))
        vfs.name = b"watched"
        self._open_real = _OPEN(vfs.open)
        self._delete_real = _DELETE(vfs.delete)
        self._kept: list[Any] = [_OPEN(self._open), _DELETE(self._delete)]
        vfs.open, vfs.delete = (ctypes.cast(made, _ADDRESS).value for made in self._kept)
        self._vfs = vfs
        self._calls = {
            "close": _CLOSE(self._close),
            "read": _TRANSFER(self._read),
            "write": _TRANSFER(self._write),
            "truncate": _TRUNCATE(self._truncate),
            "sync": _SYNC(self._sync),
        }

    def install(self) -> None:
        library().sqlite3_vfs_register(ctypes.byref(self._vfs), 1)

    def remove(self) -> None:
        library().sqlite3_vfs_register(self._unix, 1)
        library().sqlite3_vfs_unregister(ctypes.byref(self._vfs))

    def _open(self, vfs: int, name: int, file: int, flags: int, out: int) -> int:
        code = self._open_real(ctypes.addressof(self._unix.contents), name, file, flags, out)
        path = ctypes.string_at(name).decode() if name else ""
        if code == OK and path and self.watcher is not None and self.watcher.watches(path):
            self.watcher.opened(path, flags)
            self._paths[file] = path
            self._redirect(file)
        return code

    def _redirect(self, file: int) -> None:
        """Have ``file``, which the operating system's VFS has opened, call us first."""
        pointer = ctypes.cast(file, ctypes.POINTER(_ADDRESS))
        real = pointer[0]
        if real not in self._methods:
            table = _Methods()
            ctypes.memmove(ctypes.byref(table), real, ctypes.sizeof(_Methods))
            self._real[real] = {name: type(call)(getattr(table, name)) for name, call in self._calls.items()}
            for name, call in self._calls.items():
                setattr(table, name, ctypes.cast(call, _ADDRESS).value)
            self._methods[real] = table
        self._of[file] = real
        pointer[0] = ctypes.addressof(self._methods[real])

    def _call(self, name: str, file: int, *arguments: int) -> int:
        return self._real[self._of[file]][name](file, *arguments)

    def _delete(self, vfs: int, name: int, sync_directory: int) -> int:
        path = ctypes.string_at(name).decode()
        if self.watcher is not None and self.watcher.watches(path):
            code = self.watcher.delete(path, bool(sync_directory))
            if code != OK:
                return code
        return self._delete_real(ctypes.addressof(self._unix.contents), name, 0)

    def _close(self, file: int) -> int:
        code = self._call("close", file)
        self._paths.pop(file, None)
        return code

    def _read(self, file: int, data: int, size: int, offset: int) -> int:
        code = OK if self.watcher is None else self.watcher.reading(self._paths[file], offset, size)
        return code or self._call("read", file, data, size, offset)

    def _write(self, file: int, data: int, size: int, offset: int) -> int:
        code = OK
        if self.watcher is not None:
            code = self.watcher.write(self._paths[file], offset, ctypes.string_at(data, size))
        return code or self._call("write", file, data, size, offset)

    def _truncate(self, file: int, size: int) -> int:
        code = OK if self.watcher is None else self.watcher.truncate(self._paths[file], size)
        return code or self._call("truncate", file, size)

    def _sync(self, file: int, flags: int) -> int:
        return OK if self.watcher is None else self.watcher.sync(self._paths[file])


@cache
def _shim() -> _Shim:
    return _Shim()


@contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """Every database opened meanwhile is told to ``watcher``; close the connections before the end."""
    shim = _shim()
    shim.watcher = watcher
    shim.install()
    try:
        yield
    finally:
        shim.remove()
        shim.watcher = None
