"""What a policy last believed, for screens; policies that tell nothing show empty columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.engine.desk import Desk
from tuiconsole.engine.pipeline import EnsemblePolicy


@dataclass(frozen=True, slots=True)
class Telemetry:
    """The last decision's beliefs.

    Attributes
    ----------
    weights, information_coefficient, hit_rate, pnl
        float64 ``[n_agents]``; ``pnl`` is a fraction of a notional book's capital, before costs.
    means, sigmas
        float64 ``[n_agents, n_symbols]``, log-returns over each agent's horizon.
    mean, sigma
        float64 ``[n_symbols]``, log-returns over ``horizon_bars``.
    target_weight
        float64 ``[n_symbols]`` fraction of equity; NaN = left alone.
    volatility_forecast, volatility_target
        Annual.
    """

    agents: tuple[str, ...]
    titles: tuple[str, ...]
    horizons: IntArray
    weights: FloatArray
    information_coefficient: FloatArray
    hit_rate: FloatArray
    pnl: FloatArray
    means: FloatArray
    sigmas: FloatArray
    mean: FloatArray
    sigma: FloatArray
    horizon_bars: int
    target_weight: FloatArray
    volatility_forecast: float
    volatility_target: float

    @classmethod
    def of(cls, desk: Desk) -> Telemetry:
        """The telemetry of ``desk``'s policy in its present state."""
        policy, n = desk.policy, len(desk.universe)
        if not isinstance(policy, EnsemblePolicy):
            wanted = desk.policy_state.get("wanted", np.zeros(n))
            return cls._silent(tuple(policy.agent_names), wanted)
        last = policy.telemetry(desk.policy_state)
        return cls(
            agents=tuple(policy.agent_names),
            titles=tuple(policy.agent_titles),
            horizons=np.array(policy.horizons, dtype=np.int64),
            weights=last["weights"],
            information_coefficient=last["information_coefficient"],
            hit_rate=last["hit_rate"],
            pnl=last["pnl"],
            means=last["means"],
            sigmas=last["sigmas"],
            mean=last["mean"],
            sigma=last["sigma"],
            horizon_bars=int(last["horizon_bars"]),
            target_weight=last["target_weight"],
            volatility_forecast=float(last["volatility_forecast"]),
            volatility_target=float(last["volatility_target"]),
        )

    @classmethod
    def _silent(cls, agents: tuple[str, ...], wanted: FloatArray) -> Telemetry:
        """A policy that forecasts nothing: whoever decides has all the weight, and only the targets are known."""
        a, n = len(agents), len(wanted)
        nothing, each = np.full(n, np.nan), np.full(a, np.nan)
        table = np.full((a, n), np.nan)
        return cls(
            agents,
            agents,
            np.ones(a, dtype=np.int64),
            np.full(a, 1.0 / max(a, 1)),
            each,
            each,
            np.zeros(a),
            table,
            table,
            nothing,
            nothing,
            1,
            wanted,
            float("nan"),
            float("nan"),
        )
