"""Dialogs that ask before something dangerous; none of them stands in the way of the stop key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from tuiconsole.ui.widgets.choices import Choices
from tuiconsole.ui.widgets.paint import Brush

LEAVE, STOP, CANCEL = "leave", "stop", "cancel"
REARM_WORD = "rearm"


class QuitScreen(ModalScreen[str]):
    """Asks what becomes of the engine: left running (default), stopped, or nothing at all."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "answer('cancel')", "stay"),
        Binding("l", "answer('leave')", "leave"),
        Binding("s", "answer('stop')", "stop"),
    ]

    def __init__(self, brush: Brush, *, may_stop: bool) -> None:
        super().__init__()
        answers = [(LEAVE, "Leave the console; the engine keeps trading (l)")]
        if may_stop:
            answers.append((STOP, "Stop the engine too; positions stay as they are (s)"))
        answers.append((CANCEL, "Stay here (escape)"))
        self._may_stop = may_stop
        self._choices = Choices(brush, answers)

    def compose(self) -> ComposeResult:
        """Question and answers."""
        with Vertical(classes="dialog") as box:
            box.border_title = " Quit "
            yield Label("What shall become of the engine?", markup=False)
            yield self._choices

    @on(Choices.Taken)
    def _taken(self, event: Choices.Taken) -> None:
        self.action_answer(event.answer)

    def action_answer(self, answer: str) -> None:
        """Close with ``answer``."""
        self.dismiss(answer if answer != STOP or self._may_stop else CANCEL)


@dataclass(frozen=True, slots=True)
class RearmAnswer:
    """What the trader typed."""

    word: str
    reason: str


class RearmScreen(ModalScreen[RearmAnswer | None]):
    """Re-arming lets the desk trade again: it wants a typed word and a reason for the journal."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "cancel")]

    def compose(self) -> ComposeResult:
        """Two lines to type."""
        with Vertical(classes="dialog danger") as box:
            box.border_title = " Re-arm the desk "
            box.border_subtitle = " enter sends · escape cancels "
            yield Label(
                "After this the desk is Paused; resume lets it trade. The reason goes to the journal.",
                markup=False,
            )
            yield Input(placeholder=f"type the word: {REARM_WORD}", id="word", compact=True)
            yield Input(placeholder="reason", id="reason", compact=True)
            yield Label("", id="complaint", markup=False)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        word = self.query_one("#word", Input).value.strip()
        reason = self.query_one("#reason", Input).value.strip()
        complaint = self.query_one("#complaint", Label)
        if word != REARM_WORD:
            complaint.update(f"Type the word {REARM_WORD} exactly; nothing was sent.")
            self.query_one("#word", Input).focus()
        elif not reason:
            complaint.update("" if event.input.id == "word" else "Write why it is safe to trade again.")
            self.query_one("#reason", Input).focus()
        else:
            self.dismiss(RearmAnswer(word, reason))
