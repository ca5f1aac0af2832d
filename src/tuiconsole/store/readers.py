"""Read-only questions of verbs and reports; each takes a path or an open reader connection.

Quantities and prices stay in scaled integers; money becomes ``Decimal`` in currency units.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from tuiconsole.domain.clock import iso
from tuiconsole.domain.codec import decode_record
from tuiconsole.domain.costs import IMPACT
from tuiconsole.domain.errors import StoreError
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.money import MONEY_DECIMALS, from_scaled, notional, to_float
from tuiconsole.domain.orders import TERMINAL_STATES, OrderState
from tuiconsole.domain.records import Decided, Opened, TapeEnded
from tuiconsole.domain.types import IntArray
from tuiconsole.store.archive import row_at
from tuiconsole.store.connection import reading
from tuiconsole.store.schema import COST_COLUMNS
from tuiconsole.store.tail import Tail

Source = Path | sqlite3.Connection

IMPACT_SUM = f"({' + '.join(COST_COLUMNS[IMPACT])})"
"""SQL: what size and haste cost beyond the spread, money."""


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """One order as the projections tell it.

    ``quantity`` and ``filled`` are signed scaled quantities, ``reference_price`` and ``average_price`` scaled
    prices (``average_price`` None before the first fill), ``fee``, ``spread_cost``, ``impact_cost``
    (temporary, permanent, capacity and adverse selection together), ``realised`` currency units.
    """

    number: int
    decision: int
    ts: int
    symbol: str
    quantity: int
    reference_price: int
    average_price: Decimal | None
    state: OrderState
    filled: int
    fee: Decimal
    spread_cost: Decimal
    impact_cost: Decimal
    realised: Decimal
    forced: bool
    purpose: int


@dataclass(frozen=True, slots=True)
class StoredRefusal:
    """One order that the gate refused: the rule, what it measured, what it allows (None = not a number)."""

    decision: int
    ts: int
    symbol: str
    quantity: int
    rule: int
    value: float | None
    limit: float | None


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """One alert; ``severity`` is the code of ``domain.effects.Severity``."""

    number: int
    ts: int
    severity: int
    code: str
    text: str
    acknowledged: bool


def money(value: int) -> Decimal:
    """Money units as currency units, exactly.

    >>> money(150_000_000)
    Decimal('1.50000000')
    """
    return from_scaled(value, MONEY_DECIMALS)


def opened_row(source: Source) -> Opened:
    """The first row of the journal; :class:`StoreError` when there is none."""
    with reading(source) as connection:
        found = connection.execute("SELECT payload FROM journal WHERE seq = 1").fetchone()
    record = decode_record(found[0]) if found else None
    if not isinstance(record, Opened):
        raise StoreError("The journal is empty: no session was opened on it yet.", "Start the desk once.")
    return record


def journal_rows(path: Path) -> Tail:
    """``(row, payload)`` of every row committed so far, in order."""
    with reading(path) as connection:
        last = connection.execute("SELECT rows FROM head WHERE id = 1").fetchone()
        return Tail.of(connection, path, 0, int(last[0]) if last else 0)


def last_bar_ts(source: Source) -> int:
    """Time of the last bar journalled, ns UTC; 0 before the first."""
    with reading(source) as connection:
        found = connection.execute("SELECT ts FROM equity ORDER BY row DESC LIMIT 1").fetchone()
    return int(found[0]) if found else 0


def bars_journalled(source: Source) -> tuple[int, float]:
    """How many traded bars the journal holds, and the equity at the last of them in currency units."""
    with reading(source) as connection:
        count = connection.execute("SELECT count(*) FROM equity").fetchone()[0]
        last = connection.execute("SELECT equity FROM equity ORDER BY row DESC LIMIT 1").fetchone()
    return int(count), to_float(int(last[0])) if last else 0.0


def recent_orders(source: Source, limit: int = 50, offset: int = 0) -> list[StoredOrder]:
    """Orders, newest first."""
    with reading(source) as connection:
        rows = connection.execute(
            "SELECT number, decision, ts, symbol, quantity, reference_price, state, filled, fee, "
            f"cost_spread, {IMPACT_SUM}, realised, forced, purpose "
            "FROM orders ORDER BY number DESC LIMIT ? OFFSET ?",
            (limit, offset),
        ).fetchall()
        prices = average_prices(connection, [row[0] for row in rows])
    return [
        StoredOrder(
            number=row[0],
            decision=row[1],
            ts=row[2],
            symbol=row[3],
            quantity=row[4],
            reference_price=row[5],
            average_price=prices.get(row[0]),
            state=OrderState(row[6]),
            filled=row[7],
            fee=money(row[8]),
            spread_cost=money(row[9]),
            impact_cost=money(row[10]),
            realised=money(row[11]),
            forced=bool(row[12]),
            purpose=row[13],
        )
        for row in rows
    ]


def average_prices(connection: sqlite3.Connection, numbers: Sequence[int]) -> dict[int, Decimal]:
    """Average fill price in scaled units of each order that has fills, from exact sums."""
    found: dict[int, Decimal] = {}
    for number in numbers:
        fills = connection.execute("SELECT quantity, price FROM fills WHERE number = ?", (number,)).fetchall()
        total = sum(quantity for quantity, _ in fills)
        if total:
            found[number] = Decimal(sum(quantity * price for quantity, price in fills)) / total
    return found


def executions(source: Source) -> list[tuple[int, str, int, int, int, int]]:
    """Every execution in order: order number, symbol, scaled quantity and price, fee (money), number of the execution."""
    with reading(source) as connection:
        return connection.execute(
            "SELECT number, symbol, quantity, price, fee, execution FROM fills ORDER BY row, item"
        ).fetchall()


def recent_refusals(source: Source, limit: int = 50) -> list[StoredRefusal]:
    """Refused orders, newest first."""
    with reading(source) as connection:
        rows = connection.execute(
            "SELECT decision, ts, symbol, quantity, rule, value, limit_value FROM refusals "
            "ORDER BY row DESC, item DESC LIMIT ?",
            (limit,),
        ).fetchall()
    return [StoredRefusal(*row) for row in rows]


def recent_alerts(source: Source, limit: int = 50, only_open: bool = False) -> list[StoredAlert]:
    """Alerts, newest first; with ``only_open`` those nobody has acknowledged."""
    with reading(source) as connection:
        rows = connection.execute(
            "SELECT number, ts, severity, code, text, acknowledged FROM alerts "
            "WHERE acknowledged <= ? ORDER BY row DESC LIMIT ?",
            (0 if only_open else 1, limit),
        ).fetchall()
    return [
        StoredAlert(number, ts, severity, code, text, bool(acknowledged))
        for number, ts, severity, code, text, acknowledged in rows
    ]


def equity_curve(source: Source) -> tuple[IntArray, IntArray]:
    """Time (ns UTC) and equity (money units) at every bar, oldest first."""
    with reading(source) as connection:
        rows = connection.execute("SELECT ts, equity FROM equity ORDER BY row").fetchall()
    table = np.array(rows, dtype=np.int64).reshape(-1, 2)
    return table[:, 0].copy(), table[:, 1].copy()


def last_status(path: Path) -> dict[str, Any]:
    """The ``status`` object of a desk without engine, with state ``stopped``: what the journal last knew.

    Prices are not journalled for every symbol, so ``last_price`` and ``unrealised_pnl`` are None.
    """
    opened = opened_row(path)
    universe = Universe.of(opened.symbols)
    with reading(path) as connection:
        rows, head = connection.execute("SELECT rows, hash FROM head WHERE id = 1").fetchone()
        ts, equity, cash = _account(connection, universe, opened.capital)
        level = connection.execute("SELECT level, text FROM levels ORDER BY row DESC LIMIT 1").fetchone()
        done = ", ".join(str(int(state)) for state in sorted(TERMINAL_STATES))
        working = connection.execute(f"SELECT count(*) FROM orders WHERE state NOT IN ({done})").fetchone()[0]
        agents = connection.execute("SELECT name, enabled FROM agents ORDER BY rowid").fetchall()
        held = connection.execute("SELECT symbol, quantity FROM positions WHERE quantity != 0").fetchall()
        positions = [_position(connection, universe, symbol, quantity) for symbol, quantity in sorted(held)]
        open_alerts = connection.execute("SELECT count(*) FROM alerts WHERE acknowledged = 0").fetchone()[0]
        ended = _tape_ended(connection, rows)
        weights = _last_weights(connection, opened)
    return {
        "state": "stopped",
        "mode": opened.mode,
        "feed": opened.tape.split(":", 1)[0],
        "clock": iso(ts),
        "equity": to_float(equity),
        "cash": to_float(cash),
        "positions": positions,
        "working_orders": working,
        "agents": [
            {"name": name, "enabled": bool(enabled), "weight": weights.get(name, 0.0)}
            for name, enabled in agents
        ],
        "engine_pid": None,
        "data_age_s": None,
        "journal_rows": rows,
        "journal_head": head.hex(),
        "why_stopped": level[1] if level and level[0] else "no engine runs",
        "way_on": "start one with: tuiconsole",
        "alerts_open": open_alerts,
        "tape_ended": ended,
    }


def _account(connection: sqlite3.Connection, universe: Universe, capital: int) -> tuple[int, int, int]:
    """Time of the last bar, equity and cash: as of that bar, and what was filled after it (a kill's flatten)."""
    row, ts, equity, cash = connection.execute(
        "SELECT row, ts, equity, cash FROM equity ORDER BY row DESC LIMIT 1"
    ).fetchone() or (0, 0, capital, capital)
    for symbol, quantity, price, fee, slippage in connection.execute(
        f"SELECT symbol, quantity, price, fee, cost_spread + {IMPACT_SUM} FROM fills WHERE row > ? AND forced",
        (row,),
    ):
        cash -= notional(price, quantity, universe.instruments[universe.column(symbol)].money_exponent) + fee
        equity -= fee + slippage
    held = connection.execute("SELECT count(*) FROM positions WHERE quantity != 0").fetchone()[0]
    return ts, equity if held else cash, cash


def _position(
    connection: sqlite3.Connection, universe: Universe, symbol: str, quantity: int
) -> dict[str, Any]:
    instrument = universe.instruments[universe.column(symbol)]
    average = _first_in_first_out_price(connection, symbol, quantity)
    return {
        "symbol": symbol,
        "quantity": to_float(quantity, instrument.quantity_decimals),
        "average_price": float(average.scaleb(-instrument.price_decimals)),
        "last_price": None,
        "unrealised_pnl": None,
    }


def _first_in_first_out_price(connection: sqlite3.Connection, symbol: str, quantity: int) -> Decimal:
    """Average scaled price of the lots held: under FIFO the newest fills on the position's side."""
    side = 1 if quantity > 0 else -1
    left, cost = abs(quantity), 0
    for filled, price in connection.execute(
        "SELECT quantity, price FROM fills WHERE symbol = ? AND quantity * ? > 0 "
        "ORDER BY row DESC, item DESC",
        (symbol, side),
    ):
        part = min(left, abs(filled))
        cost += part * price
        left -= part
        if left == 0:
            break
    return Decimal(cost) / (abs(quantity) - left or 1)


def _tape_ended(connection: sqlite3.Connection, rows: int) -> bool:
    found = connection.execute(
        "SELECT payload FROM journal WHERE seq > ? ORDER BY seq DESC", (rows - 16,)
    ).fetchall()
    return any(isinstance(decode_record(payload), TapeEnded) for (payload,) in found)


def _last_weights(connection: sqlite3.Connection, opened: Opened) -> dict[str, float]:
    """``weight:<agent>`` of the last decision's scalars, where the policy states them."""
    last = connection.execute("SELECT max(row) FROM decisions").fetchone()[0]
    found = row_at(connection, last) if last else None
    record = decode_record(found[0]) if found else None
    if not isinstance(record, Decided):
        return {}
    pairs = zip(opened.scalars, record.scalars.tolist(), strict=False)
    weights = {name.split(":", 1)[1]: value for name, value in pairs if name.startswith("weight:")}
    return {name: value for name, value in weights.items() if not math.isnan(value)}
