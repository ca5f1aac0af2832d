"""The paper venue: market orders on paper money, with honest costs.

An order rests from the moment it is handed over and fills at the next good bar of its symbol, never on the
bar that made the decision: at that bar's open, or at its close where the source has no opens. Half the spread
and square-root impact move the price against the desk; the price before costs lies within the bar, the price
after them may lie outside, as a real sweep of the book may. An order that wants more of a bar's volume than
the allowed share fills in parts.

Impact counts each order on its own: orders of one decision never share a symbol.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tuiconsole.domain.costs import CostPart
from tuiconsole.domain.errors import NotApproved
from tuiconsole.domain.events import Charges, Fills, OrderUpdates
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.market import Bars, Quality, ScreenedBars
from tuiconsole.domain.money import floats_to_scaled
from tuiconsole.domain.orders import Approved, OrderBatch, OrderEvent, Purpose
from tuiconsole.domain.types import BoolArray, CodeArray, FloatArray, IntArray
from tuiconsole.execution.borrow import Borrow
from tuiconsole.execution.contract import Response
from tuiconsole.execution.costs import CostModel
from tuiconsole.execution.liquidity import Liquidity
from tuiconsole.execution.settings import ExecutionSettings
from tuiconsole.risk.approved import genuine

_NUMBER, _SYMBOL, _REMAINING, _FIRST = range(4)
_NOTHING: IntArray = np.empty((4, 0), dtype=np.int64)


class PaperVenue:
    """A venue for one universe; keeps the contract of :class:`~tuiconsole.execution.contract.Broker`.

    Parameters
    ----------
    universe
        Who may be traded.
    settings
        Costs and liquidity; the defaults when None.
    """

    def __init__(self, universe: Universe, settings: ExecutionSettings | None = None) -> None:
        chosen = settings or ExecutionSettings()
        n = len(universe)
        self._universe = universe
        self._quantity_scale: FloatArray = universe.quantity_scale.astype(np.float64)
        self._participating: FloatArray = self._quantity_scale * chosen.max_participation
        self._costs = CostModel(universe, chosen)
        self._liquidity = Liquidity(n, chosen)
        self._borrow = Borrow(universe, chosen.borrow_annual_bps)
        self._short = False
        self.due: Charges | None = None
        """Borrow that fell due with the last bar; the desk takes it after the bar's fills."""
        self._price: FloatArray = np.full(n, np.nan)
        self._position: IntArray = np.zeros(n, dtype=np.int64)
        self._resting: IntArray = _NOTHING
        self._distinct = True
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
        if not genuine(approved):
            raise NotApproved("These orders did not come from the risk gate.", "Nothing was sent.")
        batch = approved.batch
        if immediate and (batch.purpose != Purpose.FLATTEN).any():
            raise NotApproved("Only Kill's flatten may be filled at once.", "Nothing was sent.")
        fresh, text = self._judge(batch, immediate)
        if fresh.all():
            event = np.full(len(batch), OrderEvent.ACKNOWLEDGED, dtype=np.int8)
        else:
            event = np.where(fresh, OrderEvent.ACKNOWLEDGED, OrderEvent.REJECTED).astype(np.int8)
            batch = batch.take(np.flatnonzero(fresh))
        updates = OrderUpdates(approved.batch.ts, approved.batch.number, event, text)
        if not len(batch):
            return Response(updates)
        self._highest = int(batch.number[-1])
        if immediate:
            return Response(updates, self._fill_now(batch))
        rest = np.stack((batch.number, batch.symbol, batch.quantity, np.ones_like(batch.number)))
        self._rest(np.concatenate((self._resting, rest), axis=1))
        return Response(updates)

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
        text = "" if len(gone) == len(number) else "nothing left to cancel"
        return Response(OrderUpdates(ts, number, event, text))

    def positions(self) -> IntArray:
        """The sum of all fills per symbol: int64 ``[n_symbols]``, signed scaled quantity, a copy."""
        return self._position.copy()

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
        self.due = None
        if self._short:
            self.due = self._borrow.pass_to(bars.ts, bars.session, self._position, self._price)
        fills = self._fill_resting(screened) if self._resting.shape[1] else None
        if self._short != bool((self._position < 0).any()):
            self._short = not self._short
            self._borrow.begin(bars.ts, bars.session)
        self._price = screened.price
        self._liquidity.update(screened)
        return fills

    def _fill_resting(self, screened: ScreenedBars) -> Fills | None:
        bars = screened.bars
        resting = self._resting
        number, symbol, remaining, first = resting
        good = screened.quality[symbol] == Quality.GOOD
        if not good.all():
            rows = np.flatnonzero(good)
            if not len(rows):
                return None
            number, symbol, remaining, first = resting[:, rows]
        taken = self._share_of_bar(bars, symbol, remaining)
        base = floats_to_scaled(_open_or_close(bars, symbol), self._universe.price_scale[symbol])
        if taken is remaining and base.min() > 0:
            self._rest(_NOTHING if good.all() else resting[:, ~good])
            return self._execute(bars.ts, number, symbol, taken, base, first, False)
        some = np.flatnonzero((taken != 0) & (base > 0))
        if not len(some):
            return None
        number, symbol, taken, base, first = (a[some] for a in (number, symbol, taken, base, first))
        at = np.searchsorted(resting[_NUMBER], number)
        resting[_REMAINING, at] -= taken
        resting[_FIRST, at] = 0
        self._rest(resting[:, resting[_REMAINING] != 0])
        return self._execute(bars.ts, number, symbol, taken, base, first, False)

    def _rest(self, resting: IntArray) -> None:
        """Keep these orders resting; their numbers rise."""
        self._resting = resting
        self._distinct = len(set(resting[_SYMBOL].tolist())) == resting.shape[1]

    def _share_of_bar(self, bars: Bars, symbol: IntArray, remaining: IntArray) -> IntArray:
        """How much of each order this bar's volume allows: all of it, or whole lots up to the limit."""
        allowed = self._liquidity.bar_volume(bars, symbol) * self._participating[symbol]
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
        base = floats_to_scaled(self._price[batch.symbol], self._universe.price_scale[batch.symbol])
        first = np.ones(len(batch), dtype=np.int64)
        return self._execute(batch.ts, batch.number, batch.symbol, batch.quantity, base, first, True)

    def _execute(
        self,
        ts: int,
        number: IntArray,
        symbol: IntArray,
        quantity: IntArray,
        base: IntArray,
        first: IntArray,
        forced: bool,
    ) -> Fills:
        shares = self._liquidity.volume(symbol) * self._quantity_scale[symbol]
        sigma = self._liquidity.sigma(symbol)
        priced = self._costs.price(symbol, quantity, base, np.abs(quantity) / shares, sigma, first)
        if self._short:
            priced.costs[CostPart.BORROW] = self._borrow.settle(symbol, quantity, self._position)
        np.add.at(self._position, symbol, quantity)
        begin = self._next_execution
        self._next_execution += len(number)
        execution = np.arange(begin, self._next_execution, dtype=np.int64)
        return Fills(
            ts,
            number,
            symbol,
            quantity,
            priced.price,
            priced.fee,
            priced.costs,
            execution,
            forced,
        )

    def _judge(self, batch: OrderBatch, immediate: bool) -> tuple[BoolArray, str]:
        """Which orders are taken, and why the others are not."""
        before = np.empty_like(batch.number)
        before[:1] = self._highest
        np.maximum(np.maximum.accumulate(batch.number[:-1]), self._highest, out=before[1:])
        fresh = batch.number > before
        text = "" if fresh.all() else "order number was used before"
        if immediate:
            priced = self._price[batch.symbol] > 0.0
            if not (priced | ~fresh).all():
                text = "no good price was ever seen"
            fresh &= priced
        return fresh, text

    # ---- state ---------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything the next fill depends on, copied."""
        return {
            "price": self._price.copy(),
            "position": self._position.copy(),
            "resting": self._resting.copy(),
            "highest": self._highest,
            "next_execution": self._next_execution,
            "liquidity": self._liquidity.state(),
            "borrow": self._borrow.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`, bit for bit."""
        self._price = state["price"].copy()
        self._position = state["position"].copy()
        self._rest(state["resting"].copy())
        self._highest = int(state["highest"])
        self._next_execution = int(state["next_execution"])
        self._liquidity.restore(state["liquidity"])
        self._borrow.restore(state["borrow"])
        self._short = bool((self._position < 0).any())


def _open_or_close(bars: Bars, symbol: IntArray) -> FloatArray:
    """The bar's open, or its close where the source has no opens."""
    close = bars.close[symbol]
    if bars.volume is bars.open:
        return close
    opened = bars.open[symbol]
    return np.where((opened > 0.0) & np.isfinite(opened), opened, close)
