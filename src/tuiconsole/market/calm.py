"""The defence over many bars at once, for as long as nothing is suspicious.

History is mostly calm: prices are there or plainly missing, moves stay within the limits, ranges hold. For such
bars every verdict follows from comparisons over the whole stretch; only the scale of each symbol has to be walked
through time. Whatever is not calm is left to the bar-by-bar rules of :mod:`tuiconsole.market.defence`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tuiconsole.domain.market import BarBlock
from tuiconsole.domain.types import BoolArray, FloatArray, IntArray
from tuiconsole.market.compiled_calm import Columns
from tuiconsole.market.settings import DefenceSettings

_NARROW = 4
"""Symbols up to which plain floats are faster than arrays."""


@dataclass(frozen=True, slots=True)
class CalmState:
    """What the rules remember between bars, ``[n_symbols]`` each; nothing is written to.

    Attributes
    ----------
    price, log_price
        Last good close and its logarithm; NaN where none was seen.
    deviation
        Mean absolute log-return.
    unchanged
        int64, bars in a row with the same close.
    """

    price: FloatArray
    log_price: FloatArray
    deviation: FloatArray
    unchanged: IntArray


@dataclass(frozen=True, slots=True)
class CalmStretch:
    """The calm bars that a block begins with.

    Attributes
    ----------
    bars
        How many there are.
    price
        float64 ``[bars, n_symbols]``, last good close after each bar.
    absent
        bool ``[bars, n_symbols]``: no price in this bar.
    after
        The state after the last of them.
    """

    bars: int
    price: FloatArray
    absent: BoolArray
    after: CalmState


@np.errstate(all="ignore")
def calm_stretch(
    block: BarBlock, first: int, end: int, state: CalmState, settings: DefenceSettings
) -> CalmStretch:
    """The longest calm stretch of ``block`` that begins at its bar ``first`` and ends before ``end``.

    A bar is calm when every symbol either has no price, or has one that every rule finds good, and no limit had to
    clip a move.
    """
    close = block.close[first:end]
    absent = ~np.isfinite(close)
    gaps = np.flatnonzero(absent.any(axis=1)).tolist()
    price, log = _carry(close, absent, gaps, state)
    move = np.abs(log[1:] - log[:-1])
    deviation = _deviations(move, absent, gaps, state.deviation, 1.0 / settings.memory_bars)
    unchanged = _repeats(price[1:] == price[:-1], absent, gaps, state.unchanged)
    limit = np.maximum(deviation * settings.jump_deviations, settings.minimum_jump)[:-1]
    good = move <= limit  # NaN fails here: the first price of a symbol, and one that is not positive
    good &= unchanged[1:] < settings.stale_bars
    if block.high is not None:
        good &= _ranges_good(block, first, end, limit)
    good |= absent
    if block.quotes is not None:
        bid, ask = block.quotes.bid, block.quotes.ask
        if bid is not block.nothing and ask is not block.nothing:
            good &= ~(bid[first:end] > ask[first:end])
    suspicious = np.flatnonzero(~np.all(good, axis=1))
    bars = int(suspicious[0]) if len(suspicious) else len(good)
    after = CalmState(price[bars], log[bars], deviation[bars], unchanged[bars])
    return CalmStretch(bars, price[1 : bars + 1], absent[:bars], after)


@np.errstate(all="ignore")
def columns_of(block: BarBlock) -> Columns | None:
    """What :func:`~tuiconsole.market.compiled_calm.calm_bars` reads of ``block``; None where a range is not whole.

    The logarithms are NumPy's: those of a kernel have other bits.
    """
    ranges = (block.open, block.high, block.low)
    opened, high, low = (_NOTHING if column is None else _plain(column) for column in ranges)
    if len({len(opened), len(high), len(low)}) > 1:
        return None
    bid, ask, quotes = _NOTHING, _NOTHING, block.quotes
    if quotes is not None and quotes.bid is not block.nothing and quotes.ask is not block.nothing:
        bid, ask = _plain(quotes.bid), _plain(quotes.ask)
    return _plain(block.close), np.log(block.close), opened, high, low, bid, ask


def _plain(column: FloatArray) -> FloatArray:
    """A contiguous, read-only view: of one type, so that the kernel is compiled once."""
    view = np.ascontiguousarray(column).view()
    view.flags.writeable = False
    return view


_NOTHING = _plain(np.empty((0, 0)))


def _carry(
    close: FloatArray, absent: BoolArray, gaps: list[int], state: CalmState
) -> tuple[FloatArray, FloatArray]:
    """Prices and their logarithms ``[bars + 1, n_symbols]``, the state's first; carried over where absent."""
    price = np.empty((len(close) + 1, close.shape[1]))
    price[0], price[1:] = state.price, close
    log = np.log(price)
    log[0] = state.log_price
    for i in gaps:
        np.copyto(price[i + 1], price[i], where=absent[i])
        np.copyto(log[i + 1], log[i], where=absent[i])
    return price, log


def _deviations(
    move: FloatArray, absent: BoolArray, gaps: list[int], start: FloatArray, rate: float
) -> FloatArray:
    """Deviation ``[bars + 1, n_symbols]``, the state's first, as if every bar were good."""
    found = np.empty((len(move) + 1, move.shape[1]))
    found[0] = start
    if move.shape[1] <= _NARROW:
        for column, value in enumerate(start.tolist()):
            found[1:, column] = _smoothed(value, rate, move[:, column].tolist(), absent[:, column].tolist())
        return found
    step, gap = np.empty(move.shape[1]), set(gaps)
    for i, (moved, before, after) in enumerate(zip(move, found, found[1:], strict=False)):
        np.subtract(moved, before, out=step)
        np.multiply(step, rate, out=step)
        np.add(before, step, out=after)
        if i in gap:
            np.copyto(after, before, where=absent[i])
    return found


def _repeats(same: BoolArray, absent: BoolArray, gaps: list[int], start: IntArray) -> IntArray:
    """Bars in a row with the same close ``[bars + 1, n_symbols]``, the state's first."""
    found: IntArray = np.zeros((len(same) + 1, same.shape[1]), dtype=np.int64)
    found[0] = start
    repeated: list[bool] = np.any(same, axis=1).tolist()
    counting, gap = bool(np.count_nonzero(start)), set(gaps)
    for i, before in enumerate(found[:-1]):
        if counting or repeated[i]:
            after = found[i + 1]
            np.add(before, 1, out=after)
            np.multiply(after, same[i], out=after)
            if i in gap:
                np.copyto(after, before, where=absent[i])
            counting = bool(np.count_nonzero(after))
    return found


def _smoothed(start: float, rate: float, moves: list[float], absent: list[bool]) -> list[float]:
    """One symbol's deviation after each bar."""
    found = []
    for moved, gone in zip(moves, absent, strict=True):
        if not gone:
            start += (moved - start) * rate
        found.append(start)
    return found


def _ranges_good(block: BarBlock, first: int, end: int, limit: FloatArray) -> BoolArray:
    """Where there is no range, or one that holds open and close and is narrower than the jump limit."""
    if block.open is None or block.high is None or block.low is None:
        return np.zeros(limit.shape, dtype=np.bool_)
    rows = slice(first, end)
    opened, high, low, close = block.open[rows], block.high[rows], block.low[rows], block.close[rows]
    inside = low <= np.minimum(opened, close)
    inside &= np.maximum(opened, close) <= high
    inside &= high / low - 1.0 <= limit
    inside &= low > 0.0
    return inside | ~(np.isfinite(opened) & np.isfinite(high) & np.isfinite(low))
