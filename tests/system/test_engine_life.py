"""The engine as a process: it gets ready, answers, stops gracefully, and goes on where it was."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.system import rig
from tests.system.rig import Client, SystemDesk
from tuiconsole.protocol import frames

pytestmark = pytest.mark.system

STATUS_KEYS = {
    "state",
    "mode",
    "feed",
    "clock",
    "equity",
    "cash",
    "positions",
    "working_orders",
    "agents",
    "engine_pid",
    "data_age_s",
    "journal_rows",
    "journal_head",
}
POSITION_KEYS = {"symbol", "quantity", "average_price", "last_price", "unrealised_pnl"}
AGENT_KEYS = {"name", "enabled", "weight"}


def test_ready_status_stop(desk: SystemDesk) -> None:
    engine = desk.engine(0)
    engine.wait_event("end of tape")
    body = desk.run("status", "--json").body
    assert body.keys() >= STATUS_KEYS
    assert (body["state"], body["mode"], body["feed"]) == ("running", "replay", "six")
    assert body["engine_pid"] == engine.pid
    assert body["clock"].startswith(rig.iso(int(desk.tape.ts[-1]))[:10])
    assert all(row.keys() == POSITION_KEYS for row in body["positions"])
    assert body["positions"]
    assert all(row.keys() == AGENT_KEYS for row in body["agents"])
    assert len(body["agents"]) == 5
    values = sum(row["quantity"] * row["last_price"] for row in body["positions"])
    assert body["cash"] + values == pytest.approx(body["equity"], abs=1e-6)
    stopped = desk.run("stop", "--json")
    assert (stopped.code, stopped.body["state"], stopped.body["engine_pid"]) == (0, "stopped", engine.pid)
    assert engine.wait() == 0
    after = desk.run("status", "--json").body
    assert after.keys() >= STATUS_KEYS
    assert after["state"] == "stopped"
    assert after["engine_pid"] is None
    for same in ("equity", "cash", "journal_rows", "journal_head", "clock", "working_orders"):
        assert after[same] == body[same], same
    held = {row["symbol"]: row["quantity"] for row in body["positions"]}
    assert {row["symbol"]: row["quantity"] for row in after["positions"]} == held


def test_every_log_line_is_one_json_object(desk: SystemDesk) -> None:
    engine = desk.engine(0, "--every-bar")
    engine.wait_event("end of tape")
    engine.terminate()  # refuses anything on standard output or error that is not JSON
    assert all({"event", "level", "timestamp"} <= line.keys() for line in engine.lines)
    said = {line["event"] for line in engine.lines}
    assert {"started", "ready", "bar", "order", "fill", "end of tape", "stopped"} <= said
    assert len(engine.events("bar")) == 300


def test_text_log_and_log_file(desk: SystemDesk, tmp_path: Path) -> None:
    log = tmp_path / "engine.log"
    engine = desk.engine(0, "--log", str(log))
    engine.signal(signal.SIGTERM)
    assert engine.wait() == 0
    assert engine.lines == []
    said = [json.loads(line)["event"] for line in log.read_text(encoding="utf-8").splitlines()]
    assert (said[0], said[-1]) == ("started", "stopped")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_graceful_stop_loses_nothing(desk: SystemDesk, whole: rig.Whole, number: signal.Signals) -> None:
    engine = desk.engine(0, "--every-bar")
    engine.wait_for(rig.bars_seen(60))
    engine.signal(number)
    assert engine.wait() == 0
    stopped = engine.lines[-1]
    assert (stopped["event"], stopped["reason"]) == ("stopped", number.name)
    first = desk.verified()
    assert (first["rows"], first["head"]) == (stopped["rows"], stopped["head"])
    again = desk.engine(0)
    recovered = again.wait_event("recovered")
    assert recovered["rows"] == stopped["rows"]
    assert recovered["driven_again"] == 0, "a graceful stop leaves a checkpoint at the last row"
    again.wait_event("end of tape")
    ended = again.terminate()
    assert rig.orders_in([*engine.lines, *again.lines]) == whole.orders, "each order was sent once"
    assert (ended["rows"], ended["head"]) == (whole.rows, whole.head)
    ran = desk.run("verify", "--json")
    assert (ran.code, ran.body["ok"], ran.body["head"], ran.body["rows"]) == (0, True, whole.head, whole.rows)
    assert ran.body["first_bad"] is None


def test_hang_up_does_not_touch_the_engine(desk: SystemDesk) -> None:
    engine = desk.engine(50)
    engine.signal(signal.SIGHUP)
    with Client(desk.paths.socket) as client:
        assert isinstance(client.ask(frames.Status), frames.Done)
    assert engine.terminate()["reason"] == "SIGTERM"


def test_a_second_engine_is_refused(desk: SystemDesk, tmp_path: Path) -> None:
    engine = desk.engine(20)
    link = tmp_path / "link.db"
    link.symlink_to(desk.state)
    before = desk.status()["engine_pid"]
    for state in (desk.state, link):
        ran = desk.run("headless", "--json", state=state)
        assert ran.code == 1
        assert json.loads(ran.out)["error"] == ran.err.strip()
        assert ran.err.count("\n") == 1
        assert f"process {engine.pid}" in ran.err
        assert "attach" in ran.err
    second = desk.engine(20, ready=False)
    assert "An engine already runs" in second.said_ready()
    assert second.wait() == 1
    assert desk.status()["engine_pid"] == before == engine.pid


def test_start_or_attach(desk: SystemDesk) -> None:
    """On a dumb terminal the bare command prints the status; the engine it starts lives on by itself."""
    first = desk.run_bare("--speed", "50")
    assert first.code == 0, first
    assert first.out.startswith("RUNNING")
    pid = desk.status()["engine_pid"]
    second = desk.run_bare()
    assert second.code == 0, second
    assert desk.status()["engine_pid"] == pid
    assert desk.run("stop").code == 0
    assert desk.paths.log.read_text(encoding="utf-8").count('"event": "ready"') == 1


def test_an_engine_that_cannot_start_says_why_to_who_started_it(desk: SystemDesk) -> None:
    desk.data = desk.home / "gone.csv"
    ran = desk.run_bare("--feed", str(desk.data))
    assert ran.code in (1, 2)
    assert "gone.csv does not exist" in ran.err
    assert "Traceback" not in ran.err


def test_attach_needs_an_engine(desk: SystemDesk) -> None:
    ran = desk.run("attach")
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "No engine runs" in ran.err


def test_agents_and_why_of_a_running_engine(desk: SystemDesk) -> None:
    engine = desk.engine(50)
    engine.wait_event("order")
    listed = desk.run("agents", "list", "--json")
    assert listed.body["running"] is True
    assert [row["enabled"] for row in listed.body["agents"]] == [True] * 5
    off = desk.run("agents", "disable", "breakout", "--json")
    assert (off.code, off.body["agent"], off.body["enabled"]) == (0, "breakout", False)
    again = desk.run("agents", "disable", "breakout", "--json")
    assert (again.code, again.body["error"]) == (1, "Agent breakout is already off.")
    assert "[ ] breakout" in desk.run("agents", "list").out
    found = desk.run("why", "1", "--json")
    assert (found.code, found.body["order"]["number"]) == (0, 1)
    engine.terminate()
    assert desk.engine(50).wait_event("recovered")
    assert [row["enabled"] for row in desk.status()["agents"]].count(False) == 1, "it stays off"


def test_replay_without_a_console(desk: SystemDesk) -> None:
    process = desk.begin("replay", str(desk.data), "--headless", "--json", "--speed", "0")
    try:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(json.loads(line)["event"])
            if said[-1] == "end of tape":
                process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=rig.TIMEOUT_S)
    finally:
        process.kill()
    assert (out, err, process.returncode) == ("", "", 0)
    assert (said[0], said[-1]) == ("started", "stopped")
    assert "order" in said


def test_an_engine_says_once_that_it_waits_at_the_end_or_leaves_when_asked_to(desk: SystemDesk) -> None:
    engine = desk.engine(0)
    engine.wait_event("end of tape")
    assert "--exit-at-end leaves by itself" in engine.wait_event("waiting")["text"]
    assert desk.status()["tape_ended"] is True
    engine.terminate()
    assert len(engine.events("waiting")) == 1
    again = desk.run("headless", "--json", "--exit-at-end")
    events = [json.loads(line) for line in again.out.splitlines()]
    assert (again.code, again.err) == (0, "")
    assert events[-1]["event"] == "stopped"
    assert events[-1]["reason"] == "the tape has ended"
    assert "waiting" not in {event["event"] for event in events}
    assert desk.verified()["ok"]


def test_a_replay_may_leave_at_its_end(desk: SystemDesk) -> None:
    ran = desk.run("replay", str(desk.data), "--headless", "--exit-at-end", "--json", "--speed", "0")
    said = [json.loads(line)["event"] for line in ran.out.splitlines()]
    assert (ran.code, ran.err) == (0, "")
    assert (said[0], said[-1]) == ("started", "stopped")
    assert "end of tape" in said
