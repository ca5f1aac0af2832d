"""The regime bank: one update per bar, five probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.regimes.settings import RegimeSettings
from tuiconsole.regimes.trend import TrendRegime
from tuiconsole.regimes.volatility import VolatilityRegime

REGIME_NAMES = ("volatility_low", "volatility_medium", "volatility_high", "trend", "range")
"""Names of :attr:`RegimeBank.probabilities`."""

_VOLATILITY_WORDS = ("low", "medium", "high")


class RegimeBank:
    """What kind of market it is, from the equal-weighted mean return of all symbols that have one.

    Parameters
    ----------
    settings
        Levels, windows and softness.
    bars_per_year
        For annualised volatility; positive.

    Attributes
    ----------
    probabilities
        float64 ``[5]`` in the order of :data:`REGIME_NAMES`: the first three sum to 1, the last two sum to
        1. Equal shares until warm. A new array at every update.

    Examples
    --------
    >>> bank = RegimeBank(RegimeSettings(), 252.0)
    >>> for bar in range(300):
    ...     bank.update(np.array([0.04, 0.04]) * (-1.0) ** bar)
    >>> bank.label()
    'high volatility, range'
    """

    def __init__(self, settings: RegimeSettings, bars_per_year: float) -> None:
        self._volatility = VolatilityRegime(settings, bars_per_year)
        self._trend = TrendRegime(settings)
        self.probabilities: FloatArray = np.empty(5)
        self._collect()

    @property
    def volatility(self) -> float:
        """Annualised volatility of the market, a fraction; NaN until warm."""
        return self._volatility.volatility

    def use_machine_code(self) -> None:
        """Have :meth:`update_block` done by kernels, bit for bit the same; :meth:`update` stays as it is."""
        self._volatility.use_machine_code()
        self._trend.use_machine_code()

    def update(self, returns: FloatArray) -> None:
        """Take in one-bar log-returns ``[n_symbols]``.

        NaN where a symbol has none; a bar of NaN alone changes nothing.
        """
        present = np.isfinite(returns)
        count = int(np.count_nonzero(present))
        if not count:
            return
        total = returns.sum() if count == present.size else returns[present].sum()
        market_return = float(total) / count
        self._volatility.update(market_return)
        self._trend.update(market_return)
        self._collect()

    def update_block(self, returns: FloatArray) -> FloatArray:
        """Take in one-bar log-returns ``[bars, n_symbols]``, bit for bit as :meth:`update` of each row.

        Returns
        -------
        float64 ``[bars, 5]``: :attr:`probabilities` after each bar, a fresh array.
        """
        bars, n_symbols = returns.shape
        totals: FloatArray = returns.sum(axis=1)
        counts: IntArray = np.full(bars, n_symbols)
        for i in np.flatnonzero(~np.isfinite(totals)).tolist():
            present = np.isfinite(returns[i])
            counts[i] = np.count_nonzero(present)
            if 0 < counts[i] < n_symbols:
                totals[i] = returns[i][present].sum()
        moved = counts > 0
        market = totals[moved] / counts[moved]
        found: FloatArray = np.empty((1 + len(market), len(REGIME_NAMES)))
        found[0] = self.probabilities
        found[1:, :3] = self._volatility.update_block(market)
        found[1:, 3] = self._trend.update_block(market)
        np.subtract(1.0, found[1:, 3], out=found[1:, 4])
        self.probabilities = found[-1]
        return found[1:] if len(market) == bars else found[np.cumsum(moved)]

    def label(self) -> str:
        """The likeliest regimes in words, e.g. ``high volatility, range``; ``not yet known`` until warm."""
        if np.isnan(self.volatility):
            return "not yet known"
        word = _VOLATILITY_WORDS[int(np.argmax(self.probabilities[:3]))]
        path = "trend" if self.probabilities[3] > self.probabilities[4] else "range"
        return f"{word} volatility, {path}"

    def _collect(self) -> None:
        trend = self._trend.probability
        self.probabilities = np.array((*self._volatility.probabilities, trend, 1.0 - trend))

    def state(self) -> dict[str, Any]:
        """Both regimes' states; copies."""
        return {"volatility": self._volatility.state(), "trend": self._trend.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`, bit for bit."""
        self._volatility.restore(state["volatility"])
        self._trend.restore(state["trend"])
        self._collect()
