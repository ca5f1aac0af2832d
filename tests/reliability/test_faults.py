"""A fault at any write, sync or read halts the desk before its next order; it stays halted, and says what to do."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine import rig
from tests.engine.test_service import Rig
from tests.reliability import sqlite_shim
from tests.reliability.faults import strike, template
from tests.reliability.faulty_disk import Fault
from tests.store.desk import filled_store, open_store
from tuiconsole.domain.errors import StoreError
from tuiconsole.domain.events import DeskLevel
from tuiconsole.domain.rng import generator
from tuiconsole.engine.build import Plan
from tuiconsole.engine.service import EngineService
from tuiconsole.store import connection
from tuiconsole.store.audit import verify_chain

reachable = pytest.mark.skipif(
    sqlite_shim.library() is None, reason="the functions of this Python's SQLite cannot be reached"
)
STRIKES = 12
"""Places of the fault, for each kind; the full size takes every one."""


@pytest.fixture(scope="module")
def chosen() -> Plan:
    return rig.planned(rig.market())


@pytest.fixture(scope="module")
def stopped(chosen: Plan) -> Iterator[Path]:
    with template(chosen) as home:
        yield home


@reachable
@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
async def test_a_fault_anywhere_halts(fault: Fault, chosen: Plan, stopped: Path) -> None:
    whole = await strike(chosen, stopped, fault, 10**9)
    assert not whole.struck
    assert whole.operations > 300
    places = generator(1, "faults", fault.name).integers(1, whole.operations - 20, STRIKES)
    for at in places.tolist():
        found = await strike(chosen, stopped, fault, at)
        assert found.struck, at
        assert found.wrong == [], found


@reachable
async def test_a_desk_that_forgets_its_latch_is_convicted(
    chosen: Plan, stopped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forgetful(self: EngineService, error: Exception) -> None:
        self.failed = str(error)
        self.desk.level = DeskLevel.HALTED

    monkeypatch.setattr(EngineService, "fail", forgetful)
    found = await strike(chosen, stopped, Fault.WRITE, 40)
    assert found.wrong == ["the latch says RUNNING"]


async def test_a_locked_store_halts(chosen: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "WRITER_BUSY_MS", 5)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    made = Rig(chosen, tmp_path)
    for _ in range(8):
        await made.service.play()
    intruder = sqlite3.connect(made.paths.state, isolation_level=None)
    intruder.execute("BEGIN IMMEDIATE")
    sent = list(made.sent)
    for _ in range(10):
        await made.service.play()
    assert made.sent == sent, "0 orders while another process holds it"
    assert "another process holds it locked. Stop the other process" in made.service.failed
    assert made.latch.read().level == made.desk.level == DeskLevel.HALTED
    intruder.execute("ROLLBACK")
    intruder.close()
    await made.close()
    assert verify_chain(made.paths.state, projections=True).ok


def test_no_damaged_page_goes_unnoticed(tmp_path: Path) -> None:
    """Any page of the file overwritten: refused at the start, or found by ``verify``; never traded on as if sound."""
    sound = tmp_path / "sound"
    sound.mkdir()
    filled_store(sound / "state.db", 12)
    pages = len((sound / "state.db").read_bytes()) // 4096
    remedies: list[str] = []
    for page in range(pages):
        home = tmp_path / str(page)
        shutil.copytree(sound, home)
        data = bytearray((home / "state.db").read_bytes())
        data[page * 4096 : (page + 1) * 4096] = generator(page, "damage").bytes(4096)
        (home / "state.db").write_bytes(data)
        try:
            open_store(home / "state.db").close()
        except StoreError as error:
            remedies.append(error.remedy)
        report = verify_chain(home / "state.db", projections=True)
        assert not report.ok, page
    assert len(remedies) == pages
    assert all(remedies)
