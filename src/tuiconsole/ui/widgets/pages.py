"""Lines of text that can be scrolled: help, and the answer to *why*."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tuiconsole.ui.explain import Line
from tuiconsole.ui.widgets.paint import Brush, exactly


class Pages(ScrollView, can_focus=True):
    """Text and tone per line; wider lines can be scrolled sideways."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "scroll_down", "down", show=False),
        Binding("up,k", "scroll_up", "up", show=False),
        Binding("right,l", "scroll_right", "right", show=False),
        Binding("left,h", "scroll_left", "left", show=False),
        Binding("pagedown,space", "page_down", "page down", show=False),
        Binding("pageup", "page_up", "page up", show=False),
        Binding("home", "scroll_home", "first", show=False),
        Binding("end", "scroll_end", "last", show=False),
    ]

    def __init__(self, brush: Brush, lines: Sequence[Line], *, id: str = "pages") -> None:
        super().__init__(id=id)
        self.brush = brush
        self.text_lines: Sequence[Line] = ()
        self.show(lines)

    def show(self, lines: Sequence[Line]) -> None:
        """Show other lines."""
        self.text_lines = lines
        self.virtual_size = Size(max((len(text) for text, _ in lines), default=0), len(lines))
        self.refresh(layout=True)

    def render_line(self, y: int) -> Strip:
        """One line of text."""
        index, width = y + self.scroll_offset.y, self.size.width
        if index >= len(self.text_lines):
            return Strip.blank(width, self.brush.ground("surface"))
        text, tone = self.text_lines[index]
        line = exactly(Strip([self.brush.segment(text, tone)]).crop(self.scroll_offset.x), width)
        return line.apply_style(self.brush.ground("surface"))
