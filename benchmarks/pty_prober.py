"""Runs a program in a pseudo-terminal, as its user would, and times what comes out of it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from benchmarks.engines import CLOCK, seconds_since
from benchmarks.rows import MeasurementFailed

_CHUNK = 1 << 16
_KEPT = 1 << 20
_QUERY_SYNC, _ANSWER_SYNC = b"\x1b[?2026$p", b"\x1b[?2026;2$y"
"""Does the terminal paint whole frames at once (DEC mode 2026)? It does."""


@dataclass(frozen=True, slots=True)
class Flow:
    """What a program wrote in ``seconds``: bytes, and frames (synchronised updates begun)."""

    seconds: float
    n_bytes: int
    frames: int

    @property
    def bytes_per_s(self) -> float:
        """Bytes a second."""
        return self.n_bytes / self.seconds


class PtyProgram:
    """A program on a terminal of its own.

    Parameters
    ----------
    size
        Columns and rows.
    """

    def __init__(
        self,
        command: Sequence[str],
        place: Path,
        environment: Mapping[str, str],
        size: tuple[int, int] = (120, 40),
    ) -> None:
        self._master, slave = pty.openpty()
        columns, rows = size
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.set_blocking(self._master, False)
        self.began_ns = CLOCK.monotonic_ns()
        self._process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=place,
            env=dict(environment),
            start_new_session=True,
        )
        os.close(slave)
        self._seen = b""
        self._asked = False

    def __enter__(self) -> PtyProgram:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """SIGKILL the program and close its terminal."""
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def press(self, key: bytes) -> int:
        """Send ``key``; the monotonic ns just before. What was written before no longer counts for :meth:`until`."""
        self._drain()
        self._seen = b""
        began = CLOCK.monotonic_ns()
        os.write(self._master, key)
        return began

    def until(self, text: bytes, timeout_s: float, since_ns: int | None = None) -> float:
        """Seconds from ``since_ns`` (default: the start of the program) until ``text`` was written.

        Raises
        ------
        MeasurementFailed
            When it did not come in time or the program ended first.
        """
        began, since = CLOCK.monotonic_ns(), self.began_ns if since_ns is None else since_ns
        while text not in self._seen:
            if seconds_since(began) > timeout_s:
                raise MeasurementFailed(
                    f"the screen did not show {text!r} within {timeout_s:g} s; {self._last()}"
                )
            self._read(0.05)
        return seconds_since(since)

    def shows(self, text: bytes, timeout_s: float, since_ns: int) -> float | None:
        """As :meth:`until`, None when it did not come in time."""
        began = CLOCK.monotonic_ns()
        while text not in self._seen:
            left = timeout_s - seconds_since(began)
            if left <= 0:
                return None
            self._read(min(left, 0.05))
        return seconds_since(since_ns)

    def flow(self, seconds: float) -> Flow:
        """Read for ``seconds`` and count."""
        self._drain()
        began, n_bytes, frames = CLOCK.monotonic_ns(), 0, 0
        while (left := seconds - seconds_since(began)) > 0:
            data = self._read(min(left, 0.05))
            n_bytes += len(data)
            frames += data.count(b"\x1b[?2026h")
        return Flow(seconds_since(began), n_bytes, frames)

    def _drain(self) -> None:
        while self._read(0.0):
            pass

    def _read(self, wait_s: float) -> bytes:
        if not select.select([self._master], [], [], wait_s)[0]:
            if self._process.poll() is not None:
                raise MeasurementFailed(
                    f"the console ended with exit code {self._process.returncode}; {self._last()}"
                )
            return b""
        try:
            data = os.read(self._master, _CHUNK)
        except OSError:
            raise MeasurementFailed(f"the console closed its terminal; {self._last()}") from None
        self._seen = (self._seen + data)[-_KEPT:]
        if not self._asked and _QUERY_SYNC in self._seen:
            self._asked = True
            os.write(self._master, _ANSWER_SYNC)
        return data

    def _last(self) -> str:
        return f"it last wrote {self._seen[-160:]!r}"
