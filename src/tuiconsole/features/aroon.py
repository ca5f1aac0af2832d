"""Chande's Aroon: how long ago the highest high and the lowest low were."""

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
    inputs: tuple[FloatArray, ...],
    windows: Windows,
    count: int,
    plan: IntArray,
    scale: float,
    extra: FloatArray,
    out: FloatArray,
) -> None:
    highs, lows = inputs
    _, row, _, observed, lengths, _ = windows
    n = len(lengths)
    for t in range(len(out)):
        for s in range(highs.shape[1]):
            here = np.isfinite(highs[t, s] + lows[t, s])
            row[0, s] = 1.0 if here else 0.0
            row[1, s] = highs[t, s] if here else -np.inf
            row[2, s] = -lows[t, s] if here else -np.inf
        slide(windows, count + t)
        push_extremes(windows, count + t, 1, extra, 0)
        push_extremes(windows, count + t, 2, extra, 2 * n)
        observe_windows(windows, count + t + 1, 0, 0)
        for k in range(len(plan)):
            family, w = plan[k, 0], plan[k, 1]
            high, low, scale = extra[2 * w + 1], extra[2 * (n + w) + 1], -100.0 / (lengths[w] - 1.0)
            for s in range(highs.shape[1]):
                up = (count + t - high[s]) * scale + 100.0
                down = (count + t - low[s]) * scale + 100.0
                found = up if family == 0 else (down if family == 1 else up - down)
                out[t, k, s] = found + 0.0 * observed[0, w, s]


class AroonBank(CompiledBank):
    """Ages of the extremes over ``period + 1`` bars; of equal extremes the newest counts."""

    first_bar = 0
    channels = 3
    families: ClassVar[Mapping[str, tuple[int, ...]]] = dict.fromkeys(
        ("aroon_up", "aroon_down", "aroon_oscillator"), ()
    )
    kernel = staticmethod(_advance)
    parts = (push_extremes,)

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        n_windows = len({request.parameters[0] for request in requests})
        self.n_extra = 4 * n_windows
        super().__init__(requests, n_symbols, bars_per_year)
        forget_extremes(self.extra, 0, 2 * n_windows)

    def windows_of(self, request: Request) -> tuple[int, ...]:
        """One bar more than the period."""
        return (request.parameters[0] + 1,)

    def inputs(self, panel: Panel, bars: int) -> tuple[FloatArray, ...]:
        """Highs and lows."""
        return panel.stretch("high", bars), panel.stretch("low", bars)


def _entry(family: str, formula: str, unit: str, code: str) -> Feature:
    return Feature(
        family=family,
        parameters=("period",),
        minimum=(2,),
        formula=formula,
        unit=unit,
        source=f"Chande (1995), Technical Analysis of Stocks & Commodities 13(9); TA-Lib {code}",
        needs=("high", "low"),
        window_bars=lambda period: int(period) + 1,
        bank=AroonBank,
        example=(14,),
        listed=((14,), (25,), (50,)),
    )


FEATURES = (
    _entry("aroon_up", "100 (1 - bars since the highest H of period + 1 bars / period)", "0 to 100", "AROON"),
    _entry(
        "aroon_down", "100 (1 - bars since the lowest L of period + 1 bars / period)", "0 to 100", "AROON"
    ),
    _entry("aroon_oscillator", "aroon_up - aroon_down", "-100 to 100", "AROONOSC"),
)
