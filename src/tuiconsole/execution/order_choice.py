"""Which order type at which venue: a contextual bandit rewarded with less slippage, with its odds written down.

With probability ``1 - exploration`` the arm with the greatest upper confidence bound is taken, else any arm that is possible,
all alike; so the probability of every choice is known exactly and what another policy would have earned can be estimated from
the log (:mod:`tuiconsole.analytics.off_policy`).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tuiconsole.domain.types import BoolArray, FloatArray
from tuiconsole.execution.linear_bandit import LinearBandit


class Style(enum.IntEnum):
    """How an order is worked at its venue."""

    MARKET = 0
    LIMIT = 1
    POV = 2
    PEGGED = 3


class Situation(NamedTuple):
    """What is known when an order type is chosen; all finite.

    Attributes
    ----------
    spread_bps
        Quoted spread, basis points of the midpoint.
    depth
        Order's quantity over what is displayed at the best price.
    queue
        Share of the best bid (for a purchase) in front of a new limit order, 0 to 1.
    volatility_bps
        Standard deviation of one bar's log-return, basis points.
    """

    spread_bps: float
    depth: float
    queue: float
    volatility_bps: float

    def context(self) -> FloatArray:
        """What the models see: a constant and the four figures, squeezed to about one, float64 ``[5]``."""
        figures = [self.spread_bps / 10.0, self.depth, self.queue, self.volatility_bps / 100.0]
        return np.concatenate(([1.0], np.tanh(np.array(figures))))


class Choice(NamedTuple):
    """One line of the log: what was chosen, how likely that was, and what the models knew.

    ``reward`` is the negative slippage in basis points, once it is known.
    """

    arm: int
    propensity: float
    context: FloatArray
    reward: float = float("nan")


class OrderChoice:
    """Chooses among ``(style, venue)`` arms.

    Parameters
    ----------
    arms
        What may be chosen at all, at least one.
    exploration
        Share of choices made by lot, 0 to 1.
    alpha
        Width of the confidence bounds, in basis points of slippage.
    """

    def __init__(
        self, arms: Sequence[tuple[Style, str]], exploration: float = 0.1, alpha: float = 1.0
    ) -> None:
        if not arms or not 0.0 <= exploration <= 1.0:
            raise ValueError("a choice needs an arm, and a share of exploration within 0 and 1")
        self.arms = tuple(arms)
        self._exploration = exploration
        self._bandit = LinearBandit(len(self.arms), len(Situation._fields) + 1, alpha)

    def propensities(self, context: FloatArray, possible: BoolArray) -> FloatArray:
        """Probability of every arm, float64 ``[n_arms]``; of arms that are not ``possible`` it is 0."""
        if not possible.any():
            raise ValueError("no arm is possible")
        odds = np.where(possible, self._exploration / np.count_nonzero(possible), 0.0)
        odds[int(np.where(possible, self._bandit.bounds(context), -np.inf).argmax())] += (
            1.0 - self._exploration
        )
        return odds

    def choose(
        self, situation: Situation, rng: np.random.Generator, possible: BoolArray | None = None
    ) -> Choice:
        """An arm for ``situation``; ``possible`` bool ``[n_arms]`` leaves arms out (None: all may be chosen)."""
        allowed = np.ones(len(self.arms), dtype=np.bool_) if possible is None else possible
        context = situation.context()
        odds = self.propensities(context, allowed)
        likely = np.flatnonzero(odds)
        rising = odds[likely].cumsum()
        arm = int(likely[np.searchsorted(rising[:-1], rng.random() * rising[-1], side="right")])
        return Choice(arm, float(odds[arm]), context)

    def reward(self, choice: Choice, slippage_bps: float) -> Choice:
        """Learn what ``choice`` cost; the log line with its reward."""
        self._bandit.learn(choice.arm, choice.context, -slippage_bps)
        return choice._replace(reward=-slippage_bps)

    def state(self) -> dict[str, Any]:
        """Everything needed to go on."""
        return self._bandit.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from :meth:`state`."""
        self._bandit.restore(state)
