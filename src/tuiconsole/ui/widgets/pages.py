"""Lines of text that can be scrolled: help, alerts, and the answer to *why*; made anew for every width."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tuiconsole.ui.text import Line, words
from tuiconsole.ui.widgets.paint import Brush, exactly

Make = Callable[[int], list[Line]]
"""Makes all lines for a width in terminal cells."""


class Pages(ScrollView, can_focus=True):
    """Lines of pieces of text, each piece in its tone."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "scroll_down", "down", show=False),
        Binding("up,k", "scroll_up", "up", show=False),
        Binding("pagedown,space", "page_down", "page down", show=False),
        Binding("pageup", "page_up", "page up", show=False),
        Binding("home", "scroll_home", "first", show=False),
        Binding("end", "scroll_end", "last", show=False),
    ]

    def __init__(self, brush: Brush, tell_rest: Callable[[int], None], *, id: str = "pages") -> None:
        super().__init__(id=id)
        self.brush = brush
        self._tell_rest = tell_rest
        self._make: Make = lambda width: []
        self._made_for = -1
        self._lines: list[Line] = []

    @property
    def text_lines(self) -> list[Line]:
        """The lines for the present width."""
        width = self.size.width
        if width != self._made_for:
            self._made_for, self._lines = width, self._make(width)
        return self._lines

    @property
    def text(self) -> str:
        """All of it as plain text."""
        return "\n".join(words(line).rstrip() for line in self.text_lines)

    @property
    def allow_vertical_scroll(self) -> bool:
        """True: the bar is hidden, scrolling is not forbidden."""
        return True

    def show(self, make: Make, *, keep_place: bool) -> None:
        """Show other lines, from the first one unless the place in the text is to be kept."""
        self._make, self._made_for = make, -1
        if not keep_place:
            self.scroll_to(y=0, animate=False, force=True)
        self._measure()
        self.refresh()

    def on_resize(self, _event: events.Resize) -> None:
        """Make the lines for the new width."""
        self._measure()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Say how much is left below."""
        super().watch_scroll_y(old_value, new_value)
        self._count_rest()

    def _measure(self) -> None:
        if self.size.width:
            size = Size(self.size.width, len(self.text_lines))
            if size != self.virtual_size:
                self.virtual_size = size
            self._count_rest()

    def _count_rest(self) -> None:
        if self.size.height:
            self._tell_rest(len(self.text_lines) - self.scroll_offset.y - self.size.height)

    def render_line(self, y: int) -> Strip:
        """One line of text."""
        index, width = y + self.scroll_offset.y, self.size.width
        ground = self.brush.ground("surface")
        if index >= len(self.text_lines):
            return Strip.blank(width, ground)
        pieces = [self.brush.segment(text, tone) for text, tone in self.text_lines[index]]
        return exactly(Strip(pieces), width).apply_style(ground)
