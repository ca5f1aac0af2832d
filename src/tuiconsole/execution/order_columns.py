"""Where live orders lie: one int64 matrix, a row per attribute and a column (slot) per order, oldest first.

Order numbers follow one another, so a slot is found by an offset; only when finished orders were dropped
around long-lived ones is it found by bisection.
"""

from __future__ import annotations

import numpy as np

from tuiconsole.domain.orders import TERMINAL_STATES, OrderBatch, OrderState, Purpose
from tuiconsole.domain.types import BoolArray, IntArray
from tuiconsole.execution.order_snapshot import OrderSnapshot

KEPT = 5_000
"""Orders kept at least; older ones that are finished are dropped."""

MOST_ORDERS = 24
"""Orders up to which plain integers are faster than arrays."""

DROP_BLOCK = 1_000
"""Finished orders are dropped when there are this many more than :data:`KEPT`."""

NUMBER, BATCH, TS, SYMBOL, QUANTITY, REFERENCE, PURPOSE, STATE, FILLED, COST, FEE, LAST, FORCED = range(13)
"""Rows of :attr:`OrderColumns.data`; meanings as in
:class:`~tuiconsole.execution.order_snapshot.OrderSnapshot`."""

ROWS = 13
"""Attributes of an order."""
_FIRST_CAPACITY = 256

LIVE: BoolArray = np.array([state not in TERMINAL_STATES for state in OrderState])
"""bool ``[n_states]``: may an order in this state still fill?"""


class OrderColumns:
    """A growing matrix of orders with bounded memory.

    Attributes
    ----------
    data
        int64 ``[13, capacity]``; slots from ``n`` on are unused.
    n
        Orders held.
    """

    def __init__(self) -> None:
        self.data: IntArray = np.zeros((ROWS, _FIRST_CAPACITY), dtype=np.int64)
        self.n = 0
        self._gapless = True

    def append(self, batch: OrderBatch, state: OrderState) -> None:
        """Add the orders of ``batch``, whose numbers are above all held; finished old ones may leave."""
        if self.n > KEPT + DROP_BLOCK:
            self._drop()
        end = self.n + len(batch)
        while end > self.data.shape[1]:
            self.data = np.concatenate((self.data, np.zeros_like(self.data)), axis=1)
        new, data = slice(self.n, end), self.data
        data[NUMBER, new], data[BATCH, new], data[TS, new] = batch.number, batch.batch, batch.ts
        data[SYMBOL, new], data[QUANTITY, new] = batch.symbol, batch.quantity
        data[REFERENCE, new], data[PURPOSE, new], data[STATE, new] = (
            batch.reference_price,
            batch.purpose,
            state,
        )
        data[FILLED:, new] = 0
        self.n = end

    def extend(self, rows: IntArray, sizes: list[int]) -> None:
        """Add orders ``[13, n]`` that came in batches of ``sizes``, of which only the last may be unfinished.

        What is kept is what :meth:`append` of each batch, finished before the next, would have kept.
        """
        kept = self.n
        for size in sizes:
            if kept > KEPT + DROP_BLOCK:
                kept = KEPT
            kept += size
        before, end = self.n, self.n + rows.shape[1]
        if kept == end <= self.data.shape[1]:
            self.data[:, before:end] = rows
            self.n = end
        else:
            self.load(np.concatenate((self.data[:, :before], rows), axis=1)[:, end - kept :])

    def slots(self, number: IntArray) -> IntArray | None:
        """Slots of order numbers ``[n]``, or None when any of them is not held."""
        if not number.size:
            return number
        if not self.n:
            return None
        held = self.data[NUMBER, : self.n]
        slots: IntArray
        if self._gapless:
            slots = number - held[0]
            return slots if slots.min() >= 0 and slots.max() < self.n else None
        slots = np.minimum(np.searchsorted(held, number), self.n - 1)
        return slots if bool((held[slots] == number).all()) else None

    def span(self, number: IntArray) -> slice | None:
        """Slots of a few order numbers that follow one another; None when they do not, or are not held."""
        numbers: list[int] = number.tolist()
        if not (self._gapless and self.n and 0 < len(numbers) <= MOST_ORDERS):
            return None
        first = numbers[0] - int(self.data[NUMBER, 0])
        end = first + len(numbers)
        if first < 0 or end > self.n or numbers != list(range(numbers[0], numbers[0] + len(numbers))):
            return None
        return slice(first, end)

    def working(self) -> IntArray:
        """Numbers of the orders that may still fill, oldest first."""
        held = self.data[:, : self.n]
        numbers: IntArray = held[NUMBER, LIVE[held[STATE]]]
        return numbers

    def in_state(self, state: OrderState) -> int:
        """How many orders are in ``state``."""
        return int(np.count_nonzero(self.data[STATE, : self.n] == state))

    def snapshot(self, slot: int) -> OrderSnapshot:
        """The order in ``slot`` as a value."""
        v = self.data[:, slot].tolist()
        return OrderSnapshot(
            number=v[NUMBER],
            batch=v[BATCH],
            ts=v[TS],
            symbol=v[SYMBOL],
            quantity=v[QUANTITY],
            reference_price=v[REFERENCE],
            purpose=Purpose(v[PURPOSE]),
            state=OrderState(v[STATE]),
            filled=v[FILLED],
            cost=v[COST],
            fee=v[FEE],
            last_price=v[LAST],
            forced=bool(v[FORCED]),
        )

    def _drop(self) -> None:
        keep = LIVE[self.data[STATE, : self.n]]
        keep[-KEPT:] = True
        kept = self.data[:, : self.n][:, keep]
        self.n = kept.shape[1]
        self.data[:, : self.n] = kept
        self._note_gaps()

    def _note_gaps(self) -> None:
        held = self.data[NUMBER, : self.n]
        self._gapless = not self.n or bool(held[-1] - held[0] == self.n - 1)

    def copy(self) -> IntArray:
        """The used part of :attr:`data`, copied."""
        return self.data[:, : self.n].copy()

    def load(self, data: IntArray) -> None:
        """Continue from what :meth:`copy` gave."""
        self.n = data.shape[1]
        spare = np.zeros((ROWS, _FIRST_CAPACITY), dtype=np.int64)
        self.data = np.concatenate((data, spare), axis=1)
        self._note_gaps()
