"""One trading session: the tape, the defence, the desk and the venue, carried forward one bar at a time.

Every shell drives this class. It works as a generator that yields wherever what was journalled so far must be durable
before the next step: a backtest commits and goes on at once, the live engine awaits its writer thread there. That is the
only difference between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.effects import Cancel, Decide, Effect, Journal, Replace, Severity, Submit
from tuiconsole.domain.events import (
    AccountChecked,
    Charges,
    Command,
    CommandKind,
    DecisionReady,
    DeskLevel,
    Fills,
    OrderUpdates,
    ScreenedBars,
    TapeEnd,
)
from tuiconsole.domain.market import ScreenedBlock
from tuiconsole.domain.orders import OrderEvent
from tuiconsole.domain.records import Alerted, Checked, Commanded, LevelChanged, Opened, Record, TapeEnded
from tuiconsole.domain.types import IntArray
from tuiconsole.engine.desk import Desk
from tuiconsole.engine.market_side import Observed, ObservedBlock
from tuiconsole.engine.quiet import QuietStretch, pass_quietly
from tuiconsole.engine.reconciling import event_of, own_account
from tuiconsole.engine.remote import RemoteVenue
from tuiconsole.engine.shared_market import SharedMarket
from tuiconsole.engine.stretch_ends import AFTER_FILLS, AT_BAR, Ended
from tuiconsole.execution.contract import Response
from tuiconsole.execution.paper import PaperVenue
from tuiconsole.execution.reconciliation import reconcile
from tuiconsole.market.defence import Defence
from tuiconsole.market.tape import BarSource
from tuiconsole.store.sink import JournalSink

if TYPE_CHECKING:
    from tuiconsole.engine.stretch import Stretches

FAULT_POINTS = (
    "bar taken",
    "journalled",
    "decided",
    "durable",
    "submitted",
    "bar done",
    "checkpoint written",
)
"""Named moments at which a crash must lose nothing; tests interrupt the session at each."""

Steps = Iterator[None]
_LEAST_QUIET = 4
"""Bars in a row without a decision from which on they are worth taking together."""

_NONE: IntArray = np.empty(0, dtype=np.int64)
_URGENT = (CommandKind.HALT, CommandKind.KILL)


class Session:
    """The moving parts of one desk on one tape.

    Parameters
    ----------
    sink
        Where journal records go; commits are the shell's business.
    on_level
        Called with every change of level as soon as it happens; the live engine notes there what to write into the
        latch.
    fault
        Called with the name of each of :data:`FAULT_POINTS` as it is passed; tests raise from it.
    """

    def __init__(
        self,
        tape: BarSource,
        start: int,
        warmup: int,
        defence: Defence,
        desk: Desk,
        venue: PaperVenue | RemoteVenue,
        sink: JournalSink,
        on_level: Callable[[LevelChanged], None] | None = None,
        fault: Callable[[str], None] | None = None,
    ) -> None:
        self.tape = tape
        self.start = start
        self.cursor = warmup
        self.defence = defence
        self.desk = desk
        self.venue = venue
        self.sink = sink
        self.urgent: Command | None = None
        self.taken: set[str] = set()
        self.next_stored: Callable[[], Record | None] | None = None
        self._unsent: IntArray = _NONE
        self._behind: tuple[ScreenedBlock, int, int] | None = None
        self.on_level = on_level
        self.on_quiet: Callable[[ObservedBlock, int, QuietStretch], None] | None = None
        """Told of stretches of quiet bars, with the block and the position they begin at; None has them one by one."""
        self.stretches: Stretches | None = None
        """Takes in ordinary bars many at once, where the policy can look ahead; None has the desk take every bar in."""
        self.shared: SharedMarket | None = None
        """The market side of the tape, worked out before for many desks; None lets this desk work it out."""
        self.poll_stop: Callable[[], Command | None] | None = None
        """Asked before orders are handed over, once no stored row says what came next: the stop in the latch, if any."""
        self._fault = fault

    @property
    def paper(self) -> PaperVenue:
        """The paper venue; :class:`TypeError` for a session whose broker lives elsewhere."""
        if isinstance(self.venue, RemoteVenue):
            raise TypeError("a broker elsewhere cannot lend its books")
        return self.venue

    @property
    def ended(self) -> bool:
        """True when the tape has no more bars."""
        return self.cursor >= len(self.tape)

    def ask_urgently(self, command: Command) -> None:
        """Have a halt or kill overtake orders that wait for their commit; a kill is never replaced by a halt.

        Whoever asks looks afterwards whether the id is in :attr:`taken`, removes it there, and otherwise carries the
        command out as an ordinary step.
        """
        if self.urgent is None or command.kind >= self.urgent.kind:
            self.urgent = command

    def warm_up(self) -> None:
        """Drive the bars before the start through the same code; they warm banks and agents and trade nothing."""
        for steps in self.bars_ahead(self.start):
            for _ in steps:
                pass

    def bars_ahead(self, end: int) -> Iterator[Steps]:
        """The bars up to tape position ``end``, the market side worked out block by block ahead of the desk.

        Bit for bit as :meth:`bar` of each. Only for tapes that are known; each bar must be carried out before
        the next is asked for, and :meth:`state` is valid only after the last one.
        """
        if self.shared is not None:
            for screened, seen in self.shared.blocks_from(self.cursor, end, self.desk.needs):
                yield from self._through(screened, seen)
            if self.cursor < end:
                raise ValueError(f"the shared market ends at bar {self.cursor}, {end} was asked for")
        while self.cursor < end:
            first = self.cursor
            block = self.tape.block(first, min(end, first + self.desk.market.block_bars))
            screened = self.defence.screen_block(block)
            yield from self._through(screened, self.desk.market.observe_block(screened))

    def _through(self, screened: ScreenedBlock, seen: ObservedBlock) -> Iterator[Steps]:
        asks, index = self.desk.wakes(seen), 0
        together = self.stretches is not None and self.stretches.look_at(seen, asks)
        while index < len(asks):
            if together:
                self._catch_up()
                ended = self._stretch(index)
                index += ended.count
                if ended.where != AT_BAR:
                    yield self._finish(ended, seen.at(index, asks[index]))
                    index += 1
                    continue
                if index == len(asks):
                    return
            until = next((i for i in range(index, len(asks)) if asks[i]), len(asks))
            if until - index >= _LEAST_QUIET:
                index += self._in_bulk(screened, seen, index, until)
                for steps in self._quietly(screened, seen, index, until):
                    yield steps
                    index += 1
            if index < len(asks):
                self._pass("bar taken")
                yield self.take(screened.at(index), seen.at(index, asks[index]))
                index += 1

    def _stretch(self, index: int) -> Ended:
        return Ended(0) if self.stretches is None else self.stretches.go(index)

    def _finish(self, ended: Ended, seen: Observed) -> Steps:
        """The rest of a bar in which a stretch ended: all but its fills, or its decision."""
        if ended.fills is not None:
            self.sink.append(ended.fills)
        effects = self.desk.handle(seen) if ended.where == AFTER_FILLS else self.desk.decide_now(seen)
        yield from self._done_with(effects)

    def _in_bulk(self, screened: ScreenedBlock, seen: ObservedBlock, index: int, until: int) -> int:
        """Take in quiet bars together where somebody listens to such stretches; how many were."""
        desk = self.desk
        told = self.on_quiet
        if (
            told is None
            or self._fault is not None
            or desk.level != DeskLevel.RUNNING
            or desk.working is not None
        ):
            return 0
        if not self.venue.idle:
            return 0
        if desk.protection.on:
            return 0
        if screened.bars.seq + index < self.start:
            return 0
        totals = desk.ledger.values_over(seen.price_scaled[index:until])
        if totals is None:
            return 0
        stretch = pass_quietly(desk, seen, index, until, totals)
        count = len(stretch.rows)
        if count:
            first = index if self._behind is None else self._behind[1]
            self._behind = (screened, first, index + count)
            for row in stretch.rows:
                self.sink.append(row)
            self.cursor += count
            told(seen, index, stretch)
        if index + count == until:
            self._catch_up()
        return count

    def _quietly(
        self, screened: ScreenedBlock, seen: ObservedBlock, index: int, until: int
    ) -> Iterator[Steps]:
        """Bars at which nobody is asked, for as long as nothing rests and holdings stay what they are.

        The venue has nothing to do in them but to learn, which it does for all of them together before it is needed
        again; what is held is valued over the whole stretch at once.
        """
        if index == until:
            return
        ledger = self.desk.ledger
        held, totals = ledger.quantity, ledger.values_over(seen.price_scaled[index:until])
        for i in range(index, until):
            if ledger.quantity is not held or not self.venue.idle:
                return
            self._pass("bar taken")
            if self._behind is None:
                self._behind = (screened, i, i)
            self._behind = (screened, self._behind[1], i + 1)
            yield self._bar_done(seen.at(i, False, None if totals is None else totals[i - index]))
        self._catch_up()

    def _catch_up(self) -> None:
        """Let the venue learn from the bars that passed it by."""
        if self._behind is not None:
            block, first, end = self._behind
            self._behind = None
            self.venue.pass_by(block, first, end)

    def open(self, record: Opened) -> None:
        """Journal what this session is bound to; the first row of every journal."""
        self.sink.append(record)

    def bar(self) -> Steps:
        """The next bar of the tape: fills, features, breakers, decision, gate, orders."""
        bars = self.tape.bars(self.cursor)
        self._pass("bar taken")
        screened = self.defence.screen(bars)
        yield from self.take(screened, screened)

    def take(self, screened: ScreenedBars, event: ScreenedBars | Observed) -> Steps:
        """A bar after the defence: its fills first, then the bar as the desk takes it in."""
        self._catch_up()
        fills = self.venue.on_bars(screened)
        for event_of_venue in (self.venue.triggered, fills, self.venue.ended, self.venue.due):
            if event_of_venue is not None:
                yield from self._carry_out(self.desk.handle(event_of_venue))
        yield from self._bar_done(event)

    def _bar_done(self, event: ScreenedBars | Observed) -> Steps:
        yield from self._done_with(self.desk.handle(event))

    def _done_with(self, effects: list[Effect]) -> Steps:
        yield from self._carry_out(effects)
        self.cursor += 1
        self._pass("bar done")
        yield

    def reports(self, event: OrderUpdates | Fills | Charges) -> Steps:
        """What a broker that lives elsewhere tells on its own: an input like any other."""
        yield from self._carry_out(self.desk.handle(event))
        yield

    def end(self) -> Steps:
        """The tape ran out: say so once."""
        yield from self._carry_out(self.desk.handle(TapeEnd(self.desk.ts)))
        yield

    def command(self, command: Command) -> Steps:
        """Something a person, a breaker's cool-down or the latch asks for."""
        yield from self._carry_out(self.desk.handle(command))
        yield

    def check_account(self) -> Steps:
        """Compare the desk's account with the broker's; a step only where the answer is news."""
        told = self.venue.account()
        if told is None:
            return iter(())
        found = reconcile(own_account(self.desk, told.cash is not None), told)
        if not self.desk.reconciliation.news(found):
            return iter(())
        return self._checked(AccountChecked(self.desk.ts, found))

    def _checked(self, event: AccountChecked) -> Steps:
        yield from self._carry_out(self.desk.handle(event))
        yield

    def note(self, severity: Severity, code: str, text: str) -> Steps:
        """An alert that the shell raises about itself (a failing disk, a stalled loop)."""
        self.sink.append(self.desk.note(severity, code, text))
        yield

    def again(self, stored: Record) -> Steps:
        """The step that began with journal row ``stored``, driven once more from the same inputs."""
        if isinstance(stored, Opened):
            self.open(stored)
            return iter(())
        if isinstance(stored, Commanded):
            return self.command(as_command(stored))
        if isinstance(stored, Alerted):
            return self.note(Severity(stored.severity), stored.code, stored.text)
        if isinstance(stored, TapeEnded):
            return self.end()
        if isinstance(stored, Checked):
            return self._checked(event_of(stored))
        told = self.venue.told_by(stored) if isinstance(self.venue, RemoteVenue) else None
        return self.bar() if told is None else self.reports(told)

    def _carry_out(self, effects: list[Effect]) -> Steps:
        for effect in effects:
            if isinstance(effect, Journal):
                if self.on_level is not None and isinstance(effect.record, LevelChanged):
                    self.on_level(effect.record)
                self.sink.append(effect.record)
                self._pass("journalled")
            elif isinstance(effect, Decide):
                decision, state = self.desk.policy.decide(effect.inputs, effect.state)
                self._pass("decided")
                ready = DecisionReady(effect.inputs.ts, effect.inputs.seq, decision, state)
                yield from self._carry_out(self.desk.handle(ready))
            elif isinstance(effect, Submit):
                yield from self._submit(effect)
            elif isinstance(effect, Cancel):
                yield from self._cancel(effect)
            elif isinstance(effect, Replace):
                yield from self._replace(effect)

    def _cancel(self, effect: Cancel) -> Steps:
        unsent = np.isin(effect.number, self._unsent)
        if unsent.any():
            number = effect.number[unsent]
            event = np.full(len(number), OrderEvent.WITHHELD, dtype=np.int8)
            text = "withheld: the desk was stopped before they were sent"
            yield from self._carry_out(self.desk.handle(OrderUpdates(effect.ts, number, event, text)))
        if not unsent.all():
            self._catch_up()
            yield from self._take(self.venue.cancel(effect.ts, effect.number[~unsent]))

    def _submit(self, effect: Submit) -> Steps:
        yield
        self._pass("durable")
        urgent = None if effect.immediate else self._take_urgent()
        if urgent is not None:
            yield from self._withhold(effect, urgent)
            return
        self._catch_up()
        response = self.venue.submit(effect.approved, effect.immediate)
        self._pass("submitted")
        yield from self._take(response)

    def _replace(self, effect: Replace) -> Steps:
        yield
        urgent = self._take_urgent()
        if urgent is not None:
            number = effect.approved.batch.number
            event = np.full(len(number), OrderEvent.REPLACE_REJECTED, dtype=np.int8)
            text = "withheld: the desk was stopped before the change was sent"
            yield from self._carry_out(self.desk.handle(OrderUpdates(self.desk.ts, number, event, text)))
            yield from self._carry_out(self.desk.handle(urgent))
            return
        self._catch_up()
        yield from self._take(self.venue.replace(effect.approved))

    def _take(self, response: Response) -> Steps:
        if len(response.updates.number):
            yield from self._carry_out(self.desk.handle(response.updates))
        if response.fills is not None and len(response.fills):
            yield from self._carry_out(self.desk.handle(response.fills))

    def _take_urgent(self) -> Command | None:
        """A stop that overtakes orders not yet sent: asked for just now, next in the journal, or in the latch."""
        stored = self.next_stored() if self.next_stored is not None else None
        if stored is not None:
            command = as_command(stored) if isinstance(stored, Commanded) else None
        elif self._may_be_sent:
            command = None
        else:
            command = self.urgent
            if command is None and self.poll_stop is not None:
                command = self.poll_stop()
        if command is None or command.kind not in _URGENT:
            return None
        self.urgent = None
        self.taken.add(command.id)
        return command

    @property
    def _may_be_sent(self) -> bool:
        """Whether the journal ends with orders of which nobody here knows whether a broker elsewhere has them."""
        return self.next_stored is not None and isinstance(self.venue, RemoteVenue)

    def _withhold(self, effect: Submit, command: Command) -> Steps:
        """Orders that were written but not sent are withdrawn by the stop; the broker never hears of them."""
        self._unsent = effect.approved.batch.number
        yield from self._carry_out(self.desk.handle(command))
        self._unsent = _NONE

    def _pass(self, name: str) -> None:
        if self._fault is not None:
            self._fault(name)

    def fault(self, name: str) -> None:
        """Tell the fault hook that a shell passed ``name``."""
        self._pass(name)

    def state(self) -> dict[str, Any]:
        """Everything needed to go on; only valid between bars and commands."""
        self._catch_up()
        return {
            "cursor": self.cursor,
            "defence": self.defence.state(),
            "venue": self.venue.state(),
            "desk": self.desk.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`."""
        self.cursor = state["cursor"]
        self.defence.restore(state["defence"])
        self.venue.restore(state["venue"])
        self.desk.restore(state["desk"])


def as_command(row: Commanded) -> Command:
    """The command that a journal row tells of."""
    return Command(row.ts, CommandKind(row.kind), row.id, row.argument, row.reason, row.source)
