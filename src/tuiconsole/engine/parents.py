"""Parents on the desk: a decision's orders worked over several bars, each child through the gate like any order.

Nothing here decides how much to trade: :class:`~tuiconsole.execution.algos.working.Working` plans, the counter at the gate
counts, and these functions turn both into journal rows and submissions. Only a desk whose ``execution.algo`` is not
``direct`` has parents.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.effects import Effect, Journal
from tuiconsole.domain.events import DeskLevel, OrderUpdates
from tuiconsole.domain.money import to_float
from tuiconsole.domain.orders import OrderBatch, OrderEvent
from tuiconsole.domain.parents import ParentEvent
from tuiconsole.domain.policy import Decision
from tuiconsole.domain.records import Parented, Rewarded, Sliced, Styled
from tuiconsole.domain.types import CodeArray, IntArray
from tuiconsole.engine.ordering import cancel, find

if TYPE_CHECKING:
    from tuiconsole.engine.desk import Desk
    from tuiconsole.execution.algos.working import Change, Slices, Working
    from tuiconsole.execution.order_choice import Choice

_RESIZING = (OrderEvent.REPLACED, OrderEvent.REPLACE_REJECTED)
_NO_SHEET = np.empty((0, 0))
_NO_SCALARS = np.empty(0)


def revise(desk: Desk, working: Working, wanted: OrderBatch, decision: Decision) -> list[Effect]:
    """What a decision wants becomes parents; then this bar's slices go out.

    Orders with terms of their own (limits, exits) go out as they are; parents of symbols that the decision acts on make way.
    """
    if wanted.terms is not None:
        acting = np.flatnonzero(decision.acting & desk.tradable).tolist()
        gone = working.stop(acting)
        made_way: list[Effect] = [Journal(_parented(desk, gone))] if gone else []
        return made_way + desk.judge(wanted, decision) + slices(desk, working)
    changes = working.revise(wanted, decision.acting & desk.tradable)
    effects: list[Effect] = []
    if any(change.event <= ParentEvent.AMENDED for change in changes):
        desk.decisions += 1
        effects.append(Journal(_parented(desk, changes, decision)))
    elif changes:
        effects.append(Journal(_parented(desk, changes)))
    return effects + slices(desk, working)


def slices(desk: Desk, working: Working) -> list[Effect]:
    """Children due at this bar, and the end of parents that are done; on a paused desk only what reduces goes on.

    Children that rested for a bar are cancelled first; slices follow as soon as they are gone.
    """
    effects = _rewards(desk, working)
    changes = working.ended()
    if desk.level != DeskLevel.RUNNING:
        changes += working.stop(working.adding_risk(desk.ledger.quantity))
    elif desk.members is not None:
        outside = [s for s in working.adding_risk(desk.ledger.quantity) if not desk.members[s]]
        changes += working.stop(outside)
    if changes:
        effects.append(Journal(_parented(desk, changes)))
    resting = _resting(desk, working)
    if resting and not working.clearing:
        working.clearing = True
        return [*effects, *cancel(desk, _column(resting))]
    if not len(working):
        return effects
    due = working.slices(desk.decisions + 1, desk.tradable, desk.orders.pending, desk.price_scaled)
    if not len(due.batch):
        return effects
    numbers = _column([parent.number for parent in due.parents])
    taken = _column([desk.gate.children.taken(parent.number) for parent in due.parents])
    heading = desk.ledger.quantity + desk.orders.pending + working.unsent()
    nothing = Decision(heading, desk.tradable, np.empty((0, len(heading))), _NO_SCALARS)
    judged = desk.judge(due.batch, nothing, parents=numbers)
    sliced = Sliced(
        desk.ts,
        desk.decisions,
        desk.recent.newest.number,
        numbers,
        _column([parent.decision for parent in due.parents]),
        _column([parent.quantity for parent in due.parents]),
        taken,
    )
    return [*effects, judged[0], Journal(sliced), *_styled(desk, working, due), *judged[1:]]


def go_on(desk: Desk, working: Working) -> list[Effect]:
    """Slice once the last child that was asked to make way is gone."""
    if _resting(desk, working):
        return []
    working.clearing = False
    return slices(desk, working) if desk.level < DeskLevel.HALTED else []


def _resting(desk: Desk, working: Working) -> list[int]:
    """Children sent to rest that may still fill."""
    if working.styles is None:
        return []
    rows = [find(desk, number) for number in working.styles.resting()]
    return [order.number for order in rows if order is not None and order.leaves]


def _rewards(desk: Desk, working: Working) -> list[Effect]:
    """What children that are finished have cost, for whoever chose their order types."""
    if working.styles is None:
        return []
    numbers: list[int] = []
    rewards: list[float] = []
    for number in working.styles.waiting():
        order = find(desk, number)
        if order is not None and order.leaves:
            continue
        told = (
            (0, 0, 0) if order is None else (order.filled, order.cost, int(desk.price_scaled[order.symbol]))
        )
        numbers.append(number)
        rewards.append(working.styles.settle(number, *told))
    return [Journal(Rewarded(desk.ts, _column(numbers), np.array(rewards)))] if numbers else []


def _styled(desk: Desk, working: Working, due: Slices) -> list[Effect]:
    """The log of the order types just chosen."""
    styles = working.styles
    if styles is None:
        return []
    numbers = desk.recent.newest.number.tolist()
    chosen: list[tuple[int, Choice]] = []
    for number, parent, styled in zip(numbers, due.parents, due.styled, strict=True):
        if styled is not None:
            chosen.append((number, styled.choice))
            if number:
                styles.sent(number, parent.symbol, styled, int(desk.price_scaled[parent.symbol]))
    if not chosen:
        return []
    record = Styled(
        desk.ts,
        desk.decisions,
        _column([number for number, _ in chosen]),
        _column([choice.arm for _, choice in chosen]),
        np.array([choice.propensity for _, choice in chosen]),
        np.array([choice.context for _, choice in chosen]),
    )
    return [Journal(record)]


def parents_now(desk: Desk) -> list[dict[str, Any]]:
    """The parents that are worked now, for ``status``: quantities in shares, coins or contracts, ``bar`` counted from 1."""
    if desk.working is None:
        return []
    return [
        {
            "number": parent.number,
            "symbol": desk.universe.symbols[parent.symbol],
            "algo": desk.settings.execution.algo,
            "quantity": to_float(parent.quantity, item.quantity_decimals),
            "taken": to_float(desk.gate.children.taken(parent.number), item.quantity_decimals),
            "bar": desk.bar_seq - parent.bar + 1,
            "bars": parent.bars,
        }
        for parent in desk.working.parents
        for item in (desk.universe.instruments[parent.symbol],)
    ]


def follow(desk: Desk, updates: OrderUpdates, states: CodeArray) -> None:
    """Tell the counter at the gate what reports did to children."""
    children = desk.gate.children
    children.followed(updates.number, states)
    for number, event in zip(updates.number.tolist(), updates.event.tolist(), strict=True):
        if event in _RESIZING and find(desk, number) is not None:
            children.resized(number, desk.orders.most(number))


def stopped(desk: Desk, working: Working) -> list[Effect]:
    """Every parent ends without a further child: the desk was halted or killed."""
    changes = working.stop()
    return [Journal(_parented(desk, changes))] if changes else []


def _parented(desk: Desk, changes: Sequence[Change], decision: Decision | None = None) -> Parented:
    parents = [change.parent for change in changes]
    symbol = _column([parent.symbol for parent in parents])
    held = desk.ledger.quantity.take(symbol)
    return Parented(
        ts=desk.ts,
        bar_seq=desk.bar_seq,
        seq=0 if decision is None else desk.decisions,
        algo=desk.settings.execution.algo,
        number=_column([parent.number for parent in parents]),
        event=np.array([change.event for change in changes], dtype=np.int8),
        symbol=symbol,
        quantity=_column([parent.quantity for parent in parents]),
        taken=_column([change.taken for change in changes]),
        reference_price=_column([parent.reference_price for parent in parents]),
        bars=_column([parent.bars for parent in parents]),
        position=held,
        target=held if decision is None else decision.target.take(symbol),
        sheet=_NO_SHEET if decision is None else decision.sheet.take(symbol, axis=1),
        scalars=_NO_SCALARS if decision is None else decision.scalars,
    )


def _column(values: list[int]) -> IntArray:
    return np.array(values, dtype=np.int64)
