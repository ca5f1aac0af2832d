"""What the venue and the order table lend to a kernel that goes on in their place, and what they take back."""

from __future__ import annotations

from dataclasses import dataclass

from tuiconsole.domain.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class LentVenue:
    """The paper venue while nothing but whole market orders of long or flat symbols rests there.

    Attributes
    ----------
    symbols, settings
        See :mod:`tuiconsole.execution.compiled_fills`; not changed.
    sums, last
        Weighted sums and logarithms of the last good prices; the kernel moves them on.
    displaced, moving
        What fills moved the prices by ``[n_symbols]``, and whether they did ``[1]``; moved on.
    resting
        int64 ``[3, n_symbols]``, of which ``count`` orders rest.
    bar, execution
        Bars seen, and the number of the next execution.
    """

    symbols: FloatArray
    settings: FloatArray
    sums: FloatArray
    last: FloatArray
    displaced: FloatArray
    moving: BoolArray
    resting: IntArray
    count: int
    bar: int
    execution: int


@dataclass(frozen=True, slots=True)
class VenueMoment:
    """Where a kernel left the venue: bars seen, their last time, session and prices, the next execution, and what rests.

    ``highest`` is the number of the newest order ever handed over; the ``count`` resting ones came with the last bar.
    ``close_only``: the source knows closes alone.
    """

    bar: int
    ts: int
    session: int
    price: FloatArray
    execution: int
    count: int
    highest: int
    close_only: bool


@dataclass(frozen=True, slots=True)
class StretchOrders:
    """Orders of a stretch and the fills of it, all whole, as columns.

    Attributes
    ----------
    batch, ts
        int64 ``[n_orders]``: decision and time of each order.
    number, symbol, quantity, reference
        int64 ``[n_orders]``; numbers go on from the table's without a gap.
    sizes
        Orders of each decision, in order.
    fill_number, fill_price, fill_fee, fill_execution
        int64 ``[n_fills]``; the first may be of orders that rested before the stretch.
    fill_quantity, fill_symbol
        int64 ``[n_fills]``.
    """

    batch: IntArray
    ts: IntArray
    number: IntArray
    symbol: IntArray
    quantity: IntArray
    reference: IntArray
    sizes: list[int]
    fill_number: IntArray
    fill_symbol: IntArray
    fill_quantity: IntArray
    fill_price: IntArray
    fill_fee: IntArray
    fill_execution: IntArray
