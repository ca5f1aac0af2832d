from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ensemble.rig import VOLATILITY, Maker, run
from tuiconsole.domain.codec import decode_state, encode_state
from tuiconsole.domain.rng import generator
from tuiconsole.ensemble.errors import AGREEMENT, BARS, ERROR, FORECAST, HITS, OUTCOME, ErrorTracker
from tuiconsole.ensemble.settings import EnsembleSettings


def test_one_forecast_by_hand() -> None:
    tracker = ErrorTracker([2], EnsembleSettings(error_prior_bars=1.0), 252.0)
    state = tracker.initial_state(1)
    volatility, root = np.array([0.02]), 0.02 * np.sqrt(2.0)
    logs = [4.0, 4.01, 4.05]
    for t, mean in enumerate([0.03, 0.0]):
        state = tracker.learn(state, np.array([logs[t]]))
        assert state["error_count"].tolist() == [[0.0]]
        state = tracker.remember(state, np.array([[mean]]), volatility, np.array([logs[t]]))
    state = tracker.learn(state, np.array([logs[2]]))
    z, y = 0.03 / root, 0.05 / root
    expected = {AGREEMENT: z * y, FORECAST: z * z, OUTCOME: y * y, ERROR: (y - z) ** 2, HITS: 1.0, BARS: 1.0}
    for row, value in expected.items():
        assert state["moments"][row, 0] == pytest.approx(value)
    assert state["profit"][0] == pytest.approx(0.1 / np.sqrt(252.0) * y / np.sqrt(2.0))
    pooled = (1.0 + (y - z) ** 2) / 2.0
    ratio = (pooled + (y - z) ** 2) / 2.0
    found = tracker.realised_error(state, np.array([0.01]))
    assert found[0, 0] == pytest.approx(0.01 * np.sqrt(2.0 * ratio))


def test_before_any_error_the_prior_is_the_realised_volatility() -> None:
    tracker = ErrorTracker([1, 9], EnsembleSettings(), 252.0)
    found = tracker.realised_error(tracker.initial_state(3), np.array([0.01, 0.03, np.nan]))
    np.testing.assert_allclose(found, [[0.01, 0.03, np.nan], [0.03, 0.09, np.nan]])


def test_the_error_of_each_agent_and_symbol_is_found_whatever_the_volatility_claims() -> None:
    true = np.array([0.5, 1.0, 2.0]) * VOLATILITY
    settings = EnsembleSettings(half_life_bars=2000.0)
    *_, (tracker, state) = run([Maker(0.0, 0.05, 1), Maker(0.0, 1.0, 1)], 4000, 3, 2, settings, true)
    found = tracker.realised_error(state, np.full(3, VOLATILITY))
    np.testing.assert_allclose(found[0], true, rtol=0.10)
    np.testing.assert_allclose(found[1], np.sqrt(true**2 + VOLATILITY**2), rtol=0.10)


def test_the_prior_gives_way_smoothly() -> None:
    found = [
        tracker.realised_error(state, np.full(5, VOLATILITY))[0]
        for tracker, state in run([Maker(0.0, 0.05, 1)], 400, 5, true_volatility=3 * VOLATILITY)
    ]
    path = np.array(found)
    assert path[0] == pytest.approx(VOLATILITY)
    steps = np.abs(np.diff(path, axis=0)) / path[:-1]
    assert steps.max() < 0.6, "one error must not decide, even with a volatility that is 3 times too low"
    assert steps[60:].max() < 0.2
    assert (path[-1] > 2.3 * VOLATILITY).all()


def test_symbols_without_opinion_or_price_leave_no_error_and_no_nan() -> None:
    tracker = ErrorTracker([1, 2], EnsembleSettings(), 252.0)
    state = tracker.initial_state(3)
    rng = generator(1, "holes")
    for _ in range(30):
        log_price = np.array([rng.normal(0, 0.01), rng.normal(0, 0.01), np.nan])
        state = tracker.learn(state, log_price)
        mean = np.array([[0.01, np.nan, 0.01], [0.01, np.nan, np.nan]])
        state = tracker.remember(state, mean, np.array([0.01, 0.01, np.nan]), log_price)
    assert (state["error_count"][:, 0] > 20).all()
    assert not state["error_count"][:, 1:].any()
    for name in ("square_sum", "moments", "profit"):
        assert np.isfinite(state[name]).all()


@settings(max_examples=15, deadline=None)
@given(bars=st.integers(1, 12), seed=st.integers(0, 1000))
def test_states_are_values_that_never_change_and_survive_the_codec(bars: int, seed: int) -> None:
    rng = generator(seed, "codec")
    tracker = ErrorTracker([1, 4, 2], EnsembleSettings(), 252.0)
    straight = saved = tracker.initial_state(4)
    for _ in range(bars):
        log_price, mean = rng.normal(0, 1, 4), rng.normal(0, 0.01, (3, 4))
        mean[rng.random((3, 4)) < 0.3] = np.nan
        before = encode_state(straight)
        learned = tracker.learn(straight, log_price)
        kept = tracker.remember(learned, mean, np.full(4, 0.01), log_price)
        assert encode_state(straight) == before
        again = tracker.learn(decode_state(encode_state(saved)), log_price)
        saved = tracker.remember(again, mean, np.full(4, 0.01), log_price)
        assert encode_state(kept) == encode_state(saved)
        straight = kept


@pytest.mark.parametrize("horizons", [[], [0], [3, -1]])
def test_horizons_must_be_positive(horizons: list[int]) -> None:
    with pytest.raises(ValueError, match="at least 1 bar"):
        ErrorTracker(horizons, EnsembleSettings(), 252.0)
