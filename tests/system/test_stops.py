"""Stop means stop: with the engine alive, hung or dead, with nobody at the console, and with two who stop at once."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
from typing import Any

import pytest

from tests import desk_files
from tests.system import rig
from tests.system.rig import Client, Engine, Ran, SystemDesk
from tuiconsole.domain.events import DeskLevel
from tuiconsole.protocol import frames
from tuiconsole.risk.latch import Latch

pytestmark = pytest.mark.system

KILL_KEYS = {"latched", "cancelled", "flat", "remaining", "path"}
BARS = 60
QUICK = ("--timeout", "0.4")


def trading(desk: SystemDesk, then: float = 20) -> Engine:
    """An engine that trades and holds positions; it goes on at ``then`` bars a second."""
    engine = desk.engine(200, "--every-bar")
    engine.wait_for(rig.bars_seen(BARS), f"{BARS} bars")
    with Client(desk.paths.socket) as client:
        client.ask(lambda i: frames.SetSpeed(i, then))
    return engine


def traded(desk: SystemDesk) -> None:
    """The files of a desk that has traded and holds positions; no engine runs."""
    desk_files.trade(desk_files.DeskFiles(desk.home, desk.tape), BARS)


def flat_and_killed(desk: SystemDesk, body: dict[str, Any], path: str) -> None:
    """The report says so, and so do latch, status, journal and the store's projections."""
    assert body.keys() >= KILL_KEYS
    assert body["latched"] is True
    assert body["flat"] is True
    assert body["remaining"] == []
    assert body["path"] == path
    assert isinstance(body["cancelled"], int)
    assert Latch(desk.paths.latch).read().level == DeskLevel.KILLED
    status = desk.status()
    assert status["positions"] == []
    assert status["working_orders"] == 0
    assert status["cash"] == status["equity"]
    assert desk.verified()["ok"] is True


def flattens(desk: SystemDesk) -> list[tuple[str, int]]:
    """Symbol and filled quantity of every flatten order."""
    store = sqlite3.connect(f"file:{desk.state}?mode=ro", uri=True)
    found = store.execute("SELECT symbol, filled FROM orders WHERE purpose = 1 ORDER BY symbol").fetchall()
    sums = store.execute("SELECT symbol, sum(quantity) FROM fills GROUP BY symbol").fetchall()
    store.close()
    assert all(total == 0 for _, total in sums), "the fills of every symbol add up to nothing held"
    return found


def test_kill_with_the_engine_alive(desk: SystemDesk) -> None:
    engine = trading(desk)
    ran = desk.run("kill", "--json", "--reason", "a test")
    assert ran.code == 0, ran
    flat_and_killed(desk, ran.body, "engine")
    status = desk.status()
    assert (status["state"], status["engine_pid"], status["why_stopped"]) == ("killed", engine.pid, "a test")
    assert flattens(desk)
    at = len(engine.events("order"))
    seen = len(engine.events("bar"))
    engine.wait_for(rig.bars_seen(seen + 10))
    assert len(engine.events("order")) == at, "bars go on, orders do not"
    assert json.loads(desk.run("kill", "--json").out)["flat"] is True, "again is fine"


def test_halt_and_pause_with_the_engine_alive(desk: SystemDesk) -> None:
    engine = trading(desk)
    paused = desk.run("pause", "--json")
    assert (paused.code, paused.body["state"], paused.body["path"]) == (0, "paused", "engine")
    halted = desk.run("halt", "--json", "--reason", "enough")
    assert (halted.code, halted.body["state"]) == (0, "halted")
    status = desk.status()
    assert (status["state"], status["why_stopped"], status["working_orders"]) == ("halted", "enough", 0)
    assert "re-arm" in status["way_on"]
    again = desk.run("halt")
    assert (again.code, again.out) == (0, "The desk is already halted.\n")
    refused = desk.run("resume", "--json")
    assert refused.code == 1
    assert "re-arm it with a reason first" in refused.body["error"]
    assert engine.process.poll() is None, "a refusal never ends an engine"
    assert desk.run("rearm", "rearm", "--reason", "looked").code == 0
    assert desk.run("resume").code == 0
    assert desk.status()["state"] == "running"
    engine.terminate()
    desk.verified()


@pytest.mark.parametrize("verb", ["pause", "halt", "kill"])
def test_without_an_engine(desk: SystemDesk, verb: str) -> None:
    traded(desk)
    ran = desk.run(verb, "--json")
    assert ran.code == 0, ran
    assert ran.body["path"] == "direct"
    level = {"pause": "paused", "halt": "halted", "kill": "killed"}[verb]
    assert ran.body["state"] == level
    assert Latch(desk.paths.latch).read().level.name.lower() == level
    if verb == "kill":
        flat_and_killed(desk, ran.body, "direct")
    else:
        assert desk.status()["positions"], "only a kill flattens"
    engine = desk.engine(0)
    assert engine.wait_event("ready")["state"] == level
    assert desk.status()["state"] == level


