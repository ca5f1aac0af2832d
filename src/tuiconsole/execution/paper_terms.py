"""Orders with terms at the paper venue: what it takes, how bars reach them, and what their fills cost.

An order that meets the market pays what a market order pays. One that waited at its limit pays commission alone: it
trades at its limit, and what the market has moved against it by then is told as adverse selection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import replace as with_changes
from itertools import groupby
from typing import Any

import numpy as np
from msgspec.structs import replace

from tuiconsole.domain.accounts import OpenOrder
from tuiconsole.domain.clock import NANOSECONDS_PER_DAY
from tuiconsole.domain.costs import CostPart
from tuiconsole.domain.events import Fills, OrderUpdates
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.market import Bars, Quality, ScreenedBars
from tuiconsole.domain.order_terms import OrderTerms, OrderType, Terms, TimeInForce
from tuiconsole.domain.orders import OrderBatch, OrderEvent
from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.execution.bar_path import PricePath
from tuiconsole.execution.book import DisplayedBook
from tuiconsole.execution.costs import CostModel, Priced
from tuiconsole.execution.liquidity import Liquidity
from tuiconsole.execution.resting_terms import Outcome, RestingTerms, VenueBar
from tuiconsole.execution.settings import ExecutionSettings

_LARGEST_PRICE = float(2**52)
_LARGEST_SIZE = 2.0**53

Allowed = Callable[[Bars, IntArray, IntArray], FloatArray]
PriceOf = Callable[[IntArray, IntArray, FloatArray, IntArray], Priced]
Run = tuple[bool, IntArray, IntArray, IntArray, FloatArray, IntArray]
"""Executions that pay alike: resting or not, number, symbol, quantity, price before costs, 1 where the order's first."""


@dataclass(frozen=True, slots=True)
class TermsOutcome:
    """What a bar did to the orders with terms."""

    outcome: Outcome

    def updates(self, ts: int) -> tuple[OrderUpdates | None, OrderUpdates | None]:
        """Reports to be taken before the bar's fills (stop prices reached), and after them (orders that ended)."""
        triggered = [(number, OrderEvent.TRIGGERED) for number in self.outcome.triggered]
        return _reports(ts, triggered), _reports(ts, self.outcome.ended)

    def runs(self) -> Iterator[Run]:
        """The executions in order, those in a row that pay alike together."""
        for resting, strikes in groupby(self.outcome.strikes, key=lambda strike: strike.resting):
            rows = list(strikes)
            number, symbol, quantity, first = (
                np.array([getattr(row, name) for row in rows], dtype=np.int64)
                for name in ("number", "symbol", "quantity", "first")
            )
            yield (
                resting,
                number,
                symbol,
                quantity,
                np.array([row.price for row in rows], dtype=np.float64),
                first,
            )


