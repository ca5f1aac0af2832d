"""Low volatility: quiet names earn more than they should, wild ones less."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tuiconsole.agents.contract import AgentView
from tuiconsole.agents.cross_section import standardise
from tuiconsole.agents.rule import RuleAgent
from tuiconsole.agents.settings import AgentSettings
from tuiconsole.domain.types import FloatArray


@dataclass(frozen=True, slots=True)
class LowVolatility(RuleAgent):
    """Minus the mean of standardised beta and standardised residual volatility, compared across symbols.

    Frazzini and Pedersen (2014), "Betting against beta", J. Financial Economics 111; Ang, Hodrick, Xing and
    Zhang (2006), "The cross-section of volatility and expected returns", J. Finance 61. No opinion in a
    universe of one.
    """

    name: ClassVar[str] = "low_volatility"
    title: ClassVar[str] = "Low volatility"
    needs: ClassVar[tuple[str, ...]] = ("beta_252", "residual_volatility_252")

    @classmethod
    def build(cls, settings: AgentSettings) -> LowVolatility:
        """The agent as configured."""
        return cls(settings.low_volatility_horizon_bars, settings.prior_ic, settings.score_limit)

    def score(self, view: AgentView) -> FloatArray:
        """High for low beta and low residual volatility."""
        beta, residual = (standardise(view.features[name]) for name in self.needs)
        beta += residual
        beta *= -0.5
        return beta
