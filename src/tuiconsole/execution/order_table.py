"""The live-order table: every order of the desk as columns, changed only by the transition table.

The common cases (a batch of new orders, all acknowledged, all filled) are a few array operations. Rows that
are not (duplicates, fills of unknown orders, overfills, busts) go one by one. What a venue *reports* never
raises: the report is kept out of the state, or booked where it is money, and counted, because an odd message
at night must not stop the desk. What the desk *asks* must be legal: a request that the transition table does
not know raises.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from msgspec.structs import replace

from tuiconsole.domain.errors import IllegalTransition, UsageError
from tuiconsole.domain.events import Fills, OrderUpdates
from tuiconsole.domain.money import INT64_MAX, checked_product
from tuiconsole.domain.orders import (
    BY_QUANTITY,
    ILLEGAL,
    TRANSITIONS,
    OrderBatch,
    OrderEvent,
    OrderState,
    Purpose,
    next_state,
)
from tuiconsole.domain.types import BoolArray, CodeArray, IntArray
from tuiconsole.execution.executions import SeenExecutions
from tuiconsole.execution.lent import StretchOrders
from tuiconsole.execution.order_columns import (
    BATCH,
    COST,
    DROP_BLOCK,
    FEE,
    FILLED,
    FORCED,
    KEPT,
    LAST,
    LIVE,
    MOST_ORDERS,
    NUMBER,
    PURPOSE,
    QUANTITY,
    REFERENCE,
    ROWS,
    STATE,
    SYMBOL,
    TS,
    OrderColumns,
)
from tuiconsole.execution.order_snapshot import OrderSnapshot, leaves
from tuiconsole.execution.working_terms import Asked, WorkingTerms

_REQUESTS = (OrderEvent.CANCEL_SENT, OrderEvent.REPLACE_SENT, OrderEvent.WITHHELD)
_REQUEST: BoolArray = np.array([event in _REQUESTS for event in OrderEvent])
_ALL_NEW: CodeArray = np.full(MOST_ORDERS, OrderState.NEW, dtype=np.int8)
_ALL_FILLED: CodeArray = np.full(MOST_ORDERS, OrderState.FILLED, dtype=np.int8)
for _constant in (_ALL_NEW, _ALL_FILLED):
    _constant.flags.writeable = False
_CLOSED = (OrderState.CANCELED, OrderState.EXPIRED, OrderState.REJECTED, OrderState.REPLACED)
_COUNTERS = ("next_number", "fills_total", "duplicates", "late_fills", "overfills", "unexpected")


class OrderTable:
    """Orders by number, with the pending quantity per symbol kept exact at every step.

    Parameters
    ----------
    n_symbols
        Width of the universe, at least 1.

    Attributes
    ----------
    pending
        int64 ``[n_symbols]``: signed scaled quantity of all unfinished orders that may still fill (UNKNOWN
        ones included). Read-only; every change makes a new array, so one that was handed out never changes.
    next_number
        Number the next order gets; numbers count from 1 without gaps.
    fills_total
        Executions booked.
    duplicates
        Executions that were seen before and did not count again.
    late_fills
        Executions booked on orders that had been cancelled, had expired or were otherwise finished.
    overfills
        Executions that took an order beyond its quantity.
    unexpected
        Reports for which the transition table has no row, or that name an order this table does not hold.
    """

    def __init__(self, n_symbols: int) -> None:
        self.pending: IntArray = _frozen(np.zeros(n_symbols, dtype=np.int64))
        self.next_number = 1
        self.fills_total = 0
        self.duplicates = 0
        self.late_fills = 0
        self.overfills = 0
        self.unexpected = 0
        self.terms = WorkingTerms()
        self._orders = OrderColumns()
        self._seen = SeenExecutions()

    def __len__(self) -> int:
        return self._orders.n

    # ---- changes -------------------------------------------------------------------------------------------

    def add(self, batch: OrderBatch, states: OrderState = OrderState.PENDING_NEW) -> None:
        """Take in the approved orders of one decision, all in ``states``.

        Raises
        ------
        ValueError
            The batch's numbers do not continue this table's without a gap.
        """
        count = len(batch)
        if not count:
            return
        numbers = batch.number.tolist()
        if numbers != list(range(self.next_number, self.next_number + count)):
            raise ValueError(f"order numbers must go on from {self.next_number}, were {numbers}")
        self._orders.append(batch, states)
        self.next_number += count
        if batch.terms is not None:
            self._add_terms(batch)
        if LIVE[states]:
            counted = batch.quantity if batch.terms is None else _counted(batch)
            self._move_pending(batch.symbol, counted)

    def _add_terms(self, batch: OrderBatch) -> None:
        self.terms.add(batch)
        if len(self.terms) > KEPT + DROP_BLOCK:
            self.terms.keep(lambda number: self._orders.slots(np.array([number])) is not None)

    def ask_replace(self, number: int, asked: Asked) -> OrderState:
        """Our request to change an order's quantity or terms: it is PENDING_REPLACE until the venue answers.

        What may fill meanwhile is the larger of what is open before and after. Raises :class:`IllegalTransition` when the
        order cannot be changed in its state, or is being changed already.
        """
        slots = self._orders.slots(np.array([number], dtype=np.int64))
        if slots is None or number in self.terms.asked:
            raise IllegalTransition(f"Order {number} is not on this desk, or is being changed already.")
        slot = int(slots[0])
        before = self._open(slot)
        state = next_state(int(self._orders.data[STATE, slot]), OrderEvent.REPLACE_SENT, 0, 1)
        if state != OrderState.PENDING_REPLACE:
            raise IllegalTransition(f"Order {number} is {state.name}: there is nothing left to change.")
        self._orders.data[STATE, slot] = state
        self.terms.asked[number] = asked
        self._moved(slot, before)
        return state

    def update(self, updates: OrderUpdates) -> CodeArray:
        """Apply reports without fills and our own requests.

        Returns
        -------
        int8 ``[n_updates]``
            State of each order after its row; ``UNKNOWN`` for orders this table does not hold.

        Raises
        ------
        IllegalTransition
            One of our own requests (CANCEL_SENT, REPLACE_SENT, WITHHELD) is not possible in the order's
            state. Reports of the venue never raise: one without a row in the transition table leaves the
            order as it is.
        """
        span = self._orders.span(updates.number)
        if span is not None and self._all_new(span, updates.event):
            return self._acknowledge(span)
        slots = self._orders.slots(updates.number)
        if (
            slots is not None
            and _increasing(updates.number)
            and not self.terms.guards
            and not self.terms.asked
        ):
            return self._apply(slots, updates.event)
        states = np.empty(len(updates.number), dtype=np.int8)
        for i in range(len(states)):
            slot = self._orders.slots(updates.number[i : i + 1])
            if slot is None:
                states[i] = self._unknown_order(int(updates.number[i]), int(updates.event[i]))
            elif self.terms.guards or self.terms.asked:
                states[i] = self._change_one(int(slot[0]), int(updates.event[i]))
            else:
                states[i] = self._apply(slot, updates.event[i : i + 1])[0]
        return states

    def fill(self, fills: Fills) -> tuple[Fills, CodeArray]:
        """Book executions; each counts once.

        Fills may come before the acknowledgement, after a cancel, for more than was ordered, or for orders
        this table does not hold: an execution is money, so all of these are booked and counted. A fill
        against the order's own direction is a bust: it takes filled quantity back.

        Returns
        -------
        accepted : Fills
            The executions that count, for the ledger; the same object when all do.
        states : int8 ``[n_accepted]``
            State of each order after the execution.
        """
        whole = self._fill_whole(fills)
        if whole is not None:
            return fills, whole
        checked_product(fills.price, fills.quantity)
        fresh = self._seen.admit(fills.execution)
        if fresh is not None:
            self.duplicates += len(fills) - len(fresh)
            fills = _take(fills, fresh)
        if not fills.quantity.all():
            self.unexpected += int((fills.quantity == 0).sum())
            fills = _take(fills, np.flatnonzero(fills.quantity))
        self.fills_total += len(fills)
        slots = self._orders.slots(fills.number)
        if slots is not None and self._plain(slots, fills) and not self.terms.guards and not self.terms.asked:
            return fills, self._book(slots, fills)
        states = np.empty(len(fills), dtype=np.int8)
        for i in range(len(fills)):
            states[i] = self._book_one(_take(fills, np.array([i])))
        return fills, states

    def absorb(self, stretch: StretchOrders) -> None:
        """Take in the orders of a stretch of bars, approved, acknowledged and filled whole by the next bar, as one by one.

        Only the orders of the last decision may still be working; the caller vouches for all of it.
        """
        rows = np.zeros((ROWS, len(stretch.number)), dtype=np.int64)
        rows[NUMBER], rows[BATCH], rows[TS] = stretch.number, stretch.batch, stretch.ts
        rows[SYMBOL], rows[QUANTITY], rows[REFERENCE] = stretch.symbol, stretch.quantity, stretch.reference
        rows[STATE] = OrderState.NEW
        older = int(np.count_nonzero(stretch.fill_number < self.next_number))
        if older:
            slots = self._orders.slots(stretch.fill_number[:older])
            if slots is None:
                raise ValueError("a stretch filled an order that this table does not hold")
            _fill_rows(self._orders.data, slots, stretch, slice(0, older))
        _fill_rows(rows, stretch.fill_number[older:] - self.next_number, stretch, slice(older, None))
        self._orders.extend(rows, stretch.sizes)
        self._seen.remember(stretch.fill_execution)
        self.next_number += len(stretch.number)
        self.fills_total += len(stretch.fill_number)
        pending: IntArray = np.zeros_like(self.pending)
        working = rows[:, rows[STATE] == OrderState.NEW]
        pending[working[SYMBOL]] = working[QUANTITY]
        self.pending = _frozen(pending)

    # ---- looking -------------------------------------------------------------------------------------------

    def working(self) -> IntArray:
        """Numbers of all unfinished orders, oldest first; UNKNOWN ones included."""
        return self._orders.working()

    def most(self, number: int) -> int:
        """The signed scaled quantity that order ``number`` may fill in all: while a change is asked for, the larger of both."""
        quantity, asked = self.row(number).quantity, self.terms.asked.get(number)
        return quantity if asked is None else max(quantity, asked.quantity, key=abs)

    def unknown(self) -> int:
        """How many orders were sent and not heard of since."""
        return self._orders.in_state(OrderState.UNKNOWN)

    def row(self, number: int) -> OrderSnapshot:
        """The order ``number``; raises :class:`UsageError` when it never was, or was finished long ago."""
        slots = self._orders.slots(np.array([number], dtype=np.int64))
        if slots is None:
            what = f"Order {number} is not in the live-order table."
            raise UsageError(
                what, f"Numbers run to {self.next_number - 1}; finished ones leave the table in time."
            )
        return self._snapshot(int(slots[0]))

    def recent(self, offset: int, count: int) -> list[OrderSnapshot]:
        """Up to ``count`` orders, newest first, after skipping ``offset``; both non-negative."""
        last = self._orders.n - offset
        return [self._snapshot(slot) for slot in range(last - 1, max(0, last - count) - 1, -1)]

    def _snapshot(self, slot: int) -> OrderSnapshot:
        found = self._orders.snapshot(slot)
        return dataclasses.replace(found, terms=self.terms.of(found.number)) if len(self.terms) else found

    def exits(self) -> IntArray | None:
        """What working protective orders may still close: int64 ``[n_symbols]`` signed scaled quantity; None without any.

        Orders that cancel each other count once, and one that waits for another order's fills counts as far as that filled.
        """
        if not self.terms.guards:
            return None
        self.terms.guards = [number for number in self.terms.guards if self._working_guard(number)]
        largest: dict[tuple[int, int], int] = {}
        for number in self.terms.guards:
            order = self.row(number)
            size, parent = order.leaves, order.terms.parent
            if parent:
                released = self._filled_of(parent)
                size = max(-released, min(released, size)) if released else 0
            key = (order.symbol, order.terms.oco or -number)
            largest[key] = max(size, largest.get(key, 0), key=abs)
        if not any(largest.values()):
            return None
        found = np.zeros(len(self.pending), dtype=np.int64)
        for (symbol, _), size in largest.items():
            found[symbol] += size
        return found

    def _working_guard(self, number: int) -> bool:
        slots = self._orders.slots(np.array([number], dtype=np.int64))
        return slots is not None and bool(LIVE[self._orders.data[STATE, int(slots[0])]])

    def _filled_of(self, number: int) -> int:
        slots = self._orders.slots(np.array([number], dtype=np.int64))
        return INT64_MAX if slots is None else abs(int(self._orders.data[FILLED, int(slots[0])]))

    # ---- small batches, all alike --------------------------------------------------------------------------

    def _all_new(self, span: slice, event: CodeArray) -> bool:
        """Whether these are acknowledgements, and of orders that wait for just that."""
        waiting = self._orders.data[STATE : FILLED + 1, span]
        return not np.count_nonzero(event) and not np.count_nonzero(
            waiting
        )  # ACKNOWLEDGED and PENDING_NEW are 0

    def _acknowledge(self, span: slice) -> CodeArray:
        self._orders.data[STATE, span] = OrderState.NEW
        return _ALL_NEW[: span.stop - span.start]

    def _fill_whole(self, fills: Fills) -> CodeArray | None:
        """Book first executions, each of a whole working order; None (and nothing booked) when any is not that."""
        orders = self._orders
        span = orders.span(fills.number)
        if span is None or fills.forced or self.terms.guards or self.terms.asked:
            return None
        held = orders.data[:, span]
        if (
            held[STATE].tolist() != [OrderState.NEW] * held.shape[1]
            or np.count_nonzero(held[FILLED])
            or (quantity := fills.quantity.tolist()) != held[QUANTITY].tolist()
            or fills.symbol.tolist() != held[SYMBOL].tolist()
        ):
            return None
        cost = [p * q for p, q in zip(fills.price.tolist(), quantity, strict=True)]
        if max(cost) > INT64_MAX or min(cost) < -INT64_MAX or not self._seen.admit_new(fills.execution):
            return None
        held[STATE], held[FILLED], held[COST] = OrderState.FILLED, fills.quantity, cost
        held[FEE], held[LAST] = fills.fee, fills.price
        self.fills_total += len(quantity)
        self._move_pending(fills.symbol, -fills.quantity)
        return _ALL_FILLED[: len(quantity)]

    # ---- whole batches -------------------------------------------------------------------------------------

    def _apply(self, slots: IntArray, event: CodeArray) -> CodeArray:
        """Events on distinct orders."""
        data = self._orders.data
        before = data[STATE, slots]
        after: CodeArray = TRANSITIONS[before, event]
        if after.size and after.min() < 0:
            after = self._resolve(slots, before, event, after)
        data[STATE, slots] = after
        changed = LIVE[after] * 1 - LIVE[before]
        if changed.any():
            open_ = data[QUANTITY, slots] - data[FILLED, slots]
            open_ *= np.sign(open_) == np.sign(data[QUANTITY, slots])
            self._move_pending(data[SYMBOL, slots], changed * open_)
        return after

    def _resolve(self, slots: IntArray, before: IntArray, event: CodeArray, after: CodeArray) -> CodeArray:
        """Rows that follow from the quantity filled, and rows that the table does not have."""
        illegal = after == ILLEGAL
        if illegal.any():
            wrong = np.flatnonzero(illegal & _REQUEST[event])
            if len(wrong):
                row = int(wrong[0])
                next_state(int(before[row]), int(event[row]), 0, 1)
            self.unexpected += int(illegal.sum())
            after = np.where(illegal, before, after).astype(np.int8)
        filled, quantity = (
            np.abs(self._orders.data[FILLED, slots]),
            np.abs(self._orders.data[QUANTITY, slots]),
        )
        state = np.where(filled >= quantity, OrderState.FILLED, OrderState.PARTIALLY_FILLED)
        state = np.where(filled == 0, OrderState.NEW, state)
        return np.where(after == BY_QUANTITY, state, after).astype(np.int8)

    def _plain(self, slots: IntArray, fills: Fills) -> bool:
        """Whether every fill is of a distinct order, in its direction and symbol, and within its quantity."""
        data, quantity = self._orders.data, fills.quantity
        ordered = data[QUANTITY, slots]
        side = np.sign(ordered)
        return bool(
            _increasing(fills.number)
            and (side * quantity > 0).all()
            and (side * (data[FILLED, slots] + quantity - ordered) <= 0).all()
            and (data[SYMBOL, slots] == fills.symbol).all()
        )

    def _book(self, slots: IntArray, fills: Fills) -> CodeArray:
        """Plain fills of distinct orders."""
        data, quantity = self._orders.data, fills.quantity
        before, filled = data[STATE, slots], data[FILLED, slots] + quantity
        event = np.where(filled == data[QUANTITY, slots], OrderEvent.FILL, OrderEvent.PARTIAL_FILL)
        after: CodeArray = TRANSITIONS[before, event]
        data[STATE, slots] = after
        data[FILLED, slots] = filled
        self._pay(slots, fills)
        live = LIVE[before]
        if live.all():
            self._move_pending(fills.symbol, -quantity)
        else:
            self.late_fills += len(live) - int(live.sum())
            self._move_pending(fills.symbol, -quantity * live)
        return after

    def _pay(self, slots: IntArray, fills: Fills) -> None:
        data = self._orders.data
        data[COST, slots] += fills.price * fills.quantity
        data[FEE, slots] += fills.fee
        data[LAST, slots] = fills.price
        if fills.forced:
            data[FORCED, slots] = 1

    # ---- one by one ----------------------------------------------------------------------------------------

    def _book_one(self, fill: Fills) -> int:
        """Any single fill, however odd; returns the order's state after it."""
        slots = self._orders.slots(fill.number)
        quantity = int(fill.quantity[0])
        if slots is None:
            self.unexpected += 1
            return int(OrderState.UNKNOWN)
        slot = int(slots[0])
        special = self.terms.guards or self.terms.asked
        if not special and self._plain(slots, fill):
            return int(self._book(slots, fill)[0])
        before = self._open(slot)
        state, ordered, held, symbol = (
            int(self._orders.data[row, slot]) for row in (STATE, QUANTITY, FILLED, SYMBOL)
        )
        self.unexpected += symbol != int(fill.symbol[0])
        filled = held + quantity
        if (quantity > 0) != (ordered > 0):
            event = OrderEvent.BUSTED
            if filled and (filled > 0) != (ordered > 0):
                filled = 0
                self.unexpected += 1
        else:
            event = OrderEvent.FILL if abs(filled) >= abs(ordered) else OrderEvent.PARTIAL_FILL
            self.late_fills += not LIVE[state]
            asked = self.terms.asked.get(int(fill.number[0]))
            self.overfills += abs(filled) > max(abs(ordered), abs(asked.quantity) if asked else 0)
        after = self._next_or_same(state, event, abs(filled), abs(ordered))
        self._orders.data[STATE, slot] = after
        self._orders.data[FILLED, slot] = filled
        self._pay(slots, fill)
        self._moved(slot, before)
        return after

    def _change_one(self, slot: int, event: int) -> int:
        """Any single report without a fill, on a table with replacements or protective orders."""
        data, number = self._orders.data, int(self._orders.data[NUMBER, slot])
        before = self._open(slot)
        if event == OrderEvent.REPLACED:
            asked = self.terms.take_over(number)
            if asked is not None:
                data[QUANTITY, slot] = asked.quantity
        elif event == OrderEvent.REPLACE_REJECTED:
            self.terms.asked.pop(number, None)
        self._apply_state(slot, event)
        if int(data[STATE, slot]) in _CLOSED:
            self.terms.asked.pop(number, None)
        self._moved(slot, before)
        return int(data[STATE, slot])

    def _apply_state(self, slot: int, event: int) -> None:
        data = self._orders.data
        state, filled, quantity = (int(data[row, slot]) for row in (STATE, FILLED, QUANTITY))
        if _REQUEST[event]:
            data[STATE, slot] = next_state(state, event, abs(filled), abs(quantity))
        else:
            data[STATE, slot] = self._next_or_same(state, event, abs(filled), abs(quantity))

    def _open(self, slot: int) -> int:
        """What of an order counts as pending: nothing for a protective one; while it is replaced, the larger of both."""
        data = self._orders.data
        number, state, quantity, filled, purpose = (
            int(data[row, slot]) for row in (NUMBER, STATE, QUANTITY, FILLED, PURPOSE)
        )
        if purpose == Purpose.PROTECTIVE:
            return 0
        now = leaves(state, quantity, filled)
        asked = self.terms.asked.get(number)
        if asked is None:
            return now
        granted = asked.quantity - filled
        return max(now, granted, key=abs) if granted * quantity > 0 else now

    def _moved(self, slot: int, before: int) -> None:
        move = self._open(slot) - before
        if move:
            self._move_pending(self._orders.data[SYMBOL, slot : slot + 1], np.array([move]))

    def _next_or_same(self, state: int, event: int, filled: int, quantity: int) -> int:
        if TRANSITIONS[state, event] == ILLEGAL:
            self.unexpected += 1
            return state
        return int(next_state(state, event, filled, quantity))

    def _unknown_order(self, number: int, event: int) -> int:
        if _REQUEST[event]:
            raise IllegalTransition(
                f"Order {number} is not on this desk, so {OrderEvent(event).name} is impossible."
            )
        self.unexpected += 1
        return int(OrderState.UNKNOWN)

    # ---- memory --------------------------------------------------------------------------------------------

    def _move_pending(self, symbol: IntArray, quantity: IntArray) -> None:
        pending = self.pending.copy()
        np.add.at(pending, symbol, quantity)
        self.pending = _frozen(pending)

    def state(self) -> dict[str, Any]:
        """Everything needed to go on, copied."""
        counters: dict[str, Any] = {name: getattr(self, name) for name in _COUNTERS}
        return {
            **counters,
            "orders": self._orders.copy(),
            "pending": self.pending.copy(),
            "seen": self._seen.state(),
            "terms": self.terms.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`, bit for bit."""
        for name in _COUNTERS:
            setattr(self, name, int(state[name]))
        self._orders.load(state["orders"])
        self.pending = _frozen(state["pending"].copy())
        self._seen.restore(state["seen"])
        self.terms.restore(state["terms"])


def _counted(batch: OrderBatch) -> IntArray:
    """The quantities that count as pending: all but those of protective orders."""
    counted: IntArray = batch.quantity * (batch.purpose != Purpose.PROTECTIVE)
    return counted


def _fill_rows(rows: IntArray, slots: IntArray, stretch: StretchOrders, some: slice) -> None:
    """Whole fills of the orders in ``slots``."""
    quantity, price = stretch.fill_quantity[some], stretch.fill_price[some]
    rows[STATE, slots], rows[FILLED, slots] = OrderState.FILLED, quantity
    rows[COST, slots], rows[FEE, slots], rows[LAST, slots] = price * quantity, stretch.fill_fee[some], price


def _increasing(number: IntArray) -> bool:
    return len(number) < 2 or bool((number[1:] > number[:-1]).all())


def _frozen(array: IntArray) -> IntArray:
    array.flags.writeable = False
    return array


def _take(fills: Fills, rows: IntArray) -> Fills:
    """The executions at ``rows``."""
    return replace(
        fills,
        number=fills.number[rows],
        symbol=fills.symbol[rows],
        quantity=fills.quantity[rows],
        price=fills.price[rows],
        fee=fills.fee[rows],
        costs=fills.costs[:, rows],
        execution=fills.execution[rows],
    )
