"""How one line of a table is drawn: its head, and its rows."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tuiconsole.ui.cells import Column, Row
from tuiconsole.ui.widgets.columns import Fit
from tuiconsole.ui.widgets.paint import Brush, exactly


def draw_head(brush: Brush, columns: Sequence[Column], fit: Fit, width: int) -> Strip:
    """Titles of the columns that are shown, in ``width`` cells."""
    pieces: list[Segment] = []
    for position, (index, column_width) in enumerate(fit.chosen):
        column = columns[index]
        title = column.title[:column_width]
        text = title.ljust(column_width) if column.left else title.rjust(column_width)
        pieces.append(brush.segment((" " * fit.gap if position else "") + text, "head"))
    return exactly(Strip(pieces), width)


def draw_row(
    brush: Brush, columns: Sequence[Column], fit: Fit, row: Row, width: int, over: Style | None
) -> Strip:
    """``row`` in ``width`` cells; ``over`` is laid over every style (cursor, stale)."""
    pieces: list[Segment] = []
    for position, (index, column_width) in enumerate(fit.chosen):
        if position:
            pieces.append(brush.segment(" " * fit.gap, "plain", over))
        pieces.extend(brush.cell(row.cells[index], column_width, left=columns[index].left, over=over))
    strip = Strip(pieces)
    if strip.cell_length < width:
        pieces.append(brush.segment(" " * (width - strip.cell_length), "plain", over))
        strip = Strip(pieces)
    return exactly(strip, width).simplify()
