"""The command palette's entries: every action of the registry, and a switch for every agent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tuiconsole.ui.actions import ACTIONS
from tuiconsole.ui.format import plain

Entry = tuple[str, str, Callable[[], Any]]
"""Name, help and what to run."""


class ActionProvider(Provider):
    """Feeds the palette from the registry; names are plain text, never markup."""

    def _entries(self) -> Iterator[Entry]:
        app: Any = self.app
        for action in ACTIONS:
            if action.id != "palette" and app.may(action.id):
                name = f"{action.id.replace('_', ' ')} ({app.keymap.name(action.id)})"
                yield name, action.help, partial(app.run_action, action.call)
        snapshot = app.snapshot
        if snapshot is not None and app.client.may_write:
            for agent in snapshot.agents:
                to = "off" if agent.enabled else "on"
                name = f"agent {plain(agent.name)} {to}"
                yield (
                    name,
                    f"Switch the agent {plain(agent.name)} {to}.",
                    partial(app.switch_agent, agent.name),
                )

    async def discover(self) -> Hits:
        """Everything, before anything is typed."""
        for name, text, run in self._entries():
            yield DiscoveryHit(_escaped(name), run, text=name, help=_escaped(text))

    async def search(self, query: str) -> Hits:
        """Entries that match what was typed."""
        matcher = self.matcher(query)
        for name, text, run in self._entries():
            score = matcher.match(f"{name} {text}")
            if score > 0:
                yield Hit(score, _escaped(name), run, text=name, help=_escaped(text))


def _escaped(text: str) -> str:
    return text.replace("[", r"\[")
