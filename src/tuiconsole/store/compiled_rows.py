"""Kernels that lay down the journal rows of many bars: the canonical bytes of :mod:`tuiconsole.domain.codec`, in one pass.

Before every payload stands its length (u32, little-endian), as in the file of a backtest's journal. Columns come as the bytes
that they have in memory, so an array is copied as it is; floats must be canonical already.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tuiconsole.domain.codec import ARRAY_EXTENSION
from tuiconsole.domain.orders import OrderEvent, OrderState
from tuiconsole.domain.types import IntArray

Bytes = NDArray[np.uint8]

LENGTH_BYTES = 4
"""What stands before each payload."""

_EXTENSION = ARRAY_EXTENSION
_FLOATS, _INTEGERS, _CODES = b"f"[0], b"i"[0], b"c"[0]
_ACKNOWLEDGED, _NEW, _FILLED = int(OrderEvent.ACKNOWLEDGED), int(OrderState.NEW), int(OrderState.FILLED)
_NO_TEXT, _FALSE = 0xA0, 0xC2


class Openings(NamedTuple):
    """The first bytes of each kind of row, uint8."""

    bar_seen: Bytes
    decided: Bytes
    updated: Bytes
    filled: Bytes


class BarColumns(NamedTuple):
    """What a bar's own row holds: int64 ``[n_bars]``, bytes of ``digest``, ``flagged`` and ``quality``."""

    seq: int
    level: int
    ts: IntArray
    equity: IntArray
    cash: IntArray
    realised: IntArray
    fees: IntArray
    flag_end: IntArray
    digest: Bytes
    flagged: Bytes
    quality: Bytes


class FillColumns(NamedTuple):
    """Executions: ``end`` int64 ``[n_bars]``, ``costs`` int64 ``[n_fills, n_parts]``, the others as bytes."""

    end: IntArray
    costs: IntArray
    number: Bytes
    symbol: Bytes
    quantity: Bytes
    price: Bytes
    fee: Bytes
    execution: Bytes
    realised: Bytes


class OrderColumns(NamedTuple):
    """Decisions and their orders: ``end`` int64 ``[n_bars]``, the others as bytes.

    ``scalars`` is ``[n_bars, 8 n_scalars]``, ``sheet`` is ``[n_rows, 8 n_orders]``.
    """

    decision: int
    end: IntArray
    scalars: Bytes
    sheet: Bytes
    columns: Bytes
    position: Bytes
    target: Bytes
    quantity: Bytes
    reference_price: Bytes
    number: Bytes


# ---- values: each puts something at ``at`` and answers where it ends ---------------------------------------------------


def put_bytes(out: Bytes, at: int, source: Bytes, first: int, count: int) -> int:
    """``count`` bytes of ``source`` from ``first`` on."""
    to, what = out[at : at + count], source[first : first + count]
    for i in range(count):
        to[i] = what[i]
    return at + count


def put_same(out: Bytes, at: int, value: int, count: int) -> int:
    """One byte, ``count`` times."""
    to = out[at : at + count]
    for i in range(count):
        to[i] = value
    return at + count


def put_little(out: Bytes, at: int, value: int, width: int) -> int:
    """A non-negative integer of ``width`` bytes, the lowest first."""
    to = out[at : at + width]
    for i in range(width):
        to[i] = (value >> (8 * i)) & 255
    return at + width


def put_big(out: Bytes, at: int, code: int, value: int, width: int) -> int:
    """``code`` and an integer of ``width`` bytes, the highest first."""
    out[at] = code
    to = out[at + 1 : at + 1 + width]
    for i in range(width):
        to[i] = (value >> (8 * (width - 1 - i))) & 255
    return at + 1 + width


def put_integer(out: Bytes, at: int, value: int) -> int:
    """An integer in the fewest bytes that MessagePack has for it."""
    if value >= 0:
        if value < 0x80:
            out[at] = value
            return at + 1
        if value < 0x100:
            return put_big(out, at, 0xCC, value, 1)
        if value < 0x10000:
            return put_big(out, at, 0xCD, value, 2)
        if value < 0x100000000:
            return put_big(out, at, 0xCE, value, 4)
        return put_big(out, at, 0xCF, value, 8)
    if value >= -0x20:
        out[at] = value & 255
        return at + 1
    if value >= -0x80:
        return put_big(out, at, 0xD0, value, 1)
    if value >= -0x8000:
        return put_big(out, at, 0xD1, value, 2)
    if value >= -0x80000000:
        return put_big(out, at, 0xD2, value, 4)
    return put_big(out, at, 0xD3, value, 8)


