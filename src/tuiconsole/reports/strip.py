"""Curves out of block characters, for a terminal."""

from __future__ import annotations

import numpy as np

from tuiconsole.domain.types import FloatArray

_BLOCKS = " ▁▂▃▄▅▆▇█"


def resampled(values: FloatArray, columns: int) -> FloatArray:
    """The last value of each of ``columns`` equal stretches of ``values``, or ``values`` when there are fewer."""
    if len(values) <= columns:
        return values
    return values[np.linspace(0, len(values) - 1, columns).round().astype(np.int64)]


def worst(values: FloatArray, columns: int) -> FloatArray:
    """The largest value of each of ``columns`` equal stretches: no extreme falls between two columns."""
    if len(values) <= columns:
        return values
    edges = np.linspace(0, len(values), columns + 1).round().astype(np.int64)
    return np.maximum.reduceat(values, edges[:-1])


def chart(values: FloatArray, rows: int) -> list[str]:
    """A filled curve of ``values``, one column each, lowest value at the bottom; ``rows`` lines, top first.

    >>> chart(np.array([0.0, 1.0, 2.0]), 1)
    ['▁▅█']
    """
    if not len(values):
        return [""] * rows
    low, high = float(values.min()), float(values.max())
    share = (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
    eighths = 1 + np.rint(share * (rows * 8 - 1)).astype(np.int64)
    lines = []
    for row in range(rows - 1, -1, -1):
        filled = np.clip(eighths - row * 8, 0, 8)
        lines.append("".join(_BLOCKS[i] for i in filled.tolist()))
    return lines


def depth(values: FloatArray) -> str:
    """One line for drawdowns: the deeper, the taller the block; empty where there is none.

    >>> depth(np.array([0.0, 0.5, 0.25]))
    ' █▄'
    """
    top = float(values.max()) if len(values) else 0.0
    eighths = np.ceil(values / top * 8).astype(np.int64) if top > 0 else np.zeros(len(values), dtype=np.int64)
    return "".join(_BLOCKS[i] for i in eighths.tolist())
