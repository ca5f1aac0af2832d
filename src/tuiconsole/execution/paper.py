"""The paper venue: market orders on paper money, with honest costs.

An order rests from the moment it is handed over and fills at the next good bar of its symbol, never on the
bar that made the decision: at that bar's open, or at its close where the source has no opens; with a latency,
later. Spread, impact, a capacity penalty and adverse selection move the price against the desk; the price
before costs lies within the bar, the price after them may lie outside, as a real sweep of the book may. An
order that wants more of a bar's volume than the allowed share, or more than the displayed depth, fills in parts.
What a fill moves the market by is felt by the fills after it, and fades. Shorts pay borrow by calendar day.

Orders of one bar do not feel each other's impact: orders of one decision never share a symbol.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tuiconsole.domain.accounts import AccountView
from tuiconsole.domain.costs import CostPart
from tuiconsole.domain.errors import MoneyOverflow
from tuiconsole.domain.events import Charges, Fills, OrderUpdates
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.market import Bars, Quality, ScreenedBars, ScreenedBlock
from tuiconsole.domain.money import floats_to_scaled
from tuiconsole.domain.orders import Approved, OrderBatch, OrderEvent
from tuiconsole.domain.types import BoolArray, CodeArray, FloatArray, IntArray
from tuiconsole.execution.answering import answer
from tuiconsole.execution.book import DisplayedBook
from tuiconsole.execution.borrow import Borrow
from tuiconsole.execution.contract import Response
from tuiconsole.execution.costs import CostModel, Priced
from tuiconsole.execution.few_fills import MOST_FILLS, FewFills, Fill
from tuiconsole.execution.lent import LentVenue, VenueMoment
from tuiconsole.execution.liquidity import Liquidity
from tuiconsole.execution.paper_terms import PaperTerms, joined
from tuiconsole.execution.settings import ExecutionSettings
from tuiconsole.risk.approved import admit

_NUMBER, _SYMBOL, _REMAINING, _FIRST, _BAR, _ARRIVAL, _TOTAL = range(7)
_NOTHING: IntArray = np.empty((7, 0), dtype=np.int64)
_NEVER = np.iinfo(np.int64).max
_LARGEST_PRICE = float(2**52)
_FADED = 1e-12
"""A displacement below this share of the price is nothing."""
_SWEEP_BARS = 64
_NS_PER_MS = 1_000_000


class PaperVenue:
    """A venue for one universe; keeps the contract of :class:`~tuiconsole.execution.contract.Broker`.

    Parameters
    ----------
    universe
        Who may be traded.
    settings
        Costs and liquidity; the defaults when None.
    session_ends
        Whether the exchange's session ends with a bar that ends at a time (ns UTC); None where no calendar is known: orders
        for the day then end with the next session's first bar, and orders at the close are refused.
    """

    def __init__(
        self,
        universe: Universe,
        settings: ExecutionSettings | None = None,
        session_ends: Callable[[int], bool] | None = None,
    ) -> None:
        chosen = settings or ExecutionSettings()
        n = len(universe)
        self._universe = universe
        scale: FloatArray = universe.price_scale.astype(np.float64)
        self._price_scale = np.array(scale[0]) if (scale == scale[0]).all() else scale
        self._quantity_scale: FloatArray = universe.quantity_scale.astype(np.float64)
        self._whole_units = bool((universe.quantity_scale == 1).all())
        self._share = np.array(chosen.max_participation)
        self._free = chosen.capacity_free if chosen.capacity_penalty else math.inf
        self._costs = CostModel(universe, chosen)
        self._few = FewFills(n, self._costs)
        self._scales: list[tuple[float, float]] = list(
            zip(scale.tolist(), self._quantity_scale.tolist(), strict=True)
        )
        self._most_of_bar = float(chosen.max_participation)
        self._liquidity = Liquidity(n, chosen)
        self._book = DisplayedBook()
        self._against_book = chosen.against_book
        self._half_spread = chosen.half_spread_bps / 1e4
        self._borrow = Borrow(universe, chosen.borrow_annual_bps)
        self._terms = PaperTerms(universe, chosen, self._liquidity, self._book, session_ends)
        self._latency_bars = chosen.latency_bars
        self._latency_ns = round(chosen.latency_ms * _NS_PER_MS)
        self._delayed = chosen.latency_bars > 1 or self._latency_ns > 0
        self._kept = 1.0 - chosen.impact_decay
        self._displaced: FloatArray = np.zeros(n)
        self._moving = False
        self._short = False
        self.triggered: OrderUpdates | None = None
        self.ended: OrderUpdates | None = None
        """Orders whose stop price the last bar reached, and orders that it ended; taken before and after its fills."""
        self.due: Charges | None = None
        """Borrow that fell due with the last bar; the desk takes it after the bar's fills."""
        self._price: FloatArray = np.full(n, np.nan)
        self._position: IntArray = np.zeros(n, dtype=np.int64)
        self._resting: IntArray = _NOTHING
        self._distinct = True
        self._bar = 0
        self._last_ts, self._session = 0, -1
        self._bar_ns = _NEVER
        self._highest = 0
        self._next_execution = 1

    # ---- the broker's contract -----------------------------------------------------------------------------

    def submit(self, approved: Approved, immediate: bool = False) -> Response:
        """Take a batch: acknowledged and resting, or (``immediate``) acknowledged and filled at once.

        An order number not above all earlier ones is answered REJECTED; so is, when ``immediate``, an order
        for a symbol that never had a good price. Immediate fills are at the last good price with spread and
        impact, whole, flagged ``forced``, and also for symbols whose price is bad now.

        Raises
        ------
        NotApproved
            The batch does not come from the risk gate, or asks to be filled at once without being Kill's
            flatten.
        """
        batch = admit(approved, immediate)
        updates, batch = answer(batch, self._highest, self._price if immediate else None)
        if not len(batch):
            return Response(updates)
        self._highest = int(batch.number[-1])
        if immediate:
            return Response(updates, self._fill_now(batch))
        if batch.terms is not None:
            return Response(
                self._terms.take(batch, updates, self._bar, batch.ts + self._latency_ns, self._price)
            )
        rest = np.empty((len(_NOTHING), len(batch)), dtype=np.int64)
        rest[_NUMBER], rest[_SYMBOL], rest[_REMAINING] = batch.number, batch.symbol, batch.quantity
        rest[_FIRST], rest[_BAR], rest[_ARRIVAL] = 1, self._bar, batch.ts + self._latency_ns
        rest[_TOTAL] = batch.quantity
        self._rest(np.concatenate((self._resting, rest), axis=1) if self._resting.shape[1] else rest)
        return Response(updates)

    def replace(self, approved: Approved) -> Response:
        """Change resting orders: REPLACED at once, or REPLACE_REJECTED when it is too late or nothing of it can change.

        Raises
        ------
        NotApproved
            The batch does not come from the risk gate.
        """
        return Response(self._terms.replace(admit(approved)))

    def cancel(self, ts: int, number: IntArray) -> Response:
        """Cancel resting orders: CANCELED at once, or CANCEL_REJECTED when nothing of the order rests."""
        resting = set(self._resting[_NUMBER].tolist())
        event: CodeArray = np.full(len(number), OrderEvent.CANCEL_REJECTED, dtype=np.int8)
        for row, wanted in enumerate(number.tolist()):
            if wanted in resting:
                resting.remove(wanted)
                event[row] = OrderEvent.CANCELED
        gone = number[event == OrderEvent.CANCELED]
        self._rest(self._resting[:, ~np.isin(self._resting[_NUMBER], gone)])
        if len(self._terms):
            number, event = self._terms.cancel(number, event)
        text = "" if (event == OrderEvent.CANCELED).all() else "nothing left to cancel"
        return Response(OrderUpdates(ts, number, event, text))

    def positions(self) -> IntArray:
        """The sum of all fills per symbol: int64 ``[n_symbols]``, signed scaled quantity, a copy."""
        return self._position.copy()

    def account(self) -> AccountView:
        """What is held, and every order that may still fill."""
        market = self._resting[[_NUMBER, _SYMBOL, _TOTAL, _REMAINING]]
        return AccountView(self.positions(), self._terms.open_orders(market))

    # ---- the market ----------------------------------------------------------------------------------------

    def on_bars(self, screened: ScreenedBars) -> Fills | None:
        """Fill what rests against a bar, then learn its price, volatility and volume.

        Returns
        -------
        Fills or None
            Executions in the order the orders were handed over; None when there are none. Sizes and costs use
            estimates that end before this bar; only the participation limit looks at this bar's own volume.
        """
        bars = screened.bars
        self._bar += 1
        if self._moving:
            self._fade()
        if self._delayed and self._last_ts:
            self._bar_ns = min(self._bar_ns, max(1, bars.ts - self._last_ts))
        self.due = None
        if self._short:
            self.due = self._borrow.pass_to(bars.ts, bars.session, self._position, self._price)
        fills = self._fill_resting(screened) if self._resting.shape[1] else None
        self.triggered = self.ended = None
        self._terms.close_only = bars.volume is bars.open
        if len(self._terms):
            fills = self._fill_terms(screened, fills)
        self._price = screened.price
        self._last_ts, self._session = bars.ts, bars.session
        self._liquidity.update(screened)
        if self._against_book:
            self._book.update(bars.quotes)
        return fills

    @property
    def idle(self) -> bool:
        """Nothing rests and nothing is short: the next bar can bring neither fills nor borrow."""
        return not self._resting.shape[1] and not self._short and not len(self._terms)

    def pass_by(self, block: ScreenedBlock, first: int, end: int) -> None:
        """Learn from the bars ``first`` to ``end`` of ``block``, during which the venue was :attr:`idle`.

        Bit for bit as :meth:`on_bars` of each.
        """
        rows, volume = slice(first, end), block.bars.volume
        if self._moving or self._delayed:
            for ts in block.bars.ts[rows]:
                self._one_bar_later(ts)
        else:
            self._bar += end - first
            self._last_ts = block.bars.ts[end - 1]
        self.due = self.triggered = self.ended = None
        self._session, self._terms.close_only = block.bars.session[end - 1], volume is None
        self._price = block.price[end - 1]
        self._liquidity.update_block(
            block.price[rows], None if volume is None else volume[rows], block.quality[rows]
        )

    def lend(self) -> LentVenue | None:
        """Everything a kernel needs to go on in the venue's place; None while anything but the plainest rests or is held."""
        if self._short or self._delayed or self._book or len(self._terms):
            return None
        resting, count = np.zeros((3, len(self._universe)), dtype=np.int64), self._resting.shape[1]
        if not (self._distinct and self._few.possible and self._resting[_FIRST].all()):
            return None
        resting[:, :count] = self._resting[:_FIRST]
        sums, last = self._liquidity.lend()
        rates = (*self._costs.rates, self._free, self._most_of_bar, self._kept)
        return LentVenue(
            np.array(
                (*zip(*self._scales, strict=True), *zip(*self._costs.terms(len(self._universe)), strict=True))
            ),
            np.array((*rates, *self._liquidity.rates)),
            sums,
            last,
            self._displaced.copy(),
            np.array([self._moving]),
            resting,
            count,
            self._bar,
            self._next_execution,
        )

    def take_back(self, lent: LentVenue, now: VenueMoment, held: IntArray) -> None:
        """Go on from where a kernel left what :meth:`lend` gave; ``held`` is the position ``[n_symbols]`` after it."""
        self._liquidity.take_back(lent.sums, lent.last)
        self._displaced, self._moving = lent.displaced, bool(lent.moving[0])
        self._position = held.copy()
        self._bar, self._last_ts, self._session, self._price = now.bar, now.ts, now.session, now.price
        self._next_execution, self._highest = now.execution, now.highest
        self._terms.close_only = now.close_only
        rest = np.empty((len(_NOTHING), now.count), dtype=np.int64)
        rest[:_FIRST] = lent.resting[:, : now.count]
        rest[_FIRST], rest[_BAR], rest[_ARRIVAL], rest[_TOTAL] = 1, now.bar, now.ts, rest[_REMAINING]
        self._rest(rest)
        self.due = self.triggered = self.ended = None

    def _one_bar_later(self, ts: int) -> None:
        self._bar += 1
        if self._moving:
            self._fade()
        if self._delayed and self._last_ts:
            self._bar_ns = min(self._bar_ns, max(1, ts - self._last_ts))
        self._last_ts = ts

    def _fade(self) -> None:
        """The market forgets a part of what the desk's fills moved it by."""
        self._displaced *= self._kept
        if self._bar % _SWEEP_BARS == 0:
            self._displaced[np.abs(self._displaced) < _FADED] = 0.0
            self._moving = bool(self._displaced.any())

    def _fill_resting(self, screened: ScreenedBars) -> Fills | None:
        few = self._fill_few(screened)
        if few is not None:
            return few
        bars = screened.bars
        number, symbol, remaining, first = self._resting[:_BAR]
        base = self._reference(bars, symbol)
        if (
            self._delayed
            or not self._distinct
            or np.count_nonzero(screened.quality[symbol])
            or not 0.0 < base[base.argmin()] <= base[base.argmax()] < _LARGEST_PRICE
        ):
            return self._fill_some(screened)
        allowed = np.abs(remaining) <= self._allowed(bars, symbol, remaining)
        if np.count_nonzero(allowed) < len(symbol):
            return self._fill_some(screened)
        self._rest(_NOTHING)
        return self._execute(bars, number, symbol, remaining, base, first, True)

    def _fill_few(self, screened: ScreenedBars) -> Fills | None:
        """A few whole orders on good bars, in plain numbers; None (and nothing filled) when any is not that."""
        resting = self._resting
        count = resting.shape[1]
        if count > MOST_FILLS or self._short or self._delayed or not self._distinct or self._book:
            return None
        number, symbol, quantity = resting[:_FIRST]
        if not self._few.possible or any(screened.quality.take(symbol).tolist()):
            return None
        fills = self._few_fills(screened.bars, symbol)
        priced = None if fills is None else self._few.price(fills, count)
        if fills is None or priced is None:
            return None
        displaced, position = self._displaced, self._position
        held = position.take(symbol)
        held += quantity
        if min(held.tolist()) < 0:
            return None
        for fill, moved in zip(fills, priced.moved, strict=True):
            displaced[fill.symbol] = fill.displaced + moved
        position[symbol] = held
        self._moving = True
        self._resting = _NOTHING
        begin = self._next_execution
        self._next_execution = begin + count
        execution = np.arange(begin, begin + count, dtype=np.int64)
        price, fee, costs, _ = priced
        return Fills(screened.bars.ts, number, symbol, quantity, price, fee, costs, execution)

    def _few_fills(self, bars: Bars, symbol: IntArray) -> list[Fill] | None:
        """What the resting orders fill at before costs; None when the bar's prices or volume do not allow all of it."""
        source = bars.close if bars.volume is bars.open else bars.open
        _, columns, quantities, firsts = self._resting[:_BAR].tolist()
        displaced = self._displaced.take(symbol).tolist() if self._moving else [0.0] * len(columns)
        rows = zip(
            columns,
            quantities,
            firsts,
            source.take(symbol).tolist(),
            displaced,
            self._liquidity.few_bar_volumes(bars, symbol),
            self._liquidity.few(symbol),
            strict=True,
        )
        fills: list[Fill] = []
        for column, quantity, first, price, moved, traded, (volume, sigma) in rows:
            price_scale, quantity_scale = self._scales[column]
            scaled, size = price * price_scale, abs(quantity)
            if not 0.5 < scaled < _LARGEST_PRICE or not size <= traded * self._most_of_bar * quantity_scale:
                return None
            participation = size / quantity_scale / volume
            if participation > self._free:
                return None
            fills.append(Fill(column, quantity, float(round(scaled)), participation, sigma, first, moved))
        return fills

    def _fill_some(self, screened: ScreenedBars) -> Fills | None:
        """The long way: orders that wait for a price, for their arrival, or for volume."""
        bars, resting = screened.bars, self._resting
        rows = np.flatnonzero(self._arrived(bars) & (screened.quality[resting[_SYMBOL]] == Quality.GOOD))
        symbol = resting[_SYMBOL, rows]
        base = self._reference(bars, symbol, resting[_ARRIVAL, rows])
        if float(base.max(initial=0.0)) >= _LARGEST_PRICE:
            raise MoneyOverflow("A price is too large for exact scaled integers (over 2**52 units).")
        taken = self._share_of_bar(bars, symbol, resting[_REMAINING, rows])
        some = np.flatnonzero((taken != 0) & (base > 0.0))
        if not len(some):
            return None
        rows, taken, base = rows[some], taken[some], base[some]
        number, symbol, _, first = resting[:_BAR, rows]
        resting[_REMAINING, rows] -= taken
        resting[_FIRST, rows] = 0
        distinct = self._distinct
        self._rest(resting[:, resting[_REMAINING] != 0])
        return self._execute(bars, number, symbol, taken, base, first, distinct)

    def _arrived(self, bars: Bars) -> BoolArray:
        """Which resting orders this bar may fill."""
        if not self._delayed:
            return np.ones(self._resting.shape[1], dtype=np.bool_)
        arrived: BoolArray = self._resting[_ARRIVAL] <= bars.ts
        arrived &= self._bar - self._resting[_BAR] >= self._latency_bars
        return arrived

    def _reference(self, bars: Bars, symbol: IntArray, arrival: IntArray | None = None) -> FloatArray:
        """Scaled prices before costs, whole; NaN where there is none."""
        price: FloatArray = bars.close[symbol]
        if bars.volume is not bars.open:
            opened = bars.open[symbol]
            if arrival is not None:
                opened = np.where((opened > 0.0) & np.isfinite(opened), opened, price)
                if self._latency_ns:
                    opened += (price - opened) * self._elapsed(bars.ts, arrival)
            price = opened
        scaled = price * (self._price_scale[symbol] if self._price_scale.ndim else self._price_scale)
        return np.rint(scaled, out=scaled)

    def _elapsed(self, ts: int, arrival: IntArray) -> FloatArray:
        """Which part of the bar that ends at ``ts`` had passed when each order arrived, 0 to 1.

        A bar is as long as the shortest time between two bars so far, so that the first bar of a session does not
        reach back into the night.
        """
        length = min(self._bar_ns, ts - self._last_ts)
        return np.clip((arrival - (ts - length)) / length, 0.0, 1.0)

    def _allowed(self, bars: Bars, symbol: IntArray, remaining: IntArray) -> FloatArray:
        """Largest size that one bar may fill in each symbol, scaled quantity."""
        allowed = self._liquidity.bar_volume(bars, symbol)
        allowed *= self._share
        if self._book:
            np.minimum(allowed, self._book.depth(symbol, remaining), out=allowed)
        return allowed if self._whole_units else allowed * self._quantity_scale[symbol]

    def _rest(self, resting: IntArray) -> None:
        """Keep these orders resting; their numbers rise."""
        self._resting = resting
        self._distinct = _distinct(resting[_SYMBOL])

    def _share_of_bar(self, bars: Bars, symbol: IntArray, remaining: IntArray) -> IntArray:
        """How much of each order this bar's volume allows: all of it, or whole lots up to the limit."""
        allowed = self._allowed(bars, symbol, remaining)
        size = np.abs(remaining)
        if self._distinct and (size <= allowed).all():
            return remaining
        limit = np.clip(allowed, 0.0, 2.0**53).astype(np.int64)
        if not self._distinct:  # several orders share one bar of one symbol, first come, first served
            used: dict[int, int] = {}
            for row, column in enumerate(symbol.tolist()):
                before = used.get(column, 0)
                limit[row] = max(0, int(limit[row]) - before)
                used[column] = before + min(int(limit[row]), int(size[row]))
        lot = self._universe.lot[symbol]
        return np.sign(remaining) * np.where(size <= limit, size, limit - limit % lot)

    def _fill_now(self, batch: OrderBatch) -> Fills:
        price = self._price[batch.symbol]
        base = floats_to_scaled(price, self._universe.price_scale[batch.symbol]).astype(np.float64)
        first = np.ones(len(batch), dtype=np.int64)
        distinct = _distinct(batch.symbol)
        return self._execute(
            batch, batch.number, batch.symbol, batch.quantity, base, first, distinct, forced=True
        )

    def _execute(
        self,
        moment: Bars | OrderBatch,
        number: IntArray,
        symbol: IntArray,
        quantity: IntArray,
        base: FloatArray,
        first: IntArray,
        distinct: bool,
        forced: bool = False,
        resting: bool = False,
    ) -> Fills:
        pay = self._terms.rested if resting else self._price_of
        priced = pay(symbol, quantity, base, first)
        if distinct:
            self._displaced[symbol] = self._displaced[symbol] + priced.moved if self._moving else priced.moved
        else:
            np.add.at(self._displaced, symbol, priced.moved)
        self._moving = True
        self._hold(moment, symbol, quantity, priced, distinct)
        begin = self._next_execution
        self._next_execution += len(number)
        execution = np.arange(begin, self._next_execution, dtype=np.int64)
        return Fills(
            moment.ts, number, symbol, quantity, priced.price, priced.fee, priced.costs, execution, forced
        )

    def _price_of(self, symbol: IntArray, quantity: IntArray, base: FloatArray, first: IntArray) -> Priced:
        """What market orders of these sizes pay."""
        liquidity = self._liquidity
        shares = np.abs(quantity, dtype=np.float64)
        if not self._whole_units:
            shares /= self._quantity_scale[symbol]
        volume = liquidity.volume(symbol)
        participation = shares / volume
        walking, spread = None, None
        if self._book:
            walking = np.maximum(shares - self._book.touch(symbol, quantity), 0.0) / volume
            spread = self._book.half_spread(symbol, self._half_spread)
        crowded = participation[participation.argmax()] > self._free
        stress = liquidity.stress(symbol) if crowded else None
        displaced = self._displaced[symbol] if self._moving else None
        return self._costs.price(
            symbol,
            quantity,
            base,
            participation,
            liquidity.sigma(symbol),
            first,
            displaced,
            stress,
            walking,
            spread,
        )

    def _fill_terms(self, screened: ScreenedBars, before: Fills | None) -> Fills | None:
        """Let the bar pass over the orders with terms; their fills after those of the market orders."""
        bars = screened.bars
        moment = (self._bar, self._last_ts, self._session)
        outcome = self._terms.match(screened, moment, before, self._allowed, self._price_of)
        self.triggered, self.ended = outcome.updates(bars.ts)
        parts = [] if before is None else [before]
        for resting, number, symbol, quantity, base, first in outcome.runs():
            parts.append(
                self._execute(bars, number, symbol, quantity, base, first, _distinct(symbol), resting=resting)
            )
        return joined(parts)

    def _hold(
        self,
        moment: Bars | OrderBatch,
        symbol: IntArray,
        quantity: IntArray,
        priced: Priced,
        distinct: bool,
    ) -> None:
        """Positions after the fills; who is short from now on owes borrow."""
        if self._short:
            priced.costs[CostPart.BORROW] = self._borrow.settle(symbol, quantity, self._position)
        if distinct:
            held = self._position[symbol]
            held += quantity
            self._position[symbol] = held
        else:
            np.add.at(self._position, symbol, quantity)
            held = self._position
        if self._short:
            self._short = bool((self._position < 0).any())
        elif held[held.argmin()] < 0:
            self._short = True
            self._borrow.begin(moment.ts, moment.session if isinstance(moment, Bars) else -1)

    # ---- state ---------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything the next fill depends on, copied."""
        return {
            "price": self._price.copy(),
            "position": self._position.copy(),
            "resting": self._resting.copy(),
            "displaced": self._displaced.copy(),
            "moving": self._moving,
            "bar": self._bar,
            "last_ts": self._last_ts,
            "bar_ns": self._bar_ns,
            "highest": self._highest,
            "next_execution": self._next_execution,
            "liquidity": self._liquidity.state(),
            "book": self._book.state(),
            "borrow": self._borrow.state(),
            "session": self._session,
            "terms": self._terms.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`, bit for bit."""
        self._price = state["price"].copy()
        self._position = state["position"].copy()
        self._displaced = state["displaced"].copy()
        self._moving = bool(state["moving"])
        self._rest(state["resting"].copy())
        self._bar = int(state["bar"])
        self._last_ts = int(state["last_ts"])
        self._bar_ns = int(state["bar_ns"])
        self._highest = int(state["highest"])
        self._next_execution = int(state["next_execution"])
        self._liquidity.restore(state["liquidity"])
        self._book.restore(state["book"])
        self._borrow.restore(state["borrow"])
        self._session = int(state["session"])
        self._terms.restore(state["terms"])
        self.triggered = self.ended = None
        self._short = bool((self._position < 0).any())
        self.due = None


def _distinct(symbol: IntArray) -> bool:
    """Whether no two orders are for one symbol."""
    return len(set(symbol.tolist())) == len(symbol)
