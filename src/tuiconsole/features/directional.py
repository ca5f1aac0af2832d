"""Wilder's directional movement: +DI, -DI and ADX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.features.compiled import CompiledBank, Windows
from tuiconsole.features.contract import Feature, Request, distinct

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel


_COUNT, _SEEN, _AVERAGE, _PLUS = range(3, 7)
"""Kept of a period after its three sums: moves, indices and their average; from the last place on what is shown."""
_KEPT = 9


def _advance(
    inputs: tuple[FloatArray, FloatArray, FloatArray, IntArray],
    windows: Windows,
    count: int,
    plan: IntArray,
    scale: float,
    extra: FloatArray,
    out: FloatArray,
) -> None:
    """``extra`` holds the last high, low and close observed; then for each period three sums, moves, and ADX."""
    highs, lows, closes, periods = inputs
    for t in range(len(out)):
        for p in range(len(periods)):
            first = 3 + _KEPT * p
            _move(highs[t], lows[t], closes[t], periods[p], extra[:3], extra[first : first + _KEPT])
        for s in range(closes.shape[1]):
            if np.isfinite(highs[t, s] + lows[t, s] + closes[t, s]):
                extra[0, s], extra[1, s], extra[2, s] = highs[t, s], lows[t, s], closes[t, s]
        for k in range(len(plan)):
            shown = extra[3 + _KEPT * plan[k, 2] + _PLUS + plan[k, 0]]
            for s in range(closes.shape[1]):
                out[t, k, s] = shown[s]


def _move(
    high: FloatArray, low: FloatArray, close: FloatArray, period: int, last: FloatArray, kept: FloatArray
) -> None:
    """The newest moves into the sums of one period, and what is shown of them."""
    for s in range(len(close)):
        up, down = high[s] - last[0, s], last[1, s] - low[s]
        width = max(high[s], last[2, s]) - min(low[s], last[2, s])
        present = np.isfinite(width + up + down)
        count = kept[_COUNT, s] + (1.0 if present else 0.0)
        ripe = present & (count >= period)
        keep = 1.0 - 1.0 / period if ripe else 1.0
        kept[_COUNT, s] = count
        if present:
            kept[0, s] = kept[0, s] * keep + width
            kept[1, s] = kept[1, s] * keep + (up if (up > 0.0) & (up > down) else 0.0)
            kept[2, s] = kept[2, s] * keep + (down if (down > 0.0) & (down > up) else 0.0)
        share = 100.0 / (kept[0, s] if ripe & (kept[0, s] > 0.0) else np.nan)
        plus, minus = kept[1, s] * share, kept[2, s] * share
        total = plus + minus
        index = abs(plus - minus) / (total if total != 0.0 else np.nan) * 100.0
        known = np.isfinite(index)
        seen = kept[_SEEN, s] + (1.0 if known else 0.0)
        average = kept[_AVERAGE, s]
        if known:
            average += (index - average) * (1.0 / period) if seen > period else index
            average = average / period if seen == period else average
        kept[_SEEN, s], kept[_AVERAGE, s] = seen, average
        kept[_PLUS, s], kept[_PLUS + 1, s] = plus, minus
        kept[_PLUS + 2, s] = average if known & (seen >= period) else np.nan


class DirectionalBank(CompiledBank):
    """Wilder sums of the true range and of the moves up and down; moves are from the last bar observed.

    A sum takes its first ``period - 1`` moves whole, as TA-Lib's does, and loses ``1 / period`` of itself with each
    further one.
    """

    first_bar = 0
    channels = 1
    families: ClassVar[Mapping[str, tuple[int, ...]]] = dict.fromkeys(("plus_di", "minus_di", "adx"), ())
    kernel = staticmethod(_advance)
    parts = (_move,)

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        self._periods: IntArray = np.array(distinct(requests), dtype=np.int64)
        self.n_extra = 3 + _KEPT * len(self._periods)
        super().__init__(requests, n_symbols, bars_per_year)
        self.extra[3:] = 0.0

    def windows_of(self, request: Request) -> tuple[int, ...]:
        """No parameter is a window."""
        return (1,)

    def places(self, request: Request) -> tuple[int, int]:
        """The place of the period."""
        return 0, self._periods.tolist().index(request.parameters[0])

    def inputs(self, panel: Panel, bars: int) -> tuple[FloatArray | IntArray, ...]:
        """Prices, and the periods."""
        return (
            panel.stretch("high", bars),
            panel.stretch("low", bars),
            panel.stretch("close", bars),
            self._periods,
        )


def _entry(family: str, formula: str, code: str, bars_of_period: int) -> Feature:
    return Feature(
        family=family,
        parameters=("period",),
        minimum=(2,),
        formula=formula + "; NaN where the price stood still",
        unit="0 to 100",
        source=f"Wilder (1978), New Concepts in Technical Trading Systems, sec. IV; TA-Lib {code}",
        needs=("high", "low", "close"),
        window_bars=lambda period: bars_of_period * int(period) + (bars_of_period == 1),
        bank=DirectionalBank,
        example=(14,),
        listed=((7,), (14,), (28,)),
    )


FEATURES = (
    _entry("plus_di", "100 Wilder sum of +DM / Wilder sum of true range", "PLUS_DI", 1),
    _entry("minus_di", "100 Wilder sum of -DM / Wilder sum of true range", "MINUS_DI", 1),
    _entry("adx", "Wilder average of 100 |+DI - -DI| / (+DI + -DI)", "ADX", 2),
)
