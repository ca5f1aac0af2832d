"""How volume changes, and whether it changes with the price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.contract import Bank, Feature, Request, Rows
from tuiconsole.features.rolling_sums import RollingSums, blank
from tuiconsole.features.windowed import Formula, WindowedBank

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_STANDSTILL = 1e-12
"""Share of a mean square below which a variance is rounding error."""


class VolumeRelationsBank(WindowedBank):
    """Moments of one-bar log-returns and log changes of volume; an observation needs both, and trades at both bars."""

    panel_window = 2

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self._sums = RollingSums(self.windows, 6, n_symbols)
        self._row: FloatArray = np.zeros((6, n_symbols))
        self._log: FloatArray = np.full(n_symbols, np.nan)
        self._count = self._means = self._growth = self.values

    def formulas(self) -> Mapping[str, Formula]:
        """Family → its formula."""
        return {
            "price_volume_correlation": self._correlation,
            "volume_volatility": self._volatility,
        }

    def update(self, panel: Panel) -> None:
        """Take in the newest close and volume."""
        volume, row = panel.latest("volume"), self._row
        logarithm = np.log(np.where(volume > 0.0, volume, np.nan))
        growth = logarithm - self._log
        self._log = logarithm
        change = panel.latest("log_close") - panel.ago("log_close", 1)
        present = np.isfinite(growth)
        present &= np.isfinite(change)
        row[0], row[1], row[2] = present, change, growth
        if np.count_nonzero(present) < present.size:
            row[1:3, ~present] = 0.0
        np.multiply(row[1:3], row[1:3], out=row[3:5])
        np.multiply(row[1], row[2], out=row[5])
        self._sums.push(row)
        self._count = self._sums.observations(present)
        self._means = self._sums.sums[:, 1:] / self._count[:, None]
        self._growth = self._means[:, 3] - self._means[:, 1] * self._means[:, 1]
        self.fill()

    def _volatility(self, window: Rows) -> FloatArray:
        count = self._count[window]
        return np.sqrt(np.maximum(self._growth[window], 0.0) * count / (count - 1.0))

    def _correlation(self, window: Rows) -> FloatArray:
        means, growth = self._means[window], self._growth[window]
        moves = means[:, 2] - means[:, 0] * means[:, 0]
        both = means[:, 4] - means[:, 0] * means[:, 1]
        size = moves * growth
        blank(size, (moves <= _STANDSTILL * means[:, 2]) | (growth <= _STANDSTILL * means[:, 3]))
        both /= np.sqrt(size)
        return np.clip(both, -1.0, 1.0, out=both)

    def state(self) -> dict[str, Any]:
        """The sums and the last logarithm of volume."""
        return {"sums": self._sums.state(), "log": self._log.copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._sums.restore(state["sums"])
        self._log = np.array(state["log"])


class VolumeChangeBank(Bank):
    """Log changes of volume between two bars, which must both have traded."""

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self.panel_window = self.warmup_bars
        self._before = (
            self.warmup_bars - 1 - np.array([request.parameters[0] for request in requests], dtype=np.int64)
        )

    def update(self, panel: Panel) -> None:
        """Refresh every row from the newest bar."""
        now, before = panel.latest("volume"), panel.window("volume", self.panel_window)[self._before]
        both = before > 0.0
        both &= now > 0.0
        self.values[...] = np.nan
        np.divide(now, before, out=self.values, where=both)
        np.log(self.values, out=self.values)

    def state(self) -> dict[str, Any]:
        """Nothing: the panel says it all."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing to continue from."""


_KARPOFF = "Karpoff (1987), Journal of Financial and Quantitative Analysis 22(1)"

FEATURES = (
    Feature(
        family="price_volume_correlation",
        parameters=("window",),
        minimum=(5,),
        formula="correlation of ln(C[t] / C[t-1]) with ln(V[t] / V[t-1]) over the window; NaN where the price stood still",
        unit="-1 to 1",
        source=_KARPOFF,
        needs=("close", "volume"),
        window_bars=int,
        bank=VolumeRelationsBank,
        example=(20,),
        listed=((10,), (20,), (60,), (120,)),
    ),
    Feature(
        family="volume_volatility",
        parameters=("window",),
        minimum=(5,),
        formula="standard deviation (ddof 1) of ln(V[t] / V[t-1]) over the window",
        unit="log-change per bar",
        source="Chordia, Subrahmanyam, Anshuman (2001), Journal of Financial Economics 59(1)",
        needs=("close", "volume"),
        window_bars=int,
        bank=VolumeRelationsBank,
        example=(20,),
        listed=((20,), (60,)),
    ),
    Feature(
        family="volume_change",
        parameters=("bars",),
        minimum=(1,),
        formula="ln(V[t] / V[t - bars])",
        unit="log-change",
        source=_KARPOFF,
        needs=("volume",),
        window_bars=lambda bars: int(bars) + 1,
        bank=VolumeChangeBank,
        example=(5,),
        listed=((1,), (5,), (20,)),
    ),
)
