"""Every way to stop the desk besides the socket, and what the supervisor is told."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest
import pytest_asyncio

from tests.engine import rig
from tests.engine.test_server import Served
from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND
from tuiconsole.domain.events import CommandKind, DeskLevel
from tuiconsole.engine.notify import Notifier
from tuiconsole.engine.settings import StopSettings
from tuiconsole.engine.stop_paths import SIGNALS, StopPaths

pytestmark = pytest.mark.asyncio


class Ticking:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0

    def monotonic_ns(self) -> int:
        return self.now

    def pass_s(self, seconds: float) -> None:
        self.now += int(seconds * NANOSECONDS_PER_SECOND)


class Watched:
    """A served desk with its stop paths."""

    def __init__(self, home: Path, settings: StopSettings, environment: dict[str, str] | None = None) -> None:
        self.served = Served(rig.planned(rig.market(300)), home)
        self.clock = Ticking()
        self.attended = True
        self.stops = StopPaths(
            self.served.service,
            settings,
            self.clock,  # type: ignore[arg-type]
            Notifier(environment or {}, os.getpid()),
            lambda: self.attended,
        )
        self.desk = self.served.session.desk
        self.file = home / "state.stop"


@pytest_asyncio.fixture
async def watched(tmp_path):
    made = Watched(tmp_path, StopSettings(console_silence_s=60.0, console_silence_action="halt"))
    yield made
    made.served.writer.close()


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("", DeskLevel.HALTED),
        ("pause", DeskLevel.PAUSED),
        ("HALT for lunch", DeskLevel.HALTED),
        ("kill", DeskLevel.KILLED),
        ("whatever", DeskLevel.HALTED),
    ],
)
async def test_a_file_stops_the_desk_once(watched, text, level):
    await watched.stops.look()
    assert watched.desk.level == DeskLevel.RUNNING
    watched.file.write_text(text)
    await watched.stops.look()
    assert watched.desk.level == level
    assert not watched.file.exists()
    assert watched.file.with_name("state.stop.done").read_text() == text
    if level >= DeskLevel.HALTED:
        assert watched.served.latch.read().level == level
        answer = await watched.served.service.command(CommandKind.REARM, reason="", source="test")
        assert not answer.accepted
        answer = await watched.served.service.command(CommandKind.REARM, reason="looked at it", source="test")
        assert answer.accepted
        await watched.stops.look()
        assert watched.desk.level == DeskLevel.PAUSED


async def test_the_reason_is_journalled(watched):
    watched.file.write_text("halt the broker called")
    await watched.stops.look()
    assert watched.desk.last_answer.reason == "the broker called"
    assert watched.desk.last_answer.source == "stop file"


async def test_a_console_that_falls_silent_stops_the_desk_once(watched):
    watched.clock.pass_s(100)
    await watched.stops.look()
    watched.attended = False
    watched.clock.pass_s(59)
    await watched.stops.look()
    assert watched.desk.level == DeskLevel.RUNNING
    watched.clock.pass_s(1)
    await watched.stops.look()
    assert watched.desk.level == DeskLevel.HALTED
    assert "No console has been attached for 60 s" in watched.desk.level_text
    for kind in (CommandKind.REARM, CommandKind.RESUME):
        await watched.served.service.command(kind, reason="I am here", source="test")
    watched.clock.pass_s(500)
    await watched.stops.look()
    assert watched.desk.level == DeskLevel.RUNNING  # told once; the timer starts again with the next console


async def test_without_the_setting_the_desk_trades_on_alone(tmp_path):
    made = Watched(tmp_path, StopSettings())
    made.attended = False
    made.clock.pass_s(1e6)
    await made.stops.look()
    assert made.desk.level == DeskLevel.RUNNING
    made.served.writer.close()


async def test_signals_halt_and_kill(watched):
    assert {number: kind.name for number, kind in SIGNALS.items()} == {
        signal.SIGUSR1: "HALT",
        signal.SIGUSR2: "KILL",
    }
    for name, kind, level in (("SIGUSR1", CommandKind.HALT, 2), ("SIGUSR2", CommandKind.KILL, 3)):
        watched.stops._signalled(name, kind)
        (task,) = watched.stops._tasks
        await task
        assert watched.desk.level == level
        assert watched.desk.last_answer.reason == f"Signal {name}."


async def test_the_supervisor_hears_ready_alive_and_stopping(tmp_path):
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(address)
        line.settimeout(5.0)
        told = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "3000000"}
        made = Watched(tmp_path, StopSettings(), told)
        notifier = Notifier(told, 1)
        notifier.ready("running")
        assert line.recv(200) == b"READY=1\nSTATUS=running"
        made.clock.pass_s(10)
        await made.stops.look()
        assert line.recv(200) == b"WATCHDOG=1\nSTATUS=running"
        await made.stops.look()
        line.setblocking(False)
        with pytest.raises(BlockingIOError):
            line.recv(200)
        notifier.stopping("SIGTERM")
        assert line.recv(200) == b"STOPPING=1\nSTATUS=SIGTERM"
        made.served.writer.close()


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, 0.0),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "500000"}, 0.5),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "500000", "WATCHDOG_PID": "7"}, 0.5),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "500000", "WATCHDOG_PID": "8"}, 0.0),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "soon"}, 0.0),
    ],
)
async def test_the_watchdog_of_another_process_is_not_ours(environment, seconds):
    notifier = Notifier(environment, 7)
    assert notifier.watchdog_s == seconds
    notifier.ready("nobody listens at /x")
