"""From a snapshot to what each panel shows. No Textual, no arithmetic on money: values are picked and written, not computed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from tuiconsole.protocol.snapshot import (
    AgentRow,
    AgentView,
    AlertRow,
    LimitRow,
    OrderRow,
    PositionRow,
    SignalRow,
    Snapshot,
)
from tuiconsole.ui.cells import Cell, Column, Field, Row, RowMemory, Table, cell, sign_tone
from tuiconsole.ui.format import plain

LEVEL_MARKS = {"running": "●", "paused": "‖", "halted": "■", "killed": "✖"}
GOOD_QUALITY = "good"
NEAR_LIMIT = 0.75
SPARKS = "▁▂▃▄▅▆▇█"
RISES, FALLS = "▂▄▆", "▔▀▀"
_STEPS = (0.15, 0.5)

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
    Column("flag", rank=2, left=True),
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
    Column("flag", rank=3, left=True),
)
ORDER_COLUMNS = (
    Column("time", left=True, least=10),
    Column("state", left=True, least=7),
    Column("side", left=True, least=4),
    Column("symbol", left=True, least=5),
    Column("qty", least=4),
    Column("price", rank=2, least=7),
    Column("filled", rank=4, least=4),
    Column("fee", rank=5, least=4),
    Column("id", rank=6, left=True),
    Column("why", rank=1, left=True, grow=True, least=14),
)
AGENT_COLUMNS = (
    Column("on", left=True),
    Column("agent", left=True, least=8),
    Column("w %", least=5),
    Column("IC", rank=1, least=5),
    Column("P&L", rank=1, least=8),
    Column("hit %", rank=3, least=4),
    Column("h", rank=4, least=2),
    Column("weights", rank=2, left=True, grow=True, least=6, most=40),
    Column("state", rank=2, left=True, most=30),
)
LIMIT_COLUMNS = (
    Column("limit", left=True, least=8),
    Column("used", least=4),
    Column("", rank=1, left=True, grow=True, least=4, most=40),
    Column("allowed", least=5),
    Column("then", rank=2, left=True),
)
ALERT_TONES = {"info": "plain", "warning": "warn", "critical": "critical"}
STATE_TONES = {"filled": "plain", "rejected": "warn", "refused": "warn", "unknown": "critical", "canceled": "dim"}


def header_fields(snapshot: Snapshot) -> tuple[Field, ...]:
    """The figures of the header's second line, most important first."""
    h = snapshot.header
    near = h.drawdown >= NEAR_LIMIT * h.drawdown_limit > 0
    return (
        Field("equity", cell("header.equity", h.equity, "money", "strong")),
        Field("day", cell("header.day_return", h.day_return, "percent2_signed", sign_tone(h.day_return)), 0, " %"),
        Field("", cell("header.day_pnl", h.day_pnl, "money_signed", sign_tone(h.day_pnl)), 3),
        Field("DD", cell("header.drawdown", h.drawdown, "percent1", "warn" if near else "plain")),
        Field("/", cell("header.drawdown_limit", h.drawdown_limit, "percent1"), 0, " %"),
        Field("data", cell("header.data_age_s", h.data_age_s, "age"), 1),
        Field("p99", cell("header.cycle_p99_ms", h.cycle_p99_ms, "milliseconds"), 2),
        Field("gross", cell("header.gross", h.gross, "percent0"), 4, " %"),
        Field("net", cell("header.net", h.net, "percent0"), 6, " %"),
        Field("cash", cell("header.cash", h.cash, "money"), 5),
        Field("regime", cell("header.regime", h.regime, "word"), 4),
    )


def title_fields(snapshot: Snapshot) -> tuple[Field, ...]:
    """Feed, event time and pace: the header's first line after the mode."""
    h = snapshot.header
    pace = (Field("", cell("header.speed", h.speed, "speed", "dim"), 2),) if h.mode == "replay" else ()
    bars = (
        Field("bar", cell("header.bar", h.bar, "number", "dim"), 3),
        Field("/", cell("header.bars_total", h.bars_total, "number", "dim"), 3),
    )
    return (
        Field("", cell("header.clock", h.clock, "clock", "strong")),
        Field("", cell("header.feed", h.feed, "plain"), 1),
        *pace,
        *(bars if h.bars_total else ()),
    )


def level_text(snapshot: Snapshot) -> str:
    """Mark and word of the desk's level, e.g. ``■ HALTED``."""
    level = snapshot.header.level
    return f"{LEVEL_MARKS.get(level, '?')} {plain(level).upper()}"


