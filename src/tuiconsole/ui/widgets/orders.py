"""The orders panel: one page of all orders; the keys that move lead on to the pages before and after."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from tuiconsole.ui.cells import Table
from tuiconsole.ui.widgets.table import FAR, Grid


class OrdersPanel(Grid):
    """Orders, newest first; enter asks why."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "app.why", "why", show=False)]

    class PageWanted(Message):
        """The trader wants the page that begins ``offset`` orders before the newest one."""

        def __init__(self, offset: int) -> None:
            super().__init__()
            self.offset = offset

    _anchor: int | None = None  # orders older than the page; None while the newest ones are followed
    _to_last_row = False
    _turning = False

    def show_page(self, table: Table, offset: int, total: int) -> None:
        """Show the page that begins ``offset`` orders before the newest of ``total``."""
        turned = self._turning and offset != self.rows_before
        self.rows_before, self.rows_total = offset, total
        if turned:
            self._turning = False
            self.cursor, self.rows = 0, ()  # another page: the cursor has no row to follow
        self.show(table)
        if turned:
            self.go_to(len(self.rows) - 1 if self._to_last_row else 0)
        if self._anchor is not None and not self._turning:
            wanted = max(0, total - self._anchor)
            if wanted != offset:  # orders were added meanwhile: keep looking at the same ones
                self.post_message(self.PageWanted(wanted))

    def action_move(self, by: int) -> None:
        """Move the cursor; beyond the page, turn it."""
        here, rows = self.cursor, len(self.rows)
        if self.filter_text or not rows:
            super().action_move(by)
        elif by >= FAR and self.rows_before + rows < self.rows_total:
            self._turn(max(0, self.rows_total - rows), to_last_row=True)
        elif by <= -FAR and self.rows_before:
            self._turn(0, to_last_row=False)
        elif by > 0 and here == rows - 1 and self.rows_before + rows < self.rows_total:
            self._turn(self.rows_before + rows, to_last_row=False)
        elif by < 0 and here == 0 and self.rows_before:
            self._turn(max(0, self.rows_before - rows), to_last_row=True)
        else:
            super().action_move(by)

    def _turn(self, offset: int, *, to_last_row: bool) -> None:
        self._turning, self._to_last_row = True, to_last_row
        self._anchor = self.rows_total - offset if offset else None
        self.post_message(self.PageWanted(offset))
