"""What every agent, rule or network, looks like from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tuiconsole.domain.forecast import Forecast
from tuiconsole.domain.types import BoolArray, FloatArray

AgentState = Mapping[str, Any]
"""What an agent remembers: nested dicts of numbers, text and arrays that the codec can encode; empty for rule
agents."""


@dataclass(frozen=True, slots=True)
class AgentView:
    """All that one agent sees at one bar. Nothing in it may be written to.

    Attributes
    ----------
    features
        Catalogue name to float64 ``[n_symbols]``; holds at least what the agent ``needs``; NaN until warm.
    regime
        float64 ``[n_regimes]`` probabilities, named by ``regimes.bank.REGIME_NAMES``.
    price
        float64 ``[n_symbols]``, last good close in currency units; NaN where none was ever seen.
    tradable
        bool ``[n_symbols]``: the price of this bar is good.
    volatility
        float64 ``[n_symbols]``, realised standard deviation of the log-return of *one* bar; positive or NaN.
    realised_error
        float64 ``[n_symbols]``, standard deviation of this agent's own forecast errors over its horizon.
        While few errors are known it leans on ``volatility * sqrt(horizon_bars)`` and moves smoothly from
        there to what the agent's forecasts really missed by; positive, NaN where no volatility is known yet.
    """

    features: Mapping[str, FloatArray]
    regime: FloatArray
    price: FloatArray
    tradable: BoolArray
    volatility: FloatArray
    realised_error: FloatArray


class Agent(Protocol):
    """One forecaster.

    Pure: the same view and state give the same forecast and state, and nothing else changes. It is called once
    a bar, under ``numpy.errstate`` that ignores invalid and divide; the view's arrays are only good for that
    call, so what is to be remembered must be copied. One that raises, or answers with malformed arrays, is
    switched off visibly.

    An attribute ``timeframe``, e.g. ``"15min"``, is optional: it is then asked only when such an interval of the session has
    ended, and in between its last forecast stands (see :func:`~tuiconsole.domain.policy.timeframe_of`).
    """

    @property
    def name(self) -> str:
        """The word it is registered and switched by."""
        ...

    @property
    def title(self) -> str:
        """What the screen calls it, at most 24 characters."""
        ...

    @property
    def needs(self) -> Sequence[str]:
        """Catalogue names of the features it reads."""
        ...

    @property
    def horizon_bars(self) -> int:
        """Bars ahead that its forecasts speak of; fixed for its life, at least 1."""
        ...

    def initial_state(self, n_symbols: int) -> AgentState:
        """What it remembers before the first bar."""
        ...

    def forecast(self, view: AgentView, state: AgentState) -> tuple[Forecast, AgentState]:
        """Its opinion at this bar, and what it remembers next; ``state`` itself is not changed."""
        ...