def put_extension(out: Bytes, at: int, size: int) -> int:
    """The beginning of an extension value of ``size`` bytes, 10 or more (MessagePack has a short form of 16)."""
    if size == 16:
        out[at] = 0xD8
        at += 1
    elif size < 0x100:
        at = put_big(out, at, 0xC7, size, 1)
    elif size < 0x10000:
        at = put_big(out, at, 0xC8, size, 2)
    else:
        at = put_big(out, at, 0xC9, size, 4)
    out[at] = _EXTENSION
    return at + 1


def put_head(out: Bytes, at: int, code: int, count: int, width: int) -> int:
    """What comes before the data of an array ``[count]`` of items of ``width`` bytes."""
    at = put_extension(out, at, 10 + count * width)
    out[at], out[at + 1] = code, 1
    return put_little(out, at + 2, count, 8)


def put_table_head(out: Bytes, at: int, code: int, rows: int, count: int) -> int:
    """What comes before the data of an array ``[rows, count]`` of items of eight bytes."""
    at = put_extension(out, at, 18 + rows * count * 8)
    out[at], out[at + 1] = code, 2
    return put_little(out, put_little(out, at + 2, rows, 8), count, 8)


def put_integers(out: Bytes, at: int, source: Bytes, first: int, count: int) -> int:
    """An int64 array ``[count]``, items ``first`` and following of ``source``."""
    return put_bytes(out, put_head(out, at, _INTEGERS, count, 8), source, 8 * first, 8 * count)


def put_codes(out: Bytes, at: int, value: int, count: int) -> int:
    """An int8 array ``[count]`` that holds one value."""
    return put_same(out, put_head(out, at, _CODES, count, 1), value, count)


# ---- rows --------------------------------------------------------------------------------------------------------------


def lay_bar_seen(out: Bytes, at: int, opening: Bytes, bars: BarColumns, bar: int, flag: int) -> int:
    """The row of ``bar``; its flagged symbols begin at ``flag``."""
    flags = bars.flag_end[bar] - flag
    at = put_bytes(out, at, opening, 0, len(opening))
    at = put_integer(out, at, bars.seq + bar)
    at = put_integer(out, at, bars.ts[bar])
    out[at], out[at + 1] = 0xC4, 16
    at = put_bytes(out, at + 2, bars.digest, 16 * bar, 16)
    at = put_integers(out, at, bars.flagged, flag, flags)
    at = put_bytes(out, put_head(out, at, _CODES, flags, 1), bars.quality, flag, flags)
    at = put_integer(out, at, bars.equity[bar])
    at = put_integer(out, at, bars.cash[bar])
    at = put_integer(out, at, bars.realised[bar])
    at = put_integer(out, at, bars.fees[bar])
    return put_integer(out, at, bars.level)


def lay_filled(out: Bytes, at: int, opening: Bytes, ts: int, fills: FillColumns, first: int, n: int) -> int:
    """``n`` executions from ``first`` on; each was of a whole order."""
    at = put_bytes(out, at, opening, 0, len(opening))
    at = put_integer(out, at, ts)
    at = put_integers(out, at, fills.number, first, n)
    at = put_integers(out, at, fills.symbol, first, n)
    at = put_integers(out, at, fills.quantity, first, n)
    at = put_integers(out, at, fills.price, first, n)
    at = put_integers(out, at, fills.fee, first, n)
    parts = fills.costs.shape[1]
    at = put_table_head(out, at, _INTEGERS, parts, n)
    for part in range(parts):
        for fill in range(first, first + n):
            at = put_little(out, at, fills.costs[fill, part], 8)
    at = put_integers(out, at, fills.execution, first, n)
    at = put_integers(out, at, fills.realised, first, n)
    at = put_codes(out, at, _FILLED, n)
    out[at] = _FALSE
    return at + 1


