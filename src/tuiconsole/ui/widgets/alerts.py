"""The alert line, and the banner that appears when something needs the trader."""

from __future__ import annotations

from textual.strip import Strip

from tuiconsole.protocol.snapshot import Snapshot
from tuiconsole.ui import figures
from tuiconsole.ui.cells import Cell, Field
from tuiconsole.ui.format import plain
from tuiconsole.ui.widgets.lines import Lines
from tuiconsole.ui.widgets.paint import Brush, exactly


class AlertLine(Lines):
    """Open alerts of the journal; the engine's last answer stands in front while it is new."""

    GROUND = "surface"

    def __init__(self, brush: Brush, list_key: str = "", *, id: str = "alerts") -> None:
        super().__init__(brush, id=id)
        self._list_key = list_key
        self._snapshot: Snapshot | None = None
        self._reply: tuple[str, str] | None = None

    def show(self, snapshot: Snapshot) -> None:
        """Show the alerts of ``snapshot``."""
        self._snapshot = snapshot
        self.redraw()

    def reply(self, text: str, tone: str) -> None:
        """Put an answer in front of the alerts; an empty ``text`` takes it away."""
        self._reply = (plain(text), tone) if text else None
        self.redraw()

    def draw(self, width: int, height: int) -> list[Strip]:
        """The one line."""
        fields: list[Field] = []
        if self._reply is not None:
            text, tone = self._reply
            fields.append(Field("▸", Cell(text, tone)))
        if self._snapshot is not None:
            fields.extend(figures.alert_fields(self._snapshot, self._list_key))
        space = self.brush.segment(" ", "plain")
        return [exactly(Strip([space, *self.brush.fields(fields, width - 1)]), width)]


class Banner(Lines):
    """A few loud lines: why the desk is stopped and how to go on, or that the engine is silent."""

    def __init__(self, brush: Brush, *, id: str = "banner") -> None:
        super().__init__(brush, id=id)
        self._lines: tuple[tuple[str, str], ...] = ()

    def show(self, lines: tuple[tuple[str, str], ...]) -> None:
        """Show ``lines`` of text and tone."""
        if lines != self._lines:
            self._lines = lines
            self.redraw()

    def draw(self, width: int, height: int) -> list[Strip]:
        """The lines, each over the whole width in its tone."""
        out: list[Strip] = []
        for text, tone in self._lines[:height]:
            segment = self.brush.segment(f" {plain(text)}".ljust(width), tone)
            out.append(exactly(Strip([segment]), width, self.brush.segment("…", tone)))
        return out
