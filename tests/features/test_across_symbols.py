"""Ranks, sectors, breadth, the market model and principal components against their definitions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.features.drive import Series, drive, one, random_walk
from tests.features.test_banks import BARS, gapped, returns_of, rolled
from tuiconsole.domain.rng import generator
from tuiconsole.features.principal import PrincipalBank


def over(series: Series, bars: int) -> np.ndarray:
    x = np.log(series.close)
    out = np.full(x.shape, np.nan)
    out[bars:] = x[bars:] - x[:-bars]
    return out


def standing(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rank as a share and z-score of every column of one bar."""
    rank, score = np.full(x.shape, np.nan), np.full(x.shape, np.nan)
    seen = ~np.isnan(x)
    if seen.any():
        rank[seen] = [(np.sum(x[seen] < value) + 0.5) / seen.sum() for value in x[seen]]
        if x[seen].std() > 0.0:
            score[seen] = (x[seen] - x[seen].mean()) / x[seen].std()
    return rank, score


def subjects(series: Series) -> dict[str, np.ndarray]:
    volume = np.where(np.isnan(series.close), np.nan, series.shares)
    volatility = np.full(series.close.shape, np.nan)
    volatility[1:] = rolled(returns_of(series)[1:], 20, np.std)
    return {
        "return_{}_21": over(series, 21),
        "volatility_{}_20": volatility,
        "volume_{}_20": volume / rolled(volume, 20, np.mean),
        "dollar_volume_{}_20": np.log(rolled(volume * series.close, 20, np.mean)),
    }


@pytest.mark.parametrize("at", range(4))
def test_ranks_and_scores(at: int) -> None:
    series = gapped(0.05)
    pattern, subject = list(subjects(series).items())[at]
    found = drive([pattern.format("rank"), pattern.format("score")], series)
    expected = np.array([standing(row) for row in subject])
    assert np.isfinite(expected).mean() > 0.4
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)


def test_sectors() -> None:
    series = replace(gapped(0.05), sectors=np.array([0, 1, 0, -1, 0]))
    r = over(series, 5)
    found = drive(["sector_return_5", "sector_relative_return_5", "sector_score_5"], series)
    members = [0, 2, 4]
    for row in range(5, BARS):
        x = r[row, members]
        known = ~np.isnan(x)
        if known.sum() > 1:
            np.testing.assert_allclose(found[row, 0, members][known], x[known].mean(), rtol=1e-9)
            np.testing.assert_allclose(found[row, 2, members], standing(x)[1], rtol=1e-7)
        np.testing.assert_allclose(found[row, 1, 1], 0.0 * r[row, 1], atol=1e-15)
    assert np.isnan(found[:, 2, 1]).all()  # alone in its sector
    assert np.isnan(found[:, :, 3]).all()  # of unknown sector


def test_breadth_and_dispersion() -> None:
    series = gapped(0.05)
    r, x = over(series, 5), np.log(series.close)
    mean = rolled(x, 20, np.mean)
    names = ["market_return_5", "dispersion_5", "cross_skew_5", "breadth_up_5", "breadth_trend_20"]
    found = drive(names, series)
    for row in range(20, BARS):
        seen = r[row][~np.isnan(r[row])]
        centred = seen - seen.mean()
        known = ~np.isnan(mean[row])
        share = (x[row] > mean[row])[known].mean() if known.any() else np.nan
        skew = (centred**3).mean() / (centred**2).mean() ** 1.5
        expected = [seen.mean(), seen.std(), skew, (seen > 0).mean(), share]
        shown = ~np.isnan(x[row])
        np.testing.assert_allclose(
            found[row][:, shown], np.array([expected] * shown.sum()).T, rtol=1e-7, atol=1e-12
        )
        assert np.isnan(found[row][:, ~shown]).all()


def test_the_line_of_advances_and_declines() -> None:
    series = random_walk(60)
    r = over(series, 1)
    balance = ((r > 0).sum(axis=1) - (r < 0).sum(axis=1)) / 5.0
    found = one("breadth_line_10", series)[:, 0]
    for row in range(10, 60):
        assert found[row] == pytest.approx(balance[row - 9 : row + 1].mean(), abs=1e-12)


