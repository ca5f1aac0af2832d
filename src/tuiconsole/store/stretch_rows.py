"""The journal rows of a stretch of bars as flat columns, and their canonical bytes without a record for each.

A stretch is consecutive bars on which nothing but the ordinary happened: whole orders were filled, the bar was taken in, and
where the policy wanted it, orders were decided, all of them approved, and acknowledged. Its rows are those records, in this
order for every bar: ``Filled`` where orders were filled, ``BarSeen``, and where orders were decided ``Decided`` and
``Updated``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuiconsole.domain.codec import canonical, opening
from tuiconsole.domain.machine_code import Kernel, machine_code
from tuiconsole.domain.orders import OrderEvent, OrderState, Purpose
from tuiconsole.domain.records import BarSeen, Decided, Filled, Record, Updated
from tuiconsole.domain.types import CodeArray, FloatArray, IntArray
from tuiconsole.store.compiled_rows import (
    BEFORE_COSTS,
    COST_ROWS,
    DIGEST_BYTES,
    FILL_ROWS,
    ORDER_ROWS,
    PARTS,
    Bars,
    Block,
    Bytes,
    Openings,
    Starts,
    lay_rows,
    list_orders,
)

_ROWS_PER_BAR = 4
_BAR_BYTES = 1024
"""More than what the rows of a bar hold besides the items of their columns: some 50 heads and numbers of 9 to 24 bytes."""

_FILL_BYTES = 8 * FILL_ROWS + 1
_ORDER_BYTES = 8 * (ORDER_ROWS + 1) + 2 * 8 + 4
"""What an execution, and an order without the sheet, holds in the rows."""

_HERE = Path(__file__).parent
_SOURCES = (
    _HERE / "compiled_rows.py",
    _HERE.parent / "domain" / "codec.py",
    _HERE.parent / "domain" / "costs.py",
    _HERE.parent / "domain" / "orders.py",
)

_OPENINGS = Openings(
    *(np.frombuffer(bytearray(opening(kind)), dtype=np.uint8) for kind in (BarSeen, Decided, Updated, Filled))
)


@dataclass(frozen=True, slots=True)
class StretchFills:
    """Executions of a stretch, each of a whole order.

    Attributes
    ----------
    ts
        int64 ``[n_bars]``.
    end
        int64 ``[n_bars]``: executions up to and including this bar.
    costs
        int64 ``[n_fills, len(CostPart)]``.
    number, symbol, quantity, price, fee, execution, realised
        int64 ``[n_fills]``, as in :class:`~tuiconsole.domain.records.Filled`.
    """

    ts: IntArray
    end: IntArray
    number: IntArray
    symbol: IntArray
    quantity: IntArray
    price: IntArray
    fee: IntArray
    costs: IntArray
    execution: IntArray
    realised: IntArray

    def record(self, bar: int) -> Filled | None:
        """What was journalled at the bar at place ``bar`` of the stretch; None where nothing was filled."""
        some = _part(self.end, bar)
        if some.start == some.stop:
            return None
        return Filled(
            int(self.ts[bar]),
            self.number[some].copy(),
            self.symbol[some].copy(),
            self.quantity[some].copy(),
            self.price[some].copy(),
            self.fee[some].copy(),
            np.ascontiguousarray(self.costs[some].T),
            self.execution[some].copy(),
            self.realised[some].copy(),
            np.full(some.stop - some.start, OrderState.FILLED, dtype=np.int8),
            False,
        )

    def records(self) -> Iterator[Filled]:
        """All that were journalled, in order."""
        for bar in np.flatnonzero(np.diff(self.end, prepend=0)).tolist():
            record = self.record(bar)
            if record is not None:
                yield record


@dataclass(frozen=True, slots=True)
class StretchRows:
    """What consecutive bars leave in the journal, in columns.

    Attributes
    ----------
    seq
        Tape position of the first bar.
    ts, equity, cash, realised, fees
        int64 ``[n_bars]``, as in :class:`~tuiconsole.domain.records.BarSeen`.
    digest
        uint8 ``[n_bars, 16]``.
    flag_end, fill_end, order_end
        int64 ``[n_bars]``: flagged symbols, executions and orders up to and including this bar.
    flagged, quality
        int64 and int8 ``[n_flagged]``.
    level
        The desk's, the same at all bars.
    fill_number, fill_symbol, fill_quantity, fill_price, fill_fee, fill_execution, fill_realised
        int64 ``[n_fills]``: executions of whole orders, booked before their bar's own row.
    fill_costs
        int64 ``[n_fills, len(CostPart)]``.
    decision
        Number of the first decision; it counts up by one for each bar with orders.
    number, columns, position, target, quantity, reference_price
        int64 ``[n_orders]``, as in :class:`~tuiconsole.domain.records.Decided`; every order is approved.
    sheet
        float64 ``[n_rows, n_orders]``.
    scalars
        float64 ``[n_bars, n_scalars]``; rows of bars without orders are not read.

    Raises
    ------
    ValueError
        When the columns do not fit together.
    """

    seq: int
    ts: IntArray
    digest: Bytes
    flag_end: IntArray
    flagged: IntArray
    quality: CodeArray
    equity: IntArray
    cash: IntArray
    realised: IntArray
    fees: IntArray
    level: int
    fill_end: IntArray
    fill_number: IntArray
    fill_symbol: IntArray
    fill_quantity: IntArray
    fill_price: IntArray
    fill_fee: IntArray
    fill_execution: IntArray
    fill_realised: IntArray
    fill_costs: IntArray
    order_end: IntArray
    decision: int
    number: IntArray
    columns: IntArray
    position: IntArray
    target: IntArray
    quantity: IntArray
    reference_price: IntArray
    sheet: FloatArray
    scalars: FloatArray

    def __post_init__(self) -> None:
        bars = len(self.ts)
        flagged, filled, ordered = (
            _total(end, bars) for end in (self.flag_end, self.fill_end, self.order_end)
        )
        _check((bars,), self.ts, self.equity, self.cash, self.realised, self.fees)
        _check((flagged,), self.flagged)
        _check((flagged,), self.quality, dtype=np.int8)
        _check((bars, DIGEST_BYTES), self.digest, dtype=np.uint8)
        _check(
            (filled,), self.fill_number, self.fill_symbol, self.fill_quantity, self.fill_price, self.fill_fee
        )
        _check((filled,), self.fill_execution, self.fill_realised)
        _check((filled, COST_ROWS), self.fill_costs)
        _check((ordered,), self.number, self.columns, self.position, self.target)
        _check((ordered,), self.quantity, self.reference_price)
        _check((len(self.sheet), ordered), self.sheet, dtype=np.float64)
        _check((bars, self.scalars.shape[-1]), self.scalars, dtype=np.float64)

    def __len__(self) -> int:
        return len(self.ts)

    def fills(self) -> StretchFills:
        """The executions alone, in arrays of their own: they can be kept when the rest is not."""
        columns = (self.ts, self.fill_end, self.fill_number, self.fill_symbol, self.fill_quantity)
        money = (self.fill_price, self.fill_fee, self.fill_costs, self.fill_execution, self.fill_realised)
        return StretchFills(*(column.copy() for column in (*columns, *money)))

    def order_bars(self) -> IntArray:
        """int64: places in the stretch of the bars with orders."""
        return np.flatnonzero(np.diff(self.order_end, prepend=0))

    def decided(self, last: int) -> list[Decided]:
        """The last ``last`` decisions of the stretch (or all, when there are fewer), oldest first."""
        bars = self.order_bars()
        skipped = max(0, len(bars) - last)
        return [self._decided(bar, place) for place, bar in enumerate(bars.tolist()) if place >= skipped]

    def records(self) -> Iterator[Record]:
        """Every row as a record, in the journal's order."""
        fills, place = self.fills(), 0
        for bar in range(len(self)):
            filled = fills.record(bar)
            if filled is not None:
                yield filled
            yield self._bar_seen(bar)
            some = _part(self.order_end, bar)
            if some.start < some.stop:
                yield self._decided(bar, place)
                yield self._acknowledged(bar)
                place += 1

    def _bar_seen(self, bar: int) -> BarSeen:
        some = _part(self.flag_end, bar)
        return BarSeen(
            self.seq + bar,
            int(self.ts[bar]),
            self.digest[bar].tobytes(),
            self.flagged[some].copy(),
            self.quality[some].copy(),
            int(self.equity[bar]),
            int(self.cash[bar]),
            int(self.realised[bar]),
            int(self.fees[bar]),
            self.level,
        )

    def _decided(self, bar: int, place: int) -> Decided:
        some = _part(self.order_end, bar)
        count = some.stop - some.start
        return Decided(
            self.decision + place,
            self.seq + bar,
            int(self.ts[bar]),
            self.scalars[bar].copy(),
            self.columns[some].copy(),
            self.sheet[:, some].copy(),
            self.position[some].copy(),
            self.target[some].copy(),
            self.quantity[some].copy(),
            self.reference_price[some].copy(),
            self.number[some].copy(),
            np.zeros(count, dtype=np.int8),
            np.zeros(count),
            np.zeros(count),
            np.full(count, Purpose.POLICY, dtype=np.int8),
        )

    def _acknowledged(self, bar: int) -> Updated:
        some = _part(self.order_end, bar)
        count = some.stop - some.start
        event = np.full(count, OrderEvent.ACKNOWLEDGED, dtype=np.int8)
        state = np.full(count, OrderState.NEW, dtype=np.int8)
        return Updated(int(self.ts[bar]), self.number[some].copy(), event, state, "")


