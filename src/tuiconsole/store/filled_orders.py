"""Executions with what their orders were: what the cost model learns from."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple

from tuiconsole.domain.codec import decode_record
from tuiconsole.domain.costs import IN_PRICE
from tuiconsole.domain.records import Decided, Termed
from tuiconsole.store.connection import reading
from tuiconsole.store.schema import COST_COLUMNS

_TERMS_WITHIN = 3
"""Rows after a decision's among which its terms are."""


class FilledOrder(NamedTuple):
    """One execution with what its order was.

    Attributes
    ----------
    row, bar
        Journal row, and tape position of the bar it was filled at.
    kind
        Code of the order's type (:class:`~tuiconsole.domain.order_terms.OrderType`).
    in_price
        Money that its price lost to spread and impact.
    """

    row: int
    bar: int
    ts: int
    symbol: str
    quantity: int
    price: int
    kind: int
    in_price: int


def fills_after(source: Path | sqlite3.Connection, row: int, count: int) -> list[FilledOrder]:
    """Executions journalled after ``row``, oldest first: about ``count`` of them, always all of one row.

    An execution whose bar is not journalled yet ends the list.
    """
    costs = " + ".join(f"f.{name}" for name in COST_COLUMNS[IN_PRICE])
    with reading(source) as connection:
        found = connection.execute(
            "SELECT f.row, (SELECT e.seq FROM equity e WHERE e.row > f.row ORDER BY e.row LIMIT 1), f.ts, f.symbol, "
            f"f.quantity, f.price, f.number, {costs}, o.row "
            "FROM fills f JOIN orders o ON o.number = f.number WHERE f.row > ? AND NOT f.forced "
            "ORDER BY f.row, f.item LIMIT ?",
            (row, count),
        ).fetchall()
        kinds = {decided: _kinds(connection, decided) for decided in {item[-1] for item in found}}
    if len(found) == count and found[0][0] != found[-1][0]:  # the last row may be cut: it comes again
        found = [item for item in found if item[0] != found[-1][0]]
    fills: list[FilledOrder] = []
    for at, bar, ts, symbol, quantity, price, number, lost, decided in found:
        if bar is None:
            break
        fills.append(FilledOrder(at, bar, ts, symbol, quantity, price, kinds[decided].get(number, 0), lost))
    return fills


def _kinds(connection: sqlite3.Connection, row: int) -> dict[int, int]:
    """Types of the orders of the decision in ``row``, by number; those without terms are market orders and left out."""
    for (payload,) in connection.execute(
        "SELECT payload FROM journal WHERE seq > ? AND seq <= ?", (row, row + _TERMS_WITHIN)
    ):
        record = decode_record(payload)
        if isinstance(record, Termed):
            return dict(zip(record.number.tolist(), record.kind.tolist(), strict=True))
        if isinstance(record, Decided):
            break
    return {}
