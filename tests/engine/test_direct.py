"""Stopping without the engine: the latch only rises, nothing unsent is sent, and lost start settings are made up for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.engine import rig
from tests.system.rig import write_csv
from tuiconsole.domain.clock import EventClock
from tuiconsole.domain.codec import decode_record
from tuiconsole.domain.events import Command, CommandKind, DeskLevel
from tuiconsole.domain.orders import OrderEvent
from tuiconsole.domain.records import Decided, Updated
from tuiconsole.engine.build import Plan, load_tape, make_session, plan
from tuiconsole.engine.direct import direct_stop
from tuiconsole.engine.latching import reconcile_latch, stop_in_latch
from tuiconsole.engine.launch import Launch, launch_path, save_launch
from tuiconsole.engine.paths import DeskPaths
from tuiconsole.engine.recovery import recover
from tuiconsole.engine.settings import Settings
from tuiconsole.risk.latch import Latch
from tuiconsole.store.binding import Binding
from tuiconsole.store.readers import journal_rows
from tuiconsole.store.recovery import CatchUp
from tuiconsole.store.state_store import StateStore


class Crash(Exception):
    """The process ends here."""


@dataclass
class Left:
    """What a dead engine left behind."""

    paths: DeskPaths
    latch: Latch
    settings: Settings
    chosen: Plan

    def stop(self, kind: CommandKind, otherwise: Settings | None = None) -> dict[str, object]:
        return direct_stop(self.paths, kind, "trip-1", "a test", otherwise).as_json()


@pytest.fixture
def left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Left]:
    """A desk that trades and whose engine died right after it wrote orders, before it sent them."""
    tape = rig.market()
    base = rig.settings(tape)
    data = write_csv(tmp_path / "six.csv", tape)
    chosen_settings = Settings(
        feed=type(base.feed)(path=str(data), start=base.feed.start, warmup_bars=rig.WARMUP)
    )
    chosen = plan(chosen_settings, load_tape(chosen_settings), "replay")
    with tempfile.TemporaryDirectory(prefix="tc-") as runtime:
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        paths = DeskPaths.of(tmp_path / "state.db")
        latch = Latch(paths.latch)
        latch.create()
        save_launch(paths.state, Launch("replay", chosen_settings))
        armed = False

        def fault(name: str) -> None:
            if armed and name == "durable":
                raise Crash

        session, store = rig.on_disk(chosen, paths.state, fault)
        rig.drive(session, store, chosen.start + 40)
        assert session.desk.ledger.quantity.any()
        armed = True
        with pytest.raises(Crash):
            rig.drive(session, store, len(chosen.tape))
        store._connection.close()
        yield Left(paths, latch, chosen_settings, chosen)


def last_decided(left: Left) -> tuple[int, list[object]]:
    rows = [decode_record(payload) for _, payload in journal_rows(left.paths.state)]
    at = max(i for i, row in enumerate(rows) if isinstance(row, Decided) and not row.purpose.any())
    return at, list(rows)


@pytest.mark.parametrize("kind", [CommandKind.HALT, CommandKind.KILL])
def test_orders_that_were_written_but_not_sent_are_withheld(left: Left, kind: CommandKind) -> None:
    body = left.stop(kind)
    assert body["latched"] is True
    assert body["flat"] is (kind == CommandKind.KILL)
    at, rows = last_decided(left)
    later = [row for row in rows[at + 1 :] if isinstance(row, Updated)]
    assert (later[0].event == OrderEvent.WITHHELD).all(), "the venue never heard of them"
    session, store = rig.on_disk(left.chosen, left.paths.state)
    assert not len(session.desk.orders.working())
    store.close()


def test_a_start_with_a_raised_latch_sends_nothing_that_was_left_over(left: Left) -> None:
    left.latch.write(DeskLevel.KILLED, "trip-2", "killed while the engine was dead")
    store = StateStore.open(left.paths.state, Binding.of(left.chosen.opened), EventClock())
    checkpoint = store.last_checkpoint()
    sink = CatchUp(store, store.tail(checkpoint.seq if checkpoint else 0))
    session = make_session(left.chosen, sink)
    session.poll_stop = lambda: stop_in_latch(session.desk, left.latch, DeskLevel.HALTED)
    recover(session, sink, checkpoint.state if checkpoint else None, left.chosen.opened)
    reconcile_latch(session, left.latch)
    assert session.desk.level == DeskLevel.KILLED
    assert not session.desk.ledger.quantity.any()
    store.close()
    at, rows = last_decided(left)
    assert (
        next(row for row in rows[at + 1 :] if isinstance(row, Updated)).event == OrderEvent.WITHHELD
    ).all()


@pytest.mark.parametrize("kind", [CommandKind.PAUSE, CommandKind.HALT])
def test_a_milder_stop_never_lowers_the_latch(left: Left, kind: CommandKind) -> None:
    left.latch.write(DeskLevel.KILLED, "trip-2", "a kill that died half-way")
    body = left.stop(kind)
    assert (body["state"], body["flat"]) == ("killed", True)
    assert left.latch.read().level == DeskLevel.KILLED


@pytest.mark.parametrize("damage", [b"", b"\x00" * 512, None])
def test_an_unreadable_latch_stays_a_halt_under_a_pause(left: Left, damage: bytes | None) -> None:
    if damage is None:
        left.paths.latch.unlink()
    else:
        left.paths.latch.write_bytes(damage)
    assert left.stop(CommandKind.PAUSE)["state"] == "halted"
    said = left.latch.read()
    assert (said.level, said.readable) == (DeskLevel.HALTED, True)


def test_a_missing_launch_file_is_made_up_for_by_the_configuration(left: Left) -> None:
    launch_path(left.paths.state).unlink()
    body = left.stop(CommandKind.KILL)
    assert (body["latched"], body["flat"]) == (True, False)
    assert "state.launch.json is missing" in str(body["text"])
    body = left.stop(CommandKind.KILL, Settings())
    assert (body["latched"], body["flat"]) == (True, False)
    assert "state.launch.json is missing" in str(body["text"])
    assert "belongs to a desk with" in str(body["text"])
    body = left.stop(CommandKind.KILL, left.settings)
    assert (body["latched"], body["flat"], body["text"]) == (True, True, "")


def test_a_latch_that_cannot_be_written_is_said_and_the_book_is_flattened(left: Left) -> None:
    left.paths.latch.unlink()
    left.paths.latch.mkdir()
    body = left.stop(CommandKind.KILL)
    assert (body["latched"], body["flat"]) == (False, True)
    assert "cannot be written" in str(body["text"])


def test_the_command_is_journalled_with_its_id(left: Left) -> None:
    left.stop(CommandKind.KILL)
    session, store = rig.on_disk(left.chosen, left.paths.state)
    assert session.desk.kill_id == "trip-1"
    answer = session.command(Command(session.desk.ts, CommandKind.KILL, "trip-3"))
    for _ in answer:
        store.commit()
    assert session.desk.kill_id == "trip-1", "a second kill finds the first"
    store.close()
