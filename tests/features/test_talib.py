"""TA-Lib as the oracle on gap-free series."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.features.drive import Series, drive, random_walk

Oracle = Callable[[Series, int, int], np.ndarray]

ORACLES: dict[str, Oracle] = {
    "rate_of_change": lambda s, i, n: talib.ROC(s.close[:, i], n),
    "ema": lambda s, i, n: talib.EMA(s.close[:, i], n),
    "rolling_mean": lambda s, i, n: talib.SMA(s.close[:, i], n),
    "rolling_std": lambda s, i, n: talib.STDDEV(s.close[:, i], n),
    "donchian_high": lambda s, i, n: talib.MAX(s.close[:, i], n),
    "donchian_low": lambda s, i, n: talib.MIN(s.close[:, i], n),
    "rsi": lambda s, i, n: talib.RSI(s.close[:, i], n),
    "atr": lambda s, i, n: talib.ATR(s.high[:, i], s.low[:, i], s.close[:, i], n),
    "wma": lambda s, i, n: talib.WMA(s.close[:, i], n),
    "sma_distance": lambda s, i, n: s.close[:, i] / talib.SMA(s.close[:, i], n) - 1.0,
    "natr": lambda s, i, n: talib.NATR(s.high[:, i], s.low[:, i], s.close[:, i], n),
}


@pytest.mark.parametrize("family", ORACLES)
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**20), period=st.integers(2, 60))
def test_values_equal_talib(family: str, seed: int, period: int) -> None:
    series = random_walk(200, n_symbols=2, seed=seed)
    values = drive([f"{family}_{period}"], series)[:, 0]
    for symbol in range(2):
        expected = ORACLES[family](series, symbol, period)
        np.testing.assert_allclose(values[:, symbol], expected, rtol=1e-9, atol=1e-9)


def test_bollinger_bands_follow_from_mean_and_deviation() -> None:
    series = random_walk(300, n_symbols=1)
    mean, std, zscore = drive(["rolling_mean_20", "rolling_std_20", "zscore_20"], series)[:, :, 0].T
    upper, middle, lower = talib.BBANDS(series.close[:, 0], 20, 2.0, 2.0)
    np.testing.assert_allclose(mean + 2.0 * std, upper, rtol=1e-9)
    np.testing.assert_allclose(mean, middle, rtol=1e-9)
    np.testing.assert_allclose(mean - 2.0 * std, lower, rtol=1e-9)
    np.testing.assert_allclose(zscore, (series.close[:, 0] - middle) / ((upper - middle) / 2.0), rtol=1e-7)
