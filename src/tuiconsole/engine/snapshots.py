"""Builds what clients see from the engine's state: snapshots and the stable status object. Reads, never changes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.clock import iso
from tuiconsole.domain.effects import Severity
from tuiconsole.domain.events import DeskLevel
from tuiconsole.domain.ids import client_order_id
from tuiconsole.domain.instruments import Instrument
from tuiconsole.domain.market import QUALITY_TEXT, Quality
from tuiconsole.domain.money import MONEY_SCALE, to_float
from tuiconsole.domain.order_terms import TimeInForce
from tuiconsole.domain.order_words import described, kind_word
from tuiconsole.domain.orders import OrderState, Purpose
from tuiconsole.domain.types import FloatArray
from tuiconsole.engine.commands import FEED, LEVEL_NAMES, WAY_ON
from tuiconsole.engine.desk import Desk
from tuiconsole.engine.health import components, worst
from tuiconsole.engine.parents import parents_now
from tuiconsole.engine.telemetry import Telemetry
from tuiconsole.execution.order_snapshot import OrderSnapshot
from tuiconsole.execution.reconciliation import sentences
from tuiconsole.protocol.frames import VERSION
from tuiconsole.protocol.snapshot import (
    AgentRow,
    AgentView,
    AlertRow,
    EquityPoint,
    Header,
    LimitRow,
    OrderRow,
    Pnl,
    PositionRow,
    Risk,
    SignalRow,
    Snapshot,
)
from tuiconsole.regimes.bank import REGIME_NAMES

if TYPE_CHECKING:
    from tuiconsole.engine.service import EngineService

CURVE_POINTS = 400
WORKING_TOLD = 100
"""Working orders that ``status`` lists at most."""
_P99 = 0.99


def number(value: float) -> float | None:
    """``value`` as a plain float, or None when it is not finite."""
    return float(value) if math.isfinite(value) else None


def build(service: EngineService, orders_offset: int, orders_count: int, alerts_count: int) -> Snapshot:
    """The snapshot of this moment, with one page of orders and the newest alerts."""
    desk = service.desk
    telemetry = Telemetry.of(desk)
    positions = _positions(desk)
    return Snapshot(
        version=VERSION,
        number=service.changes,
        made_ns=service.clock.now_ns(),
        header=_header(service),
        positions=positions,
        signals=_signals(desk, telemetry),
        pnl=_pnl(desk),
        risk=_risk(service, telemetry),
        orders=_orders(service, orders_offset, orders_count),
        orders_total=desk.orders.next_number - 1,
        orders_working=len(desk.orders.working()),
        agents=_agents(desk, telemetry),
        alerts=_alerts(desk, alerts_count),
        alerts_open=desk.alerts.open_count,
        journal_rows=service.journal_rows,
        journal_head=service.journal_head,
        engine_pid=service.pid,
        symbols_total=len(desk.universe),
        differences=tuple(sentences(desk.reconciliation.open, desk.universe)),
    )


def _header(service: EngineService) -> Header:
    desk = service.desk
    equity = desk.ledger.equity
    day = equity - desk.periods.session_start
    gross, net = _exposure(desk)
    text = desk.level_text if desk.level > DeskLevel.RUNNING else ""
    return Header(
        mode=service.mode,
        feed=_feed(service) if service.link is None else f"{_feed(service)} · {service.link.label}",
        ts=desk.ts,
        clock=iso(service.event_ns())[:16].replace("T", " "),
        speed=service.speed,
        bar=max(0, service.session.cursor - service.session.start),
        bars_total=0 if service.pacer.feed() else len(service.session.tape) - service.session.start,
        tape_ended=desk.tape_ended,
        level=LEVEL_NAMES[desk.level],
        level_text=text,
        way_on=_way_on(service),
        equity=to_float(equity),
        cash=to_float(desk.ledger.cash),
        day_pnl=to_float(day),
        day_return=day / desk.periods.session_start if desk.periods.session_start > 0 else 0.0,
        drawdown=1.0 - equity / max(desk.breakers.peak, 1),
        drawdown_limit=desk.settings.risk.drawdown,
        gross=gross,
        net=net,
        data_age_s=service.data_age_s(),
        cycle_p99_ms=_p99(service),
        regime=desk.regimes.label(),
        currency=desk.universe.instruments[0].currency.code,
        market=service.pacer.market(),
        data_stale=service.pacer.stale(),
        pace=service.pacer.pace,
    )


def _feed(service: EngineService) -> str:
    """The live feed in use, or the tape."""
    return service.pacer.feed() or service.feed


def _way_on(service: EngineService) -> str:
    if service.failed:
        return "To go on: mend the disk, stop the engine, start it again, then re-arm with a reason."
    if service.desk.level == DeskLevel.PAUSED and service.desk.level_cause == FEED:
        return "It ends by itself with the next bar in time; to go on before: resume."
    if service.desk.level == DeskLevel.PAUSED and len(service.desk.reconciliation.open):
        return "To go on: adopt or ignore what the broker says otherwise."
    return WAY_ON[service.desk.level]


def _p99(service: EngineService) -> float:
    return float(np.quantile(np.fromiter(service.cycles_ms, float), _P99)) if service.cycles_ms else 0.0


def _exposure(desk: Desk) -> tuple[float, float]:
    values = desk.ledger.market_value
    equity = max(desk.ledger.equity, 1)
    return int(np.abs(values).sum()) / equity, int(values.sum()) / equity


def _quality(desk: Desk, column: int) -> str:
    return QUALITY_TEXT[Quality(int(desk.quality[column]))]


def _positions(desk: Desk) -> tuple[PositionRow, ...]:
    ledger, universe = desk.ledger, desk.universe
    equity = max(ledger.equity, 1)
    held = np.flatnonzero(ledger.quantity)
    held = held[np.argsort(-np.abs(ledger.market_value[held]), kind="stable")]
    rows = []
    for i in held.tolist():
        cost, unrealised = int(ledger.cost[i]), int(ledger.unrealised[i])
        rows.append(
            PositionRow(
                symbol=universe.symbols[i],
                quantity=int(ledger.quantity[i]) / int(universe.quantity_scale[i]),
                last_price=float(desk.price[i]),
                average_price=float(ledger.average_price(i)),
                unrealised_pnl=to_float(unrealised),
                unrealised_return=unrealised / abs(cost) if cost else 0.0,
                realised_pnl=to_float(int(ledger.realised_by_symbol[i])),
                day_pnl=to_float(int(desk.day_pnl[i])),
                weight=int(ledger.market_value[i]) / equity,
                quality=_quality(desk, i),
            )
        )
    return tuple(rows)


def _signals(desk: Desk, telemetry: Telemetry) -> tuple[SignalRow, ...]:
    rows = []
    strength = np.nan_to_num(np.abs(telemetry.mean / telemetry.sigma), nan=-1.0)
    for i in np.argsort(-strength, kind="stable").tolist():
        mean, sigma = number(telemetry.mean[i]), number(telemetry.sigma[i])
        confidence = None
        if mean is not None and sigma:
            confidence = 0.5 * (1.0 + math.erf(abs(mean) / sigma / math.sqrt(2.0)))
        views = tuple(
            AgentView(
                name,
                number(telemetry.means[a, i]),
                number(telemetry.sigmas[a, i]),
                int(telemetry.horizons[a]),
            )
            for a, name in enumerate(telemetry.agents)
        )
        price = number(desk.price[i])
        rows.append(
            SignalRow(
                symbol=desk.universe.symbols[i],
                mean=mean,
                sigma=sigma,
                horizon_bars=telemetry.horizon_bars,
                confidence=confidence,
                target_weight=number(telemetry.target_weight[i]) or 0.0,
                last_price=0.0 if price is None else price,
                quality=_quality(desk, i),
                agents=views,
            )
        )
    return tuple(rows)


def _pnl(desk: Desk) -> Pnl:
    equity, periods, capital = desk.ledger.equity, desk.periods, desk.settings.capital
    mean, deviation = desk.curve.moments()
    year = desk.settings.bars_per_year
    ts, points = desk.curve.points()
    drawdowns: FloatArray = desk.curve.drawdowns()
    every = max(1, math.ceil(len(ts) / (CURVE_POINTS - 1)))
    keep = sorted({*range(0, len(ts), every), len(ts) - 1} - {-1})
    return Pnl(
        day=to_float(equity - periods.session_start),
        week=to_float(equity - periods.week_start),
        month=to_float(equity - periods.month_start),
        total=to_float(equity - capital),
        total_return=equity / capital - 1.0,
        realised=to_float(desk.ledger.realised),
        unrealised=to_float(desk.ledger.unrealised_total),
        fees=to_float(desk.ledger.fees),
        volatility=number(deviation * math.sqrt(year)),
        sharpe=number(mean / deviation * math.sqrt(year)) if deviation > 0 else None,
        max_drawdown=desk.curve.max_drawdown,
        curve=tuple(EquityPoint(int(ts[i]), int(points[i]) / MONEY_SCALE, float(drawdowns[i])) for i in keep),
        borrow=to_float(desk.ledger.borrow),
    )


def _risk(service: EngineService, telemetry: Telemetry) -> Risk:
    desk = service.desk
    settings = desk.settings.risk
    gross, net = _exposure(desk)
    equity = max(desk.ledger.equity, 1)
    largest = float(np.abs(desk.ledger.market_value).max(initial=0)) / equity
    rows = [
        _limit("gross exposure", gross, settings.gross_cap, "refuse"),
        _limit("net exposure", abs(net), settings.net_cap, "refuse"),
        _limit("largest name", largest, settings.name_cap, "refuse"),
        _limit("cash used", 1.0 - desk.ledger.cash / equity, 1.0 - settings.cash_reserve, "refuse"),
    ]
    rows += [_limit(name, used, allowed, action) for name, used, allowed, action in desk.breakers.limits()]
    blocked = tuple(
        (desk.universe.symbols[i], _quality(desk, i)) for i in np.flatnonzero(desk.quality).tolist()
    )
    return Risk(
        limits=tuple(rows),
        volatility_forecast=number(telemetry.volatility_forecast),
        volatility_target=telemetry.volatility_target,
        regime=tuple(zip(REGIME_NAMES, (float(p) for p in desk.regimes.probabilities), strict=True)),
        latch=LEVEL_NAMES[desk.level] if desk.level >= DeskLevel.HALTED else "open",
        latch_ok=service.latch_ok,
        refused_total=desk.refused_total,
        last_refusal=desk.last_refusal,
        blocked=blocked,
    )


def _limit(name: str, used: float, allowed: float, action: str) -> LimitRow:
    share = used / allowed if allowed > 0 else 0.0
    return LimitRow(name, used, allowed, share, "%", used >= allowed, action)


def _orders(service: EngineService, offset: int, count: int) -> tuple[OrderRow, ...]:
    desk = service.desk
    universe = desk.universe
    rows = []
    told = _reasons(desk)
    for order in desk.orders.recent(offset, count):
        scale = int(universe.quantity_scale[order.symbol])
        price = None
        if order.filled:
            price = float(abs(order.cost) / abs(order.filled) / int(universe.price_scale[order.symbol]))
        rows.append(
            OrderRow(
                id=client_order_id(service.desk_id, order.number),
                ts=order.ts,
                clock=iso(order.ts)[:16].replace("T", " "),
                symbol=universe.symbols[order.symbol],
                side="buy" if order.quantity > 0 else "sell",
                quantity=abs(order.quantity) / scale,
                filled=abs(order.filled) / scale,
                price=price,
                state=OrderState(order.state).name.lower().replace("_", " "),
                fee=to_float(order.fee),
                forced=order.forced,
                reason=_with_terms(order, universe.instruments[order.symbol], told.get(order.number, "")),
            )
        )
    return tuple(rows)


def _with_terms(order: OrderSnapshot, instrument: Instrument, reason: str) -> str:
    """What led to an order, after its terms where it is more than a market order."""
    words = described(order.terms, instrument.price_decimals, instrument.quantity_decimals)
    return "; ".join(part for part in (words, reason) if part)


def _reasons(desk: Desk) -> dict[int, str]:
    """One line per recent order: what the ensemble expected, and the weight it went from and to."""
    told: dict[int, str] = {}
    names = list(desk.policy.sheet_names)
    wanted = [names.index(row) if row in names else -1 for row in ("blend_mean", "weight", "target_weight")]
    for record in desk.recent:
        for k in np.flatnonzero(record.number).tolist():
            if record.purpose[k] == Purpose.FLATTEN:
                told[int(record.number[k])] = "kill: flatten"
            elif record.purpose[k] == Purpose.PROTECTIVE:
                told[int(record.number[k])] = "guards the position"
            elif min(wanted) >= 0:
                mean, before, after = (float(record.sheet[row, k]) for row in wanted)
                told[int(record.number[k])] = (
                    f"{mean * 1e4:+.0f} bp: {100 * before:.1f} to {100 * after:.1f} %"
                )
    return told


def _agents(desk: Desk, telemetry: Telemetry) -> tuple[AgentRow, ...]:
    failed = desk.policy_state.get("failed", {})
    return tuple(
        AgentRow(
            name=name,
            title=telemetry.titles[a],
            enabled=name not in desk.disabled,
            healthy=name not in failed,
            weight=number(telemetry.weights[a]) or 0.0,
            information_coefficient=number(telemetry.information_coefficient[a]),
            hit_rate=number(telemetry.hit_rate[a]),
            pnl=number(telemetry.pnl[a]) or 0.0,
            horizon_bars=int(telemetry.horizons[a]),
            weights=tuple(float(w[a]) for w in desk.weight_history),
            text=str(failed.get(name, "")),
        )
        for a, name in enumerate(telemetry.agents)
    )


def _alerts(desk: Desk, count: int) -> tuple[AlertRow, ...]:
    return tuple(
        AlertRow(
            number=alert.number,
            ts=alert.ts,
            clock=iso(alert.ts)[:16].replace("T", " "),
            severity=Severity(alert.severity).name.lower(),
            code=alert.code,
            text=alert.text,
            acknowledged=alert.number <= desk.alerts.acknowledged_up_to,
        )
        for alert in desk.alerts.newest(count)
    )


def _working(service: EngineService) -> list[dict[str, Any]]:
    """The newest working orders with their terms, for the ``status`` verb."""
    desk, instruments = service.desk, service.desk.universe.instruments
    rows = []
    for number in desk.orders.working().tolist()[-WORKING_TOLD:]:
        order = desk.orders.row(number)
        instrument, terms = instruments[order.symbol], order.terms
        rows.append(
            {
                "id": order.client_id(service.desk_id),
                "symbol": instrument.symbol,
                "side": "buy" if order.quantity > 0 else "sell",
                "quantity": abs(to_float(order.quantity, instrument.quantity_decimals)),
                "filled": abs(to_float(order.filled, instrument.quantity_decimals)),
                "type": kind_word(terms),
                "limit": to_float(terms.limit, instrument.price_decimals) if terms.limit else None,
                "stop": to_float(terms.stop, instrument.price_decimals) if terms.stop else None,
                "time_in_force": TimeInForce(terms.tif).name.lower(),
                "state": OrderState(order.state).name.lower().replace("_", " "),
            }
        )
    return rows


def status(service: EngineService) -> dict[str, Any]:
    """The stable object of the ``status`` verb (keys never change; more may follow)."""
    desk = service.desk
    telemetry = Telemetry.of(desk)
    parts = components(service)
    return {
        "state": LEVEL_NAMES[desk.level],
        "broker": "paper venue" if service.link is None else service.link.broker.name,
        "account": "" if service.link is None else service.link.masked,
        "mode": service.mode,
        "feed": _feed(service),
        "clock": iso(service.event_ns()),
        "equity": to_float(desk.ledger.equity),
        "cash": to_float(desk.ledger.cash),
        "positions": [
            {
                "symbol": row.symbol,
                "quantity": row.quantity,
                "average_price": row.average_price,
                "last_price": row.last_price,
                "unrealised_pnl": row.unrealised_pnl,
            }
            for row in _positions(desk)
        ],
        "working_orders": len(desk.orders.working()),
        "orders": _working(service),
        "agents": [
            {
                "name": name,
                "enabled": name not in desk.disabled,
                "weight": number(telemetry.weights[a]) or 0.0,
            }
            for a, name in enumerate(telemetry.agents)
        ],
        "engine_pid": service.pid,
        "data_age_s": round(service.data_age_s(), 3),
        "journal_rows": service.journal_rows,
        "journal_head": service.journal_head,
        "why_stopped": desk.level_text if desk.level > DeskLevel.RUNNING else "",
        "way_on": _way_on(service),
        "drawdown": 1.0 - desk.ledger.equity / max(desk.breakers.peak, 1),
        "alerts_open": desk.alerts.open_count,
        "tape_ended": desk.tape_ended,
        "speed": service.speed,
        "market": service.pacer.market(),
        "data_stale": service.pacer.stale(),
        "parents": parents_now(desk),
        "health": worst(parts),
        "components": [{"name": part.name, "state": part.state, "text": part.text} for part in parts],
    }
