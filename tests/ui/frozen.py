"""Frozen snapshots: what an engine would send in the autumn of 2008, made from a seed."""

from __future__ import annotations

import math

import msgspec

from tuiconsole.domain.clock import iso
from tuiconsole.domain.rng import generator
from tuiconsole.protocol import snapshot as s

SYMBOLS = (
    "AAPL", "AMD", "BAC", "BBY", "CVX", "GE", "HD", "JNJ", "JPM", "KO",
    "LLY", "MRK", "MSFT", "PEP", "PFE", "PG", "RRC", "UNH", "WMT", "XOM",
)  # fmt: skip
AGENTS = (
    ("momentum", "Time-series momentum", 20),
    ("cross_momentum", "Cross-sectional momentum", 20),
    ("reversion", "Mean reversion", 5),
    ("breakout", "Breakout", 10),
    ("low_volatility", "Low volatility", 20),
)
NS_DAY = 86_400 * 1_000_000_000
ORDERS = 412
STALE = "price has not changed for too many bars"
START_NS = 1_221_436_800 * 1_000_000_000


def _signal(index: int, symbol: str, price: float) -> s.SignalRow:
    rng = generator(7, "signal", symbol)
    views = []
    for k, (name, _, horizon) in enumerate(AGENTS):
        none = (index + k) % 9 == 8
        mean = None if none else float(rng.normal(0, 0.012))
        views.append(s.AgentView(name, mean, None if none else 0.02, horizon))
    mean = sum(v.mean or 0.0 for v in views) / len(views)
    sigma = 0.021 + 0.001 * (index % 7)
    confidence = 0.5 * (1 + math.erf(abs(mean) / sigma / math.sqrt(2)))
    weight = max(-0.15, min(0.15, 4 * mean))
    quality = STALE if symbol == "RRC" else "good"
    return s.SignalRow(symbol, mean, sigma, 10, confidence, weight, price, quality, tuple(views))


def _position(index: int, symbol: str, price: float) -> s.PositionRow:
    rng = generator(7, "position", symbol)
    quantity = float(int(rng.integers(-40, 160)) * 5)
    average = price * float(1 + rng.normal(0, 0.06))
    pnl = quantity * (price - average)
    return s.PositionRow(
        symbol,
        quantity,
        price,
        average,
        pnl,
        pnl / abs(quantity * average) if quantity else 0.0,
        float(rng.normal(0, 320)),
        pnl * 0.2,
        quantity * price / 103_412.55,
        STALE if symbol == "RRC" else "good",
    )


def _curve(points: int = 240) -> tuple[s.EquityPoint, ...]:
    steps = generator(11, "curve").normal(0.00025, 0.006, points)
    equity, peak, out = 100_000.0, 100_000.0, []
    for index, step in enumerate(steps):
        equity *= math.exp(float(step))
        peak = max(peak, equity)
        out.append(s.EquityPoint(START_NS - (points - index) * NS_DAY, round(equity, 2), 1 - equity / peak))
    return tuple(out)


def orders(offset: int = 0, count: int = 60) -> tuple[s.OrderRow, ...]:
    """One page of the 412 orders, newest first."""
    states = (
        "NEW",
        "NEW",
        "FILLED",
        "FILLED",
        "PARTIALLY_FILLED",
        "REFUSED",
        "FILLED",
        "CANCELED",
        "REJECTED",
        "FILLED",
    )
    rows = []
    for index in range(offset, min(offset + count, ORDERS)):
        symbol, state = SYMBOLS[(index * 7) % 20], states[index % 10]
        buy = index % 3 != 1
        quantity = 5.0 * (7 + index % 11)
        price = None if state in ("NEW", "REFUSED", "REJECTED") else 20.0 + 3.17 * (index % 13)
        reason = (
            "concentration 15.4 % > 15.0 %"
            if state == "REFUSED"
            else f"{index % 37 - 9:+d} bp: {3 + index % 5}.1 to {5 + index % 9}.2 %"
        )
        rows.append(
            s.OrderRow(
                f"00ff00ff-{412 - index}",
                START_NS - index // 4 * NS_DAY,
                f"{iso(START_NS - index // 4 * NS_DAY)[:10]} {'21:00' if index > 200 else '20:00'}",
                symbol,
                "buy" if buy else "sell",
                quantity,
                quantity if state == "FILLED" else 15.0 if state == "PARTIALLY_FILLED" else 0.0,
                price,
                state,
                0.35 if price else 0.0,
                index == 13,
                reason,
            )
        )
    return tuple(rows)


def _limits() -> tuple[s.LimitRow, ...]:
    rows = (
        ("gross exposure", 0.81, 1.0, "%", "refuse"),
        ("net exposure", 0.62, 1.0, "%", "refuse"),
        ("largest name", 0.142, 0.15, "%", "refuse"),
        ("cash reserve", 0.05, 0.19, "%", "refuse"),
        ("session loss", 0.004, 0.025, "%", "pause"),
        ("session drawdown", 0.007, 0.03, "%", "halt"),
        ("month drawdown", 0.021, 0.08, "%", "halt"),
        ("peak drawdown", 0.012, 0.08, "%", "halt"),
        ("order notional", 4_210.0, 20_000.0, "USD", "refuse"),
        ("orders a minute", 12.0, 60.0, "", "refuse"),
    )
    return tuple(s.LimitRow(n, u, a, u / a, unit, u > a, action) for n, u, a, unit, action in rows)


