"""Moments, serial dependence, disorder, drawdowns and tails against their definitions, on series with gaps."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from math import factorial

import numpy as np
import pytest
from scipy import stats

from tests.features.drive import REFERENCE, Series, drive, one, random_walk
from tests.features.test_banks import BARS, gapped, returns_of, rolled
from tuiconsole.domain.rng import generator
from tuiconsole.features.fractional import weights


def entropy(counts: object, states: float) -> float:
    shares = np.array([c for c in counts if c], dtype=float)  # type: ignore[attr-defined]
    shares /= shares.sum()
    return float(-(shares * np.log(shares)).sum() / np.log(states))


def runs_score(x: np.ndarray, sign_changes: float) -> float:
    up, down = float((x > 0).sum()), float((x < 0).sum())
    n, double = up + down, 2.0 * up * down
    variance = double * (double - n) / (n * n * (n - 1.0))
    return (sign_changes - double / n) / np.sqrt(variance)


RETURN_STATISTICS: dict[str, Callable[[np.ndarray], float]] = {
    "skewness": lambda x: float(stats.skew(x)),
    "kurtosis": lambda x: float(stats.kurtosis(x)),
    "up_share": lambda x: float((x > 0).mean()),
    "sign_entropy": lambda x: entropy([(x > 0).sum(), (x < 0).sum(), (x == 0).sum()], 2.0),
}


@pytest.mark.parametrize("window", [20, 60])
@pytest.mark.parametrize("family", RETURN_STATISTICS)
def test_statistics_of_returns(family: str, window: int) -> None:
    series = gapped(0.03)
    expected = rolled(returns_of(series)[1:], window, RETURN_STATISTICS[family])
    assert np.isfinite(expected).mean() > 0.4
    np.testing.assert_allclose(one(f"{family}_{window}", series)[1:], expected, rtol=1e-7, atol=1e-9)


def test_the_runs_test_counts_changes_of_sign() -> None:
    series = gapped(0.03)
    returns = returns_of(series)
    change = np.zeros(returns.shape)
    change[1:] = returns[1:] * returns[:-1] < 0.0
    found = one("runs_score_60", series)
    checked = 0
    for row in range(60, BARS):
        for symbol in range(5):
            x = returns[row - 59 : row + 1, symbol]
            seen = x[~np.isnan(x)]
            if len(seen) < 48 or np.isnan(x[-1]):
                assert np.isnan(found[row, symbol])
                continue
            expected = runs_score(seen, change[row - 59 : row + 1, symbol].sum())
            assert found[row, symbol] == pytest.approx(expected, rel=1e-9)
            checked += 1
    assert checked > 500


def test_autocorrelation_and_variance_ratio_without_gaps() -> None:
    series = random_walk(BARS)
    r, x = returns_of(series), np.log(series.close)
    names = [
        "autocorrelation_60_3",
        "volatility_autocorrelation_60_2",
        "variance_ratio_60_5",
        "scaling_exponent_60",
    ]
    found = drive(names, series)
    spans = np.array([1, 2, 4, 8, 16])
    for row in range(80, BARS):
        now, lagged, squared = (
            r[row - 59 : row + 1],
            r[row - 62 : row - 2],
            r[row - 61 : row - 1],
        )
        mean, variance = now.mean(axis=0), now.var(axis=0)
        np.testing.assert_allclose(
            found[row, 0], ((now * lagged).mean(axis=0) - mean**2) / variance, rtol=1e-7
        )
        square = now**2
        of_squares = ((square * squared**2).mean(axis=0) - square.mean(axis=0) ** 2) / square.var(axis=0)
        np.testing.assert_allclose(found[row, 1], of_squares, rtol=1e-6, atol=1e-9)
        five = x[row - 59 : row + 1] - x[row - 64 : row - 4]
        ratio = ((five**2).mean(axis=0) - 25.0 * mean**2) / (5.0 * variance)
        np.testing.assert_allclose(found[row, 2], ratio, rtol=1e-7)
        moves = [((x[row - 59 : row + 1] - x[row - 59 - k : row + 1 - k]) ** 2).mean(axis=0) for k in spans]
        slopes = np.polyfit(np.log(spans), np.log(moves), 1)[0]
        np.testing.assert_allclose(found[row, 3], slopes / 2.0, rtol=1e-7)


def test_autocorrelation_pairs_what_is_there() -> None:
    series = gapped(0.03)
    r = returns_of(series)
    found = one("autocorrelation_60_2", series)
    checked = 0
    for row in range(70, BARS):
        for symbol in range(5):
            x, past = r[row - 59 : row + 1, symbol], r[row - 61 : row - 1, symbol]
            seen = ~np.isnan(x)
            if seen.sum() < 48 or not seen[-1]:
                assert np.isnan(found[row, symbol])
                continue
            products = (x * past)[~np.isnan(x * past)]
            expected = (products.mean() - x[seen].mean() ** 2) / x[seen].var()
            assert found[row, symbol] == pytest.approx(expected, rel=1e-7, abs=1e-10)
            checked += 1
    assert checked > 500


def test_what_random_trending_and_reverting_series_look_like() -> None:
    rng = generator(31, "serial")
    noise = 0.01 * rng.normal(size=(1300, 3))
    r = noise.copy()
    for row in range(1, 1300):
        r[row, 1] += 0.4 * r[row - 1, 1]
        r[row, 2] -= 0.4 * r[row - 1, 2]
    close = 100.0 * np.exp(np.cumsum(r, axis=0))
    nothing = np.full(close.shape, np.nan)
    names = ["autocorrelation_1200_1", "variance_ratio_1200_4", "scaling_exponent_1200", "runs_score_1200"]
    last = drive(names, Series(nothing, nothing, nothing, close))[-1]
    np.testing.assert_allclose(last[0], [0.0, 0.4, -0.4], atol=0.08)
    np.testing.assert_allclose(last[1], [1.0, 1.81, 0.52], atol=0.15)  # Lo, MacKinlay (1988), eq. 15
    assert last[2, 1] > last[2, 0] > last[2, 2]
    assert last[3, 1] < -5.0 < last[3, 0] < 5.0 < last[3, 2]


def test_permutation_entropy() -> None:
    series = gapped(0.03)
    patterns = np.full(series.close.shape, np.nan)
    for row in range(2, BARS):
        for symbol in range(5):
            three = series.close[row - 2 : row + 1, symbol]
            if not np.isnan(three).any():
                patterns[row, symbol] = int("".join(map(str, np.argsort(three))))
    expected = rolled(patterns[2:], 60, lambda x: entropy(Counter(x.tolist()).values(), float(factorial(3))))
    np.testing.assert_allclose(one("permutation_entropy_60", series)[2:], expected, rtol=1e-9)


def test_bin_entropy() -> None:
    series = gapped(0.02)
    r = returns_of(series)
    bins = np.full(r.shape, np.nan)
    limits = [-0.9674, -0.4307, 0.0, 0.4307, 0.9674]
    for row in range(21, BARS):
        for symbol in range(5):
            past = r[row - 20 : row, symbol]
            past = past[~np.isnan(past)]
            if len(past) >= 16 and not np.isnan(r[row, symbol]):
                bins[row, symbol] = np.digitize(r[row, symbol] / np.sqrt((past**2).mean()), limits)
    expected = rolled(bins[21:], 60, lambda x: entropy(Counter(x.tolist()).values(), 6.0))
    found = one("bin_entropy_60", series)[21:]
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert np.isfinite(found).mean() > 0.4


def test_runs_of_one_sign() -> None:
    close = np.array([10.0, 11.0, 12.0, 13.0, 12.0, 11.0, 11.0, 12.0, np.nan, 13.0, 14.0])[:, None]
    nothing = np.full(close.shape, np.nan)
    length, total = drive(["run_length", "run_return"], Series(nothing, nothing, nothing, close))[:, :, 0].T
    np.testing.assert_array_equal(length, [np.nan, 1, 2, 3, -1, -2, 0, 1, np.nan, np.nan, 1])
    np.testing.assert_allclose(total[[3, 5, 10]], np.log([13.0 / 10.0, 11.0 / 13.0, 14.0 / 13.0]), rtol=1e-12)


def test_fractional_differences() -> None:
    series = gapped(0.01)
    x = np.log(series.close)
    found = drive(["fractional_difference_60_40", "fractional_difference_30_100"], series)
    w = weights(0.4, 60)
    for row in range(59, BARS):
        expected = (w[:, None] * (x[row - 59 : row + 1][::-1] - x[row])).sum(axis=0)
        np.testing.assert_allclose(found[row, 0], expected, rtol=1e-9, atol=1e-13)
    whole = np.isfinite(found[30:, 1])
    np.testing.assert_allclose(found[30:, 1][whole], (x[30:] - x[29:-1])[whole], rtol=1e-9, atol=1e-13)
    assert whole.sum() > 300


def test_the_weights_of_the_book() -> None:
    expected = [1.0, -0.5, -0.125, -0.0625, -0.0390625, -0.02734375]
    np.testing.assert_allclose(weights(0.5, 6), expected, rtol=1e-12)
    np.testing.assert_array_equal(np.abs(weights(1.0, 4)), [1.0, 1.0, 0.0, 0.0])


def drawdowns(x: np.ndarray) -> tuple[float, float, float]:
    """Present drawdown, worst fall, best rise of the closes seen."""
    fall = min(b / a - 1.0 for i, a in enumerate(x) for b in x[i:])
    rise = max(b / a - 1.0 for i, a in enumerate(x) for b in x[i:])
    return x[-1] / x.max() - 1.0, fall, rise


@pytest.mark.parametrize("window", [7, 20])
def test_drawdowns_within_a_window(window: int) -> None:
    series = gapped().only(slice(140))
    names = [f"{family}_{window}" for family in ("drawdown", "max_drawdown", "max_rise")]
    found = drive(names, series)
    for row in range(3):
        expected = rolled(series.close, window, lambda x, row=row: drawdowns(x)[row])
        np.testing.assert_allclose(found[:, row], expected, rtol=1e-9, atol=1e-12)


def test_time_under_water_velocity_and_ulcer() -> None:
    series = random_walk(160)
    names = ["drawdown_20", "bars_under_water_20", "drawdown_velocity_20", "ulcer_index_20"]
    found = drive(names, series)
    depth, under = np.zeros(5), np.zeros(5)
    depths = []
    for row in range(160):
        past = series.close[max(0, row - 19) : row + 1]
        depth = past[-1] / past.max(axis=0) - 1.0
        depths.append(depth)
        under = np.where(depth >= 0.0, 0.0, np.minimum(under + 1.0, 20.0))
        if row >= 19:
            ulcer = np.sqrt(np.mean(np.square(depths[-20:]), axis=0)) * 100.0
            expected = [depth, under, depth / np.maximum(under, 1.0), ulcer]
            np.testing.assert_allclose(found[row], expected, rtol=1e-9, atol=1e-12)


def refreshed(window: int, share: int = 12) -> list[int]:
    """Rows at which a held value is fresh."""
    return list(range(window, BARS, max(1, window // share)))


def test_quantiles_and_tails_where_they_are_fresh() -> None:
    series = gapped(0.03)
    r = returns_of(series)
    statistics: dict[str, Callable[[np.ndarray], float]] = {
        "return_quantile_60_5": lambda x: np.quantile(x, 0.05),
        "return_quantile_60_75": lambda x: np.quantile(x, 0.75),
        "tail_loss_60_5": lambda x: np.sort(x)[: int(np.ceil(0.05 * len(x)))].mean(),
        "tail_gain_60_5": lambda x: np.sort(x)[-int(np.ceil(0.05 * len(x))) :].mean(),
        "tail_ratio_60": lambda x: abs(np.quantile(x, 0.95)) / abs(np.quantile(x, 0.05)),
        "quantile_skew_60": lambda x: (
            (np.quantile(x, 0.95) + np.quantile(x, 0.05) - 2.0 * np.median(x))
            / (np.quantile(x, 0.95) - np.quantile(x, 0.05))
        ),
        "tail_weight_60": lambda x: (
            (np.quantile(x, 0.95) - np.quantile(x, 0.05)) / (np.quantile(x, 0.75) - np.quantile(x, 0.25))
        ),
        "interquartile_range_60": lambda x: np.quantile(x, 0.75) - np.quantile(x, 0.25),
    }
    found = drive(list(statistics), series)
    rows = refreshed(60)
    for at, statistic in enumerate(statistics.values()):
        expected = rolled(r[1:], 60, statistic)
        np.testing.assert_allclose(found[rows, at], expected[np.array(rows) - 1], rtol=1e-9, atol=1e-14)


def test_a_held_value_stays_until_it_is_due() -> None:
    values = one("return_quantile_60_50", random_walk(BARS))[:, 0]
    fresh = set(refreshed(60))
    for before, now in pairwise(range(60, BARS)):
        assert (values[now] == values[before]) or now in fresh
    assert len(set(values[60:])) > 20


def test_hurst_where_it_is_fresh() -> None:
    series = gapped(0.03)
    r = returns_of(series)

    def rescaled(x: np.ndarray) -> float:
        path = np.cumsum(x - x.mean())
        return float(np.log((path.max() - path.min()) / x.std(ddof=1)) / np.log(len(x)))

    rows = refreshed(120)
    expected = rolled(r[1:], 120, rescaled)
    np.testing.assert_allclose(one("hurst_120", series)[rows], expected[np.array(rows) - 1], rtol=1e-9)


def test_hurst_of_the_index() -> None:
    cases, prices = REFERENCE / "03_timeseries.json", REFERENCE / "data" / "arch_sp500.csv"
    if not (cases.exists() and prices.exists()):
        pytest.skip(f"the reference cases are not at {REFERENCE}")
    case = next(each for each in json.loads(cases.read_text())["cases"] if each["id"] == "hurst_simple_rs")
    close = np.genfromtxt(prices, delimiter=",", names=True, dtype=None, encoding="utf-8")["Close"][:, None]
    nothing = np.full(close.shape, np.nan)
    value = drive([f"hurst_{len(close) - 1}"], Series(nothing, nothing, nothing, close))[-1, 0, 0]
    assert value == pytest.approx(case["expected"]["H"], rel=case["rtol"])
