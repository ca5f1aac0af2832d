"""Real engines as processes: started in a folder of their own, asked over their socket, ended by their id."""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks.processes import Memory, memory_of
from benchmarks.rows import MeasurementFailed
from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND, WallClock
from tuiconsole.engine.lock import EngineLock, wait_for_end
from tuiconsole.engine.paths import DeskPaths
from tuiconsole.protocol.frames import (
    LENGTH_BYTES,
    Answer,
    Done,
    Goodbye,
    Hello,
    Refused,
    Request,
    Shutdown,
    Status,
    Subscribe,
    Update,
    Welcome,
    pack,
    unpack_answer,
)
from tuiconsole.protocol.snapshot import Snapshot

ROOT = Path(__file__).resolve().parent.parent
CLOCK = WallClock()
READY_TIMEOUT_S = 60.0
ANSWER_TIMEOUT_S = 30.0


def seconds_since(began_ns: int) -> float:
    """Seconds of monotonic time since ``began_ns``."""
    return (CLOCK.monotonic_ns() - began_ns) / NANOSECONDS_PER_SECOND


@contextmanager
def folder() -> Iterator[Path]:
    """A fresh folder, without a configuration in it; removed at the end."""
    path = Path(tempfile.mkdtemp(prefix="tuiconsole-bench-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def environment(place: Path) -> dict[str, str]:
    """This environment with the user's own configuration out of the way."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("TUICONSOLE")}
    paths = os.pathsep.join([str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH", "")])])
    return {
        **inherited,
        "PYTHONPATH": paths,
        "XDG_CONFIG_HOME": str(place / "config"),
        "XDG_STATE_HOME": str(place / "state"),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
    }


def command(*arguments: str) -> list[str]:
    """The command line of ``tuiconsole`` with these arguments."""
    return [sys.executable, "-m", "tuiconsole", *arguments]


class Engine:
    """One ``tuiconsole headless`` on a state file of its own."""

    def __init__(self, state: Path, *arguments: str) -> None:
        self.state = state
        self.paths = DeskPaths.of(state)
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None
        self.ready_s = float("nan")

    def start(self) -> Engine:
        """Spawn it and wait until it is ready; :attr:`ready_s` is how long that took."""
        read_fd, write_fd = os.pipe()
        log = self.state.with_suffix(".log")
        given = ("--state", str(self.state), "--json", "--log", str(log), "--ready-fd", str(write_fd))
        began = CLOCK.monotonic_ns()
        with (self.state.parent / "stderr.txt").open("ab") as errors:
            self._process = subprocess.Popen(
                command("headless", *given, *self._arguments),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
                pass_fds=(write_fd,),
                cwd=self.state.parent,
                env=environment(self.state.parent),
            )
        os.close(write_fd)
        said = _line(read_fd, READY_TIMEOUT_S)
        self.ready_s = seconds_since(began)
        if said != "ready":
            self.kill()
            raise MeasurementFailed(f"the engine did not start: {said or self.errors() or 'no answer'}")
        return self

    def errors(self) -> str:
        """The last line of what the engine wrote to its standard error."""
        lines = (self.state.parent / "stderr.txt").read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "")

    @property
    def pid(self) -> int:
        """Its process id."""
        if self._process is None:
            raise MeasurementFailed("the engine was not started")
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process is not None and self._process.poll() is None

    def client(self, read_only: bool = False) -> Client:
        """A new connection to it."""
        return Client(self.paths.socket, read_only)

    def memory(self) -> Memory:
        """What it holds of the machine's memory now."""
        return memory_of(self.pid)

    def stop(self) -> None:
        """SIGTERM, and wait until it has left; SIGKILL when it does not."""
        if self._process is None:
            return
        if self.alive:
            self._process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(20.0)
        self.kill()

    def signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@contextmanager
def running(state: Path, *arguments: str) -> Iterator[Engine]:
    """An engine that is ready; stopped at the end."""
    engine = Engine(state, *arguments).start()
    try:
        yield engine
    finally:
        engine.stop()


def stop_whoever_runs(state: Path) -> None:
    """Stop the engine that a console started on ``state``, if any."""
    paths = DeskPaths.of(state)
    holder = EngineLock(paths.lock).holder()
    if holder is None:
        return
    with suppress(OSError, MeasurementFailed), Client(paths.socket) as client:
        client.ask(Shutdown(2, "measured"))
    if not wait_for_end(holder, 20.0):
        os.kill(holder.pid, signal.SIGKILL)
        wait_for_end(holder, 5.0)


class Client:
    """A blocking connection to an engine."""

    def __init__(self, path: Path, read_only: bool = False) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(ANSWER_TIMEOUT_S)
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise
        self._buffer = bytearray()
        welcome = self.ask(Hello(1, "benchmark", read_only))
        if not isinstance(welcome, Welcome):
            raise MeasurementFailed(f"the engine did not welcome the client: {welcome}")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def shut(self) -> None:
        """Make a blocked :meth:`receive` in another thread end."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def ask(self, request: Request) -> Answer:
        """Send a request and wait for its answer; snapshots in between are passed over."""
        self._socket.sendall(pack(request))
        while True:
            answer = self.receive()
            if isinstance(answer, Goodbye):
                raise MeasurementFailed(f"the engine left: {answer.text}")
            if not isinstance(answer, Update) and answer.id == request.id:
                return answer

    def do(self, request: Request) -> dict[str, Any]:
        """As :meth:`ask`; a refusal raises."""
        answer = self.ask(request)
        if isinstance(answer, Refused):
            raise MeasurementFailed(f"the engine refused: {answer.text}")
        return answer.body if isinstance(answer, Done) else {}

    def status(self) -> dict[str, Any]:
        """The stable status object."""
        return self.do(Status(7))

    def subscribe(self, rate_hz: float = 10.0) -> None:
        """Ask for snapshots."""
        self.do(Subscribe(8, rate_hz))

    def next_snapshot(self) -> Snapshot:
        """Wait for the next snapshot."""
        while True:
            answer = self.receive()
            if isinstance(answer, Update):
                return answer.snapshot
            if isinstance(answer, Goodbye):
                raise MeasurementFailed(f"the engine left: {answer.text}")

    def receive(self) -> Answer:
        """The next frame."""
        length = int.from_bytes(self._exactly(LENGTH_BYTES), "big")
        return unpack_answer(self._exactly(length))

    def _exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            chunk = self._socket.recv(1 << 18)
            if not chunk:
                raise MeasurementFailed("the engine closed the connection")
            self._buffer += chunk
        found = bytes(self._buffer[:count])
        del self._buffer[:count]
        return found


def _line(descriptor: int, timeout_s: float) -> str:
    """One line from a pipe, or what came of it until its end or the time-out; closes the pipe."""
    said, began = b"", CLOCK.monotonic_ns()
    try:
        while not said.endswith(b"\n"):
            left = timeout_s - seconds_since(began)
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                break
            chunk = os.read(descriptor, 4096)
            if not chunk:
                break
            said += chunk
    finally:
        os.close(descriptor)
    return said.decode(errors="replace").strip()
