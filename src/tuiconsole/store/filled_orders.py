"""Executions with what their orders were: what the cost model learns from."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple

from tuiconsole.domain.codec import decode_record
from tuiconsole.domain.costs import IN_PRICE
from tuiconsole.domain.records import Termed
from tuiconsole.store.connection import reading
from tuiconsole.store.schema import COST_COLUMNS


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
            f"f.quantity, f.price, f.number, {costs}, (SELECT payload FROM journal WHERE seq = o.row + 1) "
            "FROM fills f JOIN orders o ON o.number = f.number WHERE f.row > ? AND NOT f.forced "
            "ORDER BY f.row, f.item LIMIT ?",
            (row, count),
        ).fetchall()
    if len(found) == count and found[0][0] != found[-1][0]:  # the last row may be cut: it comes again
        found = [item for item in found if item[0] != found[-1][0]]
    fills: list[FilledOrder] = []
    for at, bar, ts, symbol, quantity, price, number, lost, after in found:
        if bar is None:
            break
        fills.append(FilledOrder(at, bar, ts, symbol, quantity, price, _kind(after, number), lost))
    return fills


def _kind(payload: bytes | None, number: int) -> int:
    """The type of order ``number``, from the row after its decision; without terms it is a market order."""
    record = decode_record(payload) if payload else None
    if not isinstance(record, Termed):
        return 0
    numbers = record.number.tolist()
    return int(record.kind[numbers.index(number)]) if number in numbers else 0
