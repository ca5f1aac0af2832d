"""Buying pressure and vortex movement against the true range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.contract import Feature, Request, Rows
from tuiconsole.features.rolling_sums import RollingSums
from tuiconsole.features.windowed import Formula, WindowedBank

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_STANDSTILL = 1e-9
"""Mean true range over the price below which it stands still."""


class TrueRangeSumsBank(WindowedBank):
    """Sums over sliding windows of moves that are measured from the bar before, which must be there."""

    panel_window = 2

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self._sums = RollingSums(self.windows, 5, n_symbols)
        self._row: FloatArray = np.zeros((5, n_symbols))
        self._shares = self.values

    def formulas(self) -> Mapping[str, Formula]:
        """Family → its formula."""
        return {
            "ultimate_oscillator": self._ultimate_oscillator,
            "vortex_plus": lambda window: self._shares[window, 1],
            "vortex_minus": lambda window: self._shares[window, 2],
        }

    def update(self, panel: Panel) -> None:
        """Take in the newest high, low and close."""
        if panel.count < 2:
            return
        high, low, close = panel.latest("high"), panel.latest("low"), panel.latest("close")
        last, row = panel.ago("close", 1), self._row
        bottom = np.minimum(low, last)
        np.subtract(np.maximum(high, last), bottom, out=row[1])
        np.subtract(close, bottom, out=row[2])
        np.abs(high - panel.ago("low", 1), out=row[3])
        np.abs(low - panel.ago("high", 1), out=row[4])
        present = np.isfinite(row[1] + row[3] + row[4])
        row[0] = present
        if np.count_nonzero(present) < present.size:
            row[1:, ~present] = 0.0
        self._sums.push(row)
        sums = self._sums.sums
        total = sums[:, 1] + 0.0 * self._sums.observations(present)
        still = total <= _STANDSTILL * close
        if np.count_nonzero(still):
            total[still] = np.nan
        self._shares = sums[:, 2:] / total[:, None]
        self.fill()

    def _ultimate_oscillator(self, short: Rows, medium: Rows, long: Rows) -> FloatArray:
        shares = self._shares[:, 0]
        weighted: FloatArray = (4.0 * shares[short] + 2.0 * shares[medium] + shares[long]) * (100.0 / 7.0)
        return weighted

    def state(self) -> dict[str, Any]:
        """The sums."""
        return {"sums": self._sums.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._sums.restore(state["sums"])


_RANGES = ("high", "low", "close")
_VORTEX = "Botes, Siepman (2010), Technical Analysis of Stocks & Commodities 28(1)"
_STILL = "; NaN where the price stood still"


def _window(*windows: int) -> int:
    return max(windows) + 1


FEATURES = (
    Feature(
        family="ultimate_oscillator",
        parameters=("short", "medium", "long"),
        minimum=(1, 1, 1),
        formula="100 (4 A(short) + 2 A(medium) + A(long)) / 7, A = sum of C - min(L, C[t-1]) / sum of true range"
        + _STILL,
        unit="0 to 100",
        source="Williams (1985), Technical Analysis of Stocks & Commodities 3(4); TA-Lib ULTOSC",
        needs=_RANGES,
        window_bars=_window,
        bank=TrueRangeSumsBank,
        example=(7, 14, 28),
    ),
    *(
        Feature(
            family=family,
            parameters=("window",),
            minimum=(2,),
            formula=formula + _STILL,
            unit="ratio",
            source=_VORTEX,
            needs=_RANGES,
            window_bars=_window,
            bank=TrueRangeSumsBank,
            example=(14,),
        )
        for family, formula in (
            ("vortex_plus", "sum of |H[t] - L[t-1]| / sum of true range"),
            ("vortex_minus", "sum of |L[t] - H[t-1]| / sum of true range"),
        )
    ),
)
