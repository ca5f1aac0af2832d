"""One symbol's market as the venue plays it: the displayed book, the desk's orders in it, and how they meet.

The displayed book is what the exchange's feed says. What the desk takes is gone from it until the feed tells that level
again. The desk's own orders are not in the feed: a resting one waits behind what its level showed when it arrived, and fills
when trades get through to it, when the market trades through its price, or when the other side is quoted at its price or
better. It never fills for more than the market traded or showed there, always at its own limit.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from tuiconsole.domain.books import DepthUpdate, TopQuote, TradePrint
from tuiconsole.domain.order_book import ASK, BID, Ladder, OrderBook
from tuiconsole.execution.auctions import Interest, Uncrossing, uncross
from tuiconsole.execution.queue_position import QueueModel

UNKNOWN_FRONT = -1.0
"""What stands before an order whose level the feed does not show: it counts from when the level is shown."""


class Phase(enum.IntEnum):
    """What the market does with orders."""

    CONTINUOUS = 0
    HALTED = 1
    AUCTION = 2


class BookOrder(msgspec.Struct):
    """One of the desk's orders at the venue.

    Attributes
    ----------
    number, symbol
        Of the desk; universe column.
    side
        :data:`~tuiconsole.domain.order_book.BID` buys, ``ASK`` sells.
    remaining
        Scaled quantity still to be filled, positive.
    limit
        Scaled price; 0 is a market order.
    immediate, whole
        What cannot be filled on arrival is given up; and fill all of it on arrival or nothing.
    auction
        Only for the next auction; what it does not fill is given up.
    display
        Scaled quantity shown at a time; 0 shows all. Each new part goes to the end of its queue.
    shown
        Of the part shown now.
    front
        Quantity of the market before it in its queue, :data:`UNKNOWN_FRONT` where that is not known.
    """

    number: int
    symbol: int
    side: int
    remaining: int
    limit: int = 0
    immediate: bool = False
    whole: bool = False
    auction: bool = False
    display: int = 0
    shown: int = 0
    front: float = UNKNOWN_FRONT
    filled: bool = False


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
    first
        It is the order's first.
    """

    order: BookOrder
    size: int
    price: int
    maker: bool
    bid: int
    ask: int
    touch: int
    first: bool


