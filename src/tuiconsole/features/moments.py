"""Higher moments of one-bar returns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tuiconsole.domain.types import BoolArray, FloatArray
from tuiconsole.features.contract import Feature, Request
from tuiconsole.features.rolling_sums import observe
from tuiconsole.features.summed import STANDSTILL, SummedBank, above, one_bar_return, window_and

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel


class MomentsBank(SummedBank):
    """Skewness and excess kurtosis from sums of the first four powers."""

    panel_window = 2

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year, 5)

    def fill(self, panel: Panel) -> BoolArray | None:
        """Presence and four powers of the newest return."""
        if panel.count < 2:
            return None
        row = self.row
        present = observe(one_bar_return(panel), row[0], row[1])
        np.multiply(row[1], row[1], out=row[2])
        np.multiply(row[2], row[1], out=row[3])
        np.multiply(row[2], row[2], out=row[4])
        return present

    def refresh(self, count: FloatArray, sums: FloatArray) -> None:
        """Central moments from raw ones."""
        mean, second, third, fourth = self.means(count, sums)
        square = mean * mean
        variance = above(second - square, STANDSTILL)
        if self.wants("skewness"):
            self.put(
                "skewness", (third - mean * (3.0 * second - 2.0 * square)) / (variance * np.sqrt(variance))
            )
        if self.wants("kurtosis"):
            central = fourth - 4.0 * mean * third + square * (6.0 * second - 3.0 * square)
            self.put("kurtosis", central / (variance * variance) - 3.0)


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
