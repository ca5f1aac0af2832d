"""Lane's stochastic oscillator, fast and slow."""

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


def _advance(
    inputs: tuple[FloatArray, FloatArray, FloatArray, IntArray],
    windows: Windows,
    count: int,
    plan: IntArray,
    scale: float,
    extra: FloatArray,
    out: FloatArray,
) -> None:
    highs, lows, closes, smooths = inputs
    _, row, _, observed, lengths, _ = windows
    n = len(lengths)
    fasts, slows = smooths[:, 0].max(), smooths[:, 1].max()
    first = 4 * n + fasts * n
    for t in range(len(out)):
        for s in range(closes.shape[1]):
            here = np.isfinite(highs[t, s] + closes[t, s] - lows[t, s])
            row[0, s] = 1.0 if here else 0.0
            row[1, s] = highs[t, s] if here else -np.inf
            row[2, s] = -lows[t, s] if here else -np.inf
        slide(windows, count + t)
        push_extremes(windows, count + t, 1, extra, 0)
        push_extremes(windows, count + t, 2, extra, 2 * n)
        observe_windows(windows, count + t + 1, 0, 0)
        for w in range(n):
            of_window = extra[4 * n + fasts * w : 4 * n + fasts * (w + 1)]
            _fast(closes[t], extra[2 * w], extra[2 * (n + w)], observed[0, w], of_window)
        for k in range(len(plan)):
            family, w = plan[k, 0], plan[k, 1]
            of_window = extra[4 * n + fasts * w : 4 * n + fasts * (w + 1)]
            of_row = extra[first + slows * k : first + slows * (k + 1)]
            if family < 2:
                _mean(of_window, smooths[k, 0], out[t, k])
            else:
                _make_room(of_row)
                _mean(of_window, smooths[k, 0], of_row[slows - 1])
                _mean(of_row, smooths[k, 1], out[t, k])


def _fast(close: FloatArray, high: FloatArray, low: FloatArray, count: FloatArray, kept: FloatArray) -> None:
    """The newest %K, after those kept."""
    last = len(kept) - 1
    for s in range(len(close)):
        for place in range(last):
            kept[place, s] = kept[place + 1, s]
        width = high[s] + low[s] + 0.0 * count[s]
        kept[last, s] = (close[s] + low[s]) / (width if width > 0.0 else np.nan) * 100.0


def _make_room(kept: FloatArray) -> None:
    """Move the kept values by one bar."""
    for place in range(len(kept) - 1):
        for s in range(kept.shape[1]):
            kept[place, s] = kept[place + 1, s]


def _mean(kept: FloatArray, length: int, out: FloatArray) -> None:
    """Mean of the newest ``length`` values."""
    for s in range(len(out)):
        total = 0.0
        for place in range(len(kept) - length, len(kept)):
            total += kept[place, s]
        out[s] = total / length


class StochasticBank(CompiledBank):
    """%K of the last high-low range, its mean over the last bars, and that mean's mean.

    A smoothed value needs every bar that it averages.
    """

    first_bar = 0
    channels = 3
    families: ClassVar[Mapping[str, tuple[int, ...]]] = dict.fromkeys(
        ("stochastic_fast_k", "stochastic_k", "stochastic_d"), ()
    )
    kernel = staticmethod(_advance)
    parts = (push_extremes, _fast, _make_room, _mean)

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        self._smooths: IntArray = np.array(
            [(*request.parameters[1:], 1, 1)[:2] for request in requests], dtype=np.int64
        )
        n_windows = len({request.parameters[0] for request in requests})
        fasts, slows = self._smooths.max(axis=0)
        self.n_extra = int((4 + fasts) * n_windows + slows * len(requests))
        super().__init__(requests, n_symbols, bars_per_year)
        forget_extremes(self.extra, 0, 2 * n_windows)

    def windows_of(self, request: Request) -> tuple[int, ...]:
        """The first parameter."""
        return request.parameters[:1]

    def inputs(self, panel: Panel, bars: int) -> tuple[FloatArray | IntArray, ...]:
        """Prices, and how many values each row averages."""
        return *(panel.stretch(name, bars) for name in _NEEDS), self._smooths


_SOURCE = "Lane (1984), Technical Analysis of Stocks & Commodities 2(3); TA-Lib "
_UNIT = "0 (at the low) to 100 (at the high)"
_NEEDS = ("high", "low", "close")

FEATURES = (
    Feature(
        family="stochastic_fast_k",
        parameters=("window",),
        minimum=(2,),
        formula="100 (C[t] - min L) / (max H - min L) over the window; NaN where the price stood still",
        unit=_UNIT,
        source=_SOURCE + "STOCHF",
        needs=_NEEDS,
        window_bars=int,
        bank=StochasticBank,
        example=(14,),
        listed=((5,), (9,), (14,), (21,), (60,)),
    ),
    Feature(
        family="stochastic_k",
        parameters=("window", "smooth"),
        minimum=(2, 1),
        formula="mean of the last smooth stochastic_fast_k; NaN where the price stood still",
        unit=_UNIT,
        source=_SOURCE + "STOCH",
        needs=_NEEDS,
        window_bars=lambda window, smooth: int(window) + int(smooth) - 1,
        bank=StochasticBank,
        example=(14, 3),
        listed=((9, 3), (14, 3), (21, 3)),
    ),
    Feature(
        family="stochastic_d",
        parameters=("window", "smooth", "signal"),
        minimum=(2, 1, 1),
        formula="mean of the last signal stochastic_k; NaN where the price stood still",
        unit=_UNIT,
        source=_SOURCE + "STOCH",
        needs=_NEEDS,
        window_bars=lambda window, smooth, signal: int(window) + int(smooth) + int(signal) - 2,
        bank=StochasticBank,
        example=(14, 3, 3),
        listed=((9, 3, 3), (14, 3, 3), (21, 3, 3)),
    ),
)