def _position(index: int, p: PositionRow) -> Row:
    at = f"positions[{index}]"
    good = p.quality == GOOD_QUALITY
    return Row(
        p.symbol,
        (
            cell(f"{at}.symbol", p.symbol, "plain", "strong"),
            cell(f"{at}.last_price", p.last_price, "price", "plain" if good else "warn"),
            cell(f"{at}.unrealised_pnl", p.unrealised_pnl, "money_signed", sign_tone(p.unrealised_pnl)),
            cell(f"{at}.unrealised_return", p.unrealised_return, "percent2_signed", sign_tone(p.unrealised_return)),
            cell(f"{at}.day_pnl", p.day_pnl, "money_signed", sign_tone(p.day_pnl)),
            cell(f"{at}.weight", p.weight, "percent1"),
            cell(f"{at}.quantity", p.quantity, "quantity"),
            cell(f"{at}.average_price", p.average_price, "price", "dim"),
            cell(f"{at}.realised_pnl", p.realised_pnl, "money_signed", sign_tone(p.realised_pnl)),
            Cell("") if good else cell(f"{at}.quality", p.quality, "word", "warn"),
        ),
    )


def opinion(view: AgentView) -> tuple[str, str]:
    """One agent's opinion as one mark: a bar that stands up for a rise, hangs down for a fall; ``·`` for none.

    The height is ``|mean| / sigma`` in three steps.
    """
    if view.mean is None or not view.sigma:
        return "·", "dim"
    strength = sum(abs(view.mean) / view.sigma >= step for step in _STEPS)
    return (RISES[strength], "gain") if view.mean >= 0 else (FALLS[strength], "loss")


def _signal(index: int, s: SignalRow) -> Row:
    at = f"signals[{index}]"
    good = s.quality == GOOD_QUALITY
    marks = tuple(opinion(view) for view in s.agents)
    return Row(
        s.symbol,
        (
            cell(f"{at}.symbol", s.symbol, "plain", "strong"),
            cell(f"{at}.mean", s.mean, "percent2_signed", sign_tone(s.mean)),
            cell(f"{at}.sigma", s.sigma, "percent2"),
            cell(f"{at}.confidence", s.confidence, "percent0"),
            cell(f"{at}.target_weight", s.target_weight, "percent1_signed", sign_tone(s.target_weight)),
            cell(f"{at}.horizon_bars", s.horizon_bars, "number", "dim"),
            Cell("".join(mark for mark, _ in marks), parts=marks),
            cell(f"{at}.last_price", s.last_price, "price", "dim"),
            Cell("") if good else cell(f"{at}.quality", s.quality, "word", "warn"),
        ),
    )


