"""Replays a session from its journal's inputs and compares every row that comes out with the row stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tuiconsole.domain.errors import StoreBindingError
from tuiconsole.engine.brokers import absent
from tuiconsole.engine.build import TODAY, make_session, plan_again
from tuiconsole.engine.launch import Launch
from tuiconsole.engine.paths import tape_path
from tuiconsole.engine.recovery import recover
from tuiconsole.market.live.recorded import RecordedTape
from tuiconsole.store.batch_journal import BatchJournal
from tuiconsole.store.binding import Binding
from tuiconsole.store.readers import journal_rows, opened_row
from tuiconsole.store.recovery import CatchUp


def check_recorded(state: Path, launch: Launch) -> None:
    """Walk the chain of a live desk's tape; :class:`TapeDamaged` at the first frame that was changed or cut."""
    if launch.mode in TODAY:
        RecordedTape.open(tape_path(state)).check()


def replay_journal(state: Path, launch: Launch) -> int:
    """Drive the tape and the journalled commands through a fresh desk; the number of rows found equal.

    Raises
    ------
    JournalDivergence
        At the first row that differs.
    StoreBindingError
        When tape, mode or settings are no longer those of the journal.
    TapeDamaged
        When the recorded tape of a live desk was changed or cut.
    """
    chosen = plan_again(state, launch.mode, launch.settings)
    stored = opened_row(state)
    difference = Binding.of(stored).difference(Binding.of(chosen.opened))
    if difference is not None:
        raise StoreBindingError(
            f"The journal belongs to a desk with {difference}.", "Verify with the tape it was made on."
        )
    rows: Iterator[tuple[int, bytes]] = journal_rows(state)
    sink = CatchUp(BatchJournal(None), rows)
    session = make_session(chosen, sink, broker=absent(chosen))
    return recover(session, sink, None, chosen.opened)
