"""The terminal: what it can do, and a driver that never blocks on it. The one file that touches Textual's internals.

Textual 8.2.8's own writer blocks the event loop once its queue is full, joins that blocked thread on exit, spins on a closed
pty, and leaves SIGHUP and SIGTERM to the default. Here output goes through :class:`GuardedWriter`, which drops frames
instead of waiting, and the driver turns hang-ups and SIGTERM into an exit that a watchdog guarantees.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import sys
import termios
import threading
from codecs import getincrementaldecoder
from collections.abc import Callable, Mapping
from typing import Any

from textual._xterm_parser import XTermParser
from textual.app import App
from textual.await_complete import AwaitComplete
from textual.command import CommandPalette
from textual.drivers.linux_driver import LinuxDriver

from tuiconsole.domain.errors import UsageError
from tuiconsole.ui.sgr import lean
from tuiconsole.ui.writer import GuardedWriter, open_again

STAYING_SCREENS = 2
LEAST_COLUMNS = 60
LEAST_ROWS = 20
_FRAME_LENGTH = 64
HANGUP_WATCHDOG_S = 0.3
TERMINATE_WATCHDOG_S = 2.0
EXIT_HANGUP = 128 + signal.SIGHUP
EXIT_TERMINATED = 128 + signal.SIGTERM
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
        raise UsageError(
            "The console needs a terminal, and this is none (input or output is redirected).", instead
        )
    if environ.get("TERM", "").lower() in ("", "dumb", "unknown"):
        raise UsageError(f"TERM={environ.get('TERM', '')!r} cannot show the console.", instead)
    sentence = size_sentence(columns, rows)
    if sentence:
        raise UsageError(sentence)


class GuardedApp(App[int], inherit_bindings=False):
    """An app that leaves quietly when it fails; Textual would write its traceback over the terminal.

    ``crash`` is what went wrong, or None. Its first screen stays for good: Textual 8.2.8's palette takes away what is under
    it when a key is repeated faster than it closes.
    """

    crash: Exception | None = None

    def pop_screen(self) -> AwaitComplete:
        """Take the dialog in front away, never the first screen."""
        return super().pop_screen() if len(self.screen_stack) > STAYING_SCREENS else AwaitComplete()

    def _handle_exception(self, error: Exception) -> None:
        self._return_code = 1
        if self._exception is None:
            self.crash = self._exception = error
            self._exception_event.set()
        self._close_messages_no_wait()


class GuardedPalette(CommandPalette):
    """Textual's command palette, whose list of 8.2.8 fails on keys that come while it is being filled."""

    def _action_command_list(self, action: str) -> None:
        with contextlib.suppress(KeyError, IndexError):
            super()._action_command_list(action)


class GuardedDriver(LinuxDriver):
    """Textual's Linux driver with a guarded writer, an input thread that ends with the pty, and signals handled."""

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        self._output: GuardedWriter | None = None
        self._leaving = False
        self._output_fd = self._file.fileno() if self._file is not None else 2

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
            colours = not self._app.no_color
            short = len(data) <= _FRAME_LENGTH and colours
            self._output.write(data if short else lean(data, colours=colours))

    def start_application_mode(self) -> None:
        """Take the terminal; from here on hang-ups and SIGTERM end the console in order."""
        self._output = GuardedWriter(
            self._output_fd,
            on_recovered=lambda: self._tell_loop(self._repaint),
            on_closed=lambda: self._tell_loop(self._hung_up),
        )
        self._output.start()
        super().start_application_mode()  # type: ignore[no-untyped-call]
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
        fd, _ = open_again(self._output_fd)
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
                size = os.get_terminal_size(stream.fileno())
                return size.columns, size.lines
        except OSError:
            continue
    return 80, 24
