"""The journal's own account of orders, positions and cash, kept beside the desk from its rows alone.

It shares the transition table with the desk and nothing else, so that what the desk says of itself can be held against it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.orders import ILLEGAL, TERMINAL_STATES, TRANSITIONS, OrderEvent, OrderState, next_state
from tuiconsole.domain.records import Charged, Decided, Filled, Record, Updated
from tuiconsole.domain.types import CodeArray, IntArray
from tuiconsole.portfolio.valuation import Valuation


@dataclass(slots=True)
class ShadowOrder:
    """One order as the rows tell of it; ``row`` is the one that made it."""

    row: int
    symbol: int
    quantity: int
    filled: int = 0
    state: int = OrderState.PENDING_NEW


class OrderShadow:
    """Takes in every row in order.

    Parameters
    ----------
    capital
        Opening cash, money.

    Attributes
    ----------
    orders
        By number.
    live
        Those that are not finished.
    overfilled
        A sentence about an order filled beyond its quantity; empty while there is none.
    faults
        Sentences about rows that contradict the rows before them.
    """

    def __init__(self, universe: Universe, capital: int) -> None:
        self.orders: dict[int, ShadowOrder] = {}
        self.live: dict[int, ShadowOrder] = {}
        self.overfilled = ""
        self._executions: set[int] = set()
        self.position: IntArray = np.zeros(len(universe), dtype=np.int64)
        self.cash = capital
        self.faults: list[str] = []
        self._valuation = Valuation(universe)

    def take(self, row: int, record: Record) -> None:
        """The row ``row`` of the journal."""
        if isinstance(record, Decided):
            self._decided(row, record)
        elif isinstance(record, Updated):
            for number, event, state in zip(*_lists(record.number, record.event, record.state), strict=True):
                self._moves(row, number, event, state, 0)
        elif isinstance(record, Filled):
            self._filled(row, record)
        elif isinstance(record, Charged):
            self.cash -= int(record.amount.sum())

    def _decided(self, row: int, record: Decided) -> None:
        for number, symbol, quantity in zip(
            *_lists(record.number, record.columns, record.quantity), strict=True
        ):
            if number and number in self.orders:
                self.faults.append(f"row {row}: order {number} was decided twice")
            elif number:
                self.orders[number] = self.live[number] = ShadowOrder(row, symbol, quantity)

    def _filled(self, row: int, record: Filled) -> None:
        columns = _lists(
            record.number,
            record.symbol,
            record.quantity,
            record.price,
            record.fee,
            record.execution,
            record.state,
        )
        for number, symbol, quantity, price, fee, execution, state in zip(*columns, strict=True):
            if execution in self._executions:
                self.faults.append(f"row {row}: execution {execution} was booked twice")
            self._executions.add(execution)
            self.position[symbol] += quantity
            self.cash -= int(self._valuation.one(symbol, price, quantity)) + fee
            self._moves(row, number, -1, state, quantity)

    def _moves(self, row: int, number: int, event: int, state: int, quantity: int) -> None:
        order = self.orders.get(number)
        if order is None:
            self.faults.append(f"row {row}: order {number} was never decided")
            return
        order.filled += quantity
        if quantity:
            event = _event_of(order, quantity)
        if abs(order.filled) > abs(order.quantity) or order.filled * order.quantity < 0:
            self.overfilled = f"row {row}: order {number} for {order.quantity} is filled with {order.filled}"
        before, expected = order.state, order.state
        if TRANSITIONS[before, event] != ILLEGAL:
            expected = int(next_state(before, event, abs(order.filled), abs(order.quantity)))
        if state != expected:
            names = [OrderState(one).name for one in (before, state, expected)]
            went = f"order {number} went from {names[0]} by {OrderEvent(event).name} to {names[1]}"
            self.faults.append(f"row {row}: {went}, not {names[2]}")
        order.state = state
        if state in TERMINAL_STATES:
            self.live.pop(number, None)
        else:
            self.live[number] = order


def _event_of(order: ShadowOrder, quantity: int) -> OrderEvent:
    if (quantity > 0) != (order.quantity > 0):
        return OrderEvent.BUSTED
    return OrderEvent.FILL if abs(order.filled) >= abs(order.quantity) else OrderEvent.PARTIAL_FILL


def _lists(*columns: IntArray | CodeArray) -> list[list[int]]:
    return [column.tolist() for column in columns]
