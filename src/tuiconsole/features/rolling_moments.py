"""Rolling mean, standard deviation and z-score of the close."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.machine_code import Kernel, machine_code
from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.features.compiled_moments import PARTS, STANDSTILL, moments_of
from tuiconsole.features.contract import Bank, Feature, Request, distinct, routes
from tuiconsole.features.rolling_sums import PRESENCE, RollingSums, observe

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_SOURCE = Path(__file__).with_name("compiled_moments.py")


class RollingMomentsBank(Bank):
    """Means and population standard deviations over sliding windows.

    Sums are taken of distances to an anchor, each symbol's close of up to one window ago, because squares of
    whole prices would lose half of the digits. Once per longest window the anchor moves to the newest close
    and the sums are computed afresh from the panel.
    """

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        windows = distinct(requests)
        self.panel_window = windows[-1]
        self._sums = RollingSums(windows, 3, n_symbols)
        self._row: FloatArray = np.zeros((3, n_symbols))
        self._anchor: FloatArray = np.full(n_symbols, np.nan)
        self._floor: FloatArray = np.full(n_symbols, np.nan)
        self._anchored = False
        self._bars = 0
        taken = routes(requests)
        self._mean = taken.get("rolling_mean")
        self._std = taken.get("rolling_std")
        self._zscore = taken.get("zscore")
        families = ("rolling_mean", "rolling_std", "zscore")
        places = [(families.index(r.feature.family), windows.index(r.parameters[0])) for r in requests]
        self._plan: IntArray = np.array(places, dtype=np.int64)
        self._kernel: Kernel | None = None

    def use_machine_code(self) -> None:
        """Have :meth:`update_block` done by a kernel."""
        self._kernel = machine_code(moments_of, PARTS, (_SOURCE,), "Features in machine code")

    def update(self, panel: Panel) -> None:
        """Take in the newest close."""
        close = panel.latest("close")
        if not self._anchored:
            self._set_anchor(np.where(np.isnan(self._anchor), close, self._anchor))
        row = self._row
        present = observe(close - self._anchor, row[0], row[1])
        np.multiply(row[1], row[1], out=row[2])
        self._sums.push(row)
        self._bars += 1
        if self._bars % self.panel_window == 0:
            recent = panel.window("close", self.panel_window)
            self._move_anchor(recent, np.where(present, close, self._anchor))
        count = self._sums.observations(present)
        self._refresh(close[None], self._sums.sums[None], count[None], self.values[None])

    def update_block(self, panel: Panel, bars: int, out: FloatArray) -> None:
        """Take in the newest closes, in stretches between moves of the anchor."""
        window, done = self.panel_window, 0
        history = panel.stretch("close", bars, window)
        if self._kernel is not None:
            self._by_kernel(self._kernel, history, out)
            return
        closes = history[window:]
        while done < bars:
            until = min(bars, done + window - self._bars % window)
            self._take_stretch(closes[done:until], history[until : until + window], out[done:until])
            done = until
        self.values[...] = out[-1]

    def _by_kernel(self, kernel: Kernel, history: FloatArray, out: FloatArray) -> None:
        sums, bars = self._sums, len(out)
        found = out if out.flags.c_contiguous else np.empty(out.shape)
        rows = sums.filled_elsewhere(bars)
        flat = sums.sums.reshape(len(sums.windows), -1)
        windows = np.array(sums.windows, dtype=np.int64)
        least = np.ceil(PRESENCE * windows)
        whole = np.isfinite(history).all(axis=1)
        kernel(history, whole, self._anchor, flat, rows, windows, least, self._plan, self._bars, found)
        self._bars += bars
        self._set_anchor(self._anchor)
        if found is not out:
            out[...] = found
        self.values[...] = found[-1]

    def _take_stretch(self, close: FloatArray, recent: FloatArray, out: FloatArray) -> None:
        """Closes ``[bars, n_symbols]`` of which at most the last moves the anchor; ``recent`` ends with it."""
        if not self._anchored:  # before its first close a symbol has no observation, whatever its anchor
            first = np.isfinite(close).argmax(axis=0)
            coming = close[first, np.arange(close.shape[1])]
            self._set_anchor(np.where(np.isnan(self._anchor), coming, self._anchor))
        rows: FloatArray = np.empty((len(close), *self._row.shape))
        present = observe(close - self._anchor, rows[:, 0], rows[:, 1])
        np.multiply(rows[:, 1], rows[:, 1], out=rows[:, 2])
        sums = self._sums.push_block(rows)
        count = self._sums.observations_block(sums, present)
        self._bars += len(close)
        moving = self._bars % self.panel_window == 0
        plain = len(close) - moving
        self._refresh(close[:plain], sums[:plain], count[:plain], out[:plain])
        if moving:
            self._move_anchor(recent, np.where(present[-1], close[-1], self._anchor))
            self._refresh(close[plain:], self._sums.sums[None], count[plain:], out[plain:])

    def _refresh(self, close: FloatArray, sums: FloatArray, count: FloatArray, out: FloatArray) -> None:
        """Values ``[bars, k, n_symbols]`` of sums ``[bars, n_windows, 3, n_symbols]``."""
        mean = sums[:, :, 1] / count
        if self._mean is not None:
            rows, windows = self._mean
            out[:, rows] = (mean + self._anchor)[:, windows]
        if self._std is not None or self._zscore is not None:
            self._refresh_deviation(close[:, None], mean, sums[:, :, 2] / count, out)

    def _refresh_deviation(
        self, close: FloatArray, mean: FloatArray, variance: FloatArray, out: FloatArray
    ) -> None:
        variance -= mean * mean
        still = variance <= self._floor
        if np.count_nonzero(still):
            variance[still] = 0.0
        deviation = np.sqrt(variance)
        if self._std is not None:
            rows, windows = self._std
            out[:, rows] = deviation[:, windows]
        if self._zscore is not None:
            rows, windows = self._zscore
            deviation[still] = np.nan
            out[:, rows] = (((close - self._anchor) - mean) / deviation)[:, windows]

    def _set_anchor(self, anchor: FloatArray) -> None:
        self._anchor[...] = anchor
        np.multiply(anchor, anchor, out=self._floor)
        self._floor *= STANDSTILL
        self._anchored = not np.isnan(anchor).any()

    def _move_anchor(self, recent: FloatArray, anchor: FloatArray) -> None:
        """Move to ``anchor`` and sum the closes ``recent`` ``[longest window, n_symbols]`` afresh."""
        self._set_anchor(anchor)
        rows = np.empty((self.panel_window, *self._row.shape))
        observe(recent - self._anchor, rows[:, 0], rows[:, 1])
        np.multiply(rows[:, 1], rows[:, 1], out=rows[:, 2])
        self._sums.load(rows)

    def state(self) -> dict[str, Any]:
        """Sums, anchors and the count of bars."""
        return {
            "sums": self._sums.state(),
            "anchor": self._anchor.copy(),
            "bars": self._bars,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._sums.restore(state["sums"])
        self._set_anchor(state["anchor"])
        self._bars = int(state["bars"])


def _window(window: int) -> int:
    return window


FEATURES = (
    Feature(
        family="rolling_mean",
        parameters=("window",),
        minimum=(1,),
        formula="mean of C over the last window bars",
        unit="currency",
        source="TA-Lib SMA",
        needs=("close",),
        window_bars=_window,
        bank=RollingMomentsBank,
        example=(20,),
    ),
    Feature(
        family="rolling_std",
        parameters=("window",),
        minimum=(2,),
        formula="population standard deviation (ddof 0) of C over the last window bars",
        unit="currency",
        source="TA-Lib STDDEV; Bollinger (2001), Bollinger on Bollinger Bands",
        needs=("close",),
        window_bars=_window,
        bank=RollingMomentsBank,
        example=(20,),
    ),
    Feature(
        family="zscore",
        parameters=("window",),
        minimum=(2,),
        formula="(C[t] - rolling_mean) / rolling_std; NaN where the price stood still",
        unit="standard deviations",
        source="Bollinger (2001), Bollinger on Bollinger Bands; Chan (2013), Algorithmic Trading, ch. 3",
        needs=("close",),
        window_bars=_window,
        bank=RollingMomentsBank,
        example=(20,),
    ),
)
