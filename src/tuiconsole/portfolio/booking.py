"""FIFO accounting of one batch of fills, worked out beside the ledger so that a failure leaves nothing behind."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from tuiconsole.domain.errors import DeskError
from tuiconsole.domain.types import IntArray
from tuiconsole.portfolio.valuation import Valuation, checked, split

Lots = deque[tuple[int, int]]
"""Open lots of one symbol, oldest first: signed scaled quantity and signed total cost in money."""


class Entry:
    """One batch of fills on its way into the ledger.

    Parameters
    ----------
    valuation
        Money of prices and quantities.
    lots
        Open lots of every symbol; copied where a fill touches them.
    table
        int64 ``[4 or more, n_symbols]``: quantity, cost, realised profit and fees by symbol, in this order.
    totals
        Cash, realised profit and fees, money.

    Attributes
    ----------
    cash, realised, fees
        The totals after the fills taken in so far.
    lots, figures, before
        Per touched symbol: its lots, and its quantity, cost, realised profit and fees, now and before.
    last_price
        Per touched symbol: scaled price of its last fill.
    """

    __slots__ = (
        "_lots",
        "_table",
        "_valuation",
        "before",
        "cash",
        "fees",
        "figures",
        "last_price",
        "lots",
        "realised",
    )

    def __init__(
        self,
        valuation: Valuation,
        lots: Sequence[Lots],
        table: IntArray,
        totals: tuple[int, int, int],
    ) -> None:
        self._valuation = valuation
        self._lots = lots
        self._table = table
        self.cash, self.realised, self.fees = totals
        self.lots: dict[int, Lots] = {}
        self.before: dict[int, list[int]] = {}
        self.figures: dict[int, list[int]] = {}
        self.last_price: dict[int, int] = {}

    def book(self, column: int, quantity: int, price: int, fee: int) -> int:
        """Take in one fill; returns the money it realised."""
        lots = self._open(column, quantity, price)
        figures = self.figures[column]
        paid = self._valuation.one(column, price, quantity)
        closing = 0
        realised = 0
        if figures[0] * quantity < 0:
            closing = min(abs(quantity), abs(figures[0]))
            closing_paid = paid if closing == abs(quantity) else split(paid, closing, abs(quantity))
            removed = _take(lots, closing)
            realised = -closing_paid - removed
            figures[1] -= removed
            figures[2] += realised
            opening_paid = paid - closing_paid
        else:
            opening_paid = paid
        opening = abs(quantity) - closing
        if opening:
            lots.append((checked(opening if quantity > 0 else -opening, "quantity of a lot"), opening_paid))
            figures[1] += opening_paid
        figures[0] += quantity
        figures[3] += fee
        self.last_price[column] = price
        self.cash -= paid + fee
        self.fees += fee
        self.realised += realised
        return checked(realised, "realised profit of a fill")

    def _open(self, column: int, quantity: int, price: int) -> Lots:
        lots = self.lots.get(column)
        if not 0 <= column < len(self._lots) or quantity == 0 or price <= 0:
            raise DeskError(
                f"A fill of {quantity} units at price {price} in column {column} cannot be booked.",
                "Nothing was booked: compare the broker's report with the journal.",
            )
        if lots is None:
            lots = self.lots[column] = self._lots[column].copy()
            figures = self.before[column] = self._table[:4, column].tolist()
            self.figures[column] = figures.copy()
        return lots


def _take(lots: Lots, amount: int) -> int:
    """Remove ``amount`` (absolute, scaled) from the oldest lots; returns the signed cost that leaves."""
    removed = 0
    while amount:
        quantity, cost = lots.popleft()
        size = abs(quantity)
        if size <= amount:
            removed += cost
            amount -= size
            continue
        part = split(cost, amount, size)
        left = quantity - amount if quantity > 0 else quantity + amount
        lots.appendleft((left, cost - part))
        removed += part
        amount = 0
    return removed
