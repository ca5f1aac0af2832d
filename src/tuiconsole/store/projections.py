"""Tables derived from the journal: orders, fills, positions, equity, decisions, agents, alerts, levels.

A :class:`Projector` turns records into rows of SQL parameters; :meth:`Projector.write` puts them into the
tables inside the transaction that commits the journal rows. The same code rebuilds the tables from row 1, so
both must agree.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from tuiconsole.domain.codec import decode_record
from tuiconsole.domain.events import CommandKind
from tuiconsole.domain.orders import OrderState
from tuiconsole.domain.records import (
    AgentChanged,
    Alerted,
    BarSeen,
    Charged,
    Commanded,
    Corrected,
    Decided,
    Filled,
    LevelChanged,
    Opened,
    Parented,
    Record,
    Updated,
)
from tuiconsole.store.archive import all_rows
from tuiconsole.store.schema import COST_COLUMNS, PRIMARY_KEYS, PROJECTION_TABLES

_REBUILD_ROWS = 2_000
_ALL_ALERTS = 2**62
_NO_COSTS = (0,) * len(COST_COLUMNS)
_ADD_COSTS = ", ".join(f"{name} = {name} + ?" for name in COST_COLUMNS)


def _insert(table: str) -> str:
    columns = PROJECTION_TABLES[table]
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


_STATEMENTS: dict[str, str] = {
    name: _insert(name)
    for name in (
        "decisions",
        "orders",
        "refusals",
        "updates",
        "fills",
        "charges",
        "equity",
        "alerts",
        "levels",
        "commands",
    )
} | {
    "order_changes": "UPDATE orders SET state = ?, filled = filled + ?, fee = fee + ?, "
    f"{_ADD_COSTS}, realised = realised + ?, "
    "forced = max(forced, ?), changed_ts = ? WHERE number = ?",
    "position_changes": "INSERT INTO positions (symbol, quantity, realised, fees, fills, changed_ts) "
    "VALUES (?, ?, ?, ?, 1, ?) ON CONFLICT (symbol) DO UPDATE SET quantity = quantity + excluded.quantity, "
    "realised = realised + excluded.realised, fees = fees + excluded.fees, fills = fills + 1, "
    "changed_ts = excluded.changed_ts",
    "agent_changes": "INSERT INTO agents (name, enabled, ts, text) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (name) DO UPDATE SET enabled = excluded.enabled, ts = excluded.ts, text = excluded.text",
    "acknowledgements": "UPDATE alerts SET acknowledged = 1 WHERE number <= ? AND row < ?",
}
"""In the order in which one commit runs them: rows exist before they change."""


class Projector:
    """Collects what records mean for the tables, and writes it in one go.

    Parameters
    ----------
    symbols
        The universe of the journal's ``Opened`` row; empty before that row was seen.
    """

    def __init__(self, symbols: tuple[str, ...] = ()) -> None:
        self._symbols = symbols
        self._pending: defaultdict[str, list[tuple[Any, ...]]] = defaultdict(list)

    def collect(self, row: int, record: Record) -> None:
        """Take in the record of journal row ``row``; rows come in order."""
        match record:
            case BarSeen():
                self._pending["equity"].append(
                    (
                        row,
                        record.seq,
                        record.ts,
                        record.equity,
                        record.cash,
                        record.realised,
                        record.fees,
                        record.level,
                    )
                )
            case Decided():
                self._decided(row, record)
            case Updated():
                self._updated(row, record)
            case Filled():
                self._filled(row, record)
            case Opened():
                self._symbols = record.symbols
                self._pending["agent_changes"] += [(name, 1, 0, "") for name in record.agents]
            case _:
                self._rare(row, record)

    def _rare(self, row: int, record: Record) -> None:
        match record:
            case Commanded():
                self._pending["commands"].append(
                    (
                        row,
                        record.ts,
                        record.kind,
                        record.id,
                        record.argument,
                        record.reason,
                        record.source,
                        int(record.accepted),
                        record.text,
                    )
                )
                if record.accepted and record.kind == CommandKind.ACKNOWLEDGE_ALERTS:
                    up_to = int(record.argument) if record.argument.isdecimal() else _ALL_ALERTS
                    self._pending["acknowledgements"].append((min(up_to, _ALL_ALERTS), row))
            case Alerted():
                self._pending["alerts"].append(
                    (row, record.ts, record.number, record.severity, record.code, record.text, 0)
                )
            case LevelChanged():
                self._pending["levels"].append(
                    (
                        row,
                        record.ts,
                        record.level,
                        record.before,
                        record.cause,
                        record.value,
                        record.limit,
                        record.text,
                    )
                )
            case Charged():
                paid = zip(record.symbol.tolist(), record.amount.tolist(), strict=True)
                self._pending["charges"] += [
                    (row, item, record.ts, self._symbols[column], amount, record.days)
                    for item, (column, amount) in enumerate(paid)
                ]
            case Parented() if record.seq:
                self._pending["decisions"].append((row, record.seq, record.bar_seq, record.ts, 0, 0))
            case Corrected() if record.symbol >= 0:
                symbol = self._symbols[record.symbol]
                self._pending["position_changes"].append(
                    (symbol, record.quantity, record.realised, 0, record.ts)
                )
            case AgentChanged():
                self._pending["agent_changes"].append(
                    (record.agent, int(record.enabled), record.ts, record.text)
                )

    def _decided(self, row: int, record: Decided) -> None:
        orders, refusals = self._pending["orders"], self._pending["refusals"]
        approved = 0
        columns = zip(
            record.columns.tolist(),
            record.quantity.tolist(),
            record.reference_price.tolist(),
            record.purpose.tolist(),
            record.number.tolist(),
            strict=True,
        )
        for item, (column, quantity, reference, purpose, number) in enumerate(columns):
            head = (row, item, record.seq, record.ts, self._symbols[column], quantity, reference, purpose)
            if number:
                approved += 1
                pending = int(OrderState.PENDING_NEW)
                orders.append((number, *head, pending, 0, 0, *_NO_COSTS, 0, 0, record.ts))
            else:
                rule, value, limit = record.rule[item], record.value[item], record.limit[item]
                refusals.append((*head, int(rule), float(value), float(limit)))
        refused = len(record.columns) - approved
        self._pending["decisions"].append((row, record.seq, record.bar_seq, record.ts, approved, refused))

    def _updated(self, row: int, record: Updated) -> None:
        numbers, events, states = record.number.tolist(), record.event.tolist(), record.state.tolist()
        ts, text = record.ts, record.text
        for item, (number, event, state) in enumerate(zip(numbers, events, states, strict=True)):
            self._pending["updates"].append((row, item, ts, number, event, state, text))
            self._pending["order_changes"].append((state, 0, 0, *_NO_COSTS, 0, 0, ts, number))

    def _filled(self, row: int, record: Filled) -> None:
        ts, forced = record.ts, int(record.forced)
        columns = zip(
            record.number.tolist(),
            record.symbol.tolist(),
            record.quantity.tolist(),
            record.price.tolist(),
            record.fee.tolist(),
            record.costs.T.tolist(),
            record.execution.tolist(),
            record.realised.tolist(),
            record.state.tolist(),
            strict=True,
        )
        pending = self._pending
        for item, fill in enumerate(columns):
            number, column, quantity, price, fee, costs, execution, realised, state = fill
            symbol = self._symbols[column]
            pending["fills"].append(
                (
                    row,
                    item,
                    ts,
                    number,
                    symbol,
                    quantity,
                    price,
                    fee,
                    *costs,
                    execution,
                    realised,
                    state,
                    forced,
                )
            )
            pending["order_changes"].append((state, quantity, fee, *costs, realised, forced, ts, number))
            pending["position_changes"].append((symbol, quantity, realised, fee, ts))

    def write(self, connection: sqlite3.Connection) -> None:
        """Bring the tables up to date with everything collected; the caller holds the transaction."""
        for name, statement in _STATEMENTS.items():
            rows = self._pending.get(name)
            if rows:
                connection.executemany(statement, rows)
        self._pending.clear()


def project(connection: sqlite3.Connection, rows: Iterable[tuple[int, bytes]]) -> None:
    """Write the tables of ``(row, payload)`` pairs into ``connection``; the caller holds the transaction."""
    projector = Projector()
    for count, (row, payload) in enumerate(rows, start=1):
        projector.collect(row, decode_record(payload))
        if count % _REBUILD_ROWS == 0:
            projector.write(connection)
    projector.write(connection)


def rebuild(connection: sqlite3.Connection) -> None:
    """Fill the tables of the writer's ``connection`` from its journal anew, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for name in PROJECTION_TABLES:
            connection.execute(f"DELETE FROM {name}")
        project(connection, all_rows(connection))
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def first_difference(left: sqlite3.Connection, right: sqlite3.Connection) -> str | None:
    """Name of the first projection table whose rows differ between two stores, or None when all are equal."""
    for name, columns in PROJECTION_TABLES.items():
        query = f"SELECT {', '.join(columns)} FROM {name} ORDER BY {', '.join(PRIMARY_KEYS[name])}"
        ours, theirs = left.execute(query), right.execute(query)
        while True:
            page, other = ours.fetchmany(_REBUILD_ROWS), theirs.fetchmany(_REBUILD_ROWS)
            if page != other:
                return name
            if not page:
                break
    return None
