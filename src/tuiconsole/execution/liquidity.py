"""How much a symbol moves and trades: the venue's own estimates, from screened bars alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tuiconsole.domain.market import Bars, ScreenedBars
from tuiconsole.domain.types import BoolArray, CodeArray, FloatArray, IntArray
from tuiconsole.execution.settings import ExecutionSettings

_RECENT, _LONG, _VOLUME = range(3)
_FEW_SYMBOLS = 3
_BUFFERED = 32
"""Bars that are collected before they are worked off, unless somebody asks earlier."""

_LEAST_VARIANCE: FloatArray = np.array(1e-16)
"""Volatility never falls to nothing."""

_LEAST_VOLUME: FloatArray = np.array(1.0)
"""Usual volume never falls to nothing."""


class Liquidity:
    """Exponentially weighted variance of log-returns and volume per bar, ``[n_symbols]``.

    With ``r`` one over the memory in bars, an estimate moves by ``x = (1 - r) x + r y`` (kept as ``x / r``). Only
    bars judged good move one. Before a symbol has history the configured volatility is assumed, and the configured
    volume for as long as its source shows none.

    Bars are only copied when they come in; the arithmetic is done when an estimate is asked for. One bar at a time
    or a whole block, the bits are the same.
    """

    def __init__(self, n_symbols: int, settings: ExecutionSettings) -> None:
        memory = (settings.memory_bars, settings.long_memory_bars, settings.memory_bars)
        self._rate: list[FloatArray] = [np.array(1.0 / bars) for bars in memory]
        self._keep: FloatArray = np.repeat([1.0 - rate for rate in self._rate], n_symbols).reshape(
            3, n_symbols
        )
        self._displayed = settings.displayed_volume
        self._plain_terms = (
            float(self._rate[_VOLUME]),
            float(self._rate[_RECENT]),
            float(_LEAST_VARIANCE),
            float(settings.displayed_volume),
        )
        self._displayed_volume: FloatArray = np.full(n_symbols, settings.displayed_volume)
        self._ratios = (settings.low_volatility_ratio, 1.0, settings.high_volatility_ratio)
        self._factors = (settings.capacity_low_volatility, 1.0, settings.capacity_high_volatility)
        self._sums: FloatArray = np.empty((3, n_symbols))
        self._sums[:] = settings.initial_volatility**2 / np.array(self._rate)[:, None]
        self._sums[_VOLUME] = np.nan
        self._log_price: FloatArray = np.full(n_symbols, np.nan)
        self._prices: FloatArray = np.empty((_BUFFERED, n_symbols))
        self._volumes: FloatArray = np.empty((_BUFFERED, n_symbols))
        self._quality: CodeArray = np.empty((_BUFFERED, n_symbols), dtype=np.int8)
        self._move: FloatArray = np.empty(n_symbols)
        self._waiting = 0
        self._with_volume = False
        self._all_priced = False
        self._all_traded = False

    # ---- estimates -----------------------------------------------------------------------------------------

    def sigma(self, symbol: IntArray) -> FloatArray:
        """Volatility of one bar's log-return of the given columns ``[n]``, positive."""
        if self._waiting:
            self._work_off()
        return self._as_sigma(self._sums[_RECENT][symbol])

    def volume(self, symbol: IntArray) -> FloatArray:
        """Usual volume of one bar in shares, positive: estimated, or displayed where there is no estimate."""
        if self._waiting:
            self._work_off()
        return self._as_volume(self._sums[_VOLUME][symbol])

    def few(self, symbol: IntArray) -> list[tuple[float, float]]:
        """:meth:`volume` and :meth:`sigma` of a few columns, as plain numbers."""
        if self._waiting:
            self._work_off()
        recent, _, traded = self._sums.take(symbol, axis=1).tolist()
        of_volume, of_sigma, least, displayed = self._plain_terms
        answer: list[tuple[float, float]] = []
        for volume, variance in zip(traded, recent, strict=True):
            volume *= of_volume
            variance *= of_sigma
            if volume != volume:
                volume = displayed
            answer.append((max(volume, 1.0), math.sqrt(max(variance, least))))
        return answer

    def few_bar_volumes(self, bars: Bars, symbol: IntArray) -> list[float]:
        """:meth:`bar_volume` of a few columns, as plain numbers."""
        if bars.volume is bars.open:
            return [self._displayed] * len(symbol)
        volumes: list[float] = bars.volume.take(symbol).tolist()
        return [self._displayed if math.isnan(volume) else volume for volume in volumes]

    def stress(self, symbol: IntArray) -> FloatArray:
        """Factor of the capacity penalty ``[n]``: by recent volatility over long volatility, interpolated."""
        recent = self.sigma(symbol)
        long = np.maximum(self._sums[_LONG][symbol] * self._rate[_LONG], _LEAST_VARIANCE)
        factor: FloatArray = np.interp(recent / np.sqrt(long), self._ratios, self._factors)
        return factor

    def _as_sigma(self, sums: FloatArray) -> FloatArray:
        sums *= self._rate[_RECENT]
        np.maximum(sums, _LEAST_VARIANCE, out=sums)
        return np.sqrt(sums, out=sums)

    def _as_volume(self, sums: FloatArray) -> FloatArray:
        sums *= self._rate[_VOLUME]
        if not self._all_traded:
            sums = np.where(np.isnan(sums), self._displayed, sums)
        return np.maximum(sums, _LEAST_VOLUME, out=sums)

    def bar_volume(self, bars: Bars, symbol: IntArray) -> FloatArray:
        """Volume of this very bar in shares, or the displayed volume where the source has none."""
        if bars.volume is bars.open:
            return self._displayed_volume[symbol]
        volume: FloatArray = bars.volume[symbol]
        if math.isnan(volume.dot(volume)):
            volume = np.where(np.isnan(volume), self._displayed, volume)
        return volume

    # ---- bars ----------------------------------------------------------------------------------------------

    def update(self, screened: ScreenedBars) -> None:
        """Move the estimates on by one bar."""
        bars = screened.bars
        with_volume = bars.volume is not bars.open  # close-only bars share one empty column
        if self._waiting == _BUFFERED or (self._waiting and with_volume is not self._with_volume):
            self._work_off()
        row = self._waiting
        self._prices[row] = screened.price
        self._quality[row] = screened.quality
        if with_volume:
            self._volumes[row] = bars.volume
        self._with_volume = with_volume
        self._waiting = row + 1

    def update_block(self, price: FloatArray, volume: FloatArray | None, quality: CodeArray) -> None:
        """Move the estimates on by a block of bars, with the same bits as :meth:`update` bar by bar.

        Parameters
        ----------
        price
            float64 ``[n_bars, n_symbols]``, last good price as the defence gives it.
        volume
            The same shape in shares, NaN where unknown; None when the source has none.
        quality
            int8, the same shape; 0 is good.
        """
        if self._waiting:
            self._work_off()
        self._advance(price, volume, quality)

    def _work_off(self) -> None:
        count, self._waiting = self._waiting, 0
        volume = self._volumes[:count] if self._with_volume else None
        self._advance(self._prices[:count], volume, self._quality[:count])

    def _advance(self, price: FloatArray, volume: FloatArray | None, quality: CodeArray) -> None:
        """Take in ``[n_bars, n_symbols]``."""
        logs = np.log(price)
        if self._calm(volume, quality):
            self._advance_calm(logs, volume)
            return
        pair = self._sums[:_VOLUME]
        for bar, log in enumerate(logs):
            traded = None if volume is None else volume[bar]
            if np.count_nonzero(quality[bar]) or not (self._all_priced and self._counts(traded)):
                self._step_some(log, traded, quality[bar] == 0)
                continue
            move = np.subtract(log, self._log_price, out=self._move)
            np.multiply(move, move, out=move)
            self._log_price = log
            if traded is None:
                np.multiply(pair, self._keep[:_VOLUME], out=pair)
            else:
                np.multiply(self._sums, self._keep, out=self._sums)
                np.add(self._sums[_VOLUME], traded, out=self._sums[_VOLUME])
            np.add(pair, move, out=pair)

    def _calm(self, volume: FloatArray | None, quality: CodeArray) -> bool:
        """Whether every symbol takes part in every one of these bars."""
        if not self._all_priced or np.count_nonzero(quality):
            return False
        return volume is None or (self._all_traded and bool(np.isfinite(volume).all()))

    def _advance_calm(self, logs: FloatArray, volume: FloatArray | None) -> None:
        """Bars in which every symbol takes part: their moves are squared together, the sums walked bar by bar."""
        moves = np.empty_like(logs)
        np.subtract(logs[0], self._log_price, out=moves[0])
        np.subtract(logs[1:], logs[:-1], out=moves[1:])
        np.multiply(moves, moves, out=moves)
        self._log_price = logs[-1]
        if logs.shape[1] <= _FEW_SYMBOLS:
            for column in range(logs.shape[1]):
                for row in (_RECENT, _LONG):
                    self._walk(row, column, moves[:, column])
                if volume is not None:
                    self._walk(_VOLUME, column, volume[:, column])
            return
        pair, keep = self._sums[:_VOLUME], self._keep[:_VOLUME]
        for move in moves:
            np.multiply(pair, keep, out=pair)
            np.add(pair, move, out=pair)
        if volume is not None:
            total, kept = self._sums[_VOLUME], self._keep[_VOLUME]
            for traded in volume:
                np.multiply(total, kept, out=total)
                np.add(total, traded, out=total)

    def _walk(self, row: int, column: int, steps: FloatArray) -> None:
        """One sum of one symbol over many bars, in plain numbers: cheaper than arrays of one."""
        total, keep = self._sums.item(row, column), self._keep.item(row, column)
        for step in steps.tolist():
            total = total * keep + step
        self._sums[row, column] = total

    def _counts(self, traded: FloatArray | None) -> bool:
        """Whether every symbol's volume is a number and none is its first; true without volumes."""
        return traded is None or (self._all_traded and math.isfinite(traded.dot(traded)))

    def _step_some(self, log: FloatArray, traded: FloatArray | None, good: BoolArray) -> None:
        """One bar that not all symbols take part in."""
        move = np.subtract(log, self._log_price, out=self._move)
        np.multiply(move, move, out=move)
        use = good & (move < np.inf)  # no number: the first price of a symbol
        pair, keep = self._sums[:_VOLUME], self._keep[:_VOLUME]
        np.multiply(pair, keep, out=pair, where=use)
        np.add(pair, move, out=pair, where=use)
        self._log_price = np.where(good, log, self._log_price)
        if not self._all_priced:
            self._all_priced = not np.count_nonzero(np.isnan(self._log_price))
        if traded is None:
            return
        sums = self._sums[_VOLUME]
        use = good & (traded < np.inf)
        np.multiply(sums, self._keep[_VOLUME], out=sums, where=use)
        np.add(sums, traded, out=sums, where=use)
        if self._all_traded:
            return
        first = use & np.isnan(sums)
        if np.count_nonzero(first):
            sums[first] = traded[first] / self._rate[_VOLUME]
            self._all_traded = not np.count_nonzero(np.isnan(sums))

    # ---- lending -------------------------------------------------------------------------------------------

    @property
    def rates(self) -> tuple[float, ...]:
        """What a kernel needs of the settings: rates, what is kept of each sum, least variance, displayed volume."""
        of_volume, of_variance, least, displayed = self._plain_terms
        kept = (float(self._keep[row, 0]) for row in (_RECENT, _LONG, _VOLUME))
        return of_variance, of_volume, *kept, least, displayed

    def lend(self) -> tuple[FloatArray, FloatArray]:
        """Copies of the sums ``[3, n_symbols]`` and the logarithms of the last good prices, for a kernel to move on."""
        if self._waiting:
            self._work_off()
        return self._sums.copy(), self._log_price.copy()

    def take_back(self, sums: FloatArray, log_price: FloatArray) -> None:
        """Go on from what a kernel made of :meth:`lend`."""
        self.restore({"sums": sums, "log_price": log_price})

    # ---- state ---------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """The estimates, copied."""
        if self._waiting:
            self._work_off()
        return {"sums": self._sums.copy(), "log_price": self._log_price.copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`, bit for bit."""
        self._sums = state["sums"].copy()
        self._log_price = state["log_price"].copy()
        self._waiting = 0
        self._all_priced = not np.count_nonzero(np.isnan(self._log_price))
        self._all_traded = not np.count_nonzero(np.isnan(self._sums[_VOLUME]))
