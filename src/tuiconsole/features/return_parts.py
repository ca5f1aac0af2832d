"""What one-bar returns are made of: downside and upside, jumps, standstills, bounces between bid and ask."""

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

_STANDSTILL = 1e-18
"""Mean squared return below which the price counts as not moving."""

_ONE, _RETURN, _SQUARE, _DOWN, _SIZE, _ZERO = range(6)
_PAIR, _SIZES, _PRODUCT, _PAIR_RETURN, _PAIR_LAST = range(6, 11)
_OF_PAIRS = 6
"""Number of the first family of pairs."""


def _advance(
    inputs: tuple[FloatArray],
    windows: Windows,
    count: int,
    plan: IntArray,
    scale: float,
    extra: FloatArray,
    out: FloatArray,
) -> None:
    """Powers and products of every bar's return, their sums, and the rows of ``plan``."""
    closes, (_, row, sums, observed, _, _) = inputs[0], windows
    for t in range(len(out)):
        _fill(closes[t], closes[t + 1], closes[t + 2], row)
        slide(windows, count + t)
        observe_windows(windows, count + t + 1, 0, _ONE)
        observe_windows(windows, count + t + 1, 1, _PAIR)
        for k in range(len(plan)):
            family, w, w2 = plan[k]
            if family < _OF_PAIRS:
                _of_returns(family, sums[w], observed[0, w], sums[w2], observed[0, w2], scale, out[t, k])
            else:
                _of_pairs(family, sums[w], observed[0, w], observed[1, w], scale, out[t, k])


def _fill(third: FloatArray, second: FloatArray, newest: FloatArray, row: FloatArray) -> None:
    for s in range(len(newest)):
        change = newest[s] - second[s]
        last = second[s] - third[s]
        here = np.isfinite(change)
        pair = here & np.isfinite(last)
        own = change if here else 0.0
        last = last if pair else 0.0
        row[_ONE, s] = 1.0 if here else 0.0
        row[_RETURN, s] = own
        row[_SQUARE, s] = own * own
        row[_DOWN, s] = own * own if own < 0.0 else 0.0
        row[_SIZE, s] = abs(own)
        row[_ZERO, s] = 1.0 if here & (own == 0.0) else 0.0
        row[_PAIR, s] = 1.0 if pair else 0.0
        row[_SIZES, s] = abs(own) * abs(last)
        row[_PRODUCT, s] = own * last
        row[_PAIR_RETURN, s] = own if pair else 0.0
        row[_PAIR_LAST, s] = last


def _of_returns(
    family: int,
    sums: FloatArray,
    count: FloatArray,
    slow: FloatArray,
    slow_count: FloatArray,
    scale: float,
    out: FloatArray,
) -> None:
    square, down = sums[_SQUARE], sums[_DOWN]
    if family == 0:
        for s in range(len(out)):
            out[s] = np.sqrt(scale * _down(down[s], square[s], count[s]))
    elif family == 1:
        for s in range(len(out)):
            out[s] = np.sqrt(scale * (_power(square[s], count[s]) - _down(down[s], square[s], count[s])))
    elif family == 2:
        for s in range(len(out)):
            power = _power(square[s], count[s])
            out[s] = _down(down[s], square[s], count[s]) / (power if power > 0.0 else np.nan)
    elif family == 5:
        total, slow_total, slow_square = sums[_RETURN], slow[_RETURN], slow[_SQUARE]
        for s in range(len(out)):
            over = _variance(total[s], square[s], count[s])
            under = _variance(slow_total[s], slow_square[s], slow_count[s])
            out[s] = np.sqrt((0.0 if over < 0.0 else over) / (under if under >= _STANDSTILL else np.nan))
    else:
        channel = sums[_SIZE if family == 3 else _ZERO]
        for s in range(len(out)):
            out[s] = channel[s] / count[s]


def _power(square: float, count: float) -> float:
    power = square / count
    return 0.0 if power < _STANDSTILL else power


def _down(down: float, square: float, count: float) -> float:
    """Mean of the squares of the losses; never above that of all returns, whatever the rounding."""
    power, mean = _power(square, count), (0.0 if down < 0.0 else down) / count
    return power if mean > power else mean


def _variance(total: float, square: float, count: float) -> float:
    mean = total / count
    return (_power(square, count) - mean * mean) * (count / (count - 1.0))


def _of_pairs(
    family: int, sums: FloatArray, count: FloatArray, pairs: FloatArray, scale: float, out: FloatArray
) -> None:
    sizes = sums[_SIZES]
    if family == _OF_PAIRS:
        for s in range(len(out)):
            out[s] = np.sqrt(scale * _bipower(sizes[s], pairs[s]))
    elif family == _OF_PAIRS + 1:
        square = sums[_SQUARE]
        for s in range(len(out)):
            power = _power(square[s], count[s])
            share = 1.0 - _bipower(sizes[s], pairs[s]) / (power if power > 0.0 else np.nan)
            out[s] = 0.0 if share < 0.0 else share
    else:
        product, own, last = sums[_PRODUCT], sums[_PAIR_RETURN], sums[_PAIR_LAST]
        for s in range(len(out)):
            covariance = product[s] / pairs[s] - (own[s] / pairs[s]) * (last[s] / pairs[s])
            out[s] = 2.0 * np.sqrt(0.0 if covariance > 0.0 else -covariance)


