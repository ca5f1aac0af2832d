"""The close against its simple and weighted means, and its place between Bollinger's bands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.anchored_sums import AnchoredSums
from tuiconsole.features.contract import Feature, Request, Rows
from tuiconsole.features.windowed import Formula, WindowedBank

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_STANDSTILL = 1e-16
"""Variance over the squared price below which the price stands still: moves of a 10^-8 part of it."""


class PriceMeansBank(WindowedBank):
    """Simple and linearly weighted means of the close and its population deviation."""

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self._level = AnchoredSums(self.windows, n_symbols)
        families = {request.feature.family for request in requests}
        self._needs_deviation = any(family.startswith("bollinger") for family in families)
        self._needs_weighted = any(family.startswith("wma") for family in families)
        self._close = self._mean = self._weighted = self._deviation = self.values

    def formulas(self) -> Mapping[str, Formula]:
        """Family → its formula."""
        return {
            "sma_distance": self._sma_distance,
            "sma_ratio": self._sma_ratio,
            "wma": self._wma,
            "wma_distance": self._wma_distance,
            "bollinger_b": self._bollinger_b,
            "bollinger_width": self._bollinger_width,
        }

    def update(self, panel: Panel) -> None:
        """Take in the newest close."""
        self._close = panel.latest("close")
        self._level.push(self._close)
        self._mean = self._level.mean + self._level.anchor
        if self._needs_weighted:
            self._weighted = self._level.weighted_mean() + self._level.anchor
        if self._needs_deviation:
            variance = self._level.variance()
            still = variance <= _STANDSTILL * self._level.anchor * self._level.anchor
            if np.count_nonzero(still):
                variance[still] = 0.0
            self._deviation = np.sqrt(variance)
        self.fill()

    def _sma_distance(self, window: Rows) -> FloatArray:
        return self._close / self._mean[window] - 1.0

    def _sma_ratio(self, fast: Rows, slow: Rows) -> FloatArray:
        return self._mean[fast] / self._mean[slow] - 1.0

    def _wma(self, window: Rows) -> FloatArray:
        return self._weighted[window]

    def _wma_distance(self, window: Rows) -> FloatArray:
        return self._close / self._weighted[window] - 1.0

    def _bollinger_b(self, window: Rows) -> FloatArray:
        deviation = self._deviation[window]
        if np.count_nonzero(deviation) < deviation.size:
            deviation = np.where(deviation == 0.0, np.nan, deviation)
        return 0.25 * (self._close - self._mean[window]) / deviation + 0.5

    def _bollinger_width(self, window: Rows) -> FloatArray:
        return 4.0 * self._deviation[window] / self._mean[window]

    def state(self) -> dict[str, Any]:
        """The sums."""
        return {"level": self._level.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._level.restore(state["level"])


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
