"""Price moves that no market paid: splits that nobody recorded and jumps between two companies, while something was held.

On such data a backtest wins or loses what nobody ever could. Reports name the moves and what they were worth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tuiconsole.analytics.track import FillTable
from tuiconsole.domain.clock import iso
from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.market.history.findings import split_like
from tuiconsole.market.tape import Tape

_LEAST_RATIO = 1.99
"""Splits of 3:2 look too much like news."""

_NO_MARKET = float(np.log(3.0))
"""A bar-to-bar move beyond a factor of 3 is a split, a re-used ticker or a mistake in the data."""

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class UnpaidMove:
    """``symbol`` came to ``ratio`` times its last close at ``ts`` (ns UTC), and the run's equity moved by ``worth`` with it."""

    symbol: str
    ts: int
    ratio: float
    worth: float


def unpaid_moves(tape: Tape, start: int, bars: int, fills: FillTable) -> tuple[UnpaidMove, ...]:
    """Moves like a split, or beyond a factor of 3, of what a run held then; the dearest first.

    Parameters
    ----------
    start, bars
        Tape index of the first traded bar, and how many were traded.
    fills
        Of the run, in currency units.
    """
    found = []
    for column in np.unique(fills.symbol).tolist():
        rows = start + np.flatnonzero(tape.close[start : start + bars, column] > 0)
        close = tape.close[rows, column]
        opened = close if tape.open is None else tape.open[rows, column]
        of_column = fills.symbol == column
        held = _held(fills.ts[of_column], fills.quantity[of_column], tape.ts[rows])
        for at in _jumps(opened, close).tolist():
            if held[at - 1]:
                multiplier = float(tape.universe.instruments[column].multiplier)
                worth = held[at - 1] * (close[at] - close[at - 1]) * multiplier
                ratio = close[at] / close[at - 1]
                found.append(
                    UnpaidMove(
                        tape.universe.symbols[column], int(tape.ts[rows[at]]), float(ratio), float(worth)
                    )
                )
    return tuple(sorted(found, key=lambda move: -abs(move.worth)))


def unpaid_sentence(moves: tuple[UnpaidMove, ...], currency: str) -> tuple[str, ...]:
    """What a report says about them; nothing when there are none."""
    if not moves:
        return ()
    named = ", ".join(
        f"{move.symbol} {iso(move.ts)[:10]} by {move.ratio:.3g} ({move.worth:+,.0f} {currency})"
        for move in moves[:_SHOWN]
    )
    more = f" and {len(moves) - _SHOWN} more" if len(moves) > _SHOWN else ""
    return (
        f"Prices moved like a split or another company's while held, and nobody was paid that: {named}{more}. Import the "
        "splits and ticker changes, or leave the symbols out; until then the result means little.",
    )


def doubtful_moves(tape: Tape, first: int, last: int) -> tuple[str, ...]:
    """A sentence about such moves of any symbol from ``first`` to ``last`` (ns UTC), for results of many runs at once."""
    rows = np.flatnonzero((tape.ts >= first) & (tape.ts <= last))
    found = []
    for column, symbol in enumerate(tape.universe.symbols):
        known = rows[tape.close[rows, column] > 0]
        close = tape.close[known, column]
        opened = close if tape.open is None else tape.open[known, column]
        for at in _jumps(opened, close).tolist():
            ratio = close[at] / close[at - 1]
            found.append((max(ratio, 1.0 / ratio), f"{symbol} {iso(int(tape.ts[known[at]]))[:10]}"))
    if not found:
        return ()
    named = ", ".join(text for _, text in sorted(found, reverse=True)[:_SHOWN])
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return (
        f"Prices moved like a split or another company's: {named}{more}. Whoever held won or lost what nobody was paid. Import "
        "the splits and ticker changes, or leave the symbols out; until then the result means little.",
    )


def _held(ts: IntArray, quantity: FloatArray, at: IntArray) -> FloatArray:
    """Quantity held after each bar, float64 ``[n]``."""
    order = np.argsort(ts, kind="stable")
    total = np.concatenate(([0.0], np.cumsum(quantity[order])))
    held: FloatArray = total[np.searchsorted(ts[order], at, side="right")]
    return np.where(np.abs(held) < 1e-9, 0.0, held)


def _jumps(opened: FloatArray, close: FloatArray) -> IntArray:
    if len(close) < 2:
        return np.empty(0, dtype=np.int64)
    beyond = 1 + np.flatnonzero(np.abs(np.diff(np.log(close))) > _NO_MARKET)
    like = split_like(np.arange(len(close)), opened, close)
    splits = [jump.day for jump in like if max(jump.ratio, 1.0 / jump.ratio) >= _LEAST_RATIO]
    return np.union1d(beyond, np.array(splits, dtype=np.int64)).astype(np.int64)
