"""Returns by month and year, and over rolling windows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tuiconsole.analytics.performance import total_return
from tuiconsole.domain.types import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Year:
    """One row of the monthly table: compound returns of the twelve months (None where nothing was traded) and of the year."""

    year: int
    months: tuple[float | None, ...]
    total: float


def months(ts: IntArray) -> IntArray:
    """Months since January 1970 of bars that end at ``ts`` (ns UTC); one that ends at midnight closes its day."""
    return (ts - 1).astype("datetime64[ns]").astype("datetime64[M]").astype(np.int64)


def monthly(ts: IntArray, returns: FloatArray) -> tuple[Year, ...]:
    """The monthly table of simple returns per bar.

    >>> day = 86_400_000_000_000
    >>> monthly(np.array([day, 40 * day]), np.array([0.5, 0.25]))[0].months[:3]
    (0.5, 0.25, None)
    """
    if not len(ts):
        return ()
    key = months(ts)
    edges = np.flatnonzero(np.diff(key, prepend=key[0] - 1))
    found: dict[int, dict[int, float]] = {}
    for first, last in zip(edges.tolist(), [*edges[1:].tolist(), len(key)], strict=True):
        year, month = divmod(int(key[first]), 12)
        found.setdefault(1970 + year, {})[month] = total_return(returns[first:last])
    return tuple(
        Year(
            year,
            tuple(parts.get(month) for month in range(12)),
            math.prod(1.0 + part for part in parts.values()) - 1.0,
        )
        for year, parts in found.items()
    )


def rolling_sharpe(returns: FloatArray, window: int, bars_per_year: float) -> FloatArray:
    """Annual Sharpe ratio of the last ``window`` bars at each bar, ``[n]``; NaN before, and where nothing moved."""
    found = np.full(len(returns), np.nan)
    if len(returns) >= window >= 2:
        views = np.lib.stride_tricks.sliding_window_view(returns, window)
        deviation = views.std(axis=1, ddof=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = views.mean(axis=1) / deviation * math.sqrt(bars_per_year)
        found[window - 1 :] = np.where(deviation > 0.0, ratio, np.nan)
    return found
