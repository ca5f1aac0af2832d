"""Backups are whole and verified; a restore goes back in time and never makes the desk less stopped."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import Future
from pathlib import Path

import pytest

from tests import desk_files
from tests.desk_files import DeskFiles
from tests.engine import rig
from tests.store.desk import OPENED, bar_seen, open_store
from tuiconsole.domain.clock import EventClock
from tuiconsole.domain.errors import DeskError, EngineError, StoreBindingError, StoreError, UsageError
from tuiconsole.domain.events import DeskLevel
from tuiconsole.engine.backup import Facts, read_facts, take_backup
from tuiconsole.engine.lock import EngineLock
from tuiconsole.engine.paths import DeskPaths
from tuiconsole.engine.restoring import restore, steps
from tuiconsole.risk.latch import Latch
from tuiconsole.store.audit import verify_chain
from tuiconsole.store.copying import copy_at_rest
from tuiconsole.store.readers import recent_orders
from tuiconsole.store.writer import Writer

CLOCK = EventClock(1_700_000_000 * 10**9)


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> DeskFiles:
    made = desk_files.fresh(tmp_path_factory.mktemp("backup") / "desk", rig.market())
    desk_files.trade(made, bars=30)
    return made


@pytest.fixture
def desk(traded: DeskFiles, tmp_path: Path) -> DeskFiles:
    return traded.copy_to(tmp_path / "desk")


def paths_of(desk: DeskFiles) -> DeskPaths:
    return DeskPaths.of(desk.state)


def back_up(desk: DeskFiles, to: Path) -> Facts:
    return take_backup(paths_of(desk), to, CLOCK, lambda target: copy_at_rest(desk.state, target))


def trade_on(desk: DeskFiles, bars: int) -> None:
    chosen = desk_files.planned_again(desk)
    session, store = rig.on_disk(chosen, desk.state)
    rig.drive(session, store, session.cursor + bars)
    store.close()


def test_a_backup_is_whole_and_verified(desk: DeskFiles, tmp_path: Path) -> None:
    before = verify_chain(desk.state)
    facts = back_up(desk, tmp_path / "copy")
    assert (facts.rows, facts.head, facts.mode, facts.level) == (
        before.rows,
        before.head,
        "replay",
        "running",
    )
    assert facts == read_facts(tmp_path / "copy")
    assert verify_chain(tmp_path / "copy" / "state.db", projections=True) == before
    names = {path.name for path in (tmp_path / "copy").iterdir()}
    assert names == {
        "state.db",
        "state.db.key",
        "state.db.head.json",
        "state.launch.json",
        "state.latch",
        "backup.json",
    }
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "copy").iterdir())


def test_what_is_committed_meanwhile_is_in_the_copy(tmp_path: Path) -> None:
    """The engine's way: the writer's own connection, commits let through between the pages."""
    store = open_store(tmp_path / "state.db")
    writer = Writer(store)
    writer.append(OPENED)
    for seq in range(9_000):
        writer.append(bar_seen(seq))
    writer.commit()
    later: list[Future[int]] = []
    between = writer._between_pages

    def more() -> None:
        if len(later) < 3:
            writer.append(bar_seen(20_000 + len(later)))
            later.append(writer.submit())
        between()

    writer._between_pages = more  # type: ignore[method-assign]
    rows = writer.copy_to(tmp_path / "copy.db").result()
    assert [future.result() for future in later] == [9_002, 9_003, 9_004]
    assert rows == writer.durable_rows == 9_004
    writer.append(bar_seen(30_000))
    writer.close()
    shutil.copy(tmp_path / "state.db.key", tmp_path / "copy.db.key")
    copy = open_store(tmp_path / "copy.db")
    assert copy.rows == 9_004
    copy.close()
    assert verify_chain(tmp_path / "copy.db", projections=True).ok


def test_a_copy_that_finds_no_room_leaves_the_desk_alone(desk: DeskFiles, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written"):
        take_backup(
            paths_of(desk), tmp_path / "c", CLOCK, lambda target: copy_at_rest(desk.state, target / "no")
        )
    assert list(tmp_path.glob("c*")) == []
    back_up(desk, tmp_path / "copy")
    with pytest.raises(UsageError, match="exists already"):
        back_up(desk, tmp_path / "copy")


def test_a_damaged_backup_is_neither_made_nor_restored(desk: DeskFiles, tmp_path: Path) -> None:
    def damaged(target: Path) -> None:
        copy_at_rest(desk.state, target)
        data = bytearray(target.read_bytes())
        data[8 * 4096 : 8 * 4096 + 400] = b"\xa5" * 400
        target.write_bytes(data)

    with pytest.raises(StoreError, match="does not verify"):
        take_backup(paths_of(desk), tmp_path / "bad", CLOCK, damaged)
    assert not (tmp_path / "bad").exists()
    back_up(desk, tmp_path / "copy")
    damaged_copy = tmp_path / "copy" / "state.db"
    before = desk.snapshot()
    damaged_copy.unlink()
    damaged(damaged_copy)
    with pytest.raises(StoreError, match="Do not restore from it"):
        restore(paths_of(desk), tmp_path / "copy", True, CLOCK)
    assert {name: data for name, data in desk.snapshot().items() if name != "state.lock"} == before


def test_a_restore_goes_back_and_keeps_what_was_there(desk: DeskFiles, tmp_path: Path) -> None:
    facts = back_up(desk, tmp_path / "copy")
    trade_on(desk, 10)
    later = verify_chain(desk.state)
    assert later.rows > facts.rows
    with pytest.raises(UsageError, match=f"stands at .*goes back to {facts.clock}, row {facts.rows}"):
        restore(paths_of(desk), tmp_path / "copy", False, CLOCK)
    done = restore(paths_of(desk), tmp_path / "copy", True, CLOCK)
    assert verify_chain(desk.state, projections=True).head == facts.head
    assert done.kept is not None
    assert verify_chain(done.kept / "state.db") == later
    said = Latch(paths_of(desk).latch).read()
    assert (said.level, done.level) == (DeskLevel.PAUSED, "paused")
    assert f"went back to {facts.clock}, row {facts.rows}" in said.reason
    trade_on(desk, 10)
    assert verify_chain(desk.state, projections=True) == later, "the same bars lead to the same rows again"


def test_a_restore_on_another_machine(desk: DeskFiles, tmp_path: Path) -> None:
    facts = back_up(desk, tmp_path / "copy")
    there = DeskPaths.of(tmp_path / "there" / "mine.db")
    done = restore(there, tmp_path / "copy", False, CLOCK)
    assert done.kept is None
    assert verify_chain(there.state, projections=True).head == facts.head
    assert Latch(there.latch).read().level == DeskLevel.PAUSED
    assert recent_orders(there.state) == recent_orders(desk.state)
    assert (there.state.with_name("mine.launch.json")).exists()


@pytest.mark.parametrize(
    ("then", "now", "after"),
    [
        (DeskLevel.RUNNING, DeskLevel.KILLED, DeskLevel.KILLED),
        (DeskLevel.HALTED, DeskLevel.RUNNING, DeskLevel.HALTED),
        (DeskLevel.KILLED, DeskLevel.HALTED, DeskLevel.KILLED),
        (DeskLevel.RUNNING, None, DeskLevel.HALTED),
    ],
)
def test_a_restore_never_lowers_the_latch(
    then: DeskLevel, now: DeskLevel | None, after: DeskLevel, desk: DeskFiles, tmp_path: Path
) -> None:
    latch = Latch(paths_of(desk).latch)
    latch.write(then, "trip-1", "then")
    back_up(desk, tmp_path / "copy")
    if now is None:
        latch.path.unlink()
    else:
        latch.write(now, "trip-2", "now")
    restore(paths_of(desk), tmp_path / "copy", True, CLOCK)
    said = latch.read()
    assert (said.readable, said.level) == (True, after)
    if now == after:
        assert (said.trip, said.reason) == ("trip-2", "now")


def test_no_restore_under_a_running_engine(desk: DeskFiles, tmp_path: Path) -> None:
    back_up(desk, tmp_path / "copy")
    lock = EngineLock(paths_of(desk).lock)
    assert lock.acquire()
    before = desk.snapshot()
    with pytest.raises(EngineError, match="An engine runs"):
        restore(paths_of(desk), tmp_path / "copy", True, CLOCK)
    assert desk.snapshot() == before
    lock.release()


def test_a_directory_without_backup(desk: DeskFiles, tmp_path: Path) -> None:
    for directory in (tmp_path / "none", desk.home):
        with pytest.raises(UsageError, match="holds no backup"):
            restore(paths_of(desk), directory, True, CLOCK)


def test_a_crash_between_any_two_steps_of_a_restore(desk: DeskFiles, tmp_path: Path) -> None:
    """The old desk, the new one, or a sentence; and the restore can be done once more."""
    copy = tmp_path / "copy"
    facts = back_up(desk, copy)
    trade_on(desk, 10)
    count = 0
    for ends_after in range(20):
        home = tmp_path / f"crash {ends_after}"
        crashed = desk.copy_to(home)
        paths = paths_of(crashed)
        walk = steps(paths, copy, facts, home / "aside")
        names = [name for _, name in zip(range(ends_after), walk, strict=False)]
        walk.close()
        whole = len(names) < ends_after
        count += not whole
        if whole:
            assert verify_chain(crashed.state).head == facts.head
        elif names:
            with pytest.raises(StoreBindingError, match="has not come to its end"):
                trade_on(crashed, 1)
        restore(paths, copy, True, CLOCK)
        assert verify_chain(crashed.state, projections=True).head == facts.head
        assert Latch(paths.latch).read().level >= DeskLevel.PAUSED
        if whole:
            break
    assert count >= 5


def test_every_sentence_is_one(desk: DeskFiles, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "backup.json").write_text(json.dumps({"rows": 3}))
    with pytest.raises(DeskError) as refused:
        restore(paths_of(desk), tmp_path / "copy", True, CLOCK)
    assert refused.value.remedy
