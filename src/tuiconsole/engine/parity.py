"""Parity: a recorded session of a live desk, driven again through the backtest shell; the decisions must be the same.

The tape's bars and the commands that people gave are the inputs; nothing else is taken from the journal. Each bar is compared,
and a bar that differs gets the first of these causes that explains it by itself:

``data``
    The tape does not hold the bar that the session saw.
``latency``
    The bars came late or not at all, so that the session held back where a backtest goes on; or an order that both sent reached
    the venue for another bar.
``fill``
    An order that both sent was filled otherwise at the same bar: at another price, size or fee.
``code``
    None of these: the program decides otherwise, or its configuration was changed.

A bar that differs only because the books had differed before is a consequence of the last cause.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from tuiconsole.domain.clock import Clock, iso
from tuiconsole.domain.codec import decode_record, encode_record
from tuiconsole.domain.errors import TapeDamaged, UsageError
from tuiconsole.domain.money import to_float
from tuiconsole.domain.records import Decided, Filled, Record
from tuiconsole.engine.backtest import OrderHash, run_backtest
from tuiconsole.engine.build import TODAY, Plan, make_session, plan_recorded
from tuiconsole.engine.launch import Launch
from tuiconsole.engine.paths import tape_path
from tuiconsole.engine.session import Session
from tuiconsole.engine.session_bars import BarByBar, SessionBar
from tuiconsole.engine.settings import Settings
from tuiconsole.market.live.recorded import RecordedTape
from tuiconsole.store.batch_journal import BatchJournal
from tuiconsole.store.readers import bars_journalled, journal_rows, opened_row

CAUSES = ("data", "latency", "fill", "code")
_DECIDING = ("engine", "policy", "defence", "regimes", "agents", "ensemble", "sizing", "risk", "execution")
_NOT_DECIDING = (
    "engine.checkpoint_bars",
    "engine.stall_ms",
    "engine.machine_code",
    "engine.slow_cycle_ms",
    "execution.learn_costs",
)


@dataclass(frozen=True, slots=True)
class Difference:
    """A bar that differs: its tape position (-1: the warm-up), its time, the cause and one sentence."""

    bar: int
    ts: int
    cause: str
    text: str


@dataclass(slots=True)
class ParityReport:
    """What came out.

    Attributes
    ----------
    bars, orders, fills
        Compared: bars of the session, orders approved in it, its executions.
    first
        The first bar that differs, or None.
    causes
        Bars that differ by themselves, by cause; ``consequences``: bars that differ only because earlier ones did.
    changed
        Settings that are no longer what the session ran with, as ``section.key``.
    unplayed
        Bars at the end of the tape that the session never played.
    """

    bars: int = 0
    orders: int = 0
    fills: int = 0
    unplayed: int = 0
    equity: float = 0.0
    backtest_equity: float = 0.0
    tape_sound: bool = True
    tape_trouble: str = ""
    changed: tuple[str, ...] = ()
    first: Difference | None = None
    causes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CAUSES, 0))
    consequences: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CAUSES, 0))

    @property
    def identical(self) -> bool:
        """Whether not a single bar differs."""
        return self.first is None


def check_parity(state: Path, launch: Launch, settings: Settings, clock: Clock) -> ParityReport:
    """Drive the recorded session of ``state`` through the backtest shell and compare.

    Parameters
    ----------
    launch
        What the session was started with.
    settings
        What to decide with now; another configuration than the session's shows as a cause.

    Raises
    ------
    UsageError
        The desk is no live one: it recorded no tape.
    """
    if launch.mode not in TODAY:
        raise UsageError(
            f"The desk of {state} plays a tape ({launch.mode}): there is no recorded session.",
            "Parity is for desks on live prices; to check this one: tuiconsole verify",
        )
    tape = RecordedTape.open(tape_path(state), checked=False)
    report = ParityReport()
    try:
        tape.check()
    except TapeDamaged as error:
        report.tape_sound, report.tape_trouble = False, str(error)
    stored = opened_row(state)
    chosen = plan_recorded(settings, tape, "backtest")
    was = plan_recorded(launch.settings, tape, launch.mode)
    report.changed = _changed(was.settings, chosen.settings)
    bars, report.equity = bars_journalled(state)
    comparison = _Comparison(report, _recorded(state), tape.header.start + bars)
    if was.opened.tape != stored.tape:
        text = "The bars of the warm-up are not those that the session began with."
        comparison.differs(Difference(-1, tape.bars(0).ts if len(tape) else 0, "data", text))
    _drive(chosen, comparison, clock)
    return report


def _drive(chosen: Plan, comparison: _Comparison, clock: Clock) -> None:
    report = comparison.report
    sink = OrderHash(_Traced(comparison.replayed))
    session = make_session(chosen, sink)
    session.open(chosen.opened)
    session.warm_up()
    comparison.begin(session)
    end = comparison.end
    report.unplayed = max(0, len(session.tape) - end)
    try:
        result = run_backtest(session, sink, clock, 0, end, after_bar=lambda: comparison.after_bar(session))
        report.backtest_equity = result.final_equity
    except TapeDamaged as error:  # a frame that cannot even be read: nothing can be driven beyond it
        comparison.differs(Difference(session.cursor, session.desk.ts, "data", str(error)))
        report.backtest_equity = to_float(session.desk.ledger.equity)
    comparison.finish()


class _Traced(BatchJournal):
    """A batch journal that also groups its records by bar."""

    def __init__(self, bars: BarByBar) -> None:
        super().__init__(None)
        self._bars = bars

    def append(self, record: Record) -> None:
        """Journal and group ``record``."""
        self._bars.push(record)
        super().append(record)


class _Comparison:
    """Walks the recorded bars beside the replayed ones, gives the commands, and finds the causes."""

    def __init__(self, report: ParityReport, recorded: Iterator[SessionBar], end: int) -> None:
        self.report = report
        self.replayed = BarByBar()
        self.end = end
        self._recorded = recorded
        self._now = SessionBar()
        self._orders: dict[int, tuple[int, int]] = {}
        self._cause = ""

    def begin(self, session: Session) -> None:
        """What was asked for before the first bar."""
        self._now = next(self._recorded)
        self._give(session)
        self._now = next(self._recorded, SessionBar())

    def after_bar(self, session: Session) -> None:
        """The replayed desk has finished the bar that :attr:`_now` recorded."""
        self._give(session)
        self._compare(self._now, self.replayed.current)
        self._now = next(self._recorded, SessionBar())

    def finish(self) -> None:
        """Bars that the session saw and the tape no longer holds."""
        missing = [bar for bar in (self._now, *self._recorded) if bar.seq >= 0]
        for bar in missing:
            self.report.bars += 1
            self.differs(Difference(bar.seq, bar.ts, "data", "The tape does not hold this bar any more."))

    def _give(self, session: Session) -> None:
        for command in self._now.commands:
            for _ in session.command(command):
                pass

    def _compare(self, then: SessionBar, now: SessionBar) -> None:
        report = self.report
        report.bars += 1
        report.orders += sum(int(np.count_nonzero(record.number)) for record in then.decided)
        report.fills += sum(len(record.number) for record in then.fills)
        filled = _filled_otherwise(then.fills, now.fills, self._orders)
        self._remember(then.decided, now.decided)
        decided = _encoded(then.decided) != _encoded(now.decided)
        if (then.ts, then.digest) != (now.ts, now.digest):
            self.differs(
                Difference(then.seq, then.ts, "data", "The tape holds another bar than the session saw.")
            )
        elif decided and then.held:
            text = f"The session held back: its bars came late. {_orders_text(then, now)}"
            self.differs(Difference(then.seq, then.ts, "latency", text))
        elif filled and self._cause != "data":
            self.differs(Difference(then.seq, then.ts, *filled))
        elif decided or _encoded(then.fills) != _encoded(now.fills):
            if self._cause:
                report.consequences[self._cause] += 1
            else:
                text = f"Same inputs, another decision. {_orders_text(then, now)}"
                self.differs(Difference(then.seq, then.ts, "code", text))

    def differs(self, difference: Difference) -> None:
        """A bar that differs by itself."""
        self._cause = difference.cause
        self.report.causes[difference.cause] += 1
        if self.report.first is None:
            self.report.first = difference

    def _remember(self, then: list[Decided], now: list[Decided]) -> None:
        """Orders that both sent, by number."""
        sent = _sent(now)
        self._orders.update({n: order for n, order in _sent(then).items() if sent.get(n) == order})


def _recorded(state: Path) -> Iterator[SessionBar]:
    bars = BarByBar()
    for _, payload in journal_rows(state):
        finished = bars.push(decode_record(payload))
        if finished is not None:
            yield finished
    yield bars.current


def _sent(records: list[Decided]) -> dict[int, tuple[int, int]]:
    """Column and quantity of each approved order, by its number."""
    return {
        int(number): (int(record.columns[k]), int(record.quantity[k]))
        for record in records
        for k, number in enumerate(record.number)
        if number
    }


def _executions(
    records: list[Filled], orders: dict[int, tuple[int, int]]
) -> dict[int, list[tuple[int, ...]]]:
    """Quantity, price and fee of each execution of ``orders``, by order."""
    found: dict[int, list[tuple[int, ...]]] = {}
    for record in records:
        for k, number in enumerate(record.number.tolist()):
            if number in orders:
                row = (int(record.quantity[k]), int(record.price[k]), int(record.fee[k]))
                found.setdefault(number, []).append(row)
    return found


def _filled_otherwise(
    then: list[Filled], now: list[Filled], orders: dict[int, tuple[int, int]]
) -> tuple[str, str] | None:
    """Cause and sentence of the first order that both sent and that was filled otherwise; None when there is none."""
    before, after = _executions(then, orders), _executions(now, orders)
    for number in sorted(before.keys() | after.keys()):
        was, became = before.get(number), after.get(number)
        if was is None or became is None:
            where = "session" if became is None else "backtest"
            return "latency", f"Order {number} was filled at this bar in the {where} alone."
        if was != became:
            return "fill", f"Order {number} was filled (quantity, price, fee) {was}, now {became}."
    return None


def _encoded(records: list[Decided] | list[Filled]) -> list[bytes]:
    return [encode_record(record) for record in records]


def _orders_text(then: SessionBar, now: SessionBar) -> str:
    sent, would = len(_sent(then.decided)), len(_sent(now.decided))
    return f"It sent {sent} orders, the backtest {would}."


def _changed(then: Settings, now: Settings) -> tuple[str, ...]:
    """Settings that differ, as ``section.key``, of those that change what the desk decides."""
    before, after = asdict(then), asdict(now)
    names = [(section, key) for section in _DECIDING for key in before[section]]
    different = [f"{s}.{k}" for s, k in names if before[s][k] != after[s][k]]
    return tuple(name for name in different if name not in _NOT_DECIDING)


def as_json(report: ParityReport) -> dict[str, object]:
    """The stable object of the ``parity`` verb."""
    first = report.first
    return {
        "identical": report.identical,
        "bars": report.bars,
        "orders": report.orders,
        "fills": report.fills,
        "unplayed": report.unplayed,
        "equity": report.equity,
        "backtest_equity": report.backtest_equity,
        "tape_sound": report.tape_sound,
        "tape_trouble": report.tape_trouble,
        "changed_settings": list(report.changed),
        "first": None
        if first is None
        else {"bar": first.bar, "clock": iso(first.ts), "cause": first.cause, "text": first.text},
        "causes": dict(report.causes),
        "consequences": dict(report.consequences),
    }
