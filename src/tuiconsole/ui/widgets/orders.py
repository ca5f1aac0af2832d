"""The orders panel: a table whose rows can be asked why."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from tuiconsole.ui.widgets.table import Grid


class OrdersPanel(Grid):
    """Orders, newest first; enter asks why."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "app.why", "why", show=False)]
