from __future__ import annotations

import numpy as np
import pytest

from tests.ensemble.rig import Maker, run
from tuiconsole.ensemble.errors import N_MOMENTS
from tuiconsole.ensemble.settings import EnsembleSettings
from tuiconsole.ensemble.skill import Skill, agent_weights, assess, breadth

SETTINGS = EnsembleSettings()
MAKERS = [Maker(0.06, 0.05, 1), Maker(0.08, 0.05, 5), Maker(0.0, 0.08, 1), Maker(0.10, 0.05, 10)]
NOISE = 2


def skills(makers: list[Maker], n_bars: int, n_symbols: int, seed: int = 11) -> list[Skill]:
    horizons = np.array([float(maker.horizon) for maker in makers])
    return [
        assess(state["moments"], horizons, n_symbols, SETTINGS)
        for _, state in run(makers, n_bars, n_symbols, seed)
    ]


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_the_weight_of_pure_noise_falls_below_every_skilled_one_and_stays(seed: int) -> None:
    path = np.array([agent_weights(s.credited_ic, np.ones(4)) for s in skills(MAKERS, 2500, 60, seed)])
    np.testing.assert_allclose(path.sum(axis=1), 1.0)
    assert (path[0] == 0.25).all()
    skilled = np.delete(path, NOISE, axis=1).min(axis=1)
    assert (path[500:, NOISE] < skilled[500:]).all()
    assert path[-1, NOISE] < 0.5 * skilled[-1]


def test_the_information_coefficient_and_hit_rate_are_found() -> None:
    last = skills([Maker(0.10, 0.05, 1), Maker(-0.10, 0.05, 1), Maker(0.0, 0.05, 1)], 2000, 60)[-1]
    np.testing.assert_allclose(last.information_coefficient, [0.10, -0.10, 0.0], atol=0.02)
    expected = 0.5 + np.arcsin([0.10, -0.10, 0.0]) / np.pi
    np.testing.assert_allclose(last.hit_rate, expected, atol=0.01)
    assert last.credited_ic[1] == SETTINGS.least_ic


def test_nothing_is_known_before_the_first_outcome() -> None:
    skill = assess(np.zeros((N_MOMENTS, 2)), np.array([1.0, 5.0]), 10, SETTINGS)
    assert np.isnan(skill.information_coefficient).all()
    assert np.isnan(skill.hit_rate).all()
    assert skill.credited_ic.tolist() == [SETTINGS.prior_ic] * 2


def test_longer_horizons_are_weaker_evidence() -> None:
    moments = np.full((N_MOMENTS, 2), 100.0)
    moments[0] = 20.0
    skill = assess(moments, np.array([1.0, 20.0]), 16, SETTINGS)
    np.testing.assert_allclose(skill.evidence, [400.0, 20.0])
    np.testing.assert_allclose(skill.credited_ic, [(12 + 80) / 800, (12 + 4) / 420])


def test_weights_are_shared_among_the_enabled() -> None:
    credited = np.array([0.02, 0.03, 0.05])
    np.testing.assert_allclose(agent_weights(credited, np.ones(3)), [0.2, 0.3, 0.5])
    np.testing.assert_allclose(agent_weights(credited, np.array([1.0, 1.0, 0.0])), [0.4, 0.6, 0.0])
    assert agent_weights(credited, np.zeros(3)).tolist() == [0.0, 0.0, 0.0]


def test_breadth_is_one_bet_for_one_symbol() -> None:
    assert breadth(1) == 1.0
    assert breadth(100) == 10.0