def _order(index: int, o: OrderRow) -> Row:
    at = f"orders[{index}]"
    state = o.state.lower()
    return Row(
        o.id,
        (
            cell(f"{at}.clock", o.clock, "clock", "dim"),
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


def sparkline(values: tuple[float, ...]) -> str:
    """Values from 0 up as small bars, the largest full.

    >>> sparkline((0.0, 0.5, 1.0))
    '▁▄█'
    """
    top = max(values, default=0.0)
    if top <= 0:
        return SPARKS[0] * len(values)
    return "".join(SPARKS[min(7, max(0, int(value / top * 7.999)))] for value in values)


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
            cell(f"{at}.pnl", a.pnl, "money_signed", sign_tone(a.pnl) if a.enabled else "dim"),
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
    allowed = cell(f"{at}.allowed", limit.allowed, form, "dim")
    bar = "bar" if tone == "plain" else tone
    return Row(
        limit.name,
        (
            cell(f"{at}.name", limit.name, "word", tone),
            used,
            Cell("", bar, f"{at}.share", "", fill=limit.share),
            Cell(allowed.text + unit, "dim", allowed.path, form),
            Cell(("!! " if limit.breached else "") + plain(limit.action), tone if limit.breached else "dim"),
        ),
    )


def risk_notes(snapshot: Snapshot) -> tuple[tuple[Field, ...], ...]:
    """Lines under the limits: volatility, regime, latch, refusals, blocked symbols."""
    r = snapshot.risk
    regime = tuple(
        Field(plain(name), cell(f"risk.regime[{i}][1]", chance, "percent0"), i // 3 * 2, " %")
        for i, (name, chance) in enumerate(r.regime)
    )
    blocked = tuple(
        Field("blocked" if i == 0 else "", Cell(f"{plain(symbol)} {plain(reason)}", "warn"), i)
        for i, (symbol, reason) in enumerate(r.blocked)
    )
    latch = Field("latch", cell("risk.latch", r.latch, "word", "plain" if r.latch_ok else "critical"))
    refused = Field("refused", cell("risk.refused_total", r.refused_total, "number"))
    last = Field("", cell("risk.last_refusal", r.last_refusal, "plain", "dim"), 1)
    volatility = (
        Field("σ forecast", cell("risk.volatility_forecast", r.volatility_forecast, "percent1"), 1, " %"),
        Field("target", cell("risk.volatility_target", r.volatility_target, "percent1"), 1, " %"),
    )
    lines = [(latch, *volatility, refused, last), regime]
    return tuple(line for line in (*lines, blocked) if line)


def pnl_fields(snapshot: Snapshot) -> tuple[tuple[Field, ...], ...]:
    """Two lines of results above the curve."""
    p = snapshot.pnl

    def signed(label: str, name: str, value: float, rank: int = 0) -> Field:
        return Field(label, cell(f"pnl.{name}", value, "money_signed", sign_tone(value)), rank)

    total = cell("pnl.total_return", p.total_return, "percent2_signed", sign_tone(p.total_return))
    return (
        (
            signed("all", "total", p.total),
            Field("", total, 1, " %"),
            signed("day", "day", p.day),
            signed("week", "week", p.week, 1),
            signed("month", "month", p.month, 2),
        ),
        (
            signed("realised", "realised", p.realised),
            signed("open", "unrealised", p.unrealised),
            Field("fees", cell("pnl.fees", p.fees, "money"), 1),
            Field("Sharpe", cell("pnl.sharpe", p.sharpe, "ratio"), 2),
            Field("vol", cell("pnl.volatility", p.volatility, "percent1"), 3, " %"),
            Field("max DD", cell("pnl.max_drawdown", p.max_drawdown, "percent1"), 2, " %"),
        ),
    )


def curve_marks(snapshot: Snapshot) -> tuple[Cell, Cell, Cell]:
    """Figures beside the curve: highest and lowest equity, and the deepest drawdown among its points."""
    points = snapshot.pnl.curve
    if not points:
        return Cell(""), Cell(""), Cell("")
    order = range(len(points))
    high = max(order, key=lambda i: points[i].equity)
    low = min(order, key=lambda i: points[i].equity)
    deep = max(order, key=lambda i: points[i].drawdown)
    return (
        cell(f"pnl.curve[{high}][1]", points[high].equity, "money", "dim"),
        cell(f"pnl.curve[{low}][1]", points[low].equity, "money", "dim"),
        cell(f"pnl.curve[{deep}][2]", points[deep].drawdown, "percent1", "loss"),
    )


def alert_fields(snapshot: Snapshot) -> tuple[Field, ...]:
    """Open alerts: how many, and the newest one that nobody has acknowledged."""
    newest = next(((i, a) for i, a in enumerate(snapshot.alerts) if not a.acknowledged), None)
    if not snapshot.alerts_open or newest is None:
        return (Field("alerts", Cell("none open", "dim")),)
    index, alert = newest
    tone = ALERT_TONES.get(alert.severity, "warn")
    at = f"alerts[{index}]"
    return (
        Field("alerts", cell("alerts_open", snapshot.alerts_open, "number", tone), 0, " open"),
        Field("", cell(f"{at}.severity", alert.severity, "capital", tone), 1),
        Field("", cell(f"{at}.clock", alert.clock, "clock", "dim"), 2),
        Field("", cell(f"{at}.text", alert.text, "plain", tone)),
    )


def _alert(index: int, alert: AlertRow) -> Row:
    at = f"alerts[{index}]"
    tone = "dim" if alert.acknowledged else ALERT_TONES.get(alert.severity, "warn")
    return Row(
        str(alert.number),
        (
            cell(f"{at}.clock", alert.clock, "clock", "dim"),
            cell(f"{at}.severity", alert.severity, "word", tone),
            cell(f"{at}.text", alert.text, "plain", tone),
            Cell("seen" if alert.acknowledged else "open", tone),
        ),
    )


class DeskView:
    """Rows of every panel of the desk, remembered between snapshots so that only changed rows are made anew."""

    def __init__(self) -> None:
        self._positions = RowMemory[PositionRow](_position)
        self._signals = RowMemory[SignalRow](_signal)
        self._orders = RowMemory[OrderRow](_order)
        self._agents = RowMemory[AgentRow](_agent)
        self._limits = RowMemory[LimitRow](_limit)
        self._alerts = RowMemory[AlertRow](_alert)

    def positions(self, snapshot: Snapshot) -> Table:
        """Holdings, in the engine's order."""
        return Table(POSITION_COLUMNS, self._positions.rows(snapshot.positions))

    def signals(self, snapshot: Snapshot) -> Table:
        """What the ensemble believes."""
        return Table(SIGNAL_COLUMNS, self._signals.rows(snapshot.signals))

    def orders(self, snapshot: Snapshot) -> Table:
        """The page of orders, newest first."""
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