def test_kill_after_sigkill_and_the_way_back(desk: SystemDesk) -> None:
    engine = trading(desk)
    engine.kill()
    ran = desk.run("kill", "--json")
    flat_and_killed(desk, ran.body, "direct")
    assert ran.body["fenced_pid"] == 0
    again = desk.engine(0, "--every-bar")
    assert again.wait_event("ready")["state"] == "killed"
    again.wait_event("end of tape")
    assert again.events("order") == [], "a killed desk trades nothing"
    again.terminate()
    assert desk.verified()["ok"]


def test_killed_stays_killed_until_rearmed_and_resumed(desk: SystemDesk) -> None:
    traded(desk)
    flat_and_killed(desk, desk.run("kill", "--json").body, "direct")
    engine = desk.engine(20, "--every-bar")
    engine.wait_for(rig.bars_seen(5))
    assert desk.run("resume").code == 1
    assert desk.run("rearm", "yes", "--reason", "x").code == 1
    assert desk.run("rearm", "rearm").code == 2
    seen = len(engine.events("bar"))
    engine.wait_for(rig.bars_seen(seen + 2))
    assert engine.events("order") == []
    rearmed = desk.run("rearm", "rearm", "--reason", "the feed was wrong", "--json")
    assert (rearmed.code, rearmed.body) == (0, {"state": "paused"})
    assert engine.events("order") == [], "re-arming alone trades nothing"
    assert desk.run("resume", "--json").body == {"state": "running"}
    engine.wait_event("order")
    assert Latch(desk.paths.latch).read().level == DeskLevel.RUNNING
    engine.terminate()
    desk.verified()


def test_hung_engine(desk: SystemDesk) -> None:
    engine = trading(desk)
    engine.freeze()
    hung = desk.run("status", *QUICK)
    assert (hung.code, hung.err.count("\n")) == (1, 1)
    assert "does not answer" in hung.err
    assert engine.process.poll() is None, "looking never ends an engine"
    ran = desk.run("kill", "--json", *QUICK)
    assert ran.code == 0, ran
    assert ran.body["fenced_pid"] == engine.pid
    assert engine.wait() == -signal.SIGKILL
    flat_and_killed(desk, ran.body, "direct")
    assert flattens(desk)


def test_hung_engine_holding_the_write_lock(desk: SystemDesk) -> None:
    """Stopped in the middle of a commit: no other process may write, and the kill works all the same."""
    engine = trading(desk, 100)
    freeze_inside_a_commit(desk, engine)
    ran = desk.run("kill", "--json", *QUICK)
    assert ran.code == 0, ran
    assert ran.body["fenced_pid"] == engine.pid
    flat_and_killed(desk, ran.body, "direct")


def freeze_inside_a_commit(desk: SystemDesk, engine: Engine) -> None:
    """SIGSTOP until it lands while the engine holds SQLite's write lock."""
    probe = sqlite3.connect(f"file:{desk.state}?mode=rw", uri=True, isolation_level=None, timeout=0)
    try:
        for _ in range(300):
            engine.freeze()
            if _locked(probe):
                return
            seen = len(engine.events("bar"))
            os.kill(engine.pid, signal.SIGCONT)
            engine.wait_for(rig.bars_seen(seen + 1), "bar before the end of the tape")
        pytest.fail("the engine was never stopped inside a commit")
    finally:
        probe.close()


def _locked(probe: sqlite3.Connection) -> bool:
    try:
        probe.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname == "SQLITE_BUSY":
            return True
        raise
    probe.execute("ROLLBACK")
    return False


def test_halt_of_a_hung_engine(desk: SystemDesk) -> None:
    engine = trading(desk)
    held = desk.status()["positions"]
    engine.freeze()
    ran = desk.run("halt", "--json", *QUICK)
    assert (ran.code, ran.body["path"], ran.body["state"]) == (0, "direct", "halted")
    status = desk.status()
    assert status["working_orders"] == 0
    assert {row["symbol"] for row in status["positions"]} & {row["symbol"] for row in held}
    again = desk.engine(0)
    again.wait_event("end of tape")
    assert again.events("order") == []


def finish(process: Any) -> Ran:
    """The end of a verb begun."""
    out, err = process.communicate(timeout=rig.TIMEOUT_S)
    return Ran(process.returncode, out, err)


@pytest.mark.parametrize("engine_is", ["alive", "hung", "dead"])
def test_two_killers_flatten_once(desk: SystemDesk, engine_is: str) -> None:
    engine = trading(desk)
    if engine_is == "hung":
        engine.freeze()
    elif engine_is == "dead":
        engine.kill()
    both = [desk.begin("kill", "--json", *QUICK) for _ in range(2)]
    ended = [finish(process) for process in both]
    assert [ran.code for ran in ended] == [0, 0], ended
    for ran in ended:
        flat_and_killed(desk, ran.body, "engine" if engine_is == "alive" else "direct")
    symbols = [symbol for symbol, _ in flattens(desk)]
    assert len(symbols) == len(set(symbols)) > 0, "each position was closed by one order"


