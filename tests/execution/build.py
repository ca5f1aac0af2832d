"""Short ways to write batches, fills, reports and bars in the tests of this room."""

import numpy as np

from tuiconsole.domain.costs import CostPart
from tuiconsole.domain.events import Fills, OrderUpdates
from tuiconsole.domain.market import Bars, Quality, ScreenedBars
from tuiconsole.domain.orders import OrderBatch, Purpose
from tuiconsole.risk.approved import ApprovedOrders, _approve

POINT = 1_000_000
"""Scaled price units of one dollar."""


def ints(*values):
    return np.array(values, dtype=np.int64)


def batch(first, orders, purpose=Purpose.POLICY, ts=1, price=100 * POINT):
    """Orders ``(symbol, quantity)`` numbered from ``first``."""
    n = len(orders)
    return OrderBatch(
        batch=first,
        ts=ts,
        number=np.arange(first, first + n, dtype=np.int64),
        symbol=ints(*(symbol for symbol, _ in orders)),
        quantity=ints(*(quantity for _, quantity in orders)),
        reference_price=np.full(n, price, dtype=np.int64),
        purpose=np.full(n, purpose, dtype=np.int8),
    )


def approved(orders: OrderBatch) -> ApprovedOrders:
    """What the gate would hand out for ``orders`` under their own numbers."""
    return _approve(orders, orders.number)


def updates(*rows, ts=1):
    """Reports ``(number, event)``."""
    return OrderUpdates(
        ts, ints(*(number for number, _ in rows)), np.array([e for _, e in rows], dtype=np.int8)
    )


def fills(*rows, ts=1, price=100 * POINT, fee=50, forced=False):
    """Executions ``(execution, number, symbol, quantity)``."""
    n = len(rows)
    execution, number, symbol, quantity = (ints(*(row[i] for row in rows)) for i in range(4))
    money = np.full(n, fee, dtype=np.int64)
    prices = np.full(n, price, dtype=np.int64)
    costs = np.zeros((len(CostPart), n), dtype=np.int64)
    return Fills(ts, number, symbol, quantity, prices, money, costs, execution, forced)


def closes(ts, price, quality=None):
    """Screened close-only bars."""
    price = np.asarray(price, dtype=np.float64)
    verdict = np.zeros(len(price), dtype=np.int8) if quality is None else np.asarray(quality, dtype=np.int8)
    return ScreenedBars(Bars.close_only(ts, ts, price), price, verdict)


def ranged(ts, opened, high, low, close, volume, quality=None):
    """Screened bars with ranges and volume."""
    columns = [np.asarray(x, dtype=np.float64) for x in (opened, high, low, close, volume)]
    verdict = (
        np.zeros(len(columns[0]), dtype=np.int8) if quality is None else np.asarray(quality, dtype=np.int8)
    )
    return ScreenedBars(Bars(ts, ts, *columns), columns[3], verdict)


BAD = int(Quality.JUMP)
