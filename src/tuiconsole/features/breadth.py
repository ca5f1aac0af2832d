"""The state of the whole universe, the same for every symbol: breadth, dispersion, the market's own return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.features.compiled import CompiledBank, Windows, observe_windows, slide
from tuiconsole.features.contract import Feature, Request

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_LEAST_VARIANCE = 1e-24
_RETURN, _DISPERSION, _, _UP, _TREND, _LINE = range(6)
"""Numbers of the families."""


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
        newest = closes[before + t]
        _fill(closes[before + t - 1], newest, extra[0], row)
        slide(windows, count + t)
        observe_windows(windows, count + t + 1, 0, 0)
        for k in range(len(plan)):
            family, w, bars = plan[k]
            if family == _TREND:
                found = _above(row[1], sums[w, 1], observed[0, w])
            elif family == _LINE:
                found = sums[w, 2, 0] / lengths[w] if count + t + 1 >= lengths[w] else np.nan
            else:
                found = _of_returns(family, newest, closes[before + t - bars])
            for s in range(len(newest)):
                out[t, k, s] = found + 0.0 * newest[s]


def _fill(before: FloatArray, newest: FloatArray, base: FloatArray, row: FloatArray) -> None:
    """Presence and level of the close, and by how much more symbols rose than fell."""
    up, down = 0, 0
    for s in range(len(newest)):
        base[s] = newest[s] if np.isnan(base[s]) else base[s]
        level = newest[s] - base[s]
        row[0, s] = 1.0 if np.isfinite(level) else 0.0
        row[1, s] = level if np.isfinite(level) else 0.0
        up += 1 if newest[s] > before[s] else 0
        down += 1 if newest[s] < before[s] else 0
    for s in range(len(newest)):
        row[2, s] = (up - down) / max(1, up + down)


def _above(level: FloatArray, sums: FloatArray, count: FloatArray) -> float:
    """Share of the symbols above their mean."""
    higher, known = 0, 0
    for s in range(len(level)):
        mean = sums[s] / count[s]
        known += 1 if np.isfinite(mean) else 0
        higher += 1 if level[s] > mean else 0
    return higher / known if known > 0 else np.nan


def _of_returns(family: int, newest: FloatArray, oldest: FloatArray) -> float:
    """Mean, deviation or skewness across symbols, or the share that rose."""
    count, total, up = 0, 0.0, 0
    for s in range(len(newest)):
        change = newest[s] - oldest[s]
        here = np.isfinite(change)
        count += 1 if here else 0
        total += change if here else 0.0
        up += 1 if change > 0.0 else 0
    if count == 0:
        return np.nan
    mean, second, third = total / count, 0.0, 0.0
    if family == _RETURN:
        return mean
    if family == _UP:
        return up / count
    for s in range(len(newest)):
        change = newest[s] - oldest[s] - mean
        change = change if np.isfinite(change) else 0.0
        second += change * change
        third += change * change * change
    variance = second / count
    if family == _DISPERSION:
        return float(np.sqrt(variance))
    return third / count / variance**1.5 if variance > _LEAST_VARIANCE else np.nan


class BreadthBank(CompiledBank):
    """Shares, means and deviations over the symbols that have what is asked for; shown where the close is good."""

    first_bar = 0
    channels = 3
    families: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "market_return": (),
        "dispersion": (),
        "cross_skew": (),
        "breadth_up": (),
        "breadth_trend": (1,),
        "breadth_line": (2,),
    }
    kernel = staticmethod(_advance)
    parts = (_fill, _above, _of_returns)

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self.panel_window = 1 + max(request.parameters[0] for request in requests)

    def windows_of(self, request: Request) -> tuple[int, ...]:
        """The parameter of what is summed over time."""
        return request.parameters if request.feature.family in ("breadth_trend", "breadth_line") else (1,)

    def places(self, request: Request) -> tuple[int, int]:
        """The place of the window, and the parameter itself."""
        return self.windows.index(*self.windows_of(request)), request.parameters[0]

    def inputs(self, panel: Panel, bars: int) -> tuple[FloatArray, ...]:
        """Log closes, as far back as the longest return."""
        return (panel.stretch("log_close", bars, self.panel_window - 1),)


def _entry(
    family: str,
    formula: str,
    unit: str,
    source: str,
    listed: Sequence[int],
    parameter: str = "bars",
    more: int = 1,
) -> Feature:
    return Feature(
        family=family,
        parameters=(parameter,),
        minimum=(1,),
        formula=formula,
        unit=unit,
        source=source,
        needs=("close",),
        window_bars=lambda bars: int(bars) + more,
        bank=BreadthBank,
        example=(20,),
        listed=tuple((bars,) for bars in listed),
    )


_ZWEIG = "Zweig (1986), Winning on Wall Street, ch. 5"

FEATURES = (
    _entry(
        "market_return",
        "mean over all symbols of ln(C[t] / C[t - bars])",
        "log-return",
        "Sharpe (1964), Journal of Finance 19(3); equal weights",
        (1, 5, 21, 63),
    ),
    _entry(
        "dispersion",
        "standard deviation (ddof 0) over all symbols of ln(C[t] / C[t - bars])",
        "log-return",
        "Stivers, Sun (2010), Journal of Financial and Quantitative Analysis 45(4)",
        (1, 5, 21, 63),
    ),
    _entry(
        "cross_skew",
        "skewness over all symbols of ln(C[t] / C[t - bars])",
        "none",
        "Jondeau, Zhang, Zhu (2019), Journal of Financial Economics 134(1)",
        (1, 5, 21),
    ),
    _entry(
        "breadth_up", "share of all symbols with C[t] > C[t - bars]", "0 to 1", _ZWEIG, (1, 5, 21, 63, 252)
    ),
    _entry(
        "breadth_trend",
        "share of all symbols with ln C[t] above its mean over the last window bars",
        "0 to 1",
        "Murphy (1999), Technical Analysis of the Financial Markets, ch. 18",
        (20, 50, 200),
        "window",
        0,
    ),
    _entry(
        "breadth_line",
        "mean over the last window bars of (advances - declines) / (advances + declines)",
        "-1 to 1",
        _ZWEIG,
        (10, 20, 60),
        "window",
    ),
)