def regression(x: np.ndarray, m: np.ndarray, now: tuple[float, float]) -> list[float]:
    slope, intercept = np.polyfit(m, x, 1)
    rest = x - intercept - slope * m
    residual = now[0] - intercept - slope * now[1]
    correlation = np.corrcoef(x, m)[0, 1]
    third = ((x - x.mean()) * (m - m.mean()) ** 2).mean() / (x.std() * m.var())
    falls, rises = m < 0.0, m >= 0.0
    return [
        correlation,
        1.0 - correlation**2,
        252.0 * intercept,
        residual,
        residual / np.sqrt(rest @ rest / (len(x) - 2)),
        np.polyfit(m[falls], x[falls], 1)[0],
        np.polyfit(m[rises], x[rises], 1)[0],
        third,
    ]


def test_the_market_model() -> None:
    series = gapped(0.03)
    r = returns_of(series)[1:]
    market = np.nanmean(r, axis=1)
    families = (
        "market_correlation",
        "idiosyncratic_share",
        "market_alpha",
        "residual_return",
        "residual_score",
        "downside_beta",
        "upside_beta",
        "coskewness",
    )
    found = drive([f"{family}_60" for family in families], series)[1:]
    lagged = one("lagged_beta_60", series)[1:]
    checked = 0
    for row in range(60, len(r)):
        for symbol in range(5):
            x, m, before = (a[row - 59 : row + 1] for a in (r[:, symbol], market, np.roll(market, 1)))
            seen = ~np.isnan(x)
            if seen.sum() < 48 or not seen[-1]:
                assert np.isnan(found[row, :, symbol]).all()
                continue
            expected = regression(x[seen], m[seen], (x[-1], m[-1]))
            np.testing.assert_allclose(found[row, :, symbol], expected, rtol=1e-6, atol=1e-9)
            np.testing.assert_allclose(
                lagged[row, symbol], np.polyfit(before[seen], x[seen], 1)[0], rtol=1e-6
            )
            checked += 1
    assert checked > 500


def test_average_correlation_is_the_mean_of_all_pairs_of_equal_variance() -> None:
    rng = generator(8, "pairs")
    common, own = rng.normal(size=(1500, 1)), rng.normal(size=(1500, 30))
    close = np.exp(np.cumsum(0.01 * (0.6 * common + 0.8 * own), axis=0))
    nothing = np.full(close.shape, np.nan)
    series = Series(nothing, nothing, nothing, close)
    value = one("average_correlation_1400", series)[-1]
    matrix = np.corrcoef(np.diff(np.log(close), axis=0)[-1400:].T)
    pairs = matrix[np.triu_indices(30, 1)].mean()
    assert np.ptp(value) == 0.0
    assert value[0] == pytest.approx(pairs, abs=0.005)
    assert value[0] == pytest.approx(0.36, abs=0.03)


@pytest.mark.parametrize("n_symbols", [5, 80])
def test_principal_components(n_symbols: int) -> None:
    series = random_walk(121, n_symbols)
    names = [f"component_{what}_60_{k}" for what in ("exposure", "share") for k in (1, 2, 3)]
    found = drive([*names, "component_residual_60"], series)[120]
    r = returns_of(series)[61:]
    values, vectors = np.linalg.eigh(np.corrcoef(r.T))
    values, vectors = values[::-1], vectors[:, ::-1]
    left = np.ones(n_symbols)
    for k in range(3):
        exposure = vectors[:, k] * np.sqrt(values[k])
        exposure *= np.sign((exposure**3).sum())
        np.testing.assert_allclose(found[k], exposure, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(found[3 + k], values[k] / n_symbols, rtol=1e-9)
        left -= exposure**2
    np.testing.assert_allclose(found[6], left, rtol=1e-6, atol=1e-9)
    assert found[0].mean() > 0.5


def test_components_beyond_the_universe_are_nothing() -> None:
    series = random_walk(70, 2)
    assert np.isnan(one("component_exposure_60_3", series)).all()
    assert np.isfinite(one("component_exposure_60_2", series)[-1]).all()


def test_components_are_computed_three_times_a_window() -> None:
    values = one("component_exposure_60_1", random_walk(BARS))[60:, 0]
    assert len(set(values)) == len(range(60, BARS, 60 // PrincipalBank.refreshes))
