from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tuiconsole.domain.types import FloatArray
from tuiconsole.portfolio.settings import SizingSettings
from tuiconsole.portfolio.sizing import (
    Account,
    Exposure,
    Sizes,
    gross_limit,
    market_variance,
    name_limit,
    size,
)

SETTINGS = SizingSettings()
FREE = SizingSettings(
    name_cap=1.0,
    gross_cap=10.0,
    cash_reserve=0.0,
    headroom=1.0,
    band=0.0,
    relative_band=0.0,
    kelly_fraction=0.25,
)


def exposure(n: int, volatility: float = 0.4, beta: float = 1.0, residual: float = 0.3) -> Exposure:
    return Exposure(np.full(n, volatility), np.full(n, beta), np.full(n, residual))


def account(
    n: int, held: FloatArray | None = None, equity: float = 100_000.0, price: float = 50.0
) -> Account:
    """An account whose holdings are given as weights."""
    lots = np.zeros(n) if held is None else held * equity / price
    return Account(equity, np.full(n, price), lots, np.ones(n, dtype=np.bool_))


def sized(
    kelly: list[float],
    held: list[float] | None = None,
    settings: SizingSettings = SETTINGS,
    high_volatility: float = 0.0,
    risk: Exposure | None = None,
) -> Sizes:
    """Sizes of forecasts whose fractional Kelly weight, before caps, is ``kelly``."""
    n = len(kelly)
    sigma = np.full(n, 0.1)
    mean = np.array(kelly) * 0.01 / settings.kelly_fraction
    book = account(n, None if held is None else np.array(held))
    return size(mean, sigma, exposure(n) if risk is None else risk, high_volatility, book, settings)


def test_one_name_by_hand() -> None:
    found = size(np.array([0.008]), np.array([0.1]), exposure(1), 0.5, account(1), FREE)
    assert found.kelly[0] == pytest.approx(0.25 * 0.8)
    assert found.kelly_volatility == pytest.approx(0.2 * 0.4)
    assert found.volatility_target == pytest.approx(0.15 * 0.8)
    assert found.volatility_scale == pytest.approx(1.5)
    assert found.weight[0] == pytest.approx(0.3)
    assert found.predicted_volatility == pytest.approx(0.12)
    assert found.lots[0] in {599.0, 600.0}, "rounding toward zero may meet a weight just below 0.3"
    assert found.acting.all()


def test_the_volatility_target_is_met_when_nothing_binds() -> None:
    for kelly in ([0.1] * 12, [0.15] * 12, [0.05, 0.3, 0.4]):
        found = sized(kelly, settings=FREE)
        assert found.predicted_volatility == pytest.approx(0.15)


def test_high_volatility_cuts_the_target_in_proportion() -> None:
    calm, half, wild = (sized([0.1] * 12, settings=FREE, high_volatility=p) for p in (0.0, 0.5, 1.0))
    np.testing.assert_allclose(half.weight, 0.8 * calm.weight)
    np.testing.assert_allclose(wild.weight, 0.6 * calm.weight)
    assert sized([0.1], high_volatility=float("nan")).volatility_target == 0.15


def test_the_market_that_explains_the_volatilities_is_found() -> None:
    beta, residual = np.array([0.5, 1.0, 1.5, np.nan]), np.array([0.1, 0.2, 0.3, 0.2])
    volatility = np.sqrt(beta**2 * 0.18**2 + residual**2)
    assert market_variance(Exposure(volatility, beta, residual)) == pytest.approx(0.18**2)
    nothing = np.full(2, np.nan)
    assert market_variance(Exposure(nothing, nothing, nothing)) == 0.0


def test_beta_makes_risk_and_diversification_lowers_it() -> None:
    wild = replace(exposure(4), beta=np.full(4, 2.0), volatility=np.sqrt(np.full(4, 4 * 0.07 + 0.09)))
    assert (
        sized([0.1] * 4, risk=wild, settings=FREE).kelly_volatility > 1.5 * sized([0.1] * 4).kelly_volatility
    )
    one, many = sized([0.4], settings=FREE), sized([0.02] * 20, settings=FREE)
    assert many.kelly_volatility < one.kelly_volatility


def test_without_betas_every_symbol_counts_with_its_own_volatility() -> None:
    nothing = np.full(2, np.nan)
    found = sized([0.3, 0.4], risk=Exposure(np.full(2, 0.2), nothing, nothing), settings=FREE)
    assert found.kelly_volatility == pytest.approx(0.2 * 0.5)


def test_small_steps_are_not_traded_and_large_ones_are() -> None:
    aim = float(sized([0.05] * 6).weight[0])
    near, far = aim * 0.75, aim * 0.65
    found = sized([0.05] * 6, held=[aim, near, far, aim * 1.29, 0.0, aim + 1e-3])
    assert found.acting.tolist() == [False, False, True, False, True, False]


def test_a_target_of_zero_always_closes() -> None:
    found = sized([-0.1, 0.0, -0.1], held=[0.001, 0.0001, 0.0])
    assert found.weight.tolist() == [0.0, 0.0, 0.0]
    assert found.lots.tolist() == [0.0, 0.0, 0.0]
    assert found.acting.tolist() == [True, True, False]


def test_a_name_that_drifted_over_its_cap_is_trimmed() -> None:
    found = sized([0.5, 0.5], held=[0.155, 0.145])
    assert found.acting.tolist() == [True, False]
    assert found.weight[0] == pytest.approx(name_limit(SETTINGS))


