"""How wide columns are: which fit, and who gets the spare room. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tuiconsole.ui.cells import Column

GAP = 1
WIDE_GAP = 3


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
        index for index, column in enumerate(columns) if natural[index] or column.rank == 0 or column.grow
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