def _agents() -> tuple[s.AgentRow, ...]:
    rows = []
    for index, (name, title, horizon) in enumerate(AGENTS):
        rng = generator(7, "agent", name)
        weights = [0.2]
        for step in rng.normal(0, 0.015, 39):
            weights.append(min(0.5, max(0.02, weights[-1] + float(step))))
        rows.append(
            s.AgentRow(
                name,
                title,
                index != 3,
                True,
                weights[-1],
                float(rng.normal(0.02, 0.03)),
                float(rng.normal(0.52, 0.02)),
                float(rng.normal(0.01, 0.02)),
                horizon,
                tuple(weights),
                "",
            )
        )
    return tuple(rows)


def _risk() -> s.Risk:
    return s.Risk(
        _limits(),
        0.143,
        0.15,
        (
            ("volatility_low", 0.02),
            ("volatility_medium", 0.21),
            ("volatility_high", 0.77),
            ("trend", 0.64),
            ("range", 0.36),
        ),
        "open",
        True,
        7,
        "AAPL concentration 15.4 % > 15.0 %",
        (("RRC", STALE),),
    )


def _alerts() -> tuple[s.AlertRow, ...]:
    return (
        s.AlertRow(
            9,
            START_NS,
            "2008-09-15",
            "warning",
            "drawdown",
            "drawdown 2.1 % above the warning of 2.0 %",
            False,
        ),
        s.AlertRow(
            8, START_NS - NS_DAY, "2008-09-12", "info", "feed", "RRC is stale; orders on it are blocked", True
        ),
    )


def _header() -> s.Header:
    return s.Header(
        mode="replay",
        feed="S&P-20 daily closes",
        ts=START_NS,
        clock="2008-09-15",
        speed=1.0,
        bar=431,
        bars_total=4035,
        tape_ended=False,
        level="running",
        level_text="",
        way_on="",
        equity=103_412.55,
        cash=19_648.38,
        day_pnl=432.1,
        day_return=0.0042,
        drawdown=0.012,
        drawdown_limit=0.08,
        gross=0.81,
        net=0.62,
        data_age_s=0.3,
        cycle_p99_ms=3.1,
        regime="high volatility",
        currency="USD",
    )


def frozen() -> s.Snapshot:
    """The snapshot of the pictures: 2008-09-15, running, one alert open."""
    prices = {symbol: float(generator(7, "price", symbol).uniform(8, 90)) for symbol in SYMBOLS}
    curve = _curve()
    pnl = s.Pnl(
        432.1, -1204.33, 980.12, 3412.55, 0.0341255, 2210.4, 1202.15, 88.35, 0.128, 0.71,
        max(point.drawdown for point in curve), curve,
    )  # fmt: skip
    return s.Snapshot(
        version=1,
        number=1,
        made_ns=START_NS,
        header=_header(),
        positions=tuple(_position(i, symbol, prices[symbol]) for i, symbol in enumerate(SYMBOLS)),
        signals=tuple(_signal(i, symbol, prices[symbol]) for i, symbol in enumerate(SYMBOLS)),
        pnl=pnl,
        risk=_risk(),
        orders=orders(),
        orders_total=ORDERS,
        orders_working=2,
        agents=_agents(),
        alerts=_alerts(),
        alerts_open=1,
        journal_rows=9120,
        journal_head="ab" * 32,
        engine_pid=4242,
        symbols_total=20,
    )


def moved(base: s.Snapshot, number: int, symbols: int = 6) -> s.Snapshot:
    """``base`` with a few prices moved, as the ``number``-th update of a busy feed."""
    rng = generator(3, "move", str(number))
    positions, signals = list(base.positions), list(base.signals)
    for index in rng.choice(len(positions), size=min(symbols, len(positions)), replace=False):
        row = positions[int(index)]
        price = row.last_price * float(1 + rng.normal(0, 0.002))
        pnl = row.quantity * (price - row.average_price)
        positions[int(index)] = msgspec.structs.replace(row, last_price=price, unrealised_pnl=pnl)
        signal = signals[int(index)]
        signals[int(index)] = msgspec.structs.replace(
            signal, mean=(signal.mean or 0) + float(rng.normal(0, 0.001))
        )
    header = msgspec.structs.replace(
        base.header,
        equity=base.header.equity + float(rng.normal(0, 30)),
        day_return=base.header.day_return + float(rng.normal(0, 0.0003)),
        data_age_s=float(rng.uniform(0, 0.9)),
        bar=base.header.bar + number,
    )
    return msgspec.structs.replace(
        base, number=number, header=header, positions=tuple(positions), signals=tuple(signals)
    )
