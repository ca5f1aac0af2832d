"""Where the price stands below its past highs and above its past lows, and how bad it has been within a window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.features.compiled import CompiledBank, Windows, observe_windows, slide
from tuiconsole.features.contract import Feature, Request, distinct
from tuiconsole.features.summed import window_and

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_HIGH, _LOW, _FALL, _RISE, _WHOLE_FALL, _WHOLE_RISE, _DEPTH, _UNDER = range(8)
"""What is kept of every window: of the present block, of the whole window, the fall below its high, bars since then."""
_KEPT = 8


def _advance(
    inputs: tuple[FloatArray],
    windows: Windows,
    count: int,
    plan: IntArray,
    scale: float,
    extra: FloatArray,
    out: FloatArray,
) -> None:
    closes, (_, row, sums, observed, lengths, _) = inputs[0], windows
    before = len(closes) - len(out)
    for t in range(len(out)):
        close, first = closes[before + t], _KEPT * len(lengths)
        for w in range(len(lengths)):
            state, place = extra[_KEPT * w : _KEPT * (w + 1)], (count + t) % lengths[w]
            rest = extra[first : first + 4 * (lengths[w] + 1)]
            first += 4 * (lengths[w] + 1)
            _join(close, rest[4 * (place + 1) : 4 * (place + 2)], lengths[w], state, row[0], row[1 + w])
            if place + 1 == lengths[w]:
                _complete(closes, before + t, state, rest)
        slide(windows, count + t)
        observe_windows(windows, count + t + 1, 0, 0)
        for k in range(len(plan)):
            family, w = plan[k, 0], plan[k, 1]
            _of_window(
                family, extra[_KEPT * w : _KEPT * (w + 1)], sums[w], sums[w, 1 + w], observed[0, w], out[t, k]
            )


def _join(
    close: FloatArray,
    rest: FloatArray,
    length: int,
    state: FloatArray,
    presence: FloatArray,
    squares: FloatArray,
) -> None:
    """Take the newest close into the block of ``state``, and join it to the rest of the block before.

    Two stretches ``a``, ``b`` join to the higher high, the lower low and ``max(fall a, fall b, high a - low b)``.
    """
    for s in range(len(close)):
        x, here = close[s], np.isfinite(close[s])
        high, low, fall, rise = state[_HIGH, s], state[_LOW, s], state[_FALL, s], state[_RISE, s]
        fall = high - x if here & (high - x > fall) else fall
        rise = x - low if here & (x - low > rise) else rise
        high = x if here & (x > high) else high
        low = x if here & (x < low) else low
        state[_HIGH, s], state[_LOW, s], state[_FALL, s], state[_RISE, s] = high, low, fall, rise
        fall = rest[_FALL, s] if rest[_FALL, s] > fall else fall
        rise = rest[_RISE, s] if rest[_RISE, s] > rise else rise
        across_fall, across_rise = rest[_HIGH, s] - low, high - rest[_LOW, s]
        state[_WHOLE_FALL, s] = across_fall if across_fall > fall else fall
        state[_WHOLE_RISE, s] = across_rise if across_rise > rise else rise
        depth = x - (rest[_HIGH, s] if rest[_HIGH, s] > high else high)
        under = state[_UNDER, s] + 1.0
        under = float(length) if under > length else under
        state[_UNDER, s] = 0.0 if depth >= 0.0 else under
        raw = np.exp(depth) - 1.0
        state[_DEPTH, s] = raw
        presence[s] = 1.0 if here else 0.0
        squares[s] = 1e4 * raw * raw if here else 0.0


def _complete(closes: FloatArray, now: int, state: FloatArray, rest: FloatArray) -> None:
    """Begin a new block: what is left of the last one, from each of its bars on."""
    length = len(rest) // 4 - 1
    for s in range(closes.shape[1]):
        high, low, fall, rise = -np.inf, np.inf, 0.0, 0.0
        for back in range(length):
            x, first = closes[now - back, s], 4 * (length - 1 - back)
            if np.isfinite(x):
                high, low = max(high, x), min(low, x)
                fall, rise = max(fall, x - low), max(rise, high - x)
            rest[first + _HIGH, s], rest[first + _LOW, s] = high, low
            rest[first + _FALL, s], rest[first + _RISE, s] = fall, rise
        state[_HIGH, s], state[_LOW, s], state[_FALL, s], state[_RISE, s] = -np.inf, np.inf, 0.0, 0.0


def _of_window(
    family: int, state: FloatArray, sums: FloatArray, squares: FloatArray, count: FloatArray, out: FloatArray
) -> None:
    depth, under, seen = state[_DEPTH], state[_UNDER], sums[0]
    whole = state[_WHOLE_FALL if family == 1 else _WHOLE_RISE]
    sign = -1.0 if family == 1 else 1.0
    for s in range(len(out)):
        shown = 0.0 * count[s]
        if family == 0:
            out[s] = depth[s] + shown
        elif family < 3:
            out[s] = np.exp(sign * whole[s]) - 1.0 + shown
        elif family == 3:
            out[s] = under[s] + shown
        elif family == 4:
            out[s] = (depth[s] + shown) / (1.0 if under[s] < 1.0 else under[s])
        else:
            mean = squares[s] / seen[s]
            out[s] = np.sqrt(0.0 if mean < 0.0 else mean) + shown


class DrawdownBank(CompiledBank):
    """Falls and rises of the close within sliding windows, in constant time per bar.

    Bars are cut into blocks of one window. A window is a suffix of the last block and a prefix of this one; both are
    known as (high, low, fall, rise) (van Herk, 1992, extended to drawdowns). Missing closes count for nothing; 80 % of a
    window's closes must be good.
    """

    first_bar = 0
    families: ClassVar[Mapping[str, tuple[int, ...]]] = dict.fromkeys(
        ("drawdown", "max_drawdown", "max_rise", "bars_under_water", "drawdown_velocity", "ulcer_index"), ()
    )
    kernel = staticmethod(_advance)
    parts = (_join, _complete, _of_window)

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        windows = distinct(requests)
        self.channels = 1 + len(windows)
        self.n_extra = _KEPT * len(windows) + 4 * sum(window + 1 for window in windows)
        super().__init__(requests, n_symbols, bars_per_year)
        self.panel_window = windows[-1]
        self.extra[...] = 0.0
        for first in (*range(0, _KEPT * len(windows), _KEPT), *range(_KEPT * len(windows), self.n_extra, 4)):
            self.extra[first + _HIGH], self.extra[first + _LOW] = -np.inf, np.inf

    def channels_of(self, request: Request) -> tuple[int, ...]:
        """The squares of the window's own falls."""
        ulcer = request.feature.family == "ulcer_index"
        return (1 + self.windows.index(request.parameters[0]),) if ulcer else ()

    def inputs(self, panel: Panel, bars: int) -> tuple[FloatArray, ...]:
        """Log closes, as far back as the longest window."""
        return (panel.stretch("log_close", bars, self.panel_window - 1),)


