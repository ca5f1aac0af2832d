"""What a backtest keeps of its journal to account for its executions: decisions without sheets, parents, and ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tuiconsole.domain.records import Decided, Parented, Rewarded, Sliced, Styled, Updated
from tuiconsole.domain.types import CodeArray, IntArray
from tuiconsole.store.stretch_rows import StretchRows


class DecidedOrders(NamedTuple):
    """The orders of one decision, columns ``[k]`` as in :class:`~tuiconsole.domain.records.Decided`; number 0: refused."""

    bar: int
    ts: int
    number: IntArray
    symbol: IntArray
    quantity: IntArray
    reference_price: IntArray
    purpose: CodeArray


class _StretchOrders(NamedTuple):
    """The orders of a stretch, columns ``[n_orders]``; ``end`` int64 ``[n_bars]`` as in :class:`StretchRows`."""

    seq: int
    ts: IntArray
    end: IntArray
    number: IntArray
    symbol: IntArray
    quantity: IntArray
    reference_price: IntArray


class OrderRows(NamedTuple):
    """Rows in the order in which they were journalled; of ``updated`` only those that tell more than acknowledgements."""

    decided: tuple[DecidedOrders, ...]
    parented: tuple[Parented, ...]
    sliced: tuple[Sliced, ...]
    updated: tuple[Updated, ...]
    styled: tuple[Styled, ...] = ()
    rewarded: tuple[Rewarded, ...] = ()


_PACKED = 256
"""Decisions whose columns are laid together: many small arrays weigh more than what they hold."""


class _Decisions(NamedTuple):
    """Decisions in a row: bar, time and end of each ``[n]``, and the columns of all their orders."""

    bar: IntArray
    ts: IntArray
    end: IntArray
    columns: tuple[IntArray, IntArray, IntArray, IntArray, CodeArray]


class OrderRowKeeper:
    """Collects :class:`OrderRows`."""

    def __init__(self) -> None:
        self._decided: list[_Decisions | _StretchOrders] = []
        self._waiting: list[DecidedOrders] = []
        self._parented: list[Parented] = []
        self._sliced: list[Sliced] = []
        self._updated: list[Updated] = []
        self._styled: list[Styled] = []
        self._rewarded: list[Rewarded] = []

    def decided(self, record: Decided) -> None:
        """Orders were judged."""
        columns = (record.number, record.columns, record.quantity, record.reference_price)
        self._waiting.append(DecidedOrders(record.bar_seq, record.ts, *columns, record.purpose))
        if len(self._waiting) >= _PACKED:
            self._pack()

    def stretch(self, rows: StretchRows) -> None:
        """Consecutive bars were journalled together; all their orders were approved."""
        if len(rows.number):
            self._pack()
            columns = (rows.number, rows.columns, rows.quantity, rows.reference_price)
            self._decided.append(_StretchOrders(rows.seq, rows.ts, rows.order_end, *columns))

    def other(self, record: object) -> None:
        """Any other row."""
        if isinstance(record, Updated):
            if record.event.any():
                self._updated.append(record)
        elif isinstance(record, Parented):
            self._parented.append(record)
        elif isinstance(record, Sliced):
            self._sliced.append(record)
        elif isinstance(record, Styled):
            self._styled.append(record)
        elif isinstance(record, Rewarded):
            self._rewarded.append(record)

    def _pack(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        number, symbol, quantity, reference, purpose = (
            np.concatenate(parts) for parts in list(zip(*waiting, strict=True))[2:]
        )
        self._decided.append(
            _Decisions(
                np.array([one.bar for one in waiting], dtype=np.int64),
                np.array([one.ts for one in waiting], dtype=np.int64),
                np.cumsum([len(one.number) for one in waiting]),
                (number, symbol, quantity, reference, purpose),
            )
        )

    def rows(self) -> OrderRows:
        """Everything so far."""
        self._pack()
        decided: list[DecidedOrders] = []
        for part in self._decided:
            decided.extend(_of_stretch(part) if isinstance(part, _StretchOrders) else _unpacked(part))
        return OrderRows(
            tuple(decided),
            tuple(self._parented),
            tuple(self._sliced),
            tuple(self._updated),
            tuple(self._styled),
            tuple(self._rewarded),
        )


def _unpacked(packed: _Decisions) -> Iterator[DecidedOrders]:
    begin = 0
    for bar, ts, end in zip(packed.bar.tolist(), packed.ts.tolist(), packed.end.tolist(), strict=True):
        some = slice(begin, end)
        begin = end
        number, symbol, quantity, reference, purpose = packed.columns
        yield DecidedOrders(
            bar, ts, number[some], symbol[some], quantity[some], reference[some], purpose[some]
        )


def _of_stretch(orders: _StretchOrders) -> Iterator[DecidedOrders]:
    ends = orders.end.tolist()
    for bar in np.flatnonzero(np.diff(orders.end, prepend=0)).tolist():
        some = slice(ends[bar - 1] if bar else 0, ends[bar])
        yield DecidedOrders(
            orders.seq + bar,
            int(orders.ts[bar]),
            orders.number[some],
            orders.symbol[some],
            orders.quantity[some],
            orders.reference_price[some],
            np.zeros(some.stop - some.start, dtype=np.int8),  # a stretch holds the policy's orders alone
        )
