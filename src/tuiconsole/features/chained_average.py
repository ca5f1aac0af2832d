"""Exponential averages of different series side by side, and averages of averages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tuiconsole.domain.types import BoolArray, FloatArray, IntArray


class ChainedAverage:
    """Averages ``a += weight * (x - a)``, each of a series of its own, seeded with a simple mean.

    Unlike :class:`~tuiconsole.features.seeded_average.SeededAverage` every average has its own input and its own
    presence, so one may average another that began later; and it may leave out its first observations, as TA-Lib
    does with the fast average of the MACD so that both begin together. A missing observation is held over.

    Parameters
    ----------
    periods
        Observations that make the seed, one per average.
    weights
        Weight of the newest observation.
    n_symbols
        Width of the universe.
    skips
        Observations left out before the seed; by default none.

    Attributes
    ----------
    seeded
        bool ``[n_averages, n_symbols]``.
    """

    def __init__(
        self,
        periods: Sequence[int],
        weights: Sequence[float],
        n_symbols: int,
        skips: Sequence[int] | None = None,
    ) -> None:
        shape = (len(periods), n_symbols)
        self.seeded: BoolArray = np.zeros(shape, dtype=np.bool_)
        self._average: FloatArray = np.zeros(shape)
        self._step: FloatArray = np.empty(shape)
        self._periods: IntArray = np.array(periods, dtype=np.int64)[:, None]
        self._weights: FloatArray = np.array(weights, dtype=np.float64)[:, None]
        self._count: IntArray = np.zeros(shape, dtype=np.int64)
        if skips is not None:
            self._count -= np.array(skips, dtype=np.int64)[:, None]
        self._ripe: BoolArray = np.zeros(shape, dtype=np.bool_)
        self._all_seeded = False

    def update(self, x: FloatArray, present: BoolArray) -> FloatArray:
        """Take in ``x`` where ``present``; the averages, NaN where not seeded or not present just now.

        Both may be ``[n_averages, n_symbols]`` or ``[n_symbols]``; the answer is valid until the next update.
        """
        step = self._step
        np.subtract(x, self._average, out=step)
        step *= self._weights
        everywhere = np.count_nonzero(present) == present.size
        if np.count_nonzero(present > self._ripe):
            self._seed(x, present)
        else:
            if not everywhere:
                np.copyto(step, 0.0, where=~present)
            self._average += step
        if everywhere and self._all_seeded:
            return self._average
        return np.where(self.seeded & present, self._average, np.nan)

    def _seed(self, x: FloatArray, present: BoolArray) -> None:
        self._count += present
        running = (self._count > self._periods) & present
        summing = (self._count <= self._periods) & (self._count > 0) & present
        self._average += np.where(running, self._step, np.where(summing, x, 0.0))
        complete = (self._count == self._periods) & present
        np.divide(self._average, self._periods, out=self._average, where=complete)
        self._mark()

    def _mark(self) -> None:
        self.seeded = self._count >= self._periods
        self._ripe = self._count > self._periods
        self._all_seeded = bool(self.seeded.all())

    def state(self) -> dict[str, Any]:
        """Averages and counts of observations (these stop once every seed is complete); copies."""
        return {"average": self._average.copy(), "count": self._count.copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`, bit for bit."""
        self._average[...] = state["average"]
        self._count[...] = state["count"]
        self._mark()
