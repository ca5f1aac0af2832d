"""Real engine processes: started, watched through their pipes and sockets, and always ended.

Nothing here sleeps. A thread reads an engine's log lines as they come; waiting means waiting on that thread, on a
process's end (``pidfd``) or on a socket.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.engine import rig
from tuiconsole.domain.clock import iso
from tuiconsole.domain.codec import decode_record
from tuiconsole.domain.records import Alerted
from tuiconsole.engine.lock import EngineLock
from tuiconsole.engine.paths import DeskPaths
from tuiconsole.market.tape import Tape
from tuiconsole.protocol import frames
from tuiconsole.store.readers import journal_rows
from tuiconsole.verbs.common import Place
from tuiconsole.verbs.engine import status_of
from tuiconsole.verbs.research import verify_desk

TIMEOUT_S = 30.0
"""Longest wait for anything; a guard, not a measurement."""

Line = dict[str, Any]


def write_csv(path: Path, tape: Tape) -> Path:
    """``tape`` as a CSV file with ts, symbol and close."""
    rows = ["ts,symbol,close"]
    for i, ts in enumerate(tape.ts.tolist()):
        stamp = iso(ts)
        rows += [f"{stamp},{name},{tape.close[i, k]:.4f}" for k, name in enumerate(tape.universe.symbols)]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def write_config(path: Path, tape: Tape, data: Path, **more: str) -> Path:
    """A configuration that trades ``data`` from the end of its warm-up; ``more`` adds lines by section."""
    sections = {
        "feed": f'feed = "replay"\npath = "{data}"\nstart = "{iso(int(tape.ts[rig.WARMUP]))[:10]}"\n',
        "engine": "checkpoint_bars = 20\nstall_ms = 60000\n",  # a loaded machine writes no rows of its own
    }
    for name, lines in more.items():
        sections[name] = sections.get(name, "") + lines + "\n"
    path.write_text("\n".join(f"[{name}]\n{body}" for name, body in sections.items()), encoding="utf-8")
    return path


@dataclass(frozen=True)
class Ran:
    """A verb that ran to its end."""

    code: int
    out: str
    err: str

    @property
    def body(self) -> dict[str, Any]:
        """The one JSON object on standard output."""
        found: dict[str, Any] = json.loads(self.out)
        return found


class Engine:
    """One ``tuiconsole headless --json``, its log lines read as they come."""

    def __init__(
        self, command: list[str], environment: dict[str, str], cwd: Path, ready: bool = True
    ) -> None:
        read_fd, write_fd = os.pipe()
        self.lines: list[Line] = []
        self.ended = False
        self._noise: list[str] = []
        self._news = threading.Condition()
        with contextlib.ExitStack() as stack:
            stack.callback(os.close, write_fd)
            self.process = subprocess.Popen(
                [*command, "--ready-fd", str(write_fd)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=cwd,
                pass_fds=(write_fd,),
                text=True,
            )
        self.pid = self.process.pid
        self._ready_fd = read_fd
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if ready:
            assert self.said_ready() == "ready", self.tell()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                try:
                    self.lines.append(json.loads(line))
                except json.JSONDecodeError:
                    self._noise.append(line)
                self._news.notify_all()
        with self._news:
            self.ended = True
            self._news.notify_all()

    def said_ready(self) -> str:
        """``ready``, or the sentence that says why it cannot start."""
        said = b""
        while not said.endswith(b"\n"):
            assert select.select([self._ready_fd], [], [], TIMEOUT_S)[0], f"not ready: {self.tell()}"
            chunk = os.read(self._ready_fd, 4096)
            if not chunk:
                break
            said += chunk
        os.close(self._ready_fd)
        self._ready_fd = -1
        return said.decode().strip()

    def wait_for(self, wanted: Callable[[list[Line]], bool], what: str = "a line") -> list[Line]:
        """Block until ``wanted`` is true of the lines so far; a copy of them."""
        with self._news:
            assert self._news.wait_for(lambda: wanted(self.lines), TIMEOUT_S), f"no {what}: {self.tell()}"
            return list(self.lines)

    def wait_event(self, event: str) -> Line:
        """Block until a line says ``event``; that line."""
        found = self.wait_for(lambda lines: any(line["event"] == event for line in lines), event)
        return next(line for line in found if line["event"] == event)

    def events(self, event: str) -> list[Line]:
        """The lines so far that say ``event``."""
        with self._news:
            return [line for line in self.lines if line["event"] == event]

    def tell(self) -> str:
        """What it said last, for a failing test."""
        return "\n".join([*self._noise[-20:], *(json.dumps(line) for line in self.lines[-8:])])

    def signal(self, number: int) -> None:
        """Send ``number``."""
        os.kill(self.pid, number)

    def freeze(self) -> None:
        """SIGSTOP, and wait until every thread stands still."""
        self.signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOWAIT)

    def wait(self) -> int:
        """Wait for its end, with all it said read; the exit code."""
        code = self.process.wait(TIMEOUT_S)
        self._reader.join(TIMEOUT_S)
        return code

    def terminate(self) -> Line:
        """SIGTERM, wait, and return its last line, which says where the journal ends."""
        self.signal(signal.SIGTERM)
        assert self.wait() == 0, self.tell()
        assert not self._noise, self.tell()
        assert self.lines[-1]["event"] == "stopped", self.tell()
        return self.lines[-1]

    def kill(self) -> None:
        """SIGKILL and wait."""
        self.process.kill()
        self.wait()

    def close(self) -> None:
        """End it if it lives, and close what is open."""
        if self.process.poll() is None:
            self.process.kill()
        self.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        if self._ready_fd >= 0:
            os.close(self._ready_fd)


@dataclass
class SystemDesk:
    """A desk on disk with a runtime directory of its own, and every process that was started on it."""

    home: Path
    tape: Tape
    runtime: Path
    config: Path
    data: Path
    engines: list[Engine] = field(default_factory=list)

    @property
    def state(self) -> Path:
        """The state file."""
        return self.home / "state.db"

    @property
    def paths(self) -> DeskPaths:
        """Its files, and the socket as the engine computes it."""
        with changed_environment(XDG_RUNTIME_DIR=str(self.runtime)):
            return DeskPaths.of(self.state)

    @property
    def environment(self) -> dict[str, str]:
        """What processes get: our own environment (a BLAS kernel chosen there changes last bits), no terminal."""
        return {**os.environ, "XDG_RUNTIME_DIR": str(self.runtime), "TERM": "dumb"}

    def command(self, *arguments: str, state: Path | None = None) -> list[str]:
        """The command line of a verb on this desk."""
        verb, *rest = arguments
        place = ["--config", str(self.config)]
        if verb != "backtest":
            place += ["--state", str(state or self.state)]
        return [sys.executable, "-m", "tuiconsole", verb, *rest, *place]

    def run(
        self, *arguments: str, state: Path | None = None, environment: dict[str, str] | None = None
    ) -> Ran:
        """Run a verb to its end."""
        done = subprocess.run(
            self.command(*arguments, state=state),
            capture_output=True,
            text=True,
            env=self.environment | (environment or {}),
            cwd=self.home,
            timeout=TIMEOUT_S,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def run_bare(self, *arguments: str) -> Ran:
        """Run ``tuiconsole`` without a verb to its end."""
        place = ["--config", str(self.config), "--state", str(self.state)]
        done = subprocess.run(
            [sys.executable, "-m", "tuiconsole", *place, *arguments],
            capture_output=True,
            text=True,
            env=self.environment,
            cwd=self.home,
            timeout=TIMEOUT_S,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a verb without waiting; the caller communicates with it."""
        return subprocess.Popen(
            self.command(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment,
            cwd=self.home,
            text=True,
        )

    def engine(self, speed: float = 0, *more: str, state: Path | None = None, ready: bool = True) -> Engine:
        """Start an engine in the foreground and wait until it is ready."""
        command = self.command("headless", "--json", "--speed", str(speed), *more, state=state)
        started = Engine(command, self.environment, self.home, ready)
        self.engines.append(started)
        return started

    def _place(self) -> Place:
        with changed_environment(XDG_RUNTIME_DIR=str(self.runtime)):
            return Place.of(self.config, self.state, None, None, None)

    def status(self) -> dict[str, Any]:
        """What ``status --json`` says, asked from this process."""
        return status_of(self._place(), TIMEOUT_S)

    def verified(self) -> dict[str, Any]:
        """What ``verify --json`` says, found in this process; it must find all well."""
        body = verify_desk(self._place(), chain_only=False)
        assert body["ok"], body
        return body

    def close(self) -> None:
        """End every process on this desk, the detached ones too."""
        for engine in self.engines:
            engine.close()
        holder = EngineLock(self.paths.lock).holder()
        if holder is not None:
            descriptor = os.pidfd_open(holder.pid)
            os.kill(holder.pid, signal.SIGKILL)
            select.select([descriptor], [], [], TIMEOUT_S)
            os.close(descriptor)
        shutil.rmtree(self.runtime)


@dataclass(frozen=True)
class Whole:
    """What an uninterrupted engine leaves behind at the end of the tape."""

    rows: int
    head: str
    orders: list[tuple[int, str, int]]
    equity: float
    traded: str


def traded(state: Path) -> str:
    """A hash of the whole journal but its alerts: a watch that was restarted may word them differently."""
    rows = (payload for _, payload in journal_rows(state))
    kept = [payload for payload in rows if not isinstance(decode_record(payload), Alerted)]
    return hashlib.sha256(b"".join(len(row).to_bytes(4, "little") + row for row in kept)).hexdigest()


@contextlib.contextmanager
def changed_environment(**values: str) -> Iterator[None]:
    """Environment variables set for the duration."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def make_desk(home: Path, tape: Tape, data: Path, **sections: str) -> SystemDesk:
    """A desk in ``home`` on ``data``; its sockets live under a short path."""
    runtime = Path(tempfile.mkdtemp(prefix="tc-"))
    config = write_config(home / "config.toml", tape, data, **sections)
    return SystemDesk(home, tape, runtime, config, data)


def undisturbed(home: Path, tape: Tape, data: Path) -> Whole:
    """Run the tape to its end with an engine that nobody disturbs."""
    made = make_desk(home, tape, data)
    try:
        engine = made.engine(0)
        engine.wait_event("end of tape")
        equity = made.status()["equity"]
        stopped = engine.terminate()
        told = [a for a in engine.events("alert")[:-1] if a["code"] != "drift"]
        assert not told, "this market trips no breaker"
        orders = orders_in(engine.lines)
        return Whole(stopped["rows"], stopped["head"], orders, equity, traded(made.state))
    finally:
        made.close()


class Client:
    """A raw client of the engine's socket."""

    def __init__(self, path: Path, name: str = "test", read_only: bool = False, hello: bool = True) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(TIMEOUT_S)
        self.socket.connect(str(path))
        self._next = 1
        if hello:
            self.welcome = self.ask(lambda i: frames.Hello(i, name, read_only))

    def ask(self, make: Callable[[int], frames.Request]) -> frames.Answer:
        """Send one request and return the answer to it, snapshots skipped."""
        self._next += 1
        self.socket.sendall(frames.pack(make(self._next)))
        while True:
            answer = self.read()
            if getattr(answer, "id", None) == self._next:
                return answer

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    def read(self) -> frames.Answer:
        """The next frame, whatever it is; ``EOFError`` when the engine closed."""
        length = int.from_bytes(self._exactly(frames.LENGTH_BYTES), "big")
        return frames.unpack_answer(self._exactly(length))

    def _exactly(self, count: int) -> bytes:
        found = bytearray()
        while len(found) < count:
            chunk = self.socket.recv(count - len(found))
            if not chunk:
                raise EOFError
            found += chunk
        return bytes(found)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def bars_seen(count: int) -> Callable[[list[Line]], bool]:
    """True once ``count`` bars were logged (with ``--every-bar``)."""
    return lambda lines: sum(line["event"] == "bar" for line in lines) >= count


def orders_in(lines: Sequence[Line]) -> list[tuple[int, str, int]]:
    """Number, symbol and quantity of every order logged."""
    return [(line["order"], line["symbol"], line["quantity"]) for line in lines if line["event"] == "order"]
