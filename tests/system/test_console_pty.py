"""The console in a real pty against an engine process: hang-ups, signals, a stalled reader."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system import rig

ROOT = Path(__file__).resolve().parents[2]
GUARD_S = 20.0
CONSOLE = """
import fcntl, sys, termios
if sys.stdin.isatty():
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from pathlib import Path
from tuiconsole.ui.app import run_console
from tuiconsole.ui.options import ConsoleOptions
sys.exit(run_console(ConsoleOptions(Path(sys.argv[1]), Path(sys.argv[1] + ".db"), ("/bin/true",), mode_hint="replay")))
"""

CRASHING = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from tuiconsole.ui.screens.desk import DeskScreen
def fail(self, snapshot):
    raise ValueError("a [red] figure")
DeskScreen.show = fail
from tuiconsole.cli import main
sys.exit(main(sys.argv[1:]))
"""

pytestmark = [pytest.mark.system, pytest.mark.timeout(90)]


def _environ() -> dict[str, str]:
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    return {**os.environ, "PYTHONPATH": path, "TERM": "xterm-256color", "COLORTERM": "truecolor"}


@contextlib.contextmanager
def engine(tmp_path: Path, rate: float = 10) -> Iterator[Path]:
    """A fake engine in a process of its own; its socket."""
    socket = tmp_path / "e.sock"
    command = [sys.executable, "-m", "tests.ui.fake_engine", str(socket), "--rate", str(rate)]
    process = subprocess.Popen(command, cwd=ROOT, env=_environ())
    try:
        _until(socket.exists)
        yield socket
        assert process.poll() is None, "the engine noticed the console's end"
    finally:
        process.kill()
        process.wait()


def _until(condition: object, guard_s: float = GUARD_S) -> float:
    start = time.monotonic()
    while not condition():  # type: ignore[operator]
        if time.monotonic() - start > guard_s:
            raise AssertionError("the condition never came true")
        select.select([], [], [], 0.005)
    return time.monotonic() - start


class Terminal:
    """A console in a pty, and what it painted."""

    def __init__(
        self, command: list[str], environ: dict[str, str], columns: int = 100, rows: int = 34
    ) -> None:
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(self.slave)
        self.painted = b""
        self.process = subprocess.Popen(
            command,
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            env=environ,
            start_new_session=True,
        )

    def read(self, seconds: float = 0.05) -> bytes:
        data = b""
        while select.select([self.master], [], [], seconds)[0]:
            try:
                piece = os.read(self.master, 65536)
            except OSError:
                break
            data += piece
            if len(piece) < 4096:
                break
        self.painted += data
        return data

    def until_painted(self, text: bytes, guard_s: float = GUARD_S) -> None:
        mark = max(0, len(self.painted) - 200)

        def seen() -> bool:
            self.read(0.02)
            return text in self.painted[mark:]

        _until(seen, guard_s)

    def close(self) -> None:
        for fd in (self.master, self.slave):
            with contextlib.suppress(OSError):
                os.close(fd)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def console(socket: Path, **environ: str) -> Iterator[Terminal]:
    terminal = Terminal([sys.executable, "-c", CONSOLE, str(socket)], _environ() | environ)
    try:
        terminal.until_painted(b"AAPL")
        yield terminal
    finally:
        terminal.close()


def _exit_seconds(terminal: Terminal) -> float:
    return _until(lambda: terminal.process.poll() is not None, 3.0)


def test_closed_pty_ends_the_console_at_once(tmp_path: Path) -> None:
    with engine(tmp_path) as socket, console(socket) as terminal:
        os.close(terminal.slave)
        os.close(terminal.master)
        seconds = _exit_seconds(terminal)
        assert seconds < 3.0
        assert terminal.process.returncode == 128 + signal.SIGHUP


def test_sighup_ends_the_console_at_once(tmp_path: Path) -> None:
    with engine(tmp_path) as socket, console(socket) as terminal:
        terminal.process.send_signal(signal.SIGHUP)
        assert _exit_seconds(terminal) < 3.0


def test_sighup_with_a_stalled_reader_ends_too(tmp_path: Path) -> None:
    with engine(tmp_path, rate=50) as socket, console(socket) as terminal:
        for _ in range(40):  # nobody reads: the terminal fills up
            os.write(terminal.master, b"mm")
            select.select([], [], [], 0.02)
        terminal.process.send_signal(signal.SIGHUP)
        assert _exit_seconds(terminal) < 3.0


