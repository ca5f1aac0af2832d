"""The market model beyond beta: correlation, alpha, residual returns, beta in falls and rises, coskewness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import BoolArray, FloatArray
from tuiconsole.features.contract import Feature, Request
from tuiconsole.features.rolling_sums import observe
from tuiconsole.features.summed import STANDSTILL, SummedBank, above, one_bar_return, window_and

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_OWN, _MARKET, _MARKET2, _CROSS, _OWN2, _CROSS2, _LAG, _LAG2, _LAGGED = range(9)
"""Places of the channels after the presence."""
_PLAIN = slice(0, 5)
_FALLS = slice(10, 15)


class MarketModelBank(SummedBank):
    """Least squares of each symbol's one-bar log-return on the market's, the mean of all good ones at that bar."""

    panel_window = 2

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        falls = any(r.feature.family in ("downside_beta", "upside_beta") for r in requests)
        super().__init__(requests, n_symbols, bars_per_year, 15 if falls else 10)
        self._has_falls = falls
        self._market = 0.0

    def fill(self, panel: Panel) -> BoolArray | None:
        """The newest returns of symbols and market, their products, and the same where the market fell."""
        if panel.count < 2:
            return None
        seen, own, *rest = self.row
        present = observe(one_bar_return(panel), seen, own)
        before = self._market
        market = self._market = float(own.sum()) / max(1, int(np.count_nonzero(present)))
        with_market, square, cross, own_square, cross_square, lag, lag_square, lagged = rest[:8]
        np.multiply(seen, market, out=with_market)
        np.multiply(seen, market * market, out=square)
        np.multiply(own, market, out=cross)
        np.multiply(own, own, out=own_square)
        np.multiply(own, market * market, out=cross_square)
        np.multiply(seen, before, out=lag)
        np.multiply(seen, before * before, out=lag_square)
        np.multiply(own, before, out=lagged)
        if self._has_falls:
            self.row[_FALLS] = self.row[_PLAIN] if market < 0.0 else 0.0
        return present

    def refresh(self, count: FloatArray, sums: FloatArray) -> None:
        """Moments to regressions."""
        means = self.means(count, sums)
        own, market = means[_OWN], means[_MARKET]
        own_variance = means[_OWN2] - own * own
        market_variance = above(means[_MARKET2] - market * market, STANDSTILL)
        covariance = means[_CROSS] - own * market
        beta = covariance / market_variance
        moving = above(own_variance.copy(), STANDSTILL)
        correlation = np.minimum(covariance / np.sqrt(moving * market_variance), 1.0)
        np.maximum(correlation, -1.0, out=correlation)
        self.put("market_correlation", correlation)
        if self.wants("idiosyncratic_share"):
            self.put("idiosyncratic_share", 1.0 - correlation * correlation)
        if self.wants("market_alpha"):
            self.put("market_alpha", (own - beta * market) * self.bars_per_year)
        if self.wants("residual_return", "residual_score"):
            residual = self.row[1] - own - beta * (self._market - market)
            self.put("residual_return", residual)
            left = np.maximum(own_variance - beta * covariance, 0.0) * count / (count - 2.0)
            self.put("residual_score", residual / np.sqrt(above(left, STANDSTILL)))
        if self.wants("lagged_beta"):
            lag = means[_LAG]
            lag_variance = above(means[_LAG2] - lag * lag, STANDSTILL)
            self.put("lagged_beta", (means[_LAGGED] - own * lag) / lag_variance)
        if self.wants("coskewness"):
            third = means[_CROSS2] - 2.0 * market * covariance - own * means[_MARKET2]
            self.put("coskewness", third / (np.sqrt(moving) * market_variance))
        if self.wants("average_correlation"):
            self.put("average_correlation", _average_correlation(own_variance, market_variance))
        if self._has_falls:
            falls = sums.swapaxes(0, 1)[_FALLS]
            self.put("downside_beta", _slope(falls) + 0.0 * count)
            self.put("upside_beta", _slope(sums.swapaxes(0, 1)[_PLAIN] - falls) + 0.0 * count)

    def state(self) -> dict[str, Any]:
        """The sums and the market's last return."""
        return super().state() | {"market": np.array([self._market])}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        super().restore(state)
        self._market = float(state["market"][0])


