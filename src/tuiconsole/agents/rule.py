"""The forecast that all rule agents share: a score becomes a distribution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tuiconsole.agents.contract import AgentState, AgentView
from tuiconsole.domain.forecast import Forecast
from tuiconsole.domain.types import FloatArray


@dataclass(frozen=True, slots=True)
class RuleAgent:
    """An agent whose opinion is one stateless score per symbol.

    Grinold (1994), "Alpha is volatility times IC times score", J. Portfolio Management 20(4): with ``s`` the
    score clipped to ``±score_limit``::

        sigma = view.realised_error        mean = prior_ic * sigma * s

    Parameters
    ----------
    horizon_bars
        Bars ahead that the score speaks of.
    prior_ic
        Information coefficient the agent claims before any evidence; the ensemble corrects it afterwards.
    score_limit
        Scores beyond this many standard deviations say no more than the limit.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    needs: ClassVar[tuple[str, ...]]

    horizon_bars: int
    prior_ic: float
    score_limit: float

    def score(self, view: AgentView) -> FloatArray:
        """Standardised opinion ``[n_symbols]``, about -2 to 2, a fresh array; NaN = none."""
        raise NotImplementedError

    def initial_state(self, n_symbols: int) -> AgentState:
        """Nothing."""
        return {}

    def forecast(self, view: AgentView, state: AgentState) -> tuple[Forecast, AgentState]:
        """The score as expected log-return and its standard deviation over the horizon."""
        score = self.score(view)
        np.minimum(score, self.score_limit, out=score)
        np.maximum(score, -self.score_limit, out=score)
        sigma = view.realised_error
        mean = score * sigma
        mean *= self.prior_ic
        return Forecast(mean, np.where(np.isnan(mean), np.nan, sigma), self.horizon_bars), state
