"""Every bank against its definition, written out plainly, on series with gaps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.features.drive import Series, drive, one, random_walk
from tuiconsole.domain.rng import generator

BARS = 300


def gapped(share: float = 0.08) -> Series:
    gone = generator(11, "gaps").random((BARS, 5)) < share
    gone[100:130, 3] = True
    return random_walk(BARS).without(gone)


def returns_of(series: Series) -> np.ndarray:
    out = np.full(series.close.shape, np.nan)
    out[1:] = np.diff(np.log(series.close), axis=0)
    return out


def rolled(values: np.ndarray, window: int, statistic: Callable[[np.ndarray], float]) -> np.ndarray:
    """``statistic`` of the observations of every window that is complete and at least 80 % full."""
    out = np.full(values.shape, np.nan)
    for row in range(window - 1, len(values)):
        for symbol in range(values.shape[1]):
            recent = values[row - window + 1 : row + 1, symbol]
            seen = recent[~np.isnan(recent)]
            if len(seen) >= np.ceil(0.8 * window) and not np.isnan(recent[-1]):
                out[row, symbol] = statistic(seen)
    return out


@pytest.mark.parametrize(
    ("name", "statistic"),
    [
        ("rolling_mean_20", np.mean),
        ("rolling_std_20", np.std),
        ("rolling_std_50", np.std),
        ("donchian_high_20", np.max),
        ("donchian_low_20", np.min),
        ("donchian_position_20", lambda x: (x[-1] - x.min()) / (x.max() - x.min())),
        ("zscore_20", lambda x: (x[-1] - x.mean()) / x.std()),
    ],
)
def test_rolling_features_of_the_close(name: str, statistic: Callable[[np.ndarray], float]) -> None:
    series = gapped()
    window = int(name.rsplit("_", 1)[1])
    np.testing.assert_allclose(
        one(name, series), rolled(series.close, window, statistic), rtol=1e-8, atol=1e-10
    )


def test_realised_volatility() -> None:
    series = gapped(0.03)
    returns = returns_of(series)
    expected = rolled(returns[1:], 20, lambda x: float(np.std(x, ddof=1) * np.sqrt(252.0)))
    assert np.isfinite(expected).mean() > 0.5
    np.testing.assert_allclose(one("realised_volatility_20", series)[1:], expected, rtol=1e-9)


def test_beta_and_residual_volatility() -> None:
    series = gapped(0.03)
    returns = returns_of(series)[1:]
    market = np.nanmean(returns, axis=1)
    values = drive(["beta_60", "residual_volatility_60"], series)[1:]
    checked = 0
    for row in range(59, len(returns)):
        for symbol in range(5):
            own, index = returns[row - 59 : row + 1, symbol], market[row - 59 : row + 1]
            seen = ~np.isnan(own)
            if seen.sum() < 48 or not seen[-1]:
                assert np.isnan(values[row, :, symbol]).all()
                continue
            slope, intercept = np.polyfit(index[seen], own[seen], 1)
            rest = own[seen] - intercept - slope * index[seen]
            residual = np.sqrt((rest @ rest) / (seen.sum() - 2) * 252.0)
            np.testing.assert_allclose(values[row, :, symbol], [slope, residual], rtol=1e-7)
            checked += 1
    assert checked > 500


def test_betas_average_to_one_without_gaps() -> None:
    values = one("beta_60", random_walk(BARS))[60:]
    np.testing.assert_allclose(values.mean(axis=1), 1.0, rtol=1e-10)


def test_momentum_and_returns() -> None:
    series = gapped()
    log_close = np.log(series.close)
    found = drive(["log_return_1", "log_return_5", "momentum_60_5", "rate_of_change_5"], series)
    np.testing.assert_allclose(found[1:, 0], np.diff(log_close, axis=0), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(found[5:, 1], log_close[5:] - log_close[:-5], rtol=1e-12, atol=1e-15)
    skipped = np.where(np.isnan(log_close[60:]), np.nan, log_close[55:-5] - log_close[:-60])
    np.testing.assert_allclose(found[60:, 2], skipped, rtol=1e-12, atol=1e-15)
    expected = 100.0 * (series.close[5:] / series.close[:-5] - 1.0)
    np.testing.assert_allclose(found[5:, 3], expected, rtol=1e-9, atol=1e-10)


RECURSIVE = [
    "ema_20",
    "rsi_14",
    "atr_14",
    "tema_10",
    "trix_10",
    "macd_histogram_12_26_9",
    "ppo_signal_12_26_9",
]


@pytest.mark.parametrize("name", RECURSIVE)
def test_recursive_features_treat_a_missing_bar_as_no_bar(name: str) -> None:
    series = gapped()
    values = one(name, series)
    for symbol in range(5):
        seen = ~np.isnan(series.close[:, symbol])
        compact = series.only(seen).take([symbol])
        np.testing.assert_array_equal(values[seen, symbol], one(name, compact)[:, 0])
        assert np.isnan(values[~seen, symbol]).all()


def test_a_small_spread_on_a_high_price_keeps_its_digits() -> None:
    rng = generator(5, "small")
    close = 1e6 + np.round(rng.normal(0.0, 1.0, (400, 1)), 2)
    nothing = np.full(close.shape, np.nan)
    values = one("rolling_std_20", Series(nothing, nothing, nothing, close))[:, 0]
    expected = [np.std(close[row - 19 : row + 1, 0] - 1e6) for row in range(19, 400)]
    np.testing.assert_allclose(values[19:], expected, rtol=1e-8)


def test_a_crash_does_not_blur_the_deviation_after_it() -> None:
    close = np.concatenate((np.full(30, 1e6), 1.0 + 0.01 * generator(6, "crash").random(90)))[:, None]
    nothing = np.full(close.shape, np.nan)
    values = one("rolling_std_20", Series(nothing, nothing, nothing, close))[:, 0]
    expected = [np.std(close[row - 19 : row + 1, 0]) for row in range(80, 120)]
    np.testing.assert_allclose(values[80:], expected, rtol=1e-9)