def _slope(sums: FloatArray) -> FloatArray:
    """Slope from sums of presence, own, market, market squared and cross products, channels first."""
    count = above(sums[0].copy(), 2.0)
    own, market = sums[1] / count, sums[2] / count
    variance = above(sums[3] / count - market * market, STANDSTILL)
    slope: FloatArray = (sums[4] / count - own * market) / variance
    return slope


def _average_correlation(variance: FloatArray, market: FloatArray) -> FloatArray:
    """Mean correlation of all pairs, from the variance that is left in the equal-weighted mean."""
    known = np.isfinite(variance + market)
    if np.count_nonzero(known) < known.size:
        market, squares = np.where(known, market, 0.0), np.where(known, variance, 0.0)
    else:
        squares = variance
    n = np.maximum(known.sum(axis=1), 1)
    left = market.sum(axis=1) / n
    deviations = np.sqrt(np.maximum(squares, 0.0)).sum(axis=1)
    single = squares.sum(axis=1)
    pairs = deviations * deviations - single
    mean = (n * n * left - single) / np.where(pairs > STANDSTILL, pairs, np.nan)
    shown: FloatArray = np.clip(mean, -1.0, 1.0)[:, None] + 0.0 * variance
    return shown


def _entry(
    family: str, formula: str, unit: str, source: str, listed: Sequence[int] = (60, 252), more: int = 1
) -> Feature:
    return Feature(
        family=family,
        parameters=("window",),
        minimum=(5,),
        formula=formula,
        unit=unit,
        source=source,
        needs=("close",),
        window_bars=window_and(more),
        bank=MarketModelBank,
        example=(60,),
        listed=tuple((window,) for window in listed),
    )


_ANG = "Ang, Chen, Xing (2006), Review of Financial Studies 19(4)"
_OVER = " over the last window log-returns; m = mean of the good r of all symbols"
_STILL = "; NaN where the price stood still"

FEATURES = (
    _entry(
        "market_correlation",
        "corr(r, m)" + _OVER + _STILL,
        "-1 to 1",
        "Sharpe (1964), Journal of Finance 19(3)",
        (60, 252),
    ),
    _entry(
        "idiosyncratic_share",
        "1 - corr(r, m)^2" + _OVER + _STILL,
        "0 to 1",
        "Roll (1988), Journal of Finance 43(3)",
    ),
    _entry(
        "market_alpha",
        "bars per year times (mean(r) - beta mean(m))" + _OVER,
        "log-return per year",
        "Jensen (1968), Journal of Finance 23(2)",
    ),
    _entry(
        "residual_return",
        "r[t] - mean(r) - beta (m[t] - mean(m))" + _OVER,
        "log-return",
        "Blitz, Huij, Martens (2011), Journal of Empirical Finance 18(3)",
        (60, 252),
    ),
    _entry(
        "residual_score",
        "residual_return / standard error (n - 2) of the regression" + _OVER + _STILL,
        "standard deviations",
        "Avellaneda, Lee (2010), Quantitative Finance 10(7)",
        (60, 252),
    ),
    _entry(
        "lagged_beta",
        "cov(r[t], m[t - 1]) / var(m[t - 1])" + _OVER,
        "none",
        "Dimson (1979), Journal of Financial Economics 7(2)",
        (60, 252),
        2,
    ),
    _entry("downside_beta", "cov(r, m) / var(m) of the bars with m < 0" + _OVER, "none", _ANG, (60, 252)),
    _entry("upside_beta", "cov(r, m) / var(m) of the bars with m >= 0" + _OVER, "none", _ANG, (60, 252)),
    _entry(
        "coskewness",
        "E[(r - E r) (m - E m)^2] / (sd(r) var(m))" + _OVER + _STILL,
        "none",
        "Harvey, Siddique (2000), Journal of Finance 55(3)",
    ),
    _entry(
        "average_correlation",
        "(n^2 var(m) - sum v) / ((sum sqrt v)^2 - sum v) of the n symbols' variances v" + _OVER,
        "-1 to 1",
        "Pollet, Wilson (2010), Journal of Financial Economics 96(3); CBOE implied correlation",
        (60, 252),
    ),
)
