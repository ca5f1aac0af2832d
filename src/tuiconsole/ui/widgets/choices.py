"""A short list of answers, one of them chosen: the heart of a dialog."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from tuiconsole.ui.widgets.lines import Lines
from tuiconsole.ui.widgets.paint import Brush, exactly


class Choices(Lines, can_focus=True):
    """Answers under each other; arrows move, enter takes. The first is the default.

    Parameters
    ----------
    answers
        ``(id, text)`` from top to bottom.
    """

    GROUND = "surface"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j,right,tab", "move(1)", "down", show=False),
        Binding("up,k,left,shift+tab", "move(-1)", "up", show=False),
        Binding("enter,space", "take", "take", show=False),
    ]

    class Taken(Message):
        """The trader took ``answer``."""

        def __init__(self, answer: str) -> None:
            super().__init__()
            self.answer = answer

    def __init__(self, brush: Brush, answers: Sequence[tuple[str, str]], *, id: str = "choices") -> None:
        super().__init__(brush, id=id)
        self._answers = tuple(answers)
        self.chosen = 0
        self.styles.height = len(self._answers)

    def action_move(self, step: int) -> None:
        """Choose the answer below or above."""
        self.chosen = (self.chosen + step) % len(self._answers)
        self.redraw()

    def action_take(self) -> None:
        """Take the chosen answer."""
        self.post_message(self.Taken(self._answers[self.chosen][0]))

    def draw(self, width: int, height: int) -> list[Strip]:
        """One line per answer, the chosen one marked."""
        lines: list[Strip] = []
        for index, (_, text) in enumerate(self._answers):
            here = index == self.chosen
            segment = self.brush.segment(
                f"{'▸' if here else ' '} {text}".ljust(width), "mode" if here else "plain"
            )
            lines.append(exactly(Strip([segment]), width, self.brush.segment("…", "dim")))
        return lines
