"""The rows as one aligned table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from benchmarks.rows import Row

_HEAD = ("what", "value", "unit", "budget", "met", "ratio", "against / note")
_RIGHT = {1, 3, 5}


def number(value: float) -> str:
    """``value`` with three significant digits, whole thousands in full.

    >>> number(0.01234), number(12.34), number(1234567.8), number(float("nan"))
    ('0.0123', '12.3', '1,234,568', 'failed')
    """
    if math.isnan(value):
        return "failed"
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.3g}"


def _cells(row: Row) -> tuple[str, ...]:
    budget = "" if row.budget is None else f"{'≥' if row.at_least else '≤'} {number(row.budget)}"
    met = {True: "yes", False: "NO", None: ""}[row.met]
    ratio = "" if row.ratio is None else f"{number(row.ratio)}×"
    beside = " · ".join(text for text in (row.against and f"of {row.against}", row.note) if text)
    return row.what, number(row.value), row.unit, budget, met, ratio, beside


def table(measured: Mapping[str, Sequence[Row]]) -> str:
    """All measurements, one section each, columns aligned over all sections."""
    sections = {name: [_cells(row) for row in rows] for name, rows in measured.items()}
    lines = [_HEAD, *(cells for section in sections.values() for cells in section)]
    widths = [max(len(cells[i]) for cells in lines) for i in range(len(_HEAD) - 1)]

    def line(cells: Sequence[str]) -> str:
        padded = [
            f"{cell:>{width}}" if i in _RIGHT else f"{cell:<{width}}"
            for i, (cell, width) in enumerate(zip(cells, widths, strict=False))
        ]
        return "  ".join([*padded, cells[-1]]).rstrip()

    written = [line(_HEAD)]
    for name, section in sections.items():
        written += [f"-- {name}", *(line(cells) for cells in section)]
    return "\n".join(written)


def markdown(measured: Mapping[str, Sequence[Row]]) -> str:
    """The same rows as a table for a README."""
    head = f"| {' | '.join(_HEAD)} |\n|{'|'.join('---:' if i in _RIGHT else '---' for i in range(len(_HEAD)))}|\n"
    cells = (_cells(row) for rows in measured.values() for row in rows)
    return head + "".join(f"| {' | '.join(row)} |\n" for row in cells)


def summary(measured: Mapping[str, Sequence[Row]]) -> str:
    """One sentence: how many budgets are met, and which are not."""
    judged = [row for rows in measured.values() for row in rows if row.budget is not None]
    missed = [row.what for row in judged if not row.met]
    text = f"{len(judged) - len(missed)} of {len(judged)} budgets met."
    return f"{text} Not met: {'; '.join(missed)}." if missed else text
