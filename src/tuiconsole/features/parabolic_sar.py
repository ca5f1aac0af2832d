"""Wilder's parabolic stop and reverse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import BoolArray, FloatArray, IntArray
from tuiconsole.features.contract import Bank, Feature, Request

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel


class ParabolicSarBank(Bank):
    """The stop that accelerates behind the price; held over gaps.

    Where the position is short all prices are taken with their sign changed, so both directions are one rule.
    """

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        shape = self.values.shape
        self._step: FloatArray = np.array([[0.01 * request.parameters[0]] for request in requests])
        self._most: FloatArray = np.maximum(
            self._step, np.array([[0.01 * request.parameters[1]] for request in requests])
        )
        self._side: FloatArray = np.ones(shape)
        self._stop: FloatArray = np.zeros(shape)
        self._extreme: FloatArray = np.zeros(shape)
        self._pace: FloatArray = np.repeat(self._step, n_symbols, axis=1)
        self._last: FloatArray = np.full((2, n_symbols), np.nan)
        self._count: IntArray = np.zeros(n_symbols, dtype=np.int64)

    def update(self, panel: Panel) -> None:
        """Take in the newest high, low and close."""
        high, low, close = panel.latest("high"), panel.latest("low"), panel.latest("close")
        seen = np.isfinite(high + low + close)
        everywhere = np.count_nonzero(seen) == seen.size
        self._count = np.minimum(self._count + seen, 3)
        second = (self._count == 2) & seen
        if np.count_nonzero(second):
            self._begin(high, low, second)
        long = self._side > 0.0
        low_before, high_before = self._last
        near, far = np.where(long, low, -high), np.where(long, high, -low)
        near_before, far_before = (
            np.where(long, low_before, -high_before),
            np.where(long, high_before, -low_before),
        )
        stop = self._stop
        turned = near <= stop
        outer = np.maximum(far_before, far)
        reversal = np.maximum(self._extreme, outer)
        shown = np.where(turned, reversal, stop)
        further = far > self._extreme
        pace = np.where(further, np.minimum(self._pace + self._step, self._most), self._pace)
        extreme = np.maximum(self._extreme, far)
        goes_on = np.minimum(stop + pace * (extreme - stop), np.minimum(near_before, near))
        turns = np.maximum(reversal + self._step * (near - reversal), outer)
        here = slice(None) if everywhere else seen
        for kept, of_turn, of_rest in (
            (self._stop, -turns, goes_on),
            (self._extreme, -near, extreme),
            (self._pace, self._step, pace),
        ):
            kept[:, here] = np.where(turned, of_turn, of_rest)[:, here]
        ready = self._count >= 2
        ready &= seen
        self.values[...] = np.where(ready, close / np.where(ready, self._side * shown, np.nan) - 1.0, np.nan)
        self._side[:, here] = np.where(turned, -self._side, self._side)[:, here]
        np.copyto(self._last, (low, high), where=seen)

    def _begin(self, high: FloatArray, low: FloatArray, second: BoolArray) -> None:
        """The second bar gives the side: short where the low fell further than the high rose."""
        low_before, high_before = self._last
        fell, rose = low_before - low, high - high_before
        short = (fell > 0.0) & (fell > rose)
        for kept, value in (
            (self._side, np.where(short, -1.0, 1.0)),
            (self._stop, np.where(short, -high_before, low_before)),
            (self._extreme, np.where(short, -low, high)),
            (self._pace, self._step),
        ):
            np.copyto(kept, value, where=second)
        np.copyto(
            self._last, (low, high), where=second
        )  # as TA-Lib: the first stop is bounded by this bar alone

    def state(self) -> dict[str, Any]:
        """Side, stop, extreme and pace, and the last bar observed."""
        names = ("side", "stop", "extreme", "pace", "last", "count")
        return {name: getattr(self, f"_{name}").copy() for name in names}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        for name, value in state.items():
            getattr(self, f"_{name}")[...] = value


FEATURES = (
    Feature(
        family="parabolic_sar_distance",
        parameters=("step", "most"),
        minimum=(1, 1),
        formula="C[t] / SAR - 1; the pace begins at step hundredths and grows by as much at every new extreme, up to most",
        unit="fraction",
        source="Wilder (1978), New Concepts in Technical Trading Systems, sec. II; TA-Lib SAR",
        needs=("high", "low", "close"),
        window_bars=lambda step, most: 2,
        bank=ParabolicSarBank,
        example=(2, 20),
    ),
)
