"""The decision: agents, realised errors, calibration, blend, sizing.

The chain of one bar, for agent ``a`` with horizon ``h_a`` and symbol ``i`` (every name below is a row of the
sheet or a scalar of the decision, so a reader can follow it with a pocket calculator):

1. ``mean:a, sigma:a``: the agent's forecast; its sigma comes from its realised errors
   (:mod:`tuiconsole.ensemble.errors`).
2. ``calibrated:a = slope:a * mean:a`` (:mod:`tuiconsole.ensemble.calibration`).
3. ``weight:a`` from realised skill, 0 when switched off (:mod:`tuiconsole.ensemble.skill`).
4. ``blend_mean, blend_sigma`` over ``H = blend_horizon = max(1, round(sum_a weight:a * horizon:a))`` bars
   (:mod:`tuiconsole.ensemble.blend`): with ``m_a = calibrated:a * min(1, H / horizon:a)``,
   ``v_a = sigma:a**2 * H / horizon:a`` and shares ``s_a`` in proportion to ``weight:a / v_a``::

       blend_mean     = sum(s m)
       blend_sigma**2 = sum(s v) + sum(s (m - blend_mean)**2)

5. ``kelly_weight = min(name_limit, max(lower, kelly_fraction * blend_mean / blend_sigma**2))`` with ``lower``
   0, or ``-name_limit`` when shorts are allowed.
6. ``volatility_scale = volatility_target / kelly_volatility`` within its bounds; ``volatility_target`` is
   already cut for the regime.
7. ``target_weight = gross_scale * min(name_limit, volatility_scale * kelly_weight)``.
8. ``target_lots = trunc(target_weight * equity / lot_value)`` with ``lot_value = price * multiplier * lot``;
   the target quantity is ``target_lots * lot``.
9. ``acting`` is 1 where the difference to ``weight`` (held or on its way) is beyond the no-trade band.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tuiconsole.agents.contract import Agent
from tuiconsole.agents.registry import create_all
from tuiconsole.agents.settings import AgentSettings
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.policy import Decision, DecisionInputs, PolicyState, timeframe_of
from tuiconsole.domain.types import BoolArray, FloatArray, IntArray
from tuiconsole.engine.decision_sheet import scalar_names, scalars, sheet, sheet_names
from tuiconsole.engine.opinions import Opinions, ask, begin
from tuiconsole.ensemble.blend import Blend, blend
from tuiconsole.ensemble.calibration import slopes
from tuiconsole.ensemble.errors import ErrorTracker
from tuiconsole.ensemble.settings import EnsembleSettings
from tuiconsole.ensemble.skill import Skill, agent_weights, assess
from tuiconsole.portfolio.settings import SizingSettings
from tuiconsole.portfolio.sizing import Account, Exposure, Sizes, gross_limit, name_limit, size
from tuiconsole.regimes.bank import REGIME_NAMES

_HIGH_VOLATILITY = REGIME_NAMES.index("volatility_high")


class EnsemblePolicy:
    """Forecasts of many agents, blended by skill, sized under limits.

    Parameters
    ----------
    agents
        Which agents run, and what they are told.
    ensemble, sizing
        How they are judged and blended, and how beliefs become weights.
    bars_per_year
        Bars in a year, for the conversion of annual volatilities.
    universe
        For lots, quantity scales and multipliers.
    members
        Agents to use instead of those that ``agents`` names.

    Notes
    -----
    The state is a dict: ``tracker`` (:data:`~tuiconsole.ensemble.errors.TrackerState`), ``agents`` (what each
    remembers, by name), ``failed`` (sentence by name of each agent that failed and was not switched on again)
    and ``last`` (what :meth:`telemetry` shows).
    """

    def __init__(
        self,
        agents: AgentSettings,
        ensemble: EnsembleSettings,
        sizing: SizingSettings,
        bars_per_year: float,
        universe: Universe,
        members: Sequence[Agent] | None = None,
    ) -> None:
        self._agents = tuple(create_all(agents) if members is None else members)
        self._ensemble = ensemble
        self._sizing = sizing
        self._n = len(universe)
        self._per_bar = bars_per_year**-0.5
        self._horizons: FloatArray = np.array([float(agent.horizon_bars) for agent in self._agents])
        self._tracker = ErrorTracker([agent.horizon_bars for agent in self._agents], ensemble, bars_per_year)
        self._lot: IntArray = universe.lot
        self._lot_units: FloatArray = universe.lot / universe.quantity_scale
        multiplier = np.array([float(item.multiplier) for item in universe.instruments])
        self._lot_multiplier: FloatArray = self._lot_units * multiplier
        self._needs, self._rows = self._collect_needs()
        self._sheet_names = sheet_names(self._needs, self.agent_names)
        self._scalar_names = scalar_names(self.agent_names)
        self._holdable: BoolArray | None = None if universe.holdable.all() else universe.holdable
        self._constants = (sizing.kelly_fraction, name_limit(sizing), gross_limit(sizing))

    def _collect_needs(self) -> tuple[tuple[str, ...], tuple[int, int, int]]:
        window = self._sizing.risk_window_bars
        risk = (f"realised_volatility_{window}", f"beta_{window}", f"residual_volatility_{window}")
        needs = tuple(
            dict.fromkeys(name for wants in (*(a.needs for a in self._agents), risk) for name in wants)
        )
        volatility, beta, residual = (needs.index(name) for name in risk)
        return needs, (volatility, beta, residual)

    @property
    def needs(self) -> Sequence[str]:
        """Features that the agents and sizing read."""
        return self._needs

    @property
    def agent_names(self) -> Sequence[str]:
        """The agents, in the order of every ``[n_agents]`` array."""
        return tuple(agent.name for agent in self._agents)

    @property
    def timeframes(self) -> Sequence[str]:
        """The timeframes that agents declare."""
        return tuple(dict.fromkeys(filter(None, map(timeframe_of, self._agents))))

    @property
    def agent_titles(self) -> Sequence[str]:
        """What the screen calls the agents."""
        return tuple(agent.title for agent in self._agents)

    @property
    def horizons(self) -> Sequence[int]:
        """The agents' horizons in bars."""
        return tuple(agent.horizon_bars for agent in self._agents)

    @property
    def sheet_names(self) -> Sequence[str]:
        """Rows of the sheet: features, agents' forecasts, and the steps from price to target."""
        return self._sheet_names

    @property
    def scalar_names(self) -> Sequence[str]:
        """What the decision used that is not per symbol."""
        return self._scalar_names

    def initial_state(self, n_symbols: int) -> PolicyState:
        """Nothing known; ``n_symbols`` must be the universe's size."""
        if n_symbols != self._n:
            raise ValueError(f"the policy was made for {self._n} symbols, not {n_symbols}")
        n_agents = len(self._agents)
        nothing, per_agent = np.full(n_symbols, np.nan), np.full(n_agents, np.nan)
        return {
            "tracker": self._tracker.initial_state(n_symbols),
            "agents": {agent.name: begin(agent, n_symbols) for agent in self._agents},
            "failed": {},
            "last": {
                "weights": np.zeros(n_agents),
                "slopes": np.ones(n_agents),
                "information_coefficient": per_agent,
                "hit_rate": per_agent,
                "pnl": np.zeros(n_agents),
                "means": np.full((n_agents, n_symbols), np.nan),
                "sigmas": np.full((n_agents, n_symbols), np.nan),
                "mean": nothing,
                "sigma": nothing,
                "horizon_bars": 1,
                "target_weight": np.zeros(n_symbols),
                "volatility_forecast": float("nan"),
                "volatility_target": self._sizing.volatility_target,
            },
        }

    def telemetry(self, state: PolicyState) -> Mapping[str, Any]:
        """What the last decision believed, for screens.

        Returns
        -------
        dict
            ``weights``, ``slopes``, ``information_coefficient``, ``hit_rate`` and ``pnl`` ``[n_agents]`` (the
            last on a notional book of at most 10 % annual volatility, a fraction of its capital, before
            costs), ``means`` and ``sigmas`` ``[n_agents, n_symbols]`` over each agent's horizon, ``mean`` and
            ``sigma`` ``[n_symbols]`` over ``horizon_bars``, ``target_weight`` ``[n_symbols]`` (NaN = left
            alone), ``volatility_forecast`` (of the target portfolio) and ``volatility_target`` (after the
            regime's cut), both per year.
        """
        last: Mapping[str, Any] = state["last"]
        return last

    def decide(self, inputs: DecisionInputs, state: PolicyState) -> tuple[Decision, PolicyState]:
        """Targets for this bar, and the next state; neither argument is changed."""
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            return self._decide(inputs, state)

    def _decide(self, inputs: DecisionInputs, state: PolicyState) -> tuple[Decision, PolicyState]:
        volatility_row, beta_row, residual_row = self._rows
        annual = inputs.features[volatility_row]
        annual = np.where(annual > 0.0, annual, np.nan)
        volatility = annual * self._per_bar
        log_price = np.log(inputs.price)

        tracked = self._tracker.learn(state["tracker"], log_price)
        errors = self._tracker.realised_error(tracked, volatility)
        features = dict(zip(self._needs, inputs.features, strict=True))
        opinions = ask(self._agents, state["agents"], state["failed"], features, inputs, volatility, errors)
        moments = tracked["moments"]
        skill = assess(moments, self._horizons, self._n, self._ensemble)
        slope = slopes(moments, self._horizons, self._n, self._ensemble)
        taking_part = [
            float(name in inputs.enabled and name not in opinions.failed) for name in opinions.states
        ]
        weights = agent_weights(skill.credited_ic, np.array(taking_part))
        calibrated = slope[:, None] * opinions.mean
        blended = blend(calibrated, opinions.sigma, self._horizons, weights)
        account = Account(
            equity=inputs.equity,
            lot_value=inputs.price * self._lot_multiplier,
            held_lots=(inputs.position + inputs.pending) / self._lot,
            tradable=inputs.tradable,
        )
        mean = blended.mean if self._holdable is None else np.where(self._holdable, blended.mean, np.nan)
        sizes = size(
            mean,
            blended.sigma,
            Exposure(annual, inputs.features[beta_row], inputs.features[residual_row]),
            float(inputs.regime[_HIGH_VOLATILITY]),
            account,
            self._sizing,
        )
        target, acting = self._target(inputs, sizes), sizes.acting
        if inputs.members is not None:
            target, acting = np.where(inputs.members, target, 0), acting | (inputs.tradable & ~inputs.members)
        decision = Decision(
            target=target,
            acting=acting,
            sheet=sheet(inputs, opinions, calibrated, blended, self._lot_units, account.lot_value, sizes),
            scalars=scalars(
                inputs, weights, slope, skill, self._horizons, blended.horizon_bars, sizes, self._constants
            ),
        )
        next_state = {
            "tracker": self._tracker.remember(tracked, opinions.mean, volatility, log_price),
            "agents": opinions.states,
            "failed": opinions.failed,
            "last": _last(weights, slope, skill, tracked["profit"], opinions, blended, sizes),
        }
        return decision, next_state

    def _target(self, inputs: DecisionInputs, sizes: Sizes) -> IntArray:
        """Scaled target quantities; what is held and on its way where nothing is to be done."""
        lots = np.where(sizes.acting, sizes.lots, 0.0).astype(np.int64)
        lots *= self._lot
        return np.where(sizes.acting, lots, inputs.position + inputs.pending)


def _last(
    weights: FloatArray,
    slope: FloatArray,
    skill: Skill,
    profit: FloatArray,
    opinions: Opinions,
    blended: Blend,
    sizes: Sizes,
) -> dict[str, Any]:
    return {
        "weights": weights,
        "slopes": slope,
        "information_coefficient": skill.information_coefficient,
        "hit_rate": skill.hit_rate,
        "pnl": profit,
        "means": opinions.mean,
        "sigmas": opinions.sigma,
        "mean": blended.mean,
        "sigma": blended.sigma,
        "horizon_bars": blended.horizon_bars,
        "target_weight": sizes.weight,
        "volatility_forecast": sizes.predicted_volatility,
        "volatility_target": sizes.volatility_target,
    }
