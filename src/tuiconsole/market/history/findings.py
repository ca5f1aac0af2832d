"""What bars alone tell about their quality: missing sessions, shifts of the volume's level, jumps like splits, spikes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tuiconsole.domain.types import FloatArray, IntArray

_BEFORE, _AFTER, _PERSISTS = 20, 5, 60
_LEVEL = np.log(4.0)
_DEVIATIONS = 5.0
_STAYS = 0.7
_LEAST_SESSIONS = 10
_RATIOS = np.array([1.5, 2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 50, 100])
_RATIO_TOLERANCE = 0.03
_QUIET = 0.08
_NEAR_MOVES = 4.0
_MOVES_AROUND = 20
_SPIKE, _SPIKE_REST, _SPIKE_SPREADS, _SPIKE_SIDE = 0.05, 0.25, 10.0, 3


@dataclass(frozen=True, slots=True)
class Gaps:
    """Sessions of the calendar without a bar.

    Attributes
    ----------
    expected
        Sessions between the first and the last bar.
    missing
        int64 ``[n]``, their days since 1970.
    longest
        Sessions in the longest unbroken gap, and the day on which it began (0 where there is none).
    outside
        Days with bars on which the exchange was closed.
    """

    expected: int
    missing: IntArray
    longest: int
    longest_from: int
    outside: IntArray


def session_gaps(held: IntArray, calendar: IntArray) -> Gaps:
    """Compare the days that have bars with the days of a calendar; both int64, in order, each day once."""
    inside = calendar[(calendar >= held[0]) & (calendar <= held[-1])]
    present = np.isin(inside, held)
    missing = inside[~present]
    longest, began = _longest_gap(present)
    first = int(inside[began]) if longest else 0
    return Gaps(len(inside), missing, longest, first, held[~np.isin(held, calendar)])


def _longest_gap(present: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> tuple[int, int]:
    edges = np.diff(np.concatenate(([0], (~present).astype(np.int64), [0])))
    begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    if not len(begins):
        return 0, 0
    at = int(np.argmax(ends - begins))
    return int(ends[at] - begins[at]), int(begins[at])


@dataclass(frozen=True, slots=True)
class Shift:
    """From session ``day`` on (days since 1970) the volume is ``ratio`` times what it was."""

    day: int
    ratio: float


def volume_shifts(days: IntArray, volume: FloatArray) -> tuple[Shift, ...]:
    """Lasting changes of the level of volume, as a change of feed makes them.

    A session begins a shift when the median of log volume over it and the next four sessions differs from that of the 20
    before by more than log 4 and five robust deviations, more than at the sessions around it, and the level stays: the
    median of up to 60 sessions after keeps 70 % of the change. Surges of news fade and are not reported.

    Parameters
    ----------
    days
        int64 ``[n]``, sessions in order.
    volume
        float64 ``[n]``, volume of each session; sessions without any are left out.
    """
    traded = volume > 0
    days, level = days[traded], np.log(volume[traded])
    if len(level) < _LEAST_SESSIONS + _AFTER:
        return ()
    after = np.median(sliding_window_view(level, _AFTER), axis=1)
    starts = np.arange(_LEAST_SESSIONS, len(level) - _AFTER + 1)
    before, spread = np.empty(len(starts)), np.empty(len(starts))
    for k, at in enumerate(starts[:_BEFORE].tolist()):
        before[k], spread[k] = _centre(level[max(0, at - _BEFORE) : at])
    if len(level) - _AFTER >= _BEFORE:
        windows = sliding_window_view(level, _BEFORE)[: len(level) - _AFTER - _BEFORE + 1]
        centre = np.median(windows, axis=1)
        wide = np.median(np.abs(windows - centre[:, None]), axis=1)
        full = len(centre)
        before[-full:], spread[-full:] = centre, wide
    change = after[starts] - before
    size = np.abs(change)
    strong = (size > _LEVEL) & (size > _DEVIATIONS * 1.4826 * spread)
    found = []
    for run in np.split(
        np.flatnonzero(strong), np.flatnonzero(np.diff(np.flatnonzero(strong)) > _BEFORE) + 1
    ):
        if len(run):
            shift = _lasting(days, level, int(starts[run[0]]), int(starts[run[-1]]))
            found += [shift] if shift is not None else []
    return tuple(found)


def _centre(values: FloatArray) -> tuple[float, float]:
    centre = float(np.median(values))
    return centre, float(np.median(np.abs(values - centre)))


def _lasting(days: IntArray, level: FloatArray, first: int, last: int) -> Shift | None:
    """The shift that a run of strong changes is about, where two levels fit best; None when the new one does not last."""
    low, high = max(0, first - _BEFORE), min(len(level), last + _AFTER + _BEFORE)
    cuts = range(max(first, low + 1), min(last + _AFTER, high - 1) + 1)
    at = min(cuts, key=lambda cut: _misfit(level[low:cut]) + _misfit(level[cut:high]))
    before = float(np.median(level[max(0, at - _BEFORE) : at]))
    soon, later = (float(np.median(level[at : at + n])) - before for n in (_AFTER, _PERSISTS))
    if np.sign(soon) != np.sign(later) or abs(later) < max(_STAYS * abs(soon), _STAYS * _LEVEL):
        return None
    return Shift(int(days[at]), float(np.exp(later)))


def _misfit(values: FloatArray) -> float:
    return float(np.abs(values - np.median(values)).sum())


@dataclass(frozen=True, slots=True)
class Jump:
    """At session ``day`` (days since 1970) the price fell to 1/``ratio``, as a split of that ratio makes it."""

    day: int
    ratio: float


def split_like(days: IntArray, opened: FloatArray, close: FloatArray) -> tuple[Jump, ...]:
    """Overnight jumps by a simple ratio with a quiet day after them.

    Reported is an open (the close where opens are unknown) within 3 % of the last close divided or multiplied by 1.5, 2,
    3 … 100, when the day itself moves less than 8 % or four typical moves. Crashes go on moving and miss the ratio.

    Parameters
    ----------
    days
        int64 ``[n]``, sessions in order.
    opened, close
        float64 ``[n]``, first open and last close of each session; NaN where unknown.
    """
    known = close > 0
    days, opened, close = days[known], opened[known], close[known]
    if len(close) < 3:
        return ()
    first = np.where(opened > 0, opened, close)
    night = np.log(close[:-1] / first[1:])
    day = np.abs(np.log(close[1:] / first[1:]))
    ratios = np.log(np.concatenate((_RATIOS, 1.0 / _RATIOS)))
    nearest = np.argmin(np.abs(night[:, None] - ratios), axis=1)
    moves = np.abs(np.diff(np.log(close)))
    found = []
    for i in np.flatnonzero(np.abs(night - ratios[nearest]) < _RATIO_TOLERANCE).tolist():
        around = moves[max(0, i - _MOVES_AROUND) : i]
        typical = float(np.median(around)) if len(around) else 0.0
        if day[i] < max(_QUIET, _NEAR_MOVES * typical) and typical < _QUIET:
            found.append(Jump(int(days[i + 1]), float(np.exp(ratios[nearest[i]]))))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Spike:
    """At ``ts`` (ns UTC) one bar closed at ``close``, where the bars around it lie at ``around``."""

    ts: int
    close: float
    around: float


def spikes(ts: IntArray, close: FloatArray) -> tuple[Spike, ...]:
    """Single closes far from the closes on either side, which agree with each other: bad ticks, most often.

    Reported is a close that leaves its neighbours by more than 5 % in one bar and is back in the next, to a quarter of the
    way, and that lies further from the median of the seven closes around it than 5 %, ten times 1.4826 of their median
    absolute deviation, and ten typical moves of the forty bars around. A crash stays where it went and is none. Looks at
    both sides, so it judges history and never decides.

    Parameters
    ----------
    ts, close
        int64 and float64 ``[n]``, bars of one instrument in order; NaN closes are passed over.

    References
    ----------
    Hampel (1974), "The influence curve and its role in robust estimation", JASA 69; Pearson (2002), IEEE Trans. Control Syst.
    Technol. 10, eq. 4.
    """
    known = close > 0
    ts, close = ts[known], close[known]
    log = np.log(close)
    moves = np.diff(log)
    there, back = moves[:-1], moves[1:]
    left = (np.abs(there) > _SPIKE) & (np.abs(there + back) < _SPIKE_REST * np.abs(there))
    found = []
    for i in (np.flatnonzero(left) + 1).tolist():
        window = log[max(0, i - _SPIKE_SIDE) : i + _SPIKE_SIDE + 1]
        median = float(np.median(window))
        spread = 1.4826 * float(np.median(np.abs(window - median)))
        typical = float(np.median(np.abs(moves[max(0, i - _MOVES_AROUND) : i + _MOVES_AROUND])))
        if abs(log[i] - median) > max(_SPIKE, _SPIKE_SPREADS * max(spread, typical)):
            found.append(Spike(int(ts[i]), float(close[i]), float(np.exp(median))))
    return tuple(found)
