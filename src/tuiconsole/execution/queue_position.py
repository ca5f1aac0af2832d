"""How much stands before a resting order: trades at its price take it away from the front, cancels from an unknown place.

A book of levels does not tell whose order was cancelled. Three answers: ``fifo`` takes every cancel to have come from behind,
until the level is smaller than what stood before the order: the answer that fills least. ``power`` and ``log`` say that a
cancel came from behind with probability ``f(behind) / (f(behind) + f(front))``, ``f(x) = x**n`` or ``ln(1 + x)``.

References
----------
Rigtorp, "Estimating order queue position" (2013), rigtorp.se; the probability models are those of the hftbacktest package,
"Order fill", queue models ``PowerProbQueueFunc`` and ``LogProbQueueFunc``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

QueueName = Literal["fifo", "power", "log"]
QueueModel = Callable[[float, int, int, int], float]
"""``(front, before, now, traded)`` to the new front, see :func:`fifo_front`."""


def fifo_front(front: float, before: int, now: int, traded: int) -> float:
    """What stands before the order after its level changed, when cancels come from behind as far as they can.

    Parameters
    ----------
    front
        Quantity before the order, trades since the last change already taken off.
    before, now
        Size of the level before and after the change.
    traded
        Traded at this price since the last change: part of the fall that is no cancel. Here it makes no difference.

    Examples
    --------
    >>> fifo_front(60, 100, 80, 0), fifo_front(90, 100, 50, 5)
    (60, 50)
    """
    del before, traded
    return min(front, now)


def estimated_front(
    front: float, before: int, now: int, traded: int, weight: Callable[[float], float]
) -> float:
    """What a probability model estimates; arguments as in :func:`fifo_front`. It may be negative: see :func:`probable_front`.

    A level that grew, or shrank by trades alone, leaves the order where it is.
    """
    cancelled = before - now - traded
    if cancelled <= 0:
        return min(front, now)
    behind = before - front
    total = weight(behind) + weight(front)
    from_behind = weight(behind) / total if total > 0.0 else 1.0
    found = front - (1.0 - from_behind) * cancelled + min(behind - from_behind * cancelled, 0.0)
    return min(found, now)


def probable_front(weight: Callable[[float], float]) -> QueueModel:
    """The model with this weight function.

    Its answer is never below 0: a cancel of others brings an order to the front, it never fills it.
    """

    def front_after(front: float, before: int, now: int, traded: int) -> float:
        return max(0.0, estimated_front(front, before, now, traded, weight))

    return front_after


def power_weight(exponent: float) -> Callable[[float], float]:
    """``f(x) = x**exponent`` of a non-negative quantity."""
    return lambda quantity: max(quantity, 0.0) ** exponent


def log_weight(quantity: float) -> float:
    """``f(x) = ln(1 + x)`` of a non-negative quantity."""
    return math.log1p(max(quantity, 0.0))


def queue_model(name: QueueName, exponent: float, unit: float = 1.0) -> QueueModel:
    """The model of this name.

    Parameters
    ----------
    exponent
        Of ``power``.
    unit
        Scaled quantity of one share or coin: ``log`` depends on the unit, and is taken in shares or coins.
    """
    if name == "fifo":
        return fifo_front
    if name == "power":
        return probable_front(power_weight(exponent))
    return probable_front(lambda quantity: log_weight(quantity / unit))
