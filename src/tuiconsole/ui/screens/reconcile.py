"""What the broker says otherwise, and the trader's answer to it."""

from __future__ import annotations

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Label

from tuiconsole.ui.format import plain
from tuiconsole.ui.screens.confirm import FormScreen

ANSWERS = ("adopt", "ignore")
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class ReconcileAnswer:
    """``action`` is one of :data:`ANSWERS`; ``reason`` is journalled."""

    action: str
    reason: str


class ReconcileScreen(FormScreen):
    """The differences, each a sentence; a typed word and a reason settle all of them.

    Parameters
    ----------
    differences
        As the snapshot tells them.
    """

    def __init__(self, differences: tuple[str, ...]) -> None:
        super().__init__()
        self._differences = differences

    def compose(self) -> ComposeResult:
        """The differences, and two labelled lines to type."""
        with Vertical(classes="dialog danger") as box:
            box.border_title = " The broker differs "
            box.border_subtitle = " tab next field · enter sends · escape cancels "
            for text in self._differences[:_SHOWN]:
                yield Label(plain(text), markup=False)
            more = len(self._differences) - _SHOWN
            if more > 0:
                yield Label(f"and {more} more: tuiconsole reconcile lists them", markup=False)
            yield Label(
                "1  Type adopt to take the broker's word, ignore to live with it",
                classes="field",
                markup=False,
            )
            yield Input(placeholder="adopt or ignore", id="word", compact=True)
            yield Label("2  Why?", classes="field", markup=False)
            yield Input(placeholder="reason", id="reason", compact=True)
            yield Label("", id="complaint", markup=False)

    def send(self) -> None:
        """Close with the answer."""
        word, reason = (field.value.strip() for field in self.fields)
        if word not in ANSWERS:
            self.complain("Type adopt or ignore exactly; nothing was sent.", 0)
        elif not reason:
            self.complain("Write why; it goes to the journal. Nothing was sent.", 1)
        else:
            self.dismiss(ReconcileAnswer(word, reason))