def test_when_gross_drifted_over_its_cap_only_reductions_are_made() -> None:
    calm = exposure(8, volatility=0.15, residual=0.1)
    found = sized([0.5] * 8, held=[0.12] * 8, risk=calm)
    assert found.gross == pytest.approx(gross_limit(SETTINGS))
    assert (found.weight < 0.12).all()
    assert found.acting.all()
    assert not sized([0.5] * 8, held=[0.118] * 8, risk=calm).acting.any()


def test_what_the_band_leaves_alone_does_not_push_gross_over_its_cap() -> None:
    """Six names are a little over their target, the others are to be bought: buying all would be too much."""
    calm = exposure(8, volatility=0.15, residual=0.1)
    found = sized([0.5] * 8, held=[0.14] * 6 + [0.0, 0.0], risk=calm)
    assert found.acting.all()
    roomy = sized([0.5] * 8, held=[0.12] * 3 + [0.0] * 5, risk=calm)
    assert roomy.acting.tolist() == [False] * 3 + [True] * 5


def test_no_opinion_no_price_and_no_trading_leave_the_position_alone() -> None:
    book = account(4, np.full(4, 0.05))
    book = replace(
        book,
        tradable=np.array([True, False, True, True]),
        lot_value=np.array([50.0, 50.0, np.nan, 50.0]),
        held_lots=np.array([100.0, 100.0, 0.0, 0.0]),
    )
    mean = np.array([np.nan, 0.01, 0.01, 0.01])
    found = size(mean, np.where(np.isnan(mean), np.nan, 0.1), exposure(4), 0.0, book, SETTINGS)
    assert found.acting.tolist() == [False, False, False, True]
    assert np.isnan(found.weight).tolist() == [True, False, False, False]
    assert np.isfinite(found.gross)
    assert np.isfinite(found.predicted_volatility)


def test_a_ruined_account_wants_nothing() -> None:
    for equity in (0.0, -500.0):
        book = replace(account(2), equity=equity, held_lots=np.array([10.0, 0.0]))
        found = size(np.full(2, 0.01), np.full(2, 0.1), exposure(2), 0.0, book, SETTINGS)
        assert found.lots.tolist() == [0.0, 0.0]
        assert found.acting[0]


def test_shorts_only_when_allowed() -> None:
    assert sized([-0.05, 0.05]).weight[0] == 0.0
    found = sized([-0.05, 0.05], settings=SizingSettings(allow_short=True))
    assert found.weight[0] == pytest.approx(-found.weight[1])
    assert found.lots[0] == -found.lots[1] < 0.0


@settings(max_examples=100, deadline=None)
@given(
    mean=arrays(np.float64, 6, elements=st.floats(-0.3, 0.3) | st.just(np.nan)),
    sigma=arrays(np.float64, 6, elements=st.floats(1e-3, 0.5)),
    volatility=arrays(np.float64, 6, elements=st.floats(0.01, 2.0) | st.just(np.nan)),
    beta=arrays(np.float64, 6, elements=st.floats(-1.0, 3.0) | st.just(np.nan)),
    price=arrays(np.float64, 6, elements=st.floats(0.01, 1e5)),
    held=arrays(np.float64, 6, elements=st.floats(-0.3, 0.3)),
    high=st.floats(0.0, 1.0),
    equity=st.floats(1.0, 1e9),
    short=st.booleans(),
)
def test_no_forecast_breaks_a_limit(
    mean: FloatArray,
    sigma: FloatArray,
    volatility: FloatArray,
    beta: FloatArray,
    price: FloatArray,
    held: FloatArray,
    high: float,
    equity: float,
    short: bool,
) -> None:
    chosen = SizingSettings(allow_short=short)
    sigma = np.where(np.isnan(mean), np.nan, sigma)
    lots_held = np.trunc(held * equity / price)
    given_arrays = (mean, sigma, volatility, beta, price, lots_held)
    before = [array.copy() for array in given_arrays]
    book = Account(equity, price, lots_held, np.ones(6, dtype=np.bool_))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = size(mean, sigma, Exposure(volatility, beta, 0.8 * volatility), high, book, chosen)
    for kept, now in zip(before, given_arrays, strict=True):
        np.testing.assert_array_equal(kept, now)
    opinion = ~np.isnan(mean)
    weight = found.weight[opinion]
    np.testing.assert_array_equal(np.isnan(found.weight), ~opinion)
    assert not found.acting[~opinion].any()
    assert (np.abs(weight) <= name_limit(chosen) * (1 + 1e-12)).all()
    assert (weight * np.sign(mean[opinion]) >= 0.0).all()
    assert short or (weight >= 0.0).all()
    assert np.abs(weight).sum() <= gross_limit(chosen) * (1 + 1e-12)
    assert found.gross == pytest.approx(np.abs(weight).sum())
    assert chosen.least_volatility_scale <= found.volatility_scale <= chosen.greatest_volatility_scale
    lots = found.lots[opinion]
    np.testing.assert_array_equal(lots, np.trunc(lots))
    assert (np.abs(lots) * price[opinion] <= np.abs(weight) * equity * (1 + 1e-12)).all()
    gap = np.abs(found.weight - found.held)
    still = opinion & ~found.acting
    band = np.maximum(chosen.band, chosen.relative_band * np.abs(found.weight))
    assert (gap[still] < band[still]).all()
    assert (np.abs(found.held[still]) <= chosen.name_cap).all()
    after = np.where(found.acting, found.weight, found.held)
    if opinion.all():
        assert np.abs(after).sum() <= min(chosen.gross_cap, 1.0 - chosen.cash_reserve) * (1 + 1e-12)
