"""Linear contextual bandits: which of a few arms to choose in a given situation, learned from what each choice brought.

Every arm ``a`` has its own ridge regression of rewards on contexts, ``A_a = ridge I + sum x x'``, ``b_a = sum r x``,
``theta_a = A_a^-1 b_a``. LinUCB takes the arm with the greatest ``theta_a' x + alpha sqrt(x' A_a^-1 x)``; Thompson sampling
draws ``theta_a`` from ``N(theta_a, alpha^2 A_a^-1)`` and takes the best draw.

Sources: Li, Chu, Langford and Schapire, "A contextual-bandit approach to personalized news article recommendation", WWW 2010,
algorithm 1; Agrawal and Goyal, "Thompson sampling for contextual bandits with linear payoffs", ICML 2013.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tuiconsole.domain.types import FloatArray


class LinearBandit:
    """Disjoint linear models of ``n_arms`` arms over contexts ``[n_context]``.

    Parameters
    ----------
    n_arms, n_context
        Both at least 1.
    alpha
        Width of the confidence bound, or of the posterior; 0 never explores.
    ridge
        Prior precision, positive.

    Examples
    --------
    >>> bandit = LinearBandit(2, 2)
    >>> bandit.learn(0, np.array([1.0, 0.0]), 0.1)
    >>> bandit.bounds(np.array([1.0, 0.0])).round(4).tolist()
    [0.7571, 1.0]
    """

    def __init__(self, n_arms: int, n_context: int, alpha: float = 1.0, ridge: float = 1.0) -> None:
        self._alpha = alpha
        self._inverse: FloatArray = np.repeat(np.eye(n_context)[None] / ridge, n_arms, axis=0)
        self._rewards: FloatArray = np.zeros((n_arms, n_context))
        self._count: FloatArray = np.zeros(n_arms)

    @property
    def theta(self) -> FloatArray:
        """Estimates, float64 ``[n_arms, n_context]``."""
        return np.asarray(np.einsum("aij,aj->ai", self._inverse, self._rewards))

    @property
    def count(self) -> FloatArray:
        """Rewards learned by arm, ``[n_arms]``."""
        return self._count.copy()

    def expected(self, context: FloatArray) -> FloatArray:
        """Expected reward of every arm in ``context`` ``[n_context]``."""
        return np.asarray(self.theta @ context)

    def bounds(self, context: FloatArray) -> FloatArray:
        """Upper confidence bounds, float64 ``[n_arms]``."""
        width = np.sqrt(np.maximum(np.einsum("i,aij,j->a", context, self._inverse, context), 0.0))
        return np.asarray(self.expected(context) + self._alpha * width)

    def draw(self, context: FloatArray, rng: np.random.Generator) -> FloatArray:
        """One draw of every arm's reward from its posterior, float64 ``[n_arms]``."""
        width = np.sqrt(np.maximum(np.einsum("i,aij,j->a", context, self._inverse, context), 0.0))
        return np.asarray(self.expected(context) + self._alpha * width * rng.standard_normal(len(width)))

    def learn(self, arm: int, context: FloatArray, reward: float) -> None:
        """``arm`` was chosen in ``context`` and brought ``reward``."""
        inverse = self._inverse[arm]
        gain = inverse @ context
        inverse -= np.outer(gain, gain) / (1.0 + float(context @ gain))
        self._rewards[arm] += reward * context
        self._count[arm] += 1.0

    def state(self) -> dict[str, Any]:
        """Everything needed to go on, copied."""
        return {"inverse": self._inverse.copy(), "rewards": self._rewards.copy(), "count": self._count.copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from :meth:`state`."""
        self._inverse, self._rewards = state["inverse"].copy(), state["rewards"].copy()
        self._count = state["count"].copy()
