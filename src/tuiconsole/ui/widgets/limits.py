"""The risk panel: every limit with how much of it is used, in two columns when the panel is wide and low."""

from __future__ import annotations

from textual import events

from tuiconsole.ui.cells import Cell, Column, Row, Table
from tuiconsole.ui.widgets.table import HEAD_LINES, Grid

PAIR_WIDTH = 74
LOW_NOTES = 2
_BETWEEN = Column("", left=True, least=1)


def paired(table: Table) -> Table:
    """``table`` with its second half beside its first."""
    half = (len(table.rows) + 1) // 2
    blank = tuple(Cell("") for _ in table.columns)
    rows = tuple(
        Row(
            row.key,
            (
                *row.cells,
                Cell(""),
                *(table.rows[index + half].cells if index + half < len(table.rows) else blank),
            ),
        )
        for index, row in enumerate(table.rows[:half])
    )
    return Table((*table.columns, _BETWEEN, *table.columns), rows, table.notes)


class LimitsPanel(Grid):
    """Limits as bars, notes on latch, volatility and regime below."""

    _whole = Table((), ())

    def show(self, table: Table) -> None:
        """Show the limits, two beside each other where one under the other would not fit."""
        self._whole = table
        super().show(self._arranged(*self.size))

    def prepare(self, width: int, height: int) -> None:
        """Arrange the limits for a content area that the panel is about to get."""
        table = self._arranged(width, height)
        self.table, self.rows = table, self._filtered(table.rows)
        self.fit.measure(table.columns, self.rows)
        super().prepare(width, height)

    def on_resize(self, event: events.Resize) -> None:
        """Arrange the limits for the new size."""
        if self._whole.columns:
            self.show(self._whole)
        super().on_resize(event)

    def _arranged(self, width: int, height: int) -> Table:
        table = self._whole
        needed = HEAD_LINES + len(table.rows) + len(table.notes)
        low = needed > height
        shown = paired(table) if width >= PAIR_WIDTH and low else table
        room = max(LOW_NOTES, height - HEAD_LINES - len(shown.rows))
        return Table(shown.columns, shown.rows, shown.notes[:room]) if low else shown
