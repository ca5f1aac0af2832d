"""Lambert's commodity channel index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.contract import Bank, Feature, Request, distinct
from tuiconsole.features.rolling_sums import RollingSums, blank

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_STANDSTILL = 1e-10
"""Mean deviation over the price below which it stands still."""


class CommodityChannelBank(Bank):
    """Distance of the typical price from its mean in units of the mean absolute deviation."""

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self._windows = distinct(requests)
        self._size = self._windows[-1]
        self._presence = RollingSums(self._windows, 1, n_symbols)
        self._typical: FloatArray = np.full((2 * self._size, n_symbols), np.nan)
        self._spread: FloatArray = np.empty((self._size, n_symbols))
        self._slot = 0
        self._rows = [
            [row for row, request in enumerate(requests) if request.parameters[0] == window]
            for window in self._windows
        ]

    def update(self, panel: Panel) -> None:
        """Take in the newest high, low and close."""
        typical = panel.latest("high") + panel.latest("low")
        typical += panel.latest("close")
        typical /= 3.0
        self._typical[self._slot] = self._typical[self._slot + self._size] = typical
        self._slot = (self._slot + 1) % self._size
        present = np.isfinite(typical)
        self._presence.push(present[None])
        count = self._presence.observations(present)
        end = self._slot + self._size
        for place, window in enumerate(self._windows):
            recent, spread = self._typical[end - window : end], self._spread[:window]
            whole = np.count_nonzero(count[place] == window) == count[place].size
            mean = recent.sum(axis=0) if whole else np.nansum(recent, axis=0)
            mean /= count[place]
            np.subtract(recent, mean, out=spread)
            np.abs(spread, out=spread)
            deviation = spread.sum(axis=0) if whole else np.nansum(spread, axis=0)
            deviation *= 0.015 / count[place]
            blank(deviation, deviation <= _STANDSTILL * mean)
            for row in self._rows[place]:
                np.divide(typical - mean, deviation, out=self.values[row])

    def state(self) -> dict[str, Any]:
        """The last typical prices and their presence."""
        return {"presence": self._presence.state(), "typical": self._typical.copy(), "slot": self._slot}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._presence.restore(state["presence"])
        self._typical[...] = state["typical"]
        self._slot = int(state["slot"])


FEATURES = (
    Feature(
        family="cci",
        parameters=("window",),
        minimum=(2,),
        formula="(T[t] - mean T) / (0.015 mean |T - mean T|), T = (H + L + C) / 3; NaN where the price stood still",
        unit="multiples of 1.5 % of the mean deviation",
        source="Lambert (1980), Commodities 9(10); TA-Lib CCI",
        needs=("high", "low", "close"),
        window_bars=int,
        bank=CommodityChannelBank,
        example=(20,),
        listed=((20,),),
    ),
)