def _bipower(sizes: float, pairs: float) -> float:
    return (0.0 if sizes < 0.0 else sizes) * (0.5 * math.pi) / pairs


class ReturnPartsBank(CompiledBank):
    """Sums of powers and products of one-bar log-returns and of neighbouring pairs of them.

    A return is an observation when both of its closes are good, a pair when both of its returns are.
    """

    panel_window = 3
    channels = 11
    presences = (_ONE, _PAIR)
    families: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "downside_volatility": (_SQUARE, _DOWN),
        "upside_volatility": (_SQUARE, _DOWN),
        "downside_share": (_SQUARE, _DOWN),
        "mean_absolute_return": (_SIZE,),
        "zero_return_share": (_ZERO,),
        "volatility_ratio": (_RETURN, _SQUARE),
        "bipower_volatility": (_SIZES,),
        "jump_share": (_SQUARE, _SIZES),
        "roll_spread": (_PRODUCT, _PAIR_RETURN, _PAIR_LAST),
    }
    kernel = staticmethod(_advance)
    parts = (_fill, _of_returns, _power, _down, _variance, _of_pairs, _bipower)

    def inputs(self, panel: Panel, bars: int) -> tuple[FloatArray, ...]:
        """Log closes, two bars more than asked for."""
        return (panel.stretch("log_close", bars, 2),)


def _entry(
    family: str, formula: str, unit: str, source: str, listed: tuple[tuple[int, ...], ...], two: bool = False
) -> Feature:
    return Feature(
        family=family,
        parameters=("fast", "slow") if two else ("window",),
        minimum=(5, 6) if two else (5,),
        formula=formula,
        unit=unit,
        source=source,
        needs=("close",),
        window_bars=lambda *windows: max(windows) + 1,
        bank=ReturnPartsBank,
        example=(10, 40) if two else (20,),
        listed=listed,
    )


_YEAR = "fraction per year"
_SEMI = "Barndorff-Nielsen, Kinnebrock, Shephard (2010), in Volatility and Time Series Econometrics, ch. 7"
_BIPOWER = "Barndorff-Nielsen, Shephard (2004), Journal of Financial Econometrics 2(1), eq. 6 and 7"
_STILL = "; NaN where the price stood still"

FEATURES = (
    _entry(
        "downside_volatility",
        "sqrt(bars per year times mean of min(r, 0)^2)",
        _YEAR,
        _SEMI,
        ((5,), (10,), (20,), (60,), (120,)),
    ),
    _entry(
        "upside_volatility",
        "sqrt(bars per year times mean of max(r, 0)^2)",
        _YEAR,
        _SEMI,
        ((5,), (10,), (20,), (60,), (120,)),
    ),
    _entry(
        "downside_share",
        "sum of min(r, 0)^2 / sum of r^2" + _STILL,
        "0 to 1",
        _SEMI,
        ((20,), (60,), (120,), (252,)),
    ),
    _entry(
        "bipower_volatility",
        "sqrt(bars per year times pi / 2 times mean of |r[t]| |r[t-1]|)",
        _YEAR,
        _BIPOWER,
        ((10,), (20,), (60,), (120,)),
    ),
    _entry(
        "jump_share",
        "max(0, 1 - (pi / 2 mean of |r[t]| |r[t-1]|) / mean of r^2)" + _STILL,
        "0 to 1",
        _BIPOWER,
        ((20,), (60,), (120,)),
    ),
    _entry(
        "volatility_ratio",
        "realised_volatility(fast) / realised_volatility(slow)" + _STILL,
        "ratio",
        "Kaufman (2013), Trading Systems and Methods, ch. 20",
        ((5, 20), (10, 60), (20, 60), (20, 120), (60, 252)),
        two=True,
    ),
    _entry(
        "mean_absolute_return",
        "mean of |r|",
        "log-return",
        "Taylor (1986), Modelling Financial Time Series; Ding, Granger, Engle (1993), Journal of Empirical Finance 1(1)",
        ((5,), (20,), (60,)),
    ),
    _entry(
        "zero_return_share",
        "share of returns that are exactly zero",
        "0 to 1",
        "Lesmond, Ogden, Trzcinka (1999), Review of Financial Studies 12(5)",
        ((20,), (60,), (252,)),
    ),
    _entry(
        "roll_spread",
        "2 sqrt(max(0, -cov(r[t], r[t-1])))",
        "fraction of the price",
        "Roll (1984), Journal of Finance 39(4); zero where the covariance is positive",
        ((20,), (60,), (120,)),
    ),
)
