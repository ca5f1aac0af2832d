"""Labelled figures in lines: header, P&L, notes under the limits, alerts. No Textual, no arithmetic on money."""

from __future__ import annotations

from tuiconsole.protocol.snapshot import Snapshot
from tuiconsole.ui.cells import Cell, Field, cell, sign_tone
from tuiconsole.ui.format import age, plain, quality_flag

LEVEL_MARKS = {"running": "●", "paused": "‖", "halted": "■", "killed": "✖"}
ALERT_TONES = {"info": "plain", "warning": "warn", "critical": "critical"}
NEAR_LIMIT = 0.75
OLD_AFTER_S = 5.0
_VOLATILITY = "volatility_"
_SHORT_REGIMES = {"medium": "mid"}


def drawdown_tone(drawdown: float, limit: float) -> str:
    """``critical`` beyond the limit, ``warn`` from three quarters of it, else ``plain``."""
    if limit > 0 and drawdown >= limit:
        return "critical"
    return "warn" if drawdown >= NEAR_LIMIT * limit > 0 else "plain"


def aged(data_age_s: float, waited_s: float, *, live: bool = False, stale: bool = False) -> Cell:
    """Age of the data: what the engine said, and the time since it said so once that is a second or more.

    On a live market the engine says when data is ``stale``; elsewhere silence of some seconds is.
    """
    old = stale if live else waited_s >= OLD_AFTER_S
    made = cell("header.data_age_s", data_age_s, "age", "warn" if live and old else "plain")
    if waited_s < 1:
        return made
    return Cell(age(data_age_s + waited_s), "warn" if old else "plain", made.path, made.form)


def header_fields(snapshot: Snapshot, waited_s: float = 0.0) -> tuple[Field, ...]:
    """The figures of the header's second line, most important first.

    ``waited_s`` are the seconds since the snapshot came.
    """
    h = snapshot.header
    fell = drawdown_tone(h.drawdown, h.drawdown_limit)
    # at the end of the tape no data comes any more: its age would say nothing
    age = (
        ()
        if h.tape_ended
        else (Field("data", aged(h.data_age_s, waited_s, live=bool(h.market), stale=h.data_stale), 1),)
    )
    return (
        Field("equity", cell("header.equity", h.equity, "money", "strong")),
        Field(
            "day",
            cell("header.day_return", h.day_return, "percent2_signed", sign_tone(h.day_return)),
            0,
            " %",
        ),
        Field("", cell("header.day_pnl", h.day_pnl, "money_signed", sign_tone(h.day_pnl)), 3),
        Field("DD", cell("header.drawdown", h.drawdown, "percent1", fell)),
        Field("", cell("header.drawdown_limit", h.drawdown_limit, "percent1"), 0, " %", glue="/"),
        *age,
        Field("p99", cell("header.cycle_p99_ms", h.cycle_p99_ms, "milliseconds"), 2),
        Field("gross", cell("header.gross", h.gross, "percent0"), 4, " %"),
        Field("net", cell("header.net", h.net, "percent0"), 6, " %"),
        Field("cash", cell("header.cash", h.cash, "money"), 5),
        Field("regime", cell("header.regime", h.regime, "word"), 4),
    )


def title_fields(snapshot: Snapshot) -> tuple[Field, ...]:
    """Feed, event time and pace: the header's first line after the mode."""
    h = snapshot.header
    pace: tuple[Field, ...] = ()
    if h.mode == "replay":
        told = cell("header.pace", h.pace, "pace", "dim") if h.pace else None
        pace = (Field("", told or cell("header.speed", h.speed, "speed", "dim"), 2),)
    market = (Field("", cell("header.market", h.market, "plain"), 1),) if h.market else ()
    bars = (
        Field("bar", cell("header.bar", h.bar, "number", "dim"), 3),
        Field("", cell("header.bars_total", h.bars_total, "number", "dim"), 3, glue="/"),
    )
    return (
        Field("", cell("header.clock", h.clock, "clock", "strong")),
        Field("", cell("header.feed", h.feed, "plain"), 1),
        *market,
        *pace,
        *(bars if h.bars_total else ()),
    )


