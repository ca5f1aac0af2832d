"""From the prices that a decision names to the terms of its orders, exits included."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.order_terms import LARGEST, PLAIN, OrderTerms, OrderType, Terms, TimeInForce
from tuiconsole.domain.orders import OrderBatch, Purpose
from tuiconsole.domain.policy import OrderPrices
from tuiconsole.domain.types import CodeArray, FloatArray, IntArray


def with_prices(batch: OrderBatch, prices: OrderPrices, held: IntArray, universe: Universe) -> OrderBatch:
    """``batch`` with the terms that ``prices`` ask for, and after it the exits of the orders that open or add.

    A limit is put on the tick that is no worse for the trader, other prices on the nearest. What is no positive number is
    passed on as one that the gate refuses.

    Parameters
    ----------
    held
        int64 ``[n_symbols]`` signed scaled quantity held: an order against it gets no exits.
    """
    symbols, quantities = batch.symbol.tolist(), batch.quantity.tolist()
    scales, ticks = universe.price_scale.tolist(), universe.tick.tolist()

    def at(column: FloatArray | None, symbol: int, side: int) -> int:
        return _scaled(
            float("nan") if column is None else float(column[symbol]), scales[symbol], ticks[symbol], side
        )

    terms: list[Terms] = []
    exits: list[tuple[int, Terms]] = []
    for row, (symbol, quantity) in enumerate(zip(symbols, quantities, strict=True)):
        side = 1 if quantity > 0 else -1
        limit, stop = at(prices.limit, symbol, side), at(prices.stop, symbol, 0)
        terms.append(_entry(limit, stop, prices.tif))
        if quantity * int(held[symbol]) < 0:
            continue
        loss, profit = at(prices.stop_loss, symbol, 0), at(prices.take_profit, symbol, -side)
        link = -(row + 1)
        group = link if loss and profit else 0
        if loss:
            exits.append((row, Terms(OrderType.STOP, TimeInForce.GTC, stop=loss, parent=link, oco=group)))
        if profit:
            exits.append((row, Terms(OrderType.LIMIT, TimeInForce.GTC, limit=profit, parent=link, oco=group)))
    if not exits and all(one.plain for one in terms):
        return batch
    rows = np.array([*range(len(batch)), *(row for row, _ in exits)], dtype=np.int64)
    quantity = batch.quantity[rows]
    quantity[len(batch) :] *= -1
    purpose: CodeArray = batch.purpose[rows]
    purpose[len(batch) :] = Purpose.PROTECTIVE
    named = OrderTerms.of([*terms, *(one for _, one in exits)])
    return replace(batch.take(rows), quantity=quantity, purpose=purpose, terms=named)


def _entry(limit: int, stop: int, tif: int) -> Terms:
    if limit and stop:
        return Terms(OrderType.STOP_LIMIT, tif, limit=limit, stop=stop)
    if limit:
        return Terms(OrderType.LIMIT, tif, limit=limit)
    if stop:
        return Terms(OrderType.STOP, tif, stop=stop)
    return PLAIN if tif in (TimeInForce.GTC, TimeInForce.GTD) else Terms(tif=tif)


def _scaled(price: float, scale: int, tick: int, side: int) -> int:
    """A price on its tick: rounded down for a purchase (1), up for a sale (-1), to the nearest (0); 0 where it is NaN."""
    if price != price:
        return 0
    exact = price * scale / tick
    if not 0.0 < exact * tick < LARGEST:
        return -1
    whole = round(exact) if abs(exact - round(exact)) < 1e-6 or not side else exact // 1 + (side < 0)
    return int(max(whole, 1)) * tick
