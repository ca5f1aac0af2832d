"""What several banks say of one-bar returns and of divisors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

STANDSTILL = 1e-20
"""Variance of one-bar log-returns below which nothing moves."""


def one_bar_return(panel: Panel) -> FloatArray:
    """The newest one-bar log-return ``[n_symbols]``; NaN where either close is missing."""
    change: FloatArray = panel.latest("log_close") - panel.ago("log_close", 1)
    return change


def above(values: FloatArray, floor: float | FloatArray) -> FloatArray:
    """``values`` with NaN written where they are at most ``floor``: a divisor that makes no infinities; in place."""
    np.copyto(values, np.nan, where=values <= floor)
    return values


def window_and(more: int) -> Any:
    """Warm-up of a feature whose first parameter is its window: that many bars and ``more``."""
    return lambda window, *_: int(window) + more
