"""Regression, market timing and attribution against the reference cases and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.analytics.test_performance import reference
from tuiconsole.analytics import relative
from tuiconsole.domain.rng import generator


def test_a_perfect_timer() -> None:
    case = reference("perfect_timer")
    market = np.random.default_rng(42).normal(0.005, 0.05, 100)
    put = relative.henriksson_merton(np.maximum(market, 0.0), market)
    curved = relative.treynor_mazuy(0.01 + 0.8 * market + 2 * market**2, market)
    for found, name in ((put, "HM"), (curved, "TM")):
        expected = case["expected"][name]
        assert (found.alpha, found.beta, found.gamma) == pytest.approx(
            (expected["alpha"], expected["beta"], expected["gamma"]), abs=case["atol"]
        )


def test_three_countries() -> None:
    case = reference("bacon_brinson")
    wp, wb, rp, rb = (np.array(case["inputs"][name]) for name in ("wp", "wb", "rp", "rb"))
    expected, tolerance = case["expected"], case["atol"]
    found = relative.brinson_fachler(wp, wb, rp, rb)
    assert found.allocation == pytest.approx(expected["allocation_BF"], abs=tolerance)
    assert found.selection == pytest.approx(expected["selection"], abs=tolerance)
    assert found.interaction == pytest.approx(expected["interaction"], abs=tolerance)
    total = sum(float(part.sum()) for part in (found.allocation, found.selection, found.interaction))
    assert total == pytest.approx(expected["excess"], abs=tolerance)
    assert float(wp @ rp - wb @ rb) == pytest.approx(total)


def test_a_regression_by_hand() -> None:
    market = np.array([0.0, 0.01, 0.02])
    found = relative.regression(0.001 + 1.5 * market, market)
    assert (found.alpha, found.beta, found.gamma) == pytest.approx((0.001, 1.5, 0.0))
    with_cash = relative.regression(0.001 + 1.5 * market, market, risk_free=0.001)
    assert with_cash.alpha == pytest.approx(0.001 - 0.001 + 1.5 * 0.001)


def test_what_cannot_be_told_is_nan() -> None:
    flat, some = np.zeros(10), generator(1, "x").normal(size=10)
    found = [
        relative.regression(some, flat).beta,
        relative.regression(some[:1], some[:1]).alpha,
        relative.treynor_mazuy(some, flat).gamma,
        relative.henriksson_merton(some, np.abs(some)).gamma,
        relative.information_ratio(some, some, 252),
    ]
    assert all(math.isnan(value) for value in found)


def test_the_t_statistic_of_timing() -> None:
    """Against the textbook formula with an explicit inverse (Greene, Econometric Analysis, eq. 4-15)."""
    rng = generator(4, "timing")
    market = rng.normal(0.0, 0.01, 200)
    returns = 0.001 + 0.8 * market + 2.0 * market**2 + rng.normal(0.0, 0.001, 200)
    found = relative.treynor_mazuy(returns, market)
    design = np.column_stack((np.ones(200), market, market**2))
    inverse = np.linalg.inv(design.T @ design)
    weights = inverse @ design.T @ returns
    left = returns - design @ weights
    error = np.sqrt(left @ left / 197 * inverse[2, 2])
    assert found.gamma_t == pytest.approx(weights[2] / error, rel=1e-6)
    assert np.isnan(relative.regression(returns, market).gamma_t)
