"""The paper venue on quotes and order books: market orders walk the displayed depth, limit orders wait in their queues.

Everything happens on the desk's own time line. A message of the feed is seen ``feed_ns`` after it was true, an order is on
its way for ``submit_ns``: what is sent at ``t`` meets the book that is seen at ``t + submit_ns + feed_ns``, and its reports
come with the market data of that moment. So an order sent on a quote never meets that very quote when there is latency.

Orders whose time has come meet the book as it stood before the message at hand; then the message is taken in. The same
messages and orders give the same fills, always.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import msgspec
import numpy as np

from tuiconsole.domain.accounts import AccountView, OpenOrder
from tuiconsole.domain.books import BookBroken, BookEvent, DepthUpdate, TopQuote, TradePrint
from tuiconsole.domain.clock import NANOSECONDS_PER_DAY
from tuiconsole.domain.costs import CostPart
from tuiconsole.domain.events import Charges, Fills, OrderUpdates
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.order_book import BID
from tuiconsole.domain.order_terms import PLAIN, Terms
from tuiconsole.domain.orders import Approved, OrderBatch, OrderEvent
from tuiconsole.domain.types import CodeArray, FloatArray, IntArray
from tuiconsole.execution.auctions import Uncrossing
from tuiconsole.execution.book_costs import BookCosts
from tuiconsole.execution.book_matching import BookMarket, Execution, Report, Step
from tuiconsole.execution.book_order import BookOrder
from tuiconsole.execution.borrow import Borrow
from tuiconsole.execution.contract import Response
from tuiconsole.execution.queue_position import queue_model
from tuiconsole.execution.settings import BookVenueSettings
from tuiconsole.risk.approved import admit

TERMINAL_EVENTS = (OrderEvent.CANCELED, OrderEvent.EXPIRED)
Happened = list[OrderUpdates | Fills]
"""What a moment brought, in its order: reports of orders, and fills."""


class _Request(NamedTuple):
    """What is on its way to the market: new orders of one batch, or a change (``terms``) or cancel of order ``number``."""

    due: int
    orders: tuple[BookOrder, ...] = ()
    number: int = 0
    total: int = 0
    terms: Terms | None = None


class BookVenue:
    """A venue for one universe; keeps the contract of :class:`~tuiconsole.execution.contract.Broker`.

    Parameters
    ----------
    universe
        Who may be traded. Feeds name their symbols as the universe does, and scale prices and sizes as its instruments do.
    settings
        Fees, latency and queues; the defaults when None.
    borrow_annual_bps
        What holding a short costs per year, in basis points of its value.
    """

    def __init__(
        self, universe: Universe, settings: BookVenueSettings | None = None, borrow_annual_bps: float = 0.0
    ) -> None:
        chosen = settings or BookVenueSettings()
        self._universe = universe
        self._markets = [
            BookMarket(queue_model(chosen.queue, chosen.queue_power, float(item.quantity_scale)), item.tick)
            for item in universe.instruments
        ]
        self._costs = BookCosts(universe, chosen)
        self._to_market_ns = chosen.submit_ns + chosen.feed_ns
        self._cancel_ns = chosen.cancel_ns + chosen.feed_ns
        self._beyond = chosen.beyond_depth_bps / 1e4
        self._borrow = Borrow(universe, borrow_annual_bps)
        self.due: Charges | None = None
        """Borrow that fell due with the last moment."""
        self._position: IntArray = np.zeros(len(universe), dtype=np.int64)
        self._middle: FloatArray = np.full(len(universe), np.nan)
        self._coming: deque[_Request] = deque()
        self._where: dict[int, int] = {}
        self._steps: list[Step] = []
        self._highest = 0
        self._next_execution = 1
        self._day = 0
        self._short = False

    # ---- the broker's contract -----------------------------------------------------------------------------

    def submit(self, approved: Approved, immediate: bool = False) -> Response:
        """Take a batch: acknowledged and on its way, or (``immediate``) acknowledged and filled at once.

        An order number not above all earlier ones is answered REJECTED; so is, when ``immediate``, an order in a symbol of
        which no price was ever seen. Immediate fills walk the displayed book; what it does not hold is filled worse than
        its last price, see ``beyond_depth_bps``.

        Raises
        ------
        NotApproved
            The batch does not come from the risk gate, or asks to be filled at once without being Kill's flatten.
        """
        batch = admit(approved, immediate)
        event: CodeArray = np.full(len(batch), OrderEvent.REJECTED, dtype=np.int8)
        taken: list[BookOrder] = []
        text = ""
        for row, order in enumerate(_orders(batch)):
            if order.number <= self._highest:
                text = "order number was used before"
                continue
            if immediate and not self._middle[order.symbol] > 0.0:
                text = text or "no price was ever seen"
                continue
            self._highest = order.number
            event[row] = OrderEvent.ACKNOWLEDGED
            taken.append(order)
        updates = OrderUpdates(batch.ts, batch.number, event, text)
        if immediate:
            return Response(updates, self._force(batch.ts, taken))
        if taken:
            self._coming.append(_Request(batch.ts + self._to_market_ns, tuple(taken)))
            self._where.update((order.number, order.symbol) for order in taken)
        return Response(updates)

    def replace(self, approved: Approved) -> Response:
        """Ask to change orders: REPLACED or REPLACE_REJECTED at once; with latency REPLACE_PENDING, and the answer follows.

        Raises
        ------
        NotApproved
            The batch does not come from the risk gate.
        """
        batch = admit(approved)
        event: CodeArray = np.full(len(batch), OrderEvent.REPLACE_REJECTED, dtype=np.int8)
        for row, change in enumerate(_orders(batch)):
            if change.number not in self._where or not change.terms.revision:
                continue
            request = _Request(
                batch.ts + self._to_market_ns, (), change.number, change.side * change.total, change.terms
            )
            if self._to_market_ns:
                self._coming.append(request)
                event[row] = OrderEvent.REPLACE_PENDING
            else:
                event[row], steps = self._change(request)
                self._note(steps)
        late = bool((event == OrderEvent.REPLACE_REJECTED).any())
        return Response(OrderUpdates(batch.ts, batch.number, event, "too late to change" if late else ""))

    def cancel(self, ts: int, number: IntArray) -> Response:
        """Cancel orders: CANCELED or CANCEL_REJECTED at once; with latency CANCEL_PENDING, and the answer follows.

        Orders that waited for a cancelled one end with it; their reports stand after those asked for.
        """
        answers: list[tuple[int, int]] = []
        ended: list[tuple[int, int]] = []
        for wanted in number.tolist():
            if wanted not in self._where:
                answers.append((wanted, OrderEvent.CANCEL_REJECTED))
            elif self._cancel_ns:
                self._coming.append(_Request(ts + self._cancel_ns, (), wanted))
                answers.append((wanted, OrderEvent.CANCEL_PENDING))
            else:
                gone = self._take_out(wanted)
                answers.append((wanted, OrderEvent.CANCELED))
                ended += [(other, OrderEvent.CANCELED) for other in gone[1:]]
        table = np.array([*answers, *ended], dtype=np.int64).reshape(-1, 2)
        text = "" if OrderEvent.CANCEL_REJECTED not in table[:, 1] else "nothing left to cancel"
        return Response(OrderUpdates(ts, table[:, 0].copy(), table[:, 1].astype(np.int8), text))

    def positions(self) -> IntArray:
        """The sum of all fills per symbol: int64 ``[n_symbols]``, signed scaled quantity, a copy."""
        return self._position.copy()

    def account(self) -> AccountView:
        """What is held, and every order that may still fill, those on their way included."""
        sent = [order for request in self._coming for order in request.orders]
        working = [order for market in self._markets for order in market.orders.values()]
        told = {}
        for order in (*sent, *working):
            side = 1 if order.side == BID else -1
            if order.number in self._where:
                told[order.number] = OpenOrder(
                    order.number, order.symbol, side * order.total, side * order.filled
                )
        return AccountView(self.positions(), tuple(told.values()))

    # ---- the market ----------------------------------------------------------------------------------------

    def on_event(self, event: BookEvent) -> Happened:
        """Take in a message of the feed; symbols that are not of the universe are passed over."""
        if isinstance(event, TradePrint):
            return self.on_trade(event)
        if isinstance(event, BookBroken):
            return self._at(event.ts, event.symbol, BookMarket.lose)
        if isinstance(event, TopQuote):
            return self.on_quote(event)
        return self.on_book(event)

    def on_book(self, update: DepthUpdate) -> Happened:
        """The displayed book changed."""
        return self._at(update.ts, update.symbol, lambda market: market.on_depth(update))

    def on_quote(self, quote: TopQuote) -> Happened:
        """A best quote: a book of one level, for symbols of which the feed tells no more than that."""
        return self._at(quote.ts, quote.symbol, lambda market: market.on_quote(quote))

    def on_trade(self, trade: TradePrint) -> Happened:
        """The market traded."""
        return self._at(trade.ts, trade.symbol, lambda market: market.on_trade(trade))

    def advance(self, ts: int) -> Happened:
        """Time passes without a message: requests that are due by ``ts`` arrive, orders whose time is over end."""
        return self._at(ts, "", None)

    def halt(self, ts: int, symbol: str) -> Happened:
        """Trading in ``symbol`` stops; orders for at once are given up, the others rest. Cancels are taken."""
        return self._at(ts, symbol, BookMarket.halt)

    def resume(self, ts: int, symbol: str) -> Happened:
        """Trading in ``symbol`` goes on."""
        return self._at(ts, symbol, BookMarket.resume)

    def call(self, ts: int, symbol: str) -> Happened:
        """An auction in ``symbol`` begins: orders are collected."""
        return self._at(ts, symbol, BookMarket.call)

    def uncross(self, ts: int, symbol: str) -> tuple[Uncrossing, Happened]:
        """The auction in ``symbol`` ends, and continuous trading begins."""
        found: list[Uncrossing] = []

        def uncrossed(market: BookMarket) -> list[Step]:
            result, steps = market.uncross()
            found.append(result)
            return steps

        happened = self._at(ts, symbol, uncrossed)
        return found[0], happened

    def _at(self, ts: int, symbol: str, act: Callable[[BookMarket], list[Step]] | None) -> Happened:
        self._pass_to(ts)
        if self._coming:
            self._arrivals(ts)
        for column in set(self._where.values()):
            self._note(self._markets[column].expire(ts))
        place = None if act is None else self._universe.index_of.get(symbol)
        if act is not None and place is not None:
            market = self._markets[place]
            self._note(act(market))
            bid, _, ask, _ = market.book.touch()
            if bid and ask:
                self._middle[place] = 0.5 * (bid + ask) / self._universe.instruments[place].price_scale
        return self._told(ts) if self._steps else []

    def _arrivals(self, ts: int) -> None:
        """Requests that are due, in the order of their times; of equal ones in the order in which they were sent."""
        due = sorted((one for one in self._coming if one.due <= ts), key=lambda one: one.due)
        if not due:
            return
        self._coming = deque(one for one in self._coming if one.due > ts)
        for request in due:
            if request.orders:
                here = [order for order in request.orders if order.number in self._where]
                for column in dict.fromkeys(order.symbol for order in here):
                    mine = (order for order in here if order.symbol == column)
                    self._note(self._markets[column].accept(*mine, ts=request.due))
            elif request.terms is not None:
                answer, steps = self._change(request)
                self._note([Report(request.number, answer), *steps])
            else:
                gone = self._take_out(request.number)
                late = [Report(request.number, OrderEvent.CANCEL_REJECTED)]
                self._note([Report(number, OrderEvent.CANCELED) for number in gone] or late)

    def _change(self, request: _Request) -> tuple[OrderEvent, list[Step]]:
        """Carry out a replacement: its answer, and what came of it."""
        column, terms = self._where.get(request.number), request.terms
        if column is None or terms is None:
            return OrderEvent.REPLACE_REJECTED, []
        for order in self._on_the_way():
            if order.number == request.number and order.side * request.total > 0:
                changed = BookOrder.of(order.number, order.symbol, request.total, terms)
                order.total, order.terms = changed.total, terms
                order.limit, order.level = changed.limit, changed.level
                return OrderEvent.REPLACED, []
        market = self._markets[column]
        working = market.orders.get(request.number)
        if working is None or working.side * request.total <= 0:
            return OrderEvent.REPLACE_REJECTED, []
        done, steps = market.replace(request.number, abs(request.total), terms)
        return (OrderEvent.REPLACED if done else OrderEvent.REPLACE_REJECTED), steps

    def _on_the_way(self) -> Iterator[BookOrder]:
        return (one for sent in self._coming for one in sent.orders if one.number in self._where)

    def _take_out(self, number: int) -> list[int]:
        """Cancel an order in the market or on its way: the numbers that end with it; empty when it is gone already."""
        column = self._where.pop(number, None)
        if column is None:
            return []
        gone = self._markets[column].cancel(number) or [number]
        for waiting in [one.number for one in self._on_the_way() if one.terms.parent == number]:
            gone += self._take_out(waiting)
        for other in gone:
            self._where.pop(other, None)
        return gone

    # ---- the books -----------------------------------------------------------------------------------------

    def _told(self, ts: int) -> Happened:
        """The steps so far as events, in their order."""
        steps, self._steps = self._steps, []
        found: Happened = []
        for filled, group in groupby(steps, key=lambda step: isinstance(step, Execution)):
            if filled:
                found.append(self._fills(ts, [step for step in group if isinstance(step, Execution)]))
                continue
            reports = [step for step in group if isinstance(step, Report)]
            number = np.array([one.number for one in reports], dtype=np.int64)
            event = np.array([one.event for one in reports], dtype=np.int8)
            found.append(OrderUpdates(ts, number, event))
        return found

    def _note(self, steps: Sequence[Step]) -> None:
        """Keep steps to be told; orders that ended with them are here no longer."""
        self._steps += steps
        for step in steps:
            if isinstance(step, Report):
                if step.event in TERMINAL_EVENTS:
                    self._where.pop(step.number, None)
            elif not step.order.left:
                self._where.pop(step.order.number, None)

    def _force(self, ts: int, orders: list[BookOrder]) -> Fills | None:
        done: list[Execution] = []
        for order in orders:
            scale = self._universe.instruments[order.symbol].price_scale
            otherwise = round(float(self._middle[order.symbol]) * scale)
            steps = self._markets[order.symbol].force(order, self._beyond, otherwise)
            done += [step for step in steps if isinstance(step, Execution)]
        return self._fills(ts, done, forced=True) if done else None

    def _fills(self, ts: int, done: list[Execution], forced: bool = False) -> Fills:
        rows = [(one.order.number, one.order.symbol, one.order.side * one.size, one.price) for one in done]
        number, symbol, quantity, price = np.array(rows, dtype=np.int64).T.copy()
        fee, costs = self._costs.price(done)
        if self._short:
            costs[CostPart.BORROW] = self._borrow.settle(symbol, quantity, self._position)
        np.add.at(self._position, symbol, quantity)
        short = bool((self._position < 0).any())
        if short and not self._short:
            self._borrow.begin(ts, -1)
        self._short = short
        begin, self._next_execution = self._next_execution, self._next_execution + len(done)
        execution = np.arange(begin, self._next_execution, dtype=np.int64)
        return Fills(ts, number, symbol, quantity, price, fee, costs, execution, forced)

    def _pass_to(self, ts: int) -> None:
        """A new day: borrow for what was short until now."""
        self.due = None
        day = ts // NANOSECONDS_PER_DAY
        if day > self._day:
            self._day = day
            if self._short:
                self.due = self._borrow.pass_to(ts, -1, self._position, self._middle)

    # ---- state ---------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything the next fill depends on, copied; taken between two moments."""
        return {
            "markets": [market.state() for market in self._markets],
            "position": self._position.copy(),
            "middle": self._middle.copy(),
            "coming": [
                [
                    one.due,
                    one.number,
                    one.total,
                    [] if one.terms is None else list(msgspec.structs.astuple(one.terms)),
                    [order.row() for order in one.orders],
                ]
                for one in self._coming
            ],
            "where": [list(one) for one in self._where.items()],
            "highest": self._highest,
            "next_execution": self._next_execution,
            "day": self._day,
            "borrow": self._borrow.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`, bit for bit."""
        for market, saved in zip(self._markets, state["markets"], strict=True):
            market.restore(saved)
        self._position = state["position"].copy()
        self._middle = state["middle"].copy()
        self._coming = deque(
            _Request(
                due, tuple(map(BookOrder.of_row, orders)), number, total, Terms(*terms) if terms else None
            )
            for due, number, total, terms, orders in state["coming"]
        )
        self._where = {int(number): int(column) for number, column in state["where"]}
        self._steps = []
        self._highest = int(state["highest"])
        self._next_execution = int(state["next_execution"])
        self._day = int(state["day"])
        self._borrow.restore(state["borrow"])
        self._short = bool((self._position < 0).any())
        self.due = None


def _orders(batch: OrderBatch) -> list[BookOrder]:
    terms = [PLAIN] * len(batch) if batch.terms is None else list(batch.terms.rows())
    columns = (batch.number.tolist(), batch.symbol.tolist(), batch.quantity.tolist(), terms)
    return [BookOrder.of(*row) for row in zip(*columns, strict=True)]
