"""The verb reconcile: the account against the broker's, and executions against a statement."""

from __future__ import annotations

import csv
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from tuiconsole.domain.errors import DataError, UsageError
from tuiconsole.domain.ids import execution_number, parse_order_id
from tuiconsole.execution.trade_matching import Trade, match_trades
from tuiconsole.verbs.common import Place, plain_text

_NAMES = {
    "execution": ("execution", "execution_id", "exec_id", "trade_id"),
    "order": ("order", "client_order_id", "order_id"),
    "symbol": ("symbol", "ticker"),
    "side": ("side",),
    "quantity": ("quantity", "qty", "shares"),
    "price": ("price",),
    "fee": ("fee", "fees", "commission"),
}
_NEEDED = ("symbol", "quantity", "price")
_SHOWN = 20


def reconcile_account(place: Place, action: str, reason: str, timeout_s: float) -> dict[str, Any]:
    """Compare the running desk's account with its broker's; ``action`` is empty, ``adopt`` or ``ignore``."""
    from tuiconsole.protocol.frames import Reconcile
    from tuiconsole.verbs.engine import command

    if action and not reason.strip():
        raise UsageError(
            f"To {action} differences needs a reason, which is journalled.", "Give it with --reason."
        )
    return command(place, lambda number: Reconcile(number, action, plain_text(reason)), timeout_s)


def account_text(body: dict[str, Any]) -> str:
    """The comparison for people."""
    if body["agrees"]:
        return f"The desk and its broker agree. The desk is {body['state']}."
    lines = [f"{len(body['differences'])} differences; the desk is {body['state']}."]
    lines += [f"  {row['text']}" for row in body["differences"]]
    lines.append("Settle them with: tuiconsole reconcile --adopt --reason ..., or --ignore --reason ...")
    return "\n".join(lines)


def reconcile_trades(place: Place, statement: Path) -> dict[str, Any]:
    """Compare every execution in the store with a broker's ``statement`` (CSV); the verb's stable keys."""
    report = match_trades(_own_trades(place.paths.state), read_statement(statement))
    return {
        "agrees": report.agrees,
        "matched": report.matched,
        "differing": [
            {"ours": _told(ours), "theirs": _told(theirs), "what": list(what)}
            for ours, theirs, what in report.differing
        ],
        "only_ours": [_told(trade) for trade in report.only_ours],
        "only_theirs": [_told(trade) for trade in report.only_theirs],
    }


def trades_text(body: dict[str, Any]) -> str:
    """The report for people."""
    lines = [
        f"{body['matched']:,} executions agree, {len(body['differing'])} differ, {len(body['only_ours'])} are here alone, "
        f"{len(body['only_theirs'])} in the statement alone."
    ]
    for row in body["differing"][:_SHOWN]:
        lines.append(
            f"  differs in {', '.join(row['what'])}: {_line(row['ours'])}  |  {_line(row['theirs'])}"
        )
    lines += [f"  here alone: {_line(row)}" for row in body["only_ours"][:_SHOWN]]
    lines += [f"  there alone: {_line(row)}" for row in body["only_theirs"][:_SHOWN]]
    return "\n".join(lines)


def _line(row: dict[str, Any]) -> str:
    ids = f"order {row['order'] or '-'}, execution {row['execution'] or '-'}"
    return f"{row['symbol']} {row['quantity']} at {row['price']}, {ids}"


def _told(trade: Trade) -> dict[str, Any]:
    return {
        "execution": trade.execution,
        "order": trade.order,
        "symbol": trade.symbol,
        "quantity": _plain(trade.quantity),
        "price": _plain(trade.price),
        "fee": None if trade.fee is None else _plain(trade.fee),
    }


def _plain(value: Decimal) -> str:
    """An exact number without an exponent or trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _own_trades(state: Path) -> list[Trade]:
    from tuiconsole.domain.instruments import Universe
    from tuiconsole.domain.money import MONEY_DECIMALS, from_scaled
    from tuiconsole.store.readers import executions, opened_row

    universe = Universe.of(opened_row(state).symbols)
    trades = []
    for number, symbol, quantity, price, fee, execution in executions(state):
        item = universe.instruments[universe.column(symbol)]
        size, paid = from_scaled(quantity, item.quantity_decimals), from_scaled(price, item.price_decimals)
        trades.append(Trade(execution, number, symbol, size, paid, from_scaled(fee, MONEY_DECIMALS)))
    return trades


def read_statement(path: Path) -> list[Trade]:
    """The executions of a broker's CSV statement.

    Raises
    ------
    DataError
        The file cannot be read, has no header with symbol, quantity and price, or holds what is no number.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"The statement {path} cannot be read: {error}.", "Name a CSV file.") from None
    header = {name.strip().lower(): name for name in (rows[0] if rows else {}) if name}
    columns = {
        what: next((header[name] for name in names if name in header), "") for what, names in _NAMES.items()
    }
    missing = [what for what in _NEEDED if not columns[what]]
    if missing:
        raise DataError(
            f"The statement {path.name} has no column for {', '.join(missing)}.",
            "Its first line must name the columns, e.g. execution,order,symbol,side,quantity,price,fee.",
        )
    named = [{what: (row.get(name) or "").strip() for what, name in columns.items()} for row in rows]
    return [_trade(row, line, path) for line, row in enumerate(named, 2)]


def _trade(row: dict[str, str], line: int, path: Path) -> Trade:
    try:
        quantity, price = Decimal(row["quantity"]), Decimal(row["price"])
        fee = Decimal(row["fee"]) if row["fee"] else None
    except InvalidOperation:
        raise DataError(f"Line {line} of {path.name} holds what is no number.", "Mend the line.") from None
    if row["side"].lower().startswith("s") and quantity > 0:
        quantity = -quantity
    parsed = parse_order_id(row["order"]) if row["order"] else None
    execution = row["execution"]
    number = 0 if not execution else int(execution) if execution.isdecimal() else execution_number(execution)
    return Trade(number, parsed[1] if parsed else 0, row["symbol"].upper(), quantity, price, fee)
