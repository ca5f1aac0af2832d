"""The desk and its broker agree, or the desk does not trade: differences pause it until they are gone or accepted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec.structs import replace

from tuiconsole.domain.accounts import AccountView, DifferenceKind, Differences, OpenOrder
from tuiconsole.domain.costs import CostPart
from tuiconsole.domain.effects import Effect, Journal, Severity
from tuiconsole.domain.events import AccountChecked, DeskLevel, Fills, OrderUpdates
from tuiconsole.domain.ids import execution_number
from tuiconsole.domain.orders import OrderEvent
from tuiconsole.domain.records import Checked, Corrected
from tuiconsole.execution.reconciliation import reconcile, sentences
from tuiconsole.execution.working_terms import Asked

if TYPE_CHECKING:
    from tuiconsole.engine.desk import Desk

CAUSE = "reconciliation"
_SHOWN = 4
NO_DIFFERENCES = reconcile(AccountView(np.zeros(1, dtype=np.int64)), AccountView(np.zeros(1, dtype=np.int64)))


class Reconciliation:
    """What differs from the broker now, and what the trader chose to live with.

    Attributes
    ----------
    open
        Differences that are neither gone nor ignored.
    """

    def __init__(self) -> None:
        self.open: Differences = NO_DIFFERENCES
        self._ignored: frozenset[tuple[int, ...]] = frozenset()

    def news(self, found: Differences) -> bool:
        """Whether ``found`` is to be told: anything but what is open, or ignored, already."""
        return self._unaccepted(found).keys() != self.open.keys()

    def take(self, found: Differences) -> None:
        """Note the differences of a check; what was ignored and is gone is forgotten."""
        self.open = self._unaccepted(found)
        self._ignored &= found.keys()

    def ignore(self) -> None:
        """Live with everything that is open."""
        self._ignored |= self.open.keys()
        self.open = NO_DIFFERENCES

    def _unaccepted(self, found: Differences) -> Differences:
        return found.take([place for place, key in enumerate(found.rows()) if key not in self._ignored])

    def state(self) -> dict[str, Any]:
        """Everything needed to go on."""
        columns = [*self.open.columns(), list(self.open.names)]
        return {"open": columns, "ignored": [list(key) for key in sorted(self._ignored)]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from :meth:`state`."""
        *columns, names = state["open"]
        self.open = Differences.of(columns, names)
        self._ignored = frozenset(tuple(key) for key in state["ignored"])


def own_account(desk: Desk, with_cash: bool = False) -> AccountView:
    """The account as the desk believes it to be."""
    rows = [desk.orders.row(number) for number in desk.orders.working().tolist()]
    orders = [
        OpenOrder(row.number, row.symbol, row.quantity, row.filled, row.average_price or 0) for row in rows
    ]
    return AccountView(desk.ledger.quantity, tuple(orders), desk.ledger.cash if with_cash else None)


def on_checked(desk: Desk, event: AccountChecked) -> list[Effect]:
    """A check of the account found news: journal it, and pause or release the desk."""
    found = event.differences
    desk.reconciliation.take(found)
    effects: list[Effect] = [Journal(_record(event.ts, found))]
    open_ = desk.reconciliation.open
    if not len(open_):
        effects.append(desk.alert(Severity.INFO, CAUSE, "The desk and its broker agree again."))
        return effects + release(desk)
    told = sentences(open_, desk.universe)
    more = f" And {len(told) - _SHOWN} more." if len(told) > _SHOWN else ""
    text = f"The broker differs: {' '.join(told[:_SHOWN])}{more} Nothing new is traded until: tuiconsole reconcile."
    effects.append(desk.alert(Severity.CRITICAL, CAUSE, text))
    if desk.level == DeskLevel.RUNNING:
        effects += desk.set_level(DeskLevel.PAUSED, CAUSE, text)
    return effects


def _record(ts: int, found: Differences) -> Checked:
    return Checked(
        ts, found.kind, found.symbol, found.number, found.ours, found.theirs, found.price, found.names
    )


