"""How much a symbol moves and trades: the venue's own estimates, from screened bars alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tuiconsole.domain.market import Bars, Quality, ScreenedBars
from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.execution.settings import ExecutionSettings

_ARRAYS = ("_log_price", "_variance", "_volume")


class Liquidity:
    """Exponentially weighted variance of log-returns and volume per bar, ``[n_symbols]``.

    Only bars judged good move an estimate. Before a symbol has history the configured volatility is assumed,
    and the configured volume for as long as its source shows none.
    """

    def __init__(self, n_symbols: int, settings: ExecutionSettings) -> None:
        self._rate = 1.0 / settings.memory_bars
        self._displayed = settings.displayed_volume
        self._displayed_volume: FloatArray = np.full(n_symbols, settings.displayed_volume)
        self._log_price: FloatArray = np.full(n_symbols, np.nan)
        self._variance: FloatArray = np.full(n_symbols, settings.initial_volatility**2)
        self._volume: FloatArray = np.full(n_symbols, np.nan)
        self._spare: FloatArray = np.empty(n_symbols)
        self._move: FloatArray = np.empty(n_symbols)
        self._all_known = False

    def sigma(self, symbol: IntArray) -> FloatArray:
        """Volatility of one bar's log-return of the given columns ``[n]``, positive."""
        return np.maximum(np.sqrt(self._variance[symbol]), 1e-8)

    def volume(self, symbol: IntArray) -> FloatArray:
        """Usual volume of one bar in shares, positive: estimated, or displayed where there is no estimate."""
        volume = self._volume[symbol]
        return np.maximum(np.where(np.isnan(volume), self._displayed, volume), 1.0)

    def bar_volume(self, bars: Bars, symbol: IntArray) -> FloatArray:
        """Volume of this very bar in shares, or the displayed volume where the source has none."""
        if bars.volume is bars.open:
            return self._displayed_volume[symbol]
        volume = bars.volume[symbol]
        return np.where(np.isnan(volume), self._displayed, volume)

    def update(self, screened: ScreenedBars) -> None:
        """Move the estimates on by one bar."""
        if self._all_known and not screened.quality.any():
            log, move = self._spare, self._move
            np.log(screened.price, out=log)
            np.subtract(log, self._log_price, out=move)
            np.multiply(move, move, out=move)
            np.subtract(move, self._variance, out=move)
            np.multiply(move, self._rate, out=move)
            np.add(self._variance, move, out=self._variance)
            self._log_price, self._spare = log, self._log_price
        else:
            self._update_some(screened)
        if screened.bars.volume is not screened.bars.open:  # close-only bars share one empty column
            self._update_volume(screened)

    def _update_some(self, screened: ScreenedBars) -> None:
        good = screened.quality == Quality.GOOD
        log = np.log(screened.price, out=np.full(len(good), np.nan), where=good)
        move = log - self._log_price
        known = good & ~np.isnan(move)
        step = (move * move - self._variance) * self._rate
        self._variance = np.where(known, self._variance + step, self._variance)
        self._log_price = np.where(good, log, self._log_price)
        self._all_known = not np.isnan(self._log_price).any()

    def _update_volume(self, screened: ScreenedBars) -> None:
        volume = screened.bars.volume
        use = (screened.quality == Quality.GOOD) & np.isfinite(volume) & (volume >= 0.0)
        moved = self._volume + (volume - self._volume) * self._rate
        self._volume = np.where(use, np.where(np.isnan(self._volume), volume, moved), self._volume)

    def state(self) -> dict[str, Any]:
        """The estimates, copied."""
        return {name[1:]: getattr(self, name).copy() for name in _ARRAYS}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`, bit for bit."""
        for name in _ARRAYS:
            setattr(self, name, state[name[1:]].copy())
        self._all_known = not np.isnan(self._log_price).any()