class RowEncoder:
    """Makes the canonical bytes of one stretch after the other, in memory of its own."""

    def __init__(self) -> None:
        self._out: Bytes = np.empty(0, dtype=np.uint8)
        self._tables: IntArray = np.empty(0, dtype=np.int64)

    def encode(self, rows: StretchRows) -> tuple[Bytes, IntArray]:
        """The bytes of every row of ``rows``, those that ``encode_record`` gives for :meth:`StretchRows.records`.

        Returns
        -------
        buffer : uint8
            For each row its length (u32, little-endian) and its bytes; it holds until the next stretch is encoded.
        row_end : int64
            Where each row ends in ``buffer``.

        Raises
        ------
        UsageError
            When Numba is not installed.
        """
        lay = _machine_code(lay_rows)
        bars, sheet_rows, scalars = len(rows), len(rows.sheet), rows.scalars.shape[1]
        room = bars * (_BAR_BYTES + 8 * scalars) + 9 * len(rows.flagged)
        room += len(rows.fill_number) * _FILL_BYTES + len(rows.number) * (_ORDER_BYTES + 8 * sheet_rows)
        if len(self._out) < room:
            self._out = np.empty(room, dtype=np.uint8)
        row_end: IntArray = np.empty(_ROWS_PER_BAR * bars, dtype=np.int64)
        starts = Starts(rows.seq, rows.decision, rows.level)
        figures = Block(_bytes(canonical(rows.scalars)), 8 * scalars)
        fills, orders = self._blocks(rows)
        parts = (_bars(rows), fills, figures, orders)
        count: int = lay(_OPENINGS, starts, *parts, sheet_rows, self._out, row_end)
        return self._out[: row_end[count - 1] if count else 0], row_end[:count]

    def _blocks(self, rows: StretchRows) -> tuple[Block, Block]:
        filled, ordered, order_rows = len(rows.fill_number), len(rows.number), ORDER_ROWS + len(rows.sheet)
        middle = FILL_ROWS * filled
        end = middle + order_rows * ordered
        if len(self._tables) < end:
            self._tables = np.empty(end, dtype=np.int64)
        fills = self._tables[:middle].reshape(FILL_ROWS, filled)
        orders = self._tables[middle:end].reshape(order_rows, ordered)
        _lay_fills(rows, fills)
        _lay_orders(rows, orders)
        return Block(_bytes(fills), 8 * filled), Block(_bytes(orders), 8 * ordered)


