"""Wilder's relative strength index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import BoolArray, FloatArray
from tuiconsole.features.contract import Bank, Feature, Request
from tuiconsole.features.seeded_average import SeededAverage

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel


class RsiBank(Bank):
    """RSI over any number of periods; gains and losses are averaged side by side, held over gaps.

    Where the price has never moved the index is 0/0: NaN here; 0 in TA-Lib, which would read as oversold.
    """

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        periods = [request.parameters[0] for request in requests]
        self._average = SeededAverage(periods, [1.0 / period for period in periods], 2, n_symbols)
        self._previous: FloatArray = np.full(n_symbols, np.nan)
        self._moves: FloatArray = np.empty((2, n_symbols))

    def update(self, panel: Panel) -> None:
        """Take in the newest close; the move is from the last close that was observed."""
        close = panel.latest("close")
        change = close - self._previous
        np.copyto(self._previous, close, where=np.isfinite(close))
        present = np.isfinite(change)
        np.maximum(change, 0.0, out=self._moves[0])
        np.subtract(self._moves[0], change, out=self._moves[1])
        self._average.update(self._moves, present)
        self._refresh(self._average.average, self._average.seeded, present, self.values)

    def update_block(self, panel: Panel, bars: int, out: FloatArray) -> None:
        """Take in the newest closes."""
        close = panel.stretch("close", bars)
        known = np.isfinite(close)
        previous: FloatArray = np.empty((bars + 1, close.shape[1]))
        previous[0], previous[1:] = self._previous, close
        for i in np.flatnonzero(~known.all(axis=1)).tolist():
            np.copyto(previous[i + 1], previous[i], where=~known[i])
        change = close - previous[:-1]
        self._previous[...] = previous[-1]
        present = np.isfinite(change)
        moves: FloatArray = np.empty((bars, *self._moves.shape))
        np.maximum(change, 0.0, out=moves[:, 0])
        np.subtract(moves[:, 0], change, out=moves[:, 1])
        averages, seeded = self._average.update_block(moves, present)
        self._refresh(averages, seeded, present[:, None], out)
        self.values[...] = out[-1]

    def _refresh(self, average: FloatArray, seeded: BoolArray, present: BoolArray, out: FloatArray) -> None:
        """Values ``[..., k, n_symbols]`` of averages ``[..., k, 2, n_symbols]``."""
        gain = average[..., 0, :]
        total = gain + average[..., 1, :]
        usable = total > 0.0
        usable &= seeded
        usable &= present
        if np.count_nonzero(usable) < usable.size:
            total[~usable] = np.nan
        np.divide(gain, total, out=out)
        np.multiply(out, 100.0, out=out)

    def state(self) -> dict[str, Any]:
        """The averages and the last close observed."""
        return {"average": self._average.state(), "previous": self._previous.copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._average.restore(state["average"])
        self._previous[...] = state["previous"]


FEATURES = (
    Feature(
        family="rsi",
        parameters=("period",),
        minimum=(2,),
        formula="100 G / (G + L); Wilder averages of gains and losses, seeded with their first period's mean; "
        "NaN where the price always stood still",
        unit="0 to 100",
        source="Wilder (1978), New Concepts in Technical Trading Systems, sec. VI; TA-Lib RSI",
        needs=("close",),
        window_bars=lambda period: int(period) + 1,
        bank=RsiBank,
        example=(14,),
        listed=((2,), (7,), (14,), (21,), (28,)),
    ),
)
