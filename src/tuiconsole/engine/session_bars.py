"""A journal seen bar by bar: what came with each bar, what was decided on it, and what people asked for after it."""

from __future__ import annotations

from dataclasses import dataclass, field

from tuiconsole.domain.events import Command, CommandKind
from tuiconsole.domain.records import BarSeen, Commanded, Decided, Filled, Record
from tuiconsole.engine.commands import FEED
from tuiconsole.engine.session import as_command

_LEVEL_COMMANDS = (
    CommandKind.PAUSE,
    CommandKind.RESUME,
    CommandKind.REARM,
    CommandKind.HALT,
    CommandKind.KILL,
)


@dataclass(slots=True)
class SessionBar:
    """One bar of a session and everything until the next.

    Attributes
    ----------
    seq
        Tape position; -1 for what came before the first bar.
    fills
        Executions at this bar, and a kill's after it.
    commands
        What people asked for at it, in order; the live feed's own pauses are not among them. A stop that overtook this bar's
        orders before they were sent is one of them: given after they were sent it cancels them, and none of them fills.
    held
        Whether a late or silent feed kept the desk from new risk at this bar.
    """

    seq: int = -1
    ts: int = 0
    digest: bytes = b""
    held: bool = False
    decided: list[Decided] = field(default_factory=list)
    fills: list[Filled] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)


class BarByBar:
    """Groups the records of a journal, in their order, into bars; :attr:`current` is the bar that goes on."""

    def __init__(self) -> None:
        self.current = SessionBar()
        self._fills: list[Filled] = []
        self._held = False

    def push(self, record: Record) -> SessionBar | None:
        """Take in the next record; the bar that it completes, or None."""
        if isinstance(record, BarSeen):
            done, self.current = self.current, self._begin(record)
            return done
        if isinstance(record, Filled):
            (self.current.fills if record.forced else self._fills).append(record)
        elif isinstance(record, Decided):
            self.current.decided.append(record)
        elif isinstance(record, Commanded):
            self._command(record)
        return None

    def _begin(self, record: BarSeen) -> SessionBar:
        fills, self._fills = self._fills, []
        return SessionBar(record.seq, record.ts, record.digest, self._held, fills=fills)

    def _command(self, record: Commanded) -> None:
        kind = CommandKind(record.kind)
        if record.accepted and kind in _LEVEL_COMMANDS:
            self._held = record.source == FEED and kind == CommandKind.PAUSE
        if record.source != FEED:
            self.current.commands.append(as_command(record))