def order_list(rows: StretchRows) -> IntArray:
    """What the order-list hash covers: per bar with orders its tape position, then their numbers, columns and quantities.

    Raises
    ------
    UsageError
        When Numba is not installed.
    """
    out = np.empty(len(rows) + 3 * len(rows.number), dtype=np.int64)
    columns = (_plain(column) for column in (rows.order_end, rows.number, rows.columns, rows.quantity))
    count: int = _machine_code(list_orders)(rows.seq, *columns, out)
    return out[:count]


def _machine_code(kernel: Kernel) -> Kernel:
    return machine_code(kernel, PARTS, _SOURCES, "Orders worked off in stretches")


def _bars(rows: StretchRows) -> Bars:
    return Bars(
        np.stack((rows.ts, rows.equity, rows.cash, rows.realised, rows.fees), axis=1),
        np.stack((rows.flag_end, rows.fill_end, rows.order_end)),
        *(_bytes(column) for column in (rows.digest, rows.flagged, rows.quality)),
    )


def _lay_fills(rows: StretchRows, table: IntArray) -> None:
    table[0], table[1], table[2] = rows.fill_number, rows.fill_symbol, rows.fill_quantity
    table[3], table[4] = rows.fill_price, rows.fill_fee
    table[BEFORE_COSTS : BEFORE_COSTS + COST_ROWS] = rows.fill_costs.T
    table[-2], table[-1] = rows.fill_execution, rows.fill_realised


def _lay_orders(rows: StretchRows, table: IntArray) -> None:
    table[0] = rows.columns
    table[1 : 1 + len(rows.sheet)] = canonical(rows.sheet).view(np.int64)
    table[-5], table[-4], table[-3] = rows.position, rows.target, rows.quantity
    table[-2], table[-1] = rows.reference_price, rows.number


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    """``array`` in the one layout that the kernels are compiled for."""
    return array if array.flags.c_contiguous and array.flags.writeable else array.copy()


def _bytes(array: NDArray[Any]) -> Bytes:
    return _plain(array).reshape(-1).view(np.uint8)


def _part(end: IntArray, bar: int) -> slice:
    return slice(int(end[bar - 1]) if bar else 0, int(end[bar]))


def _total(end: IntArray, bars: int) -> int:
    """How many there are of what ``end`` counts from bar to bar."""
    _check((bars,), end)
    if bars and (end[0] < 0 or np.count_nonzero(end[1:] < end[:-1])):
        raise ValueError("a count up to and including each bar cannot fall")
    return int(end[-1]) if bars else 0


def _check(shape: tuple[int, ...], *columns: NDArray[Any], dtype: type[np.generic] = np.int64) -> None:
    for column in columns:
        if column.shape != shape or column.dtype != dtype:
            raise ValueError(
                f"expected a column {list(shape)} of {dtype.__name__}, was {list(column.shape)} of {column.dtype}"
            )
