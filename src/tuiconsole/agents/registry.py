"""Agents by name. A new agent is one file and one line here."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from importlib import import_module
from typing import cast

from tuiconsole.agents.contract import Agent
from tuiconsole.agents.settings import AgentSettings
from tuiconsole.domain.errors import UsageError

_FACTORIES = {
    "ts_momentum": "tuiconsole.agents.ts_momentum:TimeSeriesMomentum.build",
    "xs_momentum": "tuiconsole.agents.xs_momentum:CrossSectionalMomentum.build",
    "mean_reversion": "tuiconsole.agents.mean_reversion:MeanReversion.build",
    "breakout": "tuiconsole.agents.breakout:Breakout.build",
    "low_volatility": "tuiconsole.agents.low_volatility:LowVolatility.build",
}
"""Name to ``module:factory``; the factory takes :class:`AgentSettings` and is imported when first asked
for."""

AGENT_NAMES = tuple(_FACTORIES)
"""All registered agents."""


def create(name: str, settings: AgentSettings) -> Agent:
    """The agent registered as ``name``.

    Raises
    ------
    UsageError
        When no agent has that name; names the nearest ones.
    """
    place = _FACTORIES.get(name)
    if place is None:
        near = difflib.get_close_matches(name, AGENT_NAMES, n=2)
        remedy = f"Did you mean {' or '.join(near)}?" if near else f"Known agents: {', '.join(AGENT_NAMES)}."
        raise UsageError(f"Unknown agent {name!r}.", remedy)
    module, path = place.split(":")
    factory: object = import_module(module)
    for part in path.split("."):
        factory = getattr(factory, part)
    return cast("Agent", factory(settings))  # type: ignore[operator]


def create_all(settings: AgentSettings) -> Sequence[Agent]:
    """The configured agents in their order; none at all or a name listed twice raises :class:`UsageError`."""
    if not settings.enabled:
        raise UsageError("agents.enabled names no agent.", f"Name at least one of {', '.join(AGENT_NAMES)}.")
    twice = sorted({name for name in settings.enabled if settings.enabled.count(name) > 1})
    if twice:
        raise UsageError(f"agents.enabled lists {', '.join(twice)} more than once.", "Name each agent once.")
    return tuple(create(name, settings) for name in settings.enabled)
