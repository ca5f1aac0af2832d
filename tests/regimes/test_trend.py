from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiconsole.domain.rng import generator
from tuiconsole.regimes.settings import RegimeSettings
from tuiconsole.regimes.trend import TrendRegime, efficiency_ratio, variance_ratio_z


def path(persistence: float, drift: float, bars: int = 1500, seed: int = 1) -> np.ndarray:
    noise = generator(seed, "trend").normal(0.0, 0.01, bars)
    out = np.empty(bars)
    last = 0.0
    for bar in range(bars):
        last = persistence * last + noise[bar]
        out[bar] = last + drift
    return out


def run(returns: np.ndarray, settings: RegimeSettings | None = None) -> np.ndarray:
    regime = TrendRegime(settings or RegimeSettings())
    seen = []
    for value in returns:
        regime.update(float(value))
        seen.append(regime.probability)
    return np.array(seen)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_goes_on_is_trend_and_what_turns_back_is_range(seed: int) -> None:
    drifting = run(path(0.0, 0.004, seed=seed))[60:].mean()
    persistent = run(path(0.5, 0.0, seed=seed))[60:].mean()
    random = run(path(0.0, 0.0, seed=seed))[60:].mean()
    reverting = run(path(-0.6, 0.0, seed=seed))[60:].mean()
    assert drifting > 0.8
    assert persistent > 0.65
    assert 0.25 < random < 0.5
    assert reverting < 0.2


def test_a_straight_line_with_ripples_is_trend_in_both_directions() -> None:
    up = run(path(0.0, 0.02))[-1]
    down = run(-path(0.0, 0.02))[-1]
    assert up == down > 0.95


def test_the_rule_is_the_one_that_is_documented() -> None:
    returns = path(0.1, 0.001, bars=143, seed=6)
    recent = returns[-60:]
    move = abs(recent.sum()) / np.abs(recent).sum() * math.sqrt(2.0 * 60.0 / math.pi)
    logit = (move - 1.0) / 0.5 + 0.5 * variance_ratio_z(recent, 5)
    assert run(returns)[-1] == pytest.approx(1.0 / (1.0 + math.exp(-logit)), rel=1e-12)


def test_no_opinion_before_the_window_is_full_and_where_nothing_moves() -> None:
    seen = run(path(0.0, 0.01, bars=60))
    assert (seen[:59] == 0.5).all()
    assert seen[59] != 0.5
    assert (run(np.zeros(100)) == 0.5).all()


def test_only_the_window_counts() -> None:
    recent = path(0.2, 0.0, bars=60, seed=8)
    calm = run(np.concatenate((path(0.0, 0.0, bars=77, seed=2), recent)))[-1]
    wild = run(np.concatenate((path(0.9, 0.05, bars=141, seed=3), recent)))[-1]
    assert calm == wild == run(recent)[-1]


def test_the_efficiency_ratio_is_net_over_gross() -> None:
    assert efficiency_ratio(np.array([1.0, -2.0, 3.0])) == pytest.approx(2.0 / 6.0)
    assert efficiency_ratio(np.full(9, -0.3)) == pytest.approx(1.0)
    assert math.isnan(efficiency_ratio(np.zeros(5)))


def test_the_variance_ratio_written_out_plainly() -> None:
    returns = path(0.3, 0.001, bars=80, seed=4)
    n, span = 80, 5
    mean = returns.mean()
    one = sum((value - mean) ** 2 for value in returns) / (n - 1)
    sums = [returns[end - span + 1 : end + 1].sum() - span * mean for end in range(span - 1, n)]
    many = sum(value**2 for value in sums) / (span * (n - span + 1) * (1 - span / n))
    expected = (many / one - 1) / math.sqrt(2 * (2 * span - 1) * (span - 1) / (3 * span * n))
    assert variance_ratio_z(returns, span) == pytest.approx(expected, rel=1e-10)


def test_the_variance_ratio_is_about_standard_normal_on_random_walks() -> None:
    rng = generator(9, "walks")
    seen = np.array([variance_ratio_z(rng.normal(0.0, 0.01, 500), 5) for _ in range(400)])
    assert abs(seen.mean()) < 0.15
    assert seen.std() == pytest.approx(1.0, abs=0.12)


@settings(max_examples=40, deadline=None)
@given(returns=st.lists(st.floats(-0.5, 0.5), min_size=10, max_size=60), scale=st.floats(0.1, 10.0))
def test_the_probability_is_one_and_has_no_scale(returns: list[float], scale: float) -> None:
    settings = RegimeSettings(trend_window_bars=10, trend_span_bars=2)
    seen = run(np.array(returns), settings)
    assert ((seen >= 0.0) & (seen <= 1.0)).all()
    rounded = np.round(returns, 6)
    np.testing.assert_allclose(run(scale * rounded, settings), run(rounded, settings), rtol=1e-6, atol=1e-9)
