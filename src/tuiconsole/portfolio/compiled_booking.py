"""FIFO accounting of fills that never cross zero, for kernels: as :class:`~tuiconsole.portfolio.booking.Entry` books them.

The caller sees to it that every product fits: positions below 2**31 units, values below 2**61.
"""

from __future__ import annotations

from tuiconsole.domain.types import IntArray

QUANTITY, COST, REALISED, FEES, UNITS = range(5)
"""Rows of the ledger's table, int64 ``[5, n_symbols]``."""

CASH, PROFIT, PAID, WEIGHT = range(4)
"""Entries of the ledger's totals, int64 ``[4]``: cash, realised profit, fees, and the sum of what is held in units."""

Lots = tuple[IntArray, IntArray, IntArray, IntArray]
"""Quantities and costs ``[n_symbols, most]`` in rings, with the place of the oldest and the count ``[n_symbols]``."""


def room_for_lots(lots: Lots, resting_symbol: IntArray, count: int) -> bool:
    """Whether every one of these fills could open another lot."""
    quantities, _, _, counts = lots
    fullest = 0
    for row in range(count):
        fullest = max(fullest, counts[resting_symbol[row]])
    return bool(fullest < quantities.shape[1])


def book_fill(
    table: IntArray,
    totals: IntArray,
    lots: Lots,
    column: int,
    quantity: int,
    price: int,
    fee: int,
    factor: int,
) -> int:
    """Take in one fill of a long or flat position; returns the money it realised."""
    quantities, costs, oldest, counts = lots
    most = quantities.shape[1]
    paid = price * quantity * factor
    realised = 0
    if quantity < 0:
        amount, removed = -quantity, 0
        while amount > 0:
            place = oldest[column]
            size, cost = quantities[column, place], costs[column, place]
            if size <= amount:
                removed += cost
                amount -= size
                oldest[column] = (place + 1) % most
                counts[column] -= 1
                continue
            part = _split(cost, amount, size)
            quantities[column, place], costs[column, place] = size - amount, cost - part
            removed += part
            amount = 0
        realised = -paid - removed
        table[COST, column] -= removed
        table[REALISED, column] += realised
    else:
        place = (oldest[column] + counts[column]) % most
        quantities[column, place], costs[column, place] = quantity, paid
        counts[column] += 1
        table[COST, column] += paid
    table[QUANTITY, column] += quantity
    table[FEES, column] += fee
    table[UNITS, column] += quantity * factor
    totals[WEIGHT] += quantity * factor
    totals[CASH] -= paid + fee
    totals[PAID] += fee
    totals[PROFIT] += realised
    return realised


def _split(cost: int, amount: int, size: int) -> int:
    """The share ``amount / size`` of ``cost``, half-even, without a product beyond int64."""
    whole, rest = cost // size, (cost % size) * amount
    floor, left = whole * amount + rest // size, rest % size
    if left > size - left or (left == size - left and floor % 2 != 0):
        floor += 1
    return floor


PARTS = (room_for_lots, book_fill, _split)
"""What a kernel that uses this file calls."""
