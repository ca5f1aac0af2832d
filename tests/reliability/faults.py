"""A disk that fails at any write or sync of a trading desk: it must halt before its next order, and stay halted."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.engine import rig
from tests.engine.test_service import Rig
from tests.reliability.faulty_disk import Fault, FaultyDisk
from tuiconsole.domain.errors import StoreError
from tuiconsole.domain.events import DeskLevel
from tuiconsole.engine.build import Plan
from tuiconsole.engine.latching import reconcile_latch, stop_in_latch
from tuiconsole.engine.session import Session
from tuiconsole.risk.latch import Latch
from tuiconsole.store.audit import verify_chain

BARS_BEFORE, BARS = 12, 24
"""Bars that the desk has traded when the disk is armed, and bars in which the fault may strike."""

REMEDIES = {
    Fault.FULL: "Free some space",
    Fault.WRITE: "Check the disk",
    Fault.SYNC: "Check the disk",
    Fault.CORRUPT: "Restore it from a backup",
    Fault.DEAD: "Check the disk",
}
"""What the sentence on the screen must tell the trader to do."""


@dataclass(slots=True)
class Struck:
    """What a fault did. ``operations`` counts writes and syncs of the stretch, up to the fault."""

    fault: Fault
    at: int
    struck: bool = False
    operations: int = 0
    orders_after: int = 0
    last_order: int = 0
    wrong: list[str] = field(default_factory=list)


@contextmanager
def template(chosen: Plan) -> Iterator[Path]:
    """The files of a desk that has traded :data:`BARS_BEFORE` bars and was stopped."""
    with tempfile.TemporaryDirectory(prefix="tc-fault-") as place:
        home = Path(place).resolve() / "template"
        home.mkdir()
        session, store = rig.on_disk(chosen, home / "state.db")
        rig.drive(session, store, rig.WARMUP + BARS_BEFORE)
        store.checkpoint(session.state())
        store.close()
        Latch(home / "state.latch").create()
        yield home


async def strike(chosen: Plan, home: Path, fault: Fault, at: int) -> Struck:
    """Let ``fault`` strike at the ``at``-th operation of a desk like the one in ``home``, and look at what it does."""
    found = Struck(fault, at)
    with tempfile.TemporaryDirectory(prefix="tc-fault-") as place, _runtime(place):
        mine = Path(place) / "desk"
        shutil.copytree(home, mine)
        disk = FaultyDisk(mine)
        with disk.attached():
            await _trade(chosen, mine, disk, found)
        if found.struck and not found.wrong:
            await _come_back(chosen, mine, found)
    return found


async def _trade(chosen: Plan, home: Path, disk: FaultyDisk, found: Struck) -> None:
    made = Rig(chosen, home)
    try:
        if found.fault is Fault.CORRUPT:
            made.store._connection.execute("PRAGMA cache_size=0")
        sent: list[int] = []
        before = made.desk.orders.next_number - 1

        def struck() -> None:
            sent[:] = [*made.sent, 0]

        disk.arm(found.fault, found.at, struck)
        for _ in range(BARS):
            await made.service.play()
        found.last_order = max(made.sent, default=before)
        found.struck, found.operations = disk.struck, disk.operations
        if disk.struck:
            found.orders_after = len(made.sent) - len(sent) + 1
            _judge(made, found)
    finally:
        made.writer._thread.shutdown(wait=True)
        made.store._connection.close()
        made.service._latch_thread.shutdown(wait=True)


def _judge(made: Rig, found: Struck) -> None:
    service = made.service
    if found.orders_after:
        found.wrong.append(f"{found.orders_after} orders were sent after the fault")
    if not service.failed or made.desk.level < DeskLevel.HALTED:
        found.wrong.append(f"the desk is {made.desk.level.name} after the fault")
    elif REMEDIES[found.fault] not in service.failed and "disk or its permissions" not in service.failed:
        found.wrong.append(f"the sentence does not say what to do: {service.failed}")
    said = made.latch.read()
    if found.fault is not Fault.DEAD and said.level < DeskLevel.HALTED:
        found.wrong.append(f"the latch says {said.level.name}")


async def _come_back(chosen: Plan, home: Path, found: Struck) -> None:
    """The disk is sound again: the desk must start where its journal ends, and send nothing before it is re-armed."""
    report = verify_chain(home / "state.db", projections=True)
    if not report.ok:
        found.wrong.append(f"after the fault: {report.text}")
        return
    if found.fault is Fault.DEAD:
        return  # nothing could be written down any more, so nothing tells the next start of it
    handed: list[int] = []

    def prepare(session: Session) -> None:
        latch, submit = Latch(home / "state.latch"), session.venue.submit
        session.poll_stop = lambda: stop_in_latch(session.desk, latch, DeskLevel.HALTED)

        def watched(approved: Any, immediate: bool = False) -> Any:
            handed.extend(approved.batch.number.tolist())
            return submit(approved, immediate)

        session.venue.submit = watched  # type: ignore[method-assign]

    try:
        made = Rig(chosen, home, prepare)
    except StoreError as error:
        found.wrong.append(f"after the fault the desk does not start: {error}")
        return
    try:
        reconcile_latch(made.session, made.latch)
        made.writer.commit()
        for _ in range(2):
            await made.service.play()
        late = [number for number in handed if number > found.last_order]
        if made.desk.level < DeskLevel.HALTED or late:
            found.wrong.append(f"after the restart the desk is {made.desk.level.name} and sent {late}")
    finally:
        await made.close()


@contextmanager
def _runtime(place: str) -> Iterator[None]:
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = place
    try:
        yield
    finally:
        if before is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = before