class PaperTerms:
    """The side of one paper venue that knows terms.

    Parameters
    ----------
    liquidity, book
        The venue's own.
    session_ends
        As :class:`~tuiconsole.execution.paper.PaperVenue` has it.
    """

    def __init__(
        self,
        universe: Universe,
        settings: ExecutionSettings,
        liquidity: Liquidity,
        book: DisplayedBook,
        session_ends: Callable[[int], bool] | None,
    ) -> None:
        self._universe = universe
        self._scale: list[int] = universe.price_scale.tolist()
        self._tick: list[int] = universe.tick.tolist()
        self._liquidity, self._book = liquidity, book
        self._ends = session_ends
        self._adverse = settings.adverse_selection
        self._still = CostModel(universe, with_changes(settings, adverse_selection=0.0))
        self._orders = RestingTerms(
            settings.limit_needs == "touch", universe.lot.tolist(), self._tick, settings.latency_bars
        )
        self.close_only = False
        """The last bar told closes alone."""

    def __len__(self) -> int:
        return len(self._orders)

    # ---- requests ----------------------------------------------------------------------------------------------------

    def take(
        self, batch: OrderBatch, updates: OrderUpdates, bar: int, arrival: int, price: FloatArray
    ) -> OrderUpdates:
        """Take in a batch; the answers of ``updates``, REJECTED with a sentence where this market cannot keep the terms.

        Parameters
        ----------
        price
            float64 ``[n_symbols]``, last good price in currency units.
        """
        assert batch.terms is not None
        refused: dict[int, str] = {}
        for row, terms in enumerate(batch.terms.rows()):
            symbol, number = int(batch.symbol[row]), int(batch.number[row])
            known = float(price[symbol]) > 0.0
            text = self._unfit(terms, symbol, known)
            if terms.parent in refused:
                text = "the order that it waits for was rejected"
            if text:
                refused[number] = text
                continue
            scaled = round(float(price[symbol]) * self._scale[symbol]) if known else 0
            self._orders.add(batch, row, bar, arrival, scaled)
        if not refused:
            return updates
        event = np.where(np.isin(updates.number, list(refused)), OrderEvent.REJECTED, updates.event).astype(
            np.int8
        )
        return replace(updates, event=event, text="; ".join(dict.fromkeys(refused.values())))

    def _unfit(self, terms: Terms, symbol: int, priced: bool) -> str:
        """Why this market cannot keep the terms; empty when it can."""
        if terms.type == OrderType.PEGGED and not np.isfinite(self._quotes(symbol)).all():
            return "a pegged order follows quotes, and this market has none for the symbol"
        if terms.type == OrderType.TRAILING_STOP and not terms.stop and not priced:
            return "a trailing stop needs a price to start from, and no good one was seen yet"
        if terms.tif == TimeInForce.OPG and self.close_only:
            return "an order at the opening needs opening prices, and this market tells closes alone"
        if terms.tif == TimeInForce.CLS and self._ends is None:
            return "an order at the close needs to know when sessions end, and this market has no calendar"
        return ""

    def replace(self, batch: OrderBatch) -> OrderUpdates:
        """Change orders: REPLACED, or REPLACE_REJECTED where it is too late."""
        terms = OrderTerms.of([Terms()] * len(batch)) if batch.terms is None else batch.terms
        rows = zip(batch.number.tolist(), batch.quantity.tolist(), terms.rows(), strict=True)
        done = [one.revision > 0 and self._orders.replace(number, total, one) for number, total, one in rows]
        event = np.where(done, OrderEvent.REPLACED, OrderEvent.REPLACE_REJECTED).astype(np.int8)
        return OrderUpdates(batch.ts, batch.number, event, "" if all(done) else "too late to change")

    def cancel(self, number: IntArray, event: Any) -> tuple[IntArray, Any]:
        """Cancel what rests here of ``number``; the numbers and answers, orders that waited for a cancelled one after them."""
        rows = list(zip(number.tolist(), event.tolist(), strict=True))
        with_others: set[int] = set()
        for row, (wanted, answer) in enumerate(rows):
            gone = self._orders.cancel(wanted) if answer != OrderEvent.CANCELED else []
            if gone or wanted in with_others:
                rows[row] = (wanted, OrderEvent.CANCELED)
            with_others = (with_others | set(gone)) - {wanted}
        rows += [(other, OrderEvent.CANCELED) for other in sorted(with_others)]
        found = np.array(rows, dtype=np.int64).reshape(-1, 2)
        return found[:, 0].copy(), found[:, 1].astype(np.int8)

    def open_orders(self, plain: IntArray) -> tuple[OpenOrder, ...]:
        """Everything that may still fill; ``plain`` are market orders ``[4, n]``: number, symbol, quantity, what is left."""
        market = (
            OpenOrder(number, symbol, total, total - left) for number, symbol, total, left in plain.T.tolist()
        )
        return (*market, *self._orders.open_orders())

    # ---- bars --------------------------------------------------------------------------------------------------------

    def match(
        self,
        screened: ScreenedBars,
        moment: tuple[int, int, int],
        before: Fills | None,
        allowed: Allowed,
        price_of: PriceOf,
    ) -> TermsOutcome:
        """Let one bar pass over everything that rests.

        Parameters
        ----------
        moment
            Count of the bar, end of the bar before, and its session.
        before
            Fills of market orders at this bar: what they took of its volume is gone.
        allowed, price_of
            The venue's limits and prices for market orders.
        """
        bars, (count, started, session_before) = screened.bars, moment

        def room(symbol: int, side: int) -> int:
            largest = allowed(bars, np.array([symbol]), np.array([side]))
            return int(np.clip(largest[0], 0.0, _LARGEST_SIZE))

        def costed(symbol: int, quantity: int, price: int) -> int:
            one = np.array([symbol]), np.array([quantity]), np.array([float(price)]), np.array([1])
            return int(price_of(*one).price[0])

        session, last = _session(bars.session, bars.ts), _session(session_before, started)
        used: dict[int, int] = {}
        if before is not None:
            for symbol, quantity in zip(before.symbol.tolist(), before.quantity.tolist(), strict=True):
                used[symbol] = used.get(symbol, 0) + abs(quantity)
        bar = VenueBar(
            bars.ts,
            session,
            count,
            started,
            session != last,
            None if self._ends is None else self._ends(bars.ts),
            lambda symbol: self._path(screened, symbol, session != last),
            room,
            costed,
            self._quotes,
        )
        return TermsOutcome(self._orders.match(bar, used))

    def _path(self, screened: ScreenedBars, symbol: int, begins: bool) -> PricePath | None:
        bars = screened.bars
        if screened.quality[symbol] != Quality.GOOD:
            return None
        scale, close = self._scale[symbol], float(bars.close[symbol])
        named = [float(column[symbol]) for column in (bars.open, bars.high, bars.low)]
        close_only = not all(price > 0.0 for price in named)
        prices = [close] * 3 if close_only else named
        scaled = [price * scale for price in (*prices, close)]
        if not all(0.5 < price < _LARGEST_PRICE for price in scaled):
            return None
        opened, high, low, closed = (round(price) for price in scaled)
        return PricePath(opened, high, low, closed, close_only, begins)

    def _quotes(self, symbol: int) -> tuple[float, float]:
        bid, ask = self._book.quotes(symbol)
        scale = self._scale[symbol]
        return bid * scale, ask * scale

    def rested(self, symbol: IntArray, quantity: IntArray, base: FloatArray, first: IntArray) -> Priced:
        """What fills at a limit pay: the limit itself and commission; adverse selection is told, and in the price already."""
        tick = self._universe.tick[symbol]
        price = np.where(quantity > 0, base // tick, -(-base // tick)) * tick
        nothing = np.zeros(len(symbol))
        priced = self._still.price(
            symbol,
            quantity,
            np.maximum(price, tick),
            nothing,
            self._liquidity.sigma(symbol),
            first,
            walking=nothing,
            half_spread=nothing,
        )
        if self._adverse:
            against = np.floor(self._adverse * self._liquidity.sigma(symbol) * price)
            priced.costs[CostPart.ADVERSE_SELECTION] = self._still.worth(symbol, against, quantity)
        return priced

    # ---- memory ------------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything the next bar depends on."""
        return {"orders": self._orders.state(), "close_only": self.close_only}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._orders.restore(state["orders"])
        self.close_only = state["close_only"]


def joined(parts: Iterable[Fills]) -> Fills | None:
    """Fills of one bar as one; None without any."""
    found = list(parts)
    if len(found) < 2:
        return found[0] if found else None
    columns = {
        name: np.concatenate([getattr(one, name) for one in found])
        for name in ("number", "symbol", "quantity", "price", "fee", "execution")
    }
    return replace(found[0], costs=np.concatenate([one.costs for one in found], axis=1), **columns)


def _reports(ts: int, rows: list[tuple[int, OrderEvent]]) -> OrderUpdates | None:
    if not rows:
        return None
    numbers, events = zip(*rows, strict=True)
    return OrderUpdates(ts, np.array(numbers, dtype=np.int64), np.array(events, dtype=np.int8))


def _session(session: int, ts: int) -> int:
    return session if session >= 0 else ts // NANOSECONDS_PER_DAY
