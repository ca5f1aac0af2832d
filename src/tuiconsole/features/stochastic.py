"""Lane's stochastic oscillator, fast and slow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.contract import Bank, Feature, Request, Rows, distinct, rows_at
from tuiconsole.features.rolling_extremes import RollingExtremes
from tuiconsole.features.rolling_sums import RollingSums

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel


class StochasticBank(Bank):
    """%K of the last high-low range, its mean over the last bars, and that mean's mean.

    A smoothed value needs every bar that it averages.
    """

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        windows = distinct(requests)
        self._extremes = RollingExtremes(windows, 2, n_symbols)
        self._presence = RollingSums(windows, 1, n_symbols)
        self._limits: FloatArray = np.zeros((2, n_symbols))
        slow = sorted({request.parameters[:2] for request in requests if len(request.parameters) > 1})
        self._slow_of = [(rows_at([windows.index(window)]), smooth) for window, smooth in slow]
        signals = [request.parameters[2] for request in requests if len(request.parameters) > 2]
        kept = max((smooth for _, smooth in slow), default=1)
        self._fast: FloatArray = np.full((kept, len(windows), n_symbols), np.nan)
        self._slow: FloatArray = np.full((max(signals, default=1), len(slow), n_symbols), np.nan)
        by_length: dict[int, list[int]] = {}
        for row, request in enumerate(requests):
            by_length.setdefault(len(request.parameters), []).append(row)
        self._fast_rows: tuple[Rows, Rows] | None = None
        self._slow_rows: tuple[Rows, Rows] | None = None
        if rows := by_length.get(1):
            self._fast_rows = rows_at(rows), rows_at([windows.index(requests[r].parameters[0]) for r in rows])
        if rows := by_length.get(2):
            self._slow_rows = rows_at(rows), rows_at([slow.index(requests[r].parameters[:2]) for r in rows])
        self._signals = [
            (row, slow.index(requests[row].parameters[:2]), requests[row].parameters[2])
            for row in by_length.get(3, ())
        ]

    def update(self, panel: Panel) -> None:
        """Take in the newest high, low and close."""
        close, limits = panel.latest("close"), self._limits
        limits[0] = panel.latest("high")
        np.negative(panel.latest("low"), out=limits[1])
        present = np.isfinite(limits[0] + limits[1] + close)
        if np.count_nonzero(present) < present.size:
            limits[:, ~present] = -np.inf
        self._extremes.push(limits)
        self._presence.push(present[None])
        maxima = self._extremes.maxima
        width = maxima[:, 0] + maxima[:, 1]
        usable = width > 0.0
        usable &= np.isfinite(self._presence.observations(present))
        if np.count_nonzero(usable) < usable.size:
            width[~usable] = np.nan
        fast = self._fast
        fast[:-1] = fast[1:]
        np.divide(close + maxima[:, 1], width, out=fast[-1])
        fast[-1] *= 100.0
        self._smooth()

    def _smooth(self) -> None:
        fast, slow = self._fast, self._slow
        if self._fast_rows is not None:
            rows, windows = self._fast_rows
            self.values[rows] = fast[-1, windows]
        if not self._slow_of:
            return
        slow[:-1] = slow[1:]
        for place, (window, smooth) in enumerate(self._slow_of):
            slow[-1, place] = fast[-smooth:, window].sum(axis=0)[0] / smooth
        if self._slow_rows is not None:
            rows, places = self._slow_rows
            self.values[rows] = slow[-1, places]
        for row, place, signal in self._signals:
            np.divide(slow[-signal:, place].sum(axis=0), signal, out=self.values[row])

    def state(self) -> dict[str, Any]:
        """Extremes, presence, and the values still to be averaged."""
        return {
            "extremes": self._extremes.state(),
            "presence": self._presence.state(),
            "fast": self._fast.copy(),
            "slow": self._slow.copy(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._extremes.restore(state["extremes"])
        self._presence.restore(state["presence"])
        self._fast[...] = state["fast"]
        self._slow[...] = state["slow"]


_SOURCE = "Lane (1984), Technical Analysis of Stocks & Commodities 2(3); TA-Lib "
_UNIT = "0 (at the low) to 100 (at the high)"
_NEEDS = ("high", "low", "close")

FEATURES = (
    Feature(
        family="stochastic_fast_k",
        parameters=("window",),
        minimum=(2,),
        formula="100 (C[t] - min L) / (max H - min L) over the window; NaN where the price stood still",
        unit=_UNIT,
        source=_SOURCE + "STOCHF",
        needs=_NEEDS,
        window_bars=int,
        bank=StochasticBank,
        example=(14,),
        listed=((5,), (9,), (14,), (21,), (60,)),
    ),
    Feature(
        family="stochastic_k",
        parameters=("window", "smooth"),
        minimum=(2, 1),
        formula="mean of the last smooth stochastic_fast_k; NaN where the price stood still",
        unit=_UNIT,
        source=_SOURCE + "STOCH",
        needs=_NEEDS,
        window_bars=lambda window, smooth: int(window) + int(smooth) - 1,
        bank=StochasticBank,
        example=(14, 3),
        listed=((9, 3), (14, 3), (21, 3)),
    ),
    Feature(
        family="stochastic_d",
        parameters=("window", "smooth", "signal"),
        minimum=(2, 1, 1),
        formula="mean of the last signal stochastic_k; NaN where the price stood still",
        unit=_UNIT,
        source=_SOURCE + "STOCH",
        needs=_NEEDS,
        window_bars=lambda window, smooth, signal: int(window) + int(smooth) + int(signal) - 2,
        bank=StochasticBank,
        example=(14, 3, 3),
        listed=((9, 3, 3), (14, 3, 3), (21, 3, 3)),
    ),
)
