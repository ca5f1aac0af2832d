"""How much a symbol moves and trades: the venue's own estimates, from screened bars alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tuiconsole.domain.market import Bars, ScreenedBars
from tuiconsole.domain.types import BoolArray, CodeArray, FloatArray, IntArray
from tuiconsole.execution.settings import ExecutionSettings

_RECENT, _LONG, _VOLUME = range(3)
_BUFFERED = 32
"""Bars that are collected before they are worked off together, unless somebody asks earlier."""

_LEAST_MOVE = 1e-16
"""Least squared log-return: volatility never falls to nothing."""

_LEAST_VOLUME = 1.0
"""A bar without trades counts as one share."""


class Liquidity:
    """Exponentially weighted variance of log-returns and volume per bar, ``[n_symbols]``.

    With ``r`` one over the memory in bars, an estimate moves by ``x = (1 - r) x + r y``. Only bars judged good
    move one. Before a symbol has history the configured volatility is assumed, and the configured volume for as
    long as its source shows none.

    Bars are only copied when they come in; the arithmetic is done for many at once when an estimate is asked
    for. One bar at a time or a whole block, the bits are the same.
    """

    def __init__(self, n_symbols: int, settings: ExecutionSettings) -> None:
        memory = (settings.memory_bars, settings.long_memory_bars, settings.memory_bars)
        self._rate: FloatArray = 1.0 / np.array(memory, dtype=np.float64)[:, None]
        self._keep: FloatArray = 1.0 - self._rate
        self._displayed = settings.displayed_volume
        self._displayed_volume: FloatArray = np.full(n_symbols, settings.displayed_volume)
        self._ratios = (settings.low_volatility_ratio, 1.0, settings.high_volatility_ratio)
        self._factors = (settings.capacity_low_volatility, 1.0, settings.capacity_high_volatility)
        self._estimate: FloatArray = np.zeros((3, n_symbols))
        self._estimate[:_VOLUME] = settings.initial_volatility**2
        self._log_price: FloatArray = np.full(n_symbols, np.nan)
        self._prices: FloatArray = np.empty((_BUFFERED, n_symbols))
        self._volumes: FloatArray = np.empty((_BUFFERED, n_symbols))
        self._quality: CodeArray = np.empty((_BUFFERED, n_symbols), dtype=np.int8)
        self._waiting = 0
        self._with_volume = False
        self._volume_known = False

    # ---- estimates -----------------------------------------------------------------------------------------

    def sigma(self, symbol: IntArray) -> FloatArray:
        """Volatility of one bar's log-return of the given columns ``[n]``, positive."""
        if self._waiting:
            self._work_off()
        sigma: FloatArray = self._estimate[_RECENT].take(symbol)
        return np.sqrt(sigma, out=sigma)

    def volume(self, symbol: IntArray) -> FloatArray:
        """Usual volume of one bar in shares, positive: estimated, or displayed where there is no estimate."""
        if self._waiting:
            self._work_off()
        volume: FloatArray = self._estimate[_VOLUME].take(symbol)
        if not self._volume_known:
            volume = np.where(volume > 0.0, volume, self._displayed)
        return volume

    def stress(self, symbol: IntArray) -> FloatArray:
        """Factor of the capacity penalty ``[n]``: by recent volatility over long volatility, interpolated."""
        if self._waiting:
            self._work_off()
        ratio: FloatArray = self._estimate[_RECENT].take(symbol) / self._estimate[_LONG].take(symbol)
        return np.interp(np.sqrt(ratio), self._ratios, self._factors)

    def bar_volume(self, bars: Bars, symbol: IntArray) -> FloatArray:
        """Volume of this very bar in shares, or the displayed volume where the source has none."""
        if bars.volume is bars.open:
            return self._displayed_volume[symbol]
        volume: FloatArray = bars.volume.take(symbol)
        return np.where(np.isnan(volume), self._displayed, volume)

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

    def update_block(
        self, price: FloatArray, volume: FloatArray | None, quality: CodeArray
    ) -> tuple[FloatArray, FloatArray]:
        """Move the estimates on by a block of bars, with the same bits as :meth:`update` bar by bar.

        Parameters
        ----------
        price
            float64 ``[n_bars, n_symbols]``, last good price as the defence gives it.
        volume
            The same shape in shares, NaN where unknown; None when the source has none.
        quality
            int8, the same shape; 0 is good.

        Returns
        -------
        sigma, volume : float64 ``[n_bars, n_symbols]``
            What :meth:`sigma` and :meth:`volume` would have answered at each bar's start, before the bar itself
            was taken in: what a fill within that bar is priced with.
        """
        if self._waiting:
            self._work_off()
        before: FloatArray = np.empty((len(price), *self._estimate.shape))
        self._advance(price, volume, quality, before)
        known = before[:, _VOLUME]
        return np.sqrt(before[:, _RECENT]), np.where(known > 0.0, known, self._displayed)

    def _work_off(self) -> None:
        count, self._waiting = self._waiting, 0
        volume = self._volumes[:count] if self._with_volume else None
        self._advance(self._prices[:count], volume, self._quality[:count], None)

    def _advance(
        self,
        price: FloatArray,
        volume: FloatArray | None,
        quality: CodeArray,
        before: FloatArray | None,
    ) -> None:
        """Take in ``[n_bars, n_symbols]``; ``before`` receives the estimates at each bar's start."""
        log = np.log(price)
        rows = _LONG + 1 if volume is None else _VOLUME + 1
        estimate, keep = self._estimate[:rows], self._keep[:rows]
        step: FloatArray = np.empty((len(price), rows, price.shape[1]))
        move = step[:, _RECENT]
        np.subtract(log[0], self._log_price, out=move[0])
        if len(price) > 1:
            np.subtract(log[1:], log[:-1], out=move[1:])
        if volume is not None:
            np.maximum(volume, _LEAST_VOLUME, out=step[:, _VOLUME])
        if not quality.any() and self._ready(move, volume):
            self._log_price = log[-1]
            self._weigh(step, rows)
            for bar in range(len(price)):
                if before is not None:
                    before[bar] = self._estimate
                np.multiply(estimate, keep, out=estimate)
                np.add(estimate, step[bar], out=estimate)
            return
        use, fresh = self._usable(log, move, volume, quality, step)
        self._weigh(step, rows)
        keeps = np.where(use, keep, 1.0)
        step = np.where(use, step, 0.0)
        if volume is not None:
            np.copyto(keeps[:, _VOLUME], 0.0, where=fresh)
            np.copyto(step[:, _VOLUME], np.maximum(volume, _LEAST_VOLUME), where=fresh)
        for bar in range(len(price)):
            if before is not None:
                before[bar] = self._estimate
            np.multiply(estimate, keeps[bar], out=estimate)
            np.add(estimate, step[bar], out=estimate)
        self._volume_known = bool((self._estimate[_VOLUME] > 0.0).all())

    def _weigh(self, step: FloatArray, rows: int) -> None:
        """Turn moves (in the first row) and volumes into what they add to the estimates, in place."""
        move = step[:, _RECENT]
        np.multiply(move, move, out=move)
        np.maximum(move, _LEAST_MOVE, out=move)
        step[:, _LONG] = move
        np.multiply(step, self._rate[:rows], out=step)

    def _ready(self, move: FloatArray, volume: FloatArray | None) -> bool:
        """Whether every symbol has a move and, where there are volumes, one in each bar and one before."""
        if volume is not None and not (self._volume_known and np.isfinite(volume.sum())):
            return False
        return bool(np.isfinite(move.sum()))

    def _usable(
        self,
        log: FloatArray,
        move: FloatArray,
        volume: FloatArray | None,
        quality: CodeArray,
        step: FloatArray,
    ) -> tuple[BoolArray, BoolArray]:
        """Which figures ``[n_bars, rows, n_symbols]`` count, and which are a symbol's first volume.

        Moves are taken again from the last good price of each symbol, and ``step`` keeps what is no number out of
        the arithmetic.
        """
        good = quality == 0
        last = self._log_price
        for bar in range(len(log)):
            np.subtract(log[bar], last, out=move[bar])
            last = np.where(good[bar] & ~np.isnan(log[bar]), log[bar], last)
        self._log_price = last
        use: BoolArray = np.empty(step.shape, dtype=np.bool_)
        use[:, _RECENT] = use[:, _LONG] = good & ~np.isnan(move)
        fresh: BoolArray = np.zeros(good.shape, dtype=np.bool_)
        if volume is not None:
            use[:, _VOLUME] = good & np.isfinite(volume)
            seen = np.logical_or.accumulate(use[:, _VOLUME], axis=0)
            fresh[0] = seen[0]
            fresh[1:] = seen[1:] & ~seen[:-1]
            fresh &= self._estimate[_VOLUME] == 0.0
        np.copyto(step, 0.0, where=~use)
        return use, fresh

    # ---- state ---------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """The estimates, copied."""
        if self._waiting:
            self._work_off()
        return {"estimate": self._estimate.copy(), "log_price": self._log_price.copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`, bit for bit."""
        self._estimate = state["estimate"].copy()
        self._log_price = state["log_price"].copy()
        self._waiting = 0
        self._volume_known = bool((self._estimate[_VOLUME] > 0.0).all())
