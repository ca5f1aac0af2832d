"""Where the close lies in the range of the last bars, and whether that range was a trend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.contract import Feature, Request, Rows
from tuiconsole.features.rolling_extremes import RollingExtremes
from tuiconsole.features.rolling_sums import RollingSums, observe
from tuiconsole.features.windowed import Formula, WindowedBank

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel


class PriceRangeBank(WindowedBank):
    """Highest high, lowest low and true range over sliding windows.

    The true range of a bar whose last bar is missing is taken from the last close observed.
    """

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self._extremes = RollingExtremes(self.windows, 2, n_symbols)
        self._sums = RollingSums(self.windows, 3, n_symbols)
        self._row: FloatArray = np.zeros((3, n_symbols))
        self._limits: FloatArray = np.zeros((2, n_symbols))
        self._previous: FloatArray = np.full(n_symbols, np.nan)
        self._log_window = np.log10(np.array(self.windows, dtype=np.float64))[:, None]
        self._close = self._high = self._low = self._width = self._true = self.values

    def formulas(self) -> Mapping[str, Formula]:
        """Family → its formula."""
        return {
            "williams_r": self._williams_r,
            "high_distance": self._high_distance,
            "low_distance": self._low_distance,
            "choppiness": self._choppiness,
        }

    def update(self, panel: Panel) -> None:
        """Take in the newest high, low and close."""
        close = self._close = panel.latest("close")
        high, low = panel.latest("high"), panel.latest("low")
        row, limits = self._row, self._limits
        np.add(close, high, out=limits[0])
        limits[0] += low
        present = np.isfinite(limits[0])
        row[0] = present
        true_range = np.maximum(high, self._previous) - np.minimum(low, self._previous)
        of_range = observe(true_range, row[1], row[2])
        np.copyto(self._previous, close, where=present)
        limits[0] = high
        np.negative(low, out=limits[1])
        if np.count_nonzero(present) < present.size:
            limits[:, ~present] = -np.inf
        self._extremes.push(limits)
        self._sums.push(row)
        known = 0.0 * self._sums.observations(present)
        self._high = self._extremes.maxima[:, 0] + known
        self._low = known - self._extremes.maxima[:, 1]
        self._width = self._high - self._low
        if np.count_nonzero(self._width) < self._width.size:
            self._width[self._width == 0.0] = np.nan
        self._true = self._sums.sums[:, 2] / self._sums.observations(of_range, 1)
        self.fill()

    def _williams_r(self, window: Rows) -> FloatArray:
        return 100.0 * (self._close - self._high[window]) / self._width[window]

    def _high_distance(self, window: Rows) -> FloatArray:
        return np.log(self._close / self._high[window])

    def _low_distance(self, window: Rows) -> FloatArray:
        return np.log(self._close / self._low[window])

    def _choppiness(self, window: Rows) -> FloatArray:
        spread = np.log10(self._true[window] / self._width[window])
        spread /= self._log_window[window]
        spread += 1.0
        spread *= 100.0
        return spread

    def state(self) -> dict[str, Any]:
        """Extremes, sums and the last close observed."""
        return {
            "extremes": self._extremes.state(),
            "sums": self._sums.state(),
            "previous": self._previous.copy(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._extremes.restore(state["extremes"])
        self._sums.restore(state["sums"])
        self._previous[...] = state["previous"]


_RANGES = ("high", "low", "close")
_GEORGE = "George, Hwang (2004), Journal of Finance 59(5)"
_STILL = "; NaN where the price stood still"


def _entry(
    family: str,
    formula: str,
    unit: str,
    source: str,
    listed: tuple[tuple[int, ...], ...],
    minimum: int = 2,
) -> Feature:
    return Feature(
        family=family,
        parameters=("window",),
        minimum=(minimum,),
        formula=formula,
        unit=unit,
        source=source,
        needs=_RANGES,
        window_bars=int,
        bank=PriceRangeBank,
        example=(14,),
        listed=listed,
    )


FEATURES = (
    _entry(
        "williams_r",
        "-100 (max H - C[t]) / (max H - min L)" + _STILL,
        "-100 (at the low) to 0 (at the high)",
        "Williams (1979), How I Made One Million Dollars; TA-Lib WILLR",
        ((14,), (28,), (60,)),
    ),
    _entry(
        "high_distance", "ln(C[t] / max H over the window)", "log-return", _GEORGE, ((20,), (60,), (252,))
    ),
    _entry("low_distance", "ln(C[t] / min L over the window)", "log-return", _GEORGE, ((20,), (60,), (252,))),
    _entry(
        "choppiness",
        "100 log10(window mean true range / (max H - min L)) / log10 window" + _STILL,
        "about 0 (trend) to 100 (none)",
        "Dreiss, the choppiness index, as in Kaufman (2013), Trading Systems and Methods, ch. 20",
        ((14,), (28,), (60,)),
        minimum=5,
    ),
)
