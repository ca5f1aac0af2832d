"""Mean reversion: what ran ahead of itself over some weeks comes back in days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tuiconsole.agents.contract import AgentView
from tuiconsole.agents.rule import RuleAgent
from tuiconsole.agents.settings import AgentSettings
from tuiconsole.domain.types import FloatArray

_RSI_MIDDLE = 50.0
_RSI_DEVIATION = 12.5
"""Points of a 14-bar RSI that make about one standard deviation."""


@dataclass(frozen=True, slots=True)
class MeanReversion(RuleAgent):
    """Minus the mean of a 20-bar z-score of the close and of a 14-bar relative strength index.

    Jegadeesh (1990), "Evidence of predictable behavior of security returns", J. Finance 45; Wilder (1978),
    "New concepts in technical trading systems", for the index.
    """

    name: ClassVar[str] = "mean_reversion"
    title: ClassVar[str] = "Mean reversion"
    needs: ClassVar[tuple[str, ...]] = ("zscore_20", "rsi_14")

    @classmethod
    def build(cls, settings: AgentSettings) -> MeanReversion:
        """The agent as configured."""
        return cls(settings.reversion_horizon_bars, settings.prior_ic, settings.score_limit)

    def score(self, view: AgentView) -> FloatArray:
        """High after a fall, low after a rise."""
        zscore, rsi = (view.features[name] for name in self.needs)
        score = rsi - _RSI_MIDDLE
        score /= _RSI_DEVIATION
        score += zscore
        score *= -0.5
        return score
