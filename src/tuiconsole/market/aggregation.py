"""Coarser bars of finer ones, causally: a bar appears when its interval has ended, and holds nothing later.

Over the finer bars with a close: open of the first, highest high, lowest low, close of the last, sum of volumes; quotes as
they last stood, signed volumes summed. What one of them does not know (an open, a high, a volume) the coarser bar does not know
either. No bar where there was none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from tuiconsole.domain.context import QUOTE_FIELDS, BarQuotes
from tuiconsole.domain.market import Bars
from tuiconsole.domain.types import BoolArray, FloatArray, IntArray
from tuiconsole.market.interval_grid import NOWHERE, IntervalGrid

BAR_FIELDS = ("open", "high", "low", "close", "volume")
_SUMS = ("volume", "buy_volume", "sell_volume")


@dataclass(frozen=True, slots=True)
class Coarser:
    """Bars ``[n_bars, n_symbols]`` by column name, and their ends ``[n_bars]`` in ns UTC."""

    ts: IntArray
    columns: Mapping[str, FloatArray]


def aggregate(ts: IntArray, columns: Mapping[str, FloatArray], grid: IntervalGrid, until: int) -> Coarser:
    """Coarser bars of a whole tape.

    Parameters
    ----------
    ts
        int64 ``[n_rows]``, ends of the finer bars in ns UTC, strictly rising.
    columns
        float64 ``[n_rows, n_symbols]`` for ``close`` and whichever of open, high, low, volume and the quotes are known.
    until
        Nothing later is known: intervals that end after it are unfinished, and left out.
    """
    ends = grid.ends(ts)
    kept = (ends != NOWHERE) & (ends <= until) & (ts <= until)
    ends, rows = ends[kept], {name: values[kept] for name, values in columns.items()}
    if not len(ends):
        empty = np.empty((0, columns["close"].shape[1]))
        return Coarser(ends, dict.fromkeys(columns, empty))
    starts = np.flatnonzero(np.concatenate(([True], np.diff(ends) != 0)))
    found = _merged(starts, rows)
    some = ~np.isnan(found["close"]).all(axis=1)
    return Coarser(ends[starts][some], {name: values[some] for name, values in found.items()})


def _merged(starts: IntArray, rows: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Groups of rows that begin at ``starts``, each as one row."""
    known = ~np.isnan(rows["close"])
    order = np.arange(len(known))[:, None]
    last = np.maximum.reduceat(np.where(known, order, -1), starts)
    first = np.minimum.reduceat(np.where(known, order, len(known)), starts)
    none = last < 0
    found: dict[str, FloatArray] = {}
    for name, values in rows.items():
        if name == "close":
            found[name] = _at(values, last, none)
        elif name == "open":
            found[name] = _at(values, first, none)
        elif name == "high":
            found[name] = _over(np.maximum, values, known, starts, none, -np.inf)
        elif name == "low":
            found[name] = _over(np.minimum, values, known, starts, none, np.inf)
        elif name in _SUMS:
            found[name] = _over(np.add, values, known, starts, none, 0.0)
        else:
            stands = np.maximum.reduceat(np.where(np.isnan(values), -1, order), starts)
            found[name] = np.where(none, np.nan, _at(values, stands, stands < 0))
    return found


def _at(values: FloatArray, row: IntArray, none: BoolArray) -> FloatArray:
    picked = np.take_along_axis(values, np.where(none, 0, row), axis=0)
    return np.where(none, np.nan, picked)


def _over(
    how: np.ufunc, values: FloatArray, known: BoolArray, starts: IntArray, none: BoolArray, neutral: float
) -> FloatArray:
    """``how`` over the rows with a close; NaN where one of them is NaN."""
    return np.where(none, np.nan, how.reduceat(np.where(known, values, neutral), starts))


class BarStream:
    """The same, bar by bar: give every finer bar to :meth:`add`, and take the coarser ones that it completes.

    A bar that is not later than the one before is dropped and counted in :attr:`late`.
    """

    def __init__(self, grid: IntervalGrid) -> None:
        self.late = 0
        self._grid = grid
        self._last = NOWHERE
        self._end = NOWHERE
        self._waiting: list[Bars] = []

    def add(self, bars: Bars) -> tuple[Bars, ...]:
        """Take in the next bar; the coarser bars whose intervals have ended with it or before it, oldest first.

        A bar that ends an interval completes it at once; where that one is missing, the first later bar does.
        """
        if bars.ts <= self._last:
            self.late += 1
            return ()
        self._last = bars.ts
        end = int(self._grid.ends(np.array([bars.ts]))[0])
        done = () if end == self._end else self._complete()
        if end == NOWHERE:
            return done
        self._end = end
        self._waiting.append(bars)
        return (*done, *self._complete()) if end == bars.ts else done

    def close(self, until: int) -> tuple[Bars, ...]:
        """The bar whose interval has ended by ``until`` (ns UTC) although no later bar came; later bars for it are dropped."""
        if self._end > until:
            return ()
        self._last = max(self._last, self._end)
        return self._complete()

    def _complete(self) -> tuple[Bars, ...]:
        rows, end = self._waiting, self._end
        self._waiting, self._end = [], NOWHERE
        if not rows:
            return ()
        columns = {name: np.stack([getattr(row, name) for row in rows]) for name in BAR_FIELDS}
        quoted = [row.quotes for row in rows if row.quotes is not None]
        if len(quoted) == len(rows):
            columns.update({name: np.stack([getattr(q, name) for q in quoted]) for name in QUOTE_FIELDS})
        found = {name: values[0] for name, values in _merged(np.zeros(1, dtype=np.int64), columns).items()}
        if np.isnan(found["close"]).all():
            return ()
        last = rows[-1]
        quotes: Any = (
            BarQuotes(**{f.name: found[f.name] for f in fields(BarQuotes)}) if "bid" in found else None
        )
        opened, high, low, close, volume = (found[name] for name in BAR_FIELDS)
        known = (last.session, last.macro, quotes, last.members)
        return (Bars(end, last.seq, opened, high, low, close, volume, *known),)
