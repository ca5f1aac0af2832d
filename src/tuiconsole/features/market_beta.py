"""Beta to the market and what volatility is left beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.contract import Bank, Feature, Request, distinct, returns_of, routes
from tuiconsole.features.rolling_sums import RollingSums, observe

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_STANDSTILL = 1e-20
"""Variance of one-bar returns below which the market counts as not moving."""

_LEAST_BARS, _SOME_VALUES = 16, 8192
"""Bars that are worth taking at once, and the returns that are enough."""


class MarketBetaBank(Bank):
    """Ordinary least squares of every symbol's one-bar log-return on the market's, over sliding windows.

    The market is the equal-weighted mean return of the symbols with a good return at that bar.
    """

    panel_window = 2

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        windows = distinct(requests)
        self._sums = RollingSums(windows, 6, n_symbols)
        self._row: FloatArray = np.zeros((6, n_symbols))
        taken = routes(requests)
        self._beta = taken.get("beta")
        self._residual = taken.get("residual_volatility")

    def update(self, panel: Panel) -> None:
        """Take in the newest one-bar returns of the cross-section."""
        if panel.count < 2:
            return
        change = panel.latest("log_close") - panel.ago("log_close", 1)
        row = self._row
        own = row[1]
        present = observe(change, row[0], own)
        market = float(own.sum()) / max(1, int(np.count_nonzero(present)))
        np.multiply(own, own, out=row[2])
        np.multiply(row[0], market, out=row[3])
        np.multiply(row[3], market, out=row[4])
        np.multiply(own, market, out=row[5])
        self._sums.push(row)
        self._refresh(self._sums.sums[None], self._sums.observations(present)[None], self.values[None])

    def update_block(self, panel: Panel, bars: int, out: FloatArray) -> None:
        """Take in the newest one-bar returns of the cross-sections."""
        change = returns_of(panel, bars)
        first = bars - len(change)
        out[:first] = self.values
        some = max(_LEAST_BARS, _SOME_VALUES // change.shape[1])
        for at in range(0, len(change), some):
            self._take(change[at : at + some], out[first + at : first + at + some])
        self.values[...] = out[-1]

    def _take(self, change: FloatArray, out: FloatArray) -> None:
        """Take in returns ``[bars, n_symbols]``: so few that their sums and means stay in the processor's cache."""
        rows: FloatArray = np.empty((len(change), *self._row.shape))
        own = rows[:, 1]
        present = observe(change, rows[:, 0], own)
        market = own.sum(axis=1) / np.maximum(1, np.count_nonzero(present, axis=1))
        market = market[:, None]
        np.multiply(own, own, out=rows[:, 2])
        np.multiply(rows[:, 0], market, out=rows[:, 3])
        np.multiply(rows[:, 3], market, out=rows[:, 4])
        np.multiply(own, market, out=rows[:, 5])
        sums = self._sums.push_block(rows)
        self._refresh(sums, self._sums.observations_block(sums, present), out)

    def _refresh(self, sums: FloatArray, count: FloatArray, out: FloatArray) -> None:
        """Values ``[bars, k, n_symbols]`` of sums ``[bars, n_windows, 6, n_symbols]``."""
        means = sums[:, :, 1:] / count[:, :, None]
        own, market = means[:, :, 0], means[:, :, 2]
        market_variance = means[:, :, 3] - market * market
        np.copyto(market_variance, np.nan, where=market_variance <= _STANDSTILL)
        covariance = means[:, :, 4] - own * market
        beta = covariance / market_variance
        if self._beta is not None:
            rows, windows = self._beta
            out[:, rows] = beta[:, windows]
        if self._residual is not None:
            rows, windows = self._residual
            variance = means[:, :, 1] - own * own
            variance -= beta * covariance
            variance *= count * self.bars_per_year / (count - 2.0)
            out[:, rows] = np.sqrt(np.maximum(variance, 0.0))[:, windows]

    def state(self) -> dict[str, Any]:
        """The sums."""
        return {"sums": self._sums.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._sums.restore(state["sums"])


FEATURES = (
    Feature(
        family="beta",
        parameters=("window",),
        minimum=(5,),
        formula="cov(r, m) / var(m) over the last window log-returns; m = mean of the good r of all symbols",
        unit="none",
        source="Sharpe (1964), Journal of Finance 19(3)",
        needs=("close",),
        window_bars=lambda window: int(window) + 1,
        bank=MarketBetaBank,
        example=(60,),
        listed=((20,), (60,), (120,), (252,)),
    ),
    Feature(
        family="residual_volatility",
        parameters=("window",),
        minimum=(5,),
        formula="sqrt(bars per year) times the standard error (n - 2) of the regression of r on m",
        unit="fraction per year",
        source="Ang, Hodrick, Xing, Zhang (2006), Journal of Finance 61(1)",
        needs=("close",),
        window_bars=lambda window: int(window) + 1,
        bank=MarketBetaBank,
        example=(60,),
        listed=((20,), (60,), (120,), (252,)),
    ),
)
