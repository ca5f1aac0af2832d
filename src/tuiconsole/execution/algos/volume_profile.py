"""How a session's volume is usually spread over its bars, learned from bars that are over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tuiconsole.domain.types import FloatArray

MOST_BARS = 2_000
"""Bars of a session that are told apart; later ones share the last place."""


class VolumeProfile:
    """Mean volume of the first, second, third… bar of a session, per symbol.

    With ``c`` sessions seen, a place moves by ``m = m + (v - m) / min(c + 1, sessions)``: a plain mean at first, then one
    that forgets. A bar only enters once it is over, so the profile never knows the bar that an order is about to meet.

    Parameters
    ----------
    n_symbols, sessions
        Width of the universe, and how many sessions the memory reaches back, at least 1.
    """

    def __init__(self, n_symbols: int, sessions: int = 20) -> None:
        self._n = n_symbols
        self._sessions = sessions
        self._mean: FloatArray = np.full((0, n_symbols), np.nan)
        self._count: FloatArray = np.zeros((0, n_symbols))
        self._session = -1
        self._place = -1
        self._length = 0

    @property
    def length(self) -> int:
        """Bars of the last session that is over; 0 while none is."""
        return self._length

    def update(self, session: int, volume: FloatArray | None) -> None:
        """Take in the volume ``[n_symbols]`` of a bar that is over (NaN unknown, None for all); sessions never go back."""
        if session != self._session:
            if self._session >= 0:
                self._length = self._place + 1
            self._session, self._place = session, -1
        self._place = min(self._place + 1, MOST_BARS - 1)
        if self._place >= len(self._mean):
            more = max(8, len(self._mean))
            self._mean = np.concatenate((self._mean, np.full((more, self._n), np.nan)))
            self._count = np.concatenate((self._count, np.zeros((more, self._n))))
        if volume is None:
            return
        known = volume >= 0.0
        mean, count = self._mean[self._place], self._count[self._place]
        count[known] += 1.0
        before = np.where(np.isnan(mean), 0.0, mean)
        step = (volume - before) / np.minimum(np.maximum(count, 1.0), self._sessions)
        mean[known] = (before + step)[known]

    def ahead(self, symbol: int, bars: int) -> FloatArray:
        """Volume usually seen in each of the next ``bars`` bars, float64 ``[bars]``; NaN where nothing is known.

        A session is taken to be as long as the last one was; after its end the next one begins.
        """
        if not self._length:
            return np.full(bars, np.nan)
        places = (self._place + 1 + np.arange(bars)) % max(self._length, 1)
        if self._place >= self._length:  # longer than usual: nobody knows what comes
            places = np.arange(bars) % self._length
        return np.asarray(self._mean[places, symbol])

    def state(self) -> dict[str, Any]:
        """Everything needed to go on, copied."""
        return {
            "mean": self._mean.copy(),
            "count": self._count.copy(),
            "at": [self._session, self._place, self._length],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._mean, self._count = state["mean"].copy(), state["count"].copy()
        self._session, self._place, self._length = state["at"]
