"""Breakout: a price at the edge of its channel is on its way out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tuiconsole.agents.contract import AgentView
from tuiconsole.agents.rule import RuleAgent
from tuiconsole.agents.settings import AgentSettings
from tuiconsole.domain.types import FloatArray

_EDGE_SCORE = 1.5
"""Score of a price on the channel's edge; a price inside is placed linearly, 0 in the middle."""


@dataclass(frozen=True, slots=True)
class Breakout(RuleAgent):
    """Place of the close in its 55-bar Donchian channel.

    Donchian (1960), "High finance in copper", Financial Analysts Journal 16(6), for the channel; Carver
    (2015), "Systematic trading", for the graded rather than all-or-nothing position in it. No opinion on a
    channel of no width.
    """

    name: ClassVar[str] = "breakout"
    title: ClassVar[str] = "Channel breakout"
    needs: ClassVar[tuple[str, ...]] = ("donchian_high_55", "donchian_low_55")

    @classmethod
    def build(cls, settings: AgentSettings) -> Breakout:
        """The agent as configured."""
        return cls(settings.breakout_horizon_bars, settings.prior_ic, settings.score_limit)

    def score(self, view: AgentView) -> FloatArray:
        """``(2 * price - high - low) / (high - low)``, scaled."""
        high, low = (view.features[name] for name in self.needs)
        width = high - low
        width[width <= 0.0] = float("nan")
        score = view.price * 2.0
        score -= high
        score -= low
        score /= width
        score *= _EDGE_SCORE
        return score
