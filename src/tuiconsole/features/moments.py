"""Higher moments of one-bar returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.features.compiled import CompiledBank, Windows, observe_windows, slide
from tuiconsole.features.contract import Feature
from tuiconsole.features.summed import STANDSTILL, window_and

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel


def _advance(
    inputs: tuple[FloatArray, ...],
    windows: Windows,
    count: int,
    plan: IntArray,
    scale: float,
    extra: FloatArray,
    out: FloatArray,
) -> None:
    closes, (_, row, sums, observed, _, _) = inputs[0], windows
    for t in range(len(out)):
        _fill(closes[t], closes[t + 1], row)
        slide(windows, count + t)
        observe_windows(windows, count + t + 1, 0, 0)
        for k in range(len(plan)):
            _of_powers(plan[k, 0], sums[plan[k, 1]], observed[0, plan[k, 1]], out[t, k])


def _fill(before: FloatArray, newest: FloatArray, row: FloatArray) -> None:
    for s in range(len(newest)):
        own = newest[s] - before[s]
        here = np.isfinite(own)
        own = own if here else 0.0
        square = own * own
        row[0, s], row[1, s], row[2, s] = 1.0 if here else 0.0, own, square
        row[3, s], row[4, s] = square * own, square * square


def _of_powers(family: int, sums: FloatArray, counts: FloatArray, out: FloatArray) -> None:
    """Central moments from raw ones."""
    first, squares, cubes, fourths = sums[1], sums[2], sums[3], sums[4]
    for s in range(len(out)):
        count = counts[s]
        mean, second, third = first[s] / count, squares[s] / count, cubes[s] / count
        square = mean * mean
        variance = second - square
        variance = variance if variance > STANDSTILL else np.nan
        if family == 0:
            out[s] = (third - mean * (3.0 * second - 2.0 * square)) / (variance * np.sqrt(variance))
        else:
            central = fourths[s] / count - 4.0 * mean * third + square * (6.0 * second - 3.0 * square)
            out[s] = central / (variance * variance) - 3.0


class MomentsBank(CompiledBank):
    """Skewness and excess kurtosis from sums of the first four powers."""

    panel_window = 2
    channels = 5
    families: ClassVar[Mapping[str, tuple[int, ...]]] = {"skewness": (1, 2, 3), "kurtosis": (1, 2, 3, 4)}
    kernel = staticmethod(_advance)
    parts = (_fill, _of_powers)

    def inputs(self, panel: Panel, bars: int) -> tuple[FloatArray, ...]:
        """Log closes, one bar more than asked for."""
        return (panel.stretch("log_close", bars, 1),)


_WINDOWS = ((20,), (60,), (120,), (252,))
_SOURCE = "Cont (2001), Quantitative Finance 1(2); Joanes, Gill (1998), The Statistician 47(1), "

FEATURES = (
    Feature(
        family="skewness",
        parameters=("window",),
        minimum=(3,),
        formula="m3 / m2^1.5 of the last window one-bar log-returns, m their population central moments; NaN where the price "
        "stood still",
        unit="none",
        source=_SOURCE + "g1",
        needs=("close",),
        window_bars=window_and(1),
        bank=MomentsBank,
        example=(60,),
        listed=_WINDOWS,
    ),
    Feature(
        family="kurtosis",
        parameters=("window",),
        minimum=(4,),
        formula="m4 / m2^2 - 3 of the last window one-bar log-returns, m their population central moments; NaN where the price "
        "stood still",
        unit="none",
        source=_SOURCE + "g2",
        needs=("close",),
        window_bars=window_and(1),
        bank=MomentsBank,
        example=(60,),
        listed=_WINDOWS,
    ),
)
