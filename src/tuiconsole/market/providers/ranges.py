"""Stretches of time: what was asked for, what is done, what is left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

Range = tuple[int, int]
"""A half-open stretch ``(start, end]`` in ns UTC."""


def union(ranges: Iterable[Range]) -> list[Range]:
    """The same time as ``ranges``, sorted, with those that touch joined.

    >>> union([(5, 9), (1, 3), (3, 6)])
    [(1, 9)]
    """
    out: list[Range] = []
    for start, end in sorted(r for r in ranges if r[1] > r[0]):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out


def without(wanted: Range, done: Iterable[Range]) -> list[Range]:
    """The parts of ``wanted`` that none of ``done`` covers.

    >>> without((0, 10), [(2, 4), (9, 12)])
    [(0, 2), (4, 9)]
    """
    at, end = wanted
    left: list[Range] = []
    for begun, ended in union(done):
        if ended <= at or begun >= end:
            continue
        if begun > at:
            left.append((at, begun))
        at = ended
    return [*left, (at, end)] if at < end else left


def pieces(wanted: Range, longest: int) -> Iterator[Range]:
    """``wanted`` in pieces no longer than ``longest``.

    >>> list(pieces((0, 10), 4))
    [(0, 4), (4, 8), (8, 10)]
    """
    start, end = wanted
    while start < end:
        yield start, min(start + longest, end)
        start += longest
