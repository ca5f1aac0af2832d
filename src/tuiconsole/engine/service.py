"""The live engine: one asyncio loop that owns desk, venue and socket, one writer thread that owns ``state.db``.

The loop never waits on a disk: at every durable point of a session's step it awaits the writer. A halt or kill does not
queue behind a step: it overtakes the orders that wait for their commit, which are then withheld.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

from tuiconsole.domain import ids
from tuiconsole.domain.clock import Clock, iso
from tuiconsole.domain.effects import Severity
from tuiconsole.domain.errors import DeskError, EngineError, StoreError
from tuiconsole.domain.events import Command, CommandKind, DeskLevel
from tuiconsole.domain.money import to_float
from tuiconsole.domain.records import LevelChanged
from tuiconsole.engine import snapshots
from tuiconsole.engine.broker_link import BrokerLink
from tuiconsole.engine.commands import LEVEL_NAMES, PASSING
from tuiconsole.engine.health import slow_cycle
from tuiconsole.engine.latching import STOP_LEVELS
from tuiconsole.engine.pacing import Pacer, TapePacer
from tuiconsole.engine.paths import DeskPaths
from tuiconsole.engine.session import Session, Steps
from tuiconsole.engine.why import why
from tuiconsole.execution.reconciliation import kinds, sentences
from tuiconsole.protocol.snapshot import Snapshot
from tuiconsole.risk.latch import Latch
from tuiconsole.store.archiving import prepare_beside
from tuiconsole.store.sink import DurableSink

_CYCLES_KEPT = 512
_CLOSING_S = 1.2
"""How long the answer to a kill waits for a broker elsewhere to close what is held."""
_STALL_CHECK_S = 0.05


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command, as the desk stood right after it.

    ``text`` is one sentence, the refusal when not accepted. ``cancelled`` counts orders, ``remaining`` names what is held,
    ``equity`` is in currency units.
    """

    accepted: bool
    text: str
    cancelled: int
    level: DeskLevel
    remaining: tuple[str, ...]
    equity: float


class Watch(Protocol):
    """Looks at the tape beside the desk; what it says becomes an alert with its ``code``."""

    code: str

    def due(self, cursor: int) -> bool:
        """Whether to look after ``cursor`` bars of the tape."""
        ...

    def tell(self, cursor: int) -> str:
        """A sentence about what is new; empty when nothing is."""
        ...


