"""Means, bands and lines against their definitions written out plainly, on series with gaps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import talib

from tests.features.drive import Series, drive, one, random_walk
from tests.features.test_banks import gapped, rolled


def bollinger(x: np.ndarray) -> tuple[float, float]:
    lower, upper = x.mean() - 2.0 * x.std(), x.mean() + 2.0 * x.std()
    return float((x[-1] - lower) / (upper - lower)), float((upper - lower) / x.mean())


@pytest.mark.parametrize(
    ("name", "statistic"),
    [
        ("sma_distance_20", lambda x: x[-1] / x.mean() - 1.0),
        ("bollinger_b_20", lambda x: bollinger(x)[0]),
        ("bollinger_width_20", lambda x: bollinger(x)[1]),
    ],
)
def test_means_and_bands(name: str, statistic: Callable[[np.ndarray], float]) -> None:
    series = gapped()
    expected = rolled(series.close, 20, statistic)
    np.testing.assert_allclose(one(name, series), expected, rtol=1e-8, atol=1e-11)


def test_the_ratio_of_two_means() -> None:
    series = gapped()
    fast, slow, ratio = drive(["rolling_mean_10", "rolling_mean_50", "sma_ratio_10_50"], series).swapaxes(
        0, 1
    )
    np.testing.assert_allclose(ratio, fast / slow - 1.0, rtol=1e-8, atol=1e-12)


def rolled_line(values: np.ndarray, window: int) -> np.ndarray:
    """WMA, slope, R², residual over its error, and slope over its error, of every window that speaks."""
    out = np.full((5, *values.shape), np.nan)
    for row in range(window - 1, len(values)):
        for symbol in range(values.shape[1]):
            recent = values[row - window + 1 : row + 1, symbol]
            seen = np.flatnonzero(~np.isnan(recent))
            if len(seen) < np.ceil(0.8 * window) or np.isnan(recent[-1]):
                continue
            y = recent[seen]
            slope, intercept = np.polyfit(seen, y, 1)
            rest = y - intercept - slope * seen
            error = np.sqrt(rest @ rest / (len(seen) - 2))
            out[:, row, symbol] = (
                np.average(y, weights=seen + 1),
                slope,
                1.0 - rest @ rest / ((y - y.mean()) @ (y - y.mean())),
                rest[-1] / error,
                slope / (error / np.sqrt(((seen - seen.mean()) ** 2).sum())),
            )
    return out


@pytest.mark.parametrize("window", [10, 60])
def test_the_line_through_log_closes(window: int) -> None:
    series = gapped()
    _, slope, r2, zscore, tstat = rolled_line(np.log(series.close), window)
    names = [f"regression_{what}_{window}" for what in ("slope", "r2", "zscore", "tstat", "momentum")]
    found = drive(names, series).swapaxes(0, 1)
    for actual, expected in zip(found, (252 * slope, r2, zscore, tstat, 252 * slope * r2), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-7, atol=1e-9)


def test_weighted_means() -> None:
    series = gapped()
    weighted = rolled_line(series.close, 20)[0]
    found = drive(["wma_20", "wma_distance_20"], series).swapaxes(0, 1)
    np.testing.assert_allclose(found[0], weighted, rtol=1e-10)
    np.testing.assert_allclose(found[1], series.close / weighted - 1.0, rtol=1e-8, atol=1e-12)


def test_the_slope_is_talibs_of_the_logarithm() -> None:
    series = random_walk(400, n_symbols=1)
    expected = 252.0 * talib.LINEARREG_SLOPE(np.log(series.close[:, 0]), 20)
    np.testing.assert_allclose(one("regression_slope_20", series)[:, 0], expected, rtol=1e-8, atol=1e-10)


def test_anchors_lose_no_digits_on_a_long_way() -> None:
    n_bars = 3_000
    way = 1e-3 * np.exp(np.linspace(0.0, 14.0, n_bars)) * np.exp(0.01 * np.sin(np.arange(n_bars)))
    series = Series(*(way[:, None],) * 4)
    found = drive(["wma_50", "bollinger_width_20", "regression_r2_60"], series)[-1, :, 0]
    close = series.close[:, 0]
    recent = close[-20:]
    r2 = np.corrcoef(np.arange(60), np.log(close[-60:]))[0, 1] ** 2
    expected = [np.average(close[-50:], weights=np.arange(1, 51)), 4.0 * recent.std() / recent.mean(), r2]
    np.testing.assert_allclose(found, expected, rtol=1e-9)
