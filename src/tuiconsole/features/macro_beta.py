"""How a symbol moves with volatility, rates, credit, oil, gold and the dollar. NaN unless a macro source is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.context import MACRO_SERIES
from tuiconsole.domain.types import BoolArray, FloatArray
from tuiconsole.features.contract import Feature, Request
from tuiconsole.features.rolling_sums import PRESENCE, observe
from tuiconsole.features.summed import SummedBank, above, one_bar_return, window_and

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_FACTORS = {
    "beta_vix": ("vix", False, "VIX", "log-return per volatility point"),
    "beta_yield": ("yield_10y", False, "the 10-year yield", "log-return per percent"),
    "beta_credit": ("credit_spread", False, "the credit spread", "log-return per percent"),
    "beta_oil": ("oil", True, "ln of oil", "none"),
    "beta_gold": ("gold", True, "ln of gold", "none"),
    "beta_dollar": ("dollar", True, "ln of the dollar index", "none"),
}
"""Family → (series, whether its logarithm counts, words, unit)."""
_LEAST_VARIANCE = 1e-14


class MacroBetaBank(SummedBank):
    """Least squares of one-bar log-returns on the one-bar change of each factor, one factor at a time."""

    panel_window = 2

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        self._factors = [f for f in _FACTORS if any(r.feature.family == f for r in requests)]
        self._columns = [MACRO_SERIES.index(_FACTORS[family][0]) for family in self._factors]
        self._logs = np.array([_FACTORS[family][1] for family in self._factors])
        super().__init__(requests, n_symbols, bars_per_year, 2 + 5 * len(self._factors))
        self._begun = False
        self._enough: FloatArray = PRESENCE * np.array(self.windows, dtype=np.float64)[:, None] - 1e-9

    def fill(self, panel: Panel) -> BoolArray | None:
        """The newest return, and for each factor that has changed its sums."""
        if panel.count < 2:
            return None
        self._begun = self._begun or not np.isnan(panel.macro(1)).all()
        if not self._begun:
            return None
        row = self.row
        present = observe(one_bar_return(panel), row[0], row[1])
        levels = panel.macro(2)[:, self._columns]
        change = np.where(self._logs, np.log(levels[1] / levels[0]), levels[1] - levels[0])
        known = np.isfinite(change)[:, None]
        factor = np.where(known, change[:, None], 0.0)
        seen, own = row[0], row[1]
        block = row[2:].reshape(len(self._factors), 5, -1)
        np.multiply(seen, known, out=block[:, 0])
        np.multiply(own, known, out=block[:, 1])
        np.multiply(seen, factor, out=block[:, 2])
        np.multiply(seen, factor * factor, out=block[:, 3])
        np.multiply(own, factor, out=block[:, 4])
        return present

    def refresh(self, count: FloatArray, sums: FloatArray) -> None:
        """One slope for each factor and window."""
        blocks = sums[:, 2:].reshape(len(self.windows), len(self._factors), 5, -1)
        seen, own, factor, square, cross = np.ascontiguousarray(blocks.transpose(2, 1, 0, 3))
        pairs = np.where(seen >= self._enough, seen, np.nan)
        pairs += 0.0 * count
        mean = factor / pairs
        variance = above(square / pairs - mean * mean, _LEAST_VARIANCE)
        slopes = (cross / pairs - own / pairs * mean) / variance
        for family, found in zip(self._factors, slopes, strict=True):
            self.put(family, found)

    def state(self) -> dict[str, Any]:
        """The sums, and whether anything has been released yet."""
        return super().state() | {"begun": self._begun}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        super().restore(state)
        self._begun = bool(state["begun"])


FEATURES = (
    *(
        Feature(
            family=family,
            parameters=("window",),
            minimum=(5,),
            formula=f"cov(r, d) / var(d) over the last window log-returns r and one-bar changes d of {words}",
            unit=unit,
            source="Chen, Roll, Ross (1986), Journal of Business 59(3); Ang, Hodrick, Xing, Zhang (2006)",
            needs=("close", series),
            window_bars=window_and(1),
            bank=MacroBetaBank,
            example=(60,),
            listed=((60,), (252,)),
        )
        for family, (series, _, words, unit) in _FACTORS.items()
    ),
)
