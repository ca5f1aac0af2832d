"""Seeded markets and orders of every kind against the venue on books: what must hold after every moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from tuiconsole.domain.books import BookBroken, DepthUpdate, Level, TradePrint
from tuiconsole.domain.clock import NANOSECONDS_PER_DAY
from tuiconsole.domain.codec import decode_state, encode_state
from tuiconsole.domain.events import Fills
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.order_terms import OrderTerms, OrderType, Peg, Terms, TimeInForce, TrailUnit
from tuiconsole.domain.orders import OrderBatch, OrderEvent, Purpose
from tuiconsole.domain.rng import generator
from tuiconsole.execution.book_venue import BookVenue, Happened
from tuiconsole.execution.settings import BookVenueSettings
from tuiconsole.risk.approved import _approve

POINT = 10**6
_ENDED = (OrderEvent.CANCELED, OrderEvent.EXPIRED, OrderEvent.REJECTED)
_LOW, _HIGH = 90, 110
_STEP_NS = NANOSECONDS_PER_DAY // 40


@dataclass
class Sent:
    """An order as the run knows it."""

    side: int
    total: int
    terms: Terms
    filled: int = 0
    ended: bool = False
    limits: set[int] = field(default_factory=set)


class VenueRun:
    """One seed: a random market, random orders, and what went wrong."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.wrong: list[str] = []
        self.fills = 0
        self.orders: dict[int, Sent] = {}
        self._random = generator(seed, "venue run")
        self._settings = BookVenueSettings(
            submit_ns=self._int(0, 2) * _STEP_NS // 2,
            cancel_ns=self._int(0, 2) * _STEP_NS // 2,
            queue=("fifo", "power", "log")[self._int(0, 3)],
        )
        self._universe = Universe.of(["AAA"])
        self._venue = BookVenue(self._universe, self._settings)
        self._ts = 0
        self._batch = 0
        self._position = 0
        self._executions = 0

    def go(self, steps: int) -> VenueRun:
        """Run so many moments; half way the venue is saved and loaded."""
        self._snapshot()
        actions = (
            *[self._depth] * 5,
            *[self._trade] * 5,
            *[self._order] * 4,
            self._bracket,
            self._cancel,
            self._replace,
        )
        rare = (self._snapshot, self._break, self._halt, self._auction, self._flatten)
        for step in range(steps):
            self._ts += self._int(0, _STEP_NS)
            chosen = rare if self._random.random() < 0.06 else actions
            chosen[self._int(0, len(chosen))]()
            if step == steps // 2:
                saved = decode_state(encode_state(self._venue.state()))
                self._venue = BookVenue(self._universe, self._settings)
                self._venue.restore(saved)
        self._take(self._venue.resume(self._ts + 1, "AAA"))
        if int(self._venue.positions()[0]) != self._position:
            self._complain("the venue's position is not the sum of its fills")
        state = self._venue.state()
        here = {number for number, _ in state["where"]}
        resting = {int(row[0]) for row in state["markets"][0]["orders"]}
        if here & {number for number, sent in self.orders.items() if sent.ended} or not resting <= here:
            self._complain("the venue keeps orders that have ended")
        return self

    # ---- the market -----------------------------------------------------------------------------------------

    def _int(self, low: int, high: int) -> int:
        return int(self._random.integers(low, high))

    def _price(self) -> int:
        return self._int(_LOW, _HIGH) * POINT

    def _levels(self, low: int, high: int, count: int) -> list[Level]:
        return [(self._int(low, high) * POINT, self._int(0, 30)) for _ in range(count)]

    def _depth(self) -> None:
        middle = self._int(97, 104)
        bids, asks = self._levels(_LOW, middle, 3), self._levels(middle, _HIGH, 3)
        gone = [(price * POINT, 0) for price in range(_LOW, _HIGH)]
        # levels of the other side of the new middle are taken away, so that the market itself never crosses
        bids += [one for one in gone if one[0] >= middle * POINT]
        asks += [one for one in gone if one[0] < middle * POINT]
        self._take(self._venue.on_book(DepthUpdate(self._ts, "AAA", bids, asks)))

    def _trade(self) -> None:
        trade = TradePrint(self._ts, "AAA", self._price(), self._int(1, 25), self._int(-1, 2))
        self._take(self._venue.on_trade(trade))

    def _snapshot(self) -> None:
        update = DepthUpdate(self._ts, "AAA", self._levels(_LOW, 100, 8), self._levels(101, _HIGH, 8), True)
        self._take(self._venue.on_book(update))

    def _break(self) -> None:
        self._take(self._venue.on_event(BookBroken(self._ts, "AAA", "gap")))

    def _halt(self) -> None:
        self._take(
            self._venue.halt(self._ts, "AAA") if self._int(0, 2) else self._venue.resume(self._ts, "AAA")
        )

    def _auction(self) -> None:
        self._take(self._venue.call(self._ts, "AAA"))
        for _ in range(3):
            self._order()
        result, happened = self._venue.uncross(self._ts + 1, "AAA")
        mine = sum(int(np.abs(one.quantity).sum()) for one in happened if isinstance(one, Fills))
        if not result.volume and result.price:
            self._complain("an auction without volume has a price")
        self._take(happened)
        self.fills += mine > 0

    # ---- orders ---------------------------------------------------------------------------------------------

    def _terms(self) -> Terms:
        waiting = (TimeInForce.DAY, TimeInForce.GTC, TimeInForce.GTD)[self._int(0, 3)]
        expiry = self._ts + 3 * _STEP_NS if waiting == TimeInForce.GTD else 0
        stop, limit = self._price(), self._price()
        kinds = (
            Terms(tif=(TimeInForce.DAY, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.OPG)[self._int(0, 4)]),
            Terms(OrderType.LIMIT, waiting, limit=limit, expiry=expiry),
            Terms(OrderType.LIMIT, waiting, limit=limit, expiry=expiry, display=self._int(1, 4)),
            Terms(
                OrderType.LIMIT,
                (TimeInForce.IOC, TimeInForce.FOK, TimeInForce.CLS)[self._int(0, 3)],
                limit=limit,
            ),
            Terms(OrderType.STOP, waiting, stop=stop, expiry=expiry),
            Terms(OrderType.STOP_LIMIT, waiting, stop=stop, limit=limit, expiry=expiry),
            Terms(
                OrderType.TRAILING_STOP, waiting, trail=2 * POINT, trail_unit=TrailUnit.PRICE, expiry=expiry
            ),
            Terms(OrderType.PEGGED, waiting, peg=self._int(Peg.PRIMARY, Peg.MID + 1), expiry=expiry),
        )
        return kinds[self._int(0, len(kinds))]

    def _order(self) -> None:
        self._send([((1, -1)[self._int(0, 2)] * self._int(1, 20), self._terms())])

    def _bracket(self) -> None:
        size, number = self._int(1, 20), len(self.orders) + 1
        side = (1, -1)[self._int(0, 2)]
        target = Terms(OrderType.LIMIT, TimeInForce.GTC, limit=self._price(), parent=number, oco=number + 1)
        guard = Terms(OrderType.STOP, TimeInForce.GTC, stop=self._price(), parent=number, oco=number + 1)
        self._send([(side * size, self._terms()), (-side * size, target), (-side * size, guard)])

    def _send(self, orders: list[tuple[int, Terms]], purpose: Purpose = Purpose.POLICY) -> None:
        first = len(self.orders) + 1
        batch = self._made(first, orders, purpose)
        for number, (quantity, terms) in enumerate(orders, first):
            self.orders[number] = Sent(1 if quantity > 0 else -1, abs(quantity), terms, limits={terms.limit})
        immediate = purpose == Purpose.FLATTEN
        response = self._venue.submit(_approve(batch, batch.number), immediate=immediate)
        self._take([response.updates, *([response.fills] if response.fills is not None else [])])

    def _made(
        self, first: int, orders: list[tuple[int, Terms]], purpose: Purpose = Purpose.POLICY
    ) -> OrderBatch:
        self._batch += 1
        n = len(orders)
        columns: dict[str, Any] = {
            "number": np.arange(first, first + n, dtype=np.int64),
            "symbol": np.zeros(n, dtype=np.int64),
            "quantity": np.array([quantity for quantity, _ in orders], dtype=np.int64),
            "reference_price": np.full(n, 100 * POINT, dtype=np.int64),
            "purpose": np.full(n, purpose, dtype=np.int8),
        }
        terms = None if purpose == Purpose.FLATTEN else OrderTerms.of([terms for _, terms in orders])
        return OrderBatch(self._batch, self._ts, **columns, terms=terms)

    def _flatten(self) -> None:
        held = int(self._venue.positions()[0])
        if held:
            self._send([(-held, Terms())], Purpose.FLATTEN)

    def _some(self) -> int:
        return self._int(max(1, len(self.orders) - 12), len(self.orders) + 1) if self.orders else 1

    def _cancel(self) -> None:
        number = np.array([self._some()], dtype=np.int64)
        self._take([self._venue.cancel(self._ts, number).updates])

    def _replace(self) -> None:
        number = self._some()
        sent = self.orders.get(number)
        if sent is None or sent.terms.type != OrderType.LIMIT or sent.terms.parent:
            return  # an exit that is told another quantity closes that, whatever was opened
        terms = msgspec.structs.replace(sent.terms, limit=self._price(), revision=sent.terms.revision + 1)
        total = self._int(1, 25)
        sent.limits.add(terms.limit)
        batch = self._made(number, [(sent.side * total, terms)])
        sent.terms = msgspec.structs.replace(sent.terms, revision=terms.revision)
        sent.total = max(sent.total, total)  # until the answer it may be either
        self._take([self._venue.replace(_approve(batch, batch.number)).updates])

    # ---- what must hold -------------------------------------------------------------------------------------

    def _take(self, happened: Happened) -> None:
        for one in happened:
            if isinstance(one, Fills):
                rows = zip(one.number.tolist(), one.quantity.tolist(), one.price.tolist(), strict=True)
                for number, quantity, price in rows:
                    self._fill(number, quantity, price)
                if one.execution.tolist() != list(
                    range(self._executions + 1, self._executions + 1 + len(one))
                ):
                    self._complain("execution numbers do not count on")
                self._executions += len(one)
                continue
            for number, event in zip(one.number.tolist(), one.event.tolist(), strict=True):
                if event in _ENDED:
                    if self.orders[number].ended:
                        self._complain(f"order {number} ended twice")
                    self.orders[number].ended = True

    def _fill(self, number: int, quantity: int, price: int) -> None:
        sent = self.orders[number]
        self.fills += 1
        sent.filled += abs(quantity)
        self._position += quantity
        if sent.ended:
            self._complain(f"order {number} was filled after its end")
        if quantity * sent.side <= 0 or price <= 0:
            self._complain(f"order {number} was filled on the wrong side, or at no price")
        if sent.filled > sent.total:
            self._complain(f"order {number} was filled beyond its quantity")
        if 0 not in sent.limits and all((price - limit) * sent.side > 0 for limit in sent.limits):
            self._complain(f"order {number} was filled worse than its limit")
        parent = self.orders.get(sent.terms.parent)
        if parent is not None:
            exits = [one.filled for one in self.orders.values() if one.terms.parent == sent.terms.parent]
            if sum(exits) > parent.filled:
                self._complain(f"exits of order {sent.terms.parent} closed more than it opened")

    def _complain(self, text: str) -> None:
        self.wrong.append(f"seed {self.seed}, moment {self._ts}: {text}")


def venue_runs(seeds: range, steps: int = 300) -> tuple[int, list[str]]:
    """Fills of all runs, and what went wrong; a seed that fails repeats with ``VenueRun(seed).go(steps)``."""
    runs = [VenueRun(seed).go(steps) for seed in seeds]
    return sum(run.fills for run in runs), [text for run in runs for text in run.wrong]
