"""What the desk does about orders beyond sending them: their terms in the journal, changes, and exits that make way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

from tuiconsole.domain.effects import Cancel, Effect, Journal, Replace
from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.order_terms import OrderTerms, Terms, numbered
from tuiconsole.domain.orders import ILLEGAL, TRANSITIONS, OrderBatch, OrderEvent, Purpose
from tuiconsole.domain.records import Decided, ReplaceAsked, Termed, Updated
from tuiconsole.domain.types import IntArray
from tuiconsole.execution.order_snapshot import OrderSnapshot
from tuiconsole.execution.working_terms import Asked
from tuiconsole.risk.replacements import Standing
from tuiconsole.risk.rules import Rule

if TYPE_CHECKING:
    from tuiconsole.domain.policy import Decision
    from tuiconsole.engine.desk import Desk
    from tuiconsole.risk.verdict import Verdict

_NONE: IntArray = np.empty(0, dtype=np.int64)


def decided(desk: Desk, wanted: OrderBatch, decision: Decision | None, verdict: Verdict) -> Decided:
    """What the journal keeps of a batch and the verdict on it; ``decision`` None where no policy asked for it."""
    columns = wanted.symbol
    if decision is None:
        sheet, scalars, target = (
            np.empty((0, len(columns))),
            np.empty(0),
            np.zeros(len(columns), dtype=np.int64),
        )
    else:
        sheet = decision.sheet.take(columns, axis=1)
        scalars, target = decision.scalars, decision.target.take(columns)
    return Decided(
        desk.decisions,
        desk.bar_seq,
        desk.ts,
        scalars,
        columns,
        sheet,
        desk.ledger.quantity.take(columns),
        target,
        wanted.quantity,
        wanted.reference_price,
        verdict.number,
        verdict.rule,
        verdict.value,
        verdict.limit,
        wanted.purpose,
    )


def terms_record(ts: int, seq: int, terms: OrderTerms, number: IntArray) -> Journal:
    """What the journal keeps of the terms of decision ``seq``; ``number`` is 0 where the gate refused."""
    linked = numbered(terms, number)
    return Journal(Termed(ts, seq, number, *linked.columns()[:-1]))


def ask_replace(desk: Desk, number: int, quantity: int, terms: Terms, text: str) -> list[Effect]:
    """Have a working order changed: judged, journalled, and asked of the broker when the gate agrees.

    Parameters
    ----------
    quantity
        New signed scaled quantity, what is filled already included.
    terms
        New prices; the other terms must be the order's own. Its ``revision`` is set here.
    text
        Why, for the journal.
    """
    order = find(desk, number)
    revision = 0 if order is None else order.terms.revision + 1
    asked = replace(terms, revision=revision)
    if order is None or number in desk.orders.terms.asked or not _can_change(order):
        return [
            Journal(
                _asked_record(desk, number, quantity, order, asked, int(Rule.NOT_REPLACEABLE), "", "", text)
            )
        ]
    batch = OrderBatch(
        desk.decisions,
        desk.ts,
        np.array([number], dtype=np.int64),
        np.array([order.symbol], dtype=np.int64),
        np.array([quantity], dtype=np.int64),
        desk.price_scaled[order.symbol : order.symbol + 1].copy(),
        np.array([order.purpose], dtype=np.int8),
        OrderTerms.of([asked]),
    )
    verdict = desk.gate.judge_replacement(batch, _standing(desk, order), desk.book())
    rule, value, limit = int(verdict.rule[0]), float(verdict.value[0]), float(verdict.limit[0])
    record = _asked_record(desk, number, quantity, order, asked, rule, f"{value:g}", f"{limit:g}", text)
    if verdict.approved is None:
        desk.refused_total += 1
        desk.last_refusal = f"{desk.universe.symbols[order.symbol]}: {verdict.sentence(0)}"
        return [Journal(record)]
    state = desk.orders.ask_replace(number, Asked(quantity, asked))
    desk.gate.children.resized(number, desk.orders.most(number))
    sent = Updated(
        desk.ts,
        batch.number,
        np.array([OrderEvent.REPLACE_SENT], dtype=np.int8),
        np.array([state], dtype=np.int8),
        "",
    )
    return [Journal(record), Journal(sent), Replace(verdict.approved)]


def find(desk: Desk, number: int) -> OrderSnapshot | None:
    """The order ``number``, or None when the table does not hold it."""
    try:
        return desk.orders.row(number)
    except UsageError:
        return None


def _can_change(order: OrderSnapshot) -> bool:
    return bool(TRANSITIONS[order.state, OrderEvent.REPLACE_SENT] != ILLEGAL) and order.leaves != 0


def _standing(desk: Desk, order: OrderSnapshot) -> Standing:
    counted = order.leaves
    if order.purpose == Purpose.PROTECTIVE:
        exits = desk.orders.exits()
        counted = 0 if exits is None else int(exits[order.symbol])
    return Standing(order.symbol, order.quantity, order.filled, counted, order.purpose, order.terms)


def _asked_record(
    desk: Desk,
    number: int,
    quantity: int,
    order: OrderSnapshot | None,
    terms: Terms,
    rule: int,
    value: str,
    allowed: str,
    text: str,
) -> ReplaceAsked:
    return ReplaceAsked(
        desk.ts,
        number,
        0 if rule else terms.revision,
        quantity,
        0 if order is None else order.quantity,
        terms.limit,
        terms.stop,
        terms.trail,
        terms.display,
        rule,
        value,
        allowed,
        text,
    )


def in_the_way(desk: Desk, wanted: OrderBatch, decision: Decision) -> IntArray:
    """Working orders that must go before a decision is carried out.

    They are exits in a symbol of which an order is wanted on their side, and resting orders that lead away from the target.
    """
    if not len(desk.orders.terms):
        return _NONE
    sides = dict(zip(wanted.symbol.tolist(), np.sign(wanted.quantity).tolist(), strict=True))
    found = [
        order.number
        for order in guards(desk)
        if order.leaves * sides.get(order.symbol, 0) > 0 and not dormant(desk, order)
    ]
    away = (decision.target - desk.ledger.quantity - desk.orders.pending) * (decision.acting & desk.tradable)
    if ((away * desk.orders.pending) < 0).any():
        for number in desk.orders.working().tolist():
            order = desk.orders.row(number)
            resting = not order.terms.plain and order.purpose == Purpose.POLICY
            if resting and order.leaves * int(away[order.symbol]) < 0:
                found.append(number)
    return np.array(sorted(found), dtype=np.int64)


def guards(desk: Desk) -> list[OrderSnapshot]:
    """The working protective orders, oldest first."""
    if not desk.orders.terms.guards:
        return []
    rows = [find(desk, number) for number in desk.orders.terms.guards]
    return [order for order in rows if order is not None and order.leaves]


def dormant(desk: Desk, order: OrderSnapshot) -> bool:
    """Whether an exit still waits for the order that opens what it is to close."""
    if not order.terms.parent:
        return False
    parent = find(desk, order.terms.parent)
    return parent is not None and not parent.filled and bool(parent.leaves)


def cancel(desk: Desk, number: IntArray) -> list[Effect]:
    """Ask the broker to cancel working orders; never waits for a commit."""
    return [Cancel(desk.ts, number)] if len(number) else []
