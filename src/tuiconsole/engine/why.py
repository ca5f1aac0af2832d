"""Serves ``why``: the chain behind an order, with the gate's rules named and what its execution cost by effect."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuiconsole.analytics.shortfall import EFFECTS, Intent, Part, shortfall
from tuiconsole.domain.money import MONEY_DECIMALS, MONEY_SCALE, to_float
from tuiconsole.risk.rules import Rule
from tuiconsole.store.explain import explain

RULE_NAMES = {int(rule): rule.name.lower().replace("_", " ") for rule in Rule}


def why(state: Path, order: str) -> dict[str, Any]:
    """The chain behind ``order``, ready for JSON; :class:`UsageError` when there is no such order."""
    chain = explain(state, order, rule_names=RULE_NAMES)
    chain["shortfall"] = filled_shortfall(chain)
    return chain


def filled_shortfall(chain: Mapping[str, Any]) -> dict[str, float] | None:
    """The implementation shortfall of what was filled, currency units by effect and in ``total``; None without fills.

    The decision's price is the parent's for a child. What was never filled is left out: its price is not in the journal.
    """
    intent, fills = chain["intent"], chain["fills"]
    if not fills:
        return None
    parent = chain["parent"]
    price = intent["reference_price"] if parent is None else parent["reference_price"]
    unit, lot = 10 ** intent["price_decimals"], 10 ** intent["quantity_decimals"]
    parts = [_part(row, unit, lot) for row in fills]
    scaled = round(price * unit)
    exponent = MONEY_DECIMALS - intent["price_decimals"] - intent["quantity_decimals"]
    whole = Intent(sum(part.quantity for part in parts), scaled, scaled, exponent, intent["multiplier"])
    found = shortfall(whole, parts)
    lost = {
        name: to_float(value) for name, value in zip(EFFECTS, found, strict=True) if name != "opportunity"
    }
    return {**lost, "total": to_float(found.total)}


def _part(row: Mapping[str, Any], unit: int, lot: int) -> Part:
    """A fill of the chain in whole units again."""
    costs = {name: round(value * MONEY_SCALE) for name, value in row["cost_parts"].items()}
    return Part(
        price=round(row["price"] * unit),
        quantity=round(row["quantity"] * lot),
        fee=round(row["fee"] * MONEY_SCALE),
        spread=costs["spread"],
        temporary=costs["temporary"] + costs["capacity"] + costs["adverse_selection"],
        permanent=costs["permanent"],
    )
