"""Labelled figures in lines: header, P&L, notes under the limits, alerts. No Textual, no arithmetic on money."""

from __future__ import annotations

from tuiconsole.protocol.snapshot import Snapshot
from tuiconsole.ui.cells import Cell, Field, cell, sign_tone
from tuiconsole.ui.format import plain

LEVEL_MARKS = {"running": "●", "paused": "‖", "halted": "■", "killed": "✖"}
ALERT_TONES = {"info": "plain", "warning": "warn", "critical": "critical"}
NEAR_LIMIT = 0.75


def header_fields(snapshot: Snapshot) -> tuple[Field, ...]:
    """The figures of the header's second line, most important first."""
    h = snapshot.header
    near = h.drawdown >= NEAR_LIMIT * h.drawdown_limit > 0
    return (
        Field("equity", cell("header.equity", h.equity, "money", "strong")),
        Field(
            "day",
            cell("header.day_return", h.day_return, "percent2_signed", sign_tone(h.day_return)),
            0,
            " %",
        ),
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