def level_text(snapshot: Snapshot) -> str:
    """Mark and word of the desk's level, e.g. ``■ HALTED``."""
    level = snapshot.header.level
    return f"{LEVEL_MARKS.get(level, '?')} {plain(level).upper()}"


def _regime(snapshot: Snapshot) -> tuple[Field, ...]:
    """Chances of the regimes in two groups, volatility and the rest: ``vol low 3 · mid 94 · high 3 %``."""
    fields: list[Field] = []
    told = list(enumerate(snapshot.risk.regime))
    for group in (True, False):
        members = [(i, name, chance) for i, (name, chance) in told if name.startswith(_VOLATILITY) is group]
        for position, (i, name, chance) in enumerate(members):
            short = plain(name).removeprefix(_VOLATILITY).replace("_", " ")
            label = _SHORT_REGIMES.get(short, short)
            if group and position == 0:
                label = f"vol {label}"
            unit = " %" if position == len(members) - 1 else ""
            made = cell(f"risk.regime[{i}][1]", chance, "percent0")
            fields.append(Field(label, made, 0, unit, glue=" · " if position else ""))
    return tuple(fields)


_DIFFERENCES = 3
"""Differences with the broker that the risk panel shows; the dialog and the verb show all."""


def risk_notes(snapshot: Snapshot) -> tuple[tuple[Field, ...], ...]:
    """Lines under the limits: what the broker says otherwise; latch, volatility and refusals; regime; blocked; last refusal."""
    r = snapshot.risk
    blocked = tuple(
        Field("blocked" if i == 0 else "", Cell(f"{plain(symbol)} {quality_flag(reason)}", "warn"), i)
        for i, (symbol, reason) in enumerate(r.blocked)
    )
    first = (
        Field("latch", cell("risk.latch", r.latch, "word", "plain" if r.latch_ok else "critical")),
        Field("σ", cell("risk.volatility_forecast", r.volatility_forecast, "percent1"), 1, " %"),
        Field("target σ", cell("risk.volatility_target", r.volatility_target, "percent1"), 2, " %"),
        Field("refused", cell("risk.refused_total", r.refused_total, "number")),
    )
    last = (
        (Field("last", cell("risk.last_refusal", r.last_refusal, "plain", "warn")),) if r.last_refusal else ()
    )
    broker = tuple(
        (Field("broker", Cell(plain(text), "critical")),) for text in snapshot.differences[:_DIFFERENCES]
    )
    return tuple(line for line in (*broker, first, _regime(snapshot), blocked, last) if line)


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
            *((Field("borrow", cell("pnl.borrow", p.borrow, "money"), 1),) if p.borrow else ()),
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


def alert_fields(snapshot: Snapshot, more: str = "") -> tuple[Field, ...]:
    """Open alerts: how many, the newest one that nobody has acknowledged, and the key ``more`` that shows them all."""
    newest = next(((i, a) for i, a in enumerate(snapshot.alerts) if not a.acknowledged), None)
    if not snapshot.alerts_open or newest is None:
        return (Field("alerts", Cell("none open", "dim")),)
    index, alert = newest
    tone = ALERT_TONES.get(alert.severity, "warn")
    at = f"alerts[{index}]"
    return (
        Field("alerts", cell("alerts_open", snapshot.alerts_open, "number", tone), 0, " open"),
        *((Field("", Cell(f"({more})", "key"), glue=" "),) if more else ()),
        Field("", cell(f"{at}.severity", alert.severity, "capital", tone), 1),
        Field("", cell(f"{at}.clock", alert.clock, "clock", "dim"), 2),
        Field("", cell(f"{at}.text", alert.text, "plain", tone)),
    )
