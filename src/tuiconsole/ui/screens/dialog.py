"""Frames over the desk: text that can be scrolled and copied."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from tuiconsole.ui.format import plain
from tuiconsole.ui.widgets.pages import Pages

LEAST_ROWS = 8


class Frame(Vertical):
    """A framed box that says on its border how much of the text is below."""

    def __init__(self, title: str, ways_out: str) -> None:
        super().__init__(classes="dialog wide")
        self._ways_out = ways_out
        self.rename(title)
        self.tell_rest(0)

    def rename(self, title: str) -> None:
        """Other words on the upper border."""
        self.border_title = f" {plain(title)} ".replace("[", r"\[")

    def tell_rest(self, lines: int) -> None:
        """Say that ``lines`` more are below."""
        more = f"{lines} more lines below · " if lines > 0 else ""
        words = f" {more}{self._ways_out} "
        if words != self.border_subtitle:
            self.border_subtitle = words


class TextScreen(ModalScreen[None]):
    """Text over the desk; closes with escape, is copied with the copy key."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", "close", show=False),
        Binding("y", "app.copy", "copy", show=False, id="desk.copy"),
    ]

    def __init__(self, title: str, pages: Pages, ways_out: str = "y copies · escape closes") -> None:
        super().__init__()
        self.pages = pages
        self.frame = Frame(title, ways_out)

    def compose(self) -> ComposeResult:
        """The text in a frame."""
        self._leave_room()
        with self.frame:
            yield self.pages

    def on_resize(self, _event: events.Resize) -> None:
        """Fit into the new size."""
        self._leave_room()

    def _leave_room(self) -> None:
        # the header's two lines and the footer's stay in sight
        self.frame.styles.height = max(LEAST_ROWS, self.app.size.height - 4)

    def show(self, snapshot: Any) -> None:
        """Take note of a new snapshot; plain text does not care."""
