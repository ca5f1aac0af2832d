"""What a broker says of an account, and how that differs from what the desk believes."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from tuiconsole.domain.types import CodeArray, IntArray


class OpenOrder(msgspec.Struct, frozen=True):
    """One working order of an account.

    Attributes
    ----------
    number
        The desk's number, 0 where the order is none of the desk's.
    symbol
        Universe column.
    quantity, filled
        Signed scaled quantity ordered, and filled so far.
    price
        Scaled average price of what is filled; 0 where there is none, or nobody says.
    name
        The broker's own id; only told where ``number`` is 0.
    """

    number: int
    symbol: int
    quantity: int
    filled: int
    price: int = 0
    name: str = ""


class AccountView(msgspec.Struct, frozen=True):
    """An account at one moment, from whichever side.

    Attributes
    ----------
    positions
        int64 ``[n_symbols]`` signed scaled quantity.
    orders
        Everything that may still fill, in any order.
    cash
        Money, or None where it is not told.
    """

    positions: IntArray
    orders: tuple[OpenOrder, ...] = ()
    cash: int | None = None


class DifferenceKind(enum.IntEnum):
    """What differs. The numbers are stored."""

    POSITION = 0
    CASH = 1
    FILLED = 2
    QUANTITY = 3
    ENDED = 4
    FOREIGN = 5


class Differences(msgspec.Struct, frozen=True):
    """What differs, as columns ``[n]`` in a canonical order.

    Attributes
    ----------
    kind
        int8 of :class:`DifferenceKind`.
    symbol
        int64 universe column, -1 for cash.
    number
        int64 order number, 0 where it speaks of no order of the desk.
    ours, theirs
        int64, scaled quantity, or money for cash.
    price
        int64 scaled price at which fills that the desk missed were made; 0 where unknown.
    names
        The broker's ids of orders that are none of the desk's, else empty.
    """

    kind: CodeArray
    symbol: IntArray
    number: IntArray
    ours: IntArray
    theirs: IntArray
    price: IntArray
    names: tuple[str, ...]

    @classmethod
    def of(cls, columns: Sequence[Any], names: Sequence[str]) -> Differences:
        """From the columns in their order, and the names."""
        kind, symbol, number, ours, theirs, price = columns
        return cls(kind, symbol, number, ours, theirs, price, tuple(names))

    def __len__(self) -> int:
        return len(self.kind)

    def columns(self) -> tuple[Any, ...]:
        """All columns but the names, in their order."""
        return self.kind, self.symbol, self.number, self.ours, self.theirs, self.price

    def take(self, rows: Sequence[int]) -> Differences:
        """The differences at ``rows``."""
        index = np.array(rows, dtype=np.int64)
        return Differences.of([column[index] for column in self.columns()], [self.names[row] for row in rows])

    def keys(self) -> frozenset[tuple[int, ...]]:
        """What makes each difference the same as one seen before."""
        return frozenset(self.rows())

    def rows(self) -> list[tuple[int, ...]]:
        """Kind, symbol, number, ours and theirs of each."""
        return list(zip(*(column.tolist() for column in self.columns()[:-1]), strict=True))
