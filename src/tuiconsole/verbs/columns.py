"""Tables of the command line that fit the terminal: first names are shortened, then the least needed columns left out."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Iterable, Sequence

GAP = 2
_ESCAPE = "\x1b"
_LABEL = re.compile(r"\s*(?:ok|FAIL)?\s*\S{1,24}(?:\s{2,}|:\s+)")
"""What stands before a line's text, a verdict included."""
_LEAST = 12
"""Characters that a shortened cell keeps while there is a column to leave out instead."""


def shortened(text: str, width: int) -> str:
    """``text`` in at most ``width`` characters; its middle gives way, since names differ at either end.

    >>> shortened("a-very-long-name", 9), shortened("short", 9)
    ('a-ve…name', 'short')
    """
    if len(text) <= width:
        return text
    if width < 2:
        return text[:width]
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}…{text[len(text) - tail :]}"


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    width: int,
    *,
    left: Collection[str] = (),
    whole: Collection[str] = (),
    drop: Sequence[str] = (),
) -> list[str]:
    """Lines of at most ``width`` columns, headings first.

    Parameters
    ----------
    left
        Headings of columns of text besides the first: they stand left, and may be shortened like it.
    whole
        Those of them that are never shortened.
    drop
        Headings of columns that may be left out, the least needed first.
    """
    cells = [list(head), *(list(row) for row in rows)]
    text = [k == 0 or name in left for k, name in enumerate(head)]
    yields = [text[k] and name not in whole for k, name in enumerate(head)]
    kept = list(range(len(head)))
    expendable = [list(head).index(name) for name in drop if name in head]
    sizes = [max(len(row[k]) for row in cells) for k in range(len(head))]
    while True:
        least = _LEAST if expendable else 1
        fitting = _fitted([sizes[k] for k in kept], [yields[k] for k in kept], width, least)
        if _total(fitting) <= width or not expendable:
            break
        kept.remove(expendable.pop(0))
    lines = []
    for row in cells:
        parts = [
            shortened(row[k], size).ljust(size) if text[k] else row[k].rjust(size)
            for k, size in zip(kept, fitting, strict=True)
        ]
        lines.append((" " * GAP).join(parts).rstrip())
    return lines


def _fitted(sizes: Sequence[int], yields: Sequence[bool], width: int, least: int) -> list[int]:
    """Widths of columns: those that yield are cut, the widest first, until all fit or none can give more."""
    found = list(sizes)
    while _total(found) > width:
        widest = max(range(len(found)), key=lambda k: found[k] if yields[k] else 0)
        if not yields[widest] or found[widest] <= least:
            break
        found[widest] -= 1
    return found


def _total(sizes: Sequence[int]) -> int:
    return sum(sizes) + GAP * (len(sizes) - 1)


def paragraph(text: str, width: int, hang: int = 0) -> list[str]:
    """``text`` broken into lines of at most ``width`` columns; later lines stand ``hang`` columns in."""
    return textwrap.wrap(text, width, subsequent_indent=" " * hang, break_on_hyphens=False) or [""]


def fold(text: str, width: int) -> str:
    """``text`` with every line that is longer than ``width`` broken at its spaces; the rest of a line hangs under its text.

    A word that is longer than that stands alone and whole, so that paths and hashes can be copied. Coloured lines are left
    alone: whoever colours them knows the width.

    >>> print(fold("gate      refused because the order is too large", 30))
    gate      refused because the
              order is too large
    """
    lines: list[str] = []
    for line in text.splitlines():
        if len(line) <= width or _ESCAPE in line:
            lines.append(line)
            continue
        hang = _hang(line)
        lines += textwrap.wrap(
            line,
            width,
            subsequent_indent=" " * (hang if hang <= width // 2 else 4),
            break_long_words=False,
            break_on_hyphens=False,
            drop_whitespace=True,
            replace_whitespace=False,
        )
    return "\n".join(lines)


def _hang(line: str) -> int:
    """Column at which a line's text begins: behind its label, where two spaces or a colon end one."""
    label = _LABEL.match(line)
    return label.end() if label else len(line) - len(line.lstrip()) + 2
