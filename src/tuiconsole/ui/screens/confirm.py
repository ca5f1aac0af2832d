"""Dialogs that ask before something dangerous; none of them stands in the way of the stop key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

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


class FormScreen(ModalScreen[Any]):
    """Fields to type into: tab and enter go to the next one, enter in the last one sends."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "cancel", show=False),
        Binding("tab,down", "move(1)", "next field", show=False, priority=True),
        Binding("shift+tab,up", "move(-1)", "field before", show=False, priority=True),
    ]

    @property
    def fields(self) -> list[Input]:
        """The fields from top to bottom."""
        return list(self.query(Input))

    def on_mount(self) -> None:
        """Begin in the first field."""
        self.fields[0].focus()

    def action_move(self, step: int) -> None:
        """Go to the next field, or the one before."""
        fields = self.fields
        here = fields.index(self.focused) if isinstance(self.focused, Input) else -step
        fields[(here + step) % len(fields)].focus()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        fields = self.fields
        last = event.input is fields[-1]
        if not last and not fields[fields.index(event.input) + 1].value.strip():
            self.action_move(1)
        else:
            self.send()

    def send(self) -> None:
        """Close with what was typed, or say what is missing."""
        raise NotImplementedError

    def complain(self, text: str, field: int) -> None:
        """Say what is wrong and go to the field that it is about."""
        self.query_one("#complaint", Label).update(text)
        self.fields[field].focus()


class RearmScreen(FormScreen):
    """Re-arming lets the desk trade again: it wants a typed word and a reason for the journal."""

    def compose(self) -> ComposeResult:
        """Two labelled lines to type."""
        with Vertical(classes="dialog danger") as box:
            box.border_title = " Re-arm the desk "
            box.border_subtitle = " tab next field · enter sends · escape cancels "
            yield Label(
                "After this the desk is Paused; resume lets it trade. The reason goes to the journal.",
                markup=False,
            )
            yield Label(f"1  Type the word {REARM_WORD}", classes="field", markup=False)
            yield Input(placeholder=REARM_WORD, id="word", compact=True)
            yield Label("2  Why is it safe to trade again?", classes="field", markup=False)
            yield Input(placeholder="reason", id="reason", compact=True)
            yield Label("", id="complaint", markup=False)

    def send(self) -> None:
        """Close with word and reason."""
        word, reason = (field.value.strip() for field in self.fields)
        if word != REARM_WORD:
            self.complain(f"Type the word {REARM_WORD} exactly; nothing was sent.", 0)
        elif not reason:
            self.complain("Write why it is safe to trade again; nothing was sent.", 1)
        else:
            self.dismiss(RearmAnswer(word, reason))


class AskScreen(FormScreen):
    """Which order to explain; the answer is what was typed."""

    def compose(self) -> ComposeResult:
        """One labelled line to type."""
        with Vertical(classes="dialog") as box:
            box.border_title = " Why of an order "
            box.border_subtitle = " enter asks · escape cancels "
            yield Label(
                "Order number or id; DECISION:SYMBOL (such as 142:AAPL) of a refused one", markup=False
            )
            yield Input(placeholder="17", id="order", compact=True)
            yield Label("", id="complaint", markup=False)

    def send(self) -> None:
        """Close with the order."""
        order = self.fields[0].value.strip()
        if order:
            self.dismiss(order)
        else:
            self.complain("Type which order.", 0)
