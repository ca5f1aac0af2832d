"""The risk panel: every limit with how much of it is used, in two columns when the panel is wide and low."""

from __future__ import annotations

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

    def show(self, table: Table) -> None:
        """Show the limits, two beside each other where one under the other would not fit."""
        width, height = self.size
        needed = HEAD_LINES + len(table.rows) + len(table.notes)
        low = needed > height
        shown = paired(table) if width >= PAIR_WIDTH and low else table
        room = max(LOW_NOTES, height - HEAD_LINES - len(shown.rows))
        super().show(Table(shown.columns, shown.rows, shown.notes[:room]) if low else shown)
