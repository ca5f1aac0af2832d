"""What two-sided quotes would have come to on a recorded order book: a study before any such policy trades.

The book is rebuilt as it was; quotes pass the same gate as every order, wait in their queues at the paper venue on books, and
their fills enter an exact ledger. Prices are quoted by Avellaneda and Stoikov's formulas with what was known at the time, in
ticks and seconds, and never at or through the other side.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce

import numpy as np

from tuiconsole.domain.books import BookEvent, BookScale, DepthUpdate
from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND
from tuiconsole.domain.errors import DataError
from tuiconsole.domain.events import DeskLevel, Fills
from tuiconsole.domain.instruments import AssetClass, Currency, Instrument, Universe
from tuiconsole.domain.money import MONEY_SCALE, to_float
from tuiconsole.domain.order_book import ASK, BID, OrderBook
from tuiconsole.domain.order_terms import OrderTerms, OrderType, Terms, TimeInForce
from tuiconsole.domain.orders import OrderBatch, OrderEvent, Purpose
from tuiconsole.execution.book_venue import BookVenue, Happened
from tuiconsole.execution.quoting import QuotingModel, inventory_quotes
from tuiconsole.execution.settings import BookVenueSettings
from tuiconsole.market.books.rebuilding import BookFeed
from tuiconsole.portfolio.ledger import Ledger
from tuiconsole.risk.gate import Book, Gate
from tuiconsole.risk.settings import RiskSettings

_ENDED = (OrderEvent.CANCELED, OrderEvent.EXPIRED, OrderEvent.REJECTED)
_MEMORY_S = 30.0
"""Memory of the volatility estimate, seconds."""
_MOVED_AFTER_NS = NANOSECONDS_PER_SECOND


@dataclass(frozen=True, slots=True)
class QuotingPlan:
    """How the study quotes.

    Attributes
    ----------
    model
        In ticks and seconds; its ``sigma`` is what counts until the recording tells one.
    size
        Quantity of each quote in shares or coins; inventory is counted in these.
    every_s, horizon_s
        Seconds between two looks at the market, and the horizon that inventory is held over.
    most
        Quotes' worth of inventory at which the side that adds to it is not quoted.
    """

    model: QuotingModel
    size: float
    every_s: float = 1.0
    horizon_s: float = 1.0
    most: int = 10


@dataclass(slots=True)
class QuotingResult:
    """What came of it; money in the currency of the book.

    Attributes
    ----------
    captured
        What fills were better than the middle at their time, before fees; ``moved`` is how far the middle had gone against
        them a second later (adverse selection).
    profit
        Of the ledger at the end, fees paid, inventory at the middle.
    """

    symbol: str = ""
    events: int = 0
    quotes: int = 0
    refused: int = 0
    cancels: int = 0
    fills: int = 0
    volume: float = 0.0
    captured: float = 0.0
    moved: float = 0.0
    fees: float = 0.0
    profit: float = 0.0
    inventory: float = 0.0
    most_inventory: float = 0.0
    first: int = 0
    last: int = 0


@dataclass(slots=True)
class _Volatility:
    """Volatility of the middle in ticks per square root of a second, exponentially forgotten."""

    value: float
    _middle: float = math.nan
    _ts: int = 0
    _variance: float = math.nan

    def update(self, ts: int, middle: float) -> None:
        seconds = (ts - self._ts) / NANOSECONDS_PER_SECOND
        if math.isnan(self._middle):
            self._middle, self._ts = middle, ts
        elif seconds > 0.0:
            change = (middle - self._middle) ** 2 / seconds
            weight = -math.expm1(-seconds / _MEMORY_S)
            before = self.value**2 if math.isnan(self._variance) else self._variance
            self._variance = before + weight * (change - before)
            self.value = math.sqrt(self._variance)
            self._middle, self._ts = middle, ts


@dataclass(slots=True)
class _Working:
    number: int
    limit: int
    left: int
    leaving: bool = False


@dataclass(slots=True)
class _Held:
    """A fill whose market a second later is awaited."""

    ts: int
    side: int
    size: int
    middle: float


@dataclass(slots=True)
class _Desk:
    """The pieces of a desk that quote one symbol."""

    universe: Universe
    gate: Gate
    venue: BookVenue
    ledger: Ledger
    working: dict[int, _Working] = field(default_factory=dict)
    awaited: list[_Held] = field(default_factory=list)
    number: int = 0
    batch: int = 0


class QuotingStudy:
    """Quotes one symbol of a recorded stream.

    Parameters
    ----------
    symbol
        Empty: the first one with a book.
    capital
        Opening money, in the book's currency.
    """

    def __init__(
        self,
        plan: QuotingPlan,
        venue: BookVenueSettings,
        risk: RiskSettings,
        capital: float,
        symbol: str = "",
    ) -> None:
        self._plan, self._settings, self._risk = plan, venue, risk
        self._capital = round(capital) * MONEY_SCALE
        self._volatility = _Volatility(plan.model.sigma)
        self._book = OrderBook()
        self._next = 0
        self._desk: _Desk | None = None
        self.result = QuotingResult(symbol)

    def run(self, feed: BookFeed, events: Iterable[BookEvent]) -> QuotingResult:
        """Play the recording through.

        Raises
        ------
        DataError
            No book of the symbol ever becomes known, or the size is less than its smallest step.
        """
        result = self.result
        for event in events:
            if self._desk is None and isinstance(event, DepthUpdate) and event.snapshot:
                self._open(feed, event)
            if self._desk is None or event.symbol != result.symbol:
                continue
            self._pass(self._desk, event)
        if self._desk is None:
            raise DataError(
                "No book became known in the recording.", "It needs a snapshot, and what follows it."
            )
        self._close(self._desk)
        return result

    def _open(self, feed: BookFeed, event: DepthUpdate) -> None:
        scale = feed.books[event.symbol].scale
        if scale is None or (self.result.symbol and event.symbol != self.result.symbol):
            return
        item = instrument_of_book(event, scale)
        size = round(self._plan.size * item.quantity_scale)
        if size < 1:
            raise DataError(
                f"A quote of {self._plan.size:g} is less than the smallest step of {event.symbol}'s sizes.",
                "Choose a larger --size.",
            )
        universe = Universe((item,))
        self.result.symbol, self.result.first = event.symbol, event.ts
        self._desk = _Desk(
            universe,
            Gate(self._risk, universe),
            BookVenue(universe, self._settings),
            Ledger(universe, self._capital),
        )

    def _pass(self, desk: _Desk, event: BookEvent) -> None:
        result = self.result
        result.events += 1
        result.last = event.ts
        self._take_reports(desk, desk.venue.on_event(event))
        if not isinstance(event, DepthUpdate):
            return
        self._book.apply(event)
        bid, _, ask, _ = self._book.touch()
        if not 0 < bid < ask:
            return
        middle = (bid + ask) / 2.0
        self._look_back(desk, event.ts, middle)
        if event.ts >= self._next:
            tick = desk.universe.instruments[0].tick
            self._volatility.update(event.ts, middle / tick)
            self._quote(desk, event.ts, bid, ask)
            self._next = event.ts + round(self._plan.every_s * NANOSECONDS_PER_SECOND)

    # ---- quotes ---------------------------------------------------------------------------------------------

    def _quote(self, desk: _Desk, ts: int, bid: int, ask: int) -> None:
        item = desk.universe.instruments[0]
        size = round(self._plan.size * item.quantity_scale)
        inventory = float(desk.venue.positions()[0]) / size
        model = self._plan.model
        now = QuotingModel(model.gamma, self._volatility.value, model.decay, model.rate)
        found = inventory_quotes(now, (bid + ask) / 2.0 / item.tick, inventory, self._plan.horizon_s)
        wanted = {
            BID: min(math.floor(found.bid) * item.tick, ask - item.tick),
            ASK: max(math.ceil(found.ask) * item.tick, bid + item.tick),
        }
        for side, limit in wanted.items():
            full = inventory * side >= self._plan.most
            standing = desk.working.get(side)
            if standing is not None and not standing.leaving and (full or standing.limit != limit):
                self._withdraw(desk, ts, side, standing)
            if desk.working.get(side) is None and not full and limit > 0:
                self._send(desk, ts, side, limit, size, (bid + ask) // 2)

    def _withdraw(self, desk: _Desk, ts: int, side: int, standing: _Working) -> None:
        self.result.cancels += 1
        answer = desk.venue.cancel(ts, np.array([standing.number], dtype=np.int64)).updates
        if answer.event[0] == OrderEvent.CANCELED:
            desk.working.pop(side)
        else:
            standing.leaving = True

    def _send(self, desk: _Desk, ts: int, side: int, limit: int, size: int, price: int) -> None:
        desk.batch += 1
        one = np.ones(1, dtype=np.int64)
        batch = OrderBatch(
            desk.batch,
            ts,
            one * 0,
            one * 0,
            one * side * size,
            one * price,
            np.array([Purpose.POLICY], dtype=np.int8),
            OrderTerms.of([Terms(OrderType.LIMIT, TimeInForce.GTC, limit=limit)]),
        )
        desk.ledger.mark(one * price)
        equity = desk.ledger.equity
        pending = sum(standing.left * at for at, standing in desk.working.items())
        state = Book(
            DeskLevel.RUNNING,
            ts,
            one * price,
            np.ones(1, dtype=np.bool_),
            desk.venue.positions(),
            one * pending,
            desk.ledger.cash,
            equity,
            self._capital,
            max(self._capital, equity),
            max(self._capital, equity),
        )
        verdict = desk.gate.judge(batch, state, desk.number + 1)
        if verdict.approved is None:
            self.result.refused += 1
            return
        desk.number += 1
        self.result.quotes += 1
        desk.working[side] = _Working(desk.number, limit, size)
        desk.venue.submit(verdict.approved)

    # ---- what comes back ------------------------------------------------------------------------------------

    def _take_reports(self, desk: _Desk, happened: Happened) -> None:
        for one in happened:
            if isinstance(one, Fills):
                self._take_fills(desk, one)
                continue
            for number, event in zip(one.number.tolist(), one.event.tolist(), strict=True):
                if event in _ENDED:
                    desk.working = {at: w for at, w in desk.working.items() if w.number != number}

    def _take_fills(self, desk: _Desk, fills: Fills) -> None:
        result, item = self.result, desk.universe.instruments[0]
        desk.ledger.apply(fills)
        bid, _, ask, _ = self._book.touch()
        for quantity, price in zip(fills.quantity.tolist(), fills.price.tolist(), strict=True):
            side = BID if quantity > 0 else ASK
            result.fills += 1
            result.volume += abs(quantity) / item.quantity_scale
            if 0 < bid < ask:
                middle = (bid + ask) / 2.0
                result.captured += self._money(item, (middle - price) * quantity)
                desk.awaited.append(_Held(fills.ts, side, abs(quantity), middle))
            standing = desk.working[side]
            standing.left -= abs(quantity)
            if standing.left <= 0:
                desk.working.pop(side)
        held = abs(float(desk.venue.positions()[0])) / item.quantity_scale
        result.most_inventory = max(result.most_inventory, held)

    def _look_back(self, desk: _Desk, ts: int, middle: float) -> None:
        item = desk.universe.instruments[0]
        while desk.awaited and desk.awaited[0].ts + _MOVED_AFTER_NS <= ts:
            one = desk.awaited.pop(0)
            self.result.moved += self._money(item, (one.middle - middle) * one.side * one.size)

    def _money(self, item: Instrument, scaled: float) -> float:
        return scaled * item.multiplier / (item.price_scale * item.quantity_scale)

    def _close(self, desk: _Desk) -> None:
        result, item = self.result, desk.universe.instruments[0]
        bid, _, ask, _ = self._book.touch()
        if 0 < bid < ask:
            desk.ledger.mark(np.array([(bid + ask) // 2], dtype=np.int64))
        result.fees = to_float(desk.ledger.fees)
        result.profit = to_float(desk.ledger.equity - self._capital)
        result.inventory = float(desk.venue.positions()[0]) / item.quantity_scale


def instrument_of_book(snapshot: DepthUpdate, scale: BookScale) -> Instrument:
    """What a book's first levels tell of its instrument: the scale, and the tick as the largest step all prices keep to."""
    prices = [price for price, _ in (*snapshot.bids, *snapshot.asks)]
    tick = reduce(math.gcd, prices)
    return Instrument(
        snapshot.symbol,
        AssetClass.CRYPTO,
        "24/7",
        Currency("QUOTE", 8),
        price_decimals=scale.price_decimals,
        quantity_decimals=scale.size_decimals,
        tick=max(tick, 1),
    )
