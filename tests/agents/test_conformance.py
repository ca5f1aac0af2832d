"""What every registered agent promises; a new one inherits all of this by being registered."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.agents.rig import VOLATILITY, prices, quiet, view, views
from tuiconsole.agents.contract import Agent, AgentView
from tuiconsole.agents.registry import AGENT_NAMES, create
from tuiconsole.agents.settings import AgentSettings
from tuiconsole.domain.codec import decode_state, encode_state
from tuiconsole.domain.forecast import Forecast
from tuiconsole.features.catalogue import request
from tuiconsole.features.feature_set import FeatureSet

N_BARS, N_SYMBOLS = 300, 6


@pytest.fixture(params=AGENT_NAMES)
def agent(request: pytest.FixtureRequest) -> Agent:
    return create(request.param, AgentSettings())


def asked(agent: Agent, seen: AgentView) -> Forecast:
    with quiet():
        forecast, _ = agent.forecast(seen, agent.initial_state(len(seen.price)))
    return forecast


def last_view(agent: Agent, n_symbols: int = N_SYMBOLS, scale: float = 1.0) -> AgentView:
    *_, (seen, _) = views(agent, scale * prices(N_BARS, n_symbols))
    return seen


def require_sound(agent: Agent, forecast: Forecast, n: int) -> None:
    assert forecast.horizon_bars == agent.horizon_bars >= 1
    for array in (forecast.mean, forecast.sigma):
        assert array.shape == (n,)
        assert array.dtype == np.float64
    np.testing.assert_array_equal(np.isnan(forecast.mean), np.isnan(forecast.sigma))
    known = ~np.isnan(forecast.mean)
    assert np.isfinite(forecast.mean[known]).all()
    assert (forecast.sigma[known] > 0.0).all()


def test_it_introduces_itself(agent: Agent) -> None:
    assert agent.name in AGENT_NAMES
    assert create(agent.name, AgentSettings()).name == agent.name
    assert 0 < len(agent.title) <= 24
    assert [request(name).name for name in agent.needs] == list(agent.needs)


def test_every_bar_of_a_market_gets_a_sound_answer(agent: Agent) -> None:
    opinions = 0
    state = agent.initial_state(N_SYMBOLS)
    for seen, _ in views(agent, prices(N_BARS, N_SYMBOLS)):
        with quiet():
            forecast, state = agent.forecast(seen, state)
        require_sound(agent, forecast, N_SYMBOLS)
        opinions += int(np.isfinite(forecast.mean).sum())
    assert opinions > 0


def test_no_opinion_until_its_features_are_warm_and_one_on_every_symbol_after(agent: Agent) -> None:
    warm = FeatureSet((*agent.needs, VOLATILITY), N_SYMBOLS).warmup_bars
    state = agent.initial_state(N_SYMBOLS)
    for seen, bars in views(agent, prices(N_BARS, N_SYMBOLS)):
        with quiet():
            forecast, state = agent.forecast(seen, state)
        assert np.isnan(forecast.mean).all() == (bars < warm), f"bar {bars}, warm after {warm}"


def test_the_same_view_and_state_give_the_same_answer_and_change_nothing(agent: Agent) -> None:
    seen = last_view(agent)
    state = agent.initial_state(N_SYMBOLS)
    before = encode_state(
        [dict(seen.features), seen.regime, seen.price, seen.volatility, seen.realised_error, state]
    )
    with quiet():
        first, first_state = agent.forecast(seen, state)
        second, second_state = agent.forecast(seen, state)
    after = encode_state(
        [dict(seen.features), seen.regime, seen.price, seen.volatility, seen.realised_error, state]
    )
    assert after == before
    assert encode_state([first.mean, first.sigma, first_state]) == encode_state(
        [second.mean, second.sigma, second_state]
    )
    for given_array in (*seen.features.values(), seen.price, seen.volatility, seen.realised_error):
        assert not np.shares_memory(first.mean, given_array)


def test_a_saved_state_goes_on_as_if_never_saved(agent: Agent) -> None:
    straight, saved = agent.initial_state(N_SYMBOLS), agent.initial_state(N_SYMBOLS)
    for seen, _ in views(agent, prices(N_BARS, N_SYMBOLS)):
        with quiet():
            first, straight = agent.forecast(seen, straight)
            second, saved = agent.forecast(seen, decode_state(encode_state(saved)))
        np.testing.assert_array_equal(first.mean, second.mean)
        np.testing.assert_array_equal(first.sigma, second.sigma)


def test_the_unit_of_price_does_not_matter(agent: Agent) -> None:
    usual, in_cents = asked(agent, last_view(agent)), asked(agent, last_view(agent, scale=100.0))
    np.testing.assert_allclose(in_cents.mean, usual.mean, rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(in_cents.sigma, usual.sigma, rtol=1e-7)


def test_a_universe_of_one_symbol_is_fine(agent: Agent) -> None:
    for seen, _ in views(agent, prices(N_BARS, 1)):
        require_sound(agent, asked(agent, seen), 1)


def test_nothing_known_means_no_opinion(agent: Agent) -> None:
    nothing = np.full(4, np.nan)
    seen = view(agent, dict.fromkeys((*agent.needs, VOLATILITY), nothing), np.full(4, 10.0), nothing)
    forecast = asked(agent, seen)
    require_sound(agent, forecast, 4)
    assert np.isnan(forecast.mean).all()


def test_a_flat_market_raises_nothing(agent: Agent) -> None:
    for seen, _ in views(agent, np.full((N_BARS, 3), 25.0)):
        unknown = np.full(3, np.nan)
        forecast = asked(agent, replace(seen, volatility=unknown, realised_error=unknown))
        assert np.isnan(forecast.mean).all()


def test_a_symbol_without_features_has_no_opinion_and_leaves_the_others_theirs(agent: Agent) -> None:
    seen = last_view(agent)
    holed = {name: np.where(np.arange(N_SYMBOLS) == 2, np.nan, row) for name, row in seen.features.items()}
    forecast = asked(agent, replace(seen, features=holed))
    assert np.flatnonzero(np.isnan(forecast.mean)).tolist() == [2]


def test_larger_realised_errors_widen_sigma(agent: Agent) -> None:
    seen = last_view(agent)
    usual, wild = asked(agent, seen), asked(agent, replace(seen, realised_error=2.0 * seen.realised_error))
    assert (wild.sigma > 1.5 * usual.sigma).all()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_hostile_features_get_a_sound_answer(agent: Agent, data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 5))
    numbers = st.floats(-1e6, 1e6) | st.just(np.nan)
    rows = {name: data.draw(arrays(np.float64, n, elements=numbers)) for name in (*agent.needs, VOLATILITY)}
    volatility = data.draw(arrays(np.float64, n, elements=st.floats(1e-6, 1.0) | st.just(np.nan)))
    price = data.draw(arrays(np.float64, n, elements=st.floats(1e-4, 1e6)))
    require_sound(agent, asked(agent, view(agent, rows, price, volatility)), n)
