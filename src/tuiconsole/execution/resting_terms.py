"""Orders with terms at the paper venue: what rests, what waits for what, and what each bar does to it.

Fills of one bar are found in the order of its moments, and by number within each: first what the open meets, then
stops, then limits, then the close. The share of a bar's volume that the desk may take is taken in that order too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tuiconsole.domain.accounts import OpenOrder
from tuiconsole.domain.order_terms import OrderType, Terms, TimeInForce
from tuiconsole.domain.orders import OrderBatch, OrderEvent
from tuiconsole.execution.bar_path import (
    Moment,
    PricePath,
    Touch,
    limit_touch,
    pegged_price,
    reached_stop,
    trail,
    trailed,
)
from tuiconsole.execution.working_order import WorkingOrder

_AT_ONCE = (TimeInForce.IOC, TimeInForce.FOK)


class Strike(NamedTuple):
    """One execution before its costs: ``quantity`` signed and scaled, ``price`` scaled; see :class:`Touch`."""

    number: int
    symbol: int
    quantity: int
    price: int
    resting: bool
    first: bool


@dataclass(frozen=True, slots=True)
class VenueBar:
    """What a bar lets orders do; prices and sizes by universe column, asked for where they are needed.

    Attributes
    ----------
    ts, session, bar
        End of the bar (ns UTC), its session, and its count at the venue.
    started
        When it began, ns UTC.
    begins
        It is the first of its session.
    ends
        Its session ends with it; None where no calendar says so.
    path
        Prices of a symbol's bar; None where it is not good.
    room
        Unsigned scaled size that a symbol's bar may fill of a purchase (1) or sale (-1).
    costed
        The scaled price that a market order of a signed size would pay, from a price before costs.
    quotes
        Scaled bid and ask of a symbol at the end of the bar before; NaN where missing.
    """

    ts: int
    session: int
    bar: int
    started: int
    begins: bool
    ends: bool | None
    path: Callable[[int], PricePath | None]
    room: Callable[[int, int], int]
    costed: Callable[[int, int, int], int]
    quotes: Callable[[int], tuple[float, float]]


@dataclass(slots=True)
class Outcome:
    """What a bar did: stops reached, executions in order, and orders that ended without filling."""

    triggered: list[int] = field(default_factory=list)
    strikes: list[Strike] = field(default_factory=list)
    ended: list[tuple[int, OrderEvent]] = field(default_factory=list)


class RestingTerms:
    """The orders with terms that rest at one venue.

    Parameters
    ----------
    touching
        A resting limit order fills when the price touches it; otherwise the price must go beyond.
    lots, ticks
        Scaled lot and tick by universe column.
    latency_bars
        Bars from an order to the first bar that may fill it.
    """

    def __init__(
        self, touching: bool, lots: Sequence[int], ticks: Sequence[int], latency_bars: int = 1
    ) -> None:
        self._touching = touching
        self._lots, self._ticks = lots, ticks
        self._latency_bars = latency_bars
        self._orders: dict[int, WorkingOrder] = {}
        self._used: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._orders)

    # ---- requests ----------------------------------------------------------------------------------------------------

    def add(self, batch: OrderBatch, row: int, bar: int, arrival: int, price: int) -> None:
        """Take in one order; ``price`` is the scaled last good price, 0 where there is none."""
        terms = Terms() if batch.terms is None else batch.terms.at(row)
        number, total = int(batch.number[row]), int(batch.quantity[row])
        order = WorkingOrder(
            number,
            int(batch.symbol[row]),
            total,
            0,
            bar,
            arrival,
            terms.stop,
            0 if terms.parent else -1,
            -1,
            terms,
        )
        if terms.type == OrderType.TRAILING_STOP and not terms.stop:
            order.level = trailed(terms.trail, terms.trail_unit, price, order.side)
        self._orders[number] = order

    def cancel(self, number: int) -> list[int]:
        """Cancel an order: the numbers that end with it, itself first and then what waits for it; empty if it does not rest."""
        order = self._orders.pop(number, None)
        return [] if order is None else [number, *self._orphaned(order)]

    def replace(self, number: int, total: int, terms: Terms) -> bool:
        """Change an order to the signed quantity ``total`` and ``terms``; False when it is too late for that."""
        order = self._orders.get(number)
        if order is None or abs(total) <= abs(order.filled) or total * order.total <= 0:
            return False
        order.total, order.cut = total, 0
        if order.released > 0 and order.terms.parent not in self._orders:
            order.released = -1  # what opened it is done: from now on it closes what it is told to
        if terms.stop and terms.stop != order.terms.stop:
            order.level = terms.stop
        order.terms = terms
        return True

    def open_orders(self) -> tuple[OpenOrder, ...]:
        """Everything that may still fill, waiting or not."""
        rows = self._orders.values()
        return tuple(OpenOrder(one.number, one.symbol, one.total, one.filled) for one in rows)

    # ---- a bar -------------------------------------------------------------------------------------------------------

    def match(self, bar: VenueBar, used: dict[int, int]) -> Outcome:
        """Let one bar pass over everything that rests; ``used`` is what of it market orders took before, by column."""
        outcome = Outcome()
        self._used = used
        self._expire(bar, outcome, before=True)
        for moment in Moment:
            for order in list(self._orders.values()):
                if order.number in self._orders and self._takes_part(order, bar, moment):
                    self._meet(order, bar, moment, outcome)
        self._expire(bar, outcome, before=False)
        for order in self._orders.values():
            if order.fresh and self._arrived(order, bar) and bar.path(order.symbol) is not None:
                order.fresh = False
            order.within_bar = False
        return outcome

    def _arrived(self, order: WorkingOrder, bar: VenueBar) -> bool:
        return bar.bar - order.bar >= self._latency_bars and order.arrival <= bar.started

    def _takes_part(self, order: WorkingOrder, bar: VenueBar, moment: Moment) -> bool:
        if not order.active or not self._arrived(order, bar):
            return False
        tif = order.terms.tif
        if order.day < 0 and (bar.begins or tif != TimeInForce.OPG):
            order.day = bar.session
        if tif == TimeInForce.OPG:
            return bar.begins and moment == Moment.OPEN
        if tif == TimeInForce.CLS:
            return bar.ends is True and moment == Moment.CLOSE
        return not (tif in _AT_ONCE and moment != Moment.OPEN and not order.within_bar)

    def _meet(self, order: WorkingOrder, bar: VenueBar, moment: Moment, outcome: Outcome) -> None:
        path = bar.path(order.symbol)
        if path is None:
            return
        if order.terms.tif == TimeInForce.CLS:
            path, moment = PricePath(path.close, path.close, path.close, path.close, True, False), Moment.OPEN
        if order.waits_for_stop:
            if moment == Moment.CLOSE and order.terms.type == OrderType.TRAILING_STOP:
                trail(order, path)
            reached = reached_stop(order, path, moment)
            if reached:
                order.triggered = True
                outcome.triggered.append(order.number)
                self._after_stop(order, reached, bar, moment, outcome)
            return
        touch = self._touch(order, path, bar, moment)
        if touch is not None:
            self._fill(order, touch, bar, moment, outcome)

    def _after_stop(
        self, order: WorkingOrder, price: int, bar: VenueBar, moment: Moment, outcome: Outcome
    ) -> None:
        """The order enters the market at its stop price; with a limit only as far as that allows, at once."""
        limit = order.terms.limit
        if not limit or order.side * (limit - price) >= 0:
            self._fill(order, Touch(price, False), bar, moment, outcome)
        if order.number in self._orders:
            order.fresh = False
            order.within_bar = True

    def _touch(self, order: WorkingOrder, path: PricePath, bar: VenueBar, moment: Moment) -> Touch | None:
        terms = order.terms
        limit = terms.limit
        if terms.type == OrderType.PEGGED:
            bid, ask = bar.quotes(order.symbol)
            limit = pegged_price(order, bid, ask, self._ticks[order.symbol])
            if not limit:
                return None
        if not limit:  # a market order, or a stop that was reached before
            if moment == (Moment.CLOSE if order.within_bar else Moment.OPEN):
                return Touch(path.close if order.within_bar else path.open, False)
            return None
        return limit_touch(order, limit, path, moment, self._touching)

    def _fill(
        self, order: WorkingOrder, touch: Touch, bar: VenueBar, moment: Moment, outcome: Outcome
    ) -> None:
        size = self._size(order, touch, bar)
        if not size:
            return
        quantity, limit = order.side * size, self._limit_of(order, bar)
        swept = limit and not touch.resting and bar.costed(order.symbol, quantity, touch.price)
        if swept and order.side * (limit - swept) < 0:
            return  # the book would be swept beyond the limit: it waits there instead
        first = not order.filled
        outcome.strikes.append(
            Strike(order.number, order.symbol, quantity, touch.price, touch.resting, first)
        )
        order.filled += quantity
        if order.released > 0:
            order.released -= size
        self._used[order.symbol] = self._used.get(order.symbol, 0) + size
        self._after_fill(order, size, moment, outcome)

    def _limit_of(self, order: WorkingOrder, bar: VenueBar) -> int:
        if order.terms.type != OrderType.PEGGED:
            return order.terms.limit
        bid, ask = bar.quotes(order.symbol)
        return pegged_price(order, bid, ask, self._ticks[order.symbol])

    def _size(self, order: WorkingOrder, touch: Touch, bar: VenueBar) -> int:
        """What of an order the bar's volume allows: all of it, or whole lots; nothing of one that must fill whole."""
        wanted = order.active
        if order.terms.display and touch.resting:
            wanted = min(wanted, order.terms.display)  # the next slice stands behind everyone else
        room = max(bar.room(order.symbol, order.side) - self._used.get(order.symbol, 0), 0)
        if wanted <= room:
            return wanted
        if order.terms.tif == TimeInForce.FOK:
            return 0
        return room - room % self._lots[order.symbol]

    def _after_fill(self, order: WorkingOrder, size: int, moment: Moment, outcome: Outcome) -> None:
        """What a fill does to others: orders of its group have less to fill, orders that wait for it more."""
        if order.terms.oco:
            for other in self._linked("oco", order.terms.oco, order):
                other.cut = min(other.cut + size, abs(other.total))
                if other.released > 0:
                    other.released = max(other.released - size, 0)
                if not other.left:
                    outcome.ended.append((other.number, OrderEvent.CANCELED))
                    del self._orders[other.number]
        for child in self._linked("parent", order.number, order):
            child.released += size
            child.bar, child.within_bar = min(child.bar, order.bar), moment > Moment.OPEN
        if not order.left:
            del self._orders[order.number]

    def _linked(self, kind: str, value: int, order: WorkingOrder) -> list[WorkingOrder]:
        return [
            one for one in self._orders.values() if getattr(one.terms, kind) == value and one is not order
        ]

    def _orphaned(self, gone: WorkingOrder) -> list[int]:
        """Orders that wait for ``gone``, which ends: those it never released end too, others keep what it released."""
        ended: list[int] = []
        for child in self._linked("parent", gone.number, gone):
            if child.released > 0:
                child.cut = max(abs(child.total) - abs(child.filled) - child.released, 0)
            else:
                del self._orders[child.number]
                ended += [child.number, *self._orphaned(child)]
        return ended

    def _expire(self, bar: VenueBar, outcome: Outcome, *, before: bool) -> None:
        """End what has had its time: ``before`` the bar what ended in between, after it what ends with it."""
        for order in list(self._orders.values()):
            if order.number in self._orders and (_overdue(order, bar) if before else self._over(order, bar)):
                del self._orders[order.number]
                outcome.ended.append((order.number, OrderEvent.EXPIRED))
                outcome.ended += [(number, OrderEvent.CANCELED) for number in self._orphaned(order)]

    def _over(self, order: WorkingOrder, bar: VenueBar) -> bool:
        if not self._arrived(order, bar) or order.day < 0:
            return False
        tif = order.terms.tif
        if tif == TimeInForce.OPG:
            return order.day == bar.session
        if tif in _AT_ONCE:
            return bool(order.active) or not order.terms.parent
        if tif == TimeInForce.GTD:
            return bar.ts >= order.terms.expiry
        return tif in (TimeInForce.DAY, TimeInForce.CLS) and bar.ends is True

    # ---- memory ------------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything the next bar depends on."""
        return {"orders": [order.row() for order in self._orders.values()]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        orders: Iterable[WorkingOrder] = map(WorkingOrder.of, state["orders"])
        self._orders = {order.number: order for order in orders}


def _overdue(order: WorkingOrder, bar: VenueBar) -> bool:
    """Whether the order's time was over before this bar ended."""
    if order.terms.tif == TimeInForce.GTD:
        return bar.ts > order.terms.expiry
    ends_with_day = order.terms.tif in (TimeInForce.DAY, TimeInForce.CLS, TimeInForce.OPG)
    return ends_with_day and 0 <= order.day < bar.session
