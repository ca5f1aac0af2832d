"""What one-bar returns are made of: downside and upside, jumps, standstills, bounces between bid and ask."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.contract import Feature, Request, Rows
from tuiconsole.features.rolling_sums import RollingSums, blank, observe
from tuiconsole.features.windowed import Formula, WindowedBank

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_STANDSTILL = 1e-18
"""Mean squared return below which the price counts as not moving."""

_ONE, _RETURN, _SQUARE, _DOWN, _SIZE, _ZERO = range(6)
_PAIR, _SIZES, _PRODUCT, _PAIR_RETURN, _PAIR_LAST = range(6, 11)


class ReturnPartsBank(WindowedBank):
    """Sums of powers and products of one-bar log-returns and of neighbouring pairs of them.

    A return is an observation when both of its closes are good, a pair when both of its returns are.
    """

    panel_window = 3

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self._sums = RollingSums(self.windows, 11, n_symbols)
        self._row: FloatArray = np.zeros((11, n_symbols))
        self._count = self._pairs = self._power = self.values

    def formulas(self) -> Mapping[str, Formula]:
        """Family → its formula."""
        return {
            "downside_volatility": self._downside_volatility,
            "upside_volatility": self._upside_volatility,
            "downside_share": self._downside_share,
            "bipower_volatility": self._bipower_volatility,
            "jump_share": self._jump_share,
            "volatility_ratio": self._volatility_ratio,
            "mean_absolute_return": self._mean_absolute_return,
            "zero_return_share": self._zero_return_share,
            "roll_spread": self._roll_spread,
        }

    def update(self, panel: Panel) -> None:
        """Take in the newest one-bar return."""
        if panel.count < 2:
            return
        before, row = panel.ago("log_close", 1), self._row
        change, last = panel.latest("log_close") - before, before - panel.ago("log_close", 2)
        present = observe(change, row[_ONE], row[_RETURN])
        own = row[_RETURN]
        np.multiply(own, own, out=row[_SQUARE])
        np.multiply(own, np.minimum(own, 0.0), out=row[_DOWN])
        np.abs(own, out=row[_SIZE])
        np.equal(change, 0.0, out=row[_ZERO], casting="unsafe")
        pair = np.isfinite(last)
        pair &= present
        row[_PAIR] = pair
        if np.count_nonzero(pair) < pair.size:
            last = np.where(pair, last, 0.0)
        np.multiply(row[_SIZE], np.abs(last), out=row[_SIZES])
        np.multiply(own, last, out=row[_PRODUCT])
        np.multiply(own, row[_PAIR], out=row[_PAIR_RETURN])
        row[_PAIR_LAST] = last
        self._sums.push(row)
        self._count = self._sums.observations(present)
        self._pairs = self._sums.observations(pair, _PAIR)
        power = self._power = self._sums.sums[:, _SQUARE] / self._count
        if np.count_nonzero(power < _STANDSTILL):
            power[power < _STANDSTILL] = 0.0
        self.fill()

    def _annual(self, power: FloatArray) -> FloatArray:
        power *= self.bars_per_year
        return np.sqrt(power)

    def _down(self, window: Rows) -> FloatArray:
        """Mean of the squares of the losses; never above that of all returns, whatever the rounding."""
        down = np.maximum(self._sums.sums[window, _DOWN], 0.0)
        down /= self._count[window]
        return np.minimum(down, self._power[window], out=down)

    def _downside_volatility(self, window: Rows) -> FloatArray:
        return self._annual(self._down(window))

    def _upside_volatility(self, window: Rows) -> FloatArray:
        return self._annual(self._power[window] - self._down(window))

    def _downside_share(self, window: Rows) -> FloatArray:
        return self._down(window) / _positive(self._power[window])

    def _bipower(self, window: Rows) -> FloatArray:
        return np.maximum(self._sums.sums[window, _SIZES], 0.0) * (0.5 * math.pi) / self._pairs[window]

    def _bipower_volatility(self, window: Rows) -> FloatArray:
        return self._annual(self._bipower(window))

    def _jump_share(self, window: Rows) -> FloatArray:
        share = 1.0 - self._bipower(window) / _positive(self._power[window])
        return np.maximum(share, 0.0, out=share)

    def _variance(self, window: Rows) -> FloatArray:
        count, total = self._count[window], self._sums.sums[window, _RETURN]
        variance = self._power[window] - (total / count) ** 2
        variance *= count / (count - 1.0)
        return variance

    def _volatility_ratio(self, fast: Rows, slow: Rows) -> FloatArray:
        above = np.maximum(self._variance(fast), 0.0)
        below = self._variance(slow)
        blank(below, below < _STANDSTILL)
        return np.sqrt(above / below)

    def _mean_absolute_return(self, window: Rows) -> FloatArray:
        return self._sums.sums[window, _SIZE] / self._count[window]

    def _zero_return_share(self, window: Rows) -> FloatArray:
        return self._sums.sums[window, _ZERO] / self._count[window]

    def _roll_spread(self, window: Rows) -> FloatArray:
        sums, pairs = self._sums.sums[window], self._pairs[window]
        covariance = sums[:, _PRODUCT] / pairs
        covariance -= (sums[:, _PAIR_RETURN] / pairs) * (sums[:, _PAIR_LAST] / pairs)
        return 2.0 * np.sqrt(np.maximum(-covariance, 0.0))

    def state(self) -> dict[str, Any]:
        """The sums."""
        return {"sums": self._sums.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._sums.restore(state["sums"])


def _positive(power: FloatArray) -> FloatArray:
    """``power`` with NaN where the price stood still."""
    if np.count_nonzero(power == 0.0):
        return np.where(power == 0.0, np.nan, power)
    return power


def _entry(
    family: str, formula: str, unit: str, source: str, listed: tuple[tuple[int, ...], ...], two: bool = False
) -> Feature:
    return Feature(
        family=family,
        parameters=("fast", "slow") if two else ("window",),
        minimum=(5, 6) if two else (5,),
        formula=formula,
        unit=unit,
        source=source,
        needs=("close",),
        window_bars=lambda *windows: max(windows) + 1,
        bank=ReturnPartsBank,
        example=(10, 40) if two else (20,),
        listed=listed,
    )


_YEAR = "fraction per year"
_SEMI = "Barndorff-Nielsen, Kinnebrock, Shephard (2010), in Volatility and Time Series Econometrics, ch. 7"
_BIPOWER = "Barndorff-Nielsen, Shephard (2004), Journal of Financial Econometrics 2(1), eq. 6 and 7"
_STILL = "; NaN where the price stood still"

FEATURES = (
    _entry(
        "downside_volatility",
        "sqrt(bars per year times mean of min(r, 0)^2)",
        _YEAR,
        _SEMI,
        ((5,), (10,), (20,), (60,), (120,)),
    ),
    _entry(
        "upside_volatility",
        "sqrt(bars per year times mean of max(r, 0)^2)",
        _YEAR,
        _SEMI,
        ((5,), (10,), (20,), (60,), (120,)),
    ),
    _entry(
        "downside_share",
        "sum of min(r, 0)^2 / sum of r^2" + _STILL,
        "0 to 1",
        _SEMI,
        ((20,), (60,), (120,), (252,)),
    ),
    _entry(
        "bipower_volatility",
        "sqrt(bars per year times pi / 2 times mean of |r[t]| |r[t-1]|)",
        _YEAR,
        _BIPOWER,
        ((10,), (20,), (60,), (120,)),
    ),
    _entry(
        "jump_share",
        "max(0, 1 - (pi / 2 mean of |r[t]| |r[t-1]|) / mean of r^2)" + _STILL,
        "0 to 1",
        _BIPOWER,
        ((20,), (60,), (120,)),
    ),
    _entry(
        "volatility_ratio",
        "realised_volatility(fast) / realised_volatility(slow)" + _STILL,
        "ratio",
        "Kaufman (2013), Trading Systems and Methods, ch. 20",
        ((5, 20), (10, 60), (20, 60), (20, 120), (60, 252)),
        two=True,
    ),
    _entry(
        "mean_absolute_return",
        "mean of |r|",
        "log-return",
        "Taylor (1986), Modelling Financial Time Series; Ding, Granger, Engle (1993), Journal of Empirical Finance 1(1)",
        ((5,), (20,), (60,)),
    ),
    _entry(
        "zero_return_share",
        "share of returns that are exactly zero",
        "0 to 1",
        "Lesmond, Ogden, Trzcinka (1999), Review of Financial Studies 12(5)",
        ((20,), (60,), (252,)),
    ),
    _entry(
        "roll_spread",
        "2 sqrt(max(0, -cov(r[t], r[t-1])))",
        "fraction of the price",
        "Roll (1984), Journal of Finance 39(4); zero where the covariance is positive",
        ((20,), (60,), (120,)),
    ),
)
