"""The snapshot: everything a console shows, computed by the engine, immutable and bounded in size."""

from __future__ import annotations

import msgspec


class Header(msgspec.Struct, frozen=True):
    """The line that answers: am I safe, am I making money.

    Attributes
    ----------
    mode
        ``replay``, ``paper``, ``live`` or ``simulation``; ``feed`` names the tape or provider.
    clock
        Event time as ISO text; ``ts`` the same in ns UTC.
    level
        ``running``, ``paused``, ``halted`` or ``killed``; ``level_text`` says why, ``way_on`` how to go on.
    day_return, drawdown
        Fractions (0.01 = 1 %); ``drawdown`` is positive below the all-time peak.
    data_age_s
        Wall seconds since the last bar: since a live one ended, or since a tape's was played.
    market
        What a live market does: ``open until 16:00`` or ``closed, opens Mon 09:30``; empty for a tape.
    data_stale
        Whether a bar of a live market that was due has not come.
    pace
        How many times faster than in the market a replay's bars follow each other; 0 = ``speed`` counts.
    cycle_p99_ms
        99th percentile of the time to handle one bar, decision and commit included.
    """

    mode: str
    feed: str
    ts: int
    clock: str
    speed: float
    bar: int
    bars_total: int
    tape_ended: bool
    level: str
    level_text: str
    way_on: str
    equity: float
    cash: float
    day_pnl: float
    day_return: float
    drawdown: float
    drawdown_limit: float
    gross: float
    net: float
    data_age_s: float
    cycle_p99_ms: float
    regime: str
    currency: str
    market: str = ""
    data_stale: bool = False
    pace: float = 0.0


class PositionRow(msgspec.Struct, frozen=True):
    """One holding; money in currency units, fractions of equity for ``weight`` and of cost for ``unrealised_return``."""

    symbol: str
    quantity: float
    last_price: float
    average_price: float
    unrealised_pnl: float
    unrealised_return: float
    realised_pnl: float
    day_pnl: float
    weight: float
    quality: str


class AgentView(msgspec.Struct, frozen=True):
    """One agent's opinion on one symbol: log-return over its own horizon; None = no opinion."""

    agent: str
    mean: float | None
    sigma: float | None
    horizon_bars: int


class SignalRow(msgspec.Struct, frozen=True):
    """What the ensemble believes of one symbol.

    ``mean`` and ``sigma`` are log-returns over ``horizon_bars``; ``confidence`` is the probability (0.5-1) that the sign
    of the mean is right under a normal law; ``target_weight`` the fraction of equity wanted.
    """

    symbol: str
    mean: float | None
    sigma: float | None
    horizon_bars: int
    confidence: float | None
    target_weight: float
    last_price: float
    quality: str
    agents: tuple[AgentView, ...]


class EquityPoint(msgspec.Struct, frozen=True, array_like=True):
    """One point of the equity curve: ns UTC, currency units, drawdown fraction."""

    ts: int
    equity: float
    drawdown: float


class Pnl(msgspec.Struct, frozen=True):
    """Profit and loss since start, and its curve (at most 400 points, evenly thinned).

    Realised and unrealised less fees and less ``borrow``, what holding shorts has cost, is the total.
    """

    day: float
    week: float
    month: float
    total: float
    total_return: float
    realised: float
    unrealised: float
    fees: float
    volatility: float | None
    sharpe: float | None
    max_drawdown: float
    curve: tuple[EquityPoint, ...]
    borrow: float = 0.0


class LimitRow(msgspec.Struct, frozen=True):
    """One limit: how much of it is used. ``unit`` is ``%`` (of fractions), ``USD`` or empty; ``share`` = used / allowed."""

    name: str
    used: float
    allowed: float
    share: float
    unit: str
    breached: bool
    action: str


class Risk(msgspec.Struct, frozen=True):
    """Limits, breakers, regime and the latch."""

    limits: tuple[LimitRow, ...]
    volatility_forecast: float | None
    volatility_target: float
    regime: tuple[tuple[str, float], ...]
    latch: str
    latch_ok: bool
    refused_total: int
    last_refusal: str
    blocked: tuple[tuple[str, str], ...]


class OrderRow(msgspec.Struct, frozen=True):
    """One order; ``id`` is what ``why`` takes, ``reason`` one line on what led to it, or why the gate refused."""

    id: str
    ts: int
    clock: str
    symbol: str
    side: str
    quantity: float
    filled: float
    price: float | None
    state: str
    fee: float
    forced: bool
    reason: str


class AgentRow(msgspec.Struct, frozen=True):
    """One agent: switch, weight in the blend, realised skill.

    ``information_coefficient`` is the exponentially weighted correlation of forecast and realised return;
    ``hit_rate`` the share of right signs; ``weights`` the recent history of ``weight`` (at most 40 points).
    """

    name: str
    title: str
    enabled: bool
    healthy: bool
    weight: float
    information_coefficient: float | None
    hit_rate: float | None
    pnl: float
    horizon_bars: int
    weights: tuple[float, ...]
    text: str


class AlertRow(msgspec.Struct, frozen=True):
    """One alert; stays until acknowledged. ``severity`` is ``info``, ``warning`` or ``critical``."""

    number: int
    ts: int
    clock: str
    severity: str
    code: str
    text: str
    acknowledged: bool


class Snapshot(msgspec.Struct, frozen=True):
    """All of it. ``orders`` and ``alerts`` hold the page asked for, newest first; totals stand beside them.

    ``differences`` says in sentences how the broker's account differs; empty when it does not, or was accepted.
    """

    version: int
    number: int
    made_ns: int
    header: Header
    positions: tuple[PositionRow, ...]
    signals: tuple[SignalRow, ...]
    pnl: Pnl
    risk: Risk
    orders: tuple[OrderRow, ...]
    orders_total: int
    orders_working: int
    agents: tuple[AgentRow, ...]
    alerts: tuple[AlertRow, ...]
    alerts_open: int
    journal_rows: int
    journal_head: str
    engine_pid: int
    symbols_total: int
    differences: tuple[str, ...] = ()
