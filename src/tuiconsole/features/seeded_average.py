"""Exponential averages that start from a simple mean, as TA-Lib's do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tuiconsole.domain.types import BoolArray, FloatArray, IntArray


class SeededAverage:
    """Averages ``a += weight * (x - a)``, seeded with the simple mean of the first ``period`` observations.

    A missing observation changes nothing: the average is held over the gap, as if the bar had not been.

    Parameters
    ----------
    periods
        Observations that make the seed, one per average.
    weights
        Weight of the newest observation: ``2 / (period + 1)`` for an EMA, ``1 / period`` for Wilder's.
    channels
        Quantities averaged side by side.
    n_symbols
        Width of the universe.

    Attributes
    ----------
    average
        float64 ``[n_periods, channels, n_symbols]``; a running sum until seeded.
    seeded
        bool ``[n_periods, n_symbols]``: the average has its seed.

    References
    ----------
    J. Welles Wilder (1978), *New Concepts in Technical Trading Systems*; TA-Lib ``ta_EMA.c``, ``ta_RSI.c``.
    """

    def __init__(
        self,
        periods: Sequence[int],
        weights: Sequence[float],
        channels: int,
        n_symbols: int,
    ) -> None:
        self.average: FloatArray = np.zeros((len(periods), channels, n_symbols))
        self.seeded: BoolArray = np.zeros((len(periods), n_symbols), dtype=np.bool_)
        self._step: FloatArray = np.empty_like(self.average)
        self._periods: IntArray = np.array(periods, dtype=np.int64)[:, None]
        self._weights: FloatArray = np.array(weights, dtype=np.float64)[:, None, None]
        self._count: IntArray = np.zeros(n_symbols, dtype=np.int64)
        self._longest = int(self._periods.max())
        self._ripe: BoolArray = np.zeros(n_symbols, dtype=np.bool_)

    def update(self, x: FloatArray, present: BoolArray) -> None:
        """Take in ``x`` ``[channels, n_symbols]`` where ``present``; elsewhere it may be NaN."""
        step = self._step
        np.subtract(x, self.average, out=step)
        step *= self._weights
        if np.count_nonzero(present > self._ripe):
            self._seed(x, present)
            return
        if np.count_nonzero(present) < present.size:
            np.copyto(step, 0.0, where=~present)
        self.average += step

    def update_block(self, x: FloatArray, present: BoolArray) -> tuple[FloatArray, BoolArray]:
        """Take in ``x`` ``[bars, channels, n_symbols]`` where ``present`` ``[bars, n_symbols]``, bar by bar.

        Returns
        -------
        averages : float64 ``[bars, n_periods, channels, n_symbols]``
            :attr:`average` after each bar.
        seeded : bool ``[bars, n_periods, n_symbols]``
            :attr:`seeded` after each bar.
        """
        averages: FloatArray = np.empty((len(x), *self.average.shape))
        seeded: BoolArray = np.empty((len(x), *self.seeded.shape), dtype=np.bool_)
        step, weights, before = self._step, self._weights, self.average
        whole: list[bool] = np.all(present, axis=1).tolist()
        seeding: list[bool] = np.any(present > self._ripe, axis=1).tolist()
        for i, after in enumerate(averages):
            if seeding[i]:
                self.average[...] = before
                self.update(x[i], present[i])
                after[...] = self.average
            else:
                np.subtract(x[i], before, out=step)
                np.multiply(step, weights, out=step)
                if not whole[i]:
                    np.copyto(step, 0.0, where=~present[i])
                np.add(before, step, out=after)
            seeded[i] = self.seeded
            before = after
        self.average[...] = before
        return averages, seeded

    def _seed(self, x: FloatArray, present: BoolArray) -> None:
        self._count += present
        running = (self._count > self._periods) & present
        summing = (self._count <= self._periods) & present
        self.average += np.where(running[:, None], self._step, np.where(summing[:, None], x, 0.0))
        complete = (self._count == self._periods) & present
        np.divide(
            self.average,
            self._periods[:, None],
            out=self.average,
            where=complete[:, None],
        )
        self._mark()

    def _mark(self) -> None:
        self.seeded = self._count >= self._periods
        self._ripe = self._count > self._longest

    def state(self) -> dict[str, Any]:
        """Averages and counts of observations (these stop once every seed is complete); copies."""
        return {"average": self.average.copy(), "count": self._count.copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`, bit for bit."""
        self.average[...] = state["average"]
        self._count[...] = state["count"]
        self._mark()
