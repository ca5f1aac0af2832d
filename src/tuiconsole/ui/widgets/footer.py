"""The footer: keys and what they do; and the strip of panels on small terminals."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip

from tuiconsole.ui.actions import Action
from tuiconsole.ui.keymap import Keymap
from tuiconsole.ui.offers import offers
from tuiconsole.ui.widgets.lines import Lines
from tuiconsole.ui.widgets.paint import Brush, exactly


class Footer(Lines):
    """Keys of what can be done now, as many as fit; the stop key and the way on are never left out."""

    GROUND = "surface"

    def __init__(self, brush: Brush, keymap: Keymap, *, id: str = "footer") -> None:
        super().__init__(brush, id=id)
        self._keymap = keymap
        self._offers: tuple[tuple[Action, bool], ...] = offers(None, connected=False, may_write=False)

    def show(self, offered: tuple[tuple[Action, bool], ...]) -> None:
        """Show the actions ``offered``, each with whether the trader is waiting for it."""
        if offered != self._offers:
            self._offers = offered
            self.redraw()

    def draw(self, width: int, height: int) -> list[Strip]:
        """The one line."""
        shown = list(self._offers)
        while sum(self._cells(action, urgent) for action, urgent in shown) > width and len(shown) > 1:
            shown.remove(max(reversed(shown), key=lambda o: -1 if o[1] else o[0].rank))
        pieces: list[Segment] = []
        for action, urgent in shown:
            name = self._keymap.name(action.id)
            if action.priority or urgent:
                pieces.append(self.brush.segment(f" {name} ", "stop" if action.priority else "paused"))
                pieces.append(self.brush.segment(f" {action.label} ", "warn" if urgent else "plain"))
            else:
                pieces.append(self.brush.segment(f" {name}", "key"))
                pieces.append(self.brush.segment(f" {action.label} ", "plain"))
        return [exactly(Strip(pieces), width)]

    def _cells(self, action: Action, urgent: bool) -> int:
        return len(self._keymap.name(action.id)) + len(action.label) + 3 + (action.priority or urgent)


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
