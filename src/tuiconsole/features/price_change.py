"""Momentum in prices: differences, Coppock's curve, and the oscillator of the middle price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.contract import Bank, Feature, Request, Rows
from tuiconsole.features.rolling_sums import RollingSums, observe
from tuiconsole.features.windowed import Formula, WindowedBank

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel


class PriceChangeBank(Bank):
    """What only the closes of some bars ago are needed for; every close that takes part must be good."""

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self.panel_window = self.warmup_bars
        self._differences = [
            (row, request.parameters[0])
            for row, request in enumerate(requests)
            if request.feature.family == "price_change"
        ]
        self._curves = [
            (row, sorted(request.parameters[:2]), np.arange(1.0, request.parameters[2] + 1.0)[:, None])
            for row, request in enumerate(requests)
            if request.feature.family == "coppock"
        ]

    def update(self, panel: Panel) -> None:
        """Refresh every row from the newest bar."""
        close = panel.latest("close")
        for row, bars in self._differences:
            np.subtract(close, panel.ago("close", bars), out=self.values[row])
        for row, (short, long), weights in self._curves:
            history = panel.window("close", len(weights) + long)
            recent = history[long:]
            change = recent / history[:-long]
            change += recent / history[long - short : -short]
            change -= 2.0
            change *= weights
            np.multiply(change.sum(axis=0), 100.0 / weights.sum(), out=self.values[row])

    def state(self) -> dict[str, Any]:
        """Nothing: the panel says it all."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing to continue from."""


class MiddlePriceBank(WindowedBank):
    """Means of the middle of the bar's range over sliding windows."""

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self._sums = RollingSums(self.windows, 2, n_symbols)
        self._row: FloatArray = np.zeros((2, n_symbols))
        self._close = self._mean = self.values

    def formulas(self) -> Mapping[str, Formula]:
        """Family → its formula."""
        return {"awesome_oscillator": self._awesome}

    def update(self, panel: Panel) -> None:
        """Take in the newest high and low."""
        self._close = panel.latest("close")
        middle = panel.latest("high") + panel.latest("low")
        middle *= 0.5
        present = observe(middle, self._row[0], self._row[1])
        self._sums.push(self._row)
        self._mean = self._sums.sums[:, 1] / self._sums.observations(present)
        self.fill()

    def _awesome(self, fast: Rows, slow: Rows) -> FloatArray:
        return (self._mean[fast] - self._mean[slow]) / self._close

    def state(self) -> dict[str, Any]:
        """The sums."""
        return {"sums": self._sums.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._sums.restore(state["sums"])


FEATURES = (
    Feature(
        family="price_change",
        parameters=("bars",),
        minimum=(1,),
        formula="C[t] - C[t - bars]",
        unit="currency",
        source="TA-Lib MOM",
        needs=("close",),
        window_bars=lambda bars: int(bars) + 1,
        bank=PriceChangeBank,
        example=(10,),
    ),
    Feature(
        family="coppock",
        parameters=("slow", "quick", "smooth"),
        minimum=(2, 1, 1),
        formula="mean over smooth bars, weights rising to the newest, of rate_of_change(slow) + rate_of_change(quick)",
        unit="percent",
        source="Coppock (1962), Barron's 42(42), on bars instead of months",
        needs=("close",),
        window_bars=lambda slow, quick, smooth: max(slow, quick) + int(smooth),
        bank=PriceChangeBank,
        example=(14, 11, 10),
    ),
    Feature(
        family="awesome_oscillator",
        parameters=("fast", "slow"),
        minimum=(1, 2),
        formula="(mean of (H + L) / 2 over fast bars - the same over slow bars) / C[t]",
        unit="fraction",
        source="Williams (1998), New Trading Dimensions, ch. 7, over the price",
        needs=("high", "low", "close"),
        window_bars=lambda fast, slow: int(slow),
        bank=MiddlePriceBank,
        example=(5, 34),
    ),
)
