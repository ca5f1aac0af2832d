"""Time-series momentum: what rose goes on rising."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from tuiconsole.agents.contract import AgentView
from tuiconsole.agents.rule import RuleAgent
from tuiconsole.agents.settings import AgentSettings
from tuiconsole.domain.types import FloatArray

_YEAR, _QUARTER = 252, 63


@dataclass(frozen=True, slots=True)
class TimeSeriesMomentum(RuleAgent):
    """Own past return over a year and a quarter, each in its own standard deviations, averaged.

    Moskowitz, Ooi and Pedersen (2012), "Time series momentum", J. Financial Economics 104, eq. 5: positions
    follow the sign of the past year's return, scaled by volatility; here the size of the move counts too.
    """

    name: ClassVar[str] = "ts_momentum"
    title: ClassVar[str] = "Time-series momentum"
    needs: ClassVar[tuple[str, ...]] = (f"momentum_{_YEAR}_0", f"momentum_{_QUARTER}_0")

    @classmethod
    def build(cls, settings: AgentSettings) -> TimeSeriesMomentum:
        """The agent as configured."""
        return cls(settings.trend_horizon_bars, settings.prior_ic, settings.score_limit)

    def score(self, view: AgentView) -> FloatArray:
        """Mean of the two standardised past returns."""
        year, quarter = (view.features[name] for name in self.needs)
        score = year * (0.5 / math.sqrt(_YEAR))
        score += quarter * (0.5 / math.sqrt(_QUARTER))
        score /= view.volatility
        return score
