"""How much is traded: volume against its past, money traded, its average price and its price impact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.contract import Feature, Request, Rows
from tuiconsole.features.rolling_sums import RollingSums, blank, observe
from tuiconsole.features.windowed import Formula, WindowedBank

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_STANDSTILL = 1e-12
"""Variance of the logarithm of volume below which it does not vary."""

_BAR, _VOLUME, _MONEY, _TRADED, _LOG, _LOG_SQUARE, _MOVED, _IMPACT, _PRICED, _WEIGHT, _WEIGHTED = range(11)


class VolumeLevelBank(WindowedBank):
    """Sums of volume, its logarithm, money traded and impact over sliding windows.

    Bars without trades count as bars of no volume; they have no logarithm and no impact.
    """

    panel_window = 2

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self._sums = RollingSums(self.windows, 11, n_symbols)
        self._row: FloatArray = np.zeros((11, n_symbols))
        self._volume = self._close = self._log = self._bars = self._traded = self._moved = self._priced = (
            self.values
        )
        self._mean = self.values

    def formulas(self) -> Mapping[str, Formula]:
        """Family → its formula."""
        return {
            "relative_volume": self._relative_volume,
            "volume_trend": self._volume_trend,
            "volume_zscore": self._volume_zscore,
            "zero_volume_share": self._zero_volume_share,
            "dollar_volume": self._dollar_volume,
            "amihud": self._amihud,
            "amihud_trend": self._amihud_trend,
            "vwap_distance": self._vwap_distance,
        }

    def update(self, panel: Panel) -> None:
        """Take in the newest prices and volume."""
        volume, close, row = panel.latest("volume"), panel.latest("close"), self._row
        present = observe(volume, row[_BAR], row[_VOLUME])
        np.multiply(volume, close, out=row[_MONEY])
        traded = volume > 0.0
        row[_TRADED] = traded
        positive = np.where(traded, volume, 1.0)
        np.log(positive, out=row[_LOG])
        self._log = row[_LOG].copy()
        np.multiply(row[_LOG], row[_LOG], out=row[_LOG_SQUARE])
        change = panel.latest("log_close") - panel.ago("log_close", 1)
        moved = np.isfinite(change)
        moved &= traded
        row[_MOVED] = moved
        np.divide(np.abs(change), positive * close, out=row[_IMPACT])
        typical = panel.latest("high") + panel.latest("low")
        typical += close
        typical *= volume / 3.0
        priced = np.isfinite(typical)
        row[_PRICED], row[_WEIGHT], row[_WEIGHTED] = priced, volume, typical
        if np.count_nonzero(moved) < moved.size or np.count_nonzero(priced) < priced.size:
            row[_MONEY, ~present] = 0.0
            row[_IMPACT, ~moved] = 0.0
            row[_WEIGHT:, ~priced] = 0.0
        self._sums.push(row)
        self._volume, self._close = volume, close
        self._bars = self._sums.observations(present)
        self._traded = self._sums.observations(traded, _TRADED)
        self._moved = self._sums.observations(moved, _MOVED)
        self._priced = self._sums.observations(priced, _PRICED)
        self._mean = _positive(np.maximum(self._sums.sums[:, _VOLUME], 0.0) / self._bars)
        self.fill()

    def _relative_volume(self, window: Rows) -> FloatArray:
        return self._volume / self._mean[window]

    def _volume_trend(self, fast: Rows, slow: Rows) -> FloatArray:
        return self._mean[fast] / self._mean[slow] - 1.0

    def _volume_zscore(self, window: Rows) -> FloatArray:
        count = self._traded[window]
        mean = self._sums.sums[window, _LOG] / count
        variance = self._sums.sums[window, _LOG_SQUARE] / count
        variance -= mean * mean
        blank(variance, variance < _STANDSTILL)
        return (self._log - mean) / np.sqrt(variance)

    def _zero_volume_share(self, window: Rows) -> FloatArray:
        return 1.0 - self._sums.sums[window, _TRADED] / self._bars[window]

    def _dollar_volume(self, window: Rows) -> FloatArray:
        return np.maximum(self._sums.sums[window, _MONEY], 0.0) / self._bars[window]

    def _amihud(self, window: Rows) -> FloatArray:
        impact = np.maximum(self._sums.sums[window, _IMPACT], 0.0)
        impact *= 1e6
        impact /= self._moved[window]
        return impact

    def _amihud_trend(self, fast: Rows, slow: Rows) -> FloatArray:
        return self._amihud(fast) / _positive(self._amihud(slow)) - 1.0

    def _vwap_distance(self, window: Rows) -> FloatArray:
        weight = self._sums.sums[window, _WEIGHT] + 0.0 * self._priced[window]
        blank(weight, weight <= 0.0)
        return self._close * weight / self._sums.sums[window, _WEIGHTED] - 1.0

    def state(self) -> dict[str, Any]:
        """The sums."""
        return {"sums": self._sums.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._sums.restore(state["sums"])


def _positive(values: FloatArray) -> FloatArray:
    """``values`` with NaN instead of zero."""
    if np.count_nonzero(values == 0.0):
        return np.where(values == 0.0, np.nan, values)
    return values


_VOLUME_ONLY = ("volume",)
_MONEY_NEEDS = ("close", "volume")
_STILL = "; NaN where nothing was traded"


def _entry(
    family: str,
    formula: str,
    unit: str,
    source: str,
    needs: tuple[str, ...],
    listed: tuple[tuple[int, ...], ...],
) -> Feature:
    two = family.endswith("_trend")
    least = 5 if family.startswith("amihud") else 2
    return Feature(
        family=family,
        parameters=("fast", "slow") if two else ("window",),
        minimum=(least, least + 1) if two else (least,),
        formula=formula,
        unit=unit,
        source=source,
        needs=needs,
        window_bars=lambda *windows: max(windows),
        bank=VolumeLevelBank,
        example=(10, 40) if two else (20,),
        listed=listed,
    )


_LLORENTE = "Llorente, Michaely, Saar, Wang (2002), Review of Financial Studies 15(4)"
_GERVAIS = "Gervais, Kaniel, Mingelgrin (2001), Journal of Finance 56(3)"
_AMIHUD = "Amihud (2002), Journal of Financial Markets 5(1), eq. 1"

FEATURES = (
    _entry(
        "relative_volume",
        "V[t] / mean of V over the window" + _STILL,
        "ratio",
        _GERVAIS,
        _VOLUME_ONLY,
        ((5,), (10,), (20,), (60,)),
    ),
    _entry(
        "volume_trend",
        "mean of V over fast bars / mean over slow bars - 1" + _STILL,
        "fraction",
        _GERVAIS,
        _VOLUME_ONLY,
        ((5, 20), (20, 60), (20, 120), (60, 252)),
    ),
    _entry(
        "volume_zscore",
        "(ln V[t] - mean of ln V) / its standard deviation (ddof 0) over the traded bars of the window",
        "standard deviations",
        _LLORENTE,
        _VOLUME_ONLY,
        ((20,), (60,), (120,), (252,)),
    ),
    _entry(
        "zero_volume_share",
        "share of bars without trades",
        "0 to 1",
        "Lesmond, Ogden, Trzcinka (1999), Review of Financial Studies 12(5)",
        _VOLUME_ONLY,
        ((20,), (60,)),
    ),
    _entry(
        "dollar_volume",
        "mean of C V over the window",
        "currency",
        "Brennan, Chordia, Subrahmanyam (1998), Journal of Financial Economics 49(3)",
        _MONEY_NEEDS,
        ((5,), (20,), (60,)),
    ),
    _entry(
        "amihud",
        "million times mean of |r| / (C V) over the traded bars of the window",
        "per million of currency",
        _AMIHUD,
        _MONEY_NEEDS,
        ((5,), (20,), (60,), (120,)),
    ),
    _entry(
        "amihud_trend",
        "amihud(fast) / amihud(slow) - 1; NaN where the price stood still",
        "fraction",
        _AMIHUD,
        _MONEY_NEEDS,
        ((5, 60), (20, 120)),
    ),
    _entry(
        "vwap_distance",
        "C[t] / (sum of T V / sum of V) - 1, T = (H + L + C) / 3" + _STILL,
        "fraction",
        "Berkowitz, Logue, Noser (1988), Journal of Finance 43(1), over a sliding window",
        ("high", "low", "close", "volume"),
        ((5,), (10,), (20,), (60,), (120,)),
    ),
)
