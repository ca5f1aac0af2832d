"""Why an order was sent or refused: the engine's own answer, from prices to fills."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from tuiconsole.ui.explain import explain
from tuiconsole.ui.screens.dialog import TextScreen
from tuiconsole.ui.text import wrapped
from tuiconsole.ui.widgets.pages import Pages
from tuiconsole.ui.widgets.paint import Brush

Ask = Callable[[str], Awaitable[tuple[str, dict[str, Any]]]]
"""Asks the engine about an order: its text, and the chain (empty when refused or lost)."""


class WhyScreen(TextScreen):
    """The chain behind one order."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "dismiss", "close", show=False, id="desk.why"),
    ]

    def __init__(self, brush: Brush, order: str, ask: Ask) -> None:
        waiting = partial(wrapped, "Asking the engine …", tone="dim")
        super().__init__(f"Why {order}", Pages(brush, waiting))
        self._order = order
        self._ask = ask

    def on_mount(self) -> None:
        """Ask as soon as the frame stands."""
        self.run_worker(self._fill(), exclusive=True)

    async def _fill(self) -> None:
        text, chain = await self._ask(self._order)
        self.pages.show(partial(explain, text, chain))
