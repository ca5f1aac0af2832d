"""How wide columns are: which fit, and who gets the spare room. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from tuiconsole.ui.cells import Column, Row

GAP = 1
WIDE_GAP = 3
LEAST_GROWING = 6


def fit_columns(
    columns: Sequence[Column], natural: Sequence[int], width: int
) -> tuple[list[tuple[int, int]], int]:
    """Choose columns for ``width`` cells.

    Parameters
    ----------
    natural
        Width each column's content and title want; 0 = the column is empty and is left out.
    width
        Cells to share.

    Returns
    -------
    tuple
        ``[(column index, width)]`` in order, and the gap between columns. Columns of the highest rank go first when room
        is short; growing columns take what is left, else the gaps widen.
    """
    chosen = [
        index
        for index, column in enumerate(columns)
        if natural[index] or (not column.optional and (column.rank == 0 or column.grow))
    ]
    widths = {index: _wanted(columns[index], natural[index]) for index in chosen}
    while len(chosen) > 1 and sum(widths[index] for index in chosen) + GAP * (len(chosen) - 1) > width:
        worst = max(columns[index].rank for index in chosen)
        if worst == 0:
            break
        title = next(columns[index].title for index in reversed(chosen) if columns[index].rank == worst)
        chosen = [i for i in chosen if columns[i].rank != worst or columns[i].title != title]
    spare = width - sum(widths[index] for index in chosen) - GAP * (len(chosen) - 1)
    gap = GAP
    growing = [index for index in chosen if columns[index].grow]
    for position, index in enumerate(growing):
        share = max(0, spare) // (len(growing) - position)
        extra = min(share, max(0, columns[index].most - widths[index]))
        if spare < 0:  # even the columns that never go want more than there is
            extra = min(0, max(spare, LEAST_GROWING - widths[index]))
        widths[index] += extra
        spare -= extra
    while spare >= len(chosen) - 1 > 0 and gap < WIDE_GAP:
        gap += 1
        spare -= len(chosen) - 1
    return [(index, widths[index]) for index in chosen], gap


def _wanted(column: Column, natural: int) -> int:
    if column.grow:
        return max(column.least, len(column.title))
    return min(column.most, max(column.least, natural))


class Fit:
    """Which columns of a table are drawn, and how wide. Widths only grow, so that columns do not jump as figures change.

    Attributes
    ----------
    chosen, gap
        As :func:`fit_columns` returned them last; nothing is chosen before the table has a width.
    """

    def __init__(self) -> None:
        self.chosen: list[tuple[int, int]] = []
        self.gap = GAP
        self._natural: list[int] = []
        self._fitted_for: tuple[int, tuple[int, ...]] | None = None

    def measure(self, columns: Sequence[Column], rows: Sequence[Row]) -> None:
        """Take note of how wide the contents of ``rows`` are."""
        if len(self._natural) != len(columns):
            self._natural = [0] * len(columns)
        for index, column in enumerate(columns):
            widest = max((_width(row.cells[index].text) for row in rows), default=0)
            if widest or (column.rank == 0 and not column.optional):
                self._natural[index] = max(self._natural[index], widest, len(column.title))
            elif column.optional:
                self._natural[index] = 0

    def refit(self, columns: Sequence[Column], width: int) -> bool | None:
        """Choose columns for ``width`` cells: True when the choice changed, None when width and contents did not."""
        wanted = (width, tuple(self._natural))
        if wanted == self._fitted_for:
            return None
        self._fitted_for = wanted
        before = (self.chosen, self.gap)
        # 0 until the panel is laid out: then no column may be drawn, old ones least of all
        self.chosen, self.gap = fit_columns(columns, self._natural, width) if width else ([], GAP)
        return (self.chosen, self.gap) != before


def _width(text: str) -> int:
    return len(text) if text.isascii() else cell_len(text)