class EngineService:
    """Runs a session on the wall clock until its tape ends or it is told to stop.

    Parameters
    ----------
    session, sink
        The recovered session and the sink it journals to.
    latch
        Raised as soon as a stop is asked for, before the journal says so; lowered only after it does.
    speed
        Bars per second; 0 means as fast as it goes.
    pacer
        Says when the next bar is played, instead of ``speed``.
    watches
        Look at the tape now and then, and say what the trader should know.
    link
        To a broker elsewhere; None for the paper venue.
    at_end
        Asked once when a tape has been played to its end: whether the engine leaves then.
    """

    def __init__(
        self,
        session: Session,
        sink: DurableSink,
        latch: Latch,
        clock: Clock,
        paths: DeskPaths,
        mode: str,
        feed: str,
        desk_id: str,
        speed: float,
        checkpoint_bars: int,
        stall_ms: float,
        slow_cycle_ms: float,
        pacer: Pacer | None = None,
        watches: Sequence[Watch] = (),
        at_end: Callable[[], bool] = lambda: False,
        link: BrokerLink | None = None,
    ) -> None:
        self.session = session
        self.desk = session.desk
        self.mode = mode
        self.feed = feed
        self.desk_id = desk_id
        self.paths = paths
        self.clock = clock
        self.pacer = pacer or TapePacer(speed)
        self.changes = 0
        self.failed = ""
        self.stop_reason = ""
        self.last_bar_ns = clock.monotonic_ns()
        self.cycles_ms: deque[float] = deque(maxlen=_CYCLES_KEPT)
        self._sink = sink
        self._latch = latch
        self._checkpoint_bars = checkpoint_bars
        self._since_checkpoint = 0
        self._stall_ms = stall_ms
        self.slow_cycle_ms = slow_cycle_ms
        self._turn = asyncio.Lock()
        self._archiving = asyncio.Lock()
        self._changed = asyncio.Condition()
        self._stop = asyncio.Event()
        self._wake = asyncio.Event()
        self._latch_thread = ThreadPoolExecutor(1, "latch")
        self._latch_jobs: list[Future[None]] = []
        self._level_change: LevelChanged | None = None
        self._stalled_ms = 0.0
        self._slow = False
        self._watches = watches
        self._at_end = at_end
        self.link = link
        self._fault: Exception | None = None

    # ---- running ----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Pace the tape until it ends and someone stops the engine; leaves a checkpoint behind.

        Raises whatever a step raised that is no :class:`DeskError`: half a step is no state to go on from or to keep.
        """
        tasks = [asyncio.create_task(self._watch_loop())]
        if self.link is not None:
            tasks.append(asyncio.create_task(self.link.keep(self)))
        try:
            while not self._stop.is_set():
                await self.pacer.step(self)
        finally:
            for task in tasks:
                task.cancel()
            await self._hang_up()
            await self._close()
        if self._fault is not None:
            raise self._fault

    async def rest(self, seconds: float) -> None:
        """Wait so long, or until the pace changes or the engine is to stop."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)
        if not self._stop.is_set():
            self._wake.clear()

    async def rest_until_stopped(self) -> None:
        """Nothing more is played: wait for the end."""
        await self._stop.wait()

    async def rest_at_end(self) -> None:
        """The tape was played to its end: leave, or wait until someone stops the engine."""
        if self._at_end():
            self.request_stop("the tape has ended")
        await self._stop.wait()

    async def play(self) -> None:
        """The next bar of the tape, or the end of it; durable when this returns."""
        began = self.clock.monotonic_ns()
        async with self._turn:
            if self._stop.is_set() or self.failed:
                return
            steps = self.session.end() if self.session.ended else self.session.bar()
            await self._drive(steps)
            if not self.failed:
                await self._drive(self.session.check_account())
            self._since_checkpoint += 1
            due = self._since_checkpoint >= self._checkpoint_bars
            checkpoint = await self._start_checkpoint() if due else None
        if checkpoint is not None:  # its write is long: nobody who wants to stop the desk waits for it
            await self._finish_checkpoint(checkpoint)
        self.last_bar_ns = self.clock.monotonic_ns()
        self.cycles_ms.append((self.last_bar_ns - began) / 1e6)
        slow = slow_cycle(self.cycles_ms[-1], self.slow_cycle_ms)
        if slow and not self._slow:  # one alert until a cycle is fast again
            await self.note(Severity.WARNING, "slow cycle", slow)
        self._slow = bool(slow)
        if self._stalled_ms:
            await self._report_stall()
        for watch in self._watches:
            if watch.due(self.session.cursor):
                await self._look(watch)
        await self._publish()

    async def _look(self, watch: Watch) -> None:
        """Look in another thread; what is new is journalled and shown before the next bar."""
        text = await asyncio.to_thread(watch.tell, self.session.cursor)
        if text:
            await self.note(Severity.WARNING, watch.code, text)

    async def _drive(self, steps: Steps) -> None:
        """Carry one step out; every yield is a durable point."""
        try:
            for _ in steps:
                await asyncio.wrap_future(self._sink.submit())
                await self._settle_latch()
        except DeskError as error:
            await self.fail(error)
        except Exception as error:  # noqa: BLE001 - kept, not swallowed: run() raises it and the engine ends
            self._fault = error
            self.failed = f"internal error ({type(error).__name__}): the engine stops."
            self.desk.level = max(self.desk.level, DeskLevel.HALTED)
            self.request_stop(self.failed)

    async def fail(self, error: DeskError) -> None:
        """Nothing is traded any more, also when nothing can be journalled: the latch is raised, the screen says so."""
        stored = isinstance(error, StoreError)
        self.failed = str(error)
        self.desk.level = max(self.desk.level, DeskLevel.HALTED)
        self.desk.level_text = f"{'The store failed' if stored else 'The desk cannot go on'}: {error}"
        working = self.desk.orders.working()
        if len(working):
            self.session.venue.cancel(self.desk.ts, working)
        try:
            await asyncio.get_running_loop().run_in_executor(
                self._latch_thread, self._latch.write, self.desk.level, ids.fresh_id(), self.desk.level_text
            )
        except StoreError as second:
            self.desk.level_text = f"{self.desk.level_text} The latch failed too: {second}"
        self.desk.note(Severity.CRITICAL, "store failed" if stored else "desk failed", self.desk.level_text)
        await self._publish()

    async def _start_checkpoint(self) -> Future[int] | None:
        """Hand the state of this moment to the writer; the caller holds the turn, so it is a moment between steps."""
        self._since_checkpoint = 0
        if self.failed:
            return None
        try:
            return self._sink.checkpoint(self.session.state())
        except StoreError as error:
            await self.fail(error)
            return None

    async def _finish_checkpoint(self, checkpoint: Future[int]) -> None:
        try:
            await asyncio.wrap_future(checkpoint)
        except StoreError as error:
            await self.fail(error)

    async def take_reports(self, link: BrokerLink) -> None:
        """Carry out what a broker elsewhere tells, and what is to be asked of it."""
        before = self.journal_rows
        async with self._turn:
            if not self.failed:
                await self._drive(chain.from_iterable(link.steps(self.clock.now_ns())))
        if self.journal_rows != before:
            await self._publish()

    async def _hang_up(self) -> None:
        """Leave a broker elsewhere, beside the loop; orders that stay open there are journalled."""
        if self.link is None:
            return
        steps = await asyncio.to_thread(self.link.leave)
        if steps is not None and not self.failed:
            async with self._turn:
                await self._drive(steps)

    async def _close(self) -> None:
        async with self._turn:
            checkpoint = await self._start_checkpoint()
            if checkpoint is not None:
                await self._finish_checkpoint(checkpoint)
        self._latch_thread.shutdown()

    def request_stop(self, reason: str) -> None:
        """Ask the engine to stop after the step in hand; positions stay as they are."""
        self.stop_reason = reason
        self._stop.set()
        self._wake.set()

    def set_speed(self, bars_per_second: float) -> None:
        """Change the pace of the replay; 0 is as fast as it goes. :class:`EngineError` for no pace, or a live market."""
        self.pacer.set_speed(bars_per_second)
        self._wake.set()
        self.changes += 1

    async def note(self, severity: Severity, code: str, text: str) -> None:
        """Journal an alert that a shell raises, and show it."""
        async with self._turn:
            if not self.failed:
                await self._drive(self.session.note(severity, code, text))
        await self._publish()

    async def publish(self) -> None:
        """Show that something changed outside the desk, e.g. that the market closed."""
        await self._publish()

    # ---- commands ---------------------------------------------------------------------------------------------------

    async def command(
        self,
        kind: CommandKind,
        argument: str = "",
        reason: str = "",
        source: str = "verb",
        command_id: str = "",
    ) -> Outcome:
        """Have the desk carry out one command; returns after it is durable."""
        if self.failed:
            raise EngineError(f"The desk is halted: {self.failed}")
        command = Command(self.desk.ts, kind, command_id or ids.fresh_id(), argument, reason, source)
        working = len(self.desk.orders.working())
        if kind in (CommandKind.HALT, CommandKind.KILL):
            self.session.ask_urgently(command)
            self._raise_latch(command)
        async with self._turn:
            taken = command.id in self.session.taken
            self.session.taken.discard(command.id)
            if self.session.urgent is command:
                self.session.urgent = None
            before = self.desk.level
            if not taken:
                await self._drive(self.session.command(command))
            answer, level = self.desk.last_answer, self.desk.level
            refused = answer is not None and answer.id == command.id and not answer.accepted
            cancelled = working if before < DeskLevel.HALTED <= level or taken else 0
            outcome = Outcome(
                accepted=not refused,
                text=answer.text if answer is not None and refused else "",
                cancelled=cancelled,
                level=level,
                remaining=tuple(
                    self.desk.universe.symbols[int(i)] for i in self.desk.ledger.quantity.nonzero()[0]
                ),
                equity=to_float(self.desk.ledger.equity),
            )
        await self._publish()
        if kind == CommandKind.KILL and self.link is not None and outcome.remaining:
            outcome = await self._closed_soon(outcome)
        if self.failed:
            raise EngineError(f"The desk is halted: {self.failed}")
        return outcome

    async def _closed_soon(self, outcome: Outcome) -> Outcome:
        """What a kill has left once a broker elsewhere had a moment to close it."""
        until = self.clock.monotonic_ns() + int(_CLOSING_S * 1e9)
        while (held := self.desk.ledger.quantity.nonzero()[0]).size and not self.failed:
            left = (until - self.clock.monotonic_ns()) / 1e9
            if left <= 0:
                break
            with suppress(TimeoutError):
                await asyncio.wait_for(self.wait_for_change(self.changes), left)
        names = tuple(self.desk.universe.symbols[int(i)] for i in held)
        return replace(outcome, remaining=names, equity=to_float(self.desk.ledger.equity))

    def _raise_latch(self, command: Command) -> None:
        level = STOP_LEVELS[command.kind]
        if level > self.desk.level:
            job = self._latch_thread.submit(self._latch.write, level, command.id, command.reason)
            self._latch_jobs.append(job)

    def on_level(self, change: LevelChanged) -> None:
        """Session hook: the latch follows once the change is durable.

        A stop that came from outside has raised it already; a breaker's is found again by whoever drives the same bar again,
        and must not stop that bar before it begins.
        """
        if change.cause in PASSING and change.level == DeskLevel.PAUSED:
            return  # ends with the next bar in time; a latch left behind by a crash would not
        self._level_change = change

    async def _settle_latch(self) -> None:
        change, self._level_change = self._level_change, None
        urgent = self.session.urgent  # a stop that waits its turn has raised the latch already
        asked = DeskLevel.RUNNING if urgent is None else STOP_LEVELS[urgent.kind]
        if change is not None and change.level >= asked:
            trip = self.desk.kill_id if change.level == DeskLevel.KILLED else ""
            self._latch_jobs.append(
                self._latch_thread.submit(self._latch.write, DeskLevel(change.level), trip, change.text)
            )
        jobs, self._latch_jobs = self._latch_jobs, []
        for job in jobs:
            await asyncio.wrap_future(job)

    # ---- telling ----------------------------------------------------------------------------------------------------

    async def _publish(self) -> None:
        self.changes += 1
        async with self._changed:
            self._changed.notify_all()

    @asynccontextmanager
    async def between_steps(self) -> AsyncIterator[None]:
        """Hold still between two steps: everything the desk then knows is durable, and may be shown."""
        async with self._turn:
            yield

    async def wait_for_change(self, seen: int) -> None:
        """Return as soon as something changed since ``seen`` (a value of :attr:`changes`)."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.changes != seen or self._stop.is_set())

    def snapshot(self, orders_offset: int, orders_count: int, alerts_count: int) -> Snapshot:
        """What a console shows, with the page of orders it asked for."""
        return snapshots.build(self, orders_offset, orders_count, alerts_count)

    def level_name(self) -> str:
        """``running``, ``paused``, ``halted`` or ``killed``."""
        return LEVEL_NAMES[self.desk.level]

    def data_age_s(self) -> float:
        """Wall seconds since the last bar: since a live one ended, or since a tape's was played."""
        age = self.pacer.age_s()
        return (self.clock.monotonic_ns() - self.last_bar_ns) / 1e9 if age is None else age

    def event_ns(self) -> int:
        """Event time of the desk in ns UTC; before the first bar, the clock's."""
        return self.desk.ts or self.clock.now_ns()

    @property
    def speed(self) -> float:
        """Bars per second of a replay; 0 means as fast as it goes, or as the market does."""
        return self.pacer.speed

    @property
    def journal_rows(self) -> int:
        """Rows in the journal."""
        return self._sink.rows

    @property
    def journal_head(self) -> str:
        """Head of the hash chain, hex."""
        return self._sink.head.hex()

    @property
    def latch_ok(self) -> bool:
        """False when the latch file cannot be read, which counts as latched."""
        return self._latch.read().readable

    def status(self) -> dict[str, Any]:
        """The stable object of the ``status`` verb."""
        return snapshots.status(self)

    def kill_report(self, outcome: Outcome) -> dict[str, Any]:
        """The stable object of the ``kill`` verb: the book as the kill left it."""
        return {
            "latched": outcome.level == DeskLevel.KILLED,
            "cancelled": outcome.cancelled,
            "flat": not outcome.remaining,
            "remaining": list(outcome.remaining),
            "path": "engine",
            "equity": outcome.equity,
            "clock": iso(self.desk.ts),
        }

    async def reconcile(self) -> dict[str, Any]:
        """Compare with the broker now: the body of the ``reconcile`` verb."""
        async with self._turn:
            await self._drive(self.session.check_account())
            open_ = self.desk.reconciliation.open
            body = {
                "agrees": not len(open_),
                "state": self.level_name(),
                "differences": [
                    {"kind": kind, "text": text}
                    for kind, text in zip(kinds(open_), sentences(open_, self.desk.universe), strict=True)
                ],
            }
        await self._publish()
        return body

    async def why(self, order: str) -> dict[str, Any]:
        """The chain behind ``order``, read beside the writer."""
        return await asyncio.to_thread(why, self.paths.state, order)

    async def copy_store(self, target: Path) -> int:
        """Copy ``state.db`` to the new file ``target`` while the desk trades; the rows durable by then."""
        if self.failed:
            raise EngineError(f"The desk is halted: {self.failed}")
        return await asyncio.wrap_future(self._sink.copy_to(target))

    async def archive(self, older_than_ns: int) -> tuple[int, int]:
        """Move rows from before ``older_than_ns`` (wall time) to the archive while the desk trades.

        They are written and read back beside the writer, which then deletes them between its commits. Returns how many rows are
        archived, and the bytes that are free in the store.
        """
        if self.failed:
            raise EngineError(f"The desk is halted: {self.failed}")
        async with self._archiving:
            target = await asyncio.to_thread(prepare_beside, self.paths.state, older_than_ns)
            return target, await asyncio.wrap_future(self._sink.forget(target))

    # ---- watching itself --------------------------------------------------------------------------------------------

    async def _watch_loop(self) -> None:
        """Notice a loop that is late; the alert is journalled after the bar in hand."""
        while True:
            began = self.clock.monotonic_ns()
            await asyncio.sleep(_STALL_CHECK_S)
            late_ms = (self.clock.monotonic_ns() - began) / 1e6 - _STALL_CHECK_S * 1e3
            if late_ms > self._stall_ms:
                self._stalled_ms = max(self._stalled_ms, late_ms)

    async def _report_stall(self) -> None:
        late, self._stalled_ms = self._stalled_ms, 0.0
        text = f"The engine's loop was late by {late:.0f} ms (more than {self._stall_ms:.0f} ms)."
        await self.note(Severity.WARNING, "loop stalled", text)

    @property
    def pid(self) -> int:
        """Process id of the engine."""
        return os.getpid()
