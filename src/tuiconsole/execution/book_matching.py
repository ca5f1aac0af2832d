"""One symbol's market as the venue plays it: the displayed book, the desk's orders in it, and how they meet.

The displayed book is what the exchange's feed says. What the desk takes is gone from it until the feed tells that level
again. The desk's own orders are not in the feed: a resting one waits behind what its level showed when it arrived, and fills
when trades get through to it, when the market trades through its price, or when the other side is quoted at its price or
better. It never fills for more than the market traded or showed there, always at its own limit.

Stops are reached by trades, and by the middle of the touch while no trade was seen. Orders of the desk never meet each other.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tuiconsole.domain.books import DepthUpdate, TopQuote, TradePrint
from tuiconsole.domain.order_book import ASK, BID, Ladder, OrderBook
from tuiconsole.domain.order_terms import OrderType, Terms
from tuiconsole.domain.orders import OrderEvent
from tuiconsole.execution.auctions import Interest, Uncrossing, uncross
from tuiconsole.execution.book_order import NEVER, UNKNOWN_FRONT, BookOrder
from tuiconsole.execution.queue_position import QueueModel

_FIRST_OF_ALL = -(2**63)


class Phase(enum.IntEnum):
    """What the market does with orders."""

    CONTINUOUS = 0
    HALTED = 1
    AUCTION = 2


class Execution(NamedTuple):
    """A part of an order that was filled.

    Attributes
    ----------
    size
        Scaled, positive.
    maker
        It rested and the other side came to it.
    bid, ask
        The touch at which it happened, 0 where a side was empty; ``touch`` is the best price that a taker met.
    """

    order: BookOrder
    size: int
    price: int
    maker: bool
    bid: int
    ask: int
    touch: int


class Report(NamedTuple):
    """What else became of an order."""

    number: int
    event: OrderEvent


Step = Execution | Report


class BookMarket:
    """The market of one symbol. Every method that lets something happen answers with its steps in their order.

    Parameters
    ----------
    queue
        How cancels of others move the desk's orders forward.
    tick
        Smallest step of the price, scaled.
    """

    def __init__(self, queue: QueueModel, tick: int = 1) -> None:
        self.book = OrderBook()
        self.phase = Phase.CONTINUOUS
        self.known = False
        """Whether the book is; nothing fills while it is not."""
        self.deep = False
        """Whether the feed tells changes of levels, not best quotes alone."""
        self.last_price = 0
        """Of the last trade, scaled; 0 before one."""
        self.orders: dict[int, BookOrder] = {}
        """The desk's by number, in the order of their arrival."""
        self._queue = queue
        self._tick = tick
        self._traded: dict[tuple[int, int], int] = {}
        self._steps: list[Step] = []
        self._until = NEVER

    @property
    def matching(self) -> bool:
        """Whether orders meet now: the book is known and trading continuous."""
        return self.known and self.phase is Phase.CONTINUOUS

    def _done(self) -> list[Step]:
        steps, self._steps = self._steps, []
        return steps

    # ---- the desk's orders ----------------------------------------------------------------------------------

    def accept(self, *orders: BookOrder, ts: int = 0) -> list[Step]:
        """Orders that came together reach the market at ``ts``: they take what they can, and rest, wait or are given up."""
        for order in orders:
            order.begin(ts)
            self._until = min(self._until, order.until)
            self.orders[order.number] = order
        for order in orders:
            if order.waits_for_stop:
                order.trail(self._price())
                self._try_stop(order)
            else:
                self._enter(order)
        return self._done()

    def cancel(self, number: int) -> list[int]:
        """Take an order out: the numbers that end with it, itself first and then what waits for it; empty if it is not here."""
        order = self.orders.pop(number, None)
        return [] if order is None else [number, *self._orphaned(number)]

    def replace(self, number: int, total: int, terms: Terms) -> tuple[bool, list[Step]]:
        """Change an order to the unsigned quantity ``total`` and ``terms``: whether it was not too late, and what came of it.

        It keeps its place in its queue when its price stays and its quantity does not grow.
        """
        order = self.orders.get(number)
        if order is None or total <= order.filled:
            return False, []
        stays = order.resting and terms.limit == order.terms.limit and total <= order.total
        order.total, order.cut = total, 0
        if order.released > 0 and order.terms.parent not in self.orders:
            order.released = -1
        if terms.stop and terms.stop != order.terms.stop:
            order.level = terms.stop
        order.terms = terms
        if terms.type != OrderType.PEGGED:
            order.limit = terms.limit
        if stays:
            order.shown = min(order.shown, order.active)
        elif not order.waits_for_stop:
            self._leave(order)
            self._enter(order)
        return True, self._done()

    def expire(self, ts: int) -> list[Step]:
        """Give up orders whose time is over at ``ts``."""
        if ts < self._until:
            return []
        for order in list(self.orders.values()):
            if order.until <= ts and order.number in self.orders:
                self._give_up(order)
        self._until = min((order.until for order in self.orders.values()), default=NEVER)
        return self._done()

    def _enter(self, order: BookOrder) -> None:
        """The order comes into the market with what it may fill."""
        if not order.active or order.resting:
            return
        if order.terms.type == OrderType.PEGGED:
            bid, _, ask, _ = self.book.touch()
            order.limit = order.pegged(bid, ask, self._tick)
            if not order.limit:
                return
        fits = not order.whole or self._available(order) >= order.active
        if self.matching and fits and not order.for_auction:
            self._take(order)
        if order.active and order.at_once:
            self._give_up(order)
        elif order.active:
            self._rest(order)

    def _rest(self, order: BookOrder) -> None:
        order.resting = True
        order.shown = min(order.terms.display or order.active, order.active)
        order.front = self._size_before(order) if order.limit else UNKNOWN_FRONT

    def _leave(self, order: BookOrder) -> None:
        order.resting, order.front = False, UNKNOWN_FRONT

    def _give_up(self, order: BookOrder, event: OrderEvent = OrderEvent.EXPIRED) -> None:
        self.orders.pop(order.number, None)
        self._steps.append(Report(order.number, event))
        self._steps += [Report(number, OrderEvent.CANCELED) for number in self._orphaned(order.number)]

    def _orphaned(self, gone: int) -> list[int]:
        """Orders that wait for ``gone``: those it never released end too, others keep what it released."""
        ended: list[int] = []
        for child in [one for one in self.orders.values() if one.terms.parent == gone]:
            if child.released > 0:
                child.cut = max(child.total - child.filled - child.released, 0)
            else:
                del self.orders[child.number]
                ended += [child.number, *self._orphaned(child.number)]
        return ended

    def _size_before(self, order: BookOrder) -> float:
        """What the order's level shows; unknown for a price beyond the last level that the feed shows."""
        ladder = self.book.side(order.side)
        size = ladder.sizes.get(order.limit, 0)
        beyond = not size and order.limit * order.side < ladder.worst * order.side
        return UNKNOWN_FRONT if beyond or not len(ladder) else size

    def _available(self, order: BookOrder) -> int:
        total = 0
        for price, size in self.book.side(-order.side).levels():
            if (order.limit and price * order.side > order.limit * order.side) or total >= order.active:
                break
            total += size
        return total

    def _take(self, order: BookOrder) -> None:
        """Walk the other side up to the order's limit: at its prices, or where the order rested, at its own."""
        ladder: Ladder = self.book.side(-order.side)
        bid, _, ask, _ = self.book.touch()
        touch, maker = ladder.best, order.resting and bool(order.limit)
        while order.active and len(ladder):
            price = ladder.best
            if order.limit and price * order.side > order.limit * order.side:
                return
            size = min(order.active, ladder.sizes[price])
            ladder.change([(price, ladder.sizes[price] - size)])
            self._fill(order, size, order.limit if maker else price, maker, bid, ask, touch)

    def force(self, order: BookOrder, beyond: float, otherwise: int) -> list[Step]:
        """Fill all of an order now, in any phase: down the displayed book, and the rest worse than its last price.

        Parameters
        ----------
        beyond
            How much worse, as a share of that price.
        otherwise
            Scaled price that stands for the last one when nothing is displayed.
        """
        bid, _, ask, _ = self.book.touch()
        touch = (ask if order.side == BID else bid) or otherwise
        worst = touch
        ladder = self.book.side(-order.side)
        while order.active and len(ladder):
            worst = ladder.best
            size = min(order.active, ladder.sizes[worst])
            ladder.change([(worst, ladder.sizes[worst] - size)])
            self._fill(order, size, worst, False, bid, ask, touch)
        if order.active:
            price = worst + order.side * (worst * round(beyond * 1e6) // 1_000_000)
            price = max(self._tick, price + order.side * (-price * order.side % self._tick))
            self._fill(order, order.active, price, False, bid, ask, touch)
        return self._done()

    def _fill(
        self, order: BookOrder, size: int, price: int, maker: bool, bid: int, ask: int, touch: int
    ) -> None:
        """Book a fill, and what it does to others: its group has less to fill, orders that wait for it have more."""
        order.filled += size
        if order.released > 0:
            order.released -= size
        self._steps.append(Execution(order, size, price, maker, bid, ask, touch))
        if not order.left:
            self.orders.pop(order.number, None)
        released: list[BookOrder] = []
        for other in list(self.orders.values()):
            if order.terms.oco and other.terms.oco == order.terms.oco and other is not order:
                other.cut = min(other.cut + size, other.total)
                if other.released > 0:
                    other.released = max(other.released - size, 0)
                if not other.left:
                    self._give_up(other, OrderEvent.CANCELED)
            elif other.terms.parent == order.number:
                other.released += size
                released.append(other)
        for child in released:
            if child.waits_for_stop:
                child.trail(price)
            elif child.resting:
                child.shown = min(child.terms.display or child.active, child.active)
            else:
                self._enter(child)

    # ---- the feed -------------------------------------------------------------------------------------------

    def on_depth(self, update: DepthUpdate) -> list[Step]:
        """The displayed book changed: queues move, and orders that the other side reached are filled."""
        resting = [order for order in self.orders.values() if order.resting and order.limit]
        before = [self.book.side(order.side).sizes.get(order.limit, 0) for order in resting]
        self.book.apply(update)
        for order, size in zip(resting, before, strict=True):
            self._move_up(order, size)
        self._traded.clear()
        self.known |= update.snapshot
        self.deep = True
        if self.orders and self.matching:
            self._follow_quotes()
            self._meet()
        return self._done()

    def on_quote(self, quote: TopQuote) -> list[Step]:
        """A best quote as a book of one level; passed over when the feed tells more levels."""
        if self.deep:
            return []
        bids = [(quote.bid, quote.bid_size)] if quote.bid_size else []
        asks = [(quote.ask, quote.ask_size)] if quote.ask_size else []
        steps = self.on_depth(DepthUpdate(quote.ts, quote.symbol, bids, asks, True))
        self.deep = False
        return steps

    def _move_up(self, order: BookOrder, before: int) -> None:
        now = self._size_before(order)
        if now == UNKNOWN_FRONT:
            return
        if order.front == UNKNOWN_FRONT:
            order.front = now
            return
        traded = self._traded.get((order.side, order.limit), 0)
        order.front = self._queue(order.front, before, int(now), traded)

    def _follow_quotes(self) -> None:
        """Pegged orders move with the touch and wait anew; stops without any trade look at its middle."""
        bid, _, ask, _ = self.book.touch()
        for order in list(self.orders.values()):
            if order.terms.type == OrderType.PEGGED and order.pegged(bid, ask, self._tick) != order.limit:
                self._leave(order)
                self._enter(order)
            elif order.waits_for_stop and not self.last_price:
                order.trail(self._price())
                self._try_stop(order)

    def _meet(self) -> None:
        """Orders whose price the other side has reached, and market orders that waited for depth."""
        for order in self._by_priority():
            if order.number in self.orders and not order.for_auction:
                self._take(order)
                order.shown = min(order.terms.display or order.active, order.active)

    def _by_priority(self, side: int = 0) -> list[BookOrder]:
        """Resting orders: market orders, then limits from the best, each in the order of arrival."""
        chosen = [one for one in self.orders.values() if one.resting and one.side in (side or one.side,)]
        return sorted(chosen, key=lambda one: -one.limit * one.side if one.limit else _FIRST_OF_ALL)

    def on_trade(self, trade: TradePrint) -> list[Step]:
        """The market traded: what stands before the desk's orders shrinks, what comes through fills them, stops are reached."""
        self.last_price = trade.price
        if self.orders and self.matching:
            self._pass_trade(trade, -(trade.side or self._started(trade.price)))
            for order in list(self.orders.values()):
                if order.waits_for_stop:
                    order.trail(trade.price)
                    self._try_stop(order)
        return self._done()

    def _pass_trade(self, trade: TradePrint, side: int) -> None:
        if not side:
            return
        key = (side, trade.price)
        self._traded[key] = self._traded.get(key, 0) + trade.size
        left, own = trade.size, 0
        bid, _, ask, _ = self.book.touch()
        for order in self._by_priority(side):
            better = (order.limit - trade.price) * side
            if not order.limit or order.for_auction or better < 0 or order.number not in self.orders:
                continue
            if (
                better > 0
            ):  # the market traded at a worse price: whoever did so would have met this order first
                got = min(order.active, left)
                left -= got
            else:
                got = self._reach(order, left - own)
                own += got
            if got:
                self._fill(order, got, order.limit, True, bid, ask, order.limit)

    def _reach(self, order: BookOrder, traded: int) -> int:
        """What of a trade at the order's own price it gets; what orders of the desk before it had is taken off already."""
        if order.front == UNKNOWN_FRONT:
            return 0
        through = traded - order.front
        order.front = max(0, order.front - traded)
        got = max(0, min(order.shown, order.active, int(through)))
        order.shown -= got
        if order.terms.display and not order.shown and order.active > got:
            order.shown = min(order.terms.display, order.active - got)
            order.front = self._size_before(order)
        return got

    def _started(self, price: int) -> int:
        """Who started a trade that does not tell: the side nearer to whose price it was; 0 in the middle or without a book."""
        bid, _, ask, _ = self.book.touch()
        away = 2 * price - bid - ask
        if not bid or not ask or not away:
            return 0
        return 1 if away > 0 else -1

    def _price(self) -> int:
        """The last trade's price, or the middle of the touch before any."""
        bid, _, ask, _ = self.book.touch()
        return self.last_price or ((bid + ask) // 2 if bid and ask else 0)

    def _try_stop(self, order: BookOrder) -> None:
        """Let the order into the market once the price has reached its stop."""
        price = self._price()
        if not (price and order.level and order.active and self.matching):
            return
        if order.side * (price - order.level) >= 0:
            order.triggered = True
            self._steps.append(Report(order.number, OrderEvent.TRIGGERED))
            self._enter(order)

    # ---- halts and auctions ---------------------------------------------------------------------------------

    def halt(self) -> list[Step]:
        """Nothing is matched until the market is resumed; orders rest, and those that cannot are given up."""
        self.phase = Phase.HALTED
        return []

    def resume(self) -> list[Step]:
        """Continuous trading; orders meet the book as it stands."""
        self.phase = Phase.CONTINUOUS
        if self.matching:
            self._follow_quotes()
            self._meet()
        return self._done()

    def lose(self) -> list[Step]:
        """The book is not known any more: nothing fills until the next snapshot."""
        self.known = False
        self.book.replace((), ())
        for order in self.orders.values():
            order.front = UNKNOWN_FRONT
        return []

    def call(self) -> list[Step]:
        """An auction begins: orders and changes of the book are collected, nothing is matched."""
        self.phase = Phase.AUCTION
        return []

    def uncross(self) -> tuple[Uncrossing, list[Step]]:
        """End the auction: everything that can be traded is, at one price; then trading is continuous.

        At the auction's price market orders come first, then better limits, then those at the price, of these the displayed
        ones before the desk's. The desk's orders that were for the auction alone are given up with what is left.
        """
        touch = self.book.touch()
        reference = self.last_price or (touch[0] + touch[2]) // 2
        result = uncross(self._interests(BID), self._interests(ASK), max(reference, 1))
        if result.volume:
            for side in (BID, ASK):
                self._allot(side, result, touch)
            self.last_price = result.price
        for order in list(self.orders.values()):
            if order.for_auction:
                self._give_up(order)
        return result, self.resume()

    def _interests(self, side: int) -> list[Interest]:
        shown = [Interest(*level) for level in self.book.side(side).levels()]
        return shown + [Interest(order.limit, order.active) for order in self._by_priority(side)]

    def _allot(self, side: int, result: Uncrossing, touch: tuple[int, int, int, int]) -> None:
        left, ladder = result.volume, self.book.side(side)
        own, levels = self._by_priority(side), list(ladder.levels())
        while left and (own or levels):
            ours = own[0].limit if own else 0
            theirs = levels[0][0] if levels else 0
            first_is_ours = bool(own) and (not ours or not levels or ours * side > theirs * side)
            price = ours if first_is_ours else theirs
            if price and price * side < result.price * side:
                break
            if first_is_ours:
                order = own.pop(0)
                size = min(left, order.active)
                if size:
                    self._fill(order, size, result.price, True, touch[0], touch[2], result.price)
            else:
                at, shown = levels.pop(0)
                size = min(left, shown)
                ladder.change([(at, shown - size)])
            left -= size

    # ---- state ----------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything the next fill depends on, as an encodable value."""
        return {
            "bids": [list(level) for level in self.book.bids.levels()],
            "asks": [list(level) for level in self.book.asks.levels()],
            "phase": int(self.phase),
            "known": self.known,
            "deep": self.deep,
            "last_price": self.last_price,
            "orders": [order.row() for order in self.orders.values()],
            "traded": [[side, price, size] for (side, price), size in self._traded.items()],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        bids, asks = ([(price, size) for price, size in state[side]] for side in ("bids", "asks"))
        self.book.replace(bids, asks)
        self.phase = Phase(state["phase"])
        self.known, self.deep = bool(state["known"]), bool(state["deep"])
        self.last_price = int(state["last_price"])
        orders: Iterator[BookOrder] = map(BookOrder.of_row, state["orders"])
        self.orders = {order.number: order for order in orders}
        self._until = min((order.until for order in self.orders.values()), default=NEVER)
        self._traded = {(side, price): size for side, price, size in state["traded"]}
