"""How a symbol moves with volatility, rates, credit, oil, gold and the dollar. NaN unless a macro source is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tuiconsole.domain.context import MACRO_SERIES
from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.features.compiled import CompiledBank, Windows, observe_windows, slide
from tuiconsole.features.contract import Feature
from tuiconsole.features.rolling_sums import PRESENCE
from tuiconsole.features.summed import window_and

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
_COLUMNS = np.array([MACRO_SERIES.index(series) for series, *_ in _FACTORS.values()], dtype=np.int64)
_LOGS = np.array([logarithm for _, logarithm, *_ in _FACTORS.values()])
_LEAST_VARIANCE = 1e-14


def _advance(
    inputs: tuple[FloatArray, ...],
    windows: Windows,
    count: int,
    plan: IntArray,
    scale: float,
    extra: FloatArray,
    out: FloatArray,
) -> None:
    closes, changes = inputs
    _, row, sums, observed, lengths, _ = windows
    for t in range(len(out)):
        _fill(closes[t], closes[t + 1], changes[t + 1], row)
        slide(windows, count + t)
        observe_windows(windows, count + t + 1, 0, 0)
        for k in range(len(plan)):
            family, w = plan[k, 0], plan[k, 1]
            least = PRESENCE * lengths[w] - 1e-9
            _slope(sums[w, 2 + 5 * family : 7 + 5 * family], observed[0, w], least, out[t, k])


def _fill(before: FloatArray, newest: FloatArray, changes: FloatArray, row: FloatArray) -> None:
    for s in range(len(newest)):
        own = newest[s] - before[s]
        here = np.isfinite(own)
        row[0, s] = 1.0 if here else 0.0
        row[1, s] = own if here else 0.0
    for f in range(len(changes)):
        known, factor, first = np.isfinite(changes[f]), changes[f], 2 + 5 * f
        for s in range(len(newest)):
            seen, own = row[0, s], row[1, s]
            row[first, s] = seen if known else 0.0
            row[first + 1, s] = own if known else 0.0
            row[first + 2, s] = seen * factor if known else 0.0
            row[first + 3, s] = seen * (factor * factor) if known else 0.0
            row[first + 4, s] = own * factor if known else 0.0


def _slope(sums: FloatArray, count: FloatArray, least: float, out: FloatArray) -> None:
    seen, own, factor, square, cross = sums[0], sums[1], sums[2], sums[3], sums[4]
    for s in range(len(out)):
        pairs = (seen[s] if seen[s] >= least else np.nan) + 0.0 * count[s]
        mean = factor[s] / pairs
        variance = square[s] / pairs - mean * mean
        covariance = cross[s] / pairs - own[s] / pairs * mean
        out[s] = covariance / (variance if variance > _LEAST_VARIANCE else np.nan)


class MacroBetaBank(CompiledBank):
    """Least squares of one-bar log-returns on the one-bar change of each factor, one factor at a time."""

    panel_window = 2
    channels = 2 + 5 * len(_FACTORS)
    families: ClassVar[Mapping[str, tuple[int, ...]]] = {
        family: tuple(range(2 + 5 * place, 7 + 5 * place)) for place, family in enumerate(_FACTORS)
    }
    kernel = staticmethod(_advance)
    parts = (_fill, _slope)

    def inputs(self, panel: Panel, bars: int) -> tuple[FloatArray, ...]:
        """Log closes and the factors' changes, one bar more than asked for."""
        levels = panel.macro_stretch(bars, 1)[:, _COLUMNS]
        changes = np.full(levels.shape, np.nan)
        with np.errstate(invalid="ignore", divide="ignore"):
            changes[1:] = np.where(_LOGS, np.log(levels[1:] / levels[:-1]), levels[1:] - levels[:-1])
        return panel.stretch("log_close", bars, 1), changes


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
