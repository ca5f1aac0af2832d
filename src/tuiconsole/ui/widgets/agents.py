"""The agents panel: a table whose rows can be switched on and off."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from tuiconsole.ui.widgets.table import Grid


class AgentsPanel(Grid):
    """Agents with switches; space or enter asks for the selected one to be switched."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space,enter", "switch", "switch", show=False)]

    class Switch(Message):
        """The trader wants ``agent`` switched."""

        def __init__(self, agent: str) -> None:
            super().__init__()
            self.agent = agent

    def action_switch(self) -> None:
        """Ask for the selected agent to be switched."""
        if self.selected is not None:
            self.post_message(self.Switch(self.selected.key))
