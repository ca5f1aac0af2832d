"""Base of the widgets that are a few painted lines: keeps what is on the screen and repaints only lines that changed."""

from __future__ import annotations

from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tuiconsole.ui.widgets.paint import Brush


class Lines(Widget):
    """A widget whose subclass makes all lines at once in :meth:`draw`."""

    GROUND = "background"

    def __init__(self, brush: Brush, *, id: str) -> None:
        super().__init__(id=id)
        self.brush = brush
        self._drawn: list[Strip] = []
        self._drawn_for = (0, 0)

    def draw(self, width: int, height: int) -> list[Strip]:
        """The lines for a content area of ``width`` × ``height``; may be fewer than ``height``."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Draw anew, and repaint the lines that differ."""
        width, height = self.size
        if not width or not height:
            return
        before = self._drawn
        self.prepare(width, height)
        if len(before) != len(self._drawn):
            self.refresh()
            return
        for y, (old, new) in enumerate(zip(before, self._drawn, strict=True)):
            if old != new:
                self.refresh(Region(0, y, _changed_until(old, new, width), 1))

    def prepare(self, width: int, height: int) -> None:
        """Draw for a size that the widget is about to get, so that its first frame is not blank."""
        if width <= 0 or height <= 0:
            return
        self._drawn_for = (width, height)
        ground = self.brush.ground(self.GROUND)
        self._drawn = [strip.apply_style(ground) for strip in self.draw(width, height)]

    @property
    def text(self) -> str:
        """What is shown, as plain text."""
        return "\n".join(strip.text.rstrip() for strip in self._drawn)

    def restyle(self) -> None:
        """Draw again after the palette changed."""
        self.redraw()
        self.refresh()

    def on_resize(self, _event: events.Resize) -> None:
        """Draw for the new size, unless that was done before the widget got it."""
        if self._drawn_for != self.size:
            self.redraw()
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Line ``y`` as last drawn."""
        return self._drawn[y] if y < len(self._drawn) else self._blank()

    def _blank(self) -> Strip:
        return Strip.blank(self.size.width, self.brush.ground(self.GROUND))


def _changed_until(old: Strip, new: Strip, width: int) -> int:
    # cells after this one are the same in both
    same = 0
    for a, b in zip(reversed(list(old)), reversed(list(new)), strict=False):
        if a != b:
            break
        same += a.cell_length
    return max(1, width - same) if old.cell_length == new.cell_length else width
