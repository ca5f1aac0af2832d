from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiconsole.domain.rng import generator
from tuiconsole.regimes.settings import RegimeSettings
from tuiconsole.regimes.volatility import VolatilityRegime

YEAR = 252.0


def run(returns: np.ndarray, settings: RegimeSettings | None = None) -> tuple[VolatilityRegime, np.ndarray]:
    regime = VolatilityRegime(settings or RegimeSettings(), YEAR)
    seen = []
    for value in returns:
        regime.update(float(value))
        seen.append(regime.probabilities)
    return regime, np.array(seen)


def market(volatility: float, bars: int, seed: int = 1) -> np.ndarray:
    return generator(seed, "market").normal(0.0, volatility / math.sqrt(YEAR), bars)


@pytest.mark.parametrize(
    ("volatility", "regime", "least"), [(0.10, 0, 0.85), (0.25, 1, 0.45), (0.50, 2, 0.90)]
)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_steady_market_is_in_the_regime_of_its_level(
    volatility: float, regime: int, least: float, seed: int
) -> None:
    _, seen = run(market(volatility, 1500, seed))
    share = seen[300:].mean(axis=0)
    assert share[regime] > least
    assert share.argmax() == regime


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_crisis_is_high_volatility_within_three_weeks(seed: int) -> None:
    _, seen = run(np.concatenate((market(0.12, 800, seed), market(0.60, 60, seed + 10))))
    assert seen[799, 2] < 0.1
    assert (seen[815:, 2] > 0.9).all()


def test_between_the_levels_the_own_history_decides() -> None:
    bars = 700
    _, rising = run(np.concatenate((market(0.17, bars), market(0.27, 120, 5))))
    _, falling = run(np.concatenate((market(0.30, bars), market(0.18, 120, 5))))
    assert rising[-40:, 2].mean() > 0.7
    assert falling[-40:, 0].mean() > 0.7


def test_above_the_high_level_no_history_makes_it_normal() -> None:
    _, seen = run(np.concatenate((market(0.90, 800), market(0.50, 150, 4))))
    assert seen[-50:, 2].mean() > 0.9


def test_below_the_low_level_no_history_makes_it_wild() -> None:
    _, seen = run(np.concatenate((market(0.04, 800), market(0.10, 150, 4))))
    assert seen[-50:, 0].mean() > 0.85
    assert seen[-50:, 2].mean() < 0.05


def test_the_volatility_is_the_weighted_root_mean_square() -> None:
    returns = market(0.2, 300)
    regime, _ = run(returns)
    weights = 0.5 ** (np.arange(300)[::-1] / 20.0)
    expected = math.sqrt(float(weights @ returns**2) / weights.sum() * YEAR)
    assert regime.volatility == pytest.approx(expected, rel=1e-12)


def test_before_warm_it_has_no_opinion() -> None:
    regime, seen = run(market(0.5, 19))
    assert math.isnan(regime.volatility)
    np.testing.assert_array_equal(seen, np.full((19, 3), 1.0 / 3.0))
    regime.update(0.01)
    assert regime.probabilities[2] > 0.5


def test_a_market_that_does_not_move_is_low_volatility() -> None:
    regime, seen = run(np.zeros(100))
    assert regime.volatility == 0.0
    assert seen[-1, 0] > 0.99


def test_the_history_is_bounded_and_ranks_within_its_window() -> None:
    settings = RegimeSettings(history_bars=100, history_minimum_bars=50)
    size = np.concatenate((np.full(500, 0.17), np.full(1500, 0.25))) / math.sqrt(YEAR)
    _, seen = run(size * (-1.0) ** np.arange(2000), settings)
    assert seen[530, 2] > 0.9  # above all of the last 100 bars
    assert seen[-1, 1] > 0.9  # by now it is what the last 100 bars were


@settings(max_examples=40, deadline=None)
@given(
    returns=st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=80),
    warm=st.integers(2, 30),
    width=st.floats(0.01, 2.0),
)
def test_probabilities_are_probabilities(returns: list[float], warm: int, width: float) -> None:
    _, seen = run(
        np.array(returns), RegimeSettings(volatility_warmup_bars=warm, volatility_level_width=width)
    )
    assert ((seen >= 0.0) & (seen <= 1.0)).all()
    np.testing.assert_allclose(seen.sum(axis=1), 1.0, rtol=1e-12)
