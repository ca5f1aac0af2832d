"""What happened overnight, within the bar, and where the bar closed in its range."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.features.compiled import CompiledBank, Windows, observe_windows, slide
from tuiconsole.features.contract import Feature

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_STANDSTILL = 1e-18
"""Variance of overnight returns below which there are none."""

_BAR, _DAY, _BODY, _PLACE, _UPPER, _LOWER, _NIGHT, _OVER, _OVER_SQUARE = range(9)


def _advance(
    inputs: tuple[FloatArray, ...],
    windows: Windows,
    count: int,
    plan: IntArray,
    scale: float,
    extra: FloatArray,
    out: FloatArray,
) -> None:
    opens, log_opens, highs, lows, closes, log_closes = inputs
    _, row, sums, observed, _, _ = windows
    for t in range(len(out)):
        now = t + 1
        _fill_shapes(opens[now], highs[now], lows[now], closes[now], row)
        _fill_returns(log_closes[t], log_opens[now], log_closes[now], row)
        slide(windows, count + t)
        observe_windows(windows, count + t + 1, 0, _BAR)
        observe_windows(windows, count + t + 1, 1, _NIGHT)
        for k in range(len(plan)):
            family, w = plan[k, 0], plan[k, 1]
            channel = _OVER if family < 2 else family - 1
            _of_bars(family == 1, channel, row, sums[w], observed[1 if family < 2 else 0, w], out[t, k])


def _fill_shapes(
    open_: FloatArray, high: FloatArray, low: FloatArray, close: FloatArray, row: FloatArray
) -> None:
    for s in range(len(close)):
        width = high[s] - low[s]
        here = np.isfinite(width) & np.isfinite(close[s] + open_[s])
        flat = width == 0.0
        width = np.inf if flat else width
        top, bottom = max(open_[s], close[s]), min(open_[s], close[s])
        row[_BAR, s] = 1.0 if here else 0.0
        row[_BODY, s] = (close[s] - open_[s]) / width if here else 0.0
        row[_PLACE, s] = (0.5 if flat else (close[s] - low[s]) / width) if here else 0.0
        row[_UPPER, s] = (high[s] - top) / width if here else 0.0
        row[_LOWER, s] = (bottom - low[s]) / width if here else 0.0


def _fill_returns(before: FloatArray, open_: FloatArray, close: FloatArray, row: FloatArray) -> None:
    for s in range(len(close)):
        over = open_[s] - before[s]
        here = row[_BAR, s] > 0.0
        night = here & np.isfinite(over)
        row[_DAY, s] = close[s] - open_[s] if here else 0.0
        row[_NIGHT, s] = 1.0 if night else 0.0
        row[_OVER, s] = over if night else 0.0
        row[_OVER_SQUARE, s] = over * over if night else 0.0


def _of_bars(
    score: bool, channel: int, row: FloatArray, sums: FloatArray, count: FloatArray, out: FloatArray
) -> None:
    total, square, newest = sums[channel], sums[_OVER_SQUARE], row[_OVER]
    if score:
        for s in range(len(out)):
            mean = total[s] / count[s]
            variance = square[s] / count[s] - mean * mean
            out[s] = (newest[s] - mean) / np.sqrt(variance if variance >= _STANDSTILL else np.nan)
    else:
        for s in range(len(out)):
            out[s] = total[s] / count[s]


class BarShapeBank(CompiledBank):
    """Means over sliding windows of what single bars look like; a window of 1 is the newest bar.

    A bar without a range has no body and no shadows and closes in its middle.
    """

    panel_window = 2
    first_bar = 0
    channels = 9
    presences = (_BAR, _NIGHT)
    families: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "overnight_return": (_OVER,),
        "overnight_zscore": (_OVER, _OVER_SQUARE),
        "intraday_return": (_DAY,),
        "balance_of_power": (_BODY,),
        "close_location": (_PLACE,),
        "upper_shadow": (_UPPER,),
        "lower_shadow": (_LOWER,),
    }
    kernel = staticmethod(_advance)
    parts = (_fill_shapes, _fill_returns, _of_bars)

    def inputs(self, panel: Panel, bars: int) -> tuple[FloatArray, ...]:
        """Prices and their logarithms, one bar more than asked for."""
        opens, *others = (
            panel.stretch(name, bars, 1) for name in ("open", "high", "low", "close", "log_close")
        )
        return (opens, np.log(opens), *others)


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
