"""Kernels that lay down the journal rows of many bars: the canonical bytes of :mod:`tuiconsole.domain.codec`, in one pass.

Before every payload stands its length (u32, little-endian), as in the file of a backtest's journal. What is many per bar comes
in blocks, the bytes of a table with one row for each column of a record, in the record's order; floats must be canonical
already. Few arrays go from kernel to kernel: each that does costs a count of its references.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tuiconsole.domain.codec import ARRAY_EXTENSION
from tuiconsole.domain.costs import CostPart
from tuiconsole.domain.orders import OrderEvent, OrderState, Purpose
from tuiconsole.domain.types import IntArray

Bytes = NDArray[np.uint8]

LENGTH_BYTES = 4
"""What stands before each payload."""

_EXTENSION = ARRAY_EXTENSION
_FLOATS, _INTEGERS, _CODES = b"f"[0], b"i"[0], b"c"[0]
_ACKNOWLEDGED, _NEW, _FILLED = int(OrderEvent.ACKNOWLEDGED), int(OrderState.NEW), int(OrderState.FILLED)
_POLICY = int(Purpose.POLICY)
_BINARY, _NO_TEXT, _FALSE = 0xC4, 0xA0, 0xC2

DIGEST_BYTES = 16

BEFORE_COSTS = 5
"""Rows of a block of executions before those of the costs."""

COST_ROWS = len(CostPart)
FILL_ROWS = BEFORE_COSTS + COST_ROWS + 2
"""Rows of a block of executions: number, symbol, quantity, price, fee, the costs, execution, realised."""

ORDER_ROWS = 6
"""Rows of a block of orders beside the sheet's: columns before it; position, target, quantity, price, number after."""


class Openings(NamedTuple):
    """The first bytes of each kind of row, uint8."""

    bar_seen: Bytes
    decided: Bytes
    updated: Bytes
    filled: Bytes


class Starts(NamedTuple):
    """Tape position of the first bar, number of the first decision, and the level of all bars."""

    seq: int
    decision: int
    level: int


class Bars(NamedTuple):
    """What a bar's own row holds.

    Attributes
    ----------
    numbers
        int64 ``[n_bars, 5]``: ts, equity, cash, realised, fees.
    end
        int64 ``[3, n_bars]``: flagged symbols, executions, orders up to and including the bar.
    digest, flagged, quality
        Bytes of uint8 ``[n_bars, 16]``, int64 and int8 ``[n_flagged]``.
    """

    numbers: IntArray
    end: IntArray
    digest: Bytes
    flagged: Bytes
    quality: Bytes


class Block(NamedTuple):
    """Bytes of a table of items of eight bytes, ``[rows, stride / 8]``."""

    data: Bytes
    stride: int


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


def put_integers(out: Bytes, at: int, source: Bytes, begin: int, count: int) -> int:
    """An int64 array ``[count]`` whose data begin at byte ``begin`` of ``source``."""
    return put_bytes(out, put_head(out, at, _INTEGERS, count, 8), source, begin, 8 * count)


def put_codes(out: Bytes, at: int, value: int, count: int) -> int:
    """An int8 array ``[count]`` that holds one value."""
    return put_same(out, put_head(out, at, _CODES, count, 1), value, count)


# ---- rows --------------------------------------------------------------------------------------------------------------


def lay_seen(out: Bytes, at: int, opening: Bytes, seq: int, ts: int, digest: Bytes, begin: int) -> int:
    """What a bar's own row begins with; its digest begins at byte ``begin``."""
    at = put_bytes(out, at, opening, 0, len(opening))
    at = put_integer(out, at, seq)
    at = put_integer(out, at, ts)
    out[at], out[at + 1] = _BINARY, DIGEST_BYTES
    return put_bytes(out, at + 2, digest, begin, DIGEST_BYTES)


def lay_flags(out: Bytes, at: int, flagged: Bytes, quality: Bytes, first: int, n: int) -> int:
    """A bar's ``n`` flagged symbols from ``first`` on."""
    at = put_integers(out, at, flagged, 8 * first, n)
    return put_bytes(out, put_head(out, at, _CODES, n, 1), quality, first, n)


def lay_figures(out: Bytes, at: int, numbers: IntArray, bar: int, level: int) -> int:
    """What a bar's own row ends with."""
    for part in range(1, 5):
        at = put_integer(out, at, numbers[bar, part])
    return put_integer(out, at, level)


