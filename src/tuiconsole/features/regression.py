"""The straight line through the last logarithms of the close."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.anchored_sums import AnchoredSums
from tuiconsole.features.contract import Feature, Request, Rows
from tuiconsole.features.rolling_sums import blank
from tuiconsole.features.windowed import Formula, WindowedBank

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_STANDSTILL = 1e-16
"""Variance of log closes below which the price stands still."""


class RegressionBank(WindowedBank):
    """Ordinary least squares of the log close on time, in bars, over the observations of each window."""

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self._level = AnchoredSums(self.windows, n_symbols)
        self._slope = self._r2 = self._deviation = self._time = self._newest = self.values

    def formulas(self) -> Mapping[str, Formula]:
        """Family → its formula."""
        return {
            "regression_slope": self._annual_slope,
            "regression_r2": self._r_squared,
            "regression_momentum": self._momentum,
            "regression_zscore": self._zscore,
            "regression_tstat": self._tstat,
        }

    def update(self, panel: Panel) -> None:
        """Take in the newest log close."""
        log_close = panel.latest("log_close")
        level = self._level
        level.push(log_close)
        self._time, both, total, newest = level.line()
        count = level.count
        still = total <= _STANDSTILL * count
        if np.count_nonzero(still):
            total[still] = np.nan
            both[still] = 0.0
        self._slope = both / self._time
        explained = self._slope * both
        self._r2 = explained / total
        residual = (total - explained) / (count - 2.0)
        blank(residual, residual <= _STANDSTILL)
        self._deviation = np.sqrt(residual)
        self._newest = log_close - level.anchor - level.mean - self._slope * newest
        self.fill()

    def _annual_slope(self, window: Rows) -> FloatArray:
        return self._slope[window] * self.bars_per_year

    def _r_squared(self, window: Rows) -> FloatArray:
        return self._r2[window]

    def _momentum(self, window: Rows) -> FloatArray:
        return self._slope[window] * self._r2[window] * self.bars_per_year

    def _zscore(self, window: Rows) -> FloatArray:
        return self._newest[window] / self._deviation[window]

    def _tstat(self, window: Rows) -> FloatArray:
        return self._slope[window] * np.sqrt(self._time[window]) / self._deviation[window]

    def state(self) -> dict[str, Any]:
        """The sums."""
        return {"level": self._level.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._level.restore(state["level"])


_WINDOWS = ((10,), (20,), (60,), (120,), (252,))


def _line(family: str, formula: str, unit: str, source: str, listed: tuple[tuple[int, ...], ...]) -> Feature:
    return Feature(
        family=family,
        parameters=("window",),
        minimum=(5,),
        formula=formula,
        unit=unit,
        source=source,
        needs=("close",),
        window_bars=int,
        bank=RegressionBank,
        example=(20,),
        listed=listed,
    )


_GREENE = "Greene (2018), Econometric Analysis, ch. 3 and 4"

FEATURES = (
    _line(
        "regression_slope",
        "bars per year times the least-squares slope of ln C on time over the window",
        "log-return per year",
        "TA-Lib LINEARREG_SLOPE of ln C; Murphy (1999), Technical Analysis of the Financial Markets, ch. 9",
        _WINDOWS,
    ),
    _line(
        "regression_r2",
        "share of the variance of ln C that the line explains; NaN where the price stood still",
        "0 to 1",
        _GREENE,
        _WINDOWS,
    ),
    _line(
        "regression_momentum",
        "regression_slope times regression_r2; NaN where the price stood still",
        "log-return per year",
        "Clenow (2015), Stocks on the Move, ch. 6",
        ((60,), (120,), (252,)),
    ),
    _line(
        "regression_zscore",
        "(ln C[t] - line at t) / standard error of the regression (n - 2); NaN where the price stood still or kept to its line",
        "standard errors",
        _GREENE,
        _WINDOWS,
    ),
    _line(
        "regression_tstat",
        "slope over its standard error; NaN where the price stood still or kept to its line",
        "standard errors",
        _GREENE,
        _WINDOWS,
    ),
)
