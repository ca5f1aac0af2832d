"""Elder's force index and Chaikin's oscillator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.features.chained_average import ChainedAverage
from tuiconsole.features.contract import Bank, Feature, Request

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel


class ForceBank(Bank):
    """Exponential averages of money moved and money traded, held over gaps; a move is from the last close observed."""

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        periods = [request.parameters[0] for request in requests] * 2
        self._half = len(requests)
        self._averages = ChainedAverage(periods, [2.0 / (period + 1.0) for period in periods], n_symbols)
        self._x: FloatArray = np.empty((len(periods), n_symbols))
        self._previous: FloatArray = np.full(n_symbols, np.nan)

    def update(self, panel: Panel) -> None:
        """Take in the newest close and volume."""
        close, volume = panel.latest("close"), panel.latest("volume")
        force = (close - self._previous) * volume
        np.copyto(self._previous, close, where=np.isfinite(close))
        self._x[: self._half] = force
        np.multiply(close, volume, out=self._x[self._half])
        self._x[self._half + 1 :] = self._x[self._half]
        found = self._averages.update(self._x, np.isfinite(force))
        money = found[self._half :]
        if np.count_nonzero(money == 0.0):
            money = np.where(money == 0.0, np.nan, money)
        np.divide(found[: self._half], money, out=self.values)

    def state(self) -> dict[str, Any]:
        """The averages and the last close observed."""
        return {"averages": self._averages.state(), "previous": self._previous.copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._averages.restore(state["averages"])
        self._previous[...] = state["previous"]


class ChaikinBank(Bank):
    """Difference of two exponential averages of the accumulation line, both beginning at its first value."""

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        periods = [request.parameters[stage] for stage in (0, 1) for request in requests]
        self._half = len(requests)
        self._slow: IntArray = np.array(periods[self._half :], dtype=np.int64)[:, None]
        self._averages = ChainedAverage(
            [1] * len(periods), [2.0 / (period + 1.0) for period in periods], n_symbols
        )
        self._line: FloatArray = np.zeros(n_symbols)
        self._count: IntArray = np.zeros(n_symbols, dtype=np.int64)

    def update(self, panel: Panel) -> None:
        """Take in the newest prices and volume."""
        high, low, close = panel.latest("high"), panel.latest("low"), panel.latest("close")
        width = high - low
        flow = ((close - low) - (high - close)) / np.where(width == 0.0, 1.0, width)
        flow *= panel.latest("volume")
        present = np.isfinite(flow)
        self._line += np.where(present, flow, 0.0)
        self._count += present
        found = self._averages.update(self._line, present)
        np.subtract(found[: self._half], found[self._half :], out=self.values)
        early = self._count < self._slow
        if np.count_nonzero(early):
            self.values[early] = np.nan

    def state(self) -> dict[str, Any]:
        """The line, its averages and how many bars made them."""
        return {"line": self._line.copy(), "count": self._count.copy(), "averages": self._averages.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._line[...] = state["line"]
        self._count[...] = state["count"]
        self._averages.restore(state["averages"])


FEATURES = (
    Feature(
        family="force_index",
        parameters=("period",),
        minimum=(1,),
        formula="ema(period) of (C[t] - C[t-1]) V / ema(period) of C V; NaN where nothing was traded",
        unit="fraction per bar",
        source="Elder (1993), Trading for a Living, sec. 42, over the money traded",
        needs=("close", "volume"),
        window_bars=lambda period: int(period) + 1,
        bank=ForceBank,
        example=(13,),
    ),
    Feature(
        family="chaikin_oscillator",
        parameters=("fast", "slow"),
        minimum=(1, 2),
        formula="average(fast) - average(slow) of accumulation, A += 2 (x - A) / (period + 1) from its first value",
        unit="shares",
        source="Chaikin, as in Achelis (2000), Technical Analysis from A to Z; TA-Lib ADOSC",
        needs=("high", "low", "close", "volume"),
        window_bars=lambda fast, slow: int(slow),
        bank=ChaikinBank,
        example=(3, 10),
    ),
)
