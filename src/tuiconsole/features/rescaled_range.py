"""Hurst's rescaled range."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tuiconsole.domain.types import BoolArray, FloatArray
from tuiconsole.features.contract import Feature, Request
from tuiconsole.features.held import HeldBank, centred
from tuiconsole.features.summed import STANDSTILL, above, window_and


class RescaledRangeBank(HeldBank):
    """The range of summed deviations over the standard deviation, as an exponent of the number of bars."""

    def compute(self, returns: FloatArray, requests: Sequence[Request], enough: BoolArray) -> FloatArray:
        """One exponent for each symbol; missing returns stand at the mean."""
        deviation, count = centred(returns)
        variance = above((deviation * deviation).sum(axis=0) / (count - 1.0), STANDSTILL)
        path = np.cumsum(deviation, axis=0, out=deviation)
        width = path.max(axis=0) - path.min(axis=0)
        exponent = np.log(width / np.sqrt(variance)) / np.log(count)
        return np.repeat(exponent[None], len(requests), axis=0)


FEATURES = (
    Feature(
        family="hurst",
        parameters=("window",),
        minimum=(20,),
        formula="ln(R / S) / ln(n): range of summed deviations of n = window log-returns over their standard "
        "deviation (ddof 1); computed every window / 12 bars and held; NaN where the price stood still",
        unit="none; about 0.5 for a random walk",
        source="Hurst (1951), Trans. ASCE 116; Peters (1994), Fractal Market Analysis, ch. 4",
        needs=("close",),
        window_bars=window_and(1),
        bank=RescaledRangeBank,
        example=(120,),
    ),
)