def event_of(stored: Checked) -> AccountChecked:
    """The check that a journal row tells of."""
    columns = (stored.kind, stored.symbol, stored.number, stored.ours, stored.theirs, stored.price)
    return AccountChecked(stored.ts, Differences.of(columns, stored.names))


def release(desk: Desk) -> list[Effect]:
    """End the pause that differences made, if it is theirs."""
    if desk.level == DeskLevel.PAUSED and desk.level_cause == CAUSE:
        return desk.set_level(DeskLevel.RUNNING, CAUSE, "The account is reconciled.")
    return []


def ignore(desk: Desk) -> list[Effect]:
    """Live with what differs: it pauses the desk no more for as long as it stays the same."""
    desk.reconciliation.ignore()
    return release(desk)


def adopt(desk: Desk, reason: str) -> list[Effect]:
    """Take the broker's word for everything that is open; orders that are not the desk's stay open."""
    found = desk.reconciliation.open
    effects: list[Effect] = []
    columns = zip(*(column.tolist() for column in found.columns()), strict=True)
    left: list[int] = []
    for place, (kind, symbol, number, ours, theirs, price) in enumerate(columns):
        if kind == DifferenceKind.FOREIGN:
            left.append(place)
        elif kind == DifferenceKind.POSITION:
            effects += _correct(desk, symbol, theirs - ours, reason)
        elif kind == DifferenceKind.FILLED:
            effects += _book(desk, symbol, number, theirs - ours, price)
        elif kind == DifferenceKind.QUANTITY:
            effects += _resize(desk, number, theirs)
        elif kind == DifferenceKind.ENDED:
            effects += _report(
                desk, number, OrderEvent.CANCELED, "adopted: the broker does not know the order"
            )
    for place in np.flatnonzero(found.kind == DifferenceKind.CASH).tolist():
        effects += _correct_cash(desk, int(found.theirs[place]), reason)
    desk.reconciliation.open = found.take(left)
    return effects if left else effects + release(desk)


def _correct(desk: Desk, symbol: int, quantity: int, reason: str) -> list[Effect]:
    price = int(desk.price_scaled[symbol]) or 1
    realised = int(desk.ledger.apply(_fills(desk, symbol, 0, quantity, price))[0])
    return [Journal(Corrected(desk.ts, symbol, quantity, price, 0, realised, reason))]


def _correct_cash(desk: Desk, cash: int, reason: str) -> list[Effect]:
    amount = cash - desk.ledger.cash
    desk.ledger.correct_cash(amount)
    return [Journal(Corrected(desk.ts, -1, 0, 0, amount, 0, reason))]


def _book(desk: Desk, symbol: int, number: int, quantity: int, price: int) -> list[Effect]:
    at = price or int(desk.price_scaled[symbol]) or 1
    return desk.handle(_fills(desk, symbol, number, quantity, at))


def _fills(desk: Desk, symbol: int, number: int, quantity: int, price: int) -> Fills:
    row = np.array([[number], [symbol], [quantity], [price], [0]], dtype=np.int64)
    execution = execution_number(f"adopted {number} {symbol} {quantity} {desk.ts} {desk.orders.fills_total}")
    costs = np.zeros((len(CostPart), 1), dtype=np.int64)
    executions = np.array([execution], dtype=np.int64)
    return Fills(desk.ts, row[0], row[1], row[2], row[3], row[4], costs, executions)


def _resize(desk: Desk, number: int, quantity: int) -> list[Effect]:
    order = desk.orders.row(number)
    revised = replace(order.terms, revision=order.terms.revision + 1)
    desk.orders.terms.asked[number] = Asked(quantity, revised)
    return _report(desk, number, OrderEvent.REPLACED, "adopted: the broker has another quantity")


def _report(desk: Desk, number: int, event: OrderEvent, text: str) -> list[Effect]:
    numbers = np.array([number], dtype=np.int64)
    return desk.handle(OrderUpdates(desk.ts, numbers, np.array([event], dtype=np.int8), text))
