"""The executions of orders that were filled whole by one fill at the next bar, all at once: most orders of most backtests.

The same figures as :func:`~tuiconsole.analytics.shortfall.shortfall` of each, in arrays. Whatever is not that plain is left
to the way that takes orders one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tuiconsole.analytics.shortfall import EFFECTS
from tuiconsole.domain.costs import CostPart
from tuiconsole.domain.orders import Purpose
from tuiconsole.domain.records import Filled
from tuiconsole.domain.types import BoolArray, CodeArray, FloatArray, IntArray
from tuiconsole.engine.order_rows import DecidedOrders
from tuiconsole.market.tape import Tape

_SAFE = float(2**62)
_IN_PRICE = slice(int(CostPart.SPREAD), int(CostPart.BORROW))


class WholeFills(NamedTuple):
    """Columns ``[n]``: the orders and their figures.

    Attributes
    ----------
    order, ts, symbol, quantity, reference
        int64, as they were decided.
    price
        int64 scaled fill price.
    effects
        int64 money ``[len(EFFECTS), n]``.
    arrival, vwap, close
        float64 benchmark prices in currency units; the TWAP of one bar is its close.
    """

    order: IntArray
    ts: IntArray
    symbol: IntArray
    quantity: IntArray
    reference: IntArray
    price: IntArray
    effects: IntArray
    arrival: FloatArray
    vwap: FloatArray
    close: FloatArray


class _Columns(NamedTuple):
    """Orders ``[n]`` joined with the one fill of each that has one; ``fill`` is its place, -1 where there is none."""

    number: IntArray
    bar: IntArray
    ts: IntArray
    symbol: IntArray
    quantity: IntArray
    reference: IntArray
    purpose: CodeArray
    fill: IntArray


def whole_fills(decided: Sequence[DecidedOrders], filled: Sequence[Filled], tape: Tape) -> WholeFills | None:
    """The orders of ``decided`` that are that plain; None when there are none."""
    if not decided or not filled:
        return None
    price, size, fee = (
        np.concatenate([getattr(r, name) for r in filled]) for name in ("price", "quantity", "fee")
    )
    costs = np.concatenate([record.costs for record in filled], axis=1)
    bars = np.searchsorted(tape.ts, np.array([record.ts for record in filled]))
    bar = np.repeat(bars, [len(record.number) for record in filled])
    orders = _joined(decided, np.concatenate([record.number for record in filled]))
    known = np.flatnonzero(orders.fill >= 0)
    at = orders.fill[known]
    plain = (size[at] == orders.quantity[known]) & (bar[at] == orders.bar[known] + 1)
    plain &= orders.purpose[known] != Purpose.PROTECTIVE
    plain &= _computable(orders, known, price[at], tape)
    rows, at = known[plain], at[plain]
    if not len(rows):
        return None
    symbol, quantity, reference = (c[rows] for c in (orders.symbol, orders.quantity, orders.reference))
    items = tape.universe.instruments
    factor = np.array(
        [item.multiplier * 10 ** max(item.money_exponent, 0) for item in items], dtype=np.int64
    )[symbol]
    lost = costs[_IN_PRICE, at]
    spread, permanent = costs[CostPart.SPREAD, at], costs[CostPart.PERMANENT, at]
    base = price[at] * quantity * factor - lost.sum(axis=0)
    nothing = np.zeros(len(rows), dtype=np.int64)
    parts = {
        "delay": base - reference * quantity * factor,
        "spread": spread,
        "temporary": lost.sum(axis=0) - spread - permanent,
        "permanent": permanent,
        "fees": fee[at],
    }
    met = bar[at]
    close = tape.close[met, symbol]
    return WholeFills(
        order=orders.number[rows],
        ts=orders.ts[rows],
        symbol=symbol,
        quantity=quantity,
        reference=reference,
        price=price[at],
        effects=np.array([parts.get(name, nothing) for name in EFFECTS]),
        arrival=base / (quantity * factor) / tape.universe.price_scale[symbol],
        vwap=_typical(tape, met, symbol, close),
        close=close,
    )


def _joined(decided: Sequence[DecidedOrders], fill_number: IntArray) -> _Columns:
    """The approved orders, and the place of the only fill of each."""
    counts = [len(row.number) for row in decided]
    number, symbol, quantity, reference, purpose = (
        np.concatenate([getattr(row, name) for row in decided])
        for name in ("number", "symbol", "quantity", "reference_price", "purpose")
    )
    bar, ts = (
        np.repeat(np.array([getattr(r, name) for r in decided], dtype=np.int64), counts)
        for name in ("bar", "ts")
    )
    sent = np.flatnonzero(number)
    numbers, first, often = np.unique(fill_number, return_index=True, return_counts=True)
    place = np.minimum(np.searchsorted(numbers, number[sent]), max(len(numbers) - 1, 0))
    single = (numbers[place] == number[sent]) & (often[place] == 1)
    fill = np.where(single, first[place], -1)
    return _Columns(
        number[sent], bar[sent], ts[sent], symbol[sent], quantity[sent], reference[sent], purpose[sent], fill
    )


def _computable(orders: _Columns, rows: IntArray, price: IntArray, tape: Tape) -> BoolArray:
    """Whether the money of each order is a whole product within int64."""
    items = tape.universe.instruments
    exact = np.array([item.money_exponent >= 0 for item in items])[orders.symbol[rows]]
    factor = np.array([item.multiplier * 10.0 ** max(item.money_exponent, 0) for item in items])[
        orders.symbol[rows]
    ]
    largest = (
        np.maximum(price, orders.reference[rows]) * np.abs(orders.quantity[rows].astype(np.float64)) * factor
    )
    return np.asarray(exact & (largest < _SAFE))


def _typical(tape: Tape, bar: IntArray, symbol: IntArray, close: FloatArray) -> FloatArray:
    """VWAP of one bar: its typical price; NaN where no volume is known."""
    if tape.volume is None:
        return np.full(len(bar), np.nan)
    price = close
    if tape.high is not None and tape.low is not None:
        high, low = tape.high[bar, symbol], tape.low[bar, symbol]
        price = np.where(np.isfinite(high) & np.isfinite(low), (high + low + close) / 3.0, close)
    return np.where(tape.volume[bar, symbol] > 0.0, price, np.nan)
