"""The probability of overfitting against the reference simulation, a slow re-computation, and its bounds."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analytics.test_significance import leakage_case
from tuiconsole.analytics.performance import sharpe
from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.rng import generator
from tuiconsole.research.overfitting import probability_of_overfitting


def test_noise_and_an_edge() -> None:
    case = leakage_case("pbo_noise_vs_edge")
    expected, tolerance = case["expected"], case["atol"]
    noise, edge = [], []
    for seed in range(30):
        returns = np.random.default_rng(seed).normal(0, 0.01, (480, 20))
        found = probability_of_overfitting(returns, 8)
        assert len(found.logits) == expected["combos"]
        noise.append(found.probability)
        returns[:, 7] += 0.003
        edge.append(probability_of_overfitting(returns, 8).probability)
    assert np.mean(noise) == pytest.approx(expected["mean_noise"], abs=tolerance)
    assert np.std(noise) == pytest.approx(expected["sd_noise"], abs=tolerance)
    assert np.mean(edge) == pytest.approx(expected["mean_edge"], abs=tolerance)


@settings(max_examples=20)
@given(
    st.integers(0, 1000), st.integers(2, 6), st.sampled_from([2, 4, 6]), st.integers(2, 9), st.integers(0, 5)
)
def test_like_a_loop_over_all_halves(seed: int, trials: int, blocks: int, size: int, rest: int) -> None:
    rng = generator(seed, "trials")
    returns = rng.normal(0, 0.01, (blocks * size + min(rest, blocks - 1), trials))
    used = returns[: blocks * size].reshape(blocks, size, trials)
    logits, losses = [], 0
    for half in itertools.combinations(range(blocks), blocks // 2):
        other = [b for b in range(blocks) if b not in half]
        seen = [sharpe(np.concatenate([used[b, :, k] for b in half]), 1) for k in range(trials)]
        unseen = [sharpe(np.concatenate([used[b, :, k] for b in other]), 1) for k in range(trials)]
        best = int(np.argmax(seen))
        rank = 1 + sum(value < unseen[best] for value in unseen)
        share = rank / (trials + 1)
        logits.append(math.log(share / (1 - share)))
        losses += unseen[best] < 0
    found = probability_of_overfitting(returns, blocks)
    assert found.logits == pytest.approx(np.array(logits))
    assert found.probability == pytest.approx(np.mean(np.array(logits) <= 1e-12))
    assert found.probability_of_loss == pytest.approx(losses / len(logits))


def test_a_trial_that_never_moved_and_twins() -> None:
    returns = generator(1, "t").normal(0, 0.01, (64, 3))
    returns[:, 2] = 0.0
    assert 0 <= probability_of_overfitting(returns, 8).probability <= 1
    twins = np.repeat(returns[:, :1], 4, axis=1)
    assert probability_of_overfitting(twins, 8).logits == pytest.approx(np.zeros(70))


def test_what_cannot_be_judged() -> None:
    returns = np.zeros((64, 3))
    with pytest.raises(UsageError, match="two trials"):
        probability_of_overfitting(returns[:, :1])
    for blocks in (3, 0, 18):
        with pytest.raises(UsageError, match="must be even"):
            probability_of_overfitting(returns, blocks)
    with pytest.raises(UsageError, match="too few"):
        probability_of_overfitting(returns[:7], 8)
