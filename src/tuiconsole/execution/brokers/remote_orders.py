"""What is known of the orders at a broker elsewhere: their ids there, their latest reports, their executions once each.

A venue has ids of its own, and a new one for every replacement; a desk has numbers. Executions come twice, from a stream and
from requests, under different ids: both say how much of the order was filled after them, and that tells them apart.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tuiconsole.domain.costs import CostPart
from tuiconsole.domain.events import Fills, OrderUpdates
from tuiconsole.domain.ids import execution_number
from tuiconsole.domain.orders import OrderEvent
from tuiconsole.domain.types import IntArray

ENDS = frozenset({OrderEvent.CANCELED, OrderEvent.REJECTED, OrderEvent.EXPIRED, OrderEvent.FILL})
"""Reports after which an order does not work any more."""


class Said(enum.Enum):
    """What kind of answer a venue gave."""

    DONE = "done"
    REFUSED = "refused"
    MISSING = "missing"
    LIMITED = "limited"
    LOCKED = "locked"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a venue.

    Attributes
    ----------
    body
        What it sent.
    text
        Its reason, a sentence; never holds a key.
    after_s
        When it takes requests again, where it takes no more for now.
    """

    said: Said
    body: Any = None
    text: str = ""
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution as a venue told it.

    Attributes
    ----------
    order
        The venue's id of the order.
    source, name
        Who told it, ``"stream"`` or ``"request"``, and its id there.
    quantity, price
        Scaled; the quantity signed.
    total
        Filled of this order of the venue after it, as text: what both sources say alike.
    ts
        ns UTC.
    """

    order: str
    source: str
    name: str
    quantity: int
    price: int
    total: str
    ts: int


@dataclass(frozen=True, slots=True)
class Report:
    """The state of one order as a venue told it.

    Attributes
    ----------
    quantity, filled
        Scaled; the ordered quantity signed, the filled one not.
    replaces, replaced_by
        The venue's ids of the orders before and after it in a chain of replacements; empty without one.
    submitted
        When it came to the venue, as the venue writes moments.
    settled
        False while the venue has only received it: a replacement may still be refused then.
    """

    number: int
    symbol: int
    quantity: int
    venue_id: str
    event: OrderEvent | None
    filled: int
    replaces: str = ""
    replaced_by: str = ""
    submitted: str = ""
    settled: bool = True


@dataclass(slots=True)
class _Booked:
    execution: Execution
    number: int
    names: dict[str, str]


@dataclass(slots=True)
class RemoteOrder:
    """One order.

    Attributes
    ----------
    symbol, quantity
        Universe column; signed scaled quantity.
    client_id
        Our id of it at the venue; of the last replacement that was granted.
    venue_id, former
        The venue's id, empty while it is not known; those it had before it was replaced.
    next_id
        The venue's id of a replacement that was asked for.
    waiting
        True until it was handed to the venue; a cancel then withdraws it.
    event
        The latest report; None while the venue has not spoken.
    """

    number: int
    symbol: int
    quantity: int
    client_id: str
    venue_id: str = ""
    former: list[str] = field(default_factory=list)
    next_id: str = ""
    waiting: bool = False
    event: OrderEvent | None = None

    @property
    def known(self) -> bool:
        """Whether the venue has spoken of it."""
        return self.event is not None

    @property
    def open(self) -> bool:
        """Whether it may still fill, as far as is known."""
        return self.event not in ENDS


class Executions:
    """Every execution once, whoever tells it and however often."""

    def __init__(self) -> None:
        self._of_order: dict[str, list[_Booked]] = {}
        self._by_name: dict[tuple[str, str], _Booked] = {}

    def admit(self, execution: Execution) -> int | None:
        """The execution's number, the same in every process; None when it was told before."""
        label = (execution.source, execution.name)
        if label in self._by_name:
            return None
        booked = self._of_order.setdefault(execution.order, [])
        alike = [one for one in booked if one.execution.total == execution.total]
        for one in alike:
            if execution.source not in one.names:
                one.names[execution.source] = execution.name
                self._by_name[label] = one
                return None
        number = execution_number(f"{execution.order}/{execution.total}/{len(alike)}")
        made = _Booked(execution, number, {execution.source: execution.name})
        booked.append(made)
        self._by_name[label] = made
        return number

    def named(self, source: str, name: str) -> Execution | None:
        """The execution that ``source`` told under this id."""
        found = self._by_name.get((source, name))
        return found.execution if found is not None else None

    def of(self, orders: Iterable[str]) -> list[tuple[Execution, int]]:
        """All executions of these orders of the venue, with their numbers."""
        return [(one.execution, one.number) for order in orders for one in self._of_order.get(order, ())]

    def filled(self, order: str) -> int:
        """Signed scaled quantity that the executions of this order of the venue add up to."""
        return sum(one.execution.quantity for one in self._of_order.get(order, ()))


def updates_of(ts: int, rows: Sequence[tuple[int, OrderEvent]], text: str = "") -> OrderUpdates:
    """Reports ``(number, event)`` as columns."""
    number: IntArray = np.array([number for number, _ in rows], dtype=np.int64)
    return OrderUpdates(ts, number, np.array([event for _, event in rows], dtype=np.int8), text)


def fills_of(ts: int, rows: Sequence[tuple[RemoteOrder, Execution, int]]) -> Fills:
    """Executions as columns; the venue asks no commission with them."""
    told = [(order.number, order.symbol, one.quantity, one.price, number) for order, one, number in rows]
    number, symbol, quantity, price, execution = np.array(told, dtype=np.int64).reshape(-1, 5).T.copy()
    nothing: IntArray = np.zeros(len(rows), dtype=np.int64)
    costs: IntArray = np.zeros((len(CostPart), len(rows)), dtype=np.int64)
    return Fills(ts, number, symbol, quantity, price, nothing, costs, execution)
