"""The chain behind an order as a few lines for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tuiconsole.store.explain_terms import terms_lines

_WIDTH = 10


def explain_text(chain: Mapping[str, Any]) -> str:
    """``explain``'s answer, one stage a line, in the order in which the data walked."""
    decision, intent = chain["decision"], chain["intent"]
    lines = [_title(chain), ""]
    bar = chain["bar"]
    if bar is not None:
        lines.append(
            _line(
                "bar", f"{bar['time']} (#{bar['seq']}), price {bar['quality']}, equity {bar['equity']:,.2f}"
            )
        )
    for group in ("prices", "features", "regime"):
        if chain[group]:
            lines.append(_line(group, _pairs(chain[group])))
    if chain["parent"] is not None:
        lines.append(_line("parent", _parent(chain["parent"])))
    lines += [
        _line("agent" if i == 0 else "", f"{name:<28} {_pairs(values)}")
        for i, (name, values) in enumerate((n, v) for n, v in chain["agents"].items() if v)
    ]
    for group in ("blend", "sizing"):
        if chain[group]:
            lines.append(_line(group, _pairs(chain[group])))
    lines.append(
        _line(
            "target",
            f"hold {intent['target']:,g}, had {intent['position']:,g}, so {intent['quantity']:+,g} "
            f"at about {intent['reference_price']:,.4f}",
        )
    )
    lines.append(_line("gate", _verdict(chain["gate"])))
    lines += [_line(name, text) for name, text in terms_lines(chain)]
    lines += [
        _line("update", f"{row['time']} {row['event']}: {row['state']} {row['text']}")
        for row in chain["updates"]
    ]
    for row in chain["fills"]:
        lines += [_line("fill", _fill(row)), _line("costs", _parts(row["cost_parts"]))]
    if chain.get("shortfall"):
        lines.append(_line("shortfall", _effects(chain["shortfall"])))
    lines.append(
        _line(
            "journal",
            f"row {decision['journal_row']}, decision {decision['seq']}, {decision['journal_hash'][:16]}…",
        )
    )
    return "\n".join(line.rstrip() for line in lines)


def _title(chain: Mapping[str, Any]) -> str:
    order, decision = chain["order"], chain["decision"]
    if order is None:
        return f"Order {decision['seq']}:{chain['symbol']} was refused by the gate and never sent."
    average = "" if order["average_price"] is None else f" at {order['average_price']:,.4f}"
    forced = ", FORCED at the last good price" if order["forced"] else ""
    return (
        f"Order {order['id']}: {order['side']} {abs(order['quantity']):,g} {order['symbol']}, "
        f"{order['state']}{average}, cost {order['cost']:,.2f}{forced}"
    )


def _parent(parent: Mapping[str, Any]) -> str:
    decision = parent["decision"]
    return (
        f"{parent['number']}, {parent['algo']} over {parent['bars']} bars: {parent['quantity']:+,g} in all, "
        f"{parent['taken_before']:+,g} before this; decision {decision['seq']} of {decision['time']} held "
        f"{parent['position']:,g} and wanted {parent['target']:,g} at about {parent['reference_price']:,.4f}"
    )


def _effects(shortfall: Mapping[str, float]) -> str:
    parts = ", ".join(
        f"{name} {value:,.2f}" for name, value in shortfall.items() if name != "total" and value
    )
    return f"{shortfall['total']:,.2f} against the decision's price: {parts or 'nothing'}"


def _verdict(gate: Mapping[str, Any]) -> str:
    if gate["approved"]:
        return "approved"
    return f"REFUSED by {gate['rule_name']}: was {_figure(gate['value'])}, allowed {_figure(gate['limit'])}"


def _fill(row: Mapping[str, Any]) -> str:
    forced = ", FORCED" if row["forced"] else ""
    return (
        f"{row['time']} {row['quantity']:+,g} at {row['price']:,.4f}: fee {row['fee']:,.2f}, "
        f"spread {row['spread_cost']:,.2f}, impact {row['impact_cost']:,.2f}, "
        f"realised {row['realised_pnl']:+,.2f}{forced}"
    )


def _parts(parts: Mapping[str, float]) -> str:
    """Every part of a fill's cost that was not nothing; borrow was charged before, day by day."""
    shown = [f"{name.replace('_', ' ')} {value:,.2f}" for name, value in parts.items() if value]
    return ", ".join(shown) or "none"


def _line(stage: str, text: str) -> str:
    return f"{stage:<{_WIDTH}}{text}"


def _pairs(values: Mapping[str, Any]) -> str:
    return "  ".join(f"{name} {_figure(value)}" for name, value in values.items())


def _figure(value: float | None) -> str:
    return "n/a" if value is None else f"{value:,.6g}"