def test_sigterm_restores_the_terminal(tmp_path: Path) -> None:
    with engine(tmp_path) as socket, console(socket) as terminal:
        assert termios.tcgetattr(terminal.slave) != terminal.before
        terminal.process.send_signal(signal.SIGTERM)

        def gone() -> bool:
            terminal.read(0.01)
            return terminal.process.poll() is not None

        _until(gone, 3.0)
        terminal.read(0.1)
        for sequence in (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?2004l", b"\x1b[<u"):
            assert sequence in terminal.painted
        assert termios.tcgetattr(terminal.slave) == terminal.before
        assert terminal.process.returncode == 128 + signal.SIGTERM


def test_stalled_reader_blocks_no_key_and_is_repainted_whole(tmp_path: Path) -> None:
    with engine(tmp_path, rate=30) as socket, console(socket) as terminal:
        start = time.monotonic()
        while time.monotonic() - start < 3.0:  # the reader is away; keys go on
            os.write(terminal.master, b"mtm")
            select.select([], [], [], 0.05)
        os.write(terminal.master, b"1p")  # pause, still without reading
        asked = socket.with_suffix(".asked")
        _until(lambda: "Pause" in asked.read_text().split(), 5.0)
        terminal.until_painted(b"PAUSED")
        terminal.until_painted(b"REPLAY")
        assert terminal.process.poll() is None


def test_quit_leaves_the_engine_and_restores_the_terminal(tmp_path: Path) -> None:
    with engine(tmp_path) as socket, console(socket) as terminal:
        os.write(terminal.master, b"q")
        terminal.until_painted(b"engine keeps trading")
        os.write(terminal.master, b"\r")

        def gone() -> bool:
            terminal.read(0.01)
            return terminal.process.poll() is not None

        _until(gone)
        assert terminal.process.returncode == 0
        assert termios.tcgetattr(terminal.slave) == terminal.before


def test_dumb_terminal_is_refused_with_a_sentence(tmp_path: Path) -> None:
    code = CONSOLE.replace(
        "sys.exit(", "from tuiconsole.domain.errors import UsageError\ntry:\n    sys.exit("
    ).rstrip()
    code += "\nexcept UsageError as error:\n    sys.stderr.write(str(error)); sys.exit(error.exit_code)\n"
    result = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "s")],
        env=_environ() | {"TERM": "dumb"},
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=GUARD_S,
        check=False,
    )
    assert result.returncode == 2
    assert "tuiconsole status" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("debug", [False, True])
def test_a_crash_is_one_sentence_and_the_engine_trades_on(desk: rig.SystemDesk, debug: bool) -> None:
    engine_process = desk.engine(1.0)
    command = [sys.executable, "-c", CRASHING, *(["--debug"] if debug else [])]
    command += ["attach", "--config", str(desk.config), "--state", str(desk.state)]
    terminal = Terminal(command, _environ() | {"XDG_RUNTIME_DIR": str(desk.runtime)})
    try:

        def gone() -> bool:
            terminal.read(0.01)
            return terminal.process.poll() is not None

        _until(gone)
        terminal.read(0.1)
        told = " ".join(terminal.painted.rpartition(b"\x1b[?1049l")[2].decode().split())
        log = desk.home / "state-console.log"
        assert "The console failed (ValueError: a [red] figure)." in told
        assert "The engine is not affected" in told
        assert ("Traceback" in told) is debug
        assert "Traceback" in log.read_text()
        assert terminal.process.returncode == 1
        assert termios.tcgetattr(terminal.slave) == terminal.before
        assert engine_process.process.poll() is None
        assert desk.status()["state"] == "running"
    finally:
        terminal.close()


@pytest.mark.parametrize(
    ("environ", "codes"),
    [
        ({"NO_COLOR": "1"}, r"0|1|2|4|7|22|24|27"),
        ({"TERM": "xterm-16color", "COLORTERM": ""}, r"0|1|2|4|7|22|24|27|[349]\d|10\d|39|49"),
        ({"TERM": "xterm-256color", "COLORTERM": ""}, r"0|1|2|4|7|22|24|27|[34]8|5|\d{1,3}"),
    ],
)
def test_terminals_get_the_colours_they_have(tmp_path: Path, environ: dict[str, str], codes: str) -> None:
    with engine(tmp_path) as socket, console(socket, **environ) as terminal:
        os.write(terminal.master, b"?")
        terminal.until_painted(b"Help")
        used = {
            code for found in re.findall(rb"\x1b\[([\d;]*)m", terminal.painted) for code in found.split(b";")
        }
        assert not [code for code in used if not re.fullmatch(codes, code.decode() or "0")]
        if "NO_COLOR" not in environ:
            assert b"38;2" not in terminal.painted
        for word in (b"REPLAY", b"RUNNING", b"F9"):
            assert word in terminal.painted


def test_copy_reaches_the_terminal(tmp_path: Path) -> None:
    with engine(tmp_path) as socket, console(socket) as terminal:
        os.write(terminal.master, b"1y")
        terminal.until_painted(b"Copied to the clipboard")
        encoded = re.search(rb"\x1b\]52;c;([A-Za-z0-9+/=]+)\x07", terminal.painted)
        assert encoded is not None
        assert base64.b64decode(encoded[1]).startswith(b"AAPL\t")
