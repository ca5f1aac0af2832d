"""How straight the price went, and Kaufman's average that follows only when it goes straight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.contract import Feature, Request
from tuiconsole.features.rolling_sums import RollingSums, observe
from tuiconsole.features.windowed import Formula, WindowedBank

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_STANDSTILL = 1e-10
"""Path over the price below which it stands still."""
_FAST, _SLOW = 2.0 / 3.0, 2.0 / 31.0


class AdaptiveBank(WindowedBank):
    """Net and gross moves of the close over sliding windows; a move is from the last close observed.

    KAMA begins at the close before its first efficiency ratio and is held where that ratio is missing.
    """

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self._sums = RollingSums(self.windows, 3, n_symbols)
        self._row: FloatArray = np.zeros((3, n_symbols))
        self._previous: FloatArray = np.full(n_symbols, np.nan)
        self._kama: FloatArray = np.full((len(self.windows), n_symbols), np.nan)
        self._averages = any(request.feature.family.startswith("kama") for request in requests)
        self._close = self._net = self._adapted = self.values

    def formulas(self) -> Mapping[str, Formula]:
        """Family → its formula."""
        return {
            "efficiency_ratio": lambda window: np.abs(self._net[window]),
            "cmo": lambda window: 100.0 * self._net[window],
            "kama": lambda window: self._adapted[window],
            "kama_distance": lambda window: self._close / self._adapted[window] - 1.0,
        }

    def update(self, panel: Panel) -> None:
        """Take in the newest close."""
        if panel.count < 2:
            np.copyto(self._previous, panel.latest("close"))
            return
        close, row = panel.latest("close"), self._row
        previous = self._previous.copy()
        change = close - previous
        present = observe(change, row[0], row[1])
        np.copyto(self._previous, close, where=np.isfinite(close))
        np.abs(row[1], out=row[2])
        self._sums.push(row)
        sums = self._sums.sums
        path = sums[:, 2] + 0.0 * self._sums.observations(present)
        net = np.clip(sums[:, 1], -path, path)
        still = path <= _STANDSTILL * close
        moved = np.count_nonzero(still) == 0
        if not moved:
            path = np.where(still, np.nan, path)
        self._close, self._net = close, net / path
        if self._averages:
            self._adapt(close, previous, self._net if moved else np.where(still, 1.0, self._net))
        self.fill()

    def _adapt(self, close: FloatArray, previous: FloatArray, net: FloatArray) -> None:
        known = np.isfinite(net)
        kama = self._kama
        unborn = np.isnan(kama)
        unborn &= known
        if np.count_nonzero(unborn):
            np.copyto(kama, previous, where=unborn)
        speed = np.abs(net)
        speed *= _FAST - _SLOW
        speed += _SLOW
        speed *= speed
        speed *= close - kama
        if np.count_nonzero(known) == known.size:
            kama += speed
            self._adapted = kama
        else:
            kama += np.where(known, speed, 0.0)
            self._adapted = np.where(known, kama, np.nan)

    def state(self) -> dict[str, Any]:
        """The sums, the averages and the last close observed."""
        return {"sums": self._sums.state(), "kama": self._kama.copy(), "previous": self._previous.copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._sums.restore(state["sums"])
        self._kama[...] = state["kama"]
        self._previous[...] = state["previous"]


_KAUFMAN = "Kaufman (1995), Smarter Trading, ch. 8"


def _entry(family: str, formula: str, unit: str, source: str, listed: tuple[tuple[int, ...], ...]) -> Feature:
    return Feature(
        family=family,
        parameters=("window",),
        minimum=(2,),
        formula=formula,
        unit=unit,
        source=source,
        needs=("close",),
        window_bars=lambda window: int(window) + 1,
        bank=AdaptiveBank,
        example=(10,),
        listed=listed,
    )


FEATURES = (
    _entry(
        "efficiency_ratio",
        "|sum of moves| / sum of |moves| over the window; NaN where the price stood still",
        "0 (noise) to 1 (straight)",
        _KAUFMAN,
        ((10,), (20,), (60,)),
    ),
    _entry(
        "cmo",
        "100 sum of moves / sum of |moves| over the window; NaN where the price stood still",
        "-100 to 100",
        "Chande, Kroll (1994), The New Technical Trader, ch. 5: plain sums, where TA-Lib CMO takes Wilder averages",
        ((9,), (14,), (20,)),
    ),
    _entry(
        "kama",
        "K[t-1] + s (C[t] - K[t-1]), s = (efficiency_ratio (2/3 - 2/31) + 2/31)^2, from the close before the first ratio",
        "currency",
        _KAUFMAN + "; TA-Lib KAMA",
        ((10,),),
    ),
    _entry("kama_distance", "C[t] / kama - 1", "fraction", _KAUFMAN + "; TA-Lib KAMA", ((10,), (20,), (50,))),
)
