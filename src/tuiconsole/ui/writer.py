"""Writes to a terminal without ever waiting for it. No Textual here."""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from collections.abc import Callable

MAX_PENDING_BYTES = 48_000
STOP_TIMEOUT_S = 0.25
_SYNC = ("\x1b[?2026h", "\x1b[?2026l")
_AFTER_STALL = b"\x1b[0m\x1b[?2026l"


class GuardedWriter:
    """Writes to a terminal from a thread of its own and never makes anyone wait.

    Output that the terminal does not take piles up to :data:`MAX_PENDING_BYTES`; beyond that whole frames are dropped, and
    once the terminal takes output again ``on_recovered`` is called so that the screen is repainted whole. After an I/O error
    (the pty is gone) everything is swallowed and ``on_closed`` is called once.
    """

    def __init__(self, fd: int, *, on_recovered: Callable[[], None], on_closed: Callable[[], None]) -> None:
        self._fd, self._own = open_again(fd)
        self._on_recovered = on_recovered
        self._on_closed = on_closed
        self._queue: deque[bytes] = deque()
        self._pending = 0
        self._dropping = False
        self._stopping = False
        self._closed = False
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True, name="terminal-output")
        self.written = 0

    @property
    def pending(self) -> int:
        """Bytes that the terminal has not taken yet."""
        return self._pending

    @property
    def dropping(self) -> bool:
        """True while frames are dropped because the terminal is stalled."""
        return self._dropping

    def start(self) -> None:
        """Start the writing thread."""
        self._thread.start()

    def write(self, text: str) -> None:
        """Queue ``text``, or drop it when the terminal is stalled. Returns at once."""
        data = text.encode("utf-8", "replace")
        with self._wake:
            if self._closed or self._stopping:
                return
            control = len(text) < 24 and text.startswith("\x1b[") and text not in _SYNC and "H" not in text
            if not self._dropping and self._pending > MAX_PENDING_BYTES:
                self._drop_queue()
            if self._dropping and not control:
                return
            self._queue.append(data)
            self._pending += len(data)
            self._wake.notify()

    def stop(self, last_words: str = "", timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Write what is pending and ``last_words`` if the terminal takes it within ``timeout_s``; then let go."""
        with self._wake:
            if self._pending > MAX_PENDING_BYTES // 4:
                self._drop_queue()
            if last_words:
                self._queue.append(last_words.encode())
            self._stopping = True
            self._wake.notify()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    def abandon(self) -> None:
        """Write nothing more: the terminal is gone."""
        with self._wake:
            self._closed = True
            self._queue.clear()
            self._pending = 0
            self._wake.notify()

    def _drop_queue(self) -> None:
        # frames go, mode switches stay: those are short and idempotent
        kept = [
            data for data in self._queue if len(data) < 24 and data.decode("utf-8", "replace") not in _SYNC
        ]
        self._queue = deque(kept)
        self._pending = sum(map(len, kept))
        self._dropping = True

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._queue and not self._stopping and not self._closed:
                    if self._dropping:
                        self._dropping = False
                        self._queue.append(_AFTER_STALL)
                        self._pending += len(_AFTER_STALL)
                        self._on_recovered()
                        break
                    self._wake.wait()
                if self._closed or not self._queue:
                    break
                data = b"".join(self._queue) if self._pending < 4096 else self._queue.popleft()
                if self._pending < 4096:
                    self._queue.clear()
            if not self._push(data):
                break
        if self._own:
            os.close(self._fd)

    def _push(self, data: bytes) -> bool:
        view = memoryview(data)
        while view:
            if self._closed:
                return False
            try:
                select.select([], [self._fd], [], 0.1)
                sent = os.write(self._fd, view[:4096])
            except BlockingIOError:
                continue
            except (OSError, ValueError):
                self.abandon()
                self._on_closed()
                return False
            view = view[sent:]
            with self._wake:
                self.written += sent
                self._pending = max(0, self._pending - sent)
        return True


def open_again(fd: int) -> tuple[int, bool]:
    """``fd``'s terminal opened anew without blocking, and True; or ``fd`` itself and False when it is no terminal.

    An open file description of our own can be made non-blocking without changing the shell's.
    """
    try:
        return os.open(os.ttyname(fd), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY), True
    except OSError:
        return fd, False
