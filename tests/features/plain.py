"""Window statistics written out plainly: one window of one symbol at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.features.drive import Series, random_walk
from tuiconsole.domain.rng import generator

BARS = 220


def thinned(share: float = 0.04) -> Series:
    """A walk with gaps, bars without trades, bars without range, and closes that do not move."""
    series = random_walk(BARS)
    rng = generator(12, "plain")
    still = np.flatnonzero(rng.random(BARS) < 0.05)
    still = still[still > 0]
    series.close[still] = series.close[still - 1]
    np.maximum(series.high, series.close, out=series.high)
    np.minimum(series.low, series.close, out=series.low)
    flat = rng.random(BARS) < 0.03
    for field in (series.open, series.high, series.low):
        field[flat] = series.close[flat]
    series.shares[rng.random((BARS, 5)) < 0.04] = 0.0
    return series.without(rng.random((BARS, 5)) < share)


def before(values: np.ndarray, bars: int = 1) -> np.ndarray:
    """``values`` of ``bars`` bars ago; NaN at the start."""
    out = np.full(values.shape, np.nan)
    out[bars:] = values[:-bars]
    return out


def last_seen(values: np.ndarray) -> np.ndarray:
    """The last value before each bar that is not missing."""
    out = np.full(values.shape, np.nan)
    for row in range(1, len(values)):
        out[row] = np.where(np.isnan(values[row - 1]), out[row - 1], values[row - 1])
    return out


def over_windows(
    present: np.ndarray, window: int, statistic: Callable[[np.ndarray, int], float], start: int = 0
) -> np.ndarray:
    """``statistic(rows, symbol)`` of the present rows of every window that speaks.

    A window speaks when it lies after ``start``, its newest bar is present, and so are 80 % of its bars.
    """
    out = np.full(present.shape, np.nan)
    for row in range(start + window - 1, len(present)):
        for symbol in range(present.shape[1]):
            rows = np.flatnonzero(present[row - window + 1 : row + 1, symbol]) + row - window + 1
            if len(rows) >= np.ceil(0.8 * window) and rows[-1] == row:
                out[row, symbol] = statistic(rows, symbol)
    return out


def seeded(values: np.ndarray, period: int, weight: float) -> np.ndarray:
    """Exponential averages of the values that are there, from the mean of the first ``period`` of them."""
    out = np.full(values.shape, np.nan)
    for symbol in range(values.shape[1]):
        rows = np.flatnonzero(~np.isnan(values[:, symbol]))
        if len(rows) < period:
            continue
        average = values[rows[:period], symbol].mean()
        out[rows[period - 1], symbol] = average
        for row in rows[period:]:
            average += weight * (values[row, symbol] - average)
            out[row, symbol] = average
    return out
