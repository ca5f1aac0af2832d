"""What a venue answers to a batch at once: an order number is taken one time only."""

from __future__ import annotations

import operator

import numpy as np

from tuiconsole.domain.events import OrderUpdates
from tuiconsole.domain.orders import OrderBatch, OrderEvent
from tuiconsole.domain.types import CodeArray, FloatArray

_ALL_ACKNOWLEDGED: CodeArray = np.full(1024, OrderEvent.ACKNOWLEDGED, dtype=np.int8)
_ALL_ACKNOWLEDGED.flags.writeable = False


def answer(
    batch: OrderBatch, highest: int, price: FloatArray | None = None
) -> tuple[OrderUpdates, OrderBatch]:
    """The answers to a batch, and the orders of it that are taken.

    Parameters
    ----------
    highest
        The highest number taken before; one that is not above it, or not above an earlier one of the batch, is refused.
    price
        Last good prices ``[n_symbols]`` of orders that fill at once: one without a price is refused. None: they rest.
    """
    numbers = batch.number.tolist()
    rising = all(map(operator.lt, numbers, numbers[1:])) and (not numbers or numbers[0] > highest)
    if rising and price is None and len(numbers) <= len(_ALL_ACKNOWLEDGED):
        return OrderUpdates(batch.ts, batch.number, _ALL_ACKNOWLEDGED[: len(numbers)]), batch
    before = np.empty_like(batch.number)
    before[:1] = highest
    np.maximum(np.maximum.accumulate(batch.number[:-1]), highest, out=before[1:])
    fresh = batch.number > before
    text = "" if fresh.all() else "order number was used before"
    if price is not None:
        priced = price[batch.symbol] > 0.0
        if not (priced | ~fresh).all():
            text = "no good price was ever seen"
        fresh &= priced
    event = np.where(fresh, OrderEvent.ACKNOWLEDGED, OrderEvent.REJECTED).astype(np.int8)
    taken = batch if fresh.all() else batch.take(np.flatnonzero(fresh))
    return OrderUpdates(batch.ts, batch.number, event, text), taken
