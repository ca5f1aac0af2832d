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


class OrderRowKeeper:
    """Collects :class:`OrderRows`."""

    def __init__(self) -> None:
        self._decided: list[DecidedOrders | _StretchOrders] = []
        self._parented: list[Parented] = []
        self._sliced: list[Sliced] = []
        self._updated: list[Updated] = []
        self._styled: list[Styled] = []
        self._rewarded: list[Rewarded] = []

    def decided(self, record: Decided) -> None:
        """Orders were judged."""
        columns = (record.number, record.columns, record.quantity, record.reference_price)
        self._decided.append(DecidedOrders(record.bar_seq, record.ts, *columns, record.purpose))

    def stretch(self, rows: StretchRows) -> None:
        """Consecutive bars were journalled together; all their orders were approved."""
        if len(rows.number):
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

    def rows(self) -> OrderRows:
        """Everything so far."""
        decided: list[DecidedOrders] = []
        for part in self._decided:
            decided.extend(_of_stretch(part) if isinstance(part, _StretchOrders) else (part,))
        return OrderRows(
            tuple(decided),
            tuple(self._parented),
            tuple(self._sliced),
            tuple(self._updated),
            tuple(self._styled),
            tuple(self._rewarded),
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
