"""Serial dependence of returns: autocorrelation, variance ratios, and how volatility scales with the horizon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tuiconsole.domain.types import BoolArray, FloatArray
from tuiconsole.features.contract import Feature, Request
from tuiconsole.features.rolling_sums import observe
from tuiconsole.features.summed import STANDSTILL, SummedBank, above, window_and

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_SCALES = (2, 4, 8, 16)
_SCALING = "scaling_exponent"


class SerialBank(SummedBank):
    """Sums of products with lagged returns and of squared returns over several bars."""

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        self._lags = _seconds(requests, "autocorrelation")
        self._square_lags = _seconds(requests, "volatility_autocorrelation")
        wants_scales = any(request.feature.family == _SCALING for request in requests)
        self._spans = sorted({*_seconds(requests, "variance_ratio"), *(_SCALES if wants_scales else ())})
        pairs = len(self._lags) + len(self._square_lags) + len(self._spans)
        super().__init__(requests, n_symbols, bars_per_year, 4 + 2 * pairs)
        self.panel_window = max(
            2, 1 + max(self._spans, default=1), 2 + max((*self._lags, *self._square_lags), default=0)
        )
        self._requests = tuple(requests)
        self._window_row = {window: row for row, window in enumerate(self.windows)}
        self._half: FloatArray = 0.5 * np.array(self.windows, dtype=np.float64)[:, None, None]

    def fill(self, panel: Panel) -> BoolArray | None:
        """Presence, powers 1, 2 and 4 of the newest return, and a presence and a product for each lag and span."""
        if panel.count < 2:
            return None
        row = self.row
        history = panel.window("log_close", self.panel_window)
        newest = history[-1]
        present = observe(newest - history[-2], row[0], row[1])
        np.multiply(row[1], row[1], out=row[2])
        np.multiply(row[2], row[2], out=row[3])
        at = 4
        for lag in self._lags:
            _pair(row[1] * (history[-1 - lag] - history[-2 - lag]), present, row[at : at + 2])
            at += 2
        for lag in self._square_lags:
            past = history[-1 - lag] - history[-2 - lag]
            _pair(row[2] * (past * past), present, row[at : at + 2])
            at += 2
        for span in self._spans:
            change = newest - history[-1 - span]
            _pair(change * change, present, row[at : at + 2])
            at += 2
        return present

    def refresh(self, count: FloatArray, sums: FloatArray) -> None:
        """Correlations around the window's mean, and ratios of variances."""
        means = sums[:, 1:4] / count[:, None]
        mean, second, fourth = means[:, 0], means[:, 1], means[:, 2]
        square = mean * mean
        variance = above(second - square, STANDSTILL)
        pairs = sums[:, 4::2]
        ratio = sums[:, 5::2] / np.where(pairs > self._half, pairs, np.nan)
        n_lags, n_squares = len(self._lags), len(self._square_lags)
        found: dict[tuple[str, int], FloatArray] = {}
        for at, lag in enumerate(self._lags):
            found["autocorrelation", lag] = np.clip((ratio[:, at] - square) / variance, -1.0, 1.0)
        if n_squares:
            spread = above(fourth - second * second, STANDSTILL * STANDSTILL)
            for at, lag in enumerate(self._square_lags, start=n_lags):
                value = np.clip((ratio[:, at] - second * second) / spread, -1.0, 1.0)
                found["volatility_autocorrelation", lag] = value
        for at, span in enumerate(self._spans, start=n_lags + n_squares):
            apart = ratio[:, at] - span * span * square
            found["variance_ratio", span] = np.maximum(apart, 0.0) / (span * variance)
        self._write(found)

    def _write(self, found: Mapping[tuple[str, int], FloatArray]) -> None:
        if self.wants(_SCALING):
            self.put(_SCALING, _scaling([found["variance_ratio", span] for span in _SCALES]))
        for row, request in enumerate(self._requests):
            if request.feature.family != _SCALING:
                window, second = request.parameters
                self.values[row] = found[request.feature.family, second][self._window_row[window]]


def _seconds(requests: Sequence[Request], family: str) -> list[int]:
    return sorted({request.parameters[1] for request in requests if request.feature.family == family})


def _pair(product: FloatArray, present: BoolArray, out: FloatArray) -> None:
    """Presence of the pair and its product, both 0 where the newest return is missing."""
    seen = np.isfinite(product)
    seen &= present
    out[0] = seen
    out[1] = np.where(seen, product, 0.0)


def _scaling(ratios: Sequence[FloatArray]) -> FloatArray:
    """0.5 + half the slope of ln VR on ln span through the origin at span 1."""
    x = np.log(np.array((1, *_SCALES), dtype=np.float64))
    centred = x - x.mean()
    slope = np.zeros_like(ratios[0])
    for weight, ratio in zip(centred[1:], ratios, strict=True):
        slope += weight * np.log(above(ratio, 0.0))
    result: FloatArray = 0.5 + 0.5 * slope / float(centred @ centred)
    return result


FEATURES = (
    Feature(
        family="autocorrelation",
        parameters=("window", "lag"),
        minimum=(5, 1),
        formula="(mean(r[t] r[t - lag]) - m^2) / v over the last window log-returns r with mean m and variance v",
        unit="-1 to 1",
        source="Box, Jenkins (1976), Time Series Analysis, sec. 2.1.5; Lo, MacKinlay (1988), RFS 1(1)",
        needs=("close",),
        window_bars=lambda window, lag: int(window) + int(lag) + 1,
        bank=SerialBank,
        example=(60, 1),
        listed=tuple((window, lag) for window in (60, 120, 252) for lag in (1, 2, 3, 5, 10)),
    ),
    Feature(
        family="volatility_autocorrelation",
        parameters=("window", "lag"),
        minimum=(5, 1),
        formula="(mean(r[t]^2 r[t - lag]^2) - mean(r^2)^2) / var(r^2) over the last window log-returns",
        unit="-1 to 1",
        source="Ding, Granger, Engle (1993), Journal of Empirical Finance 1(1)",
        needs=("close",),
        window_bars=lambda window, lag: int(window) + int(lag) + 1,
        bank=SerialBank,
        example=(60, 1),
        listed=((60, 1), (120, 1), (252, 1), (252, 5)),
    ),
    Feature(
        family="variance_ratio",
        parameters=("window", "bars"),
        minimum=(5, 2),
        formula="(mean(ln(C[t] / C[t - bars])^2) - bars^2 m^2) / (bars v) over the last window bars; overlapping",
        unit="none; 1 for a random walk",
        source="Lo, MacKinlay (1988), Review of Financial Studies 1(1), eq. 13",
        needs=("close",),
        window_bars=lambda window, bars: int(window) + int(bars),
        bank=SerialBank,
        example=(60, 5),
        listed=tuple((window, bars) for window in (60, 120, 252) for bars in (2, 4, 8, 16)),
    ),
    Feature(
        family=_SCALING,
        parameters=("window",),
        minimum=(20,),
        formula="0.5 + half the slope of ln(variance_ratio) on ln(bars) for bars 1, 2, 4, 8, 16",
        unit="none; 0.5 for a random walk",
        source="Mandelbrot, Van Ness (1968), SIAM Review 10(4); Di Matteo (2007), Quantitative Finance 7(1)",
        needs=("close",),
        window_bars=window_and(max(_SCALES)),
        bank=SerialBank,
        example=(120,),
        listed=((60,), (120,), (252,)),
    ),
)
