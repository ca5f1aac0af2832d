"""The price of a few ordinary fills, in plain numbers.

A handful of whole market orders on liquid symbols costs less to price one by one than as arrays. The arithmetic is that
of :class:`~tuiconsole.execution.costs.CostModel`, operation by operation, so the bits are the same. Whatever is not
ordinary (a book of quotes, a crowded trade, an impact at its limit, values that float64 does not hold) is left to the
cost model: then the answer is None.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from tuiconsole.domain.costs import CostPart
from tuiconsole.domain.types import IntArray
from tuiconsole.execution.costs import LARGEST_IMPACT, CostModel

MOST_FILLS = 8
"""Fills up to which plain numbers are faster than arrays."""

_PARTS = len(CostPart)
_PRICE, _FEE, _COSTS = 0, 1, 2
"""Rows of the matrix that is filled: price and fee, then one for each part of the costs."""
_FIXED, _PROPORTIONAL, _SPREAD, _TEMPORARY, _PERMANENT = (
    _COSTS + int(part)
    for part in (
        CostPart.COMMISSION_FIXED,
        CostPart.COMMISSION_PROPORTIONAL,
        CostPart.SPREAD,
        CostPart.TEMPORARY,
        CostPart.PERMANENT,
    )
)


class Fill(NamedTuple):
    """One whole fill before its costs; as the columns of :meth:`~tuiconsole.execution.costs.CostModel.price`."""

    symbol: int
    quantity: int
    base: float
    participation: float
    sigma: float
    first: int
    displaced: float


class FewPriced(NamedTuple):
    """As :class:`~tuiconsole.execution.costs.Priced`, with ``moved`` as plain numbers."""

    price: IntArray
    fee: IntArray
    costs: IntArray
    moved: list[float]


class FewFills:
    """Prices small batches as ``costs`` does.

    Parameters
    ----------
    n_symbols, costs
        Width of the universe, and the model whose constants and laws these are.
    """

    def __init__(self, n_symbols: int, costs: CostModel) -> None:
        self.possible = costs.ordinary
        """No law is set that only the cost model itself knows."""
        self._terms = costs.terms(n_symbols)
        self._temporary, self._permanent, self._half_spread, self._over, self._largest = costs.rates

    def price(self, fills: Iterable[Fill], count: int) -> FewPriced | None:
        """Price ``count`` fills; None when any of them is for the cost model itself."""
        cells = [0] * ((_COSTS + _PARTS) * count)
        moves: list[float] = []
        for row, (symbol, quantity, base, participation, sigma, first, displaced) in enumerate(fills):
            side = 1.0 if quantity > 0 else -1.0
            temporary = math.sqrt(participation) * self._temporary * sigma
            moved = participation * self._permanent * sigma
            permanent = moved * 0.5
            against = displaced * side
            if against > 0.0:
                permanent += against
            total = temporary + permanent
            if not total <= LARGEST_IMPACT:
                return None
            factor, tick, cent_per_rate, cent, fixed = self._terms[symbol]
            price = base * side + (total + self._half_spread) * base
            price = max(side * math.ceil(price / tick), 1.0) * tick
            temporary, permanent = float(math.floor(temporary * base)), float(math.floor(permanent * base))
            spread = abs(price - base) - (temporary + permanent)
            size = quantity * side * factor
            notional = price * size
            if spread < 0.0 or not notional < self._largest:
                return None
            proportional = int(round(notional * self._over / cent_per_rate) * cent)
            cells[row], cells[count + row] = int(price), first * fixed + proportional
            cells[_FIXED * count + row], cells[_PROPORTIONAL * count + row] = first * fixed, proportional
            cells[_SPREAD * count + row] = int(spread * size)
            cells[_TEMPORARY * count + row] = int(temporary * size)
            cells[_PERMANENT * count + row] = int(permanent * size)
            moves.append(moved * side)
        table = np.array(cells, dtype=np.int64).reshape(-1, count)
        return FewPriced(table[_PRICE], table[_FEE], table[_COSTS:], moves)
