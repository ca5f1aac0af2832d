"""Wilder's average true range, where the source has ranges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.contract import Bank, Feature, Request, distinct, routes
from tuiconsole.features.seeded_average import SeededAverage

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel


class AtrBank(Bank):
    """ATR and ATR in percent of the close; NaN on close-only data, whose ranges are never invented."""

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        periods = distinct(requests)
        self._average = SeededAverage(periods, [1.0 / period for period in periods], 1, n_symbols)
        self._routes = routes(requests)
        self._previous: FloatArray = np.full(n_symbols, np.nan)

    def update(self, panel: Panel) -> None:
        """Take in the newest high, low and close."""
        close = panel.latest("close")
        if panel.has_ranges:
            true_range = np.maximum(panel.latest("high"), self._previous)
            true_range -= np.minimum(panel.latest("low"), self._previous)
            present = np.isfinite(true_range)
            self._average.update(true_range[None], present)
            usable = self._average.seeded & present
            average = np.where(usable, self._average.average[:, 0], np.nan)
            for family, (rows, periods_of) in self._routes.items():
                chosen = average[periods_of]
                self.values[rows] = chosen if family == "atr" else 100.0 * chosen / close
        np.copyto(self._previous, close, where=np.isfinite(close))

    def state(self) -> dict[str, Any]:
        """The averages and the last close observed."""
        return {"average": self._average.state(), "previous": self._previous.copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._average.restore(state["average"])
        self._previous[...] = state["previous"]


_SOURCE = "Wilder (1978), New Concepts in Technical Trading Systems, sec. III; TA-Lib "
_RANGES = ("high", "low", "close")

FEATURES = (
    Feature(
        family="atr",
        parameters=("period",),
        minimum=(1,),
        formula="Wilder average of max(H, C[t-1]) - min(L, C[t-1]), seeded with its first period's mean",
        unit="currency",
        source=_SOURCE + "ATR",
        needs=_RANGES,
        window_bars=lambda period: int(period) + 1,
        bank=AtrBank,
        example=(14,),
        listed=((14,), (20,)),
    ),
    Feature(
        family="natr",
        parameters=("period",),
        minimum=(1,),
        formula="100 atr / C[t]",
        unit="percent",
        source=_SOURCE + "NATR",
        needs=_RANGES,
        window_bars=lambda period: int(period) + 1,
        bank=AtrBank,
        example=(14,),
        listed=((1,), (7,), (14,), (20,), (50,)),
    ),
)
