"""The short proof that a small, ordinary batch passes every rule of the gate.

Most batches hold a few orders on good prices, well within every limit. For those the rules of
:mod:`tuiconsole.risk.order_rules` and :mod:`tuiconsole.risk.book_rules` come down to comparing a few whole numbers
per order, which plain Python does faster than arrays. This module never refuses: where it cannot prove that a batch
passes as a whole, it says so, and the rules themselves decide.
"""

from __future__ import annotations

from tuiconsole.domain.events import DeskLevel
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.orders import OrderBatch
from tuiconsole.risk.book_rules import BookRules
from tuiconsole.risk.order_rules import OrderRules
from tuiconsole.risk.verdict import Book

MOST_ORDERS = 24
"""Orders up to which plain integers are faster than arrays."""

_SURE = 2**61
"""Bound on money below which the rules' own bounds checks surely pass."""

Move = tuple[int, int, int]
"""What an order adds to gross and net exposure, and what it spends; money."""


class OrdinaryBatch:
    """Proves that batches pass.

    Parameters
    ----------
    universe, orders, book
        Who may be traded, and the rules that are proven to pass.
    """

    def __init__(self, universe: Universe, orders: OrderRules, book: BookRules) -> None:
        self._n = len(universe)
        self._nothing = bytes(8 * self._n)
        self._orders = orders
        self._book = book
        self._exact = orders.valuation.exact
        self._factor: list[int] = orders.valuation.factor.tolist()
        self._lot: list[int] = universe.lot.tolist()
        self._size_max: list[int] = orders.size_max.tolist()
        self._position_max: list[int] = orders.position_max.tolist()

    def passes(
        self, batch: OrderBatch, book: Book, rate_left: int, notional_max: int, name_max: int
    ) -> int | None:
        """The number of orders that add risk when every order surely passes every rule, else None.

        Parameters
        ----------
        rate_left
            Orders that add risk that may still go out within this minute.
        notional_max, name_max
            Largest order, and largest exposure in one symbol, money.
        """
        symbols: list[int] = batch.symbol.tolist()
        if (
            not 0 < len(symbols) <= MOST_ORDERS
            or not self._exact
            or book.level != DeskLevel.RUNNING
            or not self._orders.fresh(batch.ts, book.ts)
            or any(batch.purpose.tolist())
            or book.pending.tobytes() != self._nothing
            or len(set(symbols)) != len(symbols)
            or min(symbols) < 0
            or max(symbols) >= self._n
        ):
            return None
        moves = self._moves(batch, book, symbols, notional_max, name_max)
        if moves is None:
            return None
        adding, reducing = moves
        if adding and not self._fits(adding, reducing, book, rate_left):
            return None
        return len(adding)

    def _moves(
        self, batch: OrderBatch, book: Book, symbols: list[int], notional_max: int, name_max: int
    ) -> tuple[list[Move], list[Move]] | None:
        """Moves of the orders that add risk and of those that reduce; None when an order may fail a rule."""
        columns = batch.symbol
        adding: list[Move] = []
        reducing: list[Move] = []
        for column, quantity, reference, price, held, tradable in zip(
            symbols,
            batch.quantity.tolist(),
            batch.reference_price.tolist(),
            book.price_scaled.take(columns).tolist(),
            book.position.take(columns).tolist(),
            book.tradable.take(columns).tolist(),
            strict=True,
        ):
            size, closing = abs(quantity), quantity == -held
            if not tradable or not 0 < price == reference or not size:
                return None
            if quantity % self._lot[column] and not closing:
                return None
            unit = price * self._factor[column]
            if (size + abs(held)) * unit >= _SURE:
                return None
            before, after, money = unit * held, unit * (held + quantity), unit * quantity
            if quantity * held < 0 and size <= abs(held):
                reducing.append((abs(after) - abs(before), money, money))
                continue
            if (
                size > self._size_max[column]
                or abs(held + quantity) > self._position_max[column]
                or abs(money) > notional_max
                or abs(after) > name_max
            ):
                return None
            adding.append((abs(after) - abs(before), money, max(money, 0)))
        return adding, reducing

    def _fits(self, adding: list[Move], reducing: list[Move], book: Book, rate_left: int) -> bool:
        """Whether the book surely has room for ``adding`` once ``reducing`` is done."""
        if len(adding) > rate_left or self._book.stopped(book) is not None:
            return False
        exposure = book.exposure or self._book.exposure(book)
        if exposure is None:
            return False
        gross, net = exposure
        cash = book.cash
        for more_gross, more_net, spent in reducing:
            gross, net, cash = gross + more_gross, net + more_net, cash - spent
        gross_max, net_max, cash_min = self._book.limits(book.equity)
        if gross > gross_max or abs(net) > net_max or cash < cash_min:
            return False
        for more_gross, more_net, spent in adding:
            gross, net, cash = gross + more_gross, net + more_net, cash - spent
            if gross > gross_max or abs(net) > net_max or cash < cash_min:
                return False
        return True
