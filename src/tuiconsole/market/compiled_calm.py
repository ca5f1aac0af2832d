"""Calm stretches as a kernel: the rules of :mod:`tuiconsole.market.calm`, bar after bar until one of them speaks up.

Loops are short and touch few arrays, because only such loops become vector instructions.
"""

from __future__ import annotations

import numpy as np

from tuiconsole.domain.types import CodeArray, FloatArray, IntArray

Columns = tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]
"""Close and its logarithm, open, high, low, bid, ask: ``[bars, n_symbols]`` each, the last five empty where there are none."""
State = tuple[FloatArray, FloatArray, FloatArray, IntArray]
"""Last good price and its logarithm, deviation, bars with the same close: ``[n_symbols]`` each, moved on in place."""
Rules = tuple[float, float, float, int]
"""Deviations that a jump is, the least jump, share of a new move in the deviation, bars that are stale."""
Codes = tuple[int, int]
"""Verdicts on a symbol without a price: where one was seen before, and where none was."""


def calm_bars(
    columns: Columns,
    first: int,
    state: State,
    rules: Rules,
    codes: Codes,
    price: FloatArray,
    quality: CodeArray,
) -> int:
    """Judge bars from ``first`` on and write ``price`` and ``quality`` ``[bars, n_symbols]``; the first that is not calm.

    All that is not calm ends the stretch before its bar, and nothing is changed by it.
    """
    close, log, _, high, _, bid, ask = columns
    seen, seen_log, deviation, unchanged = state
    n = close.shape[1]
    for i in range(first, len(close)):
        if count_bad(close, log, i, state, rules) or (
            len(high) and count_bad_ranges(columns, i, deviation, rules)
        ):
            return i
        if len(bid):
            for s in range(n):
                if bid[i, s] > ask[i, s]:
                    return i
        here = 0
        for s in range(n):
            here += np.isfinite(close[i, s])
        if here == n:
            take_all(close, log, i, state, rules[2], price)
            continue
        for s in range(n):
            if np.isfinite(close[i, s]):
                deviation[s] += (abs(log[i, s] - seen_log[s]) - deviation[s]) * rules[2]
                unchanged[s] = unchanged[s] + 1 if close[i, s] == seen[s] else 0
                seen[s], seen_log[s] = close[i, s], log[i, s]
            else:
                quality[i, s] = codes[1] if np.isnan(seen[s]) else codes[0]
            price[i, s] = seen[s]
    return len(close)


def count_bad(close: FloatArray, log: FloatArray, i: int, state: State, rules: Rules) -> int:
    """Symbols whose price at bar ``i`` moved too far, or has not changed for too long."""
    seen, seen_log, deviation, unchanged = state
    deviations, least, _, stale = rules
    bad = 0
    for s in range(len(seen)):
        limit = deviation[s] * deviations
        limit = limit if limit > least else least
        fresh = (close[i, s] != seen[s]) | (unchanged[s] + 1 < stale)
        fine = (abs(log[i, s] - seen_log[s]) <= limit) & fresh
        bad += np.isfinite(close[i, s]) & (not fine)
    return bad


def count_bad_ranges(columns: Columns, i: int, deviation: FloatArray, rules: Rules) -> int:
    """Symbols whose range at bar ``i`` does not hold open and close, or is wider than a jump."""
    close, _, opened, high, low, _, _ = columns
    bad = 0
    for s in range(len(deviation)):
        limit = deviation[s] * rules[0]
        limit = limit if limit > rules[1] else rules[1]
        begin, end, top, bottom = opened[i, s], close[i, s], high[i, s], low[i, s]
        fine = (bottom <= begin) & (bottom <= end) & (begin <= top) & (end <= top)
        fine = fine & (top / bottom - 1.0 <= limit) & (bottom > 0.0)
        known = np.isfinite(begin) & np.isfinite(top) & np.isfinite(bottom) & np.isfinite(end)
        bad += known & (not fine)
    return bad


def take_all(
    close: FloatArray, log: FloatArray, i: int, state: State, rate: float, price: FloatArray
) -> None:
    """Move the state on by bar ``i``, which has a price for every symbol."""
    seen, seen_log, deviation, unchanged = state
    n = len(seen)
    for s in range(n):
        deviation[s] += (abs(log[i, s] - seen_log[s]) - deviation[s]) * rate
    for s in range(n):
        unchanged[s] = unchanged[s] + 1 if close[i, s] == seen[s] else 0
    for s in range(n):
        seen_log[s] = log[i, s]
    for s in range(n):
        seen[s] = close[i, s]
    for s in range(n):
        price[i, s] = close[i, s]


PARTS = (count_bad, count_bad_ranges, take_all)
"""What :func:`calm_bars` calls."""
