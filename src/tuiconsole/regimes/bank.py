"""The regime bank: one update per bar, five probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tuiconsole.domain.types import FloatArray
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
        found: FloatArray = np.empty((bars, len(REGIME_NAMES)))
        present = np.isfinite(returns)
        counts: list[int] = np.count_nonzero(present, axis=1).tolist()
        totals: list[float] = returns.sum(axis=1).tolist()
        for i, count in enumerate(counts):
            if 0 < count < n_symbols:
                totals[i] = float(returns[i][present[i]].sum())
        moved = [i for i, count in enumerate(counts) if count]
        market = [totals[i] / counts[i] for i in moved]
        volatility, trend = self._volatility.update_block(market), self._trend.update_block(market)
        first = 0
        for i, probabilities, up in zip(moved, volatility, trend, strict=True):
            found[first:i] = self.probabilities
            self.probabilities = found[i]
            found[i] = (*probabilities, up, 1.0 - up)
            first = i + 1
        found[first:] = self.probabilities
        return found

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
