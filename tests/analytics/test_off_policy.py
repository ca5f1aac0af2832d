"""Off-policy estimators: the reference arithmetic, and the truth where it is known."""

import math

import numpy as np
import pytest

from tests.execution.reference import case
from tuiconsole.analytics.off_policy import (
    doubly_robust,
    effective_size,
    inverse_propensity,
    self_normalised,
    weights,
)
from tuiconsole.domain.rng import generator


def test_the_reference_arithmetic():
    known = case("ope_small", "09_bandits_causal")
    columns = {name: np.array(values, dtype=float) for name, values in known["inputs"].items()}
    wanted, rtol = known["expected"], known["rtol"]
    weight = weights(columns["p_new"], columns["p_log"])
    np.testing.assert_allclose(weight, wanted["weights"], rtol=rtol)
    assert inverse_propensity(weight, columns["r"]).value == pytest.approx(wanted["IPS"], rel=rtol)
    assert self_normalised(weight, columns["r"]).value == pytest.approx(wanted["SNIPS"], rel=rtol)
    assert effective_size(weight) == pytest.approx(wanted["ess"], rel=1e-11)
    clipped = weights(columns["p_new"], columns["p_log"], 2.0)
    assert inverse_propensity(clipped, columns["r"]).value == pytest.approx(wanted["IPS_clip2"], rel=rtol)


def world(seed, n=6000, arms=3):
    """Contexts, odds of the logging and of the new policy, arms, rewards, and the true means."""
    rng = generator(seed, "off policy")
    x = rng.uniform(-1.0, 1.0, n)
    means = np.stack([x, 0.5 - x, 0.2 + 0.3 * x * x], axis=1)
    logged = np.exp(np.stack([0.8 * x, -0.3 * x, 0.0 * x], axis=1))
    logged /= logged.sum(axis=1, keepdims=True)
    new = np.where(means == means.max(axis=1, keepdims=True), 0.9, 0.05)
    arm = (rng.random(n)[:, None] > logged.cumsum(axis=1)).sum(axis=1).clip(max=arms - 1)
    rows = np.arange(n)
    reward = means[rows, arm] + rng.normal(0.0, 0.3, n)
    return means, logged, new, arm, reward, rows


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_all_three_find_the_value_of_a_policy_that_never_ran(seed):
    means, logged, new, arm, reward, rows = world(seed)
    truth = float((new * means).sum(axis=1).mean())
    weight = weights(new[rows, arm], logged[rows, arm])
    found = {
        "ips": inverse_propensity(weight, reward),
        "snips": self_normalised(weight, reward),
        "dr": doubly_robust(weight, reward, arm, means, new),
    }
    assert abs(reward.mean() - truth) > 0.15, "what was earned is not what the new policy would have earned"
    for name, estimate in found.items():
        assert estimate.value == pytest.approx(truth, abs=4 * estimate.error), name
        assert estimate.error < 0.03
    assert found["dr"].error < found["ips"].error


def test_doubly_robust_needs_only_one_of_the_two_to_be_right():
    means, logged, new, arm, reward, rows = world(7)
    truth = float((new * means).sum(axis=1).mean())
    right = weights(new[rows, arm], logged[rows, arm])
    wrong_model = doubly_robust(right, reward, arm, np.full_like(means, 2.0), new)
    assert wrong_model.value == pytest.approx(truth, abs=4 * wrong_model.error)
    wrong_odds = weights(new[rows, arm], np.full(len(arm), 1 / 3))
    assert doubly_robust(wrong_odds, reward, arm, means, new).value == pytest.approx(truth, abs=0.03)
    assert abs(inverse_propensity(wrong_odds, reward).value - truth) > 0.03


def test_what_cannot_be_estimated_says_so():
    nothing = np.zeros(0)
    assert math.isnan(inverse_propensity(nothing, nothing).value)
    assert math.isnan(self_normalised(np.zeros(3), np.ones(3)).value)
    assert effective_size(nothing) == 0.0
    assert math.isnan(inverse_propensity(np.ones(1), np.ones(1)).error)
    with pytest.raises(ValueError, match="probability above 0"):
        weights(np.ones(2), np.array([0.5, 0.0]))
