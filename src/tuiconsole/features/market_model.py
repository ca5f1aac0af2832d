"""The market model beyond beta: correlation, alpha, residual returns, beta in falls and rises, coskewness."""

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

_OWN, _MARKET, _MARKET2, _CROSS, _OWN2, _CROSS2, _LAG, _LAG2, _LAGGED = range(1, 10)
"""Channels after the presence."""
_FALLS = 10
"""The channel of presences where the market fell; the first four after it follow."""
_CORRELATION, _SHARE, _ALPHA, _RESIDUAL, _SCORE, _LAGGED_BETA, _COSKEWNESS, _AVERAGE, _DOWN, _UP = range(10)
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
    closes, (_, row, sums, observed, _, _) = inputs[0], windows
    for t in range(len(out)):
        _fill(closes[t], closes[t + 1], extra[0], row)
        slide(windows, count + t)
        observe_windows(windows, count + t + 1, 0, 0)
        market = extra[0, 0]
        for k in range(len(plan)):
            family, w = plan[k, 0], plan[k, 1]
            if family in (_RESIDUAL, _SCORE):
                _of_residuals(family, row[_OWN], market, sums[w], observed[0, w], out[t, k])
            elif family >= _DOWN:
                _of_sides(family, sums[w], observed[0, w], out[t, k])
            elif family == _AVERAGE:
                _average_correlation(sums[w], observed[0, w], out[t, k])
            else:
                _of_market(family, sums[w], observed[0, w], scale, out[t, k])


def _fill(before: FloatArray, newest: FloatArray, market: FloatArray, row: FloatArray) -> None:
    """``market`` holds the market's return of the bar before, and gets that of this bar."""
    seen, total = 0, 0.0
    for s in range(len(newest)):
        change = newest[s] - before[s]
        here = np.isfinite(change)
        row[0, s] = 1.0 if here else 0.0
        row[_OWN, s] = change if here else 0.0
        seen += 1 if here else 0
        total += row[_OWN, s]
    last, now = market[0], total / max(1, seen)
    for s in range(len(newest)):
        market[s] = now
        here, own = row[0, s], row[_OWN, s]
        row[_MARKET, s] = here * now
        row[_MARKET2, s] = here * (now * now)
        row[_CROSS, s] = own * now
        row[_OWN2, s] = own * own
        row[_CROSS2, s] = own * (now * now)
        row[_LAG, s] = here * last
        row[_LAG2, s] = here * (last * last)
        row[_LAGGED, s] = own * last
        fell = now < 0.0
        for c in range(5):
            row[_FALLS + c, s] = row[c, s] if fell else 0.0


def _of_market(family: int, sums: FloatArray, count: FloatArray, scale: float, out: FloatArray) -> None:
    owns, markets, markets2, crosses, owns2 = (
        sums[_OWN],
        sums[_MARKET],
        sums[_MARKET2],
        sums[_CROSS],
        sums[_OWN2],
    )
    lags, lags2, lagged, crosses2 = sums[_LAG], sums[_LAG2], sums[_LAGGED], sums[_CROSS2]
    for s in range(len(out)):
        n = count[s]
        own, market = owns[s] / n, markets[s] / n
        if family == _LAGGED_BETA:
            lag = lags[s] / n
            out[s] = (lagged[s] / n - own * lag) / _above(lags2[s] / n - lag * lag)
            continue
        variance = _above(markets2[s] / n - market * market)
        covariance = crosses[s] / n - own * market
        if family == _ALPHA:
            out[s] = (own - covariance / variance * market) * scale
            continue
        moving = _above(owns2[s] / n - own * own)
        if family == _COSKEWNESS:
            third = crosses2[s] / n - 2.0 * market * covariance - own * (markets2[s] / n)
            out[s] = third / (np.sqrt(moving) * variance)
            continue
        correlation = covariance / np.sqrt(moving * variance)
        correlation = 1.0 if correlation > 1.0 else correlation
        correlation = -1.0 if correlation < -1.0 else correlation
        out[s] = correlation if family == _CORRELATION else 1.0 - correlation * correlation


