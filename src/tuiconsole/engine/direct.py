"""Stopping without the engine: when it hangs, is dead or does not answer.

Fence first: raise the latch, verify and SIGKILL the engine's process, take its lock. Then recover the desk from its journal
through the ordinary start-up path, carry the stop out, verify the book, and report.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND, WallClock, iso
from tuiconsole.domain.errors import DeskError, EngineError, StoreError
from tuiconsole.domain.events import Command, CommandKind, DeskLevel
from tuiconsole.domain.money import to_float
from tuiconsole.engine.brokers import make_broker
from tuiconsole.engine.build import LIVE, PAPER, REPLAY, Plan, make_session, plan_again
from tuiconsole.engine.inquiries import Inquiries
from tuiconsole.engine.latching import STOP_LEVELS, stop_in_latch
from tuiconsole.engine.launch import Launch, launch_path, load_launch
from tuiconsole.engine.lock import STOPPER, EngineLock, process_started, wait_for_end
from tuiconsole.engine.paths import DeskPaths, tape_path
from tuiconsole.engine.recovery import recover
from tuiconsole.engine.session import Session, Steps
from tuiconsole.engine.settings import BrokerSettings, Settings
from tuiconsole.execution.brokers.alpaca import AlpacaBroker
from tuiconsole.risk.latch import Latch
from tuiconsole.store.binding import Binding
from tuiconsole.store.readers import last_status
from tuiconsole.store.recovery import CatchUp
from tuiconsole.store.state_store import StateStore

_DEATH_TIMEOUT_S = 5.0
_OTHER_STOP_TIMEOUT_S = 20.0
_TRIES = 200
_BETWEEN_TRIES_S = 0.02
_POLL_S = 0.01
_CONNECT_S, _ANSWERS_S, _MISSING_S = 5.0, 10.0, 2.0
_KILLS, _LATE_S = 3, 0.5
"""How long a stop waits for a broker elsewhere to connect, to answer, and for an order that it does not know: whoever could
have sent it is dead."""


@dataclass(frozen=True, slots=True)
class DirectReport:
    """What a direct stop did; ``text`` says what could not be done, empty when all was."""

    latched: bool
    cancelled: int
    flat: bool
    remaining: tuple[str, ...]
    fenced_pid: int
    level: str
    text: str = ""
    equity: float = 0.0
    clock: str = ""

    def as_json(self) -> dict[str, Any]:
        """The stable object of the ``kill`` verb."""
        return {
            "latched": self.latched,
            "cancelled": self.cancelled,
            "flat": self.flat,
            "remaining": list(self.remaining),
            "path": "direct",
            "fenced_pid": self.fenced_pid,
            "state": self.level,
            "equity": self.equity,
            "clock": self.clock,
            "text": self.text,
        }


def direct_stop(
    paths: DeskPaths, kind: CommandKind, trip: str, reason: str, otherwise: Settings | None = None
) -> DirectReport:
    """Pause, halt or kill the desk of ``paths`` without its engine.

    A latch that stands higher than ``kind`` is obeyed as it stands, and never lowered here.

    Parameters
    ----------
    trip
        Id of this stop, kept in latch and journal.
    otherwise
        Settings to recover the book with when what the engine was started with is not known any more; the store refuses
        settings that are not its own.

    Raises
    ------
    EngineError
        When the engine's process cannot be ended, so that it would be unsafe to go on; the latch stays raised.
    """
    if not paths.state.is_file() and not launch_path(paths.state).exists():
        raise EngineError(f"There is no desk at {paths.state}.", "Name its state file with --state.")
    latch = Latch(paths.latch)
    wanted = Command(0, kind, trip, reason=reason, source="direct")
    _raise_latch(latch, wanted)
    lock = EngineLock(paths.lock)
    fenced = _take(lock)
    try:
        return _recover_and_stop(paths, latch, _raise_latch(latch, wanted), fenced, otherwise)
    finally:
        lock.release()


def _raise_latch(latch: Latch, wanted: Command) -> Command:
    """The stop to carry out: ``wanted``, or what the latch says if that is more; the latch is at its level afterwards.

    A latch that cannot be written does not keep us from ending the engine; the report says how it stands.
    """
    said = latch.read()
    stop = wanted
    if said.level > STOP_LEVELS[wanted.kind]:
        kind = next(kind for kind, level in STOP_LEVELS.items() if level == said.level)
        stop = Command(0, kind, said.trip or wanted.id, reason=said.reason or wanted.reason, source="direct")
    if not said.readable or said.level < STOP_LEVELS[stop.kind]:
        with suppress(StoreError):
            latch.write(STOP_LEVELS[stop.kind], stop.id, stop.reason)
    return stop


def _take(lock: EngineLock) -> int:
    """Fence whoever holds ``lock`` and take it; the pid of the engine that was ended, or 0."""
    fenced = 0
    pause = threading.Event()
    for _ in range(_TRIES):
        fenced = fence(lock) or fenced
        try:
            if lock.acquire(STOPPER):
                return fenced
        except OSError as error:
            raise EngineError(
                f"No engine runs any more, but the book cannot be touched: {error.strerror}.",
                "Make the desk's directory writable, then stop it again.",
            ) from None
        pause.wait(_BETWEEN_TRIES_S)  # another stop has just taken it, or is about to give it back
    raise EngineError("Other processes keep taking the engine lock.", "The latch is raised; try again.")


def fence(lock: EngineLock) -> int:
    """SIGKILL the engine that holds ``lock`` and wait for its end; its pid, or 0 when no engine held it.

    Another direct stop is waited for: it is about to do what we came for.
    """
    holder = lock.holder()
    if holder is None:
        return 0
    if holder.role == STOPPER and wait_for_end(holder, _OTHER_STOP_TIMEOUT_S):
        return 0
    try:
        descriptor = os.pidfd_open(holder.pid)
    except ProcessLookupError:
        return 0
    try:
        if process_started(holder.pid) not in (holder.started, None):
            raise EngineError(
                f"Process {holder.pid} is not the engine that took the lock.",
                "The latch is raised; look at the process by hand.",
            )
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    finally:
        os.close(descriptor)
    if not wait_for_end(holder, _DEATH_TIMEOUT_S):
        raise EngineError(
            f"Engine process {holder.pid} does not die.", "The latch is raised; look at the machine."
        )
    return holder.pid


def _recover_and_stop(
    paths: DeskPaths, latch: Latch, command: Command, fenced: int, otherwise: Settings | None
) -> DirectReport:
    try:
        chosen, store = _open(paths, otherwise)
    except DeskError as error:
        return _not_recovered(paths, latch, command, fenced, error)
    try:
        checkpoint = store.last_checkpoint()
        catch_up = CatchUp(store, store.tail(checkpoint.seq if checkpoint else 0))
        broker = make_broker(chosen, WallClock())
        session = make_session(chosen, catch_up, broker=broker)
        session.poll_stop = lambda: stop_in_latch(session.desk, latch, DeskLevel.HALTED)
        recover(session, catch_up, checkpoint.state if checkpoint else None, chosen.opened)
        if broker is None:
            return _stop(session, store, latch, command, fenced)
        return _stop_elsewhere(broker, _Stopping(session, store, latch, command, fenced))
    except DeskError as error:
        return _not_recovered(paths, latch, command, fenced, error)
    finally:
        store.close()


def _open(paths: DeskPaths, otherwise: Settings | None) -> tuple[Plan, StateStore]:
    """The plan and store of what was last started; when that is not known, of ``otherwise``."""
    unknown = StoreError(f"{launch_path(paths.state).name} is missing.")
    try:
        launch = load_launch(paths.state)
    except StoreError as error:
        launch, unknown = None, error
    if launch is not None:
        return _open_with(paths, launch)
    if otherwise is None:
        raise unknown
    try:
        today = LIVE if otherwise.broker.live else PAPER
        mode = today if tape_path(paths.state).exists() else REPLAY
        return _open_with(paths, Launch(mode, otherwise))
    except DeskError as error:
        raise StoreError(f"{unknown.what} With the configuration at hand: {error}") from error


def _open_with(paths: DeskPaths, launch: Launch) -> tuple[Plan, StateStore]:
    chosen = plan_again(paths.state, launch.mode, launch.settings)
    return chosen, StateStore.open(paths.state, Binding.of(chosen.opened), WallClock())


def _not_recovered(
    paths: DeskPaths, latch: Latch, command: Command, fenced: int, error: DeskError
) -> DirectReport:
    """The report when the book could not be driven again: what the journal says is held and at work, all of it untouched."""
    level = STOP_LEVELS[command.kind]
    latched = latch.read().level >= level
    state = "The latch is raised" if latched else "The latch CANNOT be raised"
    try:
        book = last_status(paths.state)
    except DeskError:
        book = None
    undone = "the book could not be recovered, so nothing was cancelled or closed"
    text = f"{state} and no engine runs, but {undone}{_left(book)}: {error}"
    held = () if book is None else tuple(row["symbol"] for row in book["positions"])
    return DirectReport(
        latched=latched,
        cancelled=0,
        flat=False,
        remaining=held,
        fenced_pid=fenced,
        level=level.name.lower(),
        text=text,
        equity=0.0 if book is None else book["equity"],
        clock="" if book is None else book["clock"],
    )


def _left(book: dict[str, Any] | None) -> str:
    """What is held and at work, as far as the journal tells."""
    if book is None:
        return "; what is held cannot be read"
    held = ", ".join(f"{row['quantity']:,g} {row['symbol']}" for row in book["positions"]) or "nothing"
    return f" (the journal says that {held} is held and {book['working_orders']} orders work)"


@dataclass(frozen=True, slots=True)
class _Stopping:
    session: Session
    store: StateStore
    latch: Latch
    command: Command
    fenced: int

    def carry_out(self, steps: Steps) -> None:
        """A step, durable at every point."""
        for _ in steps:
            self.store.commit()
        self.store.commit()

    def finish(self) -> DirectReport:
        """The stop itself, at the latch and in the journal."""
        return _stop(self.session, self.store, self.latch, self.command, self.fenced)


def _stop_elsewhere(broker: AlpacaBroker, stopping: _Stopping) -> DirectReport:
    """A stop at a broker elsewhere: connect, ask what became of everything, stop, and wait for its answers, for a while.

    A broker that cannot be reached leaves everything as it is there; the report says so.
    """
    session, trouble = stopping.session, ""
    try:
        broker.open()
    except EngineError as error:
        trouble = f"The broker could not be asked: {error}"
    inquiries = Inquiries(
        session, broker, BrokerSettings(ask_every_s=0.5, missing_after_s=_MISSING_S, pause_after_s=0.0)
    )
    clock, pause = WallClock(), threading.Event()

    def listen(seconds: float, quiet: Callable[[], bool]) -> None:
        until = clock.monotonic_ns() + int(seconds * NANOSECONDS_PER_SECOND)
        while clock.monotonic_ns() < until and not trouble:
            for message in broker.drain():
                stopping.carry_out(session.reports(message))
            for steps in inquiries.at(clock.now_ns()) if broker.connected else ():
                stopping.carry_out(steps)
            if quiet():
                return
            pause.wait(_POLL_S)

    listen(_CONNECT_S, lambda: broker.account() is not None)
    report = stopping.finish()
    working = report.cancelled
    for again in range(_KILLS):  # a fill that was told after the cancels leaves something to close
        listen(_ANSWERS_S, lambda: not _works(session))
        listen(_LATE_S, lambda: False)
        if not _held(session) or _works(session) or stopping.command.kind != CommandKind.KILL:
            break
        command = replace(stopping.command, ts=session.desk.ts, id=f"{stopping.command.id}-{again + 1}")
        stopping.carry_out(session.command(command))
    stopping.store.checkpoint(session.state())
    broker.close()
    held = _held(session)
    left = (
        f"{len(session.desk.orders.working())} orders are not known to be cancelled."
        if _works(session)
        else ""
    )
    words = " ".join(filter(None, (report.text, trouble, left)))
    return replace(
        report,
        cancelled=working,
        flat=not held,
        remaining=held,
        text=words,
        equity=to_float(session.desk.ledger.equity),
    )


def _works(session: Session) -> bool:
    return bool(len(session.desk.orders.working()))


def _held(session: Session) -> tuple[str, ...]:
    desk = session.desk
    return tuple(
        desk.universe.symbols[int(i)]
        for i in np.flatnonzero(desk.ledger.quantity | session.venue.positions())
    )


def _stop(session: Session, store: StateStore, latch: Latch, command: Command, fenced: int) -> DirectReport:
    desk = session.desk
    working = len(desk.orders.working())
    before = desk.level
    timed = Command(desk.ts, command.kind, command.id, "", command.reason, command.source)
    for _ in session.command(timed):
        store.commit()
    store.commit()
    store.checkpoint(session.state())
    trouble = ""
    try:
        latch.write(desk.level, desk.kill_id or command.id, desk.level_text)
    except StoreError as error:
        trouble = str(error)
    names = _held(session)
    cancelled = working if desk.level >= DeskLevel.HALTED > before else 0
    return DirectReport(
        latched=latch.read().level >= STOP_LEVELS[command.kind],
        cancelled=cancelled,
        flat=not names,
        remaining=names,
        fenced_pid=fenced,
        level=desk.level.name.lower(),
        text=trouble,
        equity=to_float(desk.ledger.equity),
        clock=iso(desk.ts),
    )
