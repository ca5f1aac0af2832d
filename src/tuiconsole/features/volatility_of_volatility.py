"""How much volatility itself moves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.contract import Bank, Feature, Request
from tuiconsole.features.rolling_sums import PRESENCE, RollingSums, blank, observe

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_STANDSTILL = 1e-18
"""Variance of one-bar returns below which the price counts as not moving."""


class VolatilityOfVolatilityBank(Bank):
    """Deviation of the logarithm of realised volatility over a second window."""

    panel_window = 2

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        inner = sorted({request.parameters[0] for request in requests})
        outer = sorted({request.parameters[1] for request in requests})
        self._returns = RollingSums(inner, 3, n_symbols)
        self._row: FloatArray = np.zeros((3, n_symbols))
        self._levels = RollingSums(outer, 3, len(inner) * n_symbols)
        self._level: FloatArray = np.zeros((3, len(inner) * n_symbols))
        self._rows = [
            (row, inner.index(request.parameters[0]), outer.index(request.parameters[1]))
            for row, request in enumerate(requests)
        ]

    def update(self, panel: Panel) -> None:
        """Take in the newest one-bar return."""
        if panel.count < 2:
            return
        row, level = self._row, self._level
        change = panel.latest("log_close") - panel.ago("log_close", 1)
        present = observe(change, row[0], row[1])
        np.multiply(row[1], row[1], out=row[2])
        self._returns.push(row)
        count, sums = self._returns.observations(present), self._returns.sums
        variance = sums[:, 2] - sums[:, 1] * sums[:, 1] / count
        variance /= count - 1.0
        blank(variance, variance < _STANDSTILL)
        logarithm = np.log(variance)
        logarithm *= 0.5
        known = observe(logarithm.ravel(), level[0], level[1])
        np.multiply(level[1], level[1], out=level[2])
        self._levels.push(level)
        number, sums = self._levels.observations(known), self._levels.sums
        mean = sums[:, 1] / number
        spread = sums[:, 2] / number - mean * mean
        deviation = np.sqrt(np.maximum(spread, 0.0)).reshape(len(spread), *logarithm.shape)
        for target, place, window in self._rows:
            self.values[target] = deviation[window, place]

    def state(self) -> dict[str, Any]:
        """The sums of returns and of volatilities."""
        return {"returns": self._returns.state(), "levels": self._levels.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._returns.restore(state["returns"])
        self._levels.restore(state["levels"])


FEATURES = (
    Feature(
        family="volatility_of_volatility",
        parameters=("inner", "outer"),
        minimum=(3, 5),
        formula="standard deviation (ddof 0) over outer bars of ln realised_volatility(inner); "
        "NaN where the price stood still",
        unit="log-volatility",
        source="Corsi, Mittnik, Pigorsch, Pigorsch (2008), Econometric Reviews 27(1-3)",
        needs=("close",),
        window_bars=lambda inner, outer: max(outer + 1, inner + math.ceil(PRESENCE * outer)),
        bank=VolatilityOfVolatilityBank,
        example=(10, 20),
        listed=((20, 60), (20, 120)),
    ),
)
