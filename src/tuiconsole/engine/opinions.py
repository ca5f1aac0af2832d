"""Asks every agent for its opinion, and goes on without those that fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tuiconsole.agents.contract import Agent, AgentState, AgentView
from tuiconsole.domain.forecast import Forecast
from tuiconsole.domain.policy import DecisionInputs, timeframe_of
from tuiconsole.domain.types import BoolArray, FloatArray


@dataclass(frozen=True, slots=True)
class Opinions:
    """What the agents said.

    Attributes
    ----------
    mean, sigma
        float64 ``[n_agents, n_symbols]`` over each agent's own horizon; NaN in both = no opinion, or failed.
    states
        What each agent remembers next, by name.
    failed
        Sentence by name of every agent that failed, now or earlier, and was not switched on again.
    """

    mean: FloatArray
    sigma: FloatArray
    states: Mapping[str, AgentState]
    failed: Mapping[str, str]


def begin(agent: Agent, n_symbols: int) -> AgentState:
    """What is remembered of an agent before the first bar: its own state, and its last forecast where it has a timeframe."""
    own = agent.initial_state(n_symbols)
    if not timeframe_of(agent):
        return own
    nothing = np.full(n_symbols, np.nan)
    return {"own": own, "mean": nothing, "sigma": nothing}


def ask(
    agents: Sequence[Agent],
    states: Mapping[str, AgentState],
    failed: Mapping[str, str],
    features: Mapping[str, FloatArray],
    inputs: DecisionInputs,
    volatility: FloatArray,
    realised_error: FloatArray,
) -> Opinions:
    """Opinions of all agents at one bar.

    Agents that are switched off are asked too: their skill stays known, and they come back with it. Those in
    ``failed`` are not. One with a timeframe is asked when an interval of it ends; until the next one its last
    forecast stands. An agent that raises, or whose arrays are malformed, joins ``failed`` with what it
    did.

    Parameters
    ----------
    volatility
        float64 ``[n_symbols]``, standard deviation of one bar's log-return; positive or NaN.
    realised_error
        float64 ``[n_agents, n_symbols]``, see :class:`~tuiconsole.agents.contract.AgentView`.
    """
    n = len(inputs.price)
    mean = np.full((len(agents), n), np.nan)
    sigma = np.full((len(agents), n), np.nan)
    after: dict[str, AgentState] = {}
    broken = dict(failed)
    for a, agent in enumerate(agents):
        name, state = agent.name, states[agent.name]
        after[name] = state
        if name in broken:
            continue
        timeframe = timeframe_of(agent)
        if timeframe and timeframe not in inputs.ended:
            mean[a], sigma[a] = state["mean"], state["sigma"]
            continue
        view = AgentView(
            features, inputs.regime, inputs.price, inputs.tradable, volatility, realised_error[a]
        )
        try:
            forecast, next_state = agent.forecast(view, state["own"] if timeframe else state)
            _require_shape(forecast, agent.horizon_bars, n)
        except Exception as error:  # noqa: BLE001 - whatever an agent raises, the desk goes on without it
            broken[name] = f"{type(error).__name__}: {error}"
            continue
        mean[a], sigma[a], after[name] = forecast.mean, forecast.sigma, next_state
        if timeframe:
            after[name] = {"own": next_state, "mean": forecast.mean.copy(), "sigma": forecast.sigma.copy()}
    sound = np.isfinite(mean + sigma)
    sound &= sigma > 0.0
    if not sound.all():
        _drop_malformed(agents, mean, sigma, sound, broken)
    return Opinions(mean, sigma, after, broken)


def _require_shape(forecast: Forecast, horizon_bars: int, n: int) -> None:
    for what, array in (("mean", forecast.mean), ("sigma", forecast.sigma)):
        if array.shape != (n,) or array.dtype != np.float64:
            raise ValueError(f"{what} must be float64 [{n}], was {array.dtype} {list(array.shape)}")
    if forecast.horizon_bars != horizon_bars:
        raise ValueError(f"horizon must stay {horizon_bars} bars, was {forecast.horizon_bars}")


def _drop_malformed(
    agents: Sequence[Agent],
    mean: FloatArray,
    sigma: FloatArray,
    sound: BoolArray,
    broken: dict[str, str],
) -> None:
    """Strike out agents with an opinion that is neither sound nor plainly absent."""
    none = np.isnan(mean) & np.isnan(sigma)
    for a in np.flatnonzero(~(sound | none).all(axis=1)).tolist():
        k = int(np.flatnonzero(~(sound[a] | none[a]))[0])
        broken[agents[a].name] = (
            f"column {k} has mean {mean[a, k]:g} and sigma {sigma[a, k]:g}; "
            "sigma must be positive, and both finite or both NaN"
        )
        mean[a] = sigma[a] = np.nan
