"""Tables of ``state.db`` and the migrations that make them; a migration and its record commit together."""

from __future__ import annotations

import sqlite3
from functools import cache
from typing import TYPE_CHECKING, Any

from tuiconsole.domain.costs import COST_NAMES

if TYPE_CHECKING:
    from sqlite_utils import Database, Migrations

APPLICATION_ID = 0x54554943
"""``TUIC`` in SQLite's header: tells our file from any other database."""

SCHEMA_VERSION = 2
"""Kept in SQLite's ``user_version``; a file with a greater one was written by a newer program."""

COST_COLUMNS = tuple(f"cost_{name}" for name in COST_NAMES)
"""Columns of a cost breakdown, in the order of :class:`~tuiconsole.domain.costs.CostPart`; money units."""

CORE_TABLES: dict[str, dict[str, Any]] = {
    "meta": {"name": str, "value": str},
    "journal": {"seq": int, "payload": bytes, "hash": bytes, "wall_ns": int},
    "head": {"id": int, "rows": int, "hash": bytes, "signature": bytes},
    "checkpoints": {"seq": int, "head": bytes, "state": bytes, "sha256": bytes, "wall_ns": int},
}
"""What cannot be derived: binding, rows, signed head, checkpoints. ``wall_ns`` is never hashed."""

PROJECTION_TABLES: dict[str, dict[str, Any]] = {
    "decisions": {
        "row": int,
        "seq": int,
        "bar_seq": int,
        "ts": int,
        "approved": int,
        "refused": int,
    },
    "orders": {
        "number": int,
        "row": int,
        "item": int,
        "decision": int,
        "ts": int,
        "symbol": str,
        "quantity": int,
        "reference_price": int,
        "purpose": int,
        "state": int,
        "filled": int,
        "fee": int,
        **dict.fromkeys(COST_COLUMNS, int),
        "realised": int,
        "forced": int,
        "changed_ts": int,
    },
    "refusals": {
        "row": int,
        "item": int,
        "decision": int,
        "ts": int,
        "symbol": str,
        "quantity": int,
        "reference_price": int,
        "purpose": int,
        "rule": int,
        "value": float,
        "limit_value": float,
    },
    "updates": {"row": int, "item": int, "ts": int, "number": int, "event": int, "state": int, "text": str},
    "fills": {
        "row": int,
        "item": int,
        "ts": int,
        "number": int,
        "symbol": str,
        "quantity": int,
        "price": int,
        "fee": int,
        **dict.fromkeys(COST_COLUMNS, int),
        "execution": int,
        "realised": int,
        "state": int,
        "forced": int,
    },
    "charges": {"row": int, "item": int, "ts": int, "symbol": str, "amount": int, "days": int},
    "positions": {
        "symbol": str,
        "quantity": int,
        "realised": int,
        "fees": int,
        "fills": int,
        "changed_ts": int,
    },
    "equity": {
        "row": int,
        "seq": int,
        "ts": int,
        "equity": int,
        "cash": int,
        "realised": int,
        "fees": int,
        "level": int,
    },
    "agents": {"name": str, "enabled": int, "ts": int, "text": str},
    "alerts": {
        "row": int,
        "ts": int,
        "number": int,
        "severity": int,
        "code": str,
        "text": str,
        "acknowledged": int,
    },
    "levels": {
        "row": int,
        "ts": int,
        "level": int,
        "before": int,
        "cause": str,
        "value": str,
        "limit_value": str,
        "text": str,
    },
    "commands": {
        "row": int,
        "ts": int,
        "kind": int,
        "id": str,
        "argument": str,
        "reason": str,
        "source": str,
        "accepted": int,
        "text": str,
    },
}
"""Derived from the journal by :mod:`tuiconsole.store.projections`; can be dropped and rebuilt.

Prices and quantities are in the instrument's scaled units, ``fee``, the costs, ``amount``, ``realised``,
``equity``, ``cash`` in money units (``10**-8`` of the currency). ``row`` is the journal row,
``item`` the place in it.
"""

PRIMARY_KEYS: dict[str, tuple[str, ...]] = {
    "meta": ("name",),
    "journal": ("seq",),
    "head": ("id",),
    "checkpoints": ("seq",),
    "decisions": ("row",),
    "orders": ("number",),
    "refusals": ("row", "item"),
    "updates": ("row", "item"),
    "fills": ("row", "item"),
    "charges": ("row", "item"),
    "positions": ("symbol",),
    "equity": ("row",),
    "agents": ("name",),
    "alerts": ("row",),
    "levels": ("row",),
    "commands": ("row",),
}

_INDEXES = (
    ("decisions", "seq"),
    ("updates", "number"),
    ("fills", "number"),
    ("equity", "seq"),
    ("alerts", "number"),
)
_NULLABLE = {"refusals": {"value", "limit_value"}}


def _create(database: Database, name: str, columns: dict[str, Any]) -> None:
    keys = PRIMARY_KEYS[name]
    required = set(columns) - _NULLABLE.get(name, set())
    database.create_table(
        name, columns, pk=keys[0] if len(keys) == 1 else keys, not_null=required - set(keys), strict=True
    )


def _first(database: Database) -> None:
    for name, columns in (CORE_TABLES | PROJECTION_TABLES).items():
        _create(database, name, columns)
    for name, column in _INDEXES:
        database.table(name).create_index([column])
    database.execute(f"PRAGMA application_id={APPLICATION_ID}")
    database.execute(f"PRAGMA user_version={SCHEMA_VERSION}")


@cache
def _migrations() -> Migrations:
    from sqlite_utils import Migrations

    migrations = Migrations("tuiconsole")
    migrations(name="0001_journal_and_projections")(_first)
    return migrations


def migrate(connection: sqlite3.Connection) -> None:
    """Bring ``connection``'s tables to :data:`SCHEMA_VERSION`; does nothing when they are there."""
    if connection.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION:
        return
    from sqlite_utils import Database

    database = Database(connection, recursive_triggers=False, execute_plugins=False)
    _migrations().apply(database)
