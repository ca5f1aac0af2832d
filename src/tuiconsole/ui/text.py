"""Lines of text in several tones, and how they are wrapped. No Textual here."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

Line = tuple[tuple[str, str], ...]
"""Pieces of one line: text and tone."""

LEAST_WIDTH = 20
MOST_COLUMNS = 5


def line(text: str, tone: str = "plain") -> Line:
    """A line in one tone."""
    return ((text, tone),)


def words(made: Line) -> str:
    """The text of a line."""
    return "".join(text for text, _ in made)


def wrapped(text: str, width: int, tone: str = "plain", hang: int = 0) -> list[Line]:
    """``text`` in lines of at most ``width`` cells; those after the first are indented by ``hang``."""
    room = max(LEAST_WIDTH, width)
    return [line(part, tone) for part in textwrap.wrap(text, room, subsequent_indent=" " * hang)] or [
        line("")
    ]


def labelled(label: str, lines: Iterable[Line], indent: int) -> list[Line]:
    """``lines`` with ``label`` before the first and room of ``indent`` cells before all."""
    pad = " " * indent
    return [
        ((f"{label:<{indent}}" if index == 0 else pad, "accent"), *made) for index, made in enumerate(lines)
    ]


def joined(parts: Sequence[str], width: int, tone: str = "plain", between: str = " · ") -> list[Line]:
    """``parts`` in lines of at most ``width`` cells, broken between parts; one that is too long is wrapped."""
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + len(between) + len(part) <= width:
            lines[-1] += between + part
        else:
            lines += textwrap.wrap(part, max(LEAST_WIDTH, width)) or [""]
    return [line(text, tone) for text in lines]


def grid(items: Sequence[tuple[str, str]], width: int, gap: int = 4) -> list[Line]:
    """Names and values in as many columns as fit in ``width``, filled from top to bottom: names left, values right."""
    for count in range(min(len(items), MOST_COLUMNS), 0, -1):
        rows = -(-len(items) // count)
        columns = [items[start : start + rows] for start in range(0, len(items), rows)]
        widths = [(max(len(n) for n, _ in part), max(len(v) for _, v in part)) for part in columns]
        if count == 1 or sum(n + 1 + v for n, v in widths) + gap * (len(columns) - 1) <= width:
            return [_grid_line(columns, widths, row, gap) for row in range(rows)]
    return []


def _grid_line(
    columns: Sequence[Sequence[tuple[str, str]]], widths: Sequence[tuple[int, int]], row: int, gap: int
) -> Line:
    pieces: list[tuple[str, str]] = []
    for part, (name, value) in zip(columns, widths, strict=True):
        if row < len(part):
            label, text = part[row]
            before = " " * gap if pieces else ""
            pieces += [(f"{before}{label:<{name}} ", "head"), (text.rjust(value), "plain")]
    return tuple(pieces)


def table(titles: Sequence[str], rows: Sequence[Sequence[str]], width: int, gap: int = 2) -> list[Line]:
    """Rows under titles: the first column left, the others right; the gap narrows, then the first column is cut."""
    widths = [max(len(title), *(len(row[i]) for row in rows)) for i, title in enumerate(titles)]
    while gap > 1 and sum(widths) + gap * (len(widths) - 1) > width:
        gap -= 1
    over = sum(widths) + gap * (len(widths) - 1) - width
    widths[0] = max(4, widths[0] - max(0, over))

    def join(values: Sequence[str]) -> str:
        first = values[0] if len(values[0]) <= widths[0] else values[0][: widths[0] - 1] + "…"
        cells = [first.ljust(widths[0]), *(v.rjust(w) for v, w in zip(values[1:], widths[1:], strict=True))]
        return (" " * gap).join(cells)

    return [line(join(titles), "head"), *(line(join(row)) for row in rows)]
