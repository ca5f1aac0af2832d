"""The terminal: what it can do, and a driver that never blocks on it. The one file that touches Textual's internals.

Textual 8.2.8's own writer blocks the event loop once its queue is full, joins that blocked thread on exit, spins on a closed
pty, and leaves SIGHUP and SIGTERM to the default. Here output goes through :class:`GuardedWriter`, which drops frames
instead of waiting, and the driver turns hang-ups and SIGTERM into an exit that a watchdog guarantees.
"""

from __future__ import annotations

import os
import select
import selectors
import signal
import sys
import termios
import threading
from codecs import getincrementaldecoder
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from tuiconsole.domain.errors import UsageError
from tuiconsole.ui.sgr import lean

LEAST_COLUMNS = 60
LEAST_ROWS = 20
MAX_PENDING_BYTES = 48_000
STOP_TIMEOUT_S = 0.25
_FRAME_LENGTH = 64
HANGUP_WATCHDOG_S = 0.3
TERMINATE_WATCHDOG_S = 2.0
EXIT_HANGUP = 128 + signal.SIGHUP
EXIT_TERMINATED = 128 + signal.SIGTERM
_SYNC = ("\x1b[?2026h", "\x1b[?2026l")
_AFTER_STALL = b"\x1b[0m\x1b[?2026l"
_RESTORE = b"\x1b[?2026l\x1b[?2004l\x1b[?7h\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?1004l"


def size_sentence(columns: int, rows: int) -> str:
    """One sentence when ``columns`` × ``rows`` is too small, else empty.

    >>> size_sentence(80, 24)
    ''
    """
    if columns >= LEAST_COLUMNS and rows >= LEAST_ROWS:
        return ""
    return (
        f"The terminal is {columns}×{rows}; the console needs at least {LEAST_COLUMNS}×{LEAST_ROWS}. "
        "Enlarge the window or use a smaller font."
    )


def require_terminal(environ: Mapping[str, str], *, is_tty: bool, columns: int, rows: int) -> None:
    """Refuse terminals on which the console cannot be shown.

    Raises
    ------
    UsageError
        Not a terminal, ``TERM=dumb``, or smaller than 60×20; the sentence says what to use instead.
    """
    instead = "Use `tuiconsole status` for plain text, or `tuiconsole headless` to run without a screen."
    if not is_tty:
        raise UsageError("The console needs a terminal, and this is none (input or output is redirected).", instead)
    if environ.get("TERM", "").lower() in ("", "dumb", "unknown"):
        raise UsageError(f"TERM={environ.get('TERM', '')!r} cannot show the console.", instead)
    sentence = size_sentence(columns, rows)
    if sentence:
        raise UsageError(sentence)


class GuardedWriter:
    """Writes to a terminal from a thread of its own and never makes anyone wait.

    Output that the terminal does not take piles up to :data:`MAX_PENDING_BYTES`; beyond that whole frames are dropped, and
    once the terminal takes output again ``on_recovered`` is called so that the screen is repainted whole. After an I/O error
    (the pty is gone) everything is swallowed and ``on_closed`` is called once.
    """

    def __init__(self, fd: int, *, on_recovered: Callable[[], None], on_closed: Callable[[], None]) -> None:
        self._fd, self._own = _open_again(fd)
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
        self.dropped = 0

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
                self.dropped += len(data)
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
        kept = [data for data in self._queue if len(data) < 24 and data.decode("utf-8", "replace") not in _SYNC]
        self.dropped += sum(map(len, self._queue)) - sum(map(len, kept))
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


def _open_again(fd: int) -> tuple[int, bool]:
    # an open file description of our own can be made non-blocking without changing the shell's
    try:
        return os.open(os.ttyname(fd), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY), True
    except OSError:
        return fd, False


class GuardedDriver(LinuxDriver):
    """Textual's Linux driver with a guarded writer, an input thread that ends with the pty, and signals handled."""

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        self._output: GuardedWriter | None = None
        self._leaving = False

    @property
    def bytes_written(self) -> int:
        """Bytes the terminal has taken so far."""
        return self._output.written if self._output else 0

    @property
    def backlog_bytes(self) -> int:
        """Bytes waiting for the terminal."""
        return self._output.pending if self._output else 0

    @property
    def link_slow(self) -> bool:
        """True while frames are being dropped."""
        return self._output.dropping if self._output else False

    def write(self, data: str) -> None:
        """Hand ``data`` to the guarded writer."""
        if self._output is not None:
            self._output.write(lean(data) if len(data) > _FRAME_LENGTH else data)

    def start_application_mode(self) -> None:
        """Take the terminal; from here on hang-ups and SIGTERM end the console in order."""
        self._output = GuardedWriter(
            self._file.fileno(),
            on_recovered=lambda: self._tell_loop(self._repaint),
            on_closed=lambda: self._tell_loop(self._hung_up),
        )
        self._output.start()
        super().start_application_mode()
        if self._writer_thread is not None:  # Textual's own writer is never used
            self._writer_thread.stop()
            self._writer_thread = None
        self._loop.add_signal_handler(signal.SIGHUP, self._hung_up)
        self._loop.add_signal_handler(signal.SIGTERM, self._terminated)

    def close(self) -> None:
        """Let go of the terminal, waiting for it only a moment."""
        if self._output is not None:
            self._output.stop()
            self._output = None

    def run_input_thread(self) -> None:
        """Read keys until told to stop or until the terminal is gone (Textual's own loop spins on a closed pty)."""
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")("replace").decode
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if selector.select(0.05):
                    try:
                        data = os.read(self.fileno, 4096)
                    except OSError:
                        data = b""
                    if not data:
                        self._tell_loop(self._hung_up)
                        return
                    for event in parser.feed(decode(data)):
                        self.process_message(event)
                for event in parser.tick():
                    self.process_message(event)

    def _tell_loop(self, call: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(call)
        except RuntimeError:
            return  # the loop has already ended

    def _repaint(self) -> None:
        # what is on the glass is unknown after dropped frames: paint everything
        if not self._leaving and self._app.screen_stack:
            for screen in self._app.screen_stack:
                screen.refresh(layout=True)

    def _hung_up(self) -> None:
        if not self._leaving:
            self._leaving = True
            _watchdog(HANGUP_WATCHDOG_S, EXIT_HANGUP, None)
            if self._output is not None:
                self._output.abandon()
            self._app.exit(return_code=EXIT_HANGUP)

    def _terminated(self) -> None:
        if not self._leaving:
            self._leaving = True
            _watchdog(TERMINATE_WATCHDOG_S, EXIT_TERMINATED, self._restore_by_force)
            self._app.exit(return_code=EXIT_TERMINATED)

    def _restore_by_force(self) -> None:
        fd, _ = _open_again(self._file.fileno())
        os.write(fd, _RESTORE)
        if self.attrs_before is not None:
            termios.tcsetattr(self.fileno, termios.TCSANOW, self.attrs_before)


def _watchdog(seconds: float, code: int, last: Callable[[], None] | None) -> None:
    """End the process after ``seconds`` whatever else happens."""

    def end() -> None:
        try:
            if last is not None:
                last()
        finally:
            os._exit(code)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


def terminal_size() -> tuple[int, int]:
    """Columns and rows of the terminal on standard error or output, or 80×24."""
    for stream in (sys.__stderr__, sys.__stdout__):
        try:
            if stream is not None:
                return tuple(os.get_terminal_size(stream.fileno()))
        except OSError:
            continue
    return 80, 24
