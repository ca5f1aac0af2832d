"""Blau's true strength index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.chained_average import ChainedAverage
from tuiconsole.features.contract import Bank, Feature, Request

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel


class TrueStrengthBank(Bank):
    """Moves of the close and their sizes, both averaged twice; held over gaps."""

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self._half = len(requests)
        self._long, self._short = (
            ChainedAverage(
                [request.parameters[stage] for request in requests] * 2,
                [2.0 / (request.parameters[stage] + 1.0) for request in requests] * 2,
                n_symbols,
            )
            for stage in (0, 1)
        )
        self._previous: FloatArray = np.full(n_symbols, np.nan)
        self._moves: FloatArray = np.empty((2 * self._half, n_symbols))

    def update(self, panel: Panel) -> None:
        """Take in the newest close; the move is from the last close that was observed."""
        close = panel.latest("close")
        change = close - self._previous
        np.copyto(self._previous, close, where=np.isfinite(close))
        self._moves[: self._half] = change
        self._moves[self._half :] = np.abs(change)
        once = self._long.update(self._moves, np.isfinite(change))
        twice = self._short.update(once, np.isfinite(once))
        size = twice[self._half :]
        if np.count_nonzero(size == 0.0):
            size = np.where(size == 0.0, np.nan, size)
        np.divide(twice[: self._half], size, out=self.values)
        self.values *= 100.0

    def state(self) -> dict[str, Any]:
        """The averages and the last close observed."""
        return {
            "long": self._long.state(),
            "short": self._short.state(),
            "previous": self._previous.copy(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._long.restore(state["long"])
        self._short.restore(state["short"])
        self._previous[...] = state["previous"]


FEATURES = (
    Feature(
        family="tsi",
        parameters=("long", "short"),
        minimum=(2, 2),
        formula="100 E(short) of E(long) of moves of C / E(short) of E(long) of their sizes, E = seeded exponential "
        "average; NaN where the price always stood still",
        unit="-100 to 100",
        source="Blau (1991), Technical Analysis of Stocks & Commodities 9(11)",
        needs=("close",),
        window_bars=lambda long, short: int(long) + int(short),
        bank=TrueStrengthBank,
        example=(25, 13),
        listed=((13, 7), (25, 13)),
    ),
)
