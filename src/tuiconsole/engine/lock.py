"""The flock that decides start or attach: held for life by the one engine of a ``state.db``."""

from __future__ import annotations

import fcntl
import json
import os
import select
from dataclasses import dataclass
from pathlib import Path

ENGINE = "engine"
STOPPER = "stop"
_TRIES = 50
_BODY_BYTES = 4_096


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock: process id and when it started (clock ticks since boot), so a reused pid is not taken for it.

    ``role`` is :data:`ENGINE`, or :data:`STOPPER` for a direct stop at work: that one is waited for, never killed.
    ``socket`` is where an engine listens; empty when it does not.
    """

    pid: int
    started: int
    role: str = ENGINE
    socket: str = ""


def process_started(pid: int) -> int | None:
    """Start time of ``pid`` in clock ticks since boot, or None when there is no such process."""
    try:
        with Path(f"/proc/{pid}/stat").open(encoding="ascii", errors="replace") as file:
            fields = file.read().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else int(fields[19])


class EngineLock:
    """An advisory lock on a small file that also says who holds it.

    The kernel frees it when the holder dies, however it dies. The file itself stays.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def acquire(self, role: str = ENGINE, socket: str = "") -> bool:
        """Take the lock and write who we are and where we listen; False when another process holds it."""
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not self._lock(fd):
            os.close(fd)
            return False
        self._fd = fd
        pid = os.getpid()
        found = {"pid": pid, "started": process_started(pid) or 0, "role": role, "socket": socket}
        body = json.dumps(found).encode()
        os.ftruncate(fd, 0)
        os.pwrite(fd, body, 0)
        return True

    def _lock(self, fd: int) -> bool:
        """Whether ``fd`` got the lock; someone who merely looks (:meth:`holder`) is not taken for a holder."""
        for _ in range(_TRIES):
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if self.holder() is not None:
                    return False
            else:
                return True
        return False

    def release(self) -> None:
        """Give the lock back."""
        if self._fd is not None:
            os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = None

    def holder(self) -> Holder | None:
        """The process that holds the lock now, or None when it is free."""
        try:
            fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            try:
                fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _parse(os.pread(fd, _BODY_BYTES, 0))
            return None
        finally:
            os.close(fd)


def wait_for_end(holder: Holder, timeout_s: float) -> bool:
    """Block until ``holder``'s process has ended, at most ``timeout_s``; False when it still lives.

    A zombie may have threads that still run and hold the lock: only the descriptor knows when all have ended.
    """
    try:
        descriptor = os.pidfd_open(holder.pid)
    except ProcessLookupError:
        return True
    try:
        if process_started(holder.pid) not in (holder.started, None):
            return True  # the number belongs to another process by now
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(timeout_s * 1000))
    finally:
        os.close(descriptor)


def _parse(body: bytes) -> Holder | None:
    try:
        found = json.loads(body)
        role, socket = str(found.get("role", ENGINE)), str(found.get("socket", ""))
        return Holder(int(found["pid"]), int(found["started"]), role, socket)
    except (ValueError, KeyError, TypeError):
        return None
