"""Volatility from opens, highs, lows and closes: Parkinson, Garman-Klass, Rogers-Satchell, Yang-Zhang."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.features.compiled import CompiledBank, Windows, observe_windows, slide
from tuiconsole.features.contract import Feature

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_KLASS = 2.0 * math.log(2.0) - 1.0
_PARKINSON = 1.0 / (4.0 * math.log(2.0))
_BAR, _HIGH_LOW, _GARMAN_KLASS, _ROGERS_SATCHELL = range(4)
_NIGHT, _OVER, _OVER_SQUARE, _DAY, _DAY_SQUARE, _NIGHT_ROGERS_SATCHELL = range(4, 10)


def _advance(
    inputs: tuple[FloatArray, ...],
    windows: Windows,
    count: int,
    plan: IntArray,
    scale: float,
    extra: FloatArray,
    out: FloatArray,
) -> None:
    open_, high, low, close = inputs
    _, row, sums, observed, _, _ = windows
    for t in range(len(out)):
        _fill(close[t], open_[t + 1], high[t + 1], low[t + 1], close[t + 1], row)
        slide(windows, count + t)
        observe_windows(windows, count + t + 1, 0, _BAR)
        observe_windows(windows, count + t + 1, 1, _NIGHT)
        for k in range(len(plan)):
            family, w = plan[k, 0], plan[k, 1]
            if family < 3:
                _of_ranges(family, sums[w], observed[0, w], scale, out[t, k])
            else:
                _yang_zhang(sums[w], observed[1, w], scale, out[t, k])


def _fill(
    before: FloatArray,
    open_: FloatArray,
    highs: FloatArray,
    lows: FloatArray,
    close: FloatArray,
    row: FloatArray,
) -> None:
    for s in range(len(close)):
        over = open_[s] - before[s]
        high, low, day = highs[s] - open_[s], lows[s] - open_[s], close[s] - open_[s]
        spread = (high - low) * (high - low)
        garman_klass = 0.5 * spread - _KLASS * (day * day)
        rogers_satchell = high * (high - day) + low * (low - day)
        here = np.isfinite(garman_klass)
        night = here & np.isfinite(over)
        row[_BAR, s] = 1.0 if here else 0.0
        row[_HIGH_LOW, s] = spread if here else 0.0
        row[_GARMAN_KLASS, s] = garman_klass if here else 0.0
        row[_ROGERS_SATCHELL, s] = rogers_satchell if here else 0.0
        row[_NIGHT, s] = 1.0 if night else 0.0
        row[_OVER, s] = over if night else 0.0
        row[_OVER_SQUARE, s] = over * over if night else 0.0
        row[_DAY, s] = day if night else 0.0
        row[_DAY_SQUARE, s] = day * day if night else 0.0
        row[_NIGHT_ROGERS_SATCHELL, s] = rogers_satchell if night else 0.0


def _of_ranges(family: int, sums: FloatArray, count: FloatArray, scale: float, out: FloatArray) -> None:
    terms = sums[_HIGH_LOW if family == 0 else (_GARMAN_KLASS if family == 1 else _ROGERS_SATCHELL)]
    factor = _PARKINSON if family == 0 else 1.0
    for s in range(len(out)):
        out[s] = _annual(factor * (terms[s] / count[s]), scale)


def _annual(variance: float, scale: float) -> float:
    return float(np.sqrt((0.0 if variance < 0.0 else variance) * scale))  # rounding may take it below zero


def _yang_zhang(sums: FloatArray, counts: FloatArray, scale: float, out: FloatArray) -> None:
    overs, overs2, days, days2 = sums[_OVER], sums[_OVER_SQUARE], sums[_DAY], sums[_DAY_SQUARE]
    insides = sums[_NIGHT_ROGERS_SATCHELL]
    for s in range(len(out)):
        count = counts[s]
        less = count - 1.0
        share = 0.34 / (1.34 + (count + 1.0) / less)
        over = (overs2[s] - overs[s] * overs[s] / count) / less
        day = (days2[s] - days[s] * days[s] / count) / less
        out[s] = _annual(over + share * day + (1.0 - share) * (insides[s] / count), scale)


class RangeVolatilityBank(CompiledBank):
    """Sums of the range estimators' terms over sliding windows, annualised.

    A bar is an observation when all four of its prices are there; for Yang-Zhang also the close before it.
    """

    panel_window = 2
    first_bar = 0
    channels = 10
    presences = (_BAR, _NIGHT)
    families: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "parkinson": (_HIGH_LOW,),
        "garman_klass": (_GARMAN_KLASS,),
        "rogers_satchell": (_ROGERS_SATCHELL,),
        "yang_zhang": (_OVER, _OVER_SQUARE, _DAY, _DAY_SQUARE, _NIGHT_ROGERS_SATCHELL),
    }
    kernel = staticmethod(_advance)
    parts = (_fill, _of_ranges, _annual, _yang_zhang)

    def inputs(self, panel: Panel, bars: int) -> tuple[FloatArray, ...]:
        """Logarithms of all prices, one bar more than asked for."""
        ranges = (np.log(panel.stretch(name, bars, 1)) for name in ("open", "high", "low"))
        return (*ranges, panel.stretch("log_close", bars, 1))


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
