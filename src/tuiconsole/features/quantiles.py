"""Quantiles and tails of one-bar returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tuiconsole.domain.types import BoolArray, FloatArray
from tuiconsole.features.contract import Feature, Request
from tuiconsole.features.held import HeldBank
from tuiconsole.features.summed import above, window_and

_LEAST_SPREAD = 1e-10
"""Distance of two quantiles of log-returns below which they are the same."""


class QuantilesBank(HeldBank):
    """One sort of every window's returns answers for all its quantiles and tails."""

    def compute(self, returns: FloatArray, requests: Sequence[Request], enough: BoolArray) -> FloatArray:
        """Order statistics, interpolated linearly between the good returns of each symbol."""
        ordered = _Ordered(returns)
        return np.stack([_of(ordered, request) for request in requests])


class _Ordered:
    """Returns in ascending order along axis 0, the missing ones last."""

    def __init__(self, returns: FloatArray) -> None:
        self._sorted = np.ascontiguousarray(returns.T)
        self._sorted.sort(axis=1)
        self._count = np.isfinite(self._sorted).sum(axis=1)
        self._symbols = np.arange(len(self._count))
        self._known: dict[float, FloatArray] = {}
        self._sums: FloatArray | None = None

    def quantile(self, share: float) -> FloatArray:
        """The quantile at ``share`` of each symbol (R's type 7)."""
        if share not in self._known:
            place = np.maximum(self._count - 1, 0) * share
            below = place.astype(np.int64)
            beyond = np.minimum(below + 1, np.maximum(self._count - 1, 0))
            low, high = self._sorted[self._symbols, below], self._sorted[self._symbols, beyond]
            self._known[share] = low + (place - below) * (high - low)
        return self._known[share]

    def tail_mean(self, share: float, upper: bool = False) -> FloatArray:
        """Mean of the worst (or best) ``share`` of the returns, at least one."""
        if self._sums is None:
            self._sums = np.cumsum(np.where(np.isnan(self._sorted), 0.0, self._sorted), axis=1)
        take = np.maximum(np.ceil(share * self._count - 1e-9).astype(np.int64), 1)
        if not upper:
            mean: FloatArray = self._sums[self._symbols, take - 1] / take
            return mean
        last = np.maximum(self._count - 1, 0)
        before = np.maximum(last - take, 0)
        whole = take > last
        total = self._sums[self._symbols, last] - np.where(whole, 0.0, self._sums[self._symbols, before])
        best: FloatArray = total / take
        return best


def _of(ordered: _Ordered, request: Request) -> FloatArray:
    family = request.feature.family
    share = request.parameters[1] / 100.0 if len(request.parameters) > 1 else 0.05
    return _STATISTICS[family](ordered, share)


def _tail_ratio(ordered: _Ordered, share: float) -> FloatArray:
    low = above(np.abs(ordered.quantile(share)), _LEAST_SPREAD)
    ratio: FloatArray = np.abs(ordered.quantile(1.0 - share)) / low
    return ratio


def _skew(ordered: _Ordered, share: float) -> FloatArray:
    low, middle, high = ordered.quantile(share), ordered.quantile(0.5), ordered.quantile(1.0 - share)
    skew: FloatArray = (high + low - 2.0 * middle) / above(high - low, _LEAST_SPREAD)
    return skew


def _weight(ordered: _Ordered, share: float) -> FloatArray:
    core = above(ordered.quantile(0.75) - ordered.quantile(0.25), _LEAST_SPREAD)
    weight: FloatArray = (ordered.quantile(1.0 - share) - ordered.quantile(share)) / core
    return weight


_STATISTICS: dict[str, Callable[[_Ordered, float], FloatArray]] = {
    "return_quantile": _Ordered.quantile,
    "tail_loss": _Ordered.tail_mean,
    "tail_gain": lambda ordered, share: ordered.tail_mean(share, upper=True),
    "tail_ratio": _tail_ratio,
    "quantile_skew": _skew,
    "tail_weight": _weight,
    "interquartile_range": lambda ordered, _: ordered.quantile(0.75) - ordered.quantile(0.25),
}

_HELD = "; computed every window / 12 bars and held"
_STILL = "; NaN where the price stood still"
_ARTZNER = "Artzner, Delbaen, Eber, Heath (1999), Mathematical Finance 9(3)"
_KIM = "Kim, White (2004), Finance Research Letters 1(1)"


def _entry(
    family: str, formula: str, unit: str, source: str, percents: Sequence[int] = (), least: int = 5
) -> Feature:
    windows = (60, 252)
    listed = tuple((window, percent) for window in windows for percent in percents)
    return Feature(
        family=family,
        parameters=("window", "percent") if percents else ("window",),
        minimum=(least, 1) if percents else (least,),
        formula=formula + _HELD,
        unit=unit,
        source=source,
        needs=("close",),
        window_bars=window_and(1),
        bank=QuantilesBank,
        example=(60, percents[0]) if percents else (60,),
        listed=listed or tuple((window,) for window in windows),
    )


FEATURES = (
    _entry(
        "return_quantile",
        "quantile at percent of the last window log-returns, linear between order statistics",
        "log-return",
        "Hyndman, Fan (1996), American Statistician 50(4), type 7",
        (5, 25, 50, 75, 95),
    ),
    _entry(
        "tail_loss", "mean of the worst percent of the last window log-returns", "log-return", _ARTZNER, (5,)
    ),
    _entry(
        "tail_gain", "mean of the best percent of the last window log-returns", "log-return", _ARTZNER, (5,)
    ),
    _entry(
        "tail_ratio",
        "|quantile 95| / |quantile 5| of the last window log-returns" + _STILL,
        "none",
        "Konno, Tanaka, Yamamoto (2011), Applied Mathematics and Computation 217(15)",
    ),
    _entry(
        "quantile_skew",
        "(q95 + q5 - 2 q50) / (q95 - q5) of the last window log-returns" + _STILL,
        "-1 to 1",
        f"Hinkley (1975), Biometrika 62(1); {_KIM}",
    ),
    _entry(
        "tail_weight",
        "(q95 - q5) / (q75 - q25) of the last window log-returns" + _STILL,
        "none; 2.44 if normal",
        _KIM,
    ),
    _entry("interquartile_range", "q75 - q25 of the last window log-returns", "log-return", _KIM),
)
