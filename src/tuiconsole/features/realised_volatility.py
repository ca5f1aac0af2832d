"""Close-to-close volatility over sliding windows, annualised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.contract import Bank, Feature, Request, distinct, returns_of, routes
from tuiconsole.features.rolling_sums import RollingSums, observe

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_STANDSTILL = 1e-18
"""Annual variance below which the price counts as not moving: the square of a volatility of 10^-9."""


class RealisedVolatilityBank(Bank):
    """Sample standard deviation of one-bar log-returns times the square root of the bars in a year.

    A return is an observation when both of its closes are good.
    """

    panel_window = 2

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        windows = distinct(requests)
        self._sums = RollingSums(windows, 3, n_symbols)
        self._row: FloatArray = np.zeros((3, n_symbols))
        self._source = routes(requests)["realised_volatility"][1]

    def update(self, panel: Panel) -> None:
        """Take in the newest one-bar return."""
        if panel.count < 2:
            return
        change = panel.latest("log_close") - panel.ago("log_close", 1)
        row = self._row
        present = observe(change, row[0], row[1])
        np.multiply(row[1], row[1], out=row[2])
        self._sums.push(row)
        count = self._sums.observations(present)
        self._refresh(self._sums.sums[None], count[None], self.values[None])

    def update_block(self, panel: Panel, bars: int, out: FloatArray) -> None:
        """Take in the newest one-bar returns."""
        change = returns_of(panel, bars)
        rows: FloatArray = np.empty((len(change), *self._row.shape))
        present = observe(change, rows[:, 0], rows[:, 1])
        np.multiply(rows[:, 1], rows[:, 1], out=rows[:, 2])
        sums = self._sums.push_block(rows)
        first = bars - len(change)
        out[:first] = self.values
        self._refresh(sums, self._sums.observations_block(sums, present), out[first:])
        self.values[...] = out[-1]

    def _refresh(self, sums: FloatArray, count: FloatArray, out: FloatArray) -> None:
        """Values ``[bars, k, n_symbols]`` of sums ``[bars, n_windows, 3, n_symbols]``."""
        total, squares = sums[:, :, 1], sums[:, :, 2]
        variance = total * total
        variance /= count
        np.subtract(squares, variance, out=variance)
        variance *= self.bars_per_year / (count - 1.0)
        np.copyto(variance, 0.0, where=variance < _STANDSTILL)
        out[...] = np.sqrt(variance)[:, self._source]

    def state(self) -> dict[str, Any]:
        """The sums."""
        return {"sums": self._sums.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._sums.restore(state["sums"])


FEATURES = (
    Feature(
        family="realised_volatility",
        parameters=("window",),
        minimum=(2,),
        formula="sqrt(bars per year) times the standard deviation (ddof 1) of the last window log-returns",
        unit="fraction per year",
        source="Hull (2018), Options, Futures and Other Derivatives, sec. 15.4",
        needs=("close",),
        window_bars=lambda window: int(window) + 1,
        bank=RealisedVolatilityBank,
        example=(20,),
        listed=((5,), (10,), (20,), (60,), (120,), (252,)),
    ),
)
