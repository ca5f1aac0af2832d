"""Serial dependence of returns: autocorrelation, variance ratios, and how volatility scales with the horizon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tuiconsole.domain.types import BoolArray, FloatArray, IntArray
from tuiconsole.features.contract import Feature, Request, Rows, rows_at, rows_of
from tuiconsole.features.rolling_sums import observe
from tuiconsole.features.summed import STANDSTILL, SummedBank, above, window_and

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_SCALES = (2, 4, 8, 16)
_SCALING = "scaling_exponent"


class SerialBank(SummedBank):
    """Sums of products with lagged returns and of squared returns over several bars.

    The channels after the first four are blocks: presences and products of pairs at each lag, the same of squared
    returns, presences and squares of returns over each span.
    """

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        self._lags = _seconds(requests, "autocorrelation")
        self._square_lags = _seconds(requests, "volatility_autocorrelation")
        scales = any(request.feature.family == _SCALING for request in requests)
        self._spans = sorted({*_seconds(requests, "variance_ratio"), *(_SCALES if scales else ())})
        pairs = len(self._lags) + len(self._square_lags) + len(self._spans)
        super().__init__(requests, n_symbols, bars_per_year, 4 + 2 * pairs)
        longest = max([0, *self._lags, *self._square_lags])
        self.panel_window = max(2, 1 + max(self._spans, default=1), 2 + longest)
        newest = self.panel_window - 1
        self._past = newest - 1 - np.array([*self._lags, *self._square_lags], dtype=np.int64)
        self._starts = newest - np.array(self._spans, dtype=np.int64)
        self._pairs = pairs
        self._product: FloatArray = np.zeros((pairs, n_symbols))
        self._half: FloatArray = 0.5 * np.array(self.windows, dtype=np.float64)[:, None]
        self._span_column: FloatArray = np.array(self._spans, dtype=np.float64)[:, None, None]
        self._targets = self._routing(requests)
        self._scale_weights = _scaling_weights()
        self._scale_rows = np.array(
            [len(self._past) + self._spans.index(span) for span in _SCALES if scales], dtype=np.int64
        )

    def _routing(self, requests: Sequence[Request]) -> dict[str, tuple[Rows, IntArray, IntArray]]:
        """Family → its rows, their windows, and which of the family's lags or spans they are of."""
        of_family = {
            "autocorrelation": self._lags,
            "volatility_autocorrelation": self._square_lags,
            "variance_ratio": self._spans,
        }
        found = {}
        for family, seconds in of_family.items():
            rows = rows_of(requests, family)
            if rows:
                parameters = [requests[row].parameters for row in rows]
                windows = np.array([self.windows.index(window) for window, _ in parameters], dtype=np.int64)
                places = np.array([seconds.index(second) for _, second in parameters], dtype=np.int64)
                found[family] = (rows_at(rows), windows, places)
        return found

    def fill(self, panel: Panel) -> BoolArray | None:
        """Presence, powers 1, 2 and 4 of the newest return, and the blocks of pairs."""
        if panel.count < 2:
            return None
        row, product = self.row, self._product
        history = panel.window("log_close", self.panel_window)
        present = observe(history[-1] - history[-2], row[0], row[1])
        np.multiply(row[1], row[1], out=row[2])
        np.multiply(row[2], row[2], out=row[3])
        n_lags, n_past = len(self._lags), len(self._past)
        if n_past:
            past = history.take(self._past + 1, axis=0)
            past -= history.take(self._past, axis=0)
            np.multiply(past[:n_lags], row[1], out=product[:n_lags])
            past *= past
            np.multiply(past[n_lags:], row[2], out=product[n_lags:n_past])
        if self._spans:
            change = history[-1] - history.take(self._starts, axis=0)
            np.multiply(change, change, out=product[n_past:])
        seen = np.isfinite(product)
        seen &= present
        row[4 : 4 + self._pairs] = seen
        if np.count_nonzero(seen) < seen.size:
            product[~seen] = 0.0
        row[4 + self._pairs :] = product
        return present

    def refresh(self, count: FloatArray, sums: FloatArray) -> None:
        """Correlations around the window's mean, and ratios of variances."""
        channels = sums.swapaxes(0, 1)
        mean, second, fourth = np.divide(channels[1:4], count, out=self._means[:3])
        square = mean * mean
        variance = above(second - square, STANDSTILL)
        pairs = channels[4 : 4 + self._pairs].copy()
        few = pairs <= self._half
        if np.count_nonzero(few):
            pairs[few] = np.nan
        ratio = np.divide(channels[4 + self._pairs :], pairs, out=pairs)
        n_lags, n_past = len(self._lags), len(self._past)
        if n_lags:
            self._write("autocorrelation", _bounded((ratio[:n_lags] - square) / variance))
        if n_past > n_lags:
            squared = second * second
            spread = above(fourth - squared, STANDSTILL * STANDSTILL)
            self._write("volatility_autocorrelation", _bounded((ratio[n_lags:n_past] - squared) / spread))
        if "variance_ratio" in self._targets:
            apart = ratio[n_past:] - self._span_column * self._span_column * square
            np.maximum(apart, 0.0, out=apart)
            apart /= self._span_column * variance
            self._write("variance_ratio", apart)
        if self.wants(_SCALING):
            scaled = ratio[self._scale_rows]
            scaled /= above(second, STANDSTILL)
            np.log(above(scaled, 0.0), out=scaled)
            scaled *= self._scale_weights
            self.put(_SCALING, scaled[0] + scaled[1] + scaled[2] + scaled[3])

    def _write(self, family: str, found: FloatArray) -> None:
        rows, windows, places = self._targets[family]
        self.values[rows] = found[places, windows]


def _seconds(requests: Sequence[Request], family: str) -> list[int]:
    return sorted({request.parameters[1] for request in requests if request.feature.family == family})


def _bounded(values: FloatArray) -> FloatArray:
    np.minimum(values, 1.0, out=values)
    np.maximum(values, -1.0, out=values)
    return values


def _scaling_weights() -> FloatArray:
    """Weights of ln ratio at each of :data:`_SCALES` in half its least-squares slope on ln span, 0 at span 1."""
    x = np.log(np.array((1, *_SCALES), dtype=np.float64))
    centred = x - x.mean()
    weights: FloatArray = 0.5 * centred[1:] / float(centred @ centred)
    return weights[:, None, None]


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
