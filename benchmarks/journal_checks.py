"""What must hold of any journal: no order number twice, no order filled beyond its size, money that adds up.

The book is rebuilt here from the fills alone, in plain integers and apart from the desk's own ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tuiconsole.domain.codec import decode_record
from tuiconsole.domain.records import BarSeen, Commanded, Decided, Filled, Opened, Record
from tuiconsole.store.connection import open_reader

_PAGE = 2_000


def records(state: Path) -> Iterator[Record]:
    """All records of a store, page by page."""
    connection, after = open_reader(state), 0
    try:
        while True:
            rows = connection.execute(
                "SELECT seq, payload FROM journal WHERE seq > ? ORDER BY seq LIMIT ?", (after, _PAGE)
            ).fetchall()
            if not rows:
                return
            yield from (decode_record(payload) for _, payload in rows)
            after = rows[-1][0]
    finally:
        connection.close()


@dataclass(slots=True)
class Findings:
    """What a journal says, and what is wrong with it."""

    bars: int = 0
    orders: int = 0
    fills: int = 0
    commands: int = 0
    wrong: list[str] = field(default_factory=list)


def check(state: Path) -> Findings:
    """Read the whole journal of ``state``."""
    found = Findings()
    sizes: dict[int, int] = {}
    filled: dict[int, int] = {}
    executions: set[int] = set()
    capital = fees = realised = 0
    last_bar = -1
    for record in records(state):
        if isinstance(record, Opened):
            capital = record.capital
        elif isinstance(record, Decided):
            _take_orders(record, sizes, found)
        elif isinstance(record, Filled):
            found.fills += len(record.number)
            fees += int(record.fee.sum())
            realised += int(record.realised.sum())
            _take_fills(record, sizes, filled, executions, found)
        elif isinstance(record, BarSeen):
            found.bars += 1
            if record.seq <= last_bar:
                found.wrong.append(f"bar {record.seq} was journalled again")
            last_bar = record.seq
            if record.fees != fees or record.realised != realised:
                found.wrong.append(f"bar {record.seq}: fees or realised profit are not the sums of the fills")
            if record.equity < record.cash - capital * 10:
                found.wrong.append(f"bar {record.seq}: equity {record.equity} cannot be")
        elif isinstance(record, Commanded):
            found.commands += 1
    found.orders = len(sizes)
    return found


def _take_orders(record: Decided, sizes: dict[int, int], found: Findings) -> None:
    for number, quantity in zip(record.number.tolist(), record.quantity.tolist(), strict=True):
        if not number:
            continue
        if number in sizes:
            found.wrong.append(f"order number {number} was given twice")
        sizes[number] = quantity


def _take_fills(
    record: Filled, sizes: dict[int, int], filled: dict[int, int], executions: set[int], found: Findings
) -> None:
    columns = (record.number.tolist(), record.quantity.tolist(), record.execution.tolist())
    for number, quantity, execution in zip(*columns, strict=True):
        if execution in executions:
            found.wrong.append(f"execution {execution} was booked twice")
        executions.add(execution)
        filled[number] = filled.get(number, 0) + quantity
        wanted = sizes.get(number)
        if wanted is None:
            found.wrong.append(f"a fill for order {number}, which was never approved")
        elif abs(filled[number]) > abs(wanted) or filled[number] * wanted < 0:
            found.wrong.append(f"order {number} of {wanted} was filled {filled[number]}")
