"""How straight the price went, and Kaufman's average that follows only when it goes straight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.features.compiled import CompiledBank, Windows, observe_windows, slide
from tuiconsole.features.contract import Feature, Request

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_STANDSTILL = 1e-10
"""Path over the price below which it stands still."""
_FAST, _SLOW = 2.0 / 3.0, 2.0 / 31.0


def _advance(
    inputs: tuple[FloatArray, ...],
    windows: Windows,
    count: int,
    plan: IntArray,
    scale: float,
    extra: FloatArray,
    out: FloatArray,
) -> None:
    closes, (_, row, sums, observed, lengths, _) = inputs[0], windows
    n = len(lengths)
    for t in range(len(out)):
        close, previous = closes[t + 1], extra[0]
        for s in range(len(close)):
            previous[s] = closes[t, s] if np.isnan(previous[s]) else previous[s]
            change = close[s] - previous[s]
            here = np.isfinite(change)
            row[0, s] = 1.0 if here else 0.0
            row[1, s] = change if here else 0.0
            row[2, s] = abs(change) if here else 0.0
        slide(windows, count + t)
        observe_windows(windows, count + t + 1, 0, 0)
        for w in range(n):
            _adapt(
                close, previous, sums[w], observed[0, w], extra[1 + w], extra[1 + n + w], extra[1 + 2 * n + w]
            )
        for s in range(len(close)):
            previous[s] = close[s] if np.isfinite(close[s]) else previous[s]
        for k in range(len(plan)):
            family, w = plan[k, 0], plan[k, 1]
            net, adapted = extra[1 + n + w], extra[1 + 2 * n + w]
            for s in range(len(close)):
                if family < 2:
                    out[t, k, s] = abs(net[s]) if family == 0 else 100.0 * net[s]
                else:
                    out[t, k, s] = adapted[s] if family == 2 else close[s] / adapted[s] - 1.0


def _adapt(
    close: FloatArray,
    previous: FloatArray,
    sums: FloatArray,
    count: FloatArray,
    kama: FloatArray,
    net: FloatArray,
    adapted: FloatArray,
) -> None:
    """Net over gross move, and Kaufman's average, kept in ``kama`` and shown in ``adapted``."""
    moves, paths = sums[1], sums[2]
    for s in range(len(close)):
        path = paths[s] + 0.0 * count[s]
        move = path if moves[s] > path else moves[s]
        move = -path if move < -path else move + 0.0 * count[s]
        still = path <= _STANDSTILL * close[s]
        net[s] = np.nan if still else move / path
        speed = abs(1.0 if still else net[s]) * (_FAST - _SLOW) + _SLOW
        known = np.isfinite(speed)
        base = previous[s] if known & np.isnan(kama[s]) else kama[s]
        kama[s] = base + speed * speed * (close[s] - base) if known else base
        adapted[s] = kama[s] if known else np.nan


class AdaptiveBank(CompiledBank):
    """Net and gross moves of the close over sliding windows; a move is from the last close observed.

    KAMA begins at the close before its first efficiency ratio and is held where that ratio is missing.
    """

    panel_window = 2
    channels = 3
    families: ClassVar[Mapping[str, tuple[int, ...]]] = dict.fromkeys(
        ("efficiency_ratio", "cmo", "kama", "kama_distance"), (1, 2)
    )
    kernel = staticmethod(_advance)
    parts = (_adapt,)

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        self.n_extra = 1 + 3 * len({request.parameters[0] for request in requests})
        super().__init__(requests, n_symbols, bars_per_year)

    def inputs(self, panel: Panel, bars: int) -> tuple[FloatArray, ...]:
        """Closes, one bar more than asked for."""
        return (panel.stretch("close", bars, 1),)


_KAUFMAN = "Kaufman (1995), Smarter Trading, ch. 8"


def _entry(family: str, formula: str, unit: str, source: str, listed: tuple[tuple[int, ...], ...]) -> Feature:
    return Feature(
        family=family,
        parameters=("window",),
        minimum=(2,),
        formula=formula,
        unit=unit,
        source=source,
        needs=("close",),
        window_bars=lambda window: int(window) + 1,
        bank=AdaptiveBank,
        example=(10,),
        listed=listed,
    )


FEATURES = (
    _entry(
        "efficiency_ratio",
        "|sum of moves| / sum of |moves| over the window; NaN where the price stood still",
        "0 (noise) to 1 (straight)",
        _KAUFMAN,
        ((10,), (20,), (60,)),
    ),
    _entry(
        "cmo",
        "100 sum of moves / sum of |moves| over the window; NaN where the price stood still",
        "-100 to 100",
        "Chande, Kroll (1994), The New Technical Trader, ch. 5: plain sums, where TA-Lib CMO takes Wilder averages",
        ((9,), (14,), (20,)),
    ),
    _entry(
        "kama",
        "K[t-1] + s (C[t] - K[t-1]), s = (efficiency_ratio (2/3 - 2/31) + 2/31)^2, from the close before the first ratio",
        "currency",
        _KAUFMAN + "; TA-Lib KAMA",
        ((10,),),
    ),
    _entry("kama_distance", "C[t] / kama - 1", "fraction", _KAUFMAN + "; TA-Lib KAMA", ((10,), (20,), (50,))),
)
