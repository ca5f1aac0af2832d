"""Chande's Aroon: how long ago the highest high and the lowest low were."""

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


class AroonBank(Bank):
    """Ages of the extremes over ``period + 1`` bars; of equal extremes the newest counts."""

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        periods = distinct(requests)
        windows = [period + 1 for period in periods]
        self._extremes = RollingExtremes(windows, 2, n_symbols, ages=True)
        self._presence = RollingSums(windows, 1, n_symbols)
        self._limits: FloatArray = np.zeros((2, n_symbols))
        self._scale: FloatArray = (-100.0 / np.array(periods, dtype=np.float64))[:, None, None]
        self._routes = routes(requests)

    def update(self, panel: Panel) -> None:
        """Take in the newest high and low."""
        limits = self._limits
        limits[0] = panel.latest("high")
        np.negative(panel.latest("low"), out=limits[1])
        present = np.isfinite(limits[0] + limits[1])
        missing = np.count_nonzero(present) < present.size
        if missing:
            limits[:, ~present] = -np.inf
        self._extremes.push(limits)
        self._presence.push(present[None])
        aroon = self._extremes.bars_since()
        aroon *= self._scale
        aroon += 100.0
        known = self._presence.observations(present)
        unknown = np.isnan(known)
        if np.count_nonzero(unknown):
            np.copyto(aroon, np.nan, where=unknown[:, None])
        for family, (rows, places) in self._routes.items():
            if family == "aroon_oscillator":
                self.values[rows] = (aroon[:, 0] - aroon[:, 1])[places]
            else:
                self.values[rows] = aroon[places, 0 if family == "aroon_up" else 1]

    def state(self) -> dict[str, Any]:
        """Extremes and presence."""
        return {"extremes": self._extremes.state(), "presence": self._presence.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._extremes.restore(state["extremes"])
        self._presence.restore(state["presence"])


def _entry(family: str, formula: str, unit: str, code: str) -> Feature:
    return Feature(
        family=family,
        parameters=("period",),
        minimum=(2,),
        formula=formula,
        unit=unit,
        source=f"Chande (1995), Technical Analysis of Stocks & Commodities 13(9); TA-Lib {code}",
        needs=("high", "low"),
        window_bars=lambda period: int(period) + 1,
        bank=AroonBank,
        example=(14,),
        listed=((14,), (25,), (50,)),
    )


FEATURES = (
    _entry("aroon_up", "100 (1 - bars since the highest H of period + 1 bars / period)", "0 to 100", "AROON"),
    _entry(
        "aroon_down", "100 (1 - bars since the lowest L of period + 1 bars / period)", "0 to 100", "AROON"
    ),
    _entry("aroon_oscillator", "aroon_up - aroon_down", "-100 to 100", "AROONOSC"),
)
