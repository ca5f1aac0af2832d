"""The engine's answer to *why* as lines of text: a tree of whatever keys it holds. No Textual here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tuiconsole.ui.format import MISSING, plain

Line = tuple[str, str]
"""Text and tone."""


def _scalar(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else plain(value)


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, Mapping | list | tuple)


def explain(body: Mapping[str, Any], depth: int = 0) -> list[Line]:
    """Lines for ``body``: scalars as ``name  value``, mappings indented, lists of alike mappings as small tables."""
    pad = "  " * depth
    lines: list[Line] = []
    width = max((len(plain(key)) for key, value in body.items() if _is_scalar(value)), default=0)
    for key, value in body.items():
        name = plain(key).replace("_", " ")
        if _is_scalar(value):
            lines.append((f"{pad}{name:<{width}}  {_scalar(value)}", "plain"))
        elif not value:
            lines.append((f"{pad}{name:<{width}}  none", "dim"))
        else:
            if depth == 0:
                lines.append(("", "plain"))
            lines.append((f"{pad}{name}", "accent" if depth == 0 else "head"))
            lines.extend(explain(value, depth + 1) if isinstance(value, Mapping) else _list(value, depth + 1))
    return lines


def _list(values: Sequence[Any], depth: int) -> list[Line]:
    pad = "  " * depth
    if all(_is_scalar(value) for value in values):
        return [(pad + ", ".join(_scalar(value) for value in values), "plain")]
    if all(isinstance(value, Mapping) and all(map(_is_scalar, value.values())) for value in values):
        return _table(values, pad)
    lines: list[Line] = []
    for index, value in enumerate(values, 1):
        lines.append((f"{pad}{index}.", "head"))
        lines.extend(explain(value if isinstance(value, Mapping) else {"value": value}, depth + 1))
    return lines


def _table(rows: Sequence[Mapping[str, Any]], pad: str) -> list[Line]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    texts = [[_scalar(row.get(name)) for name in names] for row in rows]
    widths = [max(len(plain(name)), *(len(text[i]) for text in texts)) for i, name in enumerate(names)]
    words = [any(isinstance(row.get(name), str) for row in rows) for name in names]

    def join(values: Sequence[str]) -> str:
        return pad + "  ".join(
            v.ljust(w) if word else v.rjust(w) for v, w, word in zip(values, widths, words, strict=True)
        )

    return [
        (join([plain(n).replace("_", " ") for n in names]), "head"),
        *((join(text), "plain") for text in texts),
    ]
