"""What a backtest keeps of its journal to account for its executions: decisions without sheets, parents, and ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tuiconsole.domain.records import Decided, Parented, Sliced, Updated
from tuiconsole.domain.types import IntArray
from tuiconsole.store.stretch_rows import StretchRows


class DecidedOrders(NamedTuple):
    """The orders of one decision, columns ``[k]`` as in :class:`~tuiconsole.domain.records.Decided`; number 0: refused."""

    bar: int
    ts: int
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


class OrderRowKeeper:
    """Collects :class:`OrderRows`."""

    def __init__(self) -> None:
        self._decided: list[DecidedOrders | StretchRows] = []
        self._parented: list[Parented] = []
        self._sliced: list[Sliced] = []
        self._updated: list[Updated] = []

    def decided(self, record: Decided) -> None:
        """Orders were judged."""
        columns = (record.number, record.columns, record.quantity, record.reference_price)
        self._decided.append(DecidedOrders(record.bar_seq, record.ts, *columns))

    def stretch(self, rows: StretchRows) -> None:
        """Consecutive bars were journalled together; all their orders were approved."""
        self._decided.append(rows)

    def other(self, record: object) -> None:
        """Any other row."""
        if isinstance(record, Updated):
            if record.event.any():
                self._updated.append(record)
        elif isinstance(record, Parented):
            self._parented.append(record)
        elif isinstance(record, Sliced):
            self._sliced.append(record)

    def rows(self) -> OrderRows:
        """Everything so far."""
        decided: list[DecidedOrders] = []
        for part in self._decided:
            decided.extend(_of_stretch(part) if isinstance(part, StretchRows) else (part,))
        return OrderRows(tuple(decided), tuple(self._parented), tuple(self._sliced), tuple(self._updated))


def _of_stretch(rows: StretchRows) -> Iterator[DecidedOrders]:
    ends = rows.order_end.tolist()
    for bar in np.flatnonzero(np.diff(rows.order_end, prepend=0)).tolist():
        some = slice(ends[bar - 1] if bar else 0, ends[bar])
        columns = (rows.number, rows.columns, rows.quantity, rows.reference_price)
        yield DecidedOrders(rows.seq + bar, int(rows.ts[bar]), *(column[some] for column in columns))
