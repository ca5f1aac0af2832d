"""Exponential moving averages of the close."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.contract import Bank, Feature, Request
from tuiconsole.features.seeded_average import SeededAverage

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel


class EmaBank(Bank):
    """EMA over any number of periods, seeded with the simple mean; held over gaps."""

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        periods = [request.parameters[0] for request in requests]
        self._average = SeededAverage(periods, [2.0 / (period + 1.0) for period in periods], 1, n_symbols)

    def update(self, panel: Panel) -> None:
        """Take in the newest close."""
        close = panel.latest("close")
        present = np.isfinite(close)
        self._average.update(close[None], present)
        self.values[...] = self._average.average[:, 0]
        usable = self._average.seeded & present
        if np.count_nonzero(usable) < usable.size:
            self.values[~usable] = np.nan

    def update_block(self, panel: Panel, bars: int, out: FloatArray) -> None:
        """Take in the newest closes."""
        close = panel.stretch("close", bars)
        present = np.isfinite(close)
        averages, seeded = self._average.update_block(close[:, None], present)
        out[...] = averages[:, :, 0]
        np.copyto(out, np.nan, where=~(seeded & present[:, None]))
        self.values[...] = out[-1]

    def state(self) -> dict[str, Any]:
        """The averages."""
        return {"average": self._average.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._average.restore(state["average"])


FEATURES = (
    Feature(
        family="ema",
        parameters=("period",),
        minimum=(1,),
        formula="EMA[t-1] + 2 (C[t] - EMA[t-1]) / (period + 1), seeded with its first period mean",
        unit="currency",
        source="TA-Lib EMA; Murphy (1999), Technical Analysis of the Financial Markets, ch. 9",
        needs=("close",),
        window_bars=int,
        bank=EmaBank,
        example=(20,),
    ),
)
