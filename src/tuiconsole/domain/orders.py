"""Orders and the one table by which they change.

States are those of FIX 4.4 (OrdStatus, tag 39) plus ``UNKNOWN``: sent, and not heard of since. The table
holds real life's ugly rows as data: fills before acknowledgements, late fills after a cancel, duplicates,
busts.
"""

from __future__ import annotations

import enum

import msgspec
import numpy as np

from tuiconsole.domain.errors import IllegalTransition
from tuiconsole.domain.order_terms import OrderTerms
from tuiconsole.domain.types import CodeArray, IntArray


class OrderState(enum.IntEnum):
    """Life of an order; FIX 4.4 OrdStatus plus UNKNOWN."""

    PENDING_NEW = 0
    NEW = 1
    PARTIALLY_FILLED = 2
    FILLED = 3
    PENDING_CANCEL = 4
    CANCELED = 5
    PENDING_REPLACE = 6
    REPLACED = 7
    REJECTED = 8
    EXPIRED = 9
    DONE_FOR_DAY = 10
    SUSPENDED = 11
    STOPPED = 12
    CALCULATED = 13
    UNKNOWN = 14


class OrderEvent(enum.IntEnum):
    """What can happen to an order; execution reports, our own requests and silence."""

    ACKNOWLEDGED = 0
    PARTIAL_FILL = 1
    FILL = 2
    CANCEL_SENT = 3
    CANCEL_PENDING = 4
    CANCELED = 5
    CANCEL_REJECTED = 6
    REPLACE_SENT = 7
    REPLACE_PENDING = 8
    REPLACED = 9
    REPLACE_REJECTED = 10
    REJECTED = 11
    EXPIRED = 12
    DONE_FOR_DAY = 13
    SUSPENDED = 14
    RESUMED = 15
    STOPPED = 16
    CALCULATED = 17
    TIMED_OUT = 18
    BUSTED = 19
    WITHHELD = 20
    TRIGGERED = 21


class Purpose(enum.IntEnum):
    """Who asked for the order. A protective one guards a position: it waits for a price and only ever reduces."""

    POLICY = 0
    FLATTEN = 1
    PROTECTIVE = 2


TERMINAL_STATES = frozenset(
    {OrderState.FILLED, OrderState.CANCELED, OrderState.REPLACED, OrderState.REJECTED, OrderState.EXPIRED}
)

ILLEGAL = -1
BY_QUANTITY = -2
"""Table entry: the state follows from the quantity filled so far (NEW, PARTIALLY_FILLED or FILLED)."""


def _build_table() -> CodeArray:
    s, e = OrderState, OrderEvent
    table = np.full((len(s), len(e)), ILLEGAL, dtype=np.int8)
    working = (s.PENDING_NEW, s.NEW, s.PARTIALLY_FILLED, s.DONE_FOR_DAY, s.SUSPENDED, s.STOPPED, s.CALCULATED)
    pending = (s.PENDING_CANCEL, s.PENDING_REPLACE)

    def row(states: tuple[OrderState, ...], event: OrderEvent, to: int) -> None:
        for state in states:
            table[state, event] = to

    for state in s:  # a late or repeated message about a finished order changes nothing
        if state in TERMINAL_STATES:
            table[state, :] = state
    row((*working, s.UNKNOWN), e.PARTIAL_FILL, s.PARTIALLY_FILLED)
    row((*working, *pending, s.UNKNOWN), e.FILL, s.FILLED)
    row((*working, *pending, s.UNKNOWN), e.CANCELED, s.CANCELED)
    row((*working, *pending, s.UNKNOWN), e.EXPIRED, s.EXPIRED)
    row((*working, *pending, s.UNKNOWN), e.REJECTED, s.REJECTED)
    row((*working, s.UNKNOWN), e.CANCEL_SENT, s.PENDING_CANCEL)
    row((*working, *pending, s.UNKNOWN), e.CANCEL_PENDING, s.PENDING_CANCEL)
    row((s.NEW, s.PARTIALLY_FILLED, s.SUSPENDED, s.STOPPED), e.REPLACE_SENT, s.PENDING_REPLACE)
    row((s.NEW, s.PARTIALLY_FILLED, s.PENDING_REPLACE), e.REPLACE_PENDING, s.PENDING_REPLACE)
    row((*working, *pending, s.UNKNOWN), e.DONE_FOR_DAY, s.DONE_FOR_DAY)
    row((*working, s.UNKNOWN), e.SUSPENDED, s.SUSPENDED)
    row((*working, s.UNKNOWN), e.STOPPED, s.STOPPED)
    row((*working, s.UNKNOWN), e.CALCULATED, s.CALCULATED)
    row((*working, s.UNKNOWN), e.ACKNOWLEDGED, BY_QUANTITY)
    row(working, e.RESUMED, BY_QUANTITY)
    row((s.PENDING_NEW, s.NEW, s.PARTIALLY_FILLED, s.UNKNOWN), e.BUSTED, BY_QUANTITY)
    row((s.PENDING_CANCEL, s.UNKNOWN), e.CANCEL_REJECTED, BY_QUANTITY)
    row((s.PENDING_REPLACE, s.UNKNOWN, s.NEW, s.PARTIALLY_FILLED), e.REPLACED, BY_QUANTITY)
    row((s.PENDING_REPLACE, s.UNKNOWN), e.REPLACE_REJECTED, BY_QUANTITY)
    row((*working, *pending, s.UNKNOWN), e.TIMED_OUT, s.UNKNOWN)
    row((s.PENDING_NEW,), e.WITHHELD, s.CANCELED)
    row((s.PENDING_NEW, s.NEW, s.PARTIALLY_FILLED, s.UNKNOWN), e.TRIGGERED, BY_QUANTITY)
    for state in (*pending, s.DONE_FOR_DAY, s.SUSPENDED, s.STOPPED, s.CALCULATED):
        table[state, e.TRIGGERED] = state  # a stop price was reached: nothing else changes
    # an acknowledgement or part fill that overtook our request leaves the request pending
    for state in pending:
        table[state, e.ACKNOWLEDGED] = state
        table[state, e.PARTIAL_FILL] = state
    # a bust takes quantity back and nothing else
    for state in (*pending, s.DONE_FOR_DAY, s.SUSPENDED, s.STOPPED, s.CALCULATED):
        table[state, e.BUSTED] = state
    table[s.PENDING_CANCEL, e.CANCEL_SENT] = s.PENDING_CANCEL
    table[s.PENDING_REPLACE, e.CANCEL_SENT] = s.PENDING_CANCEL
    table[s.PENDING_CANCEL, e.REPLACED] = s.PENDING_CANCEL
    table[s.PENDING_CANCEL, e.REPLACE_REJECTED] = s.PENDING_CANCEL
    table[s.CANCELED, e.FILL] = s.FILLED  # the venue filled the rest before it saw the cancel
    table[s.EXPIRED, e.FILL] = s.FILLED
    table[s.REJECTED, e.ACKNOWLEDGED] = s.REJECTED
    table[s.FILLED, e.BUSTED] = BY_QUANTITY
    table[s.FILLED, e.REPLACED] = BY_QUANTITY  # the venue filled all of it, then granted more
    table.flags.writeable = False
    return table


