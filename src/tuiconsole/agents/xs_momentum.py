"""Cross-sectional momentum: winners go on beating losers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tuiconsole.agents.contract import AgentView
from tuiconsole.agents.cross_section import standardise
from tuiconsole.agents.rule import RuleAgent
from tuiconsole.agents.settings import AgentSettings
from tuiconsole.domain.types import FloatArray


@dataclass(frozen=True, slots=True)
class CrossSectionalMomentum(RuleAgent):
    """Past return from 12 months to 1 month ago, compared across symbols.

    Jegadeesh and Titman (1993), "Returns to buying winners and selling losers", J. Finance 48: relative
    strength over 3 to 12 months; the latest month is left out because it tends to reverse (Jegadeesh, 1990).
    No opinion in a universe of one symbol.
    """

    name: ClassVar[str] = "xs_momentum"
    title: ClassVar[str] = "Cross-section momentum"
    needs: ClassVar[tuple[str, ...]] = ("momentum_252_21",)

    @classmethod
    def build(cls, settings: AgentSettings) -> CrossSectionalMomentum:
        """The agent as configured."""
        return cls(settings.cross_section_horizon_bars, settings.prior_ic, settings.score_limit)

    def score(self, view: AgentView) -> FloatArray:
        """Standardised past return."""
        return standardise(view.features[self.needs[0]])