def lay_decided(
    out: Bytes,
    at: int,
    opening: Bytes,
    bars: BarColumns,
    bar: int,
    orders: OrderColumns,
    place: int,
    first: int,
    n: int,
) -> int:
    """The decision at ``bar``, the one after ``place`` others, with ``n`` approved orders from ``first`` on."""
    at = put_bytes(out, at, opening, 0, len(opening))
    at = put_integer(out, at, orders.decision + place)
    at = put_integer(out, at, bars.seq + bar)
    at = put_integer(out, at, bars.ts[bar])
    scalars = orders.scalars.shape[1]
    at = put_head(out, at, _FLOATS, scalars // 8, 8)
    at = put_bytes(out, at, orders.scalars[bar], 0, scalars)
    at = put_integers(out, at, orders.columns, first, n)
    rows = orders.sheet.shape[0]
    at = put_table_head(out, at, _FLOATS, rows, n)
    for row in range(rows):
        at = put_bytes(out, at, orders.sheet[row], 8 * first, 8 * n)
    at = put_integers(out, at, orders.position, first, n)
    at = put_integers(out, at, orders.target, first, n)
    at = put_integers(out, at, orders.quantity, first, n)
    at = put_integers(out, at, orders.reference_price, first, n)
    at = put_integers(out, at, orders.number, first, n)
    at = put_codes(out, at, 0, n)
    for _ in range(2):
        at = put_same(out, put_head(out, at, _FLOATS, n, 8), 0, 8 * n)
    return put_codes(out, at, 0, n)


def lay_updated(out: Bytes, at: int, opening: Bytes, ts: int, number: Bytes, first: int, n: int) -> int:
    """``n`` orders from ``first`` on were acknowledged."""
    at = put_bytes(out, at, opening, 0, len(opening))
    at = put_integer(out, at, ts)
    at = put_integers(out, at, number, first, n)
    at = put_codes(out, at, _ACKNOWLEDGED, n)
    at = put_codes(out, at, _NEW, n)
    out[at] = _NO_TEXT
    return at + 1


def end_row(out: Bytes, end: int, row_end: IntArray, row: int) -> int:
    """Note that ``row`` ends at ``end``, and put its length before it; where the next payload begins."""
    begin = (row_end[row - 1] if row else 0) + LENGTH_BYTES
    put_little(out, begin - LENGTH_BYTES, end - begin, LENGTH_BYTES)
    row_end[row] = end
    return end + LENGTH_BYTES


def lay_rows(
    openings: Openings,
    bars: BarColumns,
    fills: FillColumns,
    orders: OrderColumns,
    out: Bytes,
    row_end: IntArray,
) -> int:
    """All rows of these bars; writes ``out`` and where each row ends, and answers how many there are.

    ``out`` must hold them all, ``row_end`` int64 four for each bar.
    """
    at, row, place, flag, fill, order = LENGTH_BYTES, 0, 0, 0, 0, 0
    for bar in range(len(bars.ts)):
        ts = bars.ts[bar]
        n = fills.end[bar] - fill
        if n > 0:
            at = lay_filled(out, at, openings.filled, ts, fills, fill, n)
            at = end_row(out, at, row_end, row)
            row += 1
            fill += n
        at = lay_bar_seen(out, at, openings.bar_seen, bars, bar, flag)
        at = end_row(out, at, row_end, row)
        row += 1
        flag = bars.flag_end[bar]
        n = orders.end[bar] - order
        if n > 0:
            at = lay_decided(out, at, openings.decided, bars, bar, orders, place, order, n)
            at = end_row(out, at, row_end, row)
            at = lay_updated(out, at, openings.updated, ts, orders.number, order, n)
            at = end_row(out, at, row_end, row + 1)
            row += 2
            place += 1
            order += n
    return row


PARTS = (
    put_bytes,
    put_same,
    put_little,
    put_big,
    put_integer,
    put_extension,
    put_head,
    put_table_head,
    put_integers,
    put_codes,
    lay_bar_seen,
    lay_filled,
    lay_decided,
    lay_updated,
    end_row,
)
"""What :func:`lay_rows` calls."""


def list_orders(
    seq: int, end: IntArray, number: IntArray, columns: IntArray, quantity: IntArray, out: IntArray
) -> int:
    """What the order-list hash covers: per bar with orders its tape position, then their numbers, columns and quantities.

    ``end`` as in :class:`OrderColumns`; the others int64 ``[n_orders]``. Writes ``out``, which must hold one item per bar and
    three per order; answers how many were written.
    """
    at = first = 0
    for bar in range(len(end)):
        n = end[bar] - first
        if n <= 0:
            continue
        out[at] = seq + bar
        for i in range(n):
            out[at + 1 + i] = number[first + i]
            out[at + 1 + n + i] = columns[first + i]
            out[at + 1 + 2 * n + i] = quantity[first + i]
        at += 1 + 3 * n
        first += n
    return at
