"""Distances from an exponential average in units of the average true range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.chained_average import ChainedAverage
from tuiconsole.features.contract import Bank, Feature, Request, distinct, routes

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel


class EnvelopeBank(Bank):
    """EMA of the close and Wilder average of the true range over the same period; both held over gaps."""

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        periods = distinct(requests)
        n = len(periods)
        weights = [2.0 / (period + 1.0) for period in periods] + [1.0 / period for period in periods]
        self._averages = ChainedAverage(periods * 2, weights, n_symbols)
        self._n = n
        self._x: FloatArray = np.empty((2 * n, n_symbols))
        self._previous: FloatArray = np.full(n_symbols, np.nan)
        self._routes = routes(requests)

    def update(self, panel: Panel) -> None:
        """Take in the newest high, low and close."""
        high, low, close = panel.latest("high"), panel.latest("low"), panel.latest("close")
        self._x[: self._n] = close
        np.subtract(np.maximum(high, self._previous), np.minimum(low, self._previous), out=self._x[self._n])
        self._x[self._n + 1 :] = self._x[self._n]
        np.copyto(self._previous, close, where=np.isfinite(close))
        found = self._averages.update(self._x, np.isfinite(self._x))
        middle, unit = found[: self._n], found[self._n :]
        if np.count_nonzero(unit == 0.0):
            unit = np.where(unit == 0.0, np.nan, unit)
        for family, (rows, places) in self._routes.items():
            price = {"keltner_position": close, "bull_power": high, "bear_power": low}[family]
            self.values[rows] = (price - middle[places]) / unit[places]

    def state(self) -> dict[str, Any]:
        """The averages and the last close observed."""
        return {"averages": self._averages.state(), "previous": self._previous.copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._averages.restore(state["averages"])
        self._previous[...] = state["previous"]


FEATURES = (
    *(
        Feature(
            family=family,
            parameters=("period",),
            minimum=(2,),
            formula=f"({price}[t] - ema(period)) / atr(period); NaN where the price always stood still",
            unit="average true ranges",
            source=source,
            needs=("high", "low", "close"),
            window_bars=lambda period: int(period) + 1,
            bank=EnvelopeBank,
            example=(20,),
            listed=listed,
        )
        for family, price, source, listed in (
            (
                "keltner_position",
                "C",
                "Keltner channel as in Raschke, Connors (1995), Street Smarts",
                ((10,), (20,), (50,)),
            ),
            (
                "bull_power",
                "H",
                "Elder (1993), Trading for a Living, sec. 41, in units of atr",
                ((13,), (26,)),
            ),
            (
                "bear_power",
                "L",
                "Elder (1993), Trading for a Living, sec. 41, in units of atr",
                ((13,), (26,)),
            ),
        )
    ),
)
