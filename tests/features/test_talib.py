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


def fast_k(series: Series, i: int, n: int) -> np.ndarray:
    bars = (series.high[:, i], series.low[:, i], series.close[:, i])
    return talib.STOCHF(*bars, fastk_period=n, fastd_period=1)[0]


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
    "dema": lambda s, i, n: talib.DEMA(s.close[:, i], n),
    "tema": lambda s, i, n: talib.TEMA(s.close[:, i], n),
    "tema_distance": lambda s, i, n: s.close[:, i] / talib.TEMA(s.close[:, i], n) - 1.0,
    "dema_distance": lambda s, i, n: s.close[:, i] / talib.DEMA(s.close[:, i], n) - 1.0,
    "ema_distance": lambda s, i, n: s.close[:, i] / talib.EMA(s.close[:, i], n) - 1.0,
    "trix": lambda s, i, n: talib.TRIX(s.close[:, i], n),
    "williams_r": lambda s, i, n: talib.WILLR(s.high[:, i], s.low[:, i], s.close[:, i], n),
    "stochastic_fast_k": fast_k,
    "aroon_up": lambda s, i, n: talib.AROON(s.high[:, i], s.low[:, i], n)[1],
    "aroon_down": lambda s, i, n: talib.AROON(s.high[:, i], s.low[:, i], n)[0],
    "aroon_oscillator": lambda s, i, n: talib.AROONOSC(s.high[:, i], s.low[:, i], n),
    "plus_di": lambda s, i, n: talib.PLUS_DI(s.high[:, i], s.low[:, i], s.close[:, i], n),
    "minus_di": lambda s, i, n: talib.MINUS_DI(s.high[:, i], s.low[:, i], s.close[:, i], n),
    "adx": lambda s, i, n: talib.ADX(s.high[:, i], s.low[:, i], s.close[:, i], n),
    "cci": lambda s, i, n: talib.CCI(s.high[:, i], s.low[:, i], s.close[:, i], n),
    "kama": lambda s, i, n: talib.KAMA(s.close[:, i], n),
    "price_change": lambda s, i, n: talib.MOM(s.close[:, i], n),
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


def test_macd_and_ppo() -> None:
    series = random_walk(300, n_symbols=1)
    close = series.close[:, 0]
    names = ["macd_12_26", "macd_signal_12_26_9", "macd_histogram_12_26_9", "ppo_12_26", "ema_ratio_12_26"]
    macd, signal, histogram, ppo, ratio = drive(names, series)[:, :, 0].T
    line, *rest = talib.MACD(close, 12, 26, 9)
    np.testing.assert_allclose(macd[33:], line[33:], rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose([signal, histogram], rest, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(ppo, talib.PPO(close, 12, 26, matype=talib.MA_Type.EMA), rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(ratio, ppo / 100.0, rtol=1e-9, atol=1e-13)
    signal, histogram = drive(["ppo_signal_12_26_9", "ppo_histogram_12_26_9"], series)[:, :, 0].T
    np.testing.assert_allclose(signal[25:], talib.EMA(ppo[25:], 9), rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(histogram, ppo - signal, rtol=1e-9, atol=1e-11)


def test_slow_stochastic() -> None:
    series = random_walk(300, n_symbols=1)
    k, d = drive(["stochastic_k_14_3", "stochastic_d_14_3_3"], series)[:, :, 0].T
    bars = (series.high[:, 0], series.low[:, 0], series.close[:, 0])
    slow_k, slow_d = talib.STOCH(*bars, fastk_period=14, slowk_period=3, slowd_period=3)
    np.testing.assert_allclose(k[17:], slow_k[17:], rtol=1e-9)
    np.testing.assert_allclose(d, slow_d, rtol=1e-9)


@pytest.mark.parametrize("period", [5, 14, 30])
def test_money_flow_index(period: int) -> None:
    series = random_walk(200, n_symbols=1)
    bars = (series.high[:, 0], series.low[:, 0], series.close[:, 0], series.shares[:, 0])
    found = drive([f"mfi_{period}"], series)[:, 0, 0]
    np.testing.assert_allclose(found, talib.MFI(*bars, period), rtol=1e-9, atol=1e-9)


def test_cumulative_volume() -> None:
    series = random_walk(300, n_symbols=1)
    high, low, close, volume = (
        field[:, 0] for field in (series.high, series.low, series.close, series.shares)
    )
    obv, accumulation, chaikin = drive(["obv", "accumulation", "chaikin_oscillator_3_10"], series)[:, :, 0].T
    np.testing.assert_allclose(obv, talib.OBV(close, volume), rtol=1e-10)
    line = talib.AD(high, low, close, volume)
    np.testing.assert_allclose(accumulation, line, rtol=1e-9)
    np.testing.assert_allclose(
        chaikin, talib.ADOSC(high, low, close, volume, 3, 10), rtol=1e-8, atol=1e-9 * np.abs(line).max()
    )


def test_ultimate_oscillator_and_balance_of_power() -> None:
    series = random_walk(300, n_symbols=1)
    open_, high, low, close = (field[:, 0] for field in series.prices)
    ultimate, balance = drive(["ultimate_oscillator_7_14_28", "balance_of_power_1"], series)[:, :, 0].T
    np.testing.assert_allclose(ultimate, talib.ULTOSC(high, low, close, 7, 14, 28), rtol=1e-9)
    np.testing.assert_allclose(balance, talib.BOP(open_, high, low, close), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("step", "most"), [(2, 20), (5, 10)])
def test_parabolic_sar(seed: int, step: int, most: int) -> None:
    series = random_walk(250, n_symbols=2, seed=seed)
    found = drive([f"parabolic_sar_distance_{step}_{most}"], series)[:, 0]
    for symbol in range(2):
        stop = talib.SAR(series.high[:, symbol], series.low[:, symbol], step / 100.0, most / 100.0)
        np.testing.assert_allclose(
            found[:, symbol], series.close[:, symbol] / stop - 1.0, rtol=1e-9, atol=1e-12
        )
