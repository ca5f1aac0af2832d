"""The learned part of expected slippage: fed with the journal's fills, and told of when it begins or ceases to be used.

The journal and the tape hold all that is needed, so there is no state that a restart could lose: a fresh start learns every
fill again, in order, and comes to the same trees.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.money import notional
from tuiconsole.domain.types import FloatArray
from tuiconsole.execution.settings import ExecutionSettings
from tuiconsole.execution.slippage import SlippageModel, Trades
from tuiconsole.market.tape import BarSource
from tuiconsole.store.filled_orders import FilledOrder, fills_after

LOOK_BACK = 20
"""Bars from which volatility and usual volume of a fill are measured."""

_AT_ONCE = 2_000


class LearnedCosts:
    """Keeps the cost model's learned part up to date; a :class:`~tuiconsole.engine.service.Watch`.

    Parameters
    ----------
    state
        The store whose fills are learned.
    tape
        What they were filled on.
    every_bars
        Bars between two looks, counted on the tape; 0 looks never.

    Raises
    ------
    UsageError
        The package that learns is not installed.
    """

    code = "cost model"

    def __init__(self, state: Path, tape: BarSource, settings: ExecutionSettings, every_bars: int) -> None:
        self.model = SlippageModel(settings)
        self._state, self._tape, self._settings = state, tape, settings
        self._every = every_bars
        self._venues: dict[str, int] = {}
        self._row = 0

    def due(self, cursor: int) -> bool:
        """Whether to look after ``cursor`` bars of the tape."""
        return self._every > 0 and cursor > 0 and cursor % self._every == 0

    def tell(self, cursor: int) -> str:
        """Learn the fills up to bar ``cursor``; a sentence when the learned part began or ceased to be used."""
        told = ""
        while True:
            fills = [fill for fill in fills_after(self._state, self._row, _AT_ONCE) if fill.bar < cursor]
            if not fills:
                return told
            self._row = fills[-1].row
            switch = self.model.learn(self._trades(fills), _realised_bps(fills, self._tape.universe))
            told = switch.text if switch is not None else told

    def _trades(self, fills: list[FilledOrder]) -> Trades:
        universe = self._tape.universe
        columns = [universe.index_of[fill.symbol] for fill in fills]
        instruments = [universe.instruments[column] for column in columns]
        market = np.array(
            [self._market(fill.bar, column) for fill, column in zip(fills, columns, strict=True)]
        )
        shares = np.array(
            [abs(f.quantity) / i.quantity_scale for f, i in zip(fills, instruments, strict=True)]
        )
        venues = [self._venues.setdefault(item.venue, len(self._venues)) for item in instruments]
        ts = np.array([fill.ts for fill in fills], dtype=np.int64)
        return Trades(
            venue=np.array(venues, dtype=np.int64),
            style=np.array([fill.kind for fill in fills], dtype=np.int64),
            time_of_day=(ts % NANOSECONDS_PER_DAY) / NANOSECONDS_PER_DAY,
            spread_bps=market[:, 2],
            queue=np.full(len(fills), np.nan),
            sigma=market[:, 0],
            participation=shares / market[:, 1],
        )

    def _market(self, bar: int, column: int) -> tuple[float, float, float]:
        """Volatility, usual volume and quoted spread (basis points) of a symbol before bar ``bar``."""
        settings = self._settings
        block = self._tape.block(max(0, bar - LOOK_BACK), max(1, bar))
        close = block.close[:, column]
        moves = np.diff(np.log(close[np.isfinite(close)]))
        sigma = float(np.sqrt(np.mean(moves**2))) if len(moves) else settings.initial_volatility
        volume = settings.displayed_volume
        if block.volume is not None:
            known = block.volume[np.isfinite(block.volume[:, column]), column]
            volume = float(known.mean()) if len(known) else volume
        spread = float("nan")
        if block.quotes is not None and block.quotes.bid is not block.nothing:
            bid, ask = float(block.quotes.bid[-1, column]), float(block.quotes.ask[-1, column])
            spread = 2e4 * (ask - bid) / (ask + bid) if 0.0 < bid < ask else spread
        return max(sigma, 1e-8), max(volume, 1.0), spread


def _realised_bps(fills: list[FilledOrder], universe: Universe) -> FloatArray:
    """What each fill lost against the market's price at that moment, basis points."""
    lost: list[float] = []
    for fill in fills:
        item = universe.instruments[universe.index_of[fill.symbol]]
        value = notional(fill.price, fill.quantity, item.money_exponent) * item.multiplier
        base = abs(value - fill.in_price)
        lost.append(1e4 * fill.in_price / base if base else float("nan"))
    return np.array(lost)
