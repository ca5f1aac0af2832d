"""The backtest shell: event time, history as the source, a hashed batch journal of its own; never ``state.db``."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from tuiconsole.analytics.track import Track
from tuiconsole.domain.clock import Clock, iso
from tuiconsole.domain.events import Command, CommandKind, DeskLevel
from tuiconsole.domain.money import to_float
from tuiconsole.domain.records import AgentChanged, BarSeen, Decided, Filled, LevelChanged, Record
from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.engine.market_side import ObservedBlock
from tuiconsole.engine.order_rows import OrderRowKeeper, OrderRows
from tuiconsole.engine.recording import Recording
from tuiconsole.engine.session import Session
from tuiconsole.engine.stretch import Stretch, Stretches
from tuiconsole.risk.rules import RULE_TEXT, Rule
from tuiconsole.store.batch_journal import BatchJournal
from tuiconsole.store.stretch_rows import RowEncoder, StretchFills, StretchRows, order_list


class Booked:
    """The fills of a run, as records or as the columns of a stretch; records are made of these when they are asked for."""

    def __init__(self) -> None:
        self._parts: list[Filled | StretchFills] = []

    def add(self, fills: Filled | StretchFills) -> None:
        """Add what was filled last."""
        self._parts.append(fills)

    def records(self) -> tuple[Filled, ...]:
        """All of it as it was journalled, in order."""
        made: list[Filled] = []
        for part in self._parts:
            made.extend(part.records() if isinstance(part, StretchFills) else (part,))
        self._parts = [*made]
        return tuple(made)


@dataclass(frozen=True, slots=True)
class BacktestResult:
    """What a backtest leaves behind.

    Attributes
    ----------
    order_hash
        SHA-256 over number, symbol column, quantity and decision of every approved order, in order.
    last_tenth_orders
        Orders approved in the last tenth of the bars: a desk that died early shows here.
    fees, borrow
        Commissions, and what short positions were charged, currency units.
    halts, rearmed
        Stops by breakers, and how many of them the declared cool-down released.
    failed
        A sentence for every agent, or strategy of the user's, that failed and was switched off.
    refusals
        How many orders the gate refused, by the sentence of the rule, the most frequent first.
    track
        Equity, exposure and level, one value per traded bar.
    booked
        What was filled; see :attr:`filled`.
    levels
        Changes of level as they were journalled, in order.
    """

    journal_head: str
    order_hash: str
    symbols: int
    bars: int
    orders: int
    fills: int
    refused: int
    seconds: float
    final_equity: float
    fees: float
    borrow: float
    last_tenth_orders: int
    halts: int
    rearmed: int
    failed: tuple[str, ...]
    refusals: Mapping[str, int]
    track: Track
    booked: Booked
    levels: tuple[LevelChanged, ...]
    kept: OrderRowKeeper

    @property
    def filled(self) -> tuple[Filled, ...]:
        """Fills as they were journalled, in order."""
        return self.booked.records()

    @property
    def order_rows(self) -> OrderRows:
        """What is kept of decisions, parents and ends of orders, in order."""
        return self.kept.rows()

    @property
    def ts(self) -> IntArray:
        """int64 ``[n_bars]``, ns UTC: end of each traded bar."""
        return self.track.ts

    @property
    def equity(self) -> FloatArray:
        """float64 ``[n_bars]`` in currency units, one value per traded bar."""
        return self.track.equity

    @property
    def symbol_bars_per_s(self) -> float:
        """Symbols times traded bars per second of wall time."""
        return self.symbols * self.bars / self.seconds if self.seconds > 0 else float("nan")


class OrderHash:
    """A journal sink that passes every record on, hashes the approved orders, and keeps fills and changes of level."""

    def __init__(self, journal: BatchJournal) -> None:
        self._journal = journal
        self._encoder = RowEncoder()
        self._hash = hashlib.sha256()
        self.orders = 0
        self.halts = 0
        self.order_bars: list[int] = []
        self.failed: list[str] = []
        self.refusals: Counter[int] = Counter()
        self.booked = Booked()
        self.levels: list[LevelChanged] = []
        self.kept = OrderRowKeeper()

    @property
    def rows(self) -> int:
        """Rows journalled."""
        return self._journal.rows

    @property
    def head(self) -> bytes:
        """Head of the hash chain."""
        return self._journal.head

    def append(self, record: Record) -> None:
        """Journal ``record``; approved orders enter the order-list hash."""
        if isinstance(record, BarSeen):
            pass
        elif isinstance(record, Decided):
            self.kept.decided(record)
            if record.number.all():
                if len(record.number):
                    self._count(record)
            else:
                self.refusals.update(record.rule[record.number == 0].tolist())
                if record.number.any():
                    self._count(record)
        elif isinstance(record, Filled):
            self.booked.add(record)
        elif isinstance(record, LevelChanged):
            self.levels.append(record)
            self.halts += record.level == DeskLevel.HALTED
        elif isinstance(record, AgentChanged) and not record.enabled:
            self.failed.append(f"{iso(record.ts)[:10]}: {record.text}")
        else:
            self.kept.other(record)
        self._journal.append(record)

    def extend(self, rows: StretchRows) -> None:
        """Journal the rows of a stretch of bars, as :meth:`append` would their records."""
        self._journal.append_encoded(*self._encoder.encode(rows))
        self._hash.update(order_list(rows).data)
        self.orders += len(rows.number)
        self.kept.stretch(rows)
        self.order_bars += (rows.seq + rows.order_bars()).tolist()
        if len(rows.fill_number):
            self.booked.add(rows.fills())

    def _count(self, record: Decided) -> None:
        columns = (record.number, record.columns, record.quantity)
        if not record.number.all():
            approved = np.flatnonzero(record.number)
            columns = (record.number[approved], record.columns[approved], record.quantity[approved])
        self._hash.update(record.bar_seq.to_bytes(8, "little"))
        for column in columns:
            self._hash.update(np.ascontiguousarray(column).data)
        self.orders += len(columns[0])
        self.order_bars.append(record.bar_seq)

    def commit(self) -> None:
        """Make everything appended durable."""
        self._journal.commit()

    def close(self) -> None:
        """Finish the journal."""
        self._journal.close()

    def hexdigest(self) -> str:
        """The order-list hash so far."""
        return self._hash.hexdigest()


def run_backtest(
    session: Session,
    sink: OrderHash,
    clock: Clock,
    cool_down_bars: int,
    end: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    after_bar: Callable[[], None] | None = None,
    together: bool = False,
) -> BacktestResult:
    """Drive ``session`` from its start to ``end`` (tape index, exclusive) and measure it.

    Parameters
    ----------
    cool_down_bars
        After this many halted bars the desk is re-armed and resumed by a declared, journalled rule; 0 = never.
    progress
        Called now and then with bars done and bars in all.
    after_bar
        Called after every bar, when commands may be given.
    together
        Ordinary bars go many at once through machine code, where the policy can look ahead: the same journal, sooner.

    Raises
    ------
    UsageError
        ``together`` without Numba.
    """
    desk = session.desk
    if together:
        session.defence.use_machine_code()
        desk.market.use_machine_code()
    session.warm_up()
    stop = len(session.tape) if end is None else min(end, len(session.tape))
    total = max(0, stop - session.cursor)
    first = session.cursor
    recording = Recording(total, desk.universe)
    rearmed = 0

    def keep(seen: ObservedBlock, stretch: Stretch) -> None:
        recording.orders_too(seen, stretch)
        if progress is not None:
            progress(session.cursor - first, total)

    if after_bar is None:
        session.on_quiet = lambda seen, at, quiet: recording.stretch(seen, at, quiet, desk.ledger)
        if together:
            session.stretches = Stretches(session, sink, keep)
    began = clock.monotonic_ns()
    for i, steps in enumerate(session.bars_ahead(session.cursor + total)):
        for _ in steps:
            pass
        recording.bar(desk)
        if after_bar is not None:
            after_bar()
        if desk.level == DeskLevel.HALTED and cool_down_bars and desk.bars_at_level >= cool_down_bars:
            rearmed += 1
            _rearm(session, cool_down_bars)
        if progress is not None and i % 64 == 0:
            progress(session.cursor - first, total)
    sink.commit()
    seconds = (clock.monotonic_ns() - began) / 1e9
    sink.close()
    last_tenth = first + total - max(1, total // 10)
    return BacktestResult(
        journal_head=sink.head.hex(),
        order_hash=sink.hexdigest(),
        symbols=len(desk.universe),
        bars=total,
        orders=sink.orders,
        fills=desk.orders.fills_total,
        refused=desk.refused_total,
        seconds=seconds,
        final_equity=to_float(desk.ledger.equity),
        fees=to_float(desk.ledger.fees),
        borrow=to_float(desk.ledger.borrow),
        last_tenth_orders=sum(1 for bar in sink.order_bars if bar >= last_tenth),
        halts=sink.halts,
        rearmed=rearmed,
        failed=tuple(sink.failed),
        refusals={RULE_TEXT[Rule(rule)]: count for rule, count in sink.refusals.most_common()},
        track=recording.finish(),
        booked=sink.booked,
        levels=tuple(sink.levels),
        kept=sink.kept,
    )


def _rearm(session: Session, cool_down_bars: int) -> None:
    reason = f"declared cool-down of {cool_down_bars} bars"
    for kind in (CommandKind.REARM, CommandKind.RESUME):
        name = f"cool-down-{session.cursor}-{kind.name.lower()}"
        command = Command(session.desk.ts, kind, name, reason=reason, source="cool-down")
        for _ in session.command(command):
            pass
