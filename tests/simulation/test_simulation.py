"""The real desk in a world that misbehaves: what holds always, whatever the seed."""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.simulation.runs import TRIPS, again, corpus, simulated
from tuiconsole.domain.events import DeskLevel
from tuiconsole.engine import inquiries, invariants, remote
from tuiconsole.engine.desk import Desk
from tuiconsole.engine.invariants import INVARIANTS
from tuiconsole.engine.session import Session
from tuiconsole.engine.simulated_disk import SimulatedDisk

SEEDS = range(1000, 1025)


def test_every_invariant_holds_on_25_seeds():
    met: Counter[str] = Counter()
    for seed in SEEDS:
        result = simulated(seed)
        assert not result.broken, f"{result.broken}: {result.what}\n{again(seed, 'all', 100)}"
        met.update(
            {name: getattr(result, name) for name in ("crashes", "disk_faults", "trips", "kills", "orders")}
        )
        met.update(result.alerts)
    assert met["crashes"] > 50
    assert met["disk_faults"] > 5
    assert met["trips"] > 40
    assert met["kills"] > 15
    assert met["orders"] > 3000
    assert met["broker away"] > 5
    assert met["not flat"] > 0
    assert met["session drawdown"] + met["session loss"] >= 5, "breakers trip by themselves"


@pytest.mark.parametrize(("seed", "bars", "symbols", "faults"), corpus())
def test_seeds_that_found_something_once(seed, bars, symbols, faults):
    result = simulated(seed, faults, bars, symbols)
    assert not result.broken, f"{result.broken}: {result.what}\n{again(seed, faults, bars, symbols)}"


def test_40_stops_and_no_order_after_the_latch():
    trips = kills = flat = 0
    for seed in range(2000, 2009):
        result = simulated(seed, TRIPS, 120)
        assert not result.broken, f"{result.broken}: {result.what}\n{again(seed, TRIPS, 120)}"
        trips, kills, flat = trips + result.trips, kills + result.kills, flat + result.flat
    assert trips >= 40
    assert kills >= 12
    assert flat >= kills - 6  # a kill that another command overtook is not counted as seen through


def test_nothing_goes_wrong_in_a_world_without_faults():
    result = simulated(3, "none", 20)
    assert (result.broken, result.crashes, result.trips, result.alerts) == ("", 0, 0, {})
    assert (result.orders, result.fills) == (165, 160)  # the last bar's orders have no bar to fill at


def test_same_seed_same_journal_head_in_two_processes():
    def head(hash_seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        words = ["simulate", "--seed", "11", "--bars", "60", "--json"]
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [sys.executable, "-m", "tuiconsole", *words],
                capture_output=True, check=True, env=environment, cwd=folder, timeout=60,
            )  # fmt: skip
        return json.loads(done.stdout)["runs"][0]["head"]

    first = head("1")
    assert first == head("2")
    assert first == simulated(11, bars=60).head
    assert first != simulated(12, bars=60).head


def _found(faults="all", bars=100, seeds=range(1, 9)) -> set[str]:
    return {simulated(seed, faults, bars).broken for seed in seeds} - {""}


def test_a_session_that_ignores_stops_is_convicted(monkeypatch):
    monkeypatch.setattr(Session, "_take_urgent", lambda self: None)
    assert "no order after the latch" in _found("trip=0.3")


def test_a_recovery_that_sends_again_is_convicted(monkeypatch):
    def resend(self, approved, immediate=False):
        return self.broker.submit(approved, immediate)

    monkeypatch.setattr(remote.RemoteVenue, "submit", resend)
    assert _found("crash=0.03") & {"one order per intent", "no client id twice"}


def test_a_session_that_does_not_wait_for_the_disk_is_convicted(monkeypatch):
    monkeypatch.setattr(SimulatedDisk, "commit", lambda self: None)
    assert "written before sent" in _found("none", 20, range(1, 2))


def test_a_desk_that_never_asks_is_convicted(monkeypatch):
    monkeypatch.setattr(inquiries.Inquiries, "_ask", lambda self, now, everything: iter(()))
    assert "desk and broker agree" in _found("broker")


def test_a_gate_without_a_name_cap_is_convicted(monkeypatch):
    original = invariants._over_limits

    def stricter(desk, record):
        desk.gate.settings, kept = replace(desk.gate.settings, name_cap=0.05), desk.gate.settings
        try:
            return original(desk, record)
        finally:
            desk.gate.settings = kept

    monkeypatch.setattr(invariants, "_over_limits", stricter)
    assert _found("none", 40, range(1, 2)) == {"gate limits"}


def test_a_desk_that_trades_on_while_the_broker_differs_is_convicted(monkeypatch):
    original = Desk.set_level

    def deaf(self, level, cause, *rest):
        return [] if cause == "reconciliation" else original(self, level, cause, *rest)

    monkeypatch.setattr(Desk, "set_level", deaf)
    assert "gate limits" in _found("broker", 60, range(1, 4))


def test_every_invariant_has_a_name_and_a_sentence():
    names = [invariant.name for invariant in INVARIANTS]
    assert len(set(names)) == len(names) == 12
    assert all(invariant.sentence.endswith(".") for invariant in INVARIANTS)


def test_the_book_of_a_stopped_desk_cannot_be_added_to():
    batch = type("Batch", (), {})()
    batch.number, batch.symbol = np.array([7]), np.array([0])
    batch.quantity, batch.purpose = np.array([5]), np.array([1], dtype=np.int8)
    ledger = type("Ledger", (), {"quantity": np.array([3])})()
    desk = type("Desk", (), {"level": DeskLevel.KILLED, "ledger": ledger})()
    latch = type("Latch", (), {"read": lambda self: type("Said", (), {"level": DeskLevel.RUNNING})()})()
    world = invariants.World(desk, None, None, latch, None)  # type: ignore[arg-type]
    world._after_stop(batch)
    assert "though the desk is killed" in world.faults["no order after the latch"]
    batch.quantity = np.array([-3])
    world.faults.clear()
    world._after_stop(batch)
    assert not world.faults


def test_the_folder_is_the_only_thing_written(tmp_path: Path):
    from tuiconsole.engine.simulated_faults import FaultRates
    from tuiconsole.engine.simulation import Simulation

    Simulation(1, FaultRates.none(), 5, 2, tmp_path).run()
    assert [path.name for path in tmp_path.iterdir()] == ["state.latch"]
