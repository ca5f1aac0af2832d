"""Where the close lies in the range of the last bars, and whether that range was a trend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.features.compiled import CompiledBank, Windows, observe_windows, slide
from tuiconsole.features.compiled_extremes import forget_extremes, push_extremes
from tuiconsole.features.contract import Feature, Request

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel


_BAR, _RANGED, _RANGE, _HIGH, _LOW = range(5)


def _advance(
    inputs: tuple[FloatArray, ...],
    windows: Windows,
    count: int,
    plan: IntArray,
    scale: float,
    extra: FloatArray,
    out: FloatArray,
) -> None:
    highs, lows, closes = inputs
    _, row, sums, observed, lengths, _ = windows
    n = len(lengths)
    for t in range(len(out)):
        _fill(highs[t], lows[t], closes[t], extra[0], row)
        slide(windows, count + t)
        push_extremes(windows, count + t, _HIGH, extra, 1)
        push_extremes(windows, count + t, _LOW, extra, 1 + 2 * n)
        observe_windows(windows, count + t + 1, 0, _BAR)
        observe_windows(windows, count + t + 1, 1, _RANGED)
        for k in range(len(plan)):
            family, w = plan[k, 0], plan[k, 1]
            high, low = extra[1 + 2 * w], extra[1 + 2 * (n + w)]
            if family == 3:
                _choppiness(high, low, sums[w], observed[:, w], lengths[w], out[t, k])
            else:
                _of_place(family, closes[t], high, low, observed[0, w], out[t, k])


def _fill(
    highs: FloatArray, lows: FloatArray, closes: FloatArray, previous: FloatArray, row: FloatArray
) -> None:
    for s in range(len(closes)):
        high, low, last = highs[s], lows[s], previous[s]
        here, ranged = np.isfinite(closes[s] + high + low), np.isfinite(high + low + last)
        width = (last if last > high else high) - (last if last < low else low)
        row[_BAR, s] = 1.0 if here else 0.0
        row[_RANGED, s] = 1.0 if ranged else 0.0
        row[_RANGE, s] = width if ranged else 0.0
        row[_HIGH, s] = high if here else -np.inf
        row[_LOW, s] = -low if here else -np.inf
        previous[s] = closes[s] if here else last


def _of_place(
    family: int, close: FloatArray, high: FloatArray, low: FloatArray, count: FloatArray, out: FloatArray
) -> None:
    if family == 0:
        for s in range(len(out)):
            width = high[s] + low[s] + 0.0 * count[s]
            out[s] = 100.0 * (close[s] - high[s]) / (width if width != 0.0 else np.nan)
    elif family == 1:
        for s in range(len(out)):
            out[s] = np.log(close[s] / (high[s] + 0.0 * count[s]))
    else:
        for s in range(len(out)):
            out[s] = np.log(close[s] / (0.0 * count[s] - low[s]))


def _choppiness(
    high: FloatArray, low: FloatArray, sums: FloatArray, counts: FloatArray, length: int, out: FloatArray
) -> None:
    scale = 100.0 / np.log(float(length))
    ranges = sums[_RANGE]
    for s in range(len(out)):
        width = high[s] + low[s] + 0.0 * counts[0, s]
        out[s] = np.log(ranges[s] / counts[1, s] / (width if width != 0.0 else np.nan)) * scale + 100.0


class PriceRangeBank(CompiledBank):
    """Highest high, lowest low and true range over sliding windows.

    The true range of a bar whose last bar is missing is taken from the last close observed.
    """

    first_bar = 0
    channels = 5
    presences = (_BAR, _RANGED)
    families: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "williams_r": (),
        "high_distance": (),
        "low_distance": (),
        "choppiness": (_RANGE,),
    }
    kernel = staticmethod(_advance)
    parts = (push_extremes, _fill, _of_place, _choppiness)

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        n_windows = len({request.parameters[0] for request in requests})
        self.n_extra = 1 + 4 * n_windows
        super().__init__(requests, n_symbols, bars_per_year)
        forget_extremes(self.extra, 1, 2 * n_windows)

    def inputs(self, panel: Panel, bars: int) -> tuple[FloatArray, ...]:
        """Prices."""
        return tuple(panel.stretch(name, bars) for name in _RANGES)


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
