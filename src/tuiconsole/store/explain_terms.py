"""The terms of an order and what became of them: triggers and replacements, read from the journal's own rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

import numpy as np

from tuiconsole.domain import ids
from tuiconsole.domain.clock import iso
from tuiconsole.domain.codec import decode_record
from tuiconsole.domain.instruments import Instrument
from tuiconsole.domain.money import to_float
from tuiconsole.domain.order_terms import OrderTerms, Terms, TimeInForce
from tuiconsole.domain.order_words import described, kind_word
from tuiconsole.domain.orders import OrderEvent
from tuiconsole.domain.records import ReplaceAsked, Termed
from tuiconsole.store.archive import row_at

_LOOK_AHEAD = 3
"""Rows after a decision among which its terms lie."""


def terms_of(connection: sqlite3.Connection, row: int, seq: int, item: int) -> Terms:
    """The terms with which the order at place ``item`` of the decision in journal row ``row`` was wanted."""
    for after in range(row + 1, row + 1 + _LOOK_AHEAD):
        found = row_at(connection, after)
        record = decode_record(found[0]) if found else None
        if isinstance(record, Termed) and record.seq == seq:
            columns: list[Any] = [getattr(record, name) for name in Termed.__struct_fields__[3:]]
            columns.append(np.zeros_like(record.number))
            return OrderTerms(*columns).at(item)
    return Terms()


def terms_told(terms: Terms, instrument: Instrument) -> dict[str, Any]:
    """Terms as ``why`` tells them; null where the order has none of it."""
    prices = {
        name: to_float(value, instrument.price_decimals) if value else None
        for name, value in (("limit", terms.limit), ("stop", terms.stop))
    }
    return {
        "type": kind_word(terms),
        "time_in_force": TimeInForce(terms.tif).name.lower(),
        **prices,
        "parent": terms.parent or None,
        "group": terms.oco or None,
        "text": described(terms, instrument.price_decimals, instrument.quantity_decimals)
        or "market, for the day",
    }


def replaces_of(
    connection: sqlite3.Connection, desk: str, number: int, instrument: Instrument
) -> list[dict[str, Any]]:
    """The changes of order ``number`` that were asked of the broker, oldest first, each with what became of it."""
    rows = connection.execute(
        "SELECT row, event FROM updates WHERE number = ? ORDER BY row, item", (number,)
    ).fetchall()
    answers = (OrderEvent.REPLACED, OrderEvent.REPLACE_REJECTED)
    told: list[dict[str, Any]] = []
    for place, (row, event) in enumerate(rows):
        if event != OrderEvent.REPLACE_SENT:
            continue
        found = row_at(connection, row - 1)
        asked = decode_record(found[0]) if found else None
        if not isinstance(asked, ReplaceAsked):
            continue
        answer = next((one for _, one in rows[place + 1 :] if one in answers), None)
        told.append(
            {
                "journal_row": row - 1,
                "ts": asked.ts,
                "time": iso(asked.ts),
                "id": ids.client_order_id(desk, number, asked.revision),
                "quantity": to_float(asked.quantity, instrument.quantity_decimals),
                "limit": to_float(asked.limit, instrument.price_decimals) if asked.limit else None,
                "stop": to_float(asked.stop, instrument.price_decimals) if asked.stop else None,
                "reason": asked.text,
                "outcome": "no answer"
                if answer is None
                else OrderEvent(answer).name.lower().replace("_", " "),
            }
        )
    return told


def terms_lines(chain: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Lines of ``why`` for people: name and text."""
    lines = (
        [] if chain["terms"]["text"] == "market, for the day" else [("terms", str(chain["terms"]["text"]))]
    )
    for one in chain["replaces"]:
        prices = "".join(f", {name} {one[name]:,g}" for name in ("limit", "stop") if one[name] is not None)
        lines.append(
            (
                "replace",
                f"{one['time']} to {one['quantity']:+,g}{prices} as {one['id']}: {one['outcome']} ({one['reason']})",
            )
        )
    return lines
