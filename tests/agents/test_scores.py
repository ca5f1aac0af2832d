"""Each rule agent's opinion on markets small enough to work out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tests.agents.rig import made_up, quiet
from tuiconsole.agents.contract import Agent
from tuiconsole.agents.cross_section import standardise
from tuiconsole.agents.registry import create
from tuiconsole.agents.settings import AgentSettings
from tuiconsole.domain.types import FloatArray

SETTINGS = AgentSettings(prior_ic=0.1, score_limit=2.0)


def scores(name: str, **rows: list[float]) -> FloatArray:
    """Mean over sigma in units of the prior information coefficient: the clipped score."""
    agent: Agent = create(name, SETTINGS)
    with quiet():
        forecast, _ = agent.forecast(made_up(agent, **rows), {})
    known = ~np.isnan(forecast.mean)
    np.testing.assert_allclose(forecast.sigma[known], 0.01 * np.sqrt(agent.horizon_bars))
    return np.asarray(forecast.mean / forecast.sigma / 0.1)


def test_time_series_momentum_measures_returns_in_their_standard_deviations() -> None:
    year, quarter = 0.01 * np.sqrt(252), 0.01 * np.sqrt(63)
    found = scores(
        "ts_momentum",
        momentum_252_0=[year, -year, 0.0, 10.0, np.nan],
        momentum_63_0=[0.5 * quarter, -2.0 * quarter, quarter, 10.0, 0.1],
    )
    np.testing.assert_allclose(found, [0.75, -1.5, 0.5, 2.0, np.nan])


def test_cross_sectional_momentum_compares() -> None:
    found = scores("xs_momentum", momentum_252_21=[0.1, 0.3, np.nan, 0.5])
    np.testing.assert_allclose(found, [-np.sqrt(1.5), 0.0, np.nan, np.sqrt(1.5)], atol=1e-12)


def test_mean_reversion_buys_what_fell() -> None:
    found = scores("mean_reversion", zscore_20=[-1.0, 1.0, 0.0, -9.0], rsi_14=[37.5, 62.5, 75.0, 0.0])
    np.testing.assert_allclose(found, [1.0, -1.0, -1.0, 2.0])


def test_breakout_places_the_price_in_its_channel() -> None:
    found = scores(
        "breakout",
        donchian_high_55=[110.0, 100.0, 130.0, 100.0],
        donchian_low_55=[90.0, 80.0, 90.0, 100.0],
        price=[100.0, 100.0, 100.0, 101.0],
    )
    np.testing.assert_allclose(found, [0.0, 1.5, -0.75, np.nan], atol=1e-12)


def test_low_volatility_likes_quiet_names() -> None:
    found = scores("low_volatility", beta_252=[0.5, 1.0, 1.5], residual_volatility_252=[0.1, 0.3, 0.2])
    assert found[0] == pytest.approx(np.sqrt(1.5))
    assert found[1] == pytest.approx(-np.sqrt(1.5) / 2)


@pytest.mark.parametrize("name", ["xs_momentum", "low_volatility"])
def test_comparing_needs_two_symbols(name: str) -> None:
    agent = create(name, SETTINGS)
    assert np.isnan(scores(name, **{need: [0.2] for need in agent.needs})).all()


def test_standardise_leaves_out_what_is_not_finite() -> None:
    found = standardise(np.array([1.0, np.nan, 3.0, np.inf]))
    np.testing.assert_allclose(found, [-1.0, np.nan, 1.0, np.nan])


@pytest.mark.parametrize("value", [0.0, 0.1, 1e12, -7.3])
def test_equal_values_cannot_be_compared(value: float) -> None:
    assert np.isnan(standardise(np.full(7, value))).all()
