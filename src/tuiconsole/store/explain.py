"""``why``: the chain behind an order, from the prices the desk saw to the fills it got.

Rows of a decision's sheet are named by its policy: ``feature:<name>`` goes under ``features``,
``regime:<name>`` under ``regime``, ``<what>:<agent>`` under that agent, ``blend…`` under ``blend``; whatever
else has no colon is sizing. The flat ``sheet`` and ``scalars`` are given too, so that every number can be
recomputed. Non-finite numbers become null.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuiconsole.domain import ids
from tuiconsole.domain.clock import iso
from tuiconsole.domain.codec import decode_record
from tuiconsole.domain.costs import COST_NAMES, IMPACT, CostPart
from tuiconsole.domain.errors import StoreError, UsageError
from tuiconsole.domain.instruments import Instrument, Universe
from tuiconsole.domain.market import QUALITY_TEXT, Quality
from tuiconsole.domain.money import to_float
from tuiconsole.domain.orders import OrderEvent, OrderState, Purpose
from tuiconsole.domain.records import BarSeen, Decided, Opened, Parented, Sliced
from tuiconsole.store.archive import row_at
from tuiconsole.store.connection import reading
from tuiconsole.store.explain_terms import replaces_of, terms_of, terms_told
from tuiconsole.store.explain_text import explain_text
from tuiconsole.store.readers import average_prices, opened_row
from tuiconsole.store.schema import COST_COLUMNS

__all__ = ["explain", "explain_text"]

_MAX_DIGITS = 18


def explain(
    source: Path | sqlite3.Connection,
    order: str,
    universe: Universe | None = None,
    rule_names: Mapping[int, str] | None = None,
) -> dict[str, Any]:
    """The chain behind one order, ready for JSON.

    Parameters
    ----------
    source
        The store, or an open reader connection.
    order
        Order number or client order id; ``DECISION:SYMBOL`` names an order that the gate may have refused.
    universe
        Units of the instruments; by default those of plain equities.
    rule_names
        Names of the gate's rules by code.

    Raises
    ------
    UsageError
        When there is no such order.
    """
    with reading(source) as connection:
        began = not connection.in_transaction
        if began:  # one short transaction: order, updates and fills of one moment
            connection.execute("BEGIN")
        try:
            opened = opened_row(connection)
            row, item = _find(connection, opened, order)
            return _chain(
                connection, opened, row, item, universe or Universe.of(opened.symbols), rule_names or {}
            )
        finally:
            if began and connection.in_transaction:
                connection.execute("ROLLBACK")


def _find(connection: sqlite3.Connection, opened: Opened, order: str) -> tuple[int, int]:
    """``(journal row, place in the decision)`` of what the trader named."""
    decision, colon, symbol = order.strip().partition(":")
    if colon:
        return _find_by_decision(connection, decision, symbol.upper())
    parsed = ids.parse_order_id(order)
    if parsed is None:
        raise UsageError(
            f"{order!r} is not an order id.",
            "Give a number such as 17, an id such as 1a2b3c4d-17, or DECISION:SYMBOL.",
        )
    desk, number = parsed
    if desk is not None and desk != opened.desk:
        raise UsageError(f"Order {order} belongs to another desk.", f"This journal is of desk {opened.desk}.")
    found = connection.execute("SELECT row, item FROM orders WHERE number = ?", (number,)).fetchone()
    if found is None:
        last = connection.execute("SELECT max(number) FROM orders").fetchone()[0]
        known = f"Orders 1 to {last} are known." if last else "No order was sent yet."
        raise UsageError(f"There is no order {order}.", known)
    return found[0], found[1]


def _find_by_decision(connection: sqlite3.Connection, decision: str, symbol: str) -> tuple[int, int]:
    if not (decision.isascii() and decision.isdecimal() and len(decision) <= _MAX_DIGITS):
        raise UsageError(f"{decision!r} is not a decision's number.", "Write it as 142:AAPL.")
    for table in ("orders", "refusals"):
        found = connection.execute(
            f"SELECT row, item FROM {table} WHERE row IN (SELECT row FROM decisions WHERE seq = ?) "
            "AND upper(symbol) = ? ORDER BY row DESC LIMIT 1",
            (int(decision), symbol),
        ).fetchone()
        if found is not None:
            return found[0], found[1]
    raise UsageError(
        f"Decision {decision} wanted no order in {symbol!r}.",
        "See the orders with their decisions in the console.",
    )


def _chain(
    connection: sqlite3.Connection,
    opened: Opened,
    row: int,
    item: int,
    universe: Universe,
    rule_names: Mapping[int, str],
) -> dict[str, Any]:
    found = row_at(connection, row)
    payload, digest = found or (b"", b"")
    decided = decode_record(payload) if found else None
    if not isinstance(decided, Decided):
        raise StoreError(f"Row {row} of the journal is not a decision.", "Run 'tuiconsole verify'.")
    column = int(decided.columns[item])
    instrument = universe.instruments[column]
    number = int(decided.number[item])
    parent, origin = _parent(connection, row, item, decided, instrument)
    rows = decided.sheet[:, item] if origin is None else origin[0].sheet[:, origin[1]]
    said = decided.scalars if origin is None else origin[0].scalars
    sheet = {name: _number(value) for name, value in zip(opened.sheet, rows.tolist(), strict=False)}
    scalars = {name: _number(value) for name, value in zip(opened.scalars, said.tolist(), strict=False)}
    chain: dict[str, Any] = {
        "order": _order(connection, opened, instrument, number) if number else None,
        "decision": {
            "seq": decided.seq,
            "bar_seq": decided.bar_seq,
            "ts": decided.ts,
            "time": iso(decided.ts),
            "journal_row": row,
            "journal_hash": digest.hex(),
            "orders_wanted": len(decided.columns),
            "orders_approved": int((decided.number > 0).sum()),
        },
        "parent": parent,
        "symbol": instrument.symbol,
        "bar": _bar(connection, decided.bar_seq, row, column),
        **_groups(sheet, scalars, opened.agents),
        "intent": _intent(decided, item, instrument),
        "terms": terms_told(terms_of(connection, row, decided.seq, item), instrument),
        "replaces": replaces_of(connection, opened.desk, number, instrument) if number else [],
        "gate": _gate(decided, item, rule_names),
        "updates": _updates(connection, number) if number else [],
        "fills": _fills(connection, number, instrument, int(decided.reference_price[item])) if number else [],
        "sheet": sheet,
        "scalars": scalars,
    }
    granted = [change for change in chain["replaces"] if change["outcome"] == "replaced"]
    if granted:
        chain["order"].update({name: granted[-1][name] for name in ("id", "quantity")})
    return chain


def _parent(
    connection: sqlite3.Connection, row: int, item: int, decided: Decided, instrument: Instrument
) -> tuple[dict[str, Any] | None, tuple[Parented, int] | None]:
    """The parent of a child, and the row and place where a decision wanted it; None twice for an order of its own."""
    found = row_at(connection, row + 1)
    sliced = decode_record(found[0]) if found else None
    if not isinstance(sliced, Sliced) or sliced.seq != decided.seq:
        return None, None
    number, decision = int(sliced.parent[item]), int(sliced.decision[item])
    place = connection.execute("SELECT row FROM decisions WHERE seq = ?", (decision,)).fetchone()
    payload = row_at(connection, place[0]) if place else None
    opened = decode_record(payload[0]) if payload else None
    if not isinstance(opened, Parented):
        raise StoreError(f"Parent {number} has no row in the journal.", "Run 'tuiconsole verify'.")
    index = opened.number.tolist().index(number)
    decimals = instrument.quantity_decimals
    parent = {
        "number": number,
        "algo": opened.algo,
        "quantity": to_float(int(sliced.total[item]), decimals),
        "taken_before": to_float(int(sliced.taken[item]), decimals),
        "bars": int(opened.bars[index]),
        "position": to_float(int(opened.position[index]), decimals),
        "target": to_float(int(opened.target[index]), decimals),
        "reference_price": to_float(int(opened.reference_price[index]), instrument.price_decimals),
        "decision": {
            "seq": decision,
            "bar_seq": opened.bar_seq,
            "ts": opened.ts,
            "time": iso(opened.ts),
            "journal_row": place[0],
        },
    }
    return parent, (opened, index)


def _order(
    connection: sqlite3.Connection, opened: Opened, instrument: Instrument, number: int
) -> dict[str, Any]:
    found = connection.execute(
        f"SELECT ts, quantity, state, filled, realised, forced, purpose, fee, {', '.join(COST_COLUMNS)} "
        "FROM orders WHERE number = ?",
        (number,),
    ).fetchone()
    ts, quantity, state, filled, realised, forced, purpose, fee, *parts = found
    average = average_prices(connection, [number]).get(number)
    return {
        "id": ids.client_order_id(opened.desk, number),
        "number": number,
        "ts": ts,
        "time": iso(ts),
        "symbol": instrument.symbol,
        "side": "buy" if quantity > 0 else "sell",
        "quantity": to_float(quantity, instrument.quantity_decimals),
        "state": OrderState(state).name.lower(),
        "filled": to_float(filled, instrument.quantity_decimals),
        "average_price": None if average is None else float(average.scaleb(-instrument.price_decimals)),
        **_costs(fee, parts),
        "realised_pnl": to_float(realised),
        "forced": bool(forced),
        "purpose": Purpose(purpose).name.lower(),
    }


def _intent(decided: Decided, item: int, instrument: Instrument) -> dict[str, Any]:
    names = {"position": decided.position, "target": decided.target, "quantity": decided.quantity}
    scaled = {name: int(values[item]) for name, values in names.items()}
    reference = int(decided.reference_price[item])
    return {
        **{name: to_float(value, instrument.quantity_decimals) for name, value in scaled.items()},
        "reference_price": to_float(reference, instrument.price_decimals),
        "purpose": Purpose(int(decided.purpose[item])).name.lower(),
        "scaled": {**scaled, "reference_price": reference},
        "quantity_decimals": instrument.quantity_decimals,
        "price_decimals": instrument.price_decimals,
        "multiplier": instrument.multiplier,
    }


def _gate(decided: Decided, item: int, rule_names: Mapping[int, str]) -> dict[str, Any]:
    rule = int(decided.rule[item])
    approved = int(decided.number[item]) > 0
    return {
        "approved": approved,
        "rule": rule,
        "rule_name": "" if approved else rule_names.get(rule, f"rule {rule}"),
        "value": _number(decided.value[item]),
        "limit": _number(decided.limit[item]),
    }


def _bar(connection: sqlite3.Connection, seq: int, before: int, column: int) -> dict[str, Any] | None:
    """The bar that the decision was made on; None for a flatten before the first bar."""
    found = connection.execute(
        "SELECT row FROM equity WHERE seq = ? AND row < ? ORDER BY row DESC LIMIT 1", (seq, before)
    ).fetchone()
    stored = row_at(connection, found[0]) if found else None
    record = decode_record(stored[0]) if stored else None
    if not isinstance(record, BarSeen):
        return None
    flagged = record.flagged.tolist()
    quality = Quality(int(record.quality[flagged.index(column)])) if column in flagged else Quality.GOOD
    return {
        "seq": record.seq,
        "ts": record.ts,
        "time": iso(record.ts),
        "journal_row": found[0],
        "digest": record.digest.hex(),
        "quality": QUALITY_TEXT[quality],
        "equity": to_float(record.equity),
        "cash": to_float(record.cash),
        "level": record.level,
    }


def _updates(connection: sqlite3.Connection, number: int) -> list[dict[str, Any]]:
    found = connection.execute(
        "SELECT row, ts, event, state, text FROM updates WHERE number = ? ORDER BY row, item", (number,)
    )
    return [
        {
            "journal_row": row,
            "ts": ts,
            "time": iso(ts),
            "event": OrderEvent(event).name.lower(),
            "state": OrderState(state).name.lower(),
            "text": text,
        }
        for row, ts, event, state, text in found
    ]


def _fills(
    connection: sqlite3.Connection, number: int, instrument: Instrument, reference: int
) -> list[dict[str, Any]]:
    found = connection.execute(
        "SELECT row, ts, quantity, price, execution, realised, state, forced, "
        "(SELECT iif(ts = fills.ts, seq, NULL) FROM equity WHERE row > fills.row ORDER BY row LIMIT 1), "
        f"fee, {', '.join(COST_COLUMNS)} "
        "FROM fills WHERE number = ? ORDER BY row, item",
        (number,),
    )
    return [
        {
            "journal_row": row,
            "ts": ts,
            "time": iso(ts),
            "bar_seq": bar_seq,
            "quantity": to_float(quantity, instrument.quantity_decimals),
            "price": to_float(price, instrument.price_decimals),
            **_costs(fee, parts),
            "slippage_bps": _number((price / reference - 1.0) * math.copysign(1e4, quantity))
            if reference
            else None,
            "realised_pnl": to_float(realised),
            "execution": execution,
            "state": OrderState(state).name.lower(),
            "forced": bool(forced),
        }
        for (row, ts, quantity, price, execution, realised, state, forced, bar_seq, fee, *parts) in found
    ]


def _costs(fee: int, parts: list[int]) -> dict[str, Any]:
    """Fee, spread, impact, their sum, and every part by its name; borrow was paid before and is in no sum."""
    spread, impact = parts[CostPart.SPREAD], sum(parts[IMPACT])
    return {
        "fee": to_float(fee),
        "spread_cost": to_float(spread),
        "impact_cost": to_float(impact),
        "cost": to_float(fee + spread + impact),
        "cost_parts": {name: to_float(value) for name, value in zip(COST_NAMES, parts, strict=True)},
    }


def _groups(
    sheet: Mapping[str, float | None], scalars: Mapping[str, float | None], agents: tuple[str, ...]
) -> dict[str, Any]:
    """The named numbers, gathered by what they speak of; see the module."""
    groups: dict[str, dict[str, Any]] = {
        "prices": {},
        "features": {},
        "regime": {},
        "agents": {name: {} for name in agents},
        "blend": {},
        "sizing": {},
    }
    plural = {"price": "prices", "feature": "features"}
    for name, value in [*scalars.items(), *sheet.items()]:
        prefix, colon, rest = name.partition(":")
        if colon and rest in groups["agents"]:
            groups["agents"][rest][prefix] = value
        elif colon:
            groups.setdefault(plural.get(prefix, prefix), {})[rest] = value
        elif name in ("price", "open", "high", "low", "close", "volume"):
            groups["prices"][name] = value
        elif name.startswith("blend"):
            groups["blend"][name] = value
        else:
            groups["sizing"][name] = value
    return groups


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
