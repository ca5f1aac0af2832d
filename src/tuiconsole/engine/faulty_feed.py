"""A feed that misbehaves: a tape's bars as a desk receives them when something goes wrong on the way.

What arrives is a tape of its own, drawn from the seed beforehand, so that a desk that is started anew receives the same.
"""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.market import BarBlock, Bars
from tuiconsole.domain.rng import generator
from tuiconsole.engine.simulated_faults import FaultRates
from tuiconsole.market.tape import Tape

_LONGEST_DELAY = 4
_SPIKES = (0.1, 10.0)


class FaultyFeed:
    """A :class:`~tuiconsole.market.tape.BarSource` over what arrives.

    Parameters
    ----------
    tape
        The market as it was.
    start
        Bars before this one arrive as they were.

    Attributes
    ----------
    arrivals
        For each bar that arrives, the index on ``tape`` of the moment at which it does; never falls.
    """

    def __init__(self, tape: Tape, start: int, rates: FaultRates, seed: int) -> None:
        self._tape = tape
        self._rng = generator(seed, "simulation", "feed faults")
        self._received: list[Bars] = []
        self.arrivals: list[int] = []
        sent = [(index, tape.bars(index)) for index in range(start)]
        for index in range(start, len(tape)):
            sent += self._sent(index, rates)
        sent.sort(key=lambda pair: pair[0])
        for place, (at, bars) in enumerate(sent):
            self.arrivals.append(at)
            self._received.append(replace(bars, seq=place))

    @property
    def name(self) -> str:
        """Label for the header."""
        return self._tape.name

    @property
    def universe(self) -> Universe:
        """Instruments in column order."""
        return self._tape.universe

    def __len__(self) -> int:
        return len(self._received)

    def bars(self, index: int) -> Bars:
        """The bar that arrives as number ``index``."""
        return self._received[index]

    def block(self, first: int, end: int) -> BarBlock:
        """Bars before the start, which are the tape's own."""
        return self._tape.block(first, end)

    def _sent(self, index: int, rates: FaultRates) -> list[tuple[int, Bars]]:
        """What arrives of the bar ``index``, and when."""
        happens = self._happens
        bars = self._wrong_prices(self._tape.bars(index), index, rates)
        if happens(rates.gap):
            return []
        if happens(rates.backwards):
            bars = replace(bars, ts=self._tape.bars(index - 2).ts)
        if happens(rates.reorder):
            return [(index + 1, bars)] if index + 1 < len(self._tape) else []
        if happens(rates.delay):
            late = index + int(self._rng.integers(1, _LONGEST_DELAY + 1))
            return [(late, bars)] if late < len(self._tape) else []
        return [(index, bars)] * (2 if happens(rates.duplicate) else 1)

    def _wrong_prices(self, bars: Bars, index: int, rates: FaultRates) -> Bars:
        if self._happens(rates.stale):
            before = self._tape.bars(index - 1)
            return replace(bars, open=before.close, high=before.close, low=before.close, close=before.close)
        columns = {name: getattr(bars, name).copy() for name in ("open", "high", "low", "close")}
        n = len(self.universe)
        if self._happens(rates.spike):
            symbol, factor = int(self._rng.integers(n)), float(self._rng.choice(_SPIKES))
            for column in columns.values():
                column[symbol] *= factor
        if self._happens(rates.crossed):
            symbol = int(self._rng.integers(n))
            columns["low"][symbol], columns["high"][symbol] = (
                columns["high"][symbol] * 1.01,
                columns["low"][symbol] * 0.99,
            )
        if self._happens(rates.zero):
            columns["close"][int(self._rng.integers(n))] = float(
                self._rng.choice((0.0, -1.0, np.nan, np.inf))
            )
        return replace(bars, **columns)

    def _happens(self, rate: float) -> bool:
        return bool(self._rng.random() < rate)
