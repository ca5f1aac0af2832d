"""SIGKILL of the real engine, at every named moment and at random ones: the end is that of an engine left in peace."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.reliability.dying_engine import IN_A_WRITE
from tests.system.rig import Engine, SystemDesk, Whole, bars_seen, traded
from tuiconsole.domain.rng import generator
from tuiconsole.engine.session import FAULT_POINTS

ROOT = Path(__file__).resolve().parents[2]
FROM_OUTSIDE = "from outside"
OFTEN = {"bar taken": 40, "bar done": 40, "journalled": 90, "decided": 40, "durable": 15, "submitted": 15}
"""A moment is chosen among so many passes of it; where nothing is said, among three."""


@dataclass(slots=True)
class Killed:
    """What a desk went through."""

    kills: int = 0
    by_itself: int = 0
    moments: list[str] = field(default_factory=list)
    rows: int = 0
    orders: int = 0
    fills: int = 0
    wrong: list[str] = field(default_factory=list)


def kill_again_and_again(desk: SystemDesk, whole: Whole, seed: int, kills: int) -> Killed:
    """Kill the engine of ``desk`` ``kills`` times, then let it come to its end; compare with ``whole``."""
    rng = generator(seed, "kills")
    found = Killed()
    first = [*FAULT_POINTS, IN_A_WRITE, FROM_OUTSIDE, FROM_OUTSIDE]
    for count in range(kills):
        moment = str(first[count % len(first)] if count < len(first) else rng.choice(first))
        found.by_itself += _one_life(desk, moment, rng)
        found.kills += 1
        found.moments.append(moment)
        _look(desk, whole, found)
        if found.wrong:
            return found
    engine = _start(desk, FROM_OUTSIDE, 0)
    engine.wait_event("end of tape")
    stopped = engine.terminate()
    _look(desk, whole, found)
    if traded(desk.state) != whole.traded:
        found.wrong.append(f"the {stopped['rows']} rows are not those of the undisturbed desk")
    if not found.wrong and desk.verified()["head"] != stopped["head"]:
        found.wrong.append("the journal does not replay to the same head")
    return found


def _one_life(desk: SystemDesk, moment: str, rng: np.random.Generator) -> bool:
    """An engine that dies at ``moment``, or is killed at the end of its tape; whether it died there by itself."""
    if moment == FROM_OUTSIDE:
        engine = _start(desk, moment, 0)
        engine.wait_for(bars_seen(int(rng.integers(1, 12))), "bars")
        engine.kill()
        return False
    nth = int(rng.integers(1, 400 if moment == IN_A_WRITE else OFTEN.get(moment, 3) + 1))
    engine = _start(desk, moment, nth)
    engine.wait_for(lambda lines: engine.ended or any(line["event"] == "end of tape" for line in lines))
    by_itself = engine.ended
    engine.kill()
    return by_itself


def _start(desk: SystemDesk, moment: str, nth: int) -> Engine:
    python = desk.command("headless")[0]
    rest = desk.command("headless", "--json", "--speed", "0", "--every-bar")[3:]
    module = [python, "-m", "tests.reliability.dying_engine", moment, str(nth), str(desk.home / "sent.txt")]
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH", str(ROOT / "src"))])])
    engine = Engine([*module, *rest], {**desk.environment, "PYTHONPATH": paths}, desk.home, ready=False)
    desk.engines.append(engine)
    return engine


def _look(desk: SystemDesk, whole: Whole, found: Killed) -> None:
    """What the disk holds right after a kill."""
    if not desk.state.exists():
        return
    store = sqlite3.connect(f"file:{desk.state}?mode=ro", uri=True)
    try:
        if store.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
            found.wrong.append("SQLite finds the file damaged")
        if not store.execute("SELECT count(*) FROM sqlite_master WHERE name = 'journal'").fetchone()[0]:
            return
        rows = store.execute("SELECT count(*) FROM journal").fetchone()[0]
        orders = store.execute("SELECT number, symbol, quantity FROM orders ORDER BY number").fetchall()
        fills = store.execute("SELECT count(*), count(DISTINCT execution) FROM fills").fetchone()
    finally:
        store.close()
    sent = {int(line) for line in (desk.home / "sent.txt").read_text().split()}
    where = f"after kill {found.kills} ({found.moments[-1] if found.moments else 'none'})"
    if rows < found.rows or fills[0] < found.fills:
        found.wrong.append(
            f"{where}: {rows} rows and {fills[0]} fills, {found.rows} and {found.fills} before"
        )
    if orders != whole.orders[: len(orders)]:
        found.wrong.append(f"{where}: the orders are not those of the undisturbed desk")
    if fills[0] != fills[1]:
        found.wrong.append(f"{where}: an execution is booked twice")
    if unknown := sent - {number for number, *_ in orders}:
        found.wrong.append(f"{where}: orders {sorted(unknown)} were sent and are not known")
    found.rows, found.orders, found.fills = rows, len(orders), fills[0]
