"""A run killed at every named moment and restarted ends where the uninterrupted run ends, byte for byte."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from tests.engine import rig
from tuiconsole.domain.codec import encode_state
from tuiconsole.domain.errors import JournalDivergence
from tuiconsole.domain.events import Command, CommandKind, DeskLevel
from tuiconsole.engine.build import Plan
from tuiconsole.engine.session import FAULT_POINTS, Session
from tuiconsole.store.audit import verify_chain

BARS = rig.WARMUP + 60


class Crash(BaseException):
    """The process died here."""


class FaultAt:
    """Dies the ``nth`` time that ``name`` is passed."""

    def __init__(self, name: str, nth: int) -> None:
        self.name, self.left = name, nth

    def __call__(self, name: str) -> None:
        if name == self.name:
            self.left -= 1
            if self.left == 0:
                raise Crash(name)


@pytest.fixture(scope="module")
def chosen() -> Plan:
    return rig.planned(rig.market())


@pytest.fixture(scope="module")
def uninterrupted(chosen: Plan, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    path = tmp_path_factory.mktemp("whole") / "state.db"
    session, store = rig.on_disk(chosen, path)
    rig.drive(session, store, BARS)
    ended = outcome(session)
    ended["head"], ended["rows"] = store.head, store.rows
    store.close()
    assert ended["orders"] > 20
    return ended


def outcome(session: Session) -> dict[str, object]:
    desk = session.desk
    orders = [
        (o.number, o.symbol, o.quantity, o.filled, o.cost, o.state) for o in desk.orders.recent(0, 10_000)
    ]
    return {
        "orders": len(orders),
        "order_hash": hashlib.sha256(repr(orders).encode()).hexdigest(),
        "equity": desk.ledger.equity,
        "policy": encode_state(desk.policy_state),
        "state": encode_state(session.state()),
    }


def crash_and_restart(chosen: Plan, path: Path, faults: list[FaultAt]) -> tuple[Session, object]:
    for fault in faults:
        session, store = None, None
        try:
            session, store = rig.on_disk(chosen, path, fault)
            rig.drive(session, store, BARS)
        except Crash:
            pass
        finally:
            if store is not None:
                store._connection.close()  # what was not committed is gone, as in a crash
    return rig.on_disk(chosen, path)


@pytest.mark.parametrize("name", FAULT_POINTS)
@pytest.mark.parametrize("nth", [1, 2, 5, 23])
def test_crash_at_every_named_moment(
    name: str, nth: int, chosen: Plan, uninterrupted: dict[str, object], tmp_path: Path
) -> None:
    path = tmp_path / "state.db"
    session, store = crash_and_restart(chosen, path, [FaultAt(name, nth)])
    rig.drive(session, store, BARS)  # type: ignore[arg-type]
    assert outcome(session) == {k: v for k, v in uninterrupted.items() if k not in ("head", "rows")}
    assert store.head == uninterrupted["head"]  # type: ignore[attr-defined]
    store.close()  # type: ignore[attr-defined]
    assert verify_chain(path).ok


def test_many_crashes_in_one_run(chosen: Plan, uninterrupted: dict[str, object], tmp_path: Path) -> None:
    faults = [FaultAt(name, 1 + 7 * i) for i, name in enumerate(FAULT_POINTS * 3)]
    session, store = crash_and_restart(chosen, tmp_path / "state.db", faults)
    rig.drive(session, store, BARS)  # type: ignore[arg-type]
    assert store.head == uninterrupted["head"]  # type: ignore[attr-defined]
    assert outcome(session)["state"] == uninterrupted["state"]


@pytest.mark.parametrize("kind", [CommandKind.PAUSE, CommandKind.HALT, CommandKind.KILL])
def test_commands_are_driven_again_at_their_row(kind: CommandKind, chosen: Plan, tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    session, store = rig.on_disk(chosen, path)
    rig.drive(session, store, rig.WARMUP + 20, checkpoint_every=10_000)
    for _ in session.command(Command(session.desk.ts, kind, "trip-1", reason="test")):
        store.commit()
    rig.drive(session, store, rig.WARMUP + 30, checkpoint_every=10_000)
    before = outcome(session)
    head = store.head
    store.close()
    again, reopened = rig.on_disk(chosen, path)
    assert reopened.head == head
    assert outcome(again) == before
    assert again.desk.level == DeskLevel[{"PAUSE": "PAUSED", "HALT": "HALTED", "KILL": "KILLED"}[kind.name]]
    if kind == CommandKind.KILL:
        assert not np.any(again.desk.ledger.quantity)
    reopened.close()


def test_urgent_halt_between_write_and_send_is_driven_again(chosen: Plan, tmp_path: Path) -> None:
    """Orders that were durable but not yet sent are withheld; a restart comes to the same end."""
    path = tmp_path / "state.db"
    session, store = rig.on_disk(chosen, path)
    rig.drive(session, store, rig.WARMUP + 5, checkpoint_every=10_000)
    while session.desk.level == DeskLevel.RUNNING:
        numbers = session.desk.orders.next_number
        for _ in session.bar():
            store.commit()
            if session.desk.orders.next_number > numbers:
                session.urgent = Command(session.desk.ts, CommandKind.HALT, "trip-2", reason="urgent")
    sent = session.venue.positions()
    assert len(session.desk.orders.working()) == 0
    rows = store.rows
    before = outcome(session)
    store.close()
    again, reopened = rig.on_disk(chosen, path)
    assert (reopened.rows, outcome(again)) == (rows, before)
    assert (again.venue.positions() == sent).all()
    reopened.close()


def test_a_changed_bar_is_a_divergence_not_a_guess(tmp_path: Path) -> None:
    tape = rig.market()
    chosen = rig.planned(tape)
    path = tmp_path / "state.db"
    session, store = rig.on_disk(chosen, path)
    rig.drive(session, store, rig.WARMUP + 10, checkpoint_every=10_000)
    store.close()
    close = tape.close.copy()
    close[rig.WARMUP + 5, 2] *= 1.01
    other = rig.planned(
        type(tape)(name=tape.name, source="test", universe=tape.universe, ts=tape.ts, close=close)
    )
    forged = Plan(
        other.tape, chosen.start, chosen.warmup, chosen.mode, chosen.opened, other.policy, chosen.settings
    )
    with pytest.raises(JournalDivergence, match="row"):
        rig.on_disk(forged, path)