def lay_filled(
    out: Bytes, at: int, opening: Bytes, ts: int, fills: Bytes, stride: int, first: int, n: int
) -> int:
    """``n`` executions of whole orders from ``first`` on."""
    at = put_bytes(out, at, opening, 0, len(opening))
    at = put_integer(out, at, ts)
    begin = 8 * first
    for row in range(BEFORE_COSTS):
        at = put_integers(out, at, fills, row * stride + begin, n)
    at = put_table_head(out, at, _INTEGERS, COST_ROWS, n)
    for row in range(BEFORE_COSTS, BEFORE_COSTS + COST_ROWS):
        at = put_bytes(out, at, fills, row * stride + begin, 8 * n)
    for row in range(BEFORE_COSTS + COST_ROWS, FILL_ROWS):
        at = put_integers(out, at, fills, row * stride + begin, n)
    at = put_codes(out, at, _FILLED, n)
    out[at] = _FALSE
    return at + 1


def lay_decision(
    out: Bytes,
    at: int,
    opening: Bytes,
    decision: int,
    seq: int,
    ts: int,
    scalars: Bytes,
    begin: int,
    size: int,
) -> int:
    """What comes before the orders of a decision; its scalars are ``size`` bytes from ``begin`` on."""
    at = put_bytes(out, at, opening, 0, len(opening))
    at = put_integer(out, at, decision)
    at = put_integer(out, at, seq)
    at = put_integer(out, at, ts)
    return put_bytes(out, put_head(out, at, _FLOATS, size // 8, 8), scalars, begin, size)


def lay_orders(out: Bytes, at: int, orders: Bytes, stride: int, sheet_rows: int, first: int, n: int) -> int:
    """The ``n`` orders of a decision from ``first`` on; the gate approved them all."""
    begin = 8 * first
    at = put_integers(out, at, orders, begin, n)
    at = put_table_head(out, at, _FLOATS, sheet_rows, n)
    for row in range(1, 1 + sheet_rows):
        at = put_bytes(out, at, orders, row * stride + begin, 8 * n)
    for row in range(1 + sheet_rows, ORDER_ROWS + sheet_rows):
        at = put_integers(out, at, orders, row * stride + begin, n)
    at = put_codes(out, at, 0, n)
    for _ in range(2):
        at = put_same(out, put_head(out, at, _FLOATS, n, 8), 0, 8 * n)
    return put_codes(out, at, _POLICY, n)


def lay_updated(out: Bytes, at: int, opening: Bytes, ts: int, orders: Bytes, begin: int, n: int) -> int:
    """``n`` orders were acknowledged; their numbers begin at byte ``begin``."""
    at = put_bytes(out, at, opening, 0, len(opening))
    at = put_integer(out, at, ts)
    at = put_integers(out, at, orders, begin, n)
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
    starts: Starts,
    bars: Bars,
    fills: Block,
    scalars: Block,
    orders: Block,
    sheet_rows: int,
    out: Bytes,
    row_end: IntArray,
) -> int:
    """All rows of these bars; writes ``out`` and where each row ends, and answers how many there are.

    ``out`` must hold them all, ``row_end`` int64 four for each bar.
    """
    seq, decision, level = starts
    of_bar, of_decision, of_update, of_fill = openings
    numbers, end, digest, flagged, quality = bars
    filled, fill_stride = fills
    figures, size = scalars
    wanted, stride = orders
    at, row, flag, fill, order = LENGTH_BYTES, 0, 0, 0, 0
    for bar in range(len(numbers)):
        ts = numbers[bar, 0]
        n = end[1, bar] - fill
        if n > 0:
            at = lay_filled(out, at, of_fill, ts, filled, fill_stride, fill, n)
            at = end_row(out, at, row_end, row)
            row += 1
            fill += n
        n = end[0, bar] - flag
        at = lay_seen(out, at, of_bar, seq + bar, ts, digest, DIGEST_BYTES * bar)
        at = lay_flags(out, at, flagged, quality, flag, n)
        at = lay_figures(out, at, numbers, bar, level)
        at = end_row(out, at, row_end, row)
        row += 1
        flag += n
        n = end[2, bar] - order
        if n > 0:
            at = lay_decision(out, at, of_decision, decision, seq + bar, ts, figures, size * bar, size)
            at = lay_orders(out, at, wanted, stride, sheet_rows, order, n)
            at = end_row(out, at, row_end, row)
            at = lay_updated(
                out, at, of_update, ts, wanted, (ORDER_ROWS - 1 + sheet_rows) * stride + 8 * order, n
            )
            at = end_row(out, at, row_end, row + 1)
            row += 2
            decision += 1
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
    lay_seen,
    lay_flags,
    lay_figures,
    lay_filled,
    lay_decision,
    lay_orders,
    lay_updated,
    end_row,
)
"""What :func:`lay_rows` calls."""


def list_orders(
    seq: int, end: IntArray, number: IntArray, columns: IntArray, quantity: IntArray, out: IntArray
) -> int:
    """What the order-list hash covers: per bar with orders its tape position, then their numbers, columns and quantities.

    ``end`` int64 ``[n_bars]``: orders up to and including the bar; the others int64 ``[n_orders]``. Writes ``out``, which
    must hold one item per bar and three per order; answers how many were written.
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
