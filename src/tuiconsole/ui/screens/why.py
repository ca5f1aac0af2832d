"""Why an order was sent: the engine's own answer, from prices to fills."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from tuiconsole.ui.explain import explain
from tuiconsole.ui.format import plain
from tuiconsole.ui.widgets.pages import Pages
from tuiconsole.ui.widgets.paint import Brush

Ask = Callable[[str], Awaitable[tuple[str, dict[str, Any]]]]
"""Asks the engine about an order: a sentence, and the chain (empty when refused or lost)."""


class WhyScreen(ModalScreen[None]):
    """The chain behind one order."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,w,enter", "dismiss", "close")]

    def __init__(self, brush: Brush, order: str, ask: Ask) -> None:
        super().__init__()
        self._order = order
        self._ask = ask
        self._pages = Pages(brush, [("Asking the engine …", "dim")])

    def compose(self) -> ComposeResult:
        """The answer in a frame."""
        with Vertical(classes="dialog wide") as box:
            box.border_title = f" Why {plain(self._order)} ".replace("[", r"\[")
            box.border_subtitle = " escape closes "
            yield self._pages

    def on_mount(self) -> None:
        """Ask as soon as the frame stands."""
        self.run_worker(self._fill(), exclusive=True)

    async def _fill(self) -> None:
        text, body = await self._ask(self._order)
        self._pages.show([(plain(text), "strong"), *explain(body)])
