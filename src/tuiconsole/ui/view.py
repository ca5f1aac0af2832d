"""From a snapshot to what each panel shows. No Textual, no arithmetic on money: values are picked and written, not computed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain

from tuiconsole.protocol.snapshot import (
    AgentRow,
    LimitRow,
    OrderRow,
    PositionRow,
    SignalRow,
    Snapshot,
)
from tuiconsole.ui.cells import Cell, Column, Row, RowMemory, Table, cell, sign_tone
from tuiconsole.ui.figures import (
    NEAR_LIMIT,
    alert_fields,
    curve_marks,
    header_fields,
    pnl_fields,
    risk_notes,
    title_fields,
)
from tuiconsole.ui.format import plain
from tuiconsole.ui.marks import opinion, sparkline

GOOD_QUALITY = "good"

POSITION_COLUMNS = (
    Column("symbol", left=True, least=5),
    Column("last", rank=1, least=8),
    Column("P&L", least=9),
    Column("P&L %", rank=1, least=6),
    Column("day", rank=3, least=8),
    Column("weight %", rank=2, least=5),
    Column("qty", rank=1, least=5),
    Column("average", rank=4, least=7),
    Column("realised", rank=5, least=8),
    Column("flag", left=True, optional=True),
)
SIGNAL_COLUMNS = (
    Column("symbol", left=True, least=5),
    Column("μ %", least=6),
    Column("σ %", rank=2, least=5),
    Column("conf %", rank=1, least=5),
    Column("target %", least=5),
    Column("h", rank=4, least=2),
    Column("agents", rank=1, left=True, least=5),
    Column("last", rank=5, least=7),
    Column("flag", left=True, optional=True),
)
ORDER_COLUMNS = (
    Column("time", left=True, least=5),
    Column("state", left=True, least=7),
    Column("side", left=True, least=4),
    Column("symbol", left=True, least=5),
    Column("qty", least=4),
    Column("price", rank=2, least=7),
    Column("filled", rank=4, least=4),
    Column("fee", rank=5, least=4),
    Column("id", rank=6, left=True),
    Column("why", left=True, grow=True, least=23),
)
AGENT_COLUMNS = (
    Column("on", left=True),
    Column("agent", left=True, least=8),
    Column("w %", least=5),
    Column("IC", rank=1, least=5),
    Column("P&L %", rank=1, least=6),
    Column("hit %", rank=3, least=4),
    Column("h", rank=4, least=2),
    Column("weights", rank=2, left=True, grow=True, least=6, most=40),
    Column("state", rank=2, left=True, most=30, optional=True),
)
LIMIT_COLUMNS = (
    Column("limit", left=True, least=8),
    Column("used", least=4),
    Column("", rank=1, left=True, grow=True, least=4, most=40),
    Column("allowed", least=5),
    Column("then", rank=2, left=True),
)
STATE_TONES = {
    "filled": "plain",
    "rejected": "warn",
    "refused": "warn",
    "unknown": "critical",
    "canceled": "dim",
}


def _position(index: int, p: PositionRow) -> Row:
    at = f"positions[{index}]"
    good = p.quality == GOOD_QUALITY
    return Row(
        p.symbol,
        (
            _symbol(at, p.symbol, good),
            cell(f"{at}.last_price", p.last_price, "price", "plain" if good else "warn"),
            cell(f"{at}.unrealised_pnl", p.unrealised_pnl, "money_signed", sign_tone(p.unrealised_pnl)),
            cell(
                f"{at}.unrealised_return",
                p.unrealised_return,
                "percent2_signed",
                sign_tone(p.unrealised_return),
            ),
            cell(f"{at}.day_pnl", p.day_pnl, "money_signed", sign_tone(p.day_pnl)),
            cell(f"{at}.weight", p.weight, "percent1"),
            cell(f"{at}.quantity", p.quantity, "quantity"),
            cell(f"{at}.average_price", p.average_price, "price", "dim"),
            cell(f"{at}.realised_pnl", p.realised_pnl, "money_signed", sign_tone(p.realised_pnl)),
            cell(f"{at}.quality", p.quality, "quality_flag", "warn"),
        ),
        "" if good else f"{p.symbol}: {p.quality}",
    )


def _symbol(at: str, symbol: str, good: bool) -> Cell:
    made = cell(f"{at}.symbol", symbol, "plain", "strong" if good else "warn")
    return made if good else Cell(f"{made.text} !", made.tone, made.path, made.form)


def _signal(index: int, s: SignalRow) -> Row:
    at = f"signals[{index}]"
    good = s.quality == GOOD_QUALITY
    marks = tuple(opinion(view) for view in s.agents)
    return Row(
        s.symbol,
        (
            _symbol(at, s.symbol, good),
            cell(f"{at}.mean", s.mean, "percent2_signed", sign_tone(s.mean)),
            cell(f"{at}.sigma", s.sigma, "percent2"),
            cell(f"{at}.confidence", s.confidence, "percent0"),
            cell(f"{at}.target_weight", s.target_weight, "percent1_signed", sign_tone(s.target_weight)),
            cell(f"{at}.horizon_bars", s.horizon_bars, "number", "dim"),
            Cell("".join(mark for mark, _ in marks), parts=marks),
            cell(f"{at}.last_price", s.last_price, "price", "dim" if good else "warn"),
            cell(f"{at}.quality", s.quality, "quality_flag", "warn"),
        ),
        "" if good else f"{s.symbol}: {s.quality}",
    )


def time_form(orders: Sequence[OrderRow]) -> str:
    """The shortest form that tells the times of ``orders`` apart: dates, times of one day, or month, day and time.

    >>> time_form(())
    'date'
    """
    times = {o.clock for o in orders}
    days = {clock[:10] for clock in times}
    if len(days) == len(times):
        return "date"
    return "time_of_day" if len(days) == 1 else "month_day_time"


def _order(index: int, o: OrderRow, form: str = "date") -> Row:
    at = f"orders[{index}]"
    state = o.state.lower()
    return Row(
        o.id,
        (
            cell(f"{at}.clock", o.clock, form, "dim"),
            cell(f"{at}.state", o.state, "order_state", STATE_TONES.get(state, "accent")),
            cell(f"{at}.side", o.side, "word", "gain" if o.side.lower() == "buy" else "loss"),
            cell(f"{at}.symbol", o.symbol, "plain", "strong"),
            cell(f"{at}.quantity", o.quantity, "quantity"),
            cell(f"{at}.price", o.price, "price"),
            cell(f"{at}.filled", o.filled, "quantity", "dim"),
            cell(f"{at}.fee", o.fee, "ratio", "dim"),
            cell(f"{at}.id", o.id, "plain", "dim"),
            _order_reason(at, o),
        ),
    )


def _order_reason(at: str, o: OrderRow) -> Cell:
    reason = cell(f"{at}.reason", o.reason, "plain", "warn" if o.forced else "plain")
    return Cell(f"forced: {reason.text}", "warn", reason.path, "plain") if o.forced else reason


def _agent(index: int, a: AgentRow) -> Row:
    at = f"agents[{index}]"
    live = "plain" if a.enabled else "dim"
    return Row(
        a.name,
        (
            cell(f"{at}.enabled", a.enabled, "check", "accent" if a.enabled else "dim"),
            cell(f"{at}.name", a.name, "plain", "strong" if a.enabled else "dim"),
            cell(f"{at}.weight", a.weight, "percent1", live),
            cell(f"{at}.information_coefficient", a.information_coefficient, "ratio_signed", live),
            cell(f"{at}.pnl", a.pnl, "percent1_signed", sign_tone(a.pnl) if a.enabled else "dim"),
            cell(f"{at}.hit_rate", a.hit_rate, "percent0", live),
            cell(f"{at}.horizon_bars", a.horizon_bars, "number", "dim"),
            Cell(sparkline(a.weights), "accent" if a.enabled else "dim", tail=True),
            Cell("") if a.healthy else cell(f"{at}.text", a.text or "failed", "plain", "critical"),
        ),
    )


_LIMIT_FORMS = {"%": "percent1", "USD": "money0"}


def _limit(index: int, limit: LimitRow) -> Row:
    at = f"risk.limits[{index}]"
    form = _LIMIT_FORMS.get(limit.unit, "number")
    unit = " %" if limit.unit == "%" else ""
    tone = "critical" if limit.breached else "warn" if limit.share >= NEAR_LIMIT else "plain"
    used = cell(f"{at}.used", limit.used, form, tone)
    if limit.breached:
        used = Cell(f"!! {used.text}", tone, used.path, form)
    allowed = cell(f"{at}.allowed", limit.allowed, form, "dim")
    bar = {"plain": "bar", "critical": "loss"}.get(tone, tone)
    return Row(
        limit.name,
        (
            cell(f"{at}.name", limit.name, "word", tone),
            used,
            Cell("", bar, f"{at}.share", "", fill=limit.share),
            Cell(allowed.text + unit, "dim", allowed.path, form),
            Cell(plain(limit.action), tone if limit.breached else "dim"),
        ),
    )


def orders_offset(snapshot: Snapshot) -> int:
    """How many orders are newer than the page of ``snapshot``: order numbers count from 1 and end the ids."""
    if not snapshot.orders:
        return 0
    number = snapshot.orders[0].id.rpartition("-")[2]
    return max(0, snapshot.orders_total - int(number)) if number.isdecimal() else 0


class DeskView:
    """Rows of every panel of the desk, remembered between snapshots so that only changed rows are made anew."""

    def __init__(self) -> None:
        self._positions = RowMemory[PositionRow](_position)
        self._signals = RowMemory[SignalRow](_signal)
        self._orders, self._times = RowMemory[OrderRow](_order), "date"
        self._agents = RowMemory[AgentRow](_agent)
        self._limits = RowMemory[LimitRow](_limit)

    def positions(self, snapshot: Snapshot) -> Table:
        """Holdings, in the engine's order."""
        return Table(POSITION_COLUMNS, self._positions.rows(snapshot.positions))

    def signals(self, snapshot: Snapshot) -> Table:
        """What the ensemble believes."""
        return Table(SIGNAL_COLUMNS, self._signals.rows(snapshot.signals))

    def orders(self, snapshot: Snapshot) -> Table:
        """The page of orders, newest first."""
        form = time_form(snapshot.orders)
        if form != self._times:
            self._orders, self._times = RowMemory[OrderRow](partial(_order, form=form)), form
        return Table(ORDER_COLUMNS, self._orders.rows(snapshot.orders))

    def agents(self, snapshot: Snapshot) -> Table:
        """Agents with their switches."""
        return Table(AGENT_COLUMNS, self._agents.rows(snapshot.agents))

    def risk(self, snapshot: Snapshot) -> Table:
        """Limits with bars, and the notes under them."""
        return Table(LIMIT_COLUMNS, self._limits.rows(snapshot.risk.limits), risk_notes(snapshot))


def displayed(snapshot: Snapshot) -> Iterator[Cell]:
    """Every cell that the desk can show for ``snapshot``: text, and the path and form it came from."""
    view = DeskView()
    tables = (view.positions, view.signals, view.orders, view.agents, view.risk)
    for make in tables:
        table = make(snapshot)
        yield from chain.from_iterable(row.cells for row in table.rows)
        yield from (field.cell for line in table.notes for field in line)
    lines = (header_fields(snapshot), title_fields(snapshot), alert_fields(snapshot), *pnl_fields(snapshot))
    yield from (field.cell for line in lines for field in line)
    yield from curve_marks(snapshot)
