"""Bars made of streamed quotes, causally: a bar holds what was quoted in it, and closes when it is over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tuiconsole.domain.market import Bars
from tuiconsole.domain.types import FloatArray
from tuiconsole.market.live.contract import NOT_ON_A_TAPE
from tuiconsole.market.live.schedule import Schedule

_OPEN, _HIGH, _LOW, _CLOSE, _VOLUME = range(5)


@dataclass(frozen=True, slots=True)
class Quote:
    """One price of one symbol.

    Attributes
    ----------
    column
        Of the universe.
    ts
        When it was made, ns UTC.
    day_volume
        Traded so far today; NaN where unknown.
    """

    column: int
    ts: int
    price: float
    day_volume: float = float("nan")


class QuoteBars:
    """Collects quotes into the bars of a schedule.

    A quote outside the sessions, for a bar that was already handed out, or without a positive price is dropped. The
    first quote of a symbol only sets where its volume of the day stands.
    """

    def __init__(self, n_symbols: int, schedule: Schedule) -> None:
        self._schedule = schedule
        self._forming: dict[int, FloatArray] = {}
        self._day_volume: FloatArray = np.full(n_symbols, np.nan)
        self._closed_until = 0

    def add(self, quote: Quote) -> None:
        """Take in one quote."""
        traded = quote.day_volume - self._day_volume[quote.column]
        if not np.isnan(quote.day_volume):
            self._day_volume[quote.column] = quote.day_volume
        if not self._schedule.is_open(quote.ts) or not 0.0 < quote.price < np.inf:
            return
        end = self._schedule.next_end(quote.ts)
        if end <= self._closed_until:
            return
        if end not in self._forming:
            self._forming[end] = np.full((5, len(self._day_volume)), np.nan)
        bar = self._forming[end][:, quote.column]
        if np.isnan(bar[_OPEN]):
            bar[[_OPEN, _HIGH, _LOW]] = quote.price
        bar[_HIGH] = max(bar[_HIGH], quote.price)
        bar[_LOW] = min(bar[_LOW], quote.price)
        bar[_CLOSE] = quote.price
        if traded >= 0.0:
            bar[_VOLUME] = np.nansum((bar[_VOLUME], traded))

    def close(self, until: int) -> tuple[Bars, ...]:
        """The bars that end at or before ``until``, oldest first; later quotes for them are dropped."""
        self._closed_until = max(self._closed_until, until)
        ends = sorted(end for end in self._forming if end <= until)
        return tuple(self._bars(end, self._forming.pop(end)) for end in ends)

    def _bars(self, end: int, table: FloatArray) -> Bars:
        opened, high, low, close, volume = table
        return Bars(end, NOT_ON_A_TAPE, opened, high, low, close, volume, self._schedule.session_of(end))
