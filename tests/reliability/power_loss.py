"""Power losses of a store: seeded, at any write, sync or renaming, again and again until its session is whole."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.reliability.disk import Disk
from tests.store.desk import BINDING, records
from tuiconsole.domain.clock import EventClock
from tuiconsole.domain.codec import encode_record
from tuiconsole.domain.errors import StoreError
from tuiconsole.domain.records import Record
from tuiconsole.domain.rng import generator
from tuiconsole.store.audit import verify_chain
from tuiconsole.store.readers import journal_rows
from tuiconsole.store.state_store import StateStore

BARS = 60
"""Bars of the session of each seed: some 230 rows, and enough pages for the log to be folded back more than once."""
_FIRST_LIVES = 60
_LIFE = (1, 2_500)


@dataclass(slots=True)
class Losses:
    """What became of one seed. ``wrong`` names every broken promise."""

    seed: int
    losses: int
    rows: int
    acknowledged_lost: int
    wrong: list[str]


def lose_power(seed: int, bars: int = BARS) -> Losses:
    """Write one session to the end, through as many power losses as come; each leaves one possible disk behind."""
    rng = generator(seed, "power loss")
    session = list(records(bars, seed))
    found = Losses(seed, 0, 0, 0, [])
    with tempfile.TemporaryDirectory(prefix="tc-power-") as place:
        home = Path(place).resolve() / "0"
        home.mkdir()
        while found.rows < len(session) and not found.wrong:
            longest = _FIRST_LIVES if found.losses == 0 and seed % 3 == 0 else _LIFE[1]
            disk = Disk(home, int(rng.integers(_LIFE[0], longest)))
            acknowledged = found.rows
            with disk.attached():
                acknowledged = max(acknowledged, _live(home / "state.db", session, rng))
            if not disk.off:
                found.rows = acknowledged
                break
            found.losses += 1
            home = Path(place).resolve() / str(found.losses)
            disk.left_behind(rng, home)
            looked_at = Path(place).resolve() / "looked at"
            shutil.copytree(
                home, looked_at
            )  # the next life recovers by itself, and may lose power while it does
            _judge(looked_at / "state.db", session, acknowledged, found)
            shutil.rmtree(looked_at)
    return found


def _live(path: Path, session: list[Record], rng: np.random.Generator) -> int:
    """Open the store and write on where it ends, until the power fails; the rows that were said to be durable."""
    acknowledged = 0
    store: StateStore | None = None
    try:
        store = StateStore.open(path, BINDING, EventClock(5))
        acknowledged = store.rows
        while store.rows < len(session):
            for record in session[store.rows : store.rows + int(rng.integers(1, 6))]:
                store.append(record)
            if rng.random() < 0.05:
                store.checkpoint({"rows": store.rows, "filler": bytes(int(rng.integers(9_000)))})
            store.commit()
            acknowledged = store.durable_rows
        store.close()
    except StoreError:
        pass
    finally:
        if store is not None:
            store._connection.close()
    return acknowledged


def _judge(path: Path, session: list[Record], acknowledged: int, found: Losses) -> None:
    """What the disk holds now must open, hold every acknowledged row as it was written, and verify."""
    try:
        store = StateStore.open(path, BINDING, EventClock(5))
    except StoreError as error:
        found.acknowledged_lost += acknowledged - found.rows if acknowledged else 0
        found.wrong.append(f"after loss {found.losses}: {error}")
        return
    rows = store.rows
    store.close()
    if rows < acknowledged:
        found.acknowledged_lost += acknowledged - rows
        found.wrong.append(f"after loss {found.losses}: {rows} rows, {acknowledged} were acknowledged")
    stored = [payload for _, payload in journal_rows(path)]
    if stored != [encode_record(record) for record in session[:rows]]:
        found.wrong.append(f"after loss {found.losses}: the rows are not the ones that were written")
    report = verify_chain(path, projections=True)
    if not report.ok:
        found.wrong.append(f"after loss {found.losses}: {report.text}")
    found.rows = rows
