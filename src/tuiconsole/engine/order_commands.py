"""What a trader may do to one working order: cancel it, or change its quantity and prices through the gate."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

from tuiconsole.domain.effects import Effect, Journal
from tuiconsole.domain.errors import MoneyOverflow
from tuiconsole.domain.events import Command, CommandKind
from tuiconsole.domain.ids import parse_order_id
from tuiconsole.domain.money import to_scaled
from tuiconsole.domain.records import ReplaceAsked
from tuiconsole.engine.ordering import ask_replace, cancel, find
from tuiconsole.execution.order_snapshot import OrderSnapshot

if TYPE_CHECKING:
    from tuiconsole.engine.desk import Desk

_CHANGES = ("quantity", "limit", "stop")


def change_order(desk: Desk, command: Command) -> tuple[list[Effect], str]:
    """What a CANCEL_ORDER or REPLACE_ORDER leads to, and why it is refused (empty when it is not).

    The command's argument is the order's id, for a change followed by ``quantity=``, ``limit=`` and ``stop=``, unsigned and in
    currency units.
    """
    name, *words = command.argument.split()[:4] or [""]
    parsed = parse_order_id(name)
    order = find(desk, parsed[1]) if parsed is not None else None
    if order is None or not order.leaves:
        return [], f"Order {name} is not working: there is nothing to change."
    if command.kind == CommandKind.CANCEL_ORDER:
        return cancel(desk, np.array([order.number], dtype=np.int64)), ""
    return _replace(desk, order, words, command.reason)


def _replace(desk: Desk, order: OrderSnapshot, words: list[str], reason: str) -> tuple[list[Effect], str]:
    asked = dict(word.partition("=")[::2] for word in words)
    if not asked or not set(asked) <= set(_CHANGES):
        return [], "A change names a new quantity, limit or stop."
    item = desk.universe.instruments[order.symbol]
    try:
        scaled = {
            name: to_scaled(
                Decimal(text), item.quantity_decimals if name == "quantity" else item.price_decimals
            )
            for name, text in asked.items()
        }
    except (InvalidOperation, MoneyOverflow):
        return [], "A quantity, limit or stop is a positive number."
    quantity = scaled.pop("quantity", abs(order.quantity)) * (1 if order.quantity > 0 else -1)
    if max(abs(quantity), *scaled.values(), 0) >= 2**62:
        return [], "A quantity, limit or stop is too large."
    effects = ask_replace(
        desk, order.number, quantity, replace(order.terms, **scaled), reason or "the trader's wish"
    )
    first = effects[0]
    refused = isinstance(first, Journal) and isinstance(first.record, ReplaceAsked) and first.record.rule
    return (
        effects,
        f"The gate refuses the change: {desk.last_refusal or 'the order is being changed already.'}"
        if refused
        else "",
    )
