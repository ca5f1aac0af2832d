"""A broker behind a bad line: it loses, repeats, delays and reorders what it is told and what it tells.

What truly happened is the exchange's business (:mod:`tuiconsole.engine.simulated_exchange`). The broker goes on when the
desk dies; what it tells a dead desk is lost.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tuiconsole.domain.accounts import AccountView, OpenOrder
from tuiconsole.domain.events import Fills, OrderUpdates
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.market import Bars
from tuiconsole.domain.orders import Approved, OrderBatch, OrderEvent
from tuiconsole.domain.rng import generator
from tuiconsole.domain.types import IntArray
from tuiconsole.engine.simulated_exchange import HeldOrder, SimulatedExchange
from tuiconsole.engine.simulated_faults import FaultRates
from tuiconsole.execution.contract import Response
from tuiconsole.risk.approved import admit

_LONGEST_DELAY = 5
_LONGEST_OUTAGE = 12
_BUSTS_REACH = 8
_COLUMNS = ("number", "symbol", "quantity", "price", "fee", "execution")

Message = OrderUpdates | Fills


class SimulatedBroker:
    """Keeps the contract of :class:`~tuiconsole.execution.contract.RemoteBroker`; market orders only.

    Parameters
    ----------
    seed
        Of every fault and of the sizes of fills.

    Attributes
    ----------
    sent
        Told of every batch handed over, before anything becomes of it.
    connected
        Whether the line is up.
    exchange
        What truly happened.
    repeated
        Orders that were handed over again after they had been taken.
    """

    def __init__(
        self,
        universe: Universe,
        rates: FaultRates,
        seed: int,
    ) -> None:
        self.connected = True
        self.repeated = 0
        self.exchange = SimulatedExchange(universe, generator(seed, "simulation", "fills"), rates.partial)
        self._rates = rates
        self._rng = generator(seed, "simulation", "broker faults")
        self.sent: Callable[[OrderBatch], None] | None = None
        self._bar = 0
        self._ts = 0
        self._down_until = 0
        self._travelling: list[tuple[int, OrderBatch, int]] = []
        self._queue: list[tuple[int, float, Message]] = []

    # ---- the broker's contract ------------------------------------------------------------------------------

    def submit(self, approved: Approved, immediate: bool = False) -> Response:
        """Take a batch, order by order: taken, refused, lost on the way, or no answer.

        Raises
        ------
        NotApproved
            The batch does not come from the risk gate, or asks to be filled at once without being Kill's flatten.
        """
        batch = admit(approved, immediate)
        if self.sent is not None:
            self.sent(batch)
        events = [self._receive(batch, row) for row in range(len(batch))]
        text = "" if all(event == OrderEvent.ACKNOWLEDGED for event in events) else "see each order"
        return Response(OrderUpdates(batch.ts, batch.number, np.array(events, dtype=np.int8), text))

    def _receive(self, batch: OrderBatch, row: int) -> OrderEvent:
        if not self.connected or self._happens(self._rates.lost_request):
            return OrderEvent.TIMED_OUT
        if self._happens(self._rates.late_request):
            self._travelling.append((self._bar + self._delay(), batch, row))
            return OrderEvent.TIMED_OUT
        event = self._take(batch, row)
        if self._happens(self._rates.lost_answer):
            if self._happens(0.5):
                self._tell_event(int(batch.number[row]), event, self._delay())
            return OrderEvent.TIMED_OUT
        return event

    def _take(self, batch: OrderBatch, row: int) -> OrderEvent:
        if int(batch.number[row]) in self.exchange.orders:
            self.repeated += 1
            return OrderEvent.REJECTED
        market = batch.terms is None or batch.terms.at(row).plain
        if not market or self._happens(self._rates.reject):
            self.exchange.refuse(batch, row)
            return OrderEvent.REJECTED
        self.exchange.place(batch, row)
        return OrderEvent.ACKNOWLEDGED

    def replace(self, approved: Approved) -> Response:
        """Market orders have nothing to change: refused.

        Raises
        ------
        NotApproved
            The batch does not come from the risk gate.
        """
        number = admit(approved).number
        event = np.full(len(number), OrderEvent.REPLACE_REJECTED, dtype=np.int8)
        return Response(OrderUpdates(approved.batch.ts, number, event, "only market orders are taken here"))

    def cancel(self, ts: int, number: IntArray) -> Response:
        """Cancel orders: done, too late, or no answer."""
        events = [self._cancel(int(one)) for one in number]
        text = "" if all(event == OrderEvent.CANCELED for event in events) else "see each order"
        return Response(OrderUpdates(ts, number, np.array(events, dtype=np.int8), text))

    def _cancel(self, number: int) -> OrderEvent:
        if not self.connected or self._happens(self._rates.lost_request):
            return OrderEvent.TIMED_OUT
        order = self.exchange.open.get(number)
        event = OrderEvent.CANCEL_REJECTED
        if order is not None:
            if self._happens(self._rates.late_fill) and self._ts:
                self._tell(self.exchange.trade(order, part=True), self._delay())
            if not order.closed:
                self.exchange.close(order, "canceled")
                event = OrderEvent.CANCELED
        return OrderEvent.TIMED_OUT if self._happens(self._rates.lost_answer) else event

    def account(self) -> AccountView:
        """Positions and working orders as they truly are; of cash it does not tell."""
        held = self.exchange.open.values()
        orders = [OpenOrder(order.number, order.symbol, order.quantity, order.filled) for order in held]
        return AccountView(self.positions(), tuple(orders))

    def positions(self) -> IntArray:
        """What is truly held, a copy."""
        return self.exchange.position.copy()

    def status(self, ts: int, number: IntArray) -> Response | None:
        """What became of these orders; None while the line is down."""
        if not self.connected:
            return None
        known = [self.exchange.orders[one] for one in number.tolist() if one in self.exchange.orders]
        executions = [fills for order in known for fills in order.executions]
        numbers = np.array([order.number for order in known], dtype=np.int64)
        event = np.array([_latest(order) for order in known], dtype=np.int8)
        return Response(
            OrderUpdates(ts, numbers, event, "as the broker says when asked"),
            joined(executions, ts) if executions else None,
        )

    def working(self) -> IntArray | None:
        """Orders that may still fill; None while the line is down."""
        return np.array(sorted(self.exchange.open), dtype=np.int64) if self.connected else None

    # ---- the world ------------------------------------------------------------------------------------------

    def on_bar(self, bars: Bars) -> None:
        """A true bar goes by: the line changes, late orders arrive, orders trade, a fill may be taken back."""
        self._bar += 1
        self._ts = bars.ts
        if self.connected and self._happens(self._rates.disconnect):
            self.connected, self._down_until = (
                False,
                self._bar + int(self._rng.integers(1, _LONGEST_OUTAGE + 1)),
            )
            self._queue.clear()
        elif self._bar >= self._down_until:
            self.connected = True
        for fills in self.exchange.on_bar(bars):
            self._tell(fills)
        self._arrive()
        if self._happens(self._rates.bust) and self.exchange.executions:
            recent = self.exchange.executions[-_BUSTS_REACH:]
            fills = recent[int(self._rng.integers(len(recent)))]
            if int(fills.quantity[0]) and abs(self.exchange.orders[int(fills.number[0])].filled):
                self._tell(joined([fills, self.exchange.bust(fills)], self._ts))
                self.exchange.executions = [one for one in self.exchange.executions if one is not fills]
                self._tell_event(int(fills.number[0]), OrderEvent.CANCELED)

    def _arrive(self) -> None:
        arrived = [item for item in self._travelling if item[0] <= self._bar]
        self._travelling = [item for item in self._travelling if item[0] > self._bar]
        for _, batch, row in arrived:
            self._tell_event(int(batch.number[row]), self._take(batch, row))

    def due(self) -> list[Message]:
        """What reaches the desk now, in the order of its arrival."""
        now = sorted((item for item in self._queue if item[0] <= self._bar), key=lambda item: item[:2])
        self._queue = [item for item in self._queue if item[0] > self._bar]
        return [message for _, _, message in now]

    @property
    def silent(self) -> bool:
        """Whether nothing is on its way in either direction."""
        return not self._queue and not self._travelling

    def hang_up(self) -> None:
        """The desk died: half of what is on its way to it is lost."""
        self._queue = [item for item in self._queue if self._happens(0.5)]

    def calm_down(self) -> None:
        """From now on nothing goes wrong any more."""
        self._rates = FaultRates.none()
        self._down_until = 0

    # ---- telling --------------------------------------------------------------------------------------------

    def _tell_event(self, number: int, event: OrderEvent, delay: int = 0) -> None:
        self._tell(OrderUpdates(self._ts, np.array([number]), np.array([event], dtype=np.int8)), delay)

    def _tell(self, message: Message, delay: int = 0) -> None:
        if not self.connected or self._happens(self._rates.drop):
            return
        for _ in range(2 if self._happens(self._rates.repeat) else 1):
            late = self._delay() if self._happens(self._rates.postpone) else delay
            self._queue.append((self._bar + late, float(self._rng.random()), message))

    def _delay(self) -> int:
        return int(self._rng.integers(1, _LONGEST_DELAY + 1))

    def _happens(self, rate: float) -> bool:
        return bool(self._rng.random() < rate)


def _latest(order: HeldOrder) -> OrderEvent:
    if order.closed == "canceled":
        return OrderEvent.CANCELED
    return OrderEvent.REJECTED if order.closed == "rejected" else OrderEvent.ACKNOWLEDGED


def joined(executions: list[Fills], ts: int) -> Fills:
    """Single executions, at least one, as one event."""
    number, symbol, quantity, price, fee, execution = (
        np.concatenate([getattr(one, name) for one in executions]) for name in _COLUMNS
    )
    costs = np.concatenate([one.costs for one in executions], axis=1)
    return Fills(ts, number, symbol, quantity, price, fee, costs, execution)
