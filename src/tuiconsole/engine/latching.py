"""What the latch asks of the desk: a stop that another process wrote, or that the journal does not know yet."""

from __future__ import annotations

from tuiconsole.domain import ids
from tuiconsole.domain.events import Command, CommandKind, DeskLevel
from tuiconsole.engine.desk import Desk
from tuiconsole.engine.session import Session
from tuiconsole.risk.latch import Latch

UNREADABLE = "The latch file cannot be read, which counts as latched."
STOP_LEVELS = {
    CommandKind.PAUSE: DeskLevel.PAUSED,
    CommandKind.HALT: DeskLevel.HALTED,
    CommandKind.KILL: DeskLevel.KILLED,
}
"""How far each stopping command stops the desk."""

_KINDS = {level: kind for kind, level in STOP_LEVELS.items()}


def stop_in_latch(desk: Desk, latch: Latch, least: DeskLevel = DeskLevel.PAUSED) -> Command | None:
    """The stop that the latch holds beyond the desk's own level, as a command; None when there is none.

    Parameters
    ----------
    least
        Lower levels of the latch are passed over.
    """
    said = latch.read()
    if said.level < least or said.level <= desk.level:
        return None
    reason = said.reason if said.readable else UNREADABLE
    return Command(desk.ts, _KINDS[said.level], said.trip or ids.fresh_id(), reason=reason, source="latch")


def reconcile_latch(session: Session, latch: Latch) -> None:
    """Bring desk and latch to the higher of their two levels; the difference is journalled like any command."""
    desk = session.desk
    command = stop_in_latch(desk, latch)
    if command is not None:
        for _ in session.command(command):
            session.sink.commit()
    latch.write(desk.level, desk.kill_id, desk.level_text)