class BookMarket:
    """The market of one symbol.

    Parameters
    ----------
    queue
        How cancels of others move the desk's orders forward.
    """

    def __init__(self, queue: QueueModel) -> None:
        self.book = OrderBook()
        self.phase = Phase.CONTINUOUS
        self.known = False
        """Whether the book is; nothing fills while it is not."""
        self.deep = False
        """Whether the feed tells changes of levels, not best quotes alone."""
        self.last_price = 0
        """Of the last trade, scaled; 0 before one."""
        self.orders: list[BookOrder] = []
        """The desk's, in the order of their arrival: resting limits, and market orders that wait for depth."""
        self.ended: list[BookOrder] = []
        """Orders given up unfilled or in part; whoever reads them empties the list."""
        self._queue = queue
        self._traded: dict[tuple[int, int], int] = {}

    @property
    def matching(self) -> bool:
        """Whether orders meet now: the book is known and trading continuous."""
        return self.known and self.phase is Phase.CONTINUOUS

    # ---- the desk's orders ----------------------------------------------------------------------------------

    def arrive(self, order: BookOrder) -> list[Execution]:
        """An order reaches the market: it takes what it can, and rests, waits or is given up with the rest."""
        if not self.matching or order.auction:
            if order.immediate or order.whole:
                self.ended.append(order)
            else:
                self._rest(order)
            return []
        if order.whole and self._available(order) < order.remaining:
            self.ended.append(order)
            return []
        found = list(self._take(order, self.book.side(-order.side)))
        if order.remaining and (order.immediate or order.whole):
            self.ended.append(order)
        elif order.remaining:
            self._rest(order)
        return found

    def walk(self, order: BookOrder) -> Iterator[Execution]:
        """Take what the displayed book holds, in any phase; for a forced flatten."""
        return self._take(order, self.book.side(-order.side))

    def force(self, order: BookOrder, price: int, touch: tuple[int, int, int, int]) -> Execution:
        """Fill the rest of ``order`` at ``price``, when the book stood at ``touch``."""
        met = touch[2] if order.side == BID else touch[0]
        return self._fill(order, order.remaining, price, False, touch[0], touch[2], met or price)

    def cancel(self, number: int) -> bool:
        """Take an order out; whether it was there."""
        for place, order in enumerate(self.orders):
            if order.number == number:
                del self.orders[place]
                return True
        return False

    def _rest(self, order: BookOrder) -> None:
        order.shown = min(order.display, order.remaining) if order.display else order.remaining
        if order.limit:
            order.front = self._size_before(order)
        self.orders.append(order)

    def _size_before(self, order: BookOrder) -> float:
        """What the order's level shows; unknown for a price beyond the last level that the feed shows."""
        ladder = self.book.side(order.side)
        size = ladder.sizes.get(order.limit, 0)
        beyond = not size and order.limit * order.side < ladder.worst * order.side
        return UNKNOWN_FRONT if beyond or not len(ladder) else size

    def _available(self, order: BookOrder) -> int:
        total = 0
        for price, size in self.book.side(-order.side).levels():
            if (order.limit and price * order.side > order.limit * order.side) or total >= order.remaining:
                break
            total += size
        return total

    def _take(self, order: BookOrder, ladder: Ladder, at: int = 0) -> Iterator[Execution]:
        """Walk ``ladder`` up to the order's limit, as a taker at its prices, or as a maker at the price ``at``."""
        bid, _, ask, _ = self.book.touch()
        touch = ladder.best
        while order.remaining and len(ladder):
            price = ladder.best
            if order.limit and price * order.side > order.limit * order.side:
                return
            size = min(order.remaining, ladder.sizes[price])
            ladder.change([(price, ladder.sizes[price] - size)])
            yield self._fill(order, size, at or price, bool(at), bid, ask, touch)

    def _fill(
        self, order: BookOrder, size: int, price: int, maker: bool, bid: int, ask: int, touch: int
    ) -> Execution:
        first, order.filled = not order.filled, True
        order.remaining -= size
        return Execution(order, size, price, maker, bid, ask, touch, first)

    def _remove_finished(self) -> None:
        self.orders = [order for order in self.orders if order.remaining]

    # ---- the feed -------------------------------------------------------------------------------------------

    def on_depth(self, update: DepthUpdate) -> list[Execution]:
        """The displayed book changed: queues move, and orders that the other side reached are filled."""
        resting = [order for order in self.orders if order.limit]
        before = [self.book.side(order.side).sizes.get(order.limit, 0) for order in resting]
        self.book.apply(update)
        for order, size in zip(resting, before, strict=True):
            self._move_up(order, size)
        self._traded.clear()
        self.known |= update.snapshot
        self.deep = True
        return self._meet() if self.orders and self.matching else []

    def on_quote(self, quote: TopQuote) -> list[Execution]:
        """A best quote as a book of one level; passed over when the feed tells more levels."""
        if self.deep:
            return []
        bids = [(quote.bid, quote.bid_size)] if quote.bid_size else []
        asks = [(quote.ask, quote.ask_size)] if quote.ask_size else []
        found = self.on_depth(DepthUpdate(quote.ts, quote.symbol, bids, asks, True))
        self.deep = False
        return found

    def _move_up(self, order: BookOrder, before: int) -> None:
        now = self._size_before(order)
        if now == UNKNOWN_FRONT:
            return
        if order.front == UNKNOWN_FRONT:
            order.front = now
            return
        traded = self._traded.get((order.side, order.limit), 0)
        order.front = self._queue(order.front, before, int(now), traded)

    def _meet(self) -> list[Execution]:
        """Orders whose price the other side has reached, and market orders that waited for depth."""
        found: list[Execution] = []
        for order in self._by_priority():
            if not order.auction:
                found += self._take(order, self.book.side(-order.side), at=order.limit)
                order.shown = min(order.display or order.remaining, order.remaining)
        if found:
            self._remove_finished()
        return found

    def _by_priority(self, side: int = 0) -> list[BookOrder]:
        """Market orders, then limits from the best, each in the order of arrival."""
        chosen = [order for order in self.orders if order.side == side or not side]
        return sorted(chosen, key=lambda order: -order.limit * order.side if order.limit else -(2**63))

    def on_trade(self, trade: TradePrint) -> list[Execution]:
        """The market traded: what stands before the desk's orders shrinks, and what comes through fills them."""
        self.last_price = trade.price
        side = -(trade.side or self._started(trade.price))
        if not side or not self.matching:
            return []
        key = (side, trade.price)
        self._traded[key] = self._traded.get(key, 0) + trade.size
        found: list[Execution] = []
        left, before_price = trade.size, 0
        touch = self.book.touch()
        for order in self._by_priority(side):
            better = (order.limit - trade.price) * side
            if not order.limit or order.auction or better < 0:
                continue
            if (
                better > 0
            ):  # the market traded at a worse price: whoever did so would have met this order first
                got = min(order.remaining, left)
                left -= got
            else:
                got, before_price = self._reach(order, left, before_price)
            if got:
                found.append(self._fill(order, got, order.limit, True, touch[0], touch[2], order.limit))
        if found:
            self._remove_finished()
        return found

    def _reach(self, order: BookOrder, traded: int, own: int) -> tuple[int, int]:
        """What of a trade at the order's own price it gets, and how much the desk's orders had of it then.

        ``own`` is what orders of the desk before it in the queue had of the trade.
        """
        if order.front == UNKNOWN_FRONT:
            return 0, own
        through = traded - own - order.front
        order.front = max(0, order.front - (traded - own))
        got = max(0, min(order.shown, order.remaining, int(through)))
        order.shown -= got
        if order.display and not order.shown and order.remaining > got:
            order.shown = min(order.display, order.remaining - got)
            order.front = self._size_before(order)
        return got, own + got

    def _started(self, price: int) -> int:
        """Who started a trade that does not tell: the side nearer to whose price it was; 0 in the middle or without a book."""
        bid, _, ask, _ = self.book.touch()
        away = 2 * price - bid - ask
        if not bid or not ask or not away:
            return 0
        return 1 if away > 0 else -1

    # ---- halts and auctions ---------------------------------------------------------------------------------

    def halt(self) -> list[Execution]:
        """Nothing is matched until the market is resumed; orders rest, and those that cannot are given up."""
        self.phase = Phase.HALTED
        return []

    def resume(self) -> list[Execution]:
        """Continuous trading; orders meet the book as it stands."""
        self.phase = Phase.CONTINUOUS
        return self._meet() if self.matching else []

    def lose(self) -> list[Execution]:
        """The book is not known any more: nothing fills until the next snapshot."""
        self.known = False
        self.book.replace((), ())
        for order in self.orders:
            order.front = UNKNOWN_FRONT
        return []

    def call(self) -> list[Execution]:
        """An auction begins: orders and changes of the book are collected, nothing is matched."""
        self.phase = Phase.AUCTION
        return []

    def uncross(self) -> tuple[Uncrossing, list[Execution]]:
        """End the auction: everything that can be traded is, at one price; then trading is continuous.

        At the auction's price market orders come first, then better limits, then those at the price, of these the displayed
        ones before the desk's. The desk's orders that were for the auction alone are given up with what is left.
        """
        book = self.book
        sides = {BID: self._interests(BID), ASK: self._interests(ASK)}
        touch = book.touch()
        reference = self.last_price or (touch[0] + touch[2]) // 2
        result = uncross(sides[BID], sides[ASK], max(reference, 1))
        found: list[Execution] = []
        if result.volume:
            for side in (BID, ASK):
                found += self._allot(side, result, touch)
            self.last_price = result.price
        self.ended += [order for order in self.orders if order.auction and order.remaining]
        self.orders = [order for order in self.orders if order.remaining and not order.auction]
        self.phase = Phase.CONTINUOUS
        return result, found + (self._meet() if self.matching else [])

    def _interests(self, side: int) -> list[Interest]:
        shown = [Interest(*level) for level in self.book.side(side).levels()]
        return shown + [Interest(order.limit, order.remaining) for order in self.orders if order.side == side]

    def _allot(self, side: int, result: Uncrossing, touch: tuple[int, int, int, int]) -> Iterable[Execution]:
        left, ladder = result.volume, self.book.side(side)
        found = []
        own = self._by_priority(side)
        levels = list(ladder.levels())
        while left and (own or levels):
            ours = own[0].limit if own else 0
            theirs = levels[0][0] if levels else 0
            first_is_ours = bool(own) and (not ours or not levels or ours * side > theirs * side)
            price = ours if first_is_ours else theirs
            if price and price * side < result.price * side:
                break
            if first_is_ours:
                order = own.pop(0)
                size = min(left, order.remaining)
                found.append(self._fill(order, size, result.price, True, touch[0], touch[2], result.price))
            else:
                at, shown = levels.pop(0)
                size = min(left, shown)
                ladder.change([(at, shown - size)])
            left -= size
        return found

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
            "orders": [list(msgspec.structs.astuple(order)) for order in self.orders],
            "traded": [[side, price, size] for (side, price), size in self._traded.items()],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        bids, asks = ([(price, size) for price, size in state[side]] for side in ("bids", "asks"))
        self.book.replace(bids, asks)
        self.phase = Phase(state["phase"])
        self.known, self.deep = bool(state["known"]), bool(state["deep"])
        self.last_price = int(state["last_price"])
        self.orders = [BookOrder(*values) for values in state["orders"]]
        self._traded = {(side, price): size for side, price, size in state["traded"]}
