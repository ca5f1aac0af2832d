"""What happened overnight, within the bar, and where the bar closed in its range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.contract import Feature, Request, Rows
from tuiconsole.features.rolling_sums import RollingSums, blank
from tuiconsole.features.windowed import Formula, WindowedBank

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_STANDSTILL = 1e-18
"""Variance of overnight returns below which there are none."""

_BAR, _DAY, _BODY, _PLACE, _UPPER, _LOWER, _NIGHT, _OVER, _OVER_SQUARE = range(9)


class BarShapeBank(WindowedBank):
    """Means over sliding windows of what single bars look like; a window of 1 is the newest bar.

    A bar without a range has no body and no shadows and closes in its middle.
    """

    panel_window = 2

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self._sums = RollingSums(self.windows, 9, n_symbols)
        self._row: FloatArray = np.zeros((9, n_symbols))
        self._over = self._bars = self._nights = self.values

    def formulas(self) -> Mapping[str, Formula]:
        """Family → its formula."""
        return {
            "overnight_return": self._overnight_return,
            "overnight_zscore": self._overnight_zscore,
            "intraday_return": lambda window: self._mean(_DAY, window),
            "balance_of_power": lambda window: self._mean(_BODY, window),
            "close_location": lambda window: self._mean(_PLACE, window),
            "upper_shadow": lambda window: self._mean(_UPPER, window),
            "lower_shadow": lambda window: self._mean(_LOWER, window),
        }

    def update(self, panel: Panel) -> None:
        """Take in the newest open, high, low and close."""
        open_, high, low, close = (panel.latest(field) for field in ("open", "high", "low", "close"))
        row = self._row
        log_open = np.log(open_)
        np.subtract(panel.latest("log_close"), log_open, out=row[_DAY])
        self._over = np.subtract(log_open, panel.ago("log_close", 1), out=row[_OVER]).copy()
        np.multiply(row[_OVER], row[_OVER], out=row[_OVER_SQUARE])
        width = high - low
        present = np.isfinite(width)
        present &= np.isfinite(row[_DAY])
        flat = width == 0.0
        if np.count_nonzero(flat):
            width[flat] = np.inf
        np.divide(close - open_, width, out=row[_BODY])
        np.divide(close - low, width, out=row[_PLACE])
        np.divide(high - np.maximum(open_, close), width, out=row[_UPPER])
        np.divide(np.minimum(open_, close) - low, width, out=row[_LOWER])
        row[_PLACE, flat] = 0.5
        row[_BAR] = present
        whole = np.isfinite(row[_OVER])
        whole &= present
        row[_NIGHT] = whole
        if np.count_nonzero(whole) < whole.size:
            row[_DAY:_NIGHT, ~present] = 0.0
            row[_OVER:, ~whole] = 0.0
        self._sums.push(row)
        self._bars = self._sums.observations(present)
        self._nights = self._sums.observations(whole, _NIGHT)
        self.fill()

    def _mean(self, channel: int, window: Rows) -> FloatArray:
        return self._sums.sums[window, channel] / self._bars[window]

    def _overnight_return(self, window: Rows) -> FloatArray:
        return self._sums.sums[window, _OVER] / self._nights[window]

    def _overnight_zscore(self, window: Rows) -> FloatArray:
        count = self._nights[window]
        mean = self._sums.sums[window, _OVER] / count
        variance = self._sums.sums[window, _OVER_SQUARE] / count - mean * mean
        blank(variance, variance < _STANDSTILL)
        return (self._over - mean) / np.sqrt(variance)

    def state(self) -> dict[str, Any]:
        """The sums."""
        return {"sums": self._sums.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._sums.restore(state["sums"])


_ALL = ("open", "high", "low", "close")
_NISON = "Nison (1991), Japanese Candlestick Charting Techniques, ch. 3"


def _entry(
    family: str,
    formula: str,
    unit: str,
    source: str,
    listed: tuple[tuple[int, ...], ...],
    overnight: bool = False,
) -> Feature:
    return Feature(
        family=family,
        parameters=("window",),
        minimum=(5,) if overnight else (1,),
        formula=formula,
        unit=unit,
        source=source,
        needs=_ALL,
        window_bars=int,
        bank=BarShapeBank,
        example=(5,),
        listed=listed,
    )


_LOU = "Lou, Polk, Skouras (2019), Journal of Financial Economics 134(1)"

FEATURES = (
    Feature(
        family="overnight_return",
        parameters=("window",),
        minimum=(1,),
        formula="mean of ln(O[t] / C[t-1]) over the window",
        unit="log-return per bar",
        source=_LOU,
        needs=_ALL,
        window_bars=lambda window: int(window) + (window < 5),
        bank=BarShapeBank,
        example=(5,),
        listed=((1,), (5,), (20,), (60,)),
    ),
    _entry(
        "overnight_zscore",
        "(ln(O[t] / C[t-1]) - its mean) / its standard deviation (ddof 0) over the window; "
        "NaN where the price stood still",
        "standard deviations",
        _LOU,
        ((20,), (60,)),
        overnight=True,
    ),
    _entry(
        "intraday_return",
        "mean of ln(C / O) over the window",
        "log-return per bar",
        _LOU,
        ((1,), (5,), (20,), (60,)),
    ),
    _entry(
        "balance_of_power",
        "mean of (C - O) / (H - L), 0 for a bar without range",
        "-1 to 1",
        "Livshin (2001), Technical Analysis of Stocks & Commodities 19(8); TA-Lib BOP",
        ((1,), (5,), (20,)),
    ),
    _entry(
        "close_location",
        "mean of (C - L) / (H - L), 0.5 for a bar without range",
        "0 (at the low) to 1 (at the high)",
        "Chaikin's money flow multiplier, as in Achelis (2000), Technical Analysis from A to Z",
        ((1,), (5,), (20,)),
    ),
    _entry("upper_shadow", "mean of (H - max(O, C)) / (H - L)", "share of the range", _NISON, ((1,), (5,))),
    _entry("lower_shadow", "mean of (min(O, C) - L) / (H - L)", "share of the range", _NISON, ((1,), (5,))),
)