TRANSITIONS: CodeArray = _build_table()
"""int8 ``[n_states, n_events]``: the next state, :data:`BY_QUANTITY` or :data:`ILLEGAL`."""


def next_state(state: int, event: int, filled: int, quantity: int) -> OrderState:
    """The state after ``event``; raises :class:`IllegalTransition` where the table has no row.

    Parameters
    ----------
    filled, quantity
        Absolute cumulative filled and ordered quantity *after* the event, scaled.

    Examples
    --------
    >>> next_state(OrderState.PENDING_CANCEL, OrderEvent.CANCEL_REJECTED, 3, 10).name
    'PARTIALLY_FILLED'
    """
    to = int(TRANSITIONS[state, event])
    if to == ILLEGAL:
        raise IllegalTransition(
            f"An order that is {OrderState(state).name} cannot take {OrderEvent(event).name}."
        )
    if to == BY_QUANTITY:
        return _by_quantity(filled, quantity)
    return OrderState(to)


def _by_quantity(filled: int, quantity: int) -> OrderState:
    if filled <= 0:
        return OrderState.NEW
    return OrderState.FILLED if filled >= quantity else OrderState.PARTIALLY_FILLED


class OrderBatch(msgspec.Struct, frozen=True, gc=False):
    """The orders of one decision (or one flatten), as columns ``[n_orders]``.

    Attributes
    ----------
    batch
        Sequence number of the decision that made them.
    ts
        Decision time, ns UTC.
    number
        int64, the order's number on this desk, counted from 1; client ids derive from it.
    symbol
        int64 column of the universe.
    quantity
        int64 signed scaled quantity; positive buys.
    reference_price
        int64 scaled price the decision saw.
    purpose
        int8 of :class:`Purpose`.
    terms
        Type, time in force, prices and links; None when all are market orders for the day.
    """

    batch: int
    ts: int
    number: IntArray
    symbol: IntArray
    quantity: IntArray
    reference_price: IntArray
    purpose: CodeArray
    terms: OrderTerms | None = None

    def __len__(self) -> int:
        return len(self.number)

    def take(self, index: IntArray) -> OrderBatch:
        """The orders at ``index``, in that order."""
        return OrderBatch(
            self.batch,
            self.ts,
            self.number[index],
            self.symbol[index],
            self.quantity[index],
            self.reference_price[index],
            self.purpose[index],
            None if self.terms is None else self.terms.take(index),
        )


class Approved:
    """Base of a batch that the risk gate approved; the gate's room defines the only one that can be made."""

    __slots__ = ("batch",)
    batch: OrderBatch
