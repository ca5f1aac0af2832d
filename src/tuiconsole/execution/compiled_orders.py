"""From targets to wanted orders, for kernels: as :mod:`tuiconsole.execution.oms` has them, of a desk that is long or flat.

Nothing else is working when they are wanted.
"""

from __future__ import annotations

import math

import numpy as np

from tuiconsole.domain.types import BoolArray, CodeArray, FloatArray, IntArray

GIVEN, ON_CHANGE, EVERY_BAR = range(3)
"""Which symbols act: those that the policy names, those whose wanted weight or side changes, or all that have a weight."""

MOST_LOTS = 2.0**40
"""No order is larger."""

SYMBOL, QUANTITY, REFERENCE, TARGET, RANK = range(5)
"""Rows of a batch, int64 ``[5, n_symbols]``; the last is for its order alone."""

Prices = tuple[FloatArray, IntArray, CodeArray]
"""At one bar ``[n_symbols]``: last good prices, the same scaled, and the verdict of the defence."""

_SALES_THAT_REDUCE, _OTHER_SALES, _PURCHASES = 0, 2, 3

Wishes = tuple[BoolArray, IntArray, FloatArray]
"""At one bar ``[n_symbols]``: who acts, wanted quantities, wanted weights; what the rule does not ask for is never read."""


def lots_of(weight: float, equity: float, lot_value: float) -> int:
    """Whole lots that ``weight`` of the equity buys, as :class:`~tuiconsole.strategy.Strategy` counts them."""
    lots = np.trunc(weight * equity / lot_value)
    if not math.isfinite(lots):
        return 0
    return int(min(max(lots, -MOST_LOTS), MOST_LOTS))


def want(
    rule: int,
    given: bool,
    wishes: Wishes,
    weights_acted_on: tuple[FloatArray, FloatArray],
    prices: Prices,
    symbols: tuple[IntArray, FloatArray],
    held: IntArray,
    equity: float,
    draft: IntArray,
    batch: IntArray,
) -> int:
    """Lay the orders of one decision into ``batch``: sales that reduce, other sales, purchases; returns their number.

    Parameters
    ----------
    given
        The policy names quantities; else weights.
    weights_acted_on
        float64 ``[n_symbols]``, before this decision and, laid down here, after it.
    symbols
        ``[n_symbols]``: lots, and what a lot is worth at a price of 1.
    draft, batch
        int64 ``[5, n_symbols]``; the first is scribbled on.
    """
    acting, quantities, weights = wishes
    before, after = weights_acted_on
    price, price_scaled, quality = prices
    lot, lot_units = symbols
    after[:] = before
    count = 0
    for column in range(len(held)):
        if quality[column] != 0:
            continue
        if rule == GIVEN:
            if not acting[column]:
                continue
        elif rule == ON_CHANGE:
            weight, position = weights[column], held[column]
            if math.isnan(weight):
                continue
            same_side = (weight > 0.0) == (position > 0) and (weight < 0.0) == (position < 0)
            if weight == before[column] and same_side:
                continue
        elif not math.isfinite(weights[column]):
            continue
        if given:
            target = quantities[column]
        else:
            after[column] = weights[column]
            target = lots_of(weights[column], equity, price[column] * lot_units[column]) * lot[column]
        difference, position = target - held[column], held[column]
        size, rank = abs(difference), _PURCHASES
        if difference < 0:
            rank = _OTHER_SALES
            if position > 0:
                rank, size = _SALES_THAT_REDUCE, min(size, position)
        if not (rank == _SALES_THAT_REDUCE and size == position):
            size -= size % lot[column]
        if size:
            draft[SYMBOL, count], draft[TARGET, count], draft[RANK, count] = column, target, rank
            draft[REFERENCE, count] = price_scaled[column]
            draft[QUANTITY, count] = -size if difference < 0 else size
            count += 1
    laid = 0
    for rank in (_SALES_THAT_REDUCE, _OTHER_SALES, _PURCHASES):
        for row in range(count):
            if draft[RANK, row] == rank:
                for entry in range(len(batch)):
                    batch[entry, laid] = draft[entry, row]
                laid += 1
    return count


PARTS = (lots_of, want)
"""What a kernel that uses this file calls."""
