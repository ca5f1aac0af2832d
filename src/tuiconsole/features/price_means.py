"""The close against its simple and weighted means, and its place between Bollinger's bands."""

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
    LevelBank,
    move_anchor,
    push_level,
)
from tuiconsole.features.contract import Feature

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_STANDSTILL = 1e-16
"""Variance over the squared price below which the price stands still: moves of a 10^-8 part of it."""


def _advance(
    inputs: tuple[FloatArray, ...],
    windows: Windows,
    count: int,
    plan: IntArray,
    scale: float,
    extra: FloatArray,
    out: FloatArray,
) -> None:
    closes, (_, _, sums, observed, lengths, _) = inputs[0], windows
    for t in range(len(out)):
        push_level(closes[t], windows, count + t, extra)
        now = extra[NOW, 0]
        for k in range(len(plan)):
            family, w, slow = plan[k]
            if family == 1:
                _ratio(sums[w], observed[0, w], sums[slow], observed[0, slow], extra[ANCHOR], out[t, k])
            elif family < 4:
                oldest = now - lengths[w]
                _of_means(family, closes[t], sums[w], observed[0, w], extra[ANCHOR], oldest, out[t, k])
            else:
                _of_bands(family, closes[t], sums[w], observed[0, w], extra[ANCHOR], out[t, k])


def _ratio(
    fast: FloatArray,
    fast_count: FloatArray,
    slow: FloatArray,
    slow_count: FloatArray,
    anchor: FloatArray,
    out: FloatArray,
) -> None:
    over, under = fast[LEVEL], slow[LEVEL]
    for s in range(len(out)):
        out[s] = (over[s] / fast_count[s] + anchor[s]) / (under[s] / slow_count[s] + anchor[s]) - 1.0


def _of_means(
    family: int,
    close: FloatArray,
    sums: FloatArray,
    count: FloatArray,
    anchor: FloatArray,
    oldest: float,
    out: FloatArray,
) -> None:
    level, time, both = sums[LEVEL], sums[TIME], sums[TIME_LEVEL]
    if family == 0:
        for s in range(len(out)):
            out[s] = close[s] / (level[s] / count[s] + anchor[s]) - 1.0
    else:
        for s in range(len(out)):  # weights fall in a line, to 1 at the oldest bar
            weight = time[s] - oldest * count[s]
            out[s] = (both[s] - oldest * level[s]) / weight + anchor[s]
        if family == 3:
            for s in range(len(out)):
                out[s] = close[s] / out[s] - 1.0


def _of_bands(
    family: int, close: FloatArray, sums: FloatArray, count: FloatArray, anchor: FloatArray, out: FloatArray
) -> None:
    level, square = sums[LEVEL], sums[SQUARE]
    for s in range(len(out)):
        distance = level[s] / count[s]
        variance = square[s] / count[s] - distance * distance
        variance = 0.0 if variance <= _STANDSTILL * anchor[s] * anchor[s] else variance
        deviation, mean = np.sqrt(variance), distance + anchor[s]
        if family == 4:
            out[s] = 0.25 * (close[s] - mean) / (deviation if deviation > 0.0 else np.nan) + 0.5
        else:
            out[s] = 4.0 * deviation / mean


class PriceMeansBank(LevelBank):
    """Simple and linearly weighted means of the close and its population deviation."""

    families: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "sma_distance": (LEVEL,),
        "sma_ratio": (LEVEL,),
        "wma": (LEVEL, TIME, TIME_LEVEL),
        "wma_distance": (LEVEL, TIME, TIME_LEVEL),
        "bollinger_b": (LEVEL, SQUARE),
        "bollinger_width": (LEVEL, SQUARE),
    }
    kernel = staticmethod(_advance)
    parts = (push_level, move_anchor, _ratio, _of_means, _of_bands)

    def inputs(self, panel: Panel, bars: int) -> tuple[FloatArray, ...]:
        """Closes."""
        return (panel.stretch("close", bars),)


def _window(*windows: int) -> int:
    return max(windows)


_CLOSE = ("close",)
_BOLLINGER = "Bollinger (2001), Bollinger on Bollinger Bands, ch. 8; bands of TA-Lib BBANDS"
_BANDS = ((10,), (20,), (50,))

FEATURES = (
    Feature(
        family="sma_distance",
        parameters=("window",),
        minimum=(2,),
        formula="C[t] / SMA(window) - 1",
        unit="fraction",
        source="Brock, Lakonishok, LeBaron (1992), Journal of Finance 47(5); TA-Lib SMA",
        needs=_CLOSE,
        window_bars=_window,
        bank=PriceMeansBank,
        example=(20,),
        listed=((5,), (10,), (20,), (50,), (100,), (200,)),
    ),
    Feature(
        family="sma_ratio",
        parameters=("fast", "slow"),
        minimum=(1, 2),
        formula="SMA(fast) / SMA(slow) - 1",
        unit="fraction",
        source="Brock, Lakonishok, LeBaron (1992), Journal of Finance 47(5); TA-Lib SMA",
        needs=_CLOSE,
        window_bars=_window,
        bank=PriceMeansBank,
        example=(10, 50),
        listed=((5, 20), (10, 50), (20, 100), (50, 200)),
    ),
    Feature(
        family="wma",
        parameters=("window",),
        minimum=(2,),
        formula="sum of w C / sum of w over the window; w falls from window (newest bar) to 1 (oldest)",
        unit="currency",
        source="Murphy (1999), Technical Analysis of the Financial Markets, ch. 9; TA-Lib WMA",
        needs=_CLOSE,
        window_bars=_window,
        bank=PriceMeansBank,
        example=(20,),
        listed=((20,),),
    ),
    Feature(
        family="wma_distance",
        parameters=("window",),
        minimum=(2,),
        formula="C[t] / wma(window) - 1",
        unit="fraction",
        source="Murphy (1999), Technical Analysis of the Financial Markets, ch. 9; TA-Lib WMA",
        needs=_CLOSE,
        window_bars=_window,
        bank=PriceMeansBank,
        example=(20,),
        listed=((10,), (20,), (50,)),
    ),
    Feature(
        family="bollinger_b",
        parameters=("window",),
        minimum=(2,),
        formula="(C[t] - lower) / (upper - lower), bands at SMA ± 2 rolling_std; NaN where the price stood still",
        unit="0 (lower band) to 1 (upper band), beyond outside",
        source=_BOLLINGER,
        needs=_CLOSE,
        window_bars=_window,
        bank=PriceMeansBank,
        example=(20,),
        listed=_BANDS,
    ),
    Feature(
        family="bollinger_width",
        parameters=("window",),
        minimum=(2,),
        formula="4 rolling_std / SMA",
        unit="fraction",
        source=_BOLLINGER,
        needs=_CLOSE,
        window_bars=_window,
        bank=PriceMeansBank,
        example=(20,),
        listed=_BANDS,
    ),
)
