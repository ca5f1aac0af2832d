"""The engine's answer to *why* as sections of lines, in the order in which the data walked. No Textual here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tuiconsole.ui.format import (
    MISSING,
    money,
    money_signed,
    percent0,
    percent1,
    percent2,
    percent2_signed,
    plain,
    price,
    quantity,
    ratio,
    ratio_signed,
)
from tuiconsole.ui.text import Line, grid, joined, labelled, line, table, wrapped
from tuiconsole.ui.units import label, moment, value

Chain = Mapping[str, Any]
INDENT = 10
_NEEDED = ("decision", "intent", "gate", "agents")
_LEVELS = ("running", "paused", "halted", "killed")
_HASH_SHOWN = 12


def explain(text: str, chain: Chain, width: int) -> list[Line]:
    """Lines of at most ``width`` cells for the answer ``text`` with its ``chain``.

    A chain of another shape (an engine of another version) is shown as the engine's own text, wrapped.
    """
    if not all(isinstance(chain.get(key), Mapping) for key in _NEEDED):
        return [made for part in text.splitlines() for made in wrapped(plain(part), width, hang=INDENT)]
    room = width - INDENT
    sections: list[tuple[str, list[Line]]] = [
        ("bar", _bar(chain, room)),
        ("prices", _pairs(chain.get("prices"), room)),
        ("features", _pairs(chain.get("features"), room)),
        ("regime", _regime(chain.get("regime"), room)),
        ("agents", _agents(chain["agents"], room)),
        ("blend", _blend(chain.get("blend"), room)),
        ("sizing", _pairs(chain.get("sizing"), room)),
        ("target", wrapped(_target(chain), room)),
        (
            "gate",
            wrapped(_gate(chain["gate"]), room, "plain" if chain["gate"].get("approved") else "critical"),
        ),
        ("intent", wrapped(_intent(chain), room)),
        ("terms", _terms(chain, room)),
        ("updates", _updates(chain.get("updates"), room)),
        ("fills", _fills(chain.get("fills"), room)),
        ("record", wrapped(_record(chain["decision"]), room, "dim")),
    ]
    lines = _title(chain, width)
    for name, body in sections:
        if body:
            lines.append(line(""))
            lines += labelled(name, body, INDENT)
    return lines


def _title(chain: Chain, width: int) -> list[Line]:
    order, decision, intent = chain.get("order"), chain["decision"], chain["intent"]
    deed = _deed(intent.get("quantity"), chain.get("symbol"))
    when = f"decided {moment(decision.get('time'))}"
    if not isinstance(order, Mapping):
        asked = f"{decision.get('seq')}:{plain(chain.get('symbol'))}"
        told = [asked, when, _counted(decision)]
        return [*wrapped(f"REFUSED, never sent: {deed}", width, "critical"), *joined(told, width, "dim")]
    average = order.get("average_price")
    state = plain(order.get("state")).replace("_", " ")
    price_paid = f" at {price(average)}" if average is not None else ""
    forced = " · FORCED at the last good price" if order.get("forced") else ""
    costs = [
        f"costs {money(order.get('cost'))}: fee {money(order.get('fee'))}, spread {money(order.get('spread_cost'))}, "
        f"impact {money(order.get('impact_cost'))}",
        *_parts(order.get("cost_parts")),
        f"realised {money_signed(order.get('realised_pnl'))}",
    ]
    return [
        *wrapped(f"{deed}: {state}{price_paid}{forced}", width, "strong"),
        *joined([f"order {plain(order.get('id'))}", when, _counted(decision)], width, "dim"),
        *joined(costs, width),
    ]


def _parts(parts: Any) -> list[str]:
    """What fee and impact consist of; parts that are nothing stay away."""
    named = parts if isinstance(parts, Mapping) else {}
    shown = [f"{plain(name).replace('_', ' ')} {money(value)}" for name, value in named.items() if value]
    return [", ".join(shown)] if shown else []


def _deed(amount: Any, symbol: Any) -> str:
    number = amount if isinstance(amount, int | float) else 0.0
    return f"{'BUY' if number > 0 else 'SELL'} {quantity(abs(number))} {plain(symbol)}"


def _counted(decision: Chain) -> str:
    return f"{decision.get('orders_approved')} of {decision.get('orders_wanted')} wanted orders approved"


def _bar(chain: Chain, width: int) -> list[Line]:
    bar = chain.get("bar")
    if not isinstance(bar, Mapping):
        return []
    level = bar.get("level")
    desk = f"desk {_LEVELS[level]}" if isinstance(level, int) and 0 <= level < len(_LEVELS) else ""
    parts = [
        f"{moment(bar.get('time'))}, bar {bar.get('seq')}",
        f"price {plain(bar.get('quality'))}",
        f"equity {money(bar.get('equity'))}",
        f"cash {money(bar.get('cash'))}",
    ]
    return joined([*parts, desk] if desk else parts, width)


def _pairs(values: Any, width: int) -> list[Line]:
    if not isinstance(values, Mapping):
        return []
    return grid([(label(name), value(name, number)) for name, number in values.items()], width)


def _regime(values: Any, width: int) -> list[Line]:
    if not isinstance(values, Mapping):
        return []
    told = [f"{label(name)} {percent0(chance)} %" for name, chance in values.items()]
    return joined(told, width)


def _agents(agents: Chain, width: int) -> list[Line]:
    rows = []
    for name, said in agents.items():
        if not said:
            continue
        mean, weight = said.get("mean"), said.get("weight")
        opinion = "no opinion" if mean is None else f"{percent2_signed(mean)} %"
        sigma = MISSING if mean is None else f"{percent2(said.get('sigma'))} %"
        used = said.get("calibrated")
        rows.append(
            (
                plain(name),
                opinion,
                sigma,
                value("horizon", said.get("horizon")),
                MISSING if weight is None else f"{percent1(weight)} %",
                ratio_signed(said.get("information_coefficient")),
                MISSING if used is None else f"{percent2_signed(used)} %",
            )
        )
    if not rows:
        return []
    return table(("agent", "expects", "± σ", "bars", "weight", "IC", "used"), rows, width)


def _blend(values: Any, width: int) -> list[Line]:
    if not isinstance(values, Mapping) or not values:
        return []
    mean, sigma, bars = (values.get(f"blend_{name}") for name in ("mean", "sigma", "horizon"))
    if mean is None or sigma is None or bars is None:
        return _pairs(values, width)
    strength = abs(mean) / sigma if sigma else math.nan
    return wrapped(
        f"expects {percent2_signed(mean)} % ± {percent2(sigma)} % over {value('horizon', bars)} bars, "
        f"which is {ratio(strength)} σ",
        width,
    )


def _target(chain: Chain) -> str:
    intent, sizing = chain["intent"], chain.get("sizing") or {}
    before, after = sizing.get("weight"), sizing.get("target_weight")
    weights = ""
    if before is not None and after is not None:
        weights = f"from {percent1(before)} % to {percent1(after)} % of equity: "
    return f"{weights}hold {quantity(intent.get('target'))}, had {quantity(intent.get('position'))}"


def _gate(gate: Chain) -> str:
    if gate.get("approved"):
        return "approved: the order passed every rule"
    measured, allowed = (_figure(gate.get(name)) for name in ("value", "limit"))
    return f"REFUSED by the rule {plain(gate.get('rule_name'))!r}: was {measured}, allowed {allowed}"


def _intent(chain: Chain) -> str:
    intent = chain["intent"]
    purpose = plain(intent.get("purpose"))
    reason = "" if purpose == "policy" else f" ({purpose})"
    verb, _, rest = _deed(intent.get("quantity"), chain.get("symbol")).partition(" ")
    return f"{verb.lower()} {rest} at about {price(intent.get('reference_price'))}{reason}"


def _terms(chain: Chain, width: int) -> list[Line]:
    """Type, prices and time in force of an order that is more than a market order, and every change of it."""
    terms = chain.get("terms")
    if not isinstance(terms, Mapping) or (
        terms.get("type") == "market" and terms.get("time_in_force") == "day"
    ):
        return []
    lines = wrapped(plain(terms.get("text")), width)
    for row in chain.get("replaces") or ():
        named = [(name, row.get(name)) for name in ("limit", "stop")]
        prices = "".join(f", {name} {price(found)}" for name, found in named if found is not None)
        said = f"{moment(row.get('time'))} changed to {quantity(row.get('quantity'))}{prices}: {plain(row.get('outcome'))}"
        lines += wrapped(f"{said} ({plain(row.get('reason'))})", width, hang=2)
    return lines


def _updates(rows: Any, width: int) -> list[Line]:
    lines: list[Line] = []
    for row in rows or ():
        said = f": {plain(row['text'])}" if row.get("text") else ""
        state = plain(row.get("state")).replace("_", " ")
        lines += wrapped(f"{moment(row.get('time'))} {plain(row.get('event'))}, {state}{said}", width, hang=2)
    return lines


def _fills(rows: Sequence[Chain] | None, width: int) -> list[Line]:
    if not rows:
        return [line("none yet", "dim")]
    made = [
        (
            moment(row.get("time")) + (" FORCED" if row.get("forced") else ""),
            quantity(row.get("quantity")),
            price(row.get("price")),
            money(row.get("fee")),
            money(row.get("spread_cost")),
            money(row.get("impact_cost")),
            money_signed(row.get("realised_pnl")),
        )
        for row in rows
    ]
    return table(("time", "qty", "price", "fee", "spread", "impact", "realised"), made, width)


def _record(decision: Chain) -> str:
    digest = plain(decision.get("journal_hash"))[:_HASH_SHOWN]
    return f"decision {decision.get('seq')} · journal row {decision.get('journal_row')} · hash {digest}…"


def _figure(number: Any) -> str:
    return f"{number:,.4g}" if isinstance(number, int | float) and math.isfinite(number) else MISSING
