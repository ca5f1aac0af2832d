"""Donchian channels of the close."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.contract import Bank, Feature, Request, distinct, routes
from tuiconsole.features.rolling_extremes import RollingExtremes
from tuiconsole.features.rolling_sums import RollingSums

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel


class DonchianBank(Bank):
    """Highest and lowest close of the last bars, the newest included, and where the close lies between them.

    Closes rather than highs and lows, so that the channel means the same on close-only data.
    """

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        windows = distinct(requests)
        self._presence = RollingSums(windows, 1, n_symbols)
        self._extremes = RollingExtremes(windows, 2, n_symbols)
        self._limits: FloatArray = np.zeros((2, n_symbols))
        self._routes = routes(requests)

    def update(self, panel: Panel) -> None:
        """Take in the newest close."""
        close, limits = panel.latest("close"), self._limits
        present = np.isfinite(close)
        limits[0] = close
        np.negative(close, out=limits[1])
        if np.count_nonzero(present) < present.size:
            limits[:, ~present] = -np.inf
        self._extremes.push(limits)
        self._presence.push(present[None])
        known = 0.0 * self._presence.observations(present)
        high = self._extremes.maxima[:, 0] + known
        low = known - self._extremes.maxima[:, 1]
        for family, (rows, places) in self._routes.items():
            if family == "donchian_high":
                self.values[rows] = high[places]
            elif family == "donchian_low":
                self.values[rows] = low[places]
            else:
                width = high[places] - low[places]
                width[width == 0.0] = np.nan
                self.values[rows] = (close - low[places]) / width

    def update_block(self, panel: Panel, bars: int, out: FloatArray) -> None:
        """Take in the newest closes."""
        close = panel.stretch("close", bars)
        present = np.isfinite(close)
        sums = self._presence.push_block(present[:, None].astype(np.float64))
        count = self._presence.observations_block(sums, present)
        for index, window in enumerate(self._windows):
            history = panel.stretch("close", bars, window - 1)
            missing = np.isnan(count[:, index])
            low, high = _sliding(np.fmin, history, window), _sliding(np.fmax, history, window)
            for row, family in self._rows[index]:
                values = out[:, row]
                if family == "donchian_position":
                    width = high - low
                    width[width == 0.0] = np.nan
                    np.divide(close - low, width, out=values)
                else:
                    values[...] = high if family == "donchian_high" else low
                values[missing] = np.nan
        self.values[...] = out[-1]

    def state(self) -> dict[str, Any]:
        """Extremes and observations per window."""
        return {"presence": self._presence.state(), "extremes": self._extremes.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._presence.restore(state["presence"])
        self._extremes.restore(state["extremes"])


def _window(window: int) -> int:
    return window


def _sliding(pick: np.ufunc, history: FloatArray, window: int) -> FloatArray:
    """``pick`` (a minimum or maximum) over every ``window`` rows in a row, by doubling the stretch covered."""
    found, covered = history, 1
    while covered < window:
        step = min(covered, window - covered)
        found = pick(found[:-step], found[step:])
        covered += step
    return found


_SOURCE = "Donchian channel as in Faith (2007), Way of the Turtle, ch. 5, on closes; TA-Lib "

FEATURES = (
    Feature(
        family="donchian_high",
        parameters=("window",),
        minimum=(2,),
        formula="max of C over the last window bars, the newest included",
        unit="currency",
        source=_SOURCE + "MAX",
        needs=("close",),
        window_bars=_window,
        bank=DonchianBank,
        example=(20,),
        listed=((20,), (252,)),
    ),
    Feature(
        family="donchian_low",
        parameters=("window",),
        minimum=(2,),
        formula="min of C over the last window bars, the newest included",
        unit="currency",
        source=_SOURCE + "MIN",
        needs=("close",),
        window_bars=_window,
        bank=DonchianBank,
        example=(20,),
        listed=((20,), (252,)),
    ),
    Feature(
        family="donchian_position",
        parameters=("window",),
        minimum=(2,),
        formula="(C[t] - donchian_low) / (donchian_high - donchian_low); NaN where the price stood still",
        unit="0 (at the low) to 1 (at the high)",
        source=_SOURCE + "MINMAX",
        needs=("close",),
        window_bars=_window,
        bank=DonchianBank,
        example=(20,),
        listed=((10,), (20,), (55,), (252,)),
    ),
)
