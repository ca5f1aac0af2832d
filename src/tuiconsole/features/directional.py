"""Wilder's directional movement: +DI, -DI and ADX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.features.chained_average import ChainedAverage
from tuiconsole.features.contract import Bank, Feature, Request, distinct, routes
from tuiconsole.features.rolling_sums import blank

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel


class DirectionalBank(Bank):
    """Wilder sums of the true range and of the moves up and down; moves are from the last bar observed.

    A sum takes its first ``period - 1`` moves whole, as TA-Lib's does, and loses ``1 / period`` of itself with each
    further one.
    """

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        periods = distinct(requests)
        self._sums: FloatArray = np.zeros((len(periods), 3, n_symbols))
        self._periods: IntArray = np.array(periods, dtype=np.int64)[:, None]
        self._kept: FloatArray = (1.0 - 1.0 / self._periods)[:, None]
        self._count: IntArray = np.zeros(n_symbols, dtype=np.int64)
        self._longest = periods[-1]
        self._moves: FloatArray = np.zeros((3, n_symbols))
        self._last: FloatArray = np.full((3, n_symbols), np.nan)
        self._adx = ChainedAverage(periods, [1.0 / period for period in periods], n_symbols)
        self._routes = routes(requests)
        self._has_adx = "adx" in self._routes

    def update(self, panel: Panel) -> None:
        """Take in the newest high, low and close."""
        high, low, close = panel.latest("high"), panel.latest("low"), panel.latest("close")
        last_high, last_low, last_close = self._last
        moves = self._moves
        np.subtract(np.maximum(high, last_close), np.minimum(low, last_close), out=moves[0])
        up, down = high - last_high, last_low - low
        np.multiply(np.maximum(up, 0.0), up > down, out=moves[1])
        np.multiply(np.maximum(down, 0.0), down > up, out=moves[2])
        seen = np.isfinite(high + low + close)
        present = np.isfinite(moves[0] + up + down)
        for kept, now in zip(self._last, (high, low, close), strict=True):
            np.copyto(kept, now, where=seen)
        sums = self._sums
        if self._count.min() > self._longest and np.count_nonzero(present) == present.size:
            sums *= self._kept
            sums += moves
            known = sums
        else:
            known = self._early(present)
        share = 100.0 / np.where(known[:, 0] > 0.0, known[:, 0], np.nan)
        plus, minus = known[:, 1] * share, known[:, 2] * share
        found = {"plus_di": plus, "minus_di": minus}
        if self._has_adx:
            total = plus + minus
            blank(total, total == 0.0)
            index = np.abs(plus - minus)
            index /= total
            index *= 100.0
            found["adx"] = self._adx.update(index, np.isfinite(index))
        for family, (rows, places) in self._routes.items():
            self.values[rows] = found[family][places]

    def _early(self, present: np.ndarray[Any, np.dtype[np.bool_]]) -> FloatArray:
        self._count += present
        ripe = (self._count >= self._periods) & present
        self._sums *= np.where(ripe[:, None], self._kept, 1.0)
        self._sums += np.where(present, self._moves, 0.0)
        return np.where(ripe[:, None], self._sums, np.nan)

    def state(self) -> dict[str, Any]:
        """Sums, averages, counts of moves, and the last bar observed."""
        return {
            "sums": self._sums.copy(),
            "count": self._count.copy(),
            "last": self._last.copy(),
            "adx": self._adx.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._sums[...] = state["sums"]
        self._count[...] = state["count"]
        self._last[...] = state["last"]
        self._adx.restore(state["adx"])


def _entry(family: str, formula: str, code: str, bars_of_period: int) -> Feature:
    return Feature(
        family=family,
        parameters=("period",),
        minimum=(2,),
        formula=formula + "; NaN where the price stood still",
        unit="0 to 100",
        source=f"Wilder (1978), New Concepts in Technical Trading Systems, sec. IV; TA-Lib {code}",
        needs=("high", "low", "close"),
        window_bars=lambda period: bars_of_period * int(period) + (bars_of_period == 1),
        bank=DirectionalBank,
        example=(14,),
        listed=((7,), (14,), (28,)),
    )


FEATURES = (
    _entry("plus_di", "100 Wilder sum of +DM / Wilder sum of true range", "PLUS_DI", 1),
    _entry("minus_di", "100 Wilder sum of -DM / Wilder sum of true range", "MINUS_DI", 1),
    _entry("adx", "Wilder average of 100 |+DI - -DI| / (+DI + -DI)", "ADX", 2),
)
