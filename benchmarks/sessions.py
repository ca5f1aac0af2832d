"""Sessions in this process, as the backtest shell makes them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tuiconsole.domain.clock import WallClock
from tuiconsole.domain.events import Command, CommandKind, DeskLevel
from tuiconsole.domain.policy import Policy
from tuiconsole.engine.backtest import BacktestResult, OrderHash, run_backtest
from tuiconsole.engine.build import Plan, make_session, plan
from tuiconsole.engine.recovery import recover
from tuiconsole.engine.session import Session
from tuiconsole.engine.settings import Settings
from tuiconsole.engine.stretch import Stretches
from tuiconsole.market.tape import Tape
from tuiconsole.store.batch_journal import BatchJournal
from tuiconsole.store.binding import Binding
from tuiconsole.store.recovery import CatchUp
from tuiconsole.store.state_store import StateStore
from tuiconsole.store.writer import Writer

WARMUP = 300


@dataclass(frozen=True, slots=True)
class Timed:
    """A backtest with the processor time of this process beside its wall time."""

    result: BacktestResult
    cpu_s: float

    @property
    def cpu_us_per_bar(self) -> float:
        """Microseconds of processor time per bar."""
        return 1e6 * self.cpu_s / self.result.bars

    @property
    def us_per_bar(self) -> float:
        """Wall microseconds per bar."""
        return 1e6 * self.result.seconds / self.result.bars

    @property
    def per_cpu_s(self) -> float:
        """Symbol-bars per second of processor time: what one core does when nothing else wants it."""
        return self.result.symbols * self.result.bars / self.cpu_s


class CpuClock(WallClock):
    """The processor time of this process in place of monotonic time."""

    def monotonic_ns(self) -> int:
        """Nanoseconds this process has run on a processor."""
        return time.process_time_ns()


def chosen(tape: Tape, policy: Policy | None = None, warmup: int = WARMUP) -> Plan:
    """A plan for a backtest of ``tape`` that trades after ``warmup`` bars."""
    base = Settings()
    settings = replace(base, feed=replace(base.feed, start="", warmup_bars=0))
    return replace(plan(settings, tape, "backtest", policy), start=warmup, warmup=0)


def open_session(found: Plan) -> tuple[Session, OrderHash]:
    """A session on ``found`` with a hashed journal in memory; its binding is journalled."""
    sink = OrderHash(BatchJournal(None))
    session = make_session(found, sink)
    session.open(found.opened)
    return session, sink


def backtest(tape: Tape, policy: Policy | None = None, warmup: int = WARMUP, together: bool = False) -> Timed:
    """One backtest of the five-agent desk, or of ``policy``; gate, OMS, ledger and hashed journal included.

    ``together``: ordinary bars go by machine code, which is loaded before.
    """
    found = chosen(tape, policy, warmup)
    session, sink = open_session(found)
    if together:
        session.desk.market.use_machine_code()
        Stretches(session, sink, lambda seen, stretch: None)
    session.warm_up()
    cpu = CpuClock()
    began = cpu.monotonic_ns()
    result = run_backtest(session, sink, WallClock(), found.settings.risk.cool_down_bars, together=together)
    return Timed(result, (cpu.monotonic_ns() - began) / 1e9)


def median_of(runs: list[Timed]) -> Timed:
    """The run with the median processor time."""
    return sorted(runs, key=lambda run: run.cpu_s)[len(runs) // 2]


def replay_plan(tape: Tape) -> Plan:
    """The plan that ``tuiconsole headless`` without configuration has for ``tape``."""
    return plan(Settings(), tape, "replay")


def durable_session(
    state: Path, found: Plan, fault: Callable[[str], None] | None = None
) -> tuple[Session, Writer]:
    """A session that journals to ``state`` through a writer thread, warmed up and opened, as the engine makes it."""
    store = StateStore.open(state, Binding.of(found.opened), WallClock())
    catch_up = CatchUp(store, store.tail(0))
    session = make_session(found, catch_up, fault=fault)
    recover(session, catch_up, None, found.opened)
    writer = Writer(store)
    session.sink = writer
    return session, writer


def go_on(session: Session) -> Iterator[None]:
    """Re-arm and resume the desk if a breaker has halted it; yields wherever the journal must be durable."""
    if session.desk.level < DeskLevel.HALTED:
        return
    for kind in (CommandKind.REARM, CommandKind.RESUME):
        name = f"go-on-{session.cursor}-{kind.name.lower()}"
        yield from session.command(
            Command(session.desk.ts, kind, name, reason="measuring goes on", source="benchmark")
        )
