"""Volatility from opens, highs, lows and closes: Parkinson, Garman-Klass, Rogers-Satchell, Yang-Zhang."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.contract import Feature, Request, Rows
from tuiconsole.features.rolling_sums import RollingSums
from tuiconsole.features.windowed import Formula, WindowedBank

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_KLASS = 2.0 * math.log(2.0) - 1.0
_PARKINSON = 1.0 / (4.0 * math.log(2.0))
_BAR, _HIGH_LOW, _GARMAN_KLASS, _ROGERS_SATCHELL = range(4)
_NIGHT, _OVER, _OVER_SQUARE, _DAY, _DAY_SQUARE, _NIGHT_ROGERS_SATCHELL = range(4, 10)


class RangeVolatilityBank(WindowedBank):
    """Sums of the range estimators' terms over sliding windows, annualised.

    A bar is an observation when all four of its prices are there; for Yang-Zhang also the close before it.
    """

    panel_window = 2

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self._sums = RollingSums(self.windows, 10, n_symbols)
        self._row: FloatArray = np.zeros((10, n_symbols))
        self._bars = self._nights = self.values

    def formulas(self) -> Mapping[str, Formula]:
        """Family → its formula."""
        return {
            "parkinson": self._parkinson,
            "garman_klass": self._garman_klass,
            "rogers_satchell": self._rogers_satchell,
            "yang_zhang": self._yang_zhang,
        }

    def update(self, panel: Panel) -> None:
        """Take in the newest open, high, low and close."""
        open_, row = np.log(panel.latest("open")), self._row
        over = open_ - panel.ago("log_close", 1)
        high, low = np.log(panel.latest("high")) - open_, np.log(panel.latest("low")) - open_
        day = panel.latest("log_close") - open_
        spread = high - low
        np.multiply(spread, spread, out=row[_HIGH_LOW])
        np.multiply(day, day, out=row[_DAY_SQUARE])
        np.multiply(row[_HIGH_LOW], 0.5, out=row[_GARMAN_KLASS])
        row[_GARMAN_KLASS] -= _KLASS * row[_DAY_SQUARE]
        np.multiply(high, high - day, out=row[_ROGERS_SATCHELL])
        row[_ROGERS_SATCHELL] += low * (low - day)
        present = np.isfinite(row[_GARMAN_KLASS])
        row[_BAR] = present
        row[_OVER], row[_DAY] = over, day
        np.multiply(over, over, out=row[_OVER_SQUARE])
        row[_NIGHT_ROGERS_SATCHELL] = row[_ROGERS_SATCHELL]
        whole = np.isfinite(over)
        whole &= present
        row[_NIGHT] = whole
        if np.count_nonzero(whole) < whole.size:
            row[_HIGH_LOW : _ROGERS_SATCHELL + 1, ~present] = 0.0
            row[_OVER:, ~whole] = 0.0
        self._sums.push(row)
        self._bars = self._sums.observations(present)
        self._nights = self._sums.observations(whole, _NIGHT)
        self.fill()

    def _annual(self, variance: FloatArray) -> FloatArray:
        np.maximum(variance, 0.0, out=variance)  # rounding
        variance *= self.bars_per_year
        return np.sqrt(variance, out=variance)

    def _mean(self, channel: int, window: Rows) -> FloatArray:
        return self._sums.sums[window, channel] / self._bars[window]

    def _parkinson(self, window: Rows) -> FloatArray:
        return self._annual(_PARKINSON * self._mean(_HIGH_LOW, window))

    def _garman_klass(self, window: Rows) -> FloatArray:
        return self._annual(self._mean(_GARMAN_KLASS, window))

    def _rogers_satchell(self, window: Rows) -> FloatArray:
        return self._annual(self._mean(_ROGERS_SATCHELL, window))

    def _yang_zhang(self, window: Rows) -> FloatArray:
        sums, count = self._sums.sums[window], self._nights[window]
        less = count - 1.0
        share = 0.34 / (1.34 + (count + 1.0) / less)
        over = (sums[:, _OVER_SQUARE] - sums[:, _OVER] * sums[:, _OVER] / count) / less
        day = (sums[:, _DAY_SQUARE] - sums[:, _DAY] * sums[:, _DAY] / count) / less
        inside = sums[:, _NIGHT_ROGERS_SATCHELL] / count
        return self._annual(over + share * day + (1.0 - share) * inside)

    def state(self) -> dict[str, Any]:
        """The sums."""
        return {"sums": self._sums.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._sums.restore(state["sums"])


_ALL = ("open", "high", "low", "close")
_YEAR = "sqrt(bars per year times "


def _entry(
    family: str, formula: str, source: str, needs: tuple[str, ...] = _ALL, minimum: int = 2
) -> Feature:
    return Feature(
        family=family,
        parameters=("window",),
        minimum=(minimum,),
        formula=formula,
        unit="fraction per year",
        source=source,
        needs=needs,
        window_bars=int,
        bank=RangeVolatilityBank,
        example=(20,),
        listed=((5,), (10,), (20,), (60,), (120,)),
    )


FEATURES = (
    _entry(
        "parkinson",
        _YEAR + "mean of ln(H/L)^2 / (4 ln 2))",
        "Parkinson (1980), Journal of Business 53(1)",
    ),
    _entry(
        "garman_klass",
        _YEAR + "mean of 0.5 ln(H/L)^2 - (2 ln 2 - 1) ln(C/O)^2)",
        "Garman, Klass (1980), Journal of Business 53(1), eq. 19a",
    ),
    _entry(
        "rogers_satchell",
        _YEAR + "mean of ln(H/O) ln(H/C) + ln(L/O) ln(L/C))",
        "Rogers, Satchell (1991), Annals of Applied Probability 1(4)",
    ),
    _entry(
        "yang_zhang",
        _YEAR + "(var ln(O/C[t-1]) + k var ln(C/O) + (1 - k) rogers_satchell variance)), "
        "k = 0.34 / (1.34 + (n + 1) / (n - 1))",
        "Yang, Zhang (2000), Journal of Business 73(3), eq. 8 and 10",
        minimum=5,
    ),
)
