"""What every broker behind requests and a stream needs: nothing waits, nothing is sent twice, silence is no answer.

The engine's loop hands work over and is answered with what is known at that moment; outcomes come later, through an inbox.
Requests are made by two threads with a connection each: one for orders and questions, one for cancels and for what closes
positions after a kill, so that a request that hangs holds up no cancel. A cancel of an order that was not sent yet
withdraws it. Client order ids derive from the desk and the order's number: what got no answer is asked for by that id,
and never sent again.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from tuiconsole.domain.accounts import AccountView, OpenOrder
from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND, Clock
from tuiconsole.domain.events import Fills, OrderUpdates
from tuiconsole.domain.orders import Approved, OrderBatch, OrderEvent
from tuiconsole.domain.types import IntArray
from tuiconsole.execution.brokers.lane import Budget, Lane
from tuiconsole.execution.brokers.remote_orders import (
    Answer,
    Execution,
    Executions,
    RemoteOrder,
    Report,
    Said,
    fills_of,
    updates_of,
)
from tuiconsole.execution.contract import Response
from tuiconsole.risk.approved import admit

_SOON_S, _LONGEST_ASK_S = 0.5, 30.0
_IN_FLIGHT_S = 0.05
_CANCEL_PAUSE_S = 0.25
_QUIET_NS = NANOSECONDS_PER_SECOND
"""An account is told once nothing has moved for so long: a position and its fills come by two ways."""
_TOLD = frozenset({OrderEvent.FILL, OrderEvent.PARTIAL_FILL})


@dataclass(frozen=True, slots=True)
class Handed:
    """One request for new orders: the orders it holds, the first the one that it names.

    Attributes
    ----------
    send
        Makes the request; True asks for the connection of urgent ones.
    """

    orders: tuple[RemoteOrder, ...]
    send: Callable[[bool], Answer]


@dataclass(frozen=True, slots=True)
class Unknown:
    """Orders that the venue does not know, and why."""

    numbers: tuple[int, ...]
    text: str


class RemoteDesk(ABC):
    """The desk's side of one account. A broker says how its venue is asked and what the answers mean.

    Parameters
    ----------
    clock
        Times requests, waits and what is told.
    n_symbols
        Length of the universe.
    per_minute
        Requests that the venue allows in a minute.
    retry_s
        Longest time for which an order that the venue has not taken is tried; then it is rejected.
    """

    def __init__(self, clock: Clock, n_symbols: int, per_minute: int, retry_s: float) -> None:
        self.trouble = "it has not connected yet"
        """Why it does not answer; empty while it does."""
        self.wake: Callable[[], None] = lambda: None
        """Called, from another thread, whenever there is something to drain."""
        self._clock = clock
        self._retry_s = retry_s
        self._budget = Budget(per_minute, clock)
        self._lock = threading.RLock()
        self._inbox: deque[OrderUpdates | Fills] = deque()
        self._orders: dict[int, RemoteOrder] = {}
        self._of_venue: dict[str, int] = {}
        self._executions = Executions()
        self._held: IntArray = np.zeros(n_symbols, dtype=np.int64)
        self._foreign: tuple[OpenOrder, ...] = ()
        self._moved = clock.monotonic_ns()
        self._asked: set[int] = set()
        self._asking = False
        self._epoch = 0
        self._pause_s = _SOON_S
        self._broken = ""
        self._lanes = (
            Lane("broker", clock, self._lane_failed),
            Lane("broker urgent", clock, self._lane_failed),
        )

    # ---- how the venue is asked -----------------------------------------------------------------------------

    @abstractmethod
    def _handed(self, batch: OrderBatch) -> list[Handed | Unknown]:
        """The requests of a batch, and what the venue does not know."""

    @abstractmethod
    def _change(self, order: RemoteOrder, batch: OrderBatch, row: int) -> Callable[[], Answer] | str:
        """The request that changes an order, or why the venue cannot be asked."""

    @abstractmethod
    def _drop(self, venue_id: str) -> Answer:
        """Cancel an order, on the urgent connection."""

    @abstractmethod
    def _find(self, number: int, order: RemoteOrder | None, urgent: bool) -> Answer:
        """An order by our id of it."""

    @abstractmethod
    def _reports(self, body: object) -> list[Report]:
        """The orders in an answer, an order and its legs."""

    @abstractmethod
    def _refresh(self, numbers: Sequence[int]) -> bool:
        """Ask what became of these orders, for executions that were not told, and what is held; False without an answer."""

    # ---- the broker's contract ------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether the venue answers and tells, and was asked what was missed."""
        return not self.trouble and not self._broken

    def submit(self, approved: Approved, immediate: bool = False) -> Response:
        """Hand over a batch: at once only what is refused here is answered, the venue's answers follow.

        Raises
        ------
        NotApproved
            The batch does not come from the risk gate, or asks to be filled at once without being Kill's flatten.
        """
        batch = admit(approved, immediate)
        used = np.array([number in self._orders for number in batch.number.tolist()], dtype=np.bool_)
        used[1:] |= batch.number[1:] <= np.maximum.accumulate(batch.number)[:-1]
        rows = [(number, OrderEvent.REJECTED) for number in batch.number[used].tolist()]
        texts = ["The order number was used before."] if rows else []
        for one in self._handed(batch if not used.any() else batch.take(np.flatnonzero(~used))):
            if isinstance(one, Unknown):
                rows += [(number, OrderEvent.REJECTED) for number in one.numbers]
                texts.append(one.text)
            else:
                self._hand_over(one, immediate)
        order = {number: place for place, number in enumerate(batch.number.tolist())}
        rows.sort(key=lambda row: order[row[0]])
        return Response(updates_of(batch.ts, rows, " ".join(dict.fromkeys(texts))))

    def _hand_over(self, handed: Handed, urgent: bool) -> None:
        with self._lock:
            for order in handed.orders:
                order.waiting = True
                self._orders[order.number] = order
        self._lanes[urgent].post(partial(self._submit, handed, urgent, self._clock.monotonic_ns()))

    def replace(self, approved: Approved) -> Response:
        """Ask for changes: at once only refusals are answered; REPLACED or REPLACE_REJECTED follow.

        Raises
        ------
        NotApproved
            The batch does not come from the risk gate.
        """
        batch, rows, texts = admit(approved), [], []
        for row, number in enumerate(batch.number.tolist()):
            order = self._orders.get(number)
            asked: Callable[[], Answer] | str = (
                "The broker works no such order, or has not answered for it yet."
            )
            if order is not None and order.open and order.venue_id:
                asked = self._change(order, batch, row)
            if isinstance(asked, str):
                rows.append((number, OrderEvent.REPLACE_REJECTED))
                texts.append(asked)
            elif order is not None:
                self._lanes[0].post(partial(self._replace, order, asked, self._clock.monotonic_ns()))
        return Response(updates_of(batch.ts, rows, " ".join(dict.fromkeys(texts))))

    def cancel(self, ts: int, number: IntArray) -> Response:
        """Ask to cancel: withdrawn before it was sent, nothing to cancel, or pending until the venue tells."""
        rows: list[tuple[int, OrderEvent]] = []
        for one in number.tolist():
            twice = any(one == before for before, _ in rows)
            rows.append((one, OrderEvent.CANCEL_REJECTED if twice else self._begin_cancel(one)))
        return Response(updates_of(ts, rows))

    def _begin_cancel(self, number: int) -> OrderEvent:
        with self._lock:
            order = self._orders.get(number)
            if order is not None and order.waiting:
                order.waiting, order.event = False, OrderEvent.CANCELED
                return OrderEvent.CANCELED
            if order is not None and not order.open:
                return OrderEvent.CANCEL_REJECTED
        self._lanes[1].post(partial(self._cancel, number, self._clock.monotonic_ns(), False), urgent=True)
        return OrderEvent.CANCEL_PENDING

    def positions(self) -> IntArray:
        """What is held by the latest word of the venue, a copy."""
        with self._lock:
            return self._held.copy()

    def status(self, ts: int, number: IntArray) -> Response | None:
        """What became of these orders, from what the venue has told; it is asked anew for the next time.

        None until it was asked about every one of them since the line last broke.
        """
        numbers = number.tolist()
        self.ask(numbers)
        with self._lock:
            if not self.connected or not self._asked.issuperset(numbers):
                return None
            known = [order for one in numbers if (order := self._orders.get(one)) is not None and order.known]
            rows = [(order.number, _latest(order)) for order in known]
            fills = [row for order in known for row in self._rows_of(order)]
        text = "as the broker says when asked"
        return Response(updates_of(ts, rows, text), fills_of(ts, fills) if fills else None)

    def working(self) -> IntArray | None:
        """Numbers of orders that may still fill there; None while the line is down."""
        with self._lock:
            if not self.connected:
                return None
            return np.array(
                sorted(order.number for order in self._orders.values() if order.known and order.open),
                dtype=np.int64,
            )

    def account(self) -> AccountView | None:
        """The account by the venue's latest word; None while orders or messages are on their way, or the line is down."""
        with self._lock:
            quiet = self._clock.monotonic_ns() - self._moved >= _QUIET_NS
            flying = any(order.open and not order.known for order in self._orders.values())
            if not self.connected or self._inbox or flying or not quiet:
                return None
            open_ = [order for order in self._orders.values() if order.known and order.open]
            orders = [OpenOrder(one.number, one.symbol, one.quantity, *self._filled_of(one)) for one in open_]
            return AccountView(self._held.copy(), (*orders, *self._foreign))

    def _filled_of(self, order: RemoteOrder) -> tuple[int, int]:
        """Signed quantity filled and its average price."""
        rows = self._rows_of(order)
        filled = sum(execution.quantity for _, execution, _ in rows)
        paid = sum(execution.quantity * execution.price for _, execution, _ in rows)
        return filled, round(paid / filled) if filled else 0

    # ---- beyond the contract --------------------------------------------------------------------------------

    def drain(self) -> list[OrderUpdates | Fills]:
        """What the venue has told since it was last asked, in order."""
        found: list[OrderUpdates | Fills] = []
        while self._inbox:
            found.append(self._inbox.popleft())
        return found

    def ask(self, numbers: Sequence[int] = ()) -> None:
        """Have the venue asked what became of these orders, of all that are open, and what is held."""
        with self._lock:
            if self._asking:
                return
            self._asking = True
        self._lanes[0].post(partial(self._look, tuple(numbers)), urgent=True)

    def settle(self, timeout_s: float) -> bool:
        """Wait until no request is left to make; False when the time is over before."""
        ordinary, urgent = self._lanes
        return ordinary.settle(timeout_s) and urgent.settle(timeout_s)

    def still_open(self) -> tuple[int, ...]:
        """Numbers of the orders that may still fill, as far as is known, those never answered included."""
        with self._lock:
            return tuple(sorted(order.number for order in self._orders.values() if order.open))

    def _close_lanes(self, timeout_s: float) -> bool:
        ended = [lane.close(timeout_s) for lane in self._lanes]
        return all(ended)

    # ---- requests, in a lane --------------------------------------------------------------------------------

    def _submit(self, handed: Handed, urgent: bool, began: int) -> float | None:
        orders = handed.orders
        if self._withdrawn(orders):
            return None
        late = self._since(began) > self._retry_s
        wait = 0.0 if late else self._budget.wait_s(urgent)
        if wait:
            return wait
        with self._lock:
            if self._withdrawn(orders):
                return None
            for order in orders:
                order.waiting = False
        if late:
            self._tell(orders, OrderEvent.REJECTED, f"It could not be sent within {self._retry_s:g} s.")
            return None
        answer = handed.send(urgent)
        if answer.said is Said.LIMITED:
            return self._limited(orders, answer)
        self._answered(handed, answer, urgent)
        return None

    def _limited(self, orders: Sequence[RemoteOrder], answer: Answer) -> float:
        self._budget.hold(answer.after_s)
        with self._lock:
            for order in orders:
                order.waiting = True
        return answer.after_s

    def _answered(self, handed: Handed, answer: Answer, urgent: bool) -> None:
        orders = handed.orders
        if answer.said is Said.DONE:
            self._learn(answer.body)
        elif answer.said is Said.SILENT or self._is_taken(answer):
            self._tell(orders, OrderEvent.TIMED_OUT, f"{answer.text}: it is asked what became of it.")
            self._lanes[urgent].post(
                partial(self._inquire, orders[0], urgent, self._clock.monotonic_ns()), after_s=_SOON_S
            )
        else:
            self._tell(orders, OrderEvent.REJECTED, answer.text)

    def _is_taken(self, answer: Answer) -> bool:
        """Whether a refusal says that the venue has an order of this id already."""
        return False

    def _inquire(self, order: RemoteOrder, urgent: bool, began: int) -> float | None:
        """Ask by our id until the venue knows the order, for a while; the desk goes on asking after that."""
        if order.known:
            return None
        answer = self._find(order.number, order, urgent)
        if answer.said is Said.DONE:
            self._learn(answer.body)
            self.ask([order.number])
            return None
        waited = self._since(began)
        return None if waited > _LONGEST_ASK_S else max(_SOON_S, waited)

    def _replace(self, order: RemoteOrder, send: Callable[[], Answer], began: int) -> float | None:
        wait = self._budget.wait_s()
        if wait:
            return wait
        answer = send()
        if answer.said is Said.LIMITED and self._since(began) < self._retry_s:
            self._budget.hold(answer.after_s)
            return answer.after_s
        if answer.said is Said.DONE:
            self._learn(answer.body)
            self._lanes[0].post(partial(self._check_change, order), after_s=_SOON_S)
        elif answer.said is Said.SILENT:
            self._tell([order], OrderEvent.TIMED_OUT, f"{answer.text}: the change may have been made.")
            self.ask([order.number])
        else:
            self._tell([order], OrderEvent.REPLACE_REJECTED, answer.text)
        return None

    def _cancel(self, number: int, began: int, told: bool) -> float | None:
        order = self._orders.get(number)
        if order is not None and not order.open:
            return None
        in_flight = order is not None and not order.known and not order.venue_id
        if in_flight and self._since(began) < _SOON_S:
            return _IN_FLIGHT_S  # its own request has not been answered yet
        if order is None or not order.venue_id:
            found = self._find(number, order, urgent=True)
            if found.said is not Said.DONE:
                return self._cancel_unanswered(number, found, began)
            self._learn(found.body)
            order = self._orders.get(number)
            if order is None or not order.open:
                self._tell_number(number, OrderEvent.CANCEL_REJECTED, "There is nothing left to cancel.")
                return None
        self._budget.wait_s(urgent=True)
        answer = self._drop(order.venue_id)
        if answer.said is Said.DONE:
            self._lanes[0].post(partial(self._check, number), after_s=_SOON_S)
            return None
        return self._cancel_unanswered(number, answer, began)

    def _cancel_unanswered(self, number: int, answer: Answer, began: int) -> float | None:
        if answer.said in (Said.REFUSED, Said.MISSING):
            self._tell_number(number, OrderEvent.CANCEL_REJECTED, answer.text)
            self.ask([number])
            return None
        if self._since(began) > self._retry_s or answer.said is Said.LOCKED:
            self._tell_number(number, OrderEvent.TIMED_OUT, f"{answer.text}: the cancel was not answered.")
            return None
        return max(_CANCEL_PAUSE_S, min(answer.after_s, 1.0))

    def _check(self, number: int) -> float | None:
        """A cancel that was taken and of which the stream did not tell."""
        order = self._orders.get(number)
        if order is not None and order.open:
            self.ask([number])
        return None

    def _check_change(self, order: RemoteOrder) -> float | None:
        """A change that was taken and of which the stream did not tell."""
        if order.open and order.next_id:
            self.ask([order.number])
        return None

    def _look(self, numbers: tuple[int, ...]) -> float | None:
        with self._lock:
            self._asking, epoch = False, self._epoch
            more = [order.number for order in self._orders.values() if order.open and not order.waiting]
        wanted = sorted({*numbers, *more})
        if self._refresh(wanted):
            with self._lock:
                if epoch == self._epoch:
                    self._asked.update(wanted)
                self._pause_s = _SOON_S
            self.wake()
            return None
        return self._again()

    def _again(self) -> float | None:
        """After a question that got no answer: ask again, unless somebody else does."""
        with self._lock:
            if self._asking:
                return None
            self._asking = True
            pause, self._pause_s = self._pause_s, min(2 * self._pause_s, _LONGEST_ASK_S)
        return pause

    # ---- what the venue tells -------------------------------------------------------------------------------

    def _learn(self, body: object) -> None:
        for report in self._reports(body):
            self._take(report)

    def _take(self, report: Report, text: str = "") -> None:
        """One order as the venue told it; what is news is told on."""
        with self._lock:
            order = self._orders.get(report.number)
            if order is None:
                order = RemoteOrder(report.number, report.symbol, report.quantity, "", report.venue_id)
                self._orders[report.number] = order
            order.waiting = False
            self._of_venue[report.venue_id] = report.number
            if not order.venue_id:
                order.venue_id = report.venue_id
            if report.replaced_by == order.venue_id and report.venue_id not in order.former:
                order.former.append(report.venue_id)
            if report.venue_id in order.former:
                return
            if report.venue_id != order.venue_id and not self._succeeds(order, report):
                return
            if report.replaced_by:
                self._succeed(order, report.replaced_by)
                return
            if report.event is None or report.event == order.event:
                return
            before, order.event = order.event, report.event
            if report.event in _TOLD or (before is not None and report.event == OrderEvent.ACKNOWLEDGED):
                return
            self._tell_number(order.number, report.event, text)

    def _succeeds(self, order: RemoteOrder, report: Report) -> bool:
        """Whether a report of another order of the venue makes it this one's successor."""
        if report.replaces != order.venue_id:
            return False
        if report.event == OrderEvent.REJECTED:
            order.next_id = ""
            self._tell_number(order.number, OrderEvent.REPLACE_REJECTED, "The venue refused the change.")
            return False
        order.next_id = report.venue_id
        if not report.settled or report.event is None:
            return False
        self._succeed(order, report.venue_id)
        return True

    def _succeed(self, order: RemoteOrder, venue_id: str) -> None:
        """The venue works an order under a new id now."""
        order.former.append(order.venue_id)
        order.venue_id, order.next_id = venue_id, ""
        self._of_venue[venue_id] = order.number
        self._tell_number(order.number, OrderEvent.REPLACED)

    def _execute(self, executions: Sequence[Execution]) -> None:
        """Executions of orders that are known; those told before are dropped."""
        with self._lock:
            rows = []
            for execution in executions:
                number = self._of_venue.get(execution.order)
                admitted = self._executions.admit(execution) if number is not None else None
                if number is not None and admitted is not None:
                    order = self._orders[number]
                    order.event = order.event or OrderEvent.ACKNOWLEDGED
                    rows.append((order, execution, admitted))
            if rows:
                self._put(fills_of(max(execution.ts for _, execution, _ in rows), rows))

    def _rows_of(self, order: RemoteOrder) -> list[tuple[RemoteOrder, Execution, int]]:
        own = [*order.former, order.venue_id]
        return [(order, execution, number) for execution, number in self._executions.of(own)]

    def _tell(self, orders: Sequence[RemoteOrder], event: OrderEvent, text: str = "") -> None:
        with self._lock:
            if event == OrderEvent.REJECTED:
                for order in orders:
                    order.event = event
            rows = [(order.number, event) for order in orders]
            self._put(updates_of(self._clock.now_ns(), rows, text))

    def _tell_number(self, number: int, event: OrderEvent, text: str = "") -> None:
        self._put(updates_of(self._clock.now_ns(), [(number, event)], text))

    def _put(self, message: OrderUpdates | Fills) -> None:
        self._moved = self._clock.monotonic_ns()
        self._inbox.append(message)
        self.wake()

    # ---- the line -------------------------------------------------------------------------------------------

    def _line_down(self, trouble: str) -> None:
        """Nothing is told any more: every order has to be asked about again."""
        with self._lock:
            self.trouble = trouble
            self._epoch += 1
            self._asked.clear()
        self.wake()

    def _lane_failed(self, error: Exception) -> None:
        self._broken = f"internal error in the broker ({type(error).__name__})"
        self._line_down(self._broken)

    def _withdrawn(self, orders: Sequence[RemoteOrder]) -> bool:
        """Whether an order that was not sent yet was cancelled; the others of its request end with it."""
        with self._lock:
            if all(order.waiting for order in orders):
                return False
            left = [order for order in orders if order.waiting]
            for order in left:
                order.waiting, order.event = False, OrderEvent.CANCELED
            if left:
                self._tell(
                    left,
                    OrderEvent.CANCELED,
                    "An order that belongs with it was withdrawn before it was sent.",
                )
            return True

    def _since(self, began: int) -> float:
        return (self._clock.monotonic_ns() - began) / NANOSECONDS_PER_SECOND


def _latest(order: RemoteOrder) -> OrderEvent:
    ended = (OrderEvent.CANCELED, OrderEvent.REJECTED, OrderEvent.EXPIRED)
    return order.event if order.event in ended and order.event is not None else OrderEvent.ACKNOWLEDGED
