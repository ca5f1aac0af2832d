"""Bandits: the published recursion, the regret, and choices whose odds are what the log says."""

import numpy as np
import pytest

from tests.execution.reference import case
from tuiconsole.analytics.off_policy import inverse_propensity, self_normalised, weights
from tuiconsole.domain.codec import decode_state, encode_state
from tuiconsole.domain.rng import generator
from tuiconsole.execution.linear_bandit import LinearBandit
from tuiconsole.execution.order_choice import OrderChoice, Situation, Style

ARMS = [(Style.MARKET, "A"), (Style.LIMIT, "A"), (Style.POV, "A"), (Style.PEGGED, "B")]


def test_the_published_recursion():
    known = case("linucb_trace", "09_bandits_causal")
    given, wanted, rtol = known["inputs"], known["expected"], known["rtol"]
    bandit = LinearBandit(2, 2, given["alpha"], given["ridge"])
    actions = []
    for context, rewards, bounds in zip(
        given["contexts"], given["rewards_by_arm"], wanted["ucb"], strict=True
    ):
        context = np.array(context)
        found = bandit.bounds(context)
        np.testing.assert_allclose(found, bounds, rtol=rtol)
        actions.append(int(found.argmax()))
        bandit.learn(actions[-1], context, rewards[actions[-1]])
    assert actions == wanted["actions"]
    np.testing.assert_allclose(bandit.theta, wanted["theta"], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(np.linalg.inv(bandit.state()["inverse"]), wanted["A"], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(bandit.state()["rewards"], wanted["b"], rtol=1e-12, atol=1e-12)


def regrets(seed, rounds, d, k, noise, alpha, choose):
    """Cumulated regret at half time and at the end of a policy on a linear world."""
    rng = generator(seed, "regret")
    theta = rng.normal(size=(k, d)) / np.sqrt(d)
    bandit, lost, half = LinearBandit(k, d, alpha), 0.0, 0.0
    for step in range(rounds):
        context = rng.normal(size=d)
        context /= np.linalg.norm(context)
        mean = theta @ context
        arm = int(choose(bandit, context, rng))
        bandit.learn(arm, context, mean[arm] + noise * rng.normal())
        lost += mean.max() - mean[arm]
        if step == rounds // 2 - 1:
            half = lost
    return half, lost


@pytest.mark.parametrize("seed", [0, 1])
def test_the_regret_of_the_reference_world(seed):
    known = case("contextual_regret", "09_bandits_causal")["inputs"]
    world = (seed, known["T"], known["d"], known["K"], known["noise"], known["alpha"])
    _, chance = regrets(*world, lambda bandit, context, rng: rng.integers(known["K"]))
    for choose in (
        lambda bandit, context, rng: bandit.bounds(context).argmax(),
        lambda bandit, context, rng: bandit.draw(context, rng).argmax(),
    ):
        half, lost = regrets(*world, choose)
        assert lost < 0.1 * chance
        assert lost - half < 0.4 * half


def situation(rng):
    return Situation(float(rng.uniform(0, 20)), float(rng.uniform(0, 2)), float(rng.random()), 50.0)


def test_choices_come_as_often_as_their_odds_say():
    choice, rng = OrderChoice(ARMS, exploration=0.4), generator(3, "choices")
    for _ in range(40):
        made = choice.choose(situation(rng), rng)
        choice.reward(made, 3.0 if made.arm else 1.0)
    fixed = Situation(5.0, 0.5, 0.2, 40.0)
    odds = choice.propensities(fixed.context(), np.ones(4, dtype=bool))
    assert odds.sum() == pytest.approx(1.0)
    drawn = [choice.choose(fixed, rng) for _ in range(4000)]
    often = np.bincount([made.arm for made in drawn], minlength=4) / 4000
    np.testing.assert_allclose(often, odds, atol=0.03)
    assert all(made.propensity == pytest.approx(odds[made.arm]) for made in drawn)


def test_arms_that_are_not_possible_are_never_chosen():
    choice, rng = OrderChoice(ARMS, exploration=0.9), generator(4, "choices")
    possible = np.array([False, True, False, True])
    arms = {choice.choose(situation(rng), rng, possible).arm for _ in range(200)}
    assert arms == {1, 3}
    with pytest.raises(ValueError, match="no arm is possible"):
        choice.choose(situation(rng), rng, np.zeros(4, dtype=bool))


@pytest.mark.parametrize(("arms", "share"), [([], 0.1), (ARMS, 1.5)])
def test_a_choice_without_arms_or_sense_is_refused(arms, share):
    with pytest.raises(ValueError, match="a choice needs"):
        OrderChoice(arms, share)


def slippage(arm, now, rng):
    """A world in which waiting is cheap where the spread is wide and the queue short, and dear where it is not."""
    crossing = now.spread_bps / 2 + 3.0 * now.depth
    waiting = 2.0 + 8.0 * now.queue - now.spread_bps / 4
    return {0: crossing, 1: waiting, 2: crossing * 0.9 + 1.0, 3: waiting + 1.5}[arm] + rng.normal(0.0, 0.5)


def test_it_learns_which_order_suits_the_situation_and_its_log_says_what_that_is_worth():
    """Learned: better than always crossing, by a margin that its own log predicts off-policy."""
    rng = generator(5, "world")
    choice, log, paid = OrderChoice(ARMS, exploration=0.3, alpha=2.0), [], []
    for _ in range(1500):
        now = situation(rng)
        made = choice.choose(now, rng)
        log.append((now, choice.reward(made, slippage(made.arm, now, rng))))
        paid.append(-log[-1][1].reward)
    fresh = [situation(rng) for _ in range(1500)]
    crossing = float(np.mean([slippage(0, now, rng) for now in fresh]))
    assert np.mean(paid[-500:]) < crossing - 1.0
    # the value of always crossing, from a log that mostly did something else
    later = log[300:]
    weight = weights(
        np.array([float(made.arm == 0) for _, made in later]),
        np.array([made.propensity for _, made in later]),
    )
    reward = np.array([made.reward for _, made in later])
    for estimate in (inverse_propensity(weight, reward), self_normalised(weight, reward)):
        assert -estimate.value == pytest.approx(crossing, abs=4 * estimate.error)
        assert estimate.error < 1.5


def test_a_restart_goes_on_with_the_same_odds():
    rng = generator(6, "world")
    first = OrderChoice(ARMS)
    for _ in range(20):
        first.reward(first.choose(situation(rng), rng), 2.0)
    second = OrderChoice(ARMS)
    second.restore(decode_state(encode_state(first.state())))
    now = situation(rng).context()
    everything = np.ones(4, dtype=bool)
    np.testing.assert_array_equal(first.propensities(now, everything), second.propensities(now, everything))
