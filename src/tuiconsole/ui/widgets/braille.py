"""Curves drawn with braille dots: two columns and four rows of dots in every character. Pure."""

from __future__ import annotations

from collections.abc import Sequence

_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_BLANK = 0x2800


def resample(values: Sequence[float], columns: int) -> list[tuple[float, float]]:
    """Lowest and highest of ``values`` in each of ``columns`` equal stretches; short series are stretched."""
    n = len(values)
    out: list[tuple[float, float]] = []
    for column in range(columns):
        start = column * n // columns
        stop = max(start + 1, (column + 1) * n // columns)
        piece = values[start:stop]
        out.append((min(piece), max(piece)))
    return out


def line(values: Sequence[float], width: int, height: int, *, ascii: bool = False) -> list[str]:
    """``height`` strings of ``width`` characters that draw ``values`` as a line between their lowest and highest.

    Consecutive points are joined; a constant series is a flat line in the middle.
    """
    if not values or width <= 0 or height <= 0:
        return [" " * width] * height
    columns, rows = (width, height) if ascii else (2 * width, 4 * height)
    ranges = resample(values, columns)
    low, high = min(values), max(values)
    span = high - low

    def row(value: float) -> int:
        return rows // 2 if span == 0 else round((high - value) / span * (rows - 1))

    spans: list[tuple[int, int]] = []
    previous: tuple[int, int] | None = None
    for smallest, largest in ranges:
        top, bottom = row(largest), row(smallest)
        if previous is not None:  # join to the stretch before
            if top > previous[1]:
                top = previous[1] + 1 if top > previous[1] + 1 else top
            elif bottom < previous[0]:
                bottom = previous[0] - 1 if bottom < previous[0] - 1 else bottom
        spans.append((top, bottom))
        previous = (row(largest), row(smallest))
    return _ascii(spans, width, height) if ascii else _braille(spans, width, height)


def area(
    values: Sequence[float], width: int, height: int, deepest: float, *, ascii: bool = False
) -> list[str]:
    """``values`` (0 and up) as an area that hangs from the top; ``deepest`` reaches the bottom."""
    if not values or width <= 0 or height <= 0 or deepest <= 0:
        return [" " * width] * height
    columns, rows = (width, height) if ascii else (2 * width, 4 * height)
    spans = [(0, round(high / deepest * rows) - 1) for _, high in resample(values, columns)]
    return _ascii(spans, width, height) if ascii else _braille(spans, width, height)


def _braille(spans: Sequence[tuple[int, int]], width: int, height: int) -> list[str]:
    cells = [[0] * width for _ in range(height)]
    for x, (top, bottom) in enumerate(spans):
        dots = _DOTS[x & 1]
        column = x >> 1
        for y in range(top, bottom + 1):
            cells[y >> 2][column] |= dots[y & 3]
    return ["".join(chr(_BLANK + dots) if dots else " " for dots in row) for row in cells]


def _ascii(spans: Sequence[tuple[int, int]], width: int, height: int) -> list[str]:
    cells = [[" "] * width for _ in range(height)]
    for x, (top, bottom) in enumerate(spans):
        for y in range(top, bottom + 1):
            cells[y][x] = "*"
    return ["".join(row) for row in cells]
