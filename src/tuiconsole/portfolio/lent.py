"""What the ledger lends to a kernel that books fills in its place."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from tuiconsole.domain.types import IntArray
from tuiconsole.portfolio.booking import Lots

LARGEST_POSITION = 2**31
"""Units from which a kernel does not split lots: products could leave int64."""

_SPARE = 32


@dataclass(frozen=True, slots=True)
class LotRing:
    """Open lots of every symbol in rings.

    Attributes
    ----------
    quantity, cost
        int64 ``[n_symbols, most]``.
    oldest, count
        int64 ``[n_symbols]``: place of the oldest lot, and how many there are.

    Examples
    --------
    >>> LotRing.of([deque([(3, 30), (1, 11)]), deque()]).queues()
    [deque([(3, 30), (1, 11)]), deque([])]
    """

    quantity: IntArray
    cost: IntArray
    oldest: IntArray
    count: IntArray

    @classmethod
    def of(cls, queues: list[Lots]) -> LotRing:
        """The rings of these lots, with room for more."""
        counts = [len(lots) for lots in queues]
        shape = (len(queues), 2 * max(counts) + _SPARE)
        quantity, cost = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        for column, lots in enumerate(queues):
            for place, (size, paid) in enumerate(lots):
                quantity[column, place], cost[column, place] = size, paid
        return cls(quantity, cost, np.zeros(len(queues), dtype=np.int64), np.array(counts, dtype=np.int64))

    def queues(self) -> list[Lots]:
        """The lots, oldest first."""
        most = self.quantity.shape[1]
        found: list[Lots] = []
        for column, (first, count) in enumerate(zip(self.oldest.tolist(), self.count.tolist(), strict=True)):
            places = [(first + place) % most for place in range(count)]
            found.append(deque((int(self.quantity[column, at]), int(self.cost[column, at])) for at in places))
        return found

    @property
    def full(self) -> bool:
        """No symbol may get another lot without a larger ring."""
        return bool(self.count.max() >= self.quantity.shape[1])


@dataclass(frozen=True, slots=True)
class LentLedger:
    """The ledger's table ``[5, n_symbols]``, totals ``[4]`` and lots; a kernel changes them in place.

    See :mod:`tuiconsole.portfolio.compiled_booking`.
    """

    table: IntArray
    totals: IntArray
    ring: LotRing
