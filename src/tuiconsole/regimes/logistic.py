"""The logistic function, safe for any argument."""

from __future__ import annotations

import math


def logistic(x: float) -> float:
    """``1 / (1 + exp(-x))`` without overflow.

    >>> logistic(0.0)
    0.5
    """
    if x >= 0.0:
        return 1.0 / (1.0 + math.exp(-x))
    grown = math.exp(x)
    return grown / (1.0 + grown)
