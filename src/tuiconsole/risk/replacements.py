"""A change of a working order, as the gate sees it."""

from __future__ import annotations

from msgspec.structs import replace

from tuiconsole.domain.order_terms import OrderTerms, Terms, TermsFault
from tuiconsole.domain.orders import OrderBatch, Purpose
from tuiconsole.domain.types import IntArray
from tuiconsole.risk.verdict import Book

_FIXED = ("type", "tif", "trail_unit", "peg", "peg_offset", "expiry", "parent", "oco")
"""Terms that no replacement changes: another type of order is another order."""


class Standing:
    """A working order before the change.

    Parameters
    ----------
    symbol
        Universe column.
    quantity, filled
        Signed scaled quantity ordered, and filled so far.
    pending
        Signed scaled quantity by which it counts in the book's pending or exits.
    purpose, terms
        As ordered.
    """

    __slots__ = ("filled", "pending", "purpose", "quantity", "symbol", "terms")

    def __init__(
        self, symbol: int, quantity: int, filled: int, pending: int, purpose: Purpose, terms: Terms
    ) -> None:
        self.symbol, self.quantity, self.filled, self.pending = symbol, quantity, filled, pending
        self.purpose, self.terms = purpose, terms


def replacement_fault(batch: OrderBatch, now: Standing) -> TermsFault:
    """What makes the change no change of this order at all."""
    if len(batch) != 1 or batch.terms is None:
        return TermsFault.REVISION
    quantity, terms = int(batch.quantity[0]), batch.terms.at(0)
    if int(batch.symbol[0]) != now.symbol or int(batch.purpose[0]) != now.purpose:
        return TermsFault.REVISION
    if terms.revision != now.terms.revision + 1 or any(
        getattr(terms, name) != getattr(now.terms, name) for name in _FIXED
    ):
        return TermsFault.REVISION
    if quantity * now.quantity <= 0 or abs(quantity) <= abs(now.filled):
        return TermsFault.NOTHING_LEFT
    return TermsFault.NONE


def as_if_new(batch: OrderBatch, now: Standing, book: Book) -> tuple[OrderBatch, Book]:
    """An order for what the change leaves open, and the book without the order as it stands."""
    assert batch.terms is not None
    alone = replace(batch.terms.at(0), revision=0, parent=0, oco=0)
    order = replace(batch, quantity=batch.quantity - now.filled, terms=OrderTerms.of([alone]))
    if now.purpose == Purpose.PROTECTIVE:
        exits = None if book.exits is None else _without(book.exits, now)
        return order, replace(book, exits=exits)
    return order, replace(book, pending=_without(book.pending, now), exposure=None)


def _without(column: IntArray, now: Standing) -> IntArray:
    rest = column.copy()
    rest[now.symbol] -= now.pending
    return rest
