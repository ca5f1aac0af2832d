"""Power losses of a whole desk, and of the latch: what follows is what would have followed without them."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.engine import rig
from tests.reliability.disk import Disk
from tuiconsole.domain.clock import EventClock
from tuiconsole.domain.errors import StoreError
from tuiconsole.domain.events import DeskLevel
from tuiconsole.domain.rng import generator
from tuiconsole.engine.build import Plan
from tuiconsole.engine.session import Session
from tuiconsole.risk.latch import Latch
from tuiconsole.store.audit import verify_chain
from tuiconsole.store.binding import Binding
from tuiconsole.store.readers import recent_orders
from tuiconsole.store.state_store import StateStore

BARS = 40
"""Bars that trade."""
_LIFE = (10, 700)


@dataclass(slots=True)
class Sent:
    """What the venue was handed over all lives, and what was wrong."""

    losses: int = 0
    head: bytes = b""
    orders: dict[int, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def trade(chosen: Plan, seed: int | None) -> Sent:
    """Trade to the end through power losses; without a ``seed`` nothing disturbs the desk."""
    rng = generator(seed or 0, "desk losses")
    sent = Sent()
    end = rig.WARMUP + BARS
    with tempfile.TemporaryDirectory(prefix="tc-desk-") as place:
        home = Path(place).resolve() / "0"
        home.mkdir()
        while True:
            disk = Disk(home, None if seed is None else int(rng.integers(*_LIFE)))
            with disk.attached():
                _live(chosen, home / "state.db", end, sent)
            if not disk.off:
                break
            sent.losses += 1
            home = Path(place).resolve() / str(sent.losses)
            disk.left_behind(rng, home)
            _look_for_orders(home, sent)
        report = verify_chain(home / "state.db", projections=True)
        sent.head = bytes.fromhex(report.head)
        if not report.ok:
            sent.wrong.append(report.text)
    return sent


def _look_for_orders(home: Path, sent: Sent) -> None:
    """Whatever the venue was handed must be in what the disk kept."""
    copy = home.with_name("looked at")
    shutil.copytree(home, copy)
    known = {order.number for order in recent_orders(copy / "state.db", 10_000)} if sent.orders else set()
    if missing := sent.orders.keys() - known:
        sent.wrong.append(f"after loss {sent.losses}: orders {sorted(missing)} were sent and are not known")
    shutil.rmtree(copy)


def _live(chosen: Plan, path: Path, end: int, sent: Sent) -> None:
    store: StateStore | None = None
    try:
        store = StateStore.open(path, Binding.of(chosen.opened), EventClock())
        session = rig.recovered(chosen, store, lambda made: _watch(made, sent))
        rig.drive(session, store, end)
        store.close()
    except StoreError:
        pass
    finally:
        if store is not None:
            store._connection.close()


def _watch(session: Session, sent: Sent) -> None:
    """Note what the venue is handed; the same number must always be the same order, in every life."""
    submit = session.venue.submit

    def watched(approved: object, immediate: bool = False) -> object:
        batch = approved.batch  # type: ignore[attr-defined]
        for number, quantity in zip(batch.number.tolist(), batch.quantity.tolist(), strict=True):
            if sent.orders.setdefault(number, quantity) != quantity:
                sent.wrong.append(f"order {number} was sent twice, with different quantities")
        return submit(approved, immediate)  # type: ignore[arg-type]

    session.venue.submit = watched  # type: ignore[method-assign,assignment]


def lose_power_while_latching(seed: int) -> list[str]:
    """Raise and lower the latch until the power fails; what it says afterwards is never less than it must be."""
    rng = generator(seed, "latch losses")
    with tempfile.TemporaryDirectory(prefix="tc-latch-") as place:
        home = Path(place).resolve() / "0"
        home.mkdir()
        latch = Latch(home / "state.latch")
        latch.create()
        disk = Disk(home, int(rng.integers(1, 40)))
        written = asked = DeskLevel.RUNNING
        with disk.attached():
            while not disk.off:
                asked = DeskLevel(int(rng.integers(len(DeskLevel))))
                try:
                    latch.write(asked, f"trip {seed}", "why")
                except StoreError:
                    break
                written = asked
        left = home.with_name("1")
        disk.left_behind(rng, left)
        said = Latch(left / "state.latch").read()
    allowed = said.level in (written, asked) if said.readable else said.level >= DeskLevel.HALTED
    return [] if allowed else [f"the latch says {said}, {written.name} was written, {asked.name} asked"]
