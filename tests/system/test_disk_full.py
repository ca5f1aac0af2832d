"""A disk that takes no more while the desk trades: it halts, says so, latches, and still answers."""

from __future__ import annotations

import resource

import pytest

from tests.system import rig
from tests.system.rig import Client, Engine, SystemDesk
from tuiconsole.domain.events import DeskLevel
from tuiconsole.protocol import frames
from tuiconsole.risk.latch import Latch

pytestmark = pytest.mark.system

ROOM = 40_000


def fill_disk(desk: SystemDesk, engine: Engine) -> None:
    """From now on no file of the engine may grow beyond a little more than its journal has now."""
    wal = desk.state.with_name("state.db-wal")
    limit = max(wal.stat().st_size, desk.state.stat().st_size) + ROOM
    resource.prlimit(engine.pid, resource.RLIMIT_FSIZE, (limit, limit))


@pytest.fixture
def failed(desk: SystemDesk) -> Engine:
    """An engine whose store has just failed while it traded."""
    engine = desk.engine(100, "--every-bar")
    engine.wait_for(rig.bars_seen(30))
    fill_disk(desk, engine)
    with Client(desk.paths.socket) as client:
        client.send(frames.pack(frames.Subscribe(2)))
        while True:
            answer = client.read()
            if isinstance(answer, frames.Update) and answer.snapshot.header.level == "halted":
                break
    return engine


def test_full_disk_halts_latches_and_is_said(desk: SystemDesk, failed: Engine) -> None:
    status = desk.status()
    assert status["state"] == "halted"
    assert "cannot be written" in status["why_stopped"]
    assert status["working_orders"] == 0
    assert status["alerts_open"] >= 1
    saved = desk.run("backup", str(desk.home / "saved"), "--json")
    assert (saved.code, saved.body["path"], saved.body["level"]) == (0, "direct", "halted"), saved
    said = Latch(desk.paths.latch).read()
    assert (said.readable, said.level) == (True, DeskLevel.HALTED)
    with Client(desk.paths.socket) as client:
        client.send(frames.pack(frames.Subscribe(2)))
        while not isinstance(update := client.read(), frames.Update):
            pass
        newest = update.snapshot.alerts[0]
        assert (newest.severity, newest.code) == ("critical", "store failed")
        for request in (frames.Resume, lambda i: frames.Rearm(i, "rearm", "try")):
            refused = client.ask(request)
            assert isinstance(refused, frames.Refused)
            assert "cannot be written" in refused.text
    failed.wait_event("store failed")
    rows = failed.terminate()["rows"]
    verified = desk.verified()
    assert verified["rows"] <= rows, "what could not be written was never sent either"
    orders = {order[0] for order in rig.orders_in(failed.lines)}
    again = desk.engine(0)
    assert again.wait_event("ready")["state"] == "halted"
    again.wait_event("end of tape")
    assert again.events("order") == []
    again.terminate()
    assert orders


def test_kill_after_the_store_failed_goes_round_the_engine(desk: SystemDesk, failed: Engine) -> None:
    ran = desk.run("kill", "--json")
    assert ran.code == 0, ran
    assert (ran.body["path"], ran.body["flat"], ran.body["fenced_pid"]) == ("direct", True, failed.pid)
    assert desk.status()["positions"] == []
    desk.verified()


def test_halt_after_the_store_failed_is_answered(desk: SystemDesk, failed: Engine) -> None:
    ran = desk.run("halt")
    assert ran.code == 0
    assert "halted" in ran.out
    assert failed.process.poll() is None
