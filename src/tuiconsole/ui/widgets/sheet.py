"""The sheet over the panels: help, alerts, or the answer to *why*. The lines around it stay, and so do the desk's keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message

from tuiconsole.protocol.snapshot import Snapshot
from tuiconsole.ui.format import plain
from tuiconsole.ui.widgets.pages import Make, Pages
from tuiconsole.ui.widgets.paint import Brush, to_ascii


@dataclass(frozen=True, slots=True)
class Content:
    """What a sheet shows.

    Attributes
    ----------
    kind
        ``help``, ``alerts`` or ``why``.
    title, ways_out
        Words on the upper and the lower border.
    make
        Makes the lines for a width.
    follow
        Makes the content anew from a snapshot, for sheets that follow the desk.
    key
        Contents of equal kind, title and key show the same.
    """

    kind: str
    title: str
    make: Make
    ways_out: str = "y copies · escape closes"
    follow: Callable[[Snapshot], Content] | None = None
    key: object = None


class Sheet(Vertical):
    """A frame around lines of text that can be scrolled."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter", "close", "close", show=False)]

    class Closed(Message):
        """The trader closed the sheet."""

    def __init__(self, brush: Brush, *, id: str = "sheet") -> None:
        super().__init__(id=id)
        self.content: Content | None = None
        self.pages = Pages(brush, self._tell_rest)
        self._brush = brush

    @property
    def kind(self) -> str:
        """What is shown; empty while the sheet is closed."""
        return self.content.kind if self.content is not None else ""

    def compose(self) -> ComposeResult:
        """The lines."""
        yield self.pages

    def put(self, content: Content | None) -> None:
        """Show ``content``; None takes the sheet away."""
        again = content is not None and content.kind == self.kind
        self.content = content
        if content is not None:
            self.border_title = self._words(f" {plain(content.title)} ")
            self.pages.show(content.make, keep_place=again)

    def follow(self, snapshot: Snapshot) -> None:
        """Show the same thing as it is in ``snapshot``."""
        before = self.content
        if before is not None and before.follow is not None:
            after = before.follow(snapshot)
            if (after.title, after.key) != (before.title, before.key):
                self.put(after)

    def action_close(self) -> None:
        """Close the sheet."""
        self.post_message(self.Closed())

    def _tell_rest(self, below: int) -> None:
        if self.content is not None:
            more = f"{below} more lines below · " if below > 0 else ""
            words = self._words(f" {more}{self.content.ways_out} ")
            if words != self.border_subtitle:
                self.border_subtitle = words

    def _words(self, text: str) -> str:
        return (to_ascii(text) if self._brush.ascii else text).replace("[", r"\[")
