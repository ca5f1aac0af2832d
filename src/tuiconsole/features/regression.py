"""The straight line through the last logarithms of the close."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.features.compiled import Windows
from tuiconsole.features.compiled_levels import (
    ANCHOR,
    LEVEL,
    NOW,
    SQUARE,
    TIME,
    TIME_LEVEL,
    TIME_SQUARE,
    LevelBank,
    move_anchor,
    push_level,
)
from tuiconsole.features.contract import Feature

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_STANDSTILL = 1e-16
"""Variance of log closes below which the price stands still."""


def _advance(
    inputs: tuple[FloatArray, ...],
    windows: Windows,
    count: int,
    plan: IntArray,
    scale: float,
    extra: FloatArray,
    out: FloatArray,
) -> None:
    closes, (_, _, sums, observed, _, _) = inputs[0], windows
    for t in range(len(out)):
        push_level(closes[t], windows, count + t, extra)
        for k in range(len(plan)):
            family, w = plan[k, 0], plan[k, 1]
            if family < 3:
                _of_slopes(family, sums[w], observed[0, w], scale, out[t, k])
            else:
                _of_residuals(family, closes[t], sums[w], observed[0, w], extra, out[t, k])


def _of_slopes(family: int, sums: FloatArray, counts: FloatArray, scale: float, out: FloatArray) -> None:
    level, square, times, times_level, times_square = (
        sums[LEVEL],
        sums[SQUARE],
        sums[TIME],
        sums[TIME_LEVEL],
        sums[TIME_SQUARE],
    )
    for s in range(len(out)):
        count = counts[s]
        mean_time, mean = times[s] / count, level[s] / count
        time, total = times_square[s] - mean_time * times[s], square[s] - mean * level[s]
        still = total <= _STANDSTILL * count
        both = 0.0 if still else times_level[s] - mean_time * level[s]
        slope = both / time
        r2 = slope * both / (np.nan if still else total)
        out[s] = slope * scale if family == 0 else (r2 if family == 1 else slope * r2 * scale)


def _of_residuals(
    family: int, close: FloatArray, sums: FloatArray, counts: FloatArray, extra: FloatArray, out: FloatArray
) -> None:
    level, square, times, times_level, times_square = (
        sums[LEVEL],
        sums[SQUARE],
        sums[TIME],
        sums[TIME_LEVEL],
        sums[TIME_SQUARE],
    )
    anchor, clock = extra[ANCHOR], extra[NOW]
    for s in range(len(out)):
        count = counts[s]
        mean_time, mean = times[s] / count, level[s] / count
        time, total = times_square[s] - mean_time * times[s], square[s] - mean * level[s]
        still = total <= _STANDSTILL * count
        both = 0.0 if still else times_level[s] - mean_time * level[s]
        slope = both / time
        residual = ((np.nan if still else total) - slope * both) / (count - 2.0)
        deviation = np.sqrt(residual if residual > _STANDSTILL else np.nan)
        newest = close[s] - anchor[s] - mean - slope * (clock[s] - mean_time)
        out[s] = newest / deviation if family == 3 else slope * np.sqrt(time) / deviation


class RegressionBank(LevelBank):
    """Ordinary least squares of the log close on time, in bars, over the observations of each window."""

    families: ClassVar[Mapping[str, tuple[int, ...]]] = dict.fromkeys(
        ("regression_slope", "regression_r2", "regression_momentum", "regression_zscore", "regression_tstat"),
        tuple(range(6)),
    )
    kernel = staticmethod(_advance)
    parts = (push_level, move_anchor, _of_slopes, _of_residuals)

    def inputs(self, panel: Panel, bars: int) -> tuple[FloatArray, ...]:
        """Log closes."""
        return (panel.stretch("log_close", bars),)


_WINDOWS = ((10,), (20,), (60,), (120,), (252,))


def _line(family: str, formula: str, unit: str, source: str, listed: tuple[tuple[int, ...], ...]) -> Feature:
    return Feature(
        family=family,
        parameters=("window",),
        minimum=(5,),
        formula=formula,
        unit=unit,
        source=source,
        needs=("close",),
        window_bars=int,
        bank=RegressionBank,
        example=(20,),
        listed=listed,
    )


_GREENE = "Greene (2018), Econometric Analysis, ch. 3 and 4"

FEATURES = (
    _line(
        "regression_slope",
        "bars per year times the least-squares slope of ln C on time over the window",
        "log-return per year",
        "TA-Lib LINEARREG_SLOPE of ln C; Murphy (1999), Technical Analysis of the Financial Markets, ch. 9",
        _WINDOWS,
    ),
    _line(
        "regression_r2",
        "share of the variance of ln C that the line explains; NaN where the price stood still",
        "0 to 1",
        _GREENE,
        _WINDOWS,
    ),
    _line(
        "regression_momentum",
        "regression_slope times regression_r2; NaN where the price stood still",
        "log-return per year",
        "Clenow (2015), Stocks on the Move, ch. 6",
        ((60,), (120,), (252,)),
    ),
    _line(
        "regression_zscore",
        "(ln C[t] - line at t) / standard error of the regression (n - 2); NaN where the price stood still or kept to its line",
        "standard errors",
        _GREENE,
        _WINDOWS,
    ),
    _line(
        "regression_tstat",
        "slope over its standard error; NaN where the price stood still or kept to its line",
        "standard errors",
        _GREENE,
        _WINDOWS,
    ),
)