def _entry(
    family: str, formula: str, unit: str, source: str, listed: Sequence[int], minimum: int = 2
) -> Feature:
    return Feature(
        family=family,
        parameters=("window",),
        minimum=(minimum,),
        formula=formula,
        unit=unit,
        source=source,
        needs=("close",),
        window_bars=window_and(0),
        bank=DrawdownBank,
        example=(60,),
        listed=tuple((window,) for window in listed),
    )


_CHEKHLOV = "Chekhlov, Uryasev, Zabarankin (2005), Int. J. Theoretical and Applied Finance 8(1)"
_GROSSMAN = "Grossman, Zhou (1993), Mathematical Finance 3(3)"

FEATURES = (
    _entry("drawdown", "C[t] / max(C over the last window bars) - 1", "fraction", _GROSSMAN, (20, 60, 252)),
    _entry(
        "max_drawdown",
        "least C[j] / C[i] - 1 with i <= j within the last window bars",
        "fraction",
        _CHEKHLOV,
        (20, 60, 252),
    ),
    _entry(
        "max_rise",
        "greatest C[j] / C[i] - 1 with i <= j within the last window bars",
        "fraction",
        _CHEKHLOV,
        (20, 60, 252),
    ),
    _entry(
        "bars_under_water",
        "bars since the close was last the highest of its window; at most window",
        "bars",
        _GROSSMAN,
        (60, 252),
    ),
    _entry(
        "drawdown_velocity",
        "drawdown / max(1, bars_under_water)",
        "fraction per bar",
        _GROSSMAN,
        (60, 252),
    ),
    _entry(
        "ulcer_index",
        "square root of the mean of (100 drawdown)^2 over the last window bars",
        "percent",
        "Martin, McCann (1989), The Investor's Guide to Fidelity Funds",
        (60, 252),
    ),
)