def _of_residuals(
    family: int, newest: FloatArray, market_now: float, sums: FloatArray, count: FloatArray, out: FloatArray
) -> None:
    owns, markets, markets2, crosses, owns2 = (
        sums[_OWN],
        sums[_MARKET],
        sums[_MARKET2],
        sums[_CROSS],
        sums[_OWN2],
    )
    for s in range(len(out)):
        n = count[s]
        own, market = owns[s] / n, markets[s] / n
        covariance = crosses[s] / n - own * market
        beta = covariance / _above(markets2[s] / n - market * market)
        residual = newest[s] - own - beta * (market_now - market)
        left = owns2[s] / n - own * own - beta * covariance
        left = (0.0 if left < 0.0 else left) * n / (n - 2.0)
        out[s] = residual if family == _RESIDUAL else residual / np.sqrt(_above(left))


def _of_sides(family: int, sums: FloatArray, count: FloatArray, out: FloatArray) -> None:
    """Slopes where the market fell, or where it did not."""
    part = 1.0 if family == _DOWN else 0.0
    for s in range(len(out)):
        seen = _side(sums[0, s], sums[_FALLS, s], part)
        own = _side(sums[_OWN, s], sums[_FALLS + _OWN, s], part)
        market = _side(sums[_MARKET, s], sums[_FALLS + _MARKET, s], part)
        market2 = _side(sums[_MARKET2, s], sums[_FALLS + _MARKET2, s], part)
        cross = _side(sums[_CROSS, s], sums[_FALLS + _CROSS, s], part)
        seen = seen if seen > 2.0 else np.nan
        own, market = own / seen, market / seen
        variance = _above(market2 / seen - market * market)
        out[s] = (cross / seen - own * market) / variance + 0.0 * count[s]


def _side(whole: float, falls: float, part: float) -> float:
    return falls if part > 0.0 else whole - falls


def _above(variance: float) -> float:
    return variance if variance > STANDSTILL else np.nan


def _average_correlation(sums: FloatArray, count: FloatArray, out: FloatArray) -> None:
    """Mean correlation of all pairs, from the variance that is left in the equal-weighted mean."""
    known, left, deviations, single = 0, 0.0, 0.0, 0.0
    for s in range(len(out)):
        n = count[s]
        own, market = sums[_OWN, s] / n, sums[_MARKET, s] / n
        variance, of_market = sums[_OWN2, s] / n - own * own, _above(sums[_MARKET2, s] / n - market * market)
        here = np.isfinite(variance + of_market)
        out[s] = 0.0 * variance
        if here:
            known += 1
            left += of_market
            deviations += np.sqrt(max(variance, 0.0))
            single += variance
    pairs = deviations * deviations - single
    mean = np.nan
    if known > 0 and pairs > STANDSTILL:
        mean = (float(known) * known * (left / known) - single) / pairs
        mean = min(max(mean, -1.0), 1.0)
    for s in range(len(out)):
        out[s] += mean


class MarketModelBank(CompiledBank):
    """Least squares of each symbol's one-bar log-return on the market's, the mean of all good ones at that bar."""

    panel_window = 2
    channels = 15
    families: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "market_correlation": (_OWN, _MARKET, _MARKET2, _CROSS, _OWN2),
        "idiosyncratic_share": (_OWN, _MARKET, _MARKET2, _CROSS, _OWN2),
        "market_alpha": (_OWN, _MARKET, _MARKET2, _CROSS),
        "residual_return": (_OWN, _MARKET, _MARKET2, _CROSS, _OWN2),
        "residual_score": (_OWN, _MARKET, _MARKET2, _CROSS, _OWN2),
        "lagged_beta": (_OWN, _LAG, _LAG2, _LAGGED),
        "coskewness": (_OWN, _MARKET, _MARKET2, _CROSS, _OWN2, _CROSS2),
        "average_correlation": (_OWN, _MARKET, _MARKET2, _OWN2),
        "downside_beta": (*range(10, 15),),
        "upside_beta": (*range(5), *range(10, 15)),
    }
    kernel = staticmethod(_advance)
    parts = (_fill, _of_market, _of_residuals, _of_sides, _side, _above, _average_correlation)

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self.extra[...] = 0.0

    def inputs(self, panel: Panel, bars: int) -> tuple[FloatArray, ...]:
        """Log closes, one bar more than asked for."""
        return (panel.stretch("log_close", bars, 1),)


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
