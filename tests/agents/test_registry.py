from __future__ import annotations

import subprocess
import sys

import pytest

from tuiconsole.agents.registry import AGENT_NAMES, create, create_all
from tuiconsole.agents.settings import AgentSettings
from tuiconsole.domain.errors import UsageError


def test_the_defaults_are_all_agents_in_order() -> None:
    assert (
        tuple(agent.name for agent in create_all(AgentSettings())) == AgentSettings().enabled == AGENT_NAMES
    )


def test_settings_reach_the_agents() -> None:
    settings = AgentSettings(
        enabled=("breakout", "mean_reversion"), breakout_horizon_bars=7, reversion_horizon_bars=3
    )
    assert [(agent.name, agent.horizon_bars) for agent in create_all(settings)] == [
        ("breakout", 7),
        ("mean_reversion", 3),
    ]


def test_an_unknown_name_gets_near_matches() -> None:
    with pytest.raises(UsageError, match=r"Unknown agent 'brekout'\. Did you mean breakout\?"):
        create("brekout", AgentSettings())
    with pytest.raises(UsageError, match="Known agents: ts_momentum"):
        create("qqq", AgentSettings())


def test_a_name_listed_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="lists breakout more than once"):
        create_all(AgentSettings(enabled=("breakout", "breakout")))


def test_agents_are_imported_when_asked_for() -> None:
    code = (
        "import sys, tuiconsole.agents.registry as r, tuiconsole.agents.settings as s\n"
        "assert 'tuiconsole.agents.breakout' not in sys.modules\n"
        "r.create('breakout', s.AgentSettings())\n"
        "assert 'tuiconsole.agents.breakout' in sys.modules\n"
        "assert 'tuiconsole.agents.low_volatility' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
