"""From targets to wanted orders: pure functions over the symbol axis.

An order never takes a position through zero, and never more off it than is held and not already on its way
out: a target on the other side is reached by closing first, and opening at a later decision. Working orders
count as done when the difference to the target is taken, so a decision repeated before its fills arrive asks
for nothing twice.
"""

from __future__ import annotations

from itertools import chain

import numpy as np

from tuiconsole.domain.orders import OrderBatch, Purpose
from tuiconsole.domain.types import BoolArray, CodeArray, IntArray

MOST_ORDERS = 24
"""Orders up to which plain integers are faster than arrays."""

_NO_NUMBERS: IntArray = np.empty(0, dtype=np.int64)
_NO_CODES: CodeArray = np.empty(0, dtype=np.int8)


def wanted_orders(
    target: IntArray,
    acting: BoolArray,
    position: IntArray,
    pending: IntArray,
    price_scaled: IntArray,
    lot: IntArray,
    batch: int,
    ts: int,
) -> OrderBatch:
    """Orders that take the acting symbols toward their targets; numbers are 0 until the gate has judged.

    Parameters
    ----------
    target, position, pending
        int64 ``[n_symbols]`` signed scaled quantities: wanted, held, and on working orders.
    acting
        bool ``[n_symbols]``; symbols that are False get no order.
    price_scaled
        int64 ``[n_symbols]`` last good price, becomes the reference price.
    lot
        int64 ``[n_symbols]`` scaled lot, positive. Orders are rounded toward zero to whole lots, except one
        that closes a whole position, which is exact: an odd remainder must not stay for ever.
    batch, ts
        Number and time (ns UTC) of the decision.

    Returns
    -------
    OrderBatch
        Sales that reduce, then purchases that reduce, then other sales, then other purchases (so that cash is
        freed before it is spent); by universe column within each.
    """
    symbol = acting.nonzero()[0]
    if len(symbol) <= MOST_ORDERS:
        if not len(symbol):
            return _batch(batch, ts, _NO_NUMBERS, _NO_NUMBERS, price_scaled, Purpose.POLICY)
        wanted = target.take(symbol)
        wanted -= position.take(symbol)
        wanted -= pending.take(symbol)
    else:
        wanted = target - position
        wanted -= pending
        wanted *= acting
        symbol = wanted.nonzero()[0]
        wanted = wanted.take(symbol)
    if len(symbol) <= MOST_ORDERS:
        columns = (wanted, position.take(symbol), pending.take(symbol), lot.take(symbol))
        chosen, few = _few_orders(symbol, *columns)
        return _batch(batch, ts, chosen, few, price_scaled, Purpose.POLICY)
    quantity, reducing = _without_crossing(wanted, position[symbol], pending[symbol])
    rounded = quantity - np.fmod(quantity, lot[symbol])
    closes = reducing & (quantity == -position[symbol])
    quantity = np.where(closes, quantity, rounded)
    rank = 2 * ~reducing + (quantity > 0)
    order = np.argsort(rank, kind="stable")
    order = order[quantity[order] != 0]
    return _batch(batch, ts, symbol[order], quantity[order], price_scaled, Purpose.POLICY)


def _few_orders(
    symbol: IntArray, wanted: IntArray, position: IntArray, pending: IntArray, lot: IntArray
) -> tuple[IntArray, IntArray]:
    """Symbols and quantities of a small batch in order, by the rules of :func:`_without_crossing`."""
    ranks: tuple[list[int], ...] = ([], [], [], [])
    quantities: tuple[list[int], ...] = ([], [], [], [])
    rows = zip(*(column.tolist() for column in (symbol, wanted, position, pending, lot)), strict=True)
    for column, difference, held, working, unit in rows:
        side = 1 if difference > 0 else -1
        size, leaving = side * difference, max(side * working, 0)
        reducing = side * held < 0
        if reducing:
            size = min(size, max(abs(held) - leaving, 0))
        elif not held and side * working < 0:
            continue
        if not (reducing and size == abs(held)):
            size -= size % unit
        if size:
            rank = 2 * (not reducing) + (side > 0)
            ranks[rank].append(column)
            quantities[rank].append(side * size)
    return np.array(list(chain(*ranks)), dtype=np.int64), np.array(list(chain(*quantities)), dtype=np.int64)


def without_new_risk(target: IntArray, members: BoolArray, held: IntArray) -> IntArray:
    """Targets that take no symbol outside its membership further from zero than it is held, nor through zero.

    Parameters
    ----------
    target, held
        int64 ``[n_symbols]``, signed scaled quantities wanted, and held or on their way.
    members
        bool ``[n_symbols]``.

    >>> outside = np.zeros(4, dtype=bool)
    >>> without_new_risk(np.array([5, 5, -5, 1]), outside, np.array([0, 9, 9, -3])).tolist()
    [0, 5, 0, 0]
    """
    side = np.sign(held)
    kept: IntArray = side * np.clip(side * target, 0, np.abs(held))
    return np.where(members, target, kept)


def flatten_orders(position: IntArray, price_scaled: IntArray, batch: int, ts: int) -> OrderBatch:
    """Orders that close every position exactly, sales before purchases; for Kill, once no order is working.

    Parameters
    ----------
    position, price_scaled
        int64 ``[n_symbols]`` signed scaled quantity held, and last good price.
    """
    symbol = np.flatnonzero(position)
    quantity = -position[symbol]
    order = np.argsort(quantity > 0, kind="stable")
    return _batch(batch, ts, symbol[order], quantity[order], price_scaled, Purpose.FLATTEN)


def _without_crossing(
    quantity: IntArray, position: IntArray, pending: IntArray
) -> tuple[IntArray, BoolArray]:
    """Order quantities cut so that none crosses zero, and which of them reduce.

    An order against the position may be at most what is held less what working orders already take off.
    Without a position, an order against one's own working order waits until that is done.
    """
    side = np.sign(quantity)
    reducing = side * position < 0
    leaving = np.maximum(side * pending, 0)
    room = np.maximum(np.abs(position) - leaving, 0)
    capped = np.where(reducing, side * np.minimum(np.abs(quantity), room), quantity)
    waits = (position == 0) & (side * pending < 0)
    return np.where(waits, 0, capped), reducing


def _batch(
    batch: int, ts: int, symbol: IntArray, quantity: IntArray, price_scaled: IntArray, purpose: Purpose
) -> OrderBatch:
    count = len(symbol)
    if not count:
        return OrderBatch(batch, ts, _NO_NUMBERS, _NO_NUMBERS, _NO_NUMBERS, _NO_NUMBERS, _NO_CODES)
    return OrderBatch(
        batch,
        ts,
        np.zeros(count, dtype=np.int64),
        symbol,
        quantity,
        price_scaled.take(symbol),
        np.full(count, purpose, dtype=np.int8) if purpose else np.zeros(count, dtype=np.int8),
    )
