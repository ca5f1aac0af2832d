"""Power losses while rows move from the store to the archive."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

from tests.reliability.disk import Disk
from tests.store.desk import filled_store, records
from tuiconsole.domain.codec import encode_record
from tuiconsole.domain.errors import StoreError
from tuiconsole.domain.rng import generator
from tuiconsole.store.archiving import archive_rows
from tuiconsole.store.audit import verify_chain
from tuiconsole.store.readers import journal_rows

BARS = 30
LATER = 10**18
_LONGEST = 160


def lose_power_while_archiving(seed: int, bars: int = BARS) -> list[str]:
    """Archive a store, lose the power on the way, look at what is left, and archive again; what is wrong."""
    rng = generator(seed, "archive losses")
    with tempfile.TemporaryDirectory(prefix="tc-archive-") as place:
        home, left = Path(place).resolve() / "live", Path(place).resolve() / "left"
        home.mkdir()
        filled_store(home / "state.db", bars, seed % 7)
        disk = Disk(home, int(rng.integers(1, _LONGEST)))
        with disk.attached(), suppress(StoreError):
            archive_rows(home / "state.db", LATER)
        disk.left_behind(rng, left)
        state = left / "state.db"
        wrong = _judge(state, bars, seed % 7, "after the loss")
        if not wrong:
            archive_rows(state, LATER)
            wrong = _judge(state, bars, seed % 7, "archived again")
    return [f"seed {seed}, {text}" for text in wrong]


def _judge(state: Path, bars: int, seed: int, when: str) -> list[str]:
    report = verify_chain(state, projections=True)
    if not report.ok:
        return [f"{when}: {report.text}"]
    wanted = [encode_record(record) for record in records(bars, seed)]
    if [payload for _, payload in journal_rows(state)] != wanted:
        return [f"{when}: the rows are not the ones that were written"]
    return []
