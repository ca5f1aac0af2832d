"""What a backtest writes down beside its journal: one figure per traded bar, and the fills and stops as they were journalled.

Exposure is reduced over the symbol axis in blocks of bars, so memory grows with bars and fills, never with bars times
symbols, and a bar costs a few appends.
"""

from __future__ import annotations

from itertools import repeat

import numpy as np

from tuiconsole.analytics.track import Track
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.money import MONEY_SCALE
from tuiconsole.domain.types import CodeArray, FloatArray, IntArray
from tuiconsole.engine.desk import Desk
from tuiconsole.engine.market_side import ObservedBlock
from tuiconsole.engine.quiet import QuietStretch
from tuiconsole.engine.stretch import Stretch
from tuiconsole.portfolio.ledger import Ledger
from tuiconsole.regimes.bank import REGIME_NAMES

BLOCK_BARS = 256
_LONG = 16
"""Quiet bars that are worth writing down at once."""
_VOLATILITIES = sum(name.startswith("volatility") for name in REGIME_NAMES)
_TREND, _RANGE = REGIME_NAMES.index("trend"), REGIME_NAMES.index("range")


class Recording:
    """Collects the :class:`~tuiconsole.analytics.track.Track` of one backtest of ``total`` bars."""

    def __init__(self, total: int, universe: Universe) -> None:
        self.track = Track.zeros(total)
        multiplier = np.array([float(item.multiplier) for item in universe.instruments])
        self._unit: FloatArray = multiplier / universe.price_scale / universe.quantity_scale
        self._bar = 0
        self._reduced = 0
        self._moments: list[tuple[int, int, int]] = []
        self._prices: list[IntArray] = []
        self._quantities: list[IntArray] = []
        self._regimes: list[FloatArray] = []

    def bar(self, desk: Desk) -> None:
        """The desk has finished one more bar."""
        ledger = desk.ledger
        self._moments.append((desk.ts, ledger.equity, ledger.cash))
        if desk.level:
            self.track.level[self._bar] = desk.level
        self._prices.append(desk.price_scaled)
        self._quantities.append(ledger.quantity)
        self._regimes.append(desk.regime)
        self._bar += 1
        if len(self._prices) == BLOCK_BARS:
            self._reduce()

    def stretch(self, seen: ObservedBlock, first: int, quiet: QuietStretch, ledger: Ledger) -> None:
        """Quiet bars went by, from position ``first`` of ``seen`` on; nothing was traded in them."""
        count = len(quiet.equity)
        rows = slice(first, first + count)
        if count >= _LONG:
            ts, equity = np.array(seen.screened.bars.ts[rows]), np.array(quiet.equity, dtype=np.int64)
            self._write(ts, equity, ledger.cash, ledger.quantity, seen, rows)
            return
        self._moments.extend(zip(seen.screened.bars.ts[rows], quiet.equity, repeat(ledger.cash)))
        self._prices.extend(seen.price_scaled[rows])
        self._quantities.extend([ledger.quantity] * count)
        self._regimes.extend(seen.regime[rows])
        self._bar += count
        if len(self._prices) >= BLOCK_BARS:
            self._reduce()

    def orders_too(self, seen: ObservedBlock, stretch: Stretch) -> None:
        """Bars went by in a stretch, with what was traded in them."""
        rows, count = stretch.rows, stretch.count
        some = slice(stretch.first, stretch.first + count)
        self._write(rows.ts[:count], rows.equity[:count], rows.cash[:count], stretch.held, seen, some)

    def finish(self) -> Track:
        """Everything collected."""
        self._reduce()
        return self.track

    def _write(
        self,
        ts: IntArray,
        equity: IntArray,
        cash: IntArray | int,
        quantity: IntArray,
        seen: ObservedBlock,
        rows: slice,
    ) -> None:
        """Bars ``rows`` of ``seen`` at once, after those before them; ``quantity`` ``[bars, n_symbols]`` or of all bars."""
        self._reduce()
        self._bar += len(ts)
        self._fill(ts, equity, cash, quantity, seen.price_scaled[rows], seen.regime[rows])

    def _reduce(self) -> None:
        """Write down the bars that were collected one by one."""
        if not self._prices:
            return
        ts, equity, cash = np.array(self._moments, dtype=np.int64).T
        columns = (np.stack(self._quantities), np.stack(self._prices), np.stack(self._regimes))
        self._fill(ts, equity, cash, *columns)
        self._moments.clear()
        self._prices.clear()
        self._quantities.clear()
        self._regimes.clear()

    def _fill(
        self,
        ts: IntArray,
        equity: IntArray,
        cash: IntArray | int,
        quantity: IntArray,
        prices: IntArray,
        regimes: FloatArray,
    ) -> None:
        """Reduce bars over the symbol axis into the track."""
        some, track = slice(self._reduced, self._bar), self.track
        track.ts[some] = ts
        track.equity[some] = equity / MONEY_SCALE
        track.cash[some] = cash / MONEY_SCALE
        value = quantity * (prices * self._unit)
        track.gross[some] = np.abs(value).sum(axis=1)
        track.net[some] = value.sum(axis=1)
        track.holdings[some] = np.count_nonzero(quantity, axis=-1)
        track.regime[some] = regime_codes(regimes)
        self._reduced = self._bar


def regime_codes(probabilities: FloatArray) -> CodeArray:
    """The likeliest regime of each row of ``[n, n_regimes]``, as :attr:`~tuiconsole.analytics.track.Track.regime` has it.

    Equal shares of the volatility regimes mean that the bank is not warm: -1.
    """
    volatility = probabilities[:, :_VOLATILITIES]
    ranging = probabilities[:, _TREND] <= probabilities[:, _RANGE]
    code = volatility.argmax(axis=1) * 2 + ranging
    known = np.ptp(volatility, axis=1) > 0.0
    return np.where(known, code, -1).astype(np.int8)
