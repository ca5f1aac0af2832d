"""The exchange behind a simulated broker: what truly became of every order, whatever anybody was told.

Market orders fill at the next bars' prices, whole or in parts. It outlives every crash of the desk.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tuiconsole.domain.costs import CostPart
from tuiconsole.domain.events import Fills
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.market import Bars
from tuiconsole.domain.money import floats_to_scaled
from tuiconsole.domain.orders import OrderBatch
from tuiconsole.domain.types import IntArray

_FEE_PARTS = 10_000
"""A fee is one part in so many of a fill's notional."""


@dataclass(slots=True)
class HeldOrder:
    """An order as the exchange holds it; quantities signed and scaled."""

    number: int
    symbol: int
    quantity: int
    filled: int = 0
    closed: str = ""
    """Empty while it works, else ``filled``, ``canceled`` or ``rejected``."""
    executions: list[Fills] = field(default_factory=list)

    @property
    def leaves(self) -> int:
        """What is still open of it, signed."""
        return 0 if self.closed else self.quantity - self.filled


class SimulatedExchange:
    """Orders by number, and what was traded.

    Parameters
    ----------
    rng
        For the sizes of partial fills.
    partial
        Probability that a fill takes only a part.

    Attributes
    ----------
    orders, open
        All orders by number, and those that may still fill.
    position
        int64 ``[n_symbols]``, what is truly held.
    executions
        Those that were not taken back, in order.
    made
        Quantity and price of every execution by its number, those that take others back too.
    """

    def __init__(self, universe: Universe, rng: np.random.Generator, partial: float) -> None:
        self.orders: dict[int, HeldOrder] = {}
        self.open: dict[int, HeldOrder] = {}
        self.position: IntArray = np.zeros(len(universe), dtype=np.int64)
        self.executions: list[Fills] = []
        self.made: dict[int, tuple[int, int]] = {}
        self._price: IntArray = np.zeros(len(universe), dtype=np.int64)
        self._scale = universe.price_scale
        self._rng = rng
        self._partial = partial
        self._ts = 0
        self._last_execution = 0

    def place(self, batch: OrderBatch, row: int) -> bool:
        """Take one order; False when its number was used before, which changes nothing."""
        number = int(batch.number[row])
        if number in self.orders:
            return False
        order = HeldOrder(number, int(batch.symbol[row]), int(batch.quantity[row]))
        self.orders[number] = self.open[number] = order
        return True

    def refuse(self, batch: OrderBatch, row: int) -> None:
        """Keep an order as rejected."""
        self.place(batch, row)
        self.close(self.orders[int(batch.number[row])], "rejected")

    def close(self, order: HeldOrder, why: str) -> None:
        """Nothing more of ``order`` trades."""
        order.closed = why
        self.open.pop(order.number, None)

    def on_bar(self, bars: Bars) -> list[Fills]:
        """Trade what works against a true bar; the executions, one by one."""
        self._ts = bars.ts
        good = np.isfinite(bars.close) & (bars.close > 0)
        self._price = np.where(
            good, floats_to_scaled(np.where(good, bars.close, 1.0), self._scale), self._price
        )
        return [self.trade(order) for order in list(self.open.values()) if self._price[order.symbol] > 0]

    def trade(self, order: HeldOrder, part: bool = False) -> Fills:
        """Fill what is open of ``order``, or only ``part`` of it, at the last price."""
        size = abs(order.leaves)
        if size > 1 and (part or self._rng.random() < self._partial):
            size = int(self._rng.integers(1, size))
        return self._book(order, size if order.quantity > 0 else -size)

    def bust(self, fills: Fills) -> Fills:
        """Take one execution back; nothing more of its order trades."""
        order = self.orders[int(fills.number[0])]
        price = int(fills.price[0])
        taken = self._book(order, -int(fills.quantity[0]), price)
        self.executions.pop()
        self.close(order, "canceled")
        return taken

    def _book(self, order: HeldOrder, quantity: int, price: int | None = None) -> Fills:
        paid = int(self._price[order.symbol]) if price is None else price
        fee = abs(paid * quantity) // _FEE_PARTS if price is None else 0
        one = np.array([[order.number], [order.symbol], [quantity], [paid], [fee]], dtype=np.int64)
        costs = np.zeros((len(CostPart), 1), dtype=np.int64)
        costs[CostPart.COMMISSION_PROPORTIONAL] = fee
        self._last_execution += 1
        execution = np.array([self._last_execution], dtype=np.int64)
        fills = Fills(self._ts, one[0], one[1], one[2], one[3], one[4], costs, execution)
        self.made[self._last_execution] = (quantity, paid)
        order.filled += quantity
        order.executions.append(fills)
        self.executions.append(fills)
        self.position[order.symbol] += quantity
        if price is None and order.filled == order.quantity:
            self.close(order, "filled")
        return fills
