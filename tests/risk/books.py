"""Books and batches for the tests of this room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tuiconsole.domain.events import DeskLevel
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.money import MONEY_SCALE
from tuiconsole.domain.orders import OrderBatch, Purpose
from tuiconsole.risk.verdict import Book

UNIVERSE = Universe.of([f"S{i}" for i in range(8)])
NOW = 1_200_000_000 * 10**9
PRICE = 10_000_000  # 10.00 USD
EQUITY = 100_000 * MONEY_SCALE


def make_batch(
    orders: Sequence[tuple[int, int]],
    *,
    price: int | Sequence[int] = PRICE,
    purpose: int = Purpose.POLICY,
    ts: int = NOW,
) -> OrderBatch:
    """Orders of ``(column, quantity)``."""
    table = np.array(orders, dtype=np.int64).reshape(-1, 2)
    k = len(table)
    reference = np.empty(k, dtype=np.int64)
    reference[:] = price
    return OrderBatch(
        1,
        ts,
        np.zeros(k, dtype=np.int64),
        table[:, 0].copy(),
        table[:, 1].copy(),
        reference,
        np.full(k, purpose, dtype=np.int8),
    )


def make_book(universe: Universe = UNIVERSE, **changes: Any) -> Book:
    """A running, empty book of 100,000 USD with every price at 10.00 USD; mappings set single columns."""
    n = len(universe)
    columns: dict[str, Any] = {
        "price_scaled": np.full(n, PRICE, dtype=np.int64),
        "tradable": np.ones(n, dtype=np.bool_),
        "position": np.zeros(n, dtype=np.int64),
        "pending": np.zeros(n, dtype=np.int64),
    }
    for name, column in columns.items():
        for index, value in changes.pop(name, {}).items():
            column[index] = value
    equity = changes.get("equity", EQUITY)
    figures = {
        "level": DeskLevel.RUNNING,
        "ts": NOW,
        "cash": equity,
        "equity": equity,
        "session_start_equity": equity,
        "month_peak_equity": equity,
        "peak_equity": equity,
    }
    return Book(**{**columns, **figures, **changes})
