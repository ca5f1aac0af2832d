"""Serial dependence of returns: autocorrelation, variance ratios, and how volatility scales with the horizon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.features.compiled import CompiledBank, Windows, observe_windows, slide
from tuiconsole.features.contract import Feature, Request
from tuiconsole.features.summed import STANDSTILL, window_and

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_SCALES = (2, 4, 8, 16)
_SCALING = "scaling_exponent"
_CORRELATION, _VOLATILITY, _RATIO, _SCALING_NUMBER = range(4)
"""Numbers of the families."""


def _advance(
    inputs: tuple[FloatArray, IntArray],
    windows: Windows,
    count: int,
    plan: IntArray,
    scale: float,
    extra: FloatArray,
    out: FloatArray,
) -> None:
    closes, pairs = inputs
    _, row, sums, observed, lengths, _ = windows
    before = len(closes) - len(out)
    for t in range(len(out)):
        _fill(closes, before + t, pairs, row)
        slide(windows, count + t)
        observe_windows(windows, count + t + 1, 0, 0)
        for k in range(len(plan)):
            family, w, channel = plan[k]
            if family == _SCALING_NUMBER:
                _scaling(sums[w], observed[0, w], lengths[w], channel, out[t, k])
            else:
                _of_pairs(
                    family, pairs[channel, 1], sums[w], observed[0, w], lengths[w], 4 + 2 * channel, out[t, k]
                )


def _fill(closes: FloatArray, now: int, pairs: IntArray, row: FloatArray) -> None:
    """Presence, powers 1, 2 and 4 of the newest return; then presence and product of every pair."""
    for s in range(closes.shape[1]):
        own = closes[now, s] - closes[now - 1, s]
        here = np.isfinite(own)
        own = own if here else 0.0
        square = own * own
        row[0, s], row[1, s], row[2, s], row[3, s] = 1.0 if here else 0.0, own, square, square * square
    for p in range(len(pairs)):
        family, lag = pairs[p]
        first, power = row[4 + 2 * p], row[2 if family == _VOLATILITY else 1]
        if family == _RATIO:
            newest, start = closes[now], closes[now - lag]
        else:
            newest, start = closes[now - lag], closes[now - lag - 1]
        product = row[5 + 2 * p]
        for s in range(closes.shape[1]):
            change = newest[s] - start[s]
            seen = np.isfinite(change) & (row[0, s] > 0.0)
            first[s] = 1.0 if seen else 0.0
            change = change if seen else 0.0
            if family != _CORRELATION:
                change *= change
            product[s] = change if family == _RATIO else change * power[s]


def _of_pairs(
    family: int, span: int, sums: FloatArray, counts: FloatArray, length: int, channel: int, out: FloatArray
) -> None:
    first, squares, fourths, seen, products = sums[1], sums[2], sums[3], sums[channel], sums[channel + 1]
    least = 0.5 * length
    for s in range(len(out)):
        count = counts[s]
        mean, second = first[s] / count, squares[s] / count
        square = mean * mean
        ratio = products[s] / (seen[s] if seen[s] > least else np.nan)
        if family == _RATIO:
            apart = ratio - float(span * span) * square
            variance = second - square
            apart = 0.0 if apart < 0.0 else apart
            out[s] = apart / (span * (variance if variance > STANDSTILL else np.nan))
        else:
            if family == _VOLATILITY:
                square = second * second
                spread = fourths[s] / count - square
                spread = spread if spread > STANDSTILL * STANDSTILL else np.nan
            else:
                spread = second - square
                spread = spread if spread > STANDSTILL else np.nan
            found = (ratio - square) / spread
            found = 1.0 if found > 1.0 else found
            out[s] = -1.0 if found < -1.0 else found


def _scaling(sums: FloatArray, counts: FloatArray, length: int, channel: int, out: FloatArray) -> None:
    """Half the least-squares slope of ln ratio on ln span, from the four pairs that begin at ``channel``; 0 at span 1."""
    squares, least = sums[2], 0.5 * length
    for s in range(len(out)):
        second = squares[s] / counts[s]
        second = second if second > STANDSTILL else np.nan
        slope = 0.0
        for scale in range(4):
            seen = sums[4 + 2 * (channel + scale), s]
            ratio = sums[5 + 2 * (channel + scale), s] / (seen if seen > least else np.nan) / second
            slope += _WEIGHTS[scale] * np.log(ratio if ratio > 0.0 else np.nan)
        out[s] = slope


def _scaling_weights() -> tuple[float, ...]:
    """Weights of ln ratio at each of :data:`_SCALES` in half its least-squares slope on ln span, 0 at span 1."""
    x = np.log(np.array((1, *_SCALES), dtype=np.float64))
    centred = x - x.mean()
    return tuple(float(weight) for weight in 0.5 * centred[1:] / float(centred @ centred))


_WEIGHTS = _scaling_weights()


class SerialBank(CompiledBank):
    """Sums of products with lagged returns and of squared returns over several bars.

    After the first four channels come pairs of channels, presence and product: of returns at each lag, of squared
    returns at each lag, and of returns over each span.
    """

    families: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "autocorrelation": (1, 2),
        "volatility_autocorrelation": (1, 2, 3),
        "variance_ratio": (1, 2),
        _SCALING: (2,),
    }
    kernel = staticmethod(_advance)
    parts = (_fill, _of_pairs, _scaling)

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        pairs = {
            (list(self.families).index(r.feature.family), r.parameters[1])
            for r in requests
            if r.parameters[1:]
        }
        spans = [(_RATIO, span) for span in _SCALES]
        if any(request.feature.family == _SCALING for request in requests):
            self._pairs = [*spans, *sorted(pairs - set(spans))]
        else:
            self._pairs = sorted(pairs)
        self.channels = 4 + 2 * len(self._pairs)
        super().__init__(requests, n_symbols, bars_per_year)
        self._table: IntArray = np.array(self._pairs, dtype=np.int64).reshape(-1, 2)
        self.panel_window = 2 + max(lag for _, lag in self._pairs)

    def windows_of(self, request: Request) -> tuple[int, ...]:
        """The first parameter."""
        return request.parameters[:1]

    def places(self, request: Request) -> tuple[int, int]:
        """The window, and the pair of the lag or span."""
        return self.windows.index(request.parameters[0]), self._pairs_of(request).start

    def channels_of(self, request: Request) -> tuple[int, ...]:
        """Powers of the return, and the pairs."""
        pairs = self._pairs_of(request)
        return (*self.families[request.feature.family], *range(4 + 2 * pairs.start, 4 + 2 * pairs.stop))

    def _pairs_of(self, request: Request) -> range:
        if request.feature.family == _SCALING:
            return range(len(_SCALES))
        number = list(self.families).index(request.feature.family)
        first = self._pairs.index((number, request.parameters[1]))
        return range(first, first + 1)

    def inputs(self, panel: Panel, bars: int) -> tuple[FloatArray | IntArray, ...]:
        """Log closes, as far back as the longest lag; and the pairs."""
        return panel.stretch("log_close", bars, self.panel_window - 1), self._table


FEATURES = (
    Feature(
        family="autocorrelation",
        parameters=("window", "lag"),
        minimum=(5, 1),
        formula="(mean(r[t] r[t - lag]) - m^2) / v over the last window log-returns r with mean m and variance v; "
        "NaN where the price stood still",
        unit="-1 to 1",
        source="Box, Jenkins (1976), Time Series Analysis, sec. 2.1.5; Lo, MacKinlay (1988), RFS 1(1)",
        needs=("close",),
        window_bars=lambda window, lag: int(window) + int(lag) + 1,
        bank=SerialBank,
        example=(60, 1),
        listed=tuple((window, lag) for window in (60, 252) for lag in (1, 2, 3, 5, 10)),
    ),
    Feature(
        family="volatility_autocorrelation",
        parameters=("window", "lag"),
        minimum=(5, 1),
        formula="(mean(r[t]^2 r[t - lag]^2) - mean(r^2)^2) / var(r^2) over the last window log-returns; NaN "
        "where the price stood still",
        unit="-1 to 1",
        source="Ding, Granger, Engle (1993), Journal of Empirical Finance 1(1)",
        needs=("close",),
        window_bars=lambda window, lag: int(window) + int(lag) + 1,
        bank=SerialBank,
        example=(60, 1),
        listed=((60, 1), (252, 1), (252, 5)),
    ),
    Feature(
        family="variance_ratio",
        parameters=("window", "bars"),
        minimum=(5, 2),
        formula="(mean(ln(C[t] / C[t - bars])^2) - bars^2 m^2) / (bars v) over the last window bars, overlapping; "
        "NaN where the price stood still",
        unit="none; 1 for a random walk",
        source="Lo, MacKinlay (1988), Review of Financial Studies 1(1), eq. 13",
        needs=("close",),
        window_bars=lambda window, bars: int(window) + int(bars),
        bank=SerialBank,
        example=(60, 5),
        listed=tuple((window, bars) for window in (60, 252) for bars in (2, 4, 8, 16)),
    ),
    Feature(
        family=_SCALING,
        parameters=("window",),
        minimum=(20,),
        formula="half the slope of ln(mean(ln(C[t] / C[t - k])^2)) on ln k for k = 1, 2, 4, 8, 16 over the last window "
        "bars; NaN where the price stood still",
        unit="none; 0.5 for a random walk",
        source="Mandelbrot, Van Ness (1968), SIAM Review 10(4); Di Matteo (2007), Quantitative Finance 7(1)",
        needs=("close",),
        window_bars=window_and(max(_SCALES)),
        bank=SerialBank,
        example=(120,),
        listed=((60,), (252,)),
    ),
)
