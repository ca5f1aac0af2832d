from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tuiconsole.ensemble.blend import blend

MEANS = st.floats(-0.1, 0.1)
SIGMAS = st.floats(1e-3, 0.3)
WEIGHTS = st.floats(0.01, 1.0)


def test_one_agent_is_returned_as_it_is() -> None:
    mean, sigma = np.array([[0.01, -0.02, np.nan]]), np.array([[0.1, 0.2, np.nan]])
    found = blend(mean, sigma, np.array([7.0]), np.array([1.0]))
    assert found.horizon_bars == 7
    np.testing.assert_allclose(found.mean, mean[0])
    np.testing.assert_allclose(found.sigma, sigma[0])


def test_two_agents_by_hand() -> None:
    found = blend(
        np.array([[0.02], [0.03]]), np.array([[0.1], [0.2]]), np.array([5.0, 15.0]), np.array([0.5, 0.5])
    )
    v1, v2 = 0.01 * 10 / 5, 0.04 * 10 / 15
    s1 = (1 / v1) / (1 / v1 + 1 / v2)
    m1, m2 = 0.02, 0.03 * 10 / 15
    mean = s1 * m1 + (1 - s1) * m2
    variance = s1 * v1 + (1 - s1) * v2 + s1 * (m1 - mean) ** 2 + (1 - s1) * (m2 - mean) ** 2
    assert found.horizon_bars == 10
    assert found.mean[0] == pytest.approx(mean)
    assert found.sigma[0] == pytest.approx(np.sqrt(variance))


@settings(max_examples=60, deadline=None)
@given(
    centre=MEANS,
    sigma=SIGMAS,
    weights=arrays(np.float64, 4, elements=WEIGHTS),
    apart=arrays(np.float64, 4, elements=st.floats(-0.1, 0.1)),
    wider=st.floats(1.01, 5.0),
)
def test_disagreement_widens_sigma_and_leaves_the_mean(
    centre: float, sigma: float, weights: np.ndarray, apart: np.ndarray, wider: float
) -> None:
    """Opinions moved apart around the same blended mean."""
    horizons, sigmas = np.full(4, 10.0), np.full((4, 1), sigma)
    apart = apart - (weights @ apart) / weights.sum()
    agreed = blend(np.full((4, 1), centre), sigmas, horizons, weights)
    near = blend((centre + apart)[:, None], sigmas, horizons, weights)
    far = blend((centre + wider * apart)[:, None], sigmas, horizons, weights)
    np.testing.assert_allclose([near.mean[0], far.mean[0]], centre, atol=1e-12)
    assert agreed.sigma[0] == pytest.approx(sigma)
    assert agreed.sigma[0] * (1 - 1e-9) <= near.sigma[0] <= far.sigma[0] * (1 + 1e-9)
    spread = float(weights @ apart**2 / weights.sum())
    assert near.sigma[0] ** 2 == pytest.approx(sigma**2 + spread)
    assert far.sigma[0] ** 2 == pytest.approx(sigma**2 + wider**2 * spread)


@settings(max_examples=60, deadline=None)
@given(
    mean=arrays(np.float64, (3, 4), elements=MEANS | st.just(np.nan)),
    sigma=arrays(np.float64, (3, 4), elements=SIGMAS),
    weights=arrays(np.float64, 3, elements=WEIGHTS | st.just(0.0)),
)
def test_the_blend_lies_among_its_members(mean: np.ndarray, sigma: np.ndarray, weights: np.ndarray) -> None:
    sigma = np.where(np.isnan(mean), np.nan, sigma)
    before = mean.copy(), sigma.copy(), weights.copy()
    found = blend(mean, sigma, np.full(3, 5.0), weights)
    for kept, now in zip(before, (mean, sigma, weights), strict=True):
        np.testing.assert_array_equal(kept, now)
    taking_part = ~np.isnan(mean) & (weights > 0.0)[:, None]
    for i in range(4):
        members = np.flatnonzero(taking_part[:, i])
        assert np.isnan(found.mean[i]) == np.isnan(found.sigma[i]) == (len(members) == 0)
        if len(members):
            low, high = mean[members, i].min(), mean[members, i].max()
            assert low - 1e-12 <= found.mean[i] <= high + 1e-12
            assert found.sigma[i] >= sigma[members, i].min() * (1 - 1e-9)


def test_an_agent_without_weight_or_opinion_does_not_matter() -> None:
    mean, sigma = np.array([[0.01, 0.02], [0.05, np.nan]]), np.array([[0.1, 0.1], [0.1, np.nan]])
    horizons = np.array([5.0, 5.0])
    alone = blend(mean[:1], sigma[:1], horizons[:1], np.array([1.0]))
    silent = blend(mean, sigma, horizons, np.array([1.0, 0.0]))
    np.testing.assert_allclose(silent.mean, alone.mean)
    np.testing.assert_allclose(silent.sigma, alone.sigma)
    both = blend(mean, sigma, horizons, np.array([0.5, 0.5]))
    assert both.mean[0] == pytest.approx(0.03)
    assert both.mean[1] == pytest.approx(0.02)


def test_nobody_enabled_means_no_opinion() -> None:
    found = blend(np.full((2, 3), 0.01), np.full((2, 3), 0.1), np.array([5.0, 9.0]), np.zeros(2))
    assert np.isnan(found.mean).all()
    assert np.isnan(found.sigma).all()
    assert found.horizon_bars == 1


def test_a_forecast_says_nothing_beyond_its_horizon() -> None:
    """Two agents expect the same per bar; the one that looks less far moves the blend less."""
    found = blend(
        np.array([[0.01], [0.04]]), np.array([[0.05], [0.1]]), np.array([5.0, 20.0]), np.array([0.5, 0.5])
    )
    assert found.horizon_bars == 12
    assert found.mean[0] == pytest.approx((0.01 + 0.04 * 12 / 20) / 2)
