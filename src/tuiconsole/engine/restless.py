"""A policy that never rests: targets drawn from a seed, so that every path of an order is walked often."""

from __future__ import annotations

import numpy as np

from tuiconsole.domain.policy import Decision, DecisionInputs, PolicyState
from tuiconsole.domain.rng import generator


class RestlessPolicy:
    """Wants another random position now and then; it forecasts nothing and is only fit for simulations.

    Parameters
    ----------
    seed
        Of everything it wants.
    share
        Largest position, as a share of equity.
    changes
        Probability that it wants something else of a symbol at a bar.
    """

    needs: tuple[str, ...] = ()
    agent_names: tuple[str, ...] = ()
    sheet_names: tuple[str, ...] = ()
    scalar_names: tuple[str, ...] = ()

    def __init__(self, seed: int, share: float = 0.1, changes: float = 0.3) -> None:
        self._seed = seed
        self._share = share
        self._changes = changes

    def initial_state(self, n_symbols: int) -> PolicyState:
        """Nothing to remember."""
        return {}

    def decide(self, inputs: DecisionInputs, state: PolicyState) -> tuple[Decision, PolicyState]:
        """Random targets; those of a bar depend on the seed and the bar's number alone."""
        rng = generator(self._seed, "restless", str(inputs.seq))
        n = len(inputs.price)
        wants = rng.random(n) < self._changes
        weight = np.where(rng.random(n) < 0.2, 0.0, rng.uniform(-self._share, self._share, n))
        shares = np.where(
            inputs.tradable, weight * inputs.equity / np.where(inputs.tradable, inputs.price, 1.0), 0.0
        )
        target = np.trunc(shares).astype(np.int64)
        return Decision(target, wants & inputs.tradable, np.empty((0, n)), np.empty(0)), state
