"""The footer: keys and what they do; and the strip of panels on small terminals."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip

from tuiconsole.ui.actions import ACTIONS
from tuiconsole.ui.keymap import Keymap
from tuiconsole.ui.widgets.lines import Lines
from tuiconsole.ui.widgets.paint import Brush, exactly


class Footer(Lines):
    """Keys of the registry, as many as fit; the stop key is first and never left out."""

    GROUND = "surface"

    def __init__(self, brush: Brush, keymap: Keymap, *, id: str = "footer") -> None:
        super().__init__(brush, id=id)
        self._keymap = keymap
        self.read_only = False

    def set_read_only(self, read_only: bool) -> None:
        """Leave out the keys that this console may not use."""
        if read_only != self.read_only:
            self.read_only = read_only
            self.redraw()

    def draw(self, width: int, height: int) -> list[Strip]:
        """The one line."""
        actions = [a for a in ACTIONS if a.label and not (self.read_only and a.writes)]
        while actions:
            size = sum(len(self._keymap.name(a.id)) + len(a.label) + 3 for a in actions)
            if size <= width:
                break
            actions.remove(max(reversed(actions), key=lambda a: a.rank))
        pieces: list[Segment] = []
        for action in actions:
            tone = "stop" if action.priority else "key"
            name = self._keymap.name(action.id)
            pieces.append(self.brush.segment(f" {name} " if action.priority else f" {name}", tone))
            pieces.append(self.brush.segment(f" {action.label} ", "plain"))
        return [exactly(Strip(pieces), width)]


class Tabs(Lines):
    """Names of the panels with their keys; the chosen one is marked by brackets and reverse."""

    GROUND = "surface"

    def __init__(self, brush: Brush, names: Sequence[tuple[str, str]], *, id: str = "tabs") -> None:
        super().__init__(brush, id=id)
        self._names = tuple(names)
        self._chosen = names[0][0]

    def choose(self, panel: str) -> None:
        """Mark ``panel`` as the one shown."""
        if panel != self._chosen:
            self._chosen = panel
            self.redraw()

    def draw(self, width: int, height: int) -> list[Strip]:
        """The one line."""
        pieces: list[Segment] = []
        gap = " " if sum(len(name) + 3 for _, name in self._names) <= width else ""
        for panel, name in self._names:
            chosen = panel == self._chosen
            pieces.append(
                self.brush.segment(f"[{name}]" if chosen else f" {name} ", "mode" if chosen else "dim")
            )
            pieces.append(self.brush.segment(gap, "plain"))
        return [exactly(Strip(pieces), width)]
