"""Signals and files stop a real engine, whatever its console does."""

from __future__ import annotations

import signal
import threading

import pytest

from tests.system.rig import SystemDesk
from tests.system.test_stops import flattens, trading
from tuiconsole.domain.events import DeskLevel
from tuiconsole.risk.latch import Latch

pytestmark = pytest.mark.system


def reached(desk: SystemDesk, level: DeskLevel) -> bool:
    """Whether the latch comes to ``level`` in time."""
    pause = threading.Event()
    for _ in range(200):
        if Latch(desk.paths.latch).read().level == level:
            return True
        pause.wait(0.05)
    return False


def test_signals_halt_then_kill(desk: SystemDesk) -> None:
    engine = trading(desk)
    engine.signal(signal.SIGUSR1)
    assert reached(desk, DeskLevel.HALTED)
    assert desk.status()["state"] == "halted"
    engine.signal(signal.SIGUSR2)
    assert reached(desk, DeskLevel.KILLED)
    status = desk.status()
    assert (status["state"], status["positions"], status["working_orders"]) == ("killed", [], 0)
    assert flattens(desk)
    assert desk.run("resume").code == 1
    engine.terminate()
    assert desk.verified()["ok"] is True


def test_a_file_halts_and_a_restart_stays_halted(desk: SystemDesk) -> None:
    engine = trading(desk)
    desk.state.with_name("state.stop").write_text("halt something is wrong")
    assert reached(desk, DeskLevel.HALTED)
    engine.terminate()
    assert not desk.state.with_name("state.stop").exists()
    again = desk.engine(200)
    assert again.said_ready
    assert desk.status()["state"] == "halted"
    again.terminate()
