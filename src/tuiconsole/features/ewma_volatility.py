"""Exponentially weighted volatility."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.features.contract import Bank, Feature, Request
from tuiconsole.features.seeded_average import SeededAverage

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel


class EwmaVolatilityBank(Bank):
    """Exponential averages of squared one-bar log-returns, annualised; held over gaps."""

    panel_window = 2

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        periods = [request.parameters[0] for request in requests]
        self._average = SeededAverage(periods, [2.0 / (period + 1.0) for period in periods], 1, n_symbols)

    def update(self, panel: Panel) -> None:
        """Take in the newest one-bar return."""
        change = panel.latest("log_close") - panel.ago("log_close", 1)
        present = np.isfinite(change)
        change *= change
        self._average.update(change[None], present)
        np.multiply(self._average.average[:, 0], self.bars_per_year, out=self.values)
        np.sqrt(self.values, out=self.values)
        usable = self._average.seeded & present
        if np.count_nonzero(usable) < usable.size:
            self.values[~usable] = np.nan

    def state(self) -> dict[str, Any]:
        """The averages."""
        return {"average": self._average.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._average.restore(state["average"])


FEATURES = (
    Feature(
        family="ewma_volatility",
        parameters=("period",),
        minimum=(2,),
        formula="sqrt(bars per year times s), s[t] = s[t-1] + 2 (r^2 - s[t-1]) / (period + 1), seeded with its first "
        "period mean; 33 and 66 are decays of 0.941 and 0.970",
        unit="fraction per year",
        source="J.P. Morgan (1996), RiskMetrics Technical Document, sec. 5.2 (decay 0.94 for days, 0.97 for months)",
        needs=("close",),
        window_bars=lambda period: int(period) + 1,
        bank=EwmaVolatilityBank,
        example=(33,),
        listed=((10,), (33,), (66,)),
    ),
)
