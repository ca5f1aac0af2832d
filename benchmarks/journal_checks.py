"""What must hold of any journal: no order number twice, no order filled beyond its size, money that adds up.

The book is rebuilt here from orders, fills and tape, in plain integers and apart from the desk's own ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np

from tuiconsole.domain.codec import decode_record
from tuiconsole.domain.records import BarSeen, Commanded, Decided, Filled, Opened, Record
from tuiconsole.domain.types import FloatArray
from tuiconsole.market.tape import Tape
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


class Book:
    """Cash, positions and orders rebuilt from the journal's orders and fills in plain integers."""

    def __init__(self, tape: Tape, found: Findings) -> None:
        self._items = tape.universe.instruments
        self._close: FloatArray = np.rint(tape.close * tape.universe.price_scale)
        self._price = [0] * len(self._items)
        self._quantity = [0] * len(self._items)
        self._size: dict[int, int] = {}
        self._filled: dict[int, int] = {}
        self._executions: set[int] = set()
        self._found = found
        self.capital = self.cash = self.fees = self.realised = 0

    @property
    def orders(self) -> int:
        """Orders approved so far."""
        return len(self._size)

    def open(self, record: Opened) -> None:
        """Take the capital."""
        self.capital = self.cash = record.capital

    def order(self, record: Decided) -> None:
        """Take the orders that the gate approved."""
        for number, quantity in zip(record.number.tolist(), record.quantity.tolist(), strict=True):
            if number in self._size:
                self._found.wrong.append(f"order number {number} was given twice")
            if number:
                self._size[number] = quantity

    def fill(self, record: Filled) -> None:
        """Take executions: each once, none beyond its order."""
        self.fees += int(record.fee.sum())
        self.realised += int(record.realised.sum())
        self.cash -= int(record.fee.sum())
        names = ("number", "symbol", "quantity", "price", "execution")
        columns = [getattr(record, name).tolist() for name in names]
        for number, symbol, quantity, price, execution in zip(*columns, strict=True):
            self.cash -= self._worth(symbol, price, quantity)
            self._quantity[symbol] += quantity
            self._price[symbol] = self._price[symbol] or price
            if execution in self._executions:
                self._found.wrong.append(f"execution {execution} was booked twice")
            self._executions.add(execution)
            done = self._filled[number] = self._filled.get(number, 0) + quantity
            wanted = self._size.get(number, 0)
            if abs(done) > abs(wanted) or done * wanted < 0:
                self._found.wrong.append(f"order {number} of {wanted} was filled {done}")

    def bar(self, record: BarSeen) -> None:
        """Mark the book at a bar of the tape and compare cash, fees, profit and equity with the desk's."""
        held_back = set(record.flagged.tolist())
        for i, price in enumerate(self._close[record.seq].tolist()):
            if i not in held_back:
                self._price[i] = int(price)
        worth = sum(
            self._worth(i, self._price[i], quantity) for i, quantity in enumerate(self._quantity) if quantity
        )
        ours = (self.cash + worth, self.cash, self.realised, self.fees)
        theirs = (record.equity, record.cash, record.realised, record.fees)
        if ours != theirs:
            text = f"bar {record.seq}: equity, cash, realised, fees are {theirs}; the fills and the tape say {ours}"
            self._found.wrong.append(text)

    def _worth(self, symbol: int, price: int, quantity: int) -> int:
        item = self._items[symbol]
        return round(Fraction(price * quantity * item.multiplier) * Fraction(10) ** item.money_exponent)


def check(state: Path, tape: Tape) -> Findings:
    """Read the whole journal of ``state``, a desk on ``tape``."""
    found = Findings()
    book = Book(tape, found)
    last_bar = -1
    for record in records(state):
        if isinstance(record, Opened):
            book.open(record)
        elif isinstance(record, Decided):
            book.order(record)
        elif isinstance(record, Filled):
            found.fills += len(record.number)
            book.fill(record)
        elif isinstance(record, BarSeen):
            found.bars += 1
            if last_bar >= 0 and record.seq != last_bar + 1:
                found.wrong.append(f"bar {record.seq} follows bar {last_bar}")
            last_bar = record.seq
            book.bar(record)
        elif isinstance(record, Commanded):
            found.commands += 1
    found.orders = book.orders
    return found
