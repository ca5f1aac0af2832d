"""What the time of a bar means: how long bars are, and whether their times name the start or the end."""

from __future__ import annotations

from typing import Literal

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, NANOSECONDS_PER_SECOND
from tuiconsole.domain.types import FloatArray, IntArray

_OPEN_S, _CLOSE_S = 9 * 3_600 + 1_800, 16 * 3_600
_SYMBOLS_SAMPLED = 40
_ROWS_SAMPLED = 200_000
_MOST = 0.8
_FEW = 0.2
_OPENING_SURGE = 3.0


def bar_seconds(ns: IntArray, codes: IntArray) -> int | None:
    """The most common distance between bars of one symbol, in seconds; None when there are no two.

    Parameters
    ----------
    ns, codes
        int64 ``[n]``, times and symbol of each row, in any order.
    """
    ns, codes = ns[:_ROWS_SAMPLED], codes[:_ROWS_SAMPLED]
    steps = []
    for code in np.unique(codes)[:_SYMBOLS_SAMPLED].tolist():
        step = np.diff(np.unique(ns[codes == code]))
        steps.append(step)
    every = np.concatenate(steps) if steps else np.empty(0, dtype=np.int64)
    if not len(every):
        return None
    distances, times = np.unique(every, return_counts=True)
    return max(1, int(distances[np.argmax(times)]) // NANOSECONDS_PER_SECOND)


def detect_label(
    local: IntArray, seconds: int, volume: FloatArray | None = None
) -> Literal["start", "end"] | None:
    """Whether times name the start or the end of intraday bars; None when nothing tells.

    A session from 09:30 to 16:00 shows its first bar at 09:30 when times are starts, and its last at 16:00 when
    they are ends. With extended hours the surge of volume at the opening tells. A market that never closes tells
    by the first and last bar of its days.

    Parameters
    ----------
    local
        int64 ``[n]``, ns on the exchange's wall clock.
    seconds
        Length of a bar.
    """
    day, within = np.divmod(local, NANOSECONDS_PER_DAY)
    clock = within // NANOSECONDS_PER_SECOND
    n_days = len(np.unique(day))
    at_open = len(np.unique(day[clock == _OPEN_S])) / n_days
    at_close = len(np.unique(day[clock == _CLOSE_S])) / n_days
    if at_open >= _MOST and at_close <= _FEW:
        return "start"
    if at_close >= _MOST and at_open <= _FEW:
        return "end"
    before = float(np.mean(clock < _OPEN_S))
    if at_open > _FEW and at_close > _FEW and volume is not None and before < 0.5:
        return _by_surge(clock, volume, seconds)
    return _by_midnight(clock, day, seconds)


def _by_surge(clock: IntArray, volume: FloatArray, seconds: int) -> Literal["start", "end"] | None:
    """The first bar of the session trades far more than the one before it."""

    def typical(at: int) -> float:
        known = volume[(clock == at) & (volume >= 0)]
        return float(np.mean(known)) if len(known) else 0.0

    pre, opening, second = (typical(_OPEN_S + k * seconds) for k in (-1, 0, 1))
    if opening > _OPENING_SURGE * pre:
        return "start"
    return "end" if second > _OPENING_SURGE * opening else None


def _by_midnight(clock: IntArray, day: IntArray, seconds: int) -> Literal["start", "end"] | None:
    """A recording of whole days begins at midnight with starts, and ends at midnight with ends."""
    order = np.lexsort((clock, day))
    first, last = int(clock[order[0]]), int(clock[order[-1]])
    if first == 0 and last == 86_400 - seconds:
        return "start"
    return "end" if first == seconds and last == 0 else None
