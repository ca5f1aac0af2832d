"""The bid-ask spread that two-bar ranges give away."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.contract import Feature, Request
from tuiconsole.features.rolling_sums import RollingSums, observe
from tuiconsole.features.windowed import Formula, WindowedBank

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_K = 3.0 - 2.0 * math.sqrt(2.0)


class CorwinSchultzBank(WindowedBank):
    """Means of two-bar spreads; a gap overnight moves the second bar back to the close before it."""

    panel_window = 2

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self._sums = RollingSums(self.windows, 2, n_symbols)
        self._row: FloatArray = np.zeros((2, n_symbols))
        self._mean = self.values

    def formulas(self) -> Mapping[str, Formula]:
        """Family → its formula."""
        return {"corwin_schultz_spread": lambda window: self._mean[window]}

    def update(self, panel: Panel) -> None:
        """Take in the newest high and low."""
        if panel.count < 2:
            return
        high, low = panel.latest("high"), panel.latest("low")
        high_before, low_before, close_before = (panel.ago(field, 1) for field in ("high", "low", "close"))
        shift = np.maximum(close_before - high, 0.0)
        shift += np.minimum(close_before - low, 0.0)
        high, low = high + shift, low + shift
        single, before = np.log(high / low), np.log(high_before / low_before)
        double = np.log(np.maximum(high, high_before) / np.minimum(low, low_before))
        single *= single
        before *= before
        single += before
        alpha = np.sqrt(single)
        alpha *= (math.sqrt(2.0) - 1.0) / _K
        alpha -= double / math.sqrt(_K)
        alpha += 0.0 * panel.latest("close")
        spread = 2.0 * np.tanh(0.5 * np.maximum(alpha, 0.0))
        present = observe(spread, self._row[0], self._row[1])
        self._sums.push(self._row)
        self._mean = np.maximum(self._sums.sums[:, 1], 0.0) / self._sums.observations(present)
        self.fill()

    def state(self) -> dict[str, Any]:
        """The sums."""
        return {"sums": self._sums.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._sums.restore(state["sums"])


FEATURES = (
    Feature(
        family="corwin_schultz_spread",
        parameters=("window",),
        minimum=(1,),
        formula="mean of max(0, 2 (e^a - 1) / (1 + e^a)), a = (sqrt(2b) - sqrt(b)) / k - sqrt(g / k), k = 3 - 2 sqrt 2, "
        "b = squared log ranges of two bars, g = squared log range of both together",
        unit="fraction of the price",
        source="Corwin, Schultz (2012), Journal of Finance 67(2), eq. 14 and 18, with their overnight adjustment",
        needs=("high", "low", "close"),
        window_bars=lambda window: int(window) + 1,
        bank=CorwinSchultzBank,
        example=(20,),
        listed=((5,), (20,), (60,)),
    ),
)
