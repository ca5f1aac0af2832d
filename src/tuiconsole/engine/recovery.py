"""Start-up is the recovery path: restore the last checkpoint, then drive the journal's tail through the same code."""

from __future__ import annotations

from tuiconsole.domain.codec import decode_state
from tuiconsole.domain.records import Opened
from tuiconsole.engine.remote import RemoteVenue
from tuiconsole.engine.session import Session
from tuiconsole.store.recovery import CatchUp


def recover(session: Session, sink: CatchUp, checkpoint: bytes | None, opened: Opened) -> int:
    """Bring ``session`` to where the journal ends.

    Parameters
    ----------
    sink
        The session's sink: it compares every record with the stored row until these run out, then passes them on.
    checkpoint
        State of the last checkpoint, or None when there is none: the bars before the start then warm the desk up.
    opened
        The first row of a journal that is empty.

    Returns
    -------
    int
        Rows driven again from the tail.

    Raises
    ------
    JournalDivergence
        When the same inputs led to another row: the configuration or the program changed, or the store was altered.
    """
    if checkpoint is None:
        session.warm_up()
    else:
        session.restore(decode_state(checkpoint))
    session.next_stored = sink.peek
    if isinstance(session.venue, RemoteVenue):
        session.venue.recall = sink.peek
    before = sink.remaining
    while (stored := sink.peek()) is not None:
        for _ in session.again(stored):
            sink.commit()
        sink.commit()
    session.next_stored = None
    if isinstance(session.venue, RemoteVenue):
        session.venue.recall = None
    if sink.rows == 0:
        session.open(opened)
        sink.commit()
    return before
