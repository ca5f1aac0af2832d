"""Donchian channels of the close."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.contract import Bank, Feature, Request, distinct
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
        self.panel_window = windows[-1]
        self._windows = windows
        self._presence = RollingSums(windows, 1, n_symbols)
        self._row: FloatArray = np.zeros((1, n_symbols))
        self._rows = [
            [
                (row, request.feature.family)
                for row, request in enumerate(requests)
                if request.parameters[0] == window
            ]
            for window in windows
        ]

    def update(self, panel: Panel) -> None:
        """Take in the newest close."""
        close = panel.latest("close")
        present = np.isfinite(close)
        self._row[...] = present
        self._presence.push(self._row)
        count = self._presence.observations(present)
        for index, window in enumerate(self._windows):
            history = panel.window("close", window)
            missing = np.isnan(count[index])
            any_missing = np.count_nonzero(missing) > 0
            for row, family in self._rows[index]:
                values = self.values[row]
                if family == "donchian_high":
                    np.fmax.reduce(history, axis=0, out=values)
                elif family == "donchian_low":
                    np.fmin.reduce(history, axis=0, out=values)
                else:
                    low = np.fmin.reduce(history, axis=0)
                    width = np.fmax.reduce(history, axis=0) - low
                    width[width == 0.0] = np.nan
                    np.divide(close - low, width, out=values)
                if any_missing:
                    values[missing] = np.nan

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
        """Observations per window; the closes are the panel's."""
        return {"presence": self._presence.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._presence.restore(state["presence"])


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
    ),
)