def test_a_stop_needs_neither_configuration_nor_launch_file(desk: SystemDesk) -> None:
    engine = trading(desk)
    desk.config.write_text("[risk]\nname_cap = 'a lot'\n", encoding="utf-8")
    ran = desk.run("halt", "--json")
    assert (ran.code, ran.body["path"], ran.body["state"]) == (0, "engine", "halted")
    engine.kill()
    desk.paths.state.with_name("state.launch.json").write_text("{", encoding="utf-8")
    ran = desk.run("kill", "--json")
    assert ran.code == 1
    assert (ran.body["latched"], ran.body["flat"]) == (True, False)
    assert "The latch is raised" in ran.body["text"]
    assert "state.launch.json" in ran.body["text"]
    assert Latch(desk.paths.latch).read().level == DeskLevel.KILLED


@pytest.mark.parametrize(("verb", "harm"), [("kill", "changed"), ("halt", "missing")])
def test_a_stop_over_data_that_changed_fences_latches_and_says_what_is_held(
    desk: SystemDesk, verb: str, harm: str
) -> None:
    own = shutil.copy(desk.data, desk.home / "own.csv")
    text = desk.config.read_text(encoding="utf-8").replace(str(desk.data), str(own))
    desk.config.write_text(text, encoding="utf-8")
    engine = trading(desk)
    engine.freeze()
    if harm == "changed":
        lines = own.read_text(encoding="utf-8").splitlines()
        lines[-1] = lines[-1].rpartition(",")[0] + ",1.2345"
        own.write_text("\n".join(lines) + "\n", encoding="utf-8")
    else:
        own.unlink()
    ran = desk.run(verb, "--json", *QUICK)
    assert ran.code == 1
    body, status = ran.body, desk.status()
    assert engine.wait() == -signal.SIGKILL
    assert (body["latched"], body["flat"], body["cancelled"]) == (True, False, 0)
    assert body["fenced_pid"] == engine.pid
    assert body["remaining"] == [row["symbol"] for row in status["positions"]]
    assert body["remaining"], "it held something"
    assert body["equity"] == status["equity"]
    first = status["positions"][0]
    assert f"the journal says that {first['quantity']:,g} {first['symbol']}" in body["text"]
    assert "nothing was cancelled or closed" in body["text"]
    assert ("another" if harm == "changed" else str(own)) in body["text"]
    assert body["text"].count("The latch is raised") == 1
    level = {"kill": DeskLevel.KILLED, "halt": DeskLevel.HALTED}[verb]
    assert Latch(desk.paths.latch).read().level == level
    again = desk.run(verb, *QUICK)
    assert (again.code, again.err, again.out) == (1, "", f"{body['text']}\n")


def test_kill_where_no_desk_ever_was(desk: SystemDesk) -> None:
    ran = desk.run("kill", "--json")
    assert ran.code == 1
    assert "There is no desk" in ran.body["error"]
    assert not desk.paths.latch.exists()
    assert not desk.state.exists()


@pytest.mark.parametrize("damage", ["missing", "short", "garbled", "one slot torn"])
def test_an_unreadable_latch_counts_as_latched(desk: SystemDesk, damage: str) -> None:
    traded(desk)
    latch = desk.paths.latch
    whole = latch.read_bytes()
    if damage == "missing":
        latch.unlink()
    else:
        latch.write_bytes(
            {"short": whole[:100], "garbled": bytes(len(whole))}.get(damage, b"\0" * 8 + whole[8:])
        )
    engine = desk.engine(0)
    assert engine.wait_event("ready")["state"] == "halted"
    status = desk.status()
    assert status["state"] == "halted"
    assert "cannot be read, which counts as latched" in status["why_stopped"]
    engine.wait_event("end of tape")
    assert engine.events("order") == []
    said = Latch(latch).read()
    assert (said.readable, said.level) == (True, DeskLevel.HALTED), "repaired, and still latched"
    engine.terminate()
    desk.verified()


def test_the_latch_raised_by_another_process_stops_a_running_engine(desk: SystemDesk) -> None:
    engine = trading(desk)
    Latch(desk.paths.latch).write(DeskLevel.HALTED, "trip", "raised from outside")
    line = engine.wait_event("level")
    assert (line["state"], line["text"]) == ("halted", "raised from outside")
    at = len(engine.lines)
    seen = len(engine.events("bar"))
    engine.wait_for(rig.bars_seen(seen + 5))
    assert rig.orders_in(engine.lines[at:]) == []
    engine.terminate()
    desk.verified()
