"""The paper venue on quotes and order books: market orders walk the displayed depth, limit orders wait in their queues.

Everything happens on the desk's own time line. A message of the feed is seen ``feed_ns`` after it was true, an order is on
its way for ``submit_ns``: what is sent at ``t`` meets the book that is seen at ``t + submit_ns + feed_ns``, and its reports
come with the market data of that moment. So an order sent on a quote never meets that very quote when there is latency.

Orders whose time has come meet the book as it stood before the message at hand; then the message is taken in. The same
messages and orders give the same fills, always.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from tuiconsole.domain.books import BookBroken, BookEvent, DepthUpdate, TopQuote, TradePrint
from tuiconsole.domain.clock import NANOSECONDS_PER_DAY
from tuiconsole.domain.costs import CostPart
from tuiconsole.domain.errors import NotApproved
from tuiconsole.domain.events import Charges, Fills, OrderUpdates
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.orders import Approved, OrderBatch, OrderEvent, Purpose
from tuiconsole.domain.types import CodeArray, FloatArray, IntArray
from tuiconsole.execution.auctions import Uncrossing
from tuiconsole.execution.book_costs import BookCosts
from tuiconsole.execution.book_matching import BookMarket, BookOrder, Execution
from tuiconsole.execution.borrow import Borrow
from tuiconsole.execution.contract import Response
from tuiconsole.execution.queue_position import queue_model
from tuiconsole.execution.settings import BookVenueSettings
from tuiconsole.risk.approved import genuine

_NEVER = 2**63 - 1


class Happened(NamedTuple):
    """What a moment brought: reports of orders that ended or were cancelled, and fills; None where there are none."""

    updates: OrderUpdates | None = None
    fills: Fills | None = None


NOTHING = Happened()


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
            BookMarket(queue_model(chosen.queue, chosen.queue_power, float(item.quantity_scale)))
            for item in universe.instruments
        ]
        self._costs = BookCosts(universe, chosen)
        self._to_market_ns = chosen.submit_ns + chosen.feed_ns
        self._cancel_ns = chosen.cancel_ns + chosen.feed_ns
        self._beyond_bps = chosen.beyond_depth_bps
        self._borrow = Borrow(universe, borrow_annual_bps)
        self.due: Charges | None = None
        """Borrow that fell due with the last moment."""
        self._position: IntArray = np.zeros(len(universe), dtype=np.int64)
        self._middle: FloatArray = np.full(len(universe), np.nan)
        self._coming: deque[tuple[int, BookOrder]] = deque()
        self._cancels: deque[tuple[int, int]] = deque()
        self._where: dict[int, int] = {}
        self._ended: list[tuple[int, int]] = []
        self._executions: list[Execution] = []
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
        if not genuine(approved):
            raise NotApproved("These orders did not come from the risk gate.", "Nothing was sent.")
        batch = approved.batch
        if immediate and (batch.purpose != Purpose.FLATTEN).any():
            raise NotApproved("Only Kill's flatten may be filled at once.", "Nothing was sent.")
        event: CodeArray = np.full(len(batch), OrderEvent.REJECTED, dtype=np.int8)
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
            if immediate:
                self._force(order)
            else:
                self._coming.append((batch.ts + self._to_market_ns, order))
                self._where[order.number] = order.symbol
        fills = self._fills(batch.ts, forced=True) if immediate else None
        return Response(OrderUpdates(batch.ts, batch.number, event, text), fills)

    def cancel(self, ts: int, number: IntArray) -> Response:
        """Cancel orders: CANCELED or CANCEL_REJECTED at once; with latency CANCEL_PENDING, and the answer follows."""
        event: CodeArray = np.full(len(number), OrderEvent.CANCEL_REJECTED, dtype=np.int8)
        asked = {one for _, one in self._cancels}
        for row, wanted in enumerate(number.tolist()):
            if wanted not in self._where or wanted in asked:
                continue
            if self._cancel_ns:
                self._cancels.append((ts + self._cancel_ns, wanted))
                asked.add(wanted)
                event[row] = OrderEvent.CANCEL_PENDING
            else:
                self._take_out(wanted)
                event[row] = OrderEvent.CANCELED
        refused = bool((event == OrderEvent.CANCEL_REJECTED).any())
        return Response(OrderUpdates(ts, number, event, "nothing left to cancel" if refused else ""))

    def positions(self) -> IntArray:
        """The sum of all fills per symbol: int64 ``[n_symbols]``, signed scaled quantity, a copy."""
        return self._position.copy()

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
        """Time passes without a message: orders and cancels that are due by ``ts`` arrive."""
        return self._at(ts, "", lambda _: ())

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

        def uncrossed(market: BookMarket) -> Sequence[Execution]:
            result, executions = market.uncross()
            found.append(result)
            return executions

        happened = self._at(ts, symbol, uncrossed)
        return found[0], happened

    def _at(self, ts: int, symbol: str, act: Callable[[BookMarket], Sequence[Execution]]) -> Happened:
        self._pass_to(ts)
        if self._coming or self._cancels:
            self._arrivals(ts)
        column = self._universe.index_of.get(symbol)
        if column is not None:
            market = self._markets[column]
            self._executions += act(market)
            self._note(column, market)
        if not self._executions and not self._ended:
            return NOTHING
        updates = None
        if self._ended:
            number, code = (np.array(column, dtype=np.int64) for column in zip(*self._ended, strict=True))
            updates = OrderUpdates(ts, number, code.astype(np.int8))
            self._ended = []
        return Happened(updates, self._fills(ts))

    def _arrivals(self, ts: int) -> None:
        """Orders and cancels that are due, in the order of their times; of equal ones orders first."""
        coming, cancels = self._coming, self._cancels
        while True:
            order_due = coming[0][0] if coming else _NEVER
            cancel_due = cancels[0][0] if cancels else _NEVER
            if min(order_due, cancel_due) > ts:
                return
            if order_due <= cancel_due:
                order = coming.popleft()[1]
                market = self._markets[order.symbol]
                self._executions += market.arrive(order)
                self._note(order.symbol, market)
            else:
                number = cancels.popleft()[1]
                left = self._take_out(number)
                self._ended.append((number, OrderEvent.CANCELED if left else OrderEvent.CANCEL_REJECTED))

    def _take_out(self, number: int) -> bool:
        column = self._where.pop(number, None)
        if column is None:
            return False
        self._coming = deque(one for one in self._coming if one[1].number != number)
        self._markets[column].cancel(number)
        return True

    def _note(self, column: int, market: BookMarket) -> None:
        """Orders that were given up, and the middle of the touch as the price that borrow is reckoned at."""
        for order in market.ended:
            if self._where.pop(order.number, None) is not None:
                self._ended.append((order.number, OrderEvent.EXPIRED))
        market.ended.clear()
        bid, _, ask, _ = market.book.touch()
        if bid and ask:
            self._middle[column] = 0.5 * (bid + ask) / self._universe.instruments[column].price_scale

    def _force(self, order: BookOrder) -> None:
        """Fill all of it now: down the displayed book, and beyond it at a worse price."""
        market = self._markets[order.symbol]
        touch = market.book.touch()
        worst = 0
        for one in market.walk(order):
            self._executions.append(one)
            worst = one.price
        if not order.remaining:
            return
        item = self._universe.instruments[order.symbol]
        if not worst:
            worst = round(float(self._middle[order.symbol]) * item.price_scale)
        price = worst + order.side * -(-worst * int(self._beyond_bps * 100) // 1_000_000)
        price = max(item.tick, price + order.side * (-price * order.side % item.tick))
        self._executions.append(market.force(order, price, touch))

    # ---- the books -----------------------------------------------------------------------------------------

    def _fills(self, ts: int, forced: bool = False) -> Fills | None:
        done, self._executions = self._executions, []
        if not done:
            return None
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
        for one in done:
            if not one.order.remaining:
                self._where.pop(one.order.number, None)
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
        """Everything the next fill depends on, copied."""
        return {
            "markets": [market.state() for market in self._markets],
            "position": self._position.copy(),
            "middle": self._middle.copy(),
            "coming": [[due, *msgspec.structs.astuple(order)] for due, order in self._coming],
            "cancels": [list(one) for one in self._cancels],
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
        self._coming = deque((due, BookOrder(*values)) for due, *values in state["coming"])
        self._cancels = deque((due, number) for due, number in state["cancels"])
        self._where = dict(state["where"])
        self._highest = int(state["highest"])
        self._next_execution = int(state["next_execution"])
        self._day = int(state["day"])
        self._borrow.restore(state["borrow"])
        self._short = bool((self._position < 0).any())
        self.due = None


def _orders(batch: OrderBatch) -> list[BookOrder]:
    columns = (batch.number.tolist(), batch.symbol.tolist(), batch.quantity.tolist())
    return [
        BookOrder(number, symbol, 1 if quantity > 0 else -1, abs(quantity))
        for number, symbol, quantity in zip(*columns, strict=True)
    ]
