"""How volume changes, and whether it changes with the price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.features.compiled import CompiledBank, Windows, observe_windows, slide
from tuiconsole.features.contract import Bank, Feature, Request

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_STANDSTILL = 1e-12
"""Share of a mean square below which a variance is rounding error."""


def _advance(
    inputs: tuple[FloatArray, ...],
    windows: Windows,
    count: int,
    plan: IntArray,
    scale: float,
    extra: FloatArray,
    out: FloatArray,
) -> None:
    closes, logs, (_, row, sums, observed, _, _) = inputs[0], inputs[1], windows
    for t in range(len(out)):
        _fill(closes[t], closes[t + 1], logs[t], logs[t + 1], row)
        slide(windows, count + t)
        observe_windows(windows, count + t + 1, 0, 0)
        for k in range(len(plan)):
            _of_moments(plan[k, 0], sums[plan[k, 1]], observed[0, plan[k, 1]], out[t, k])


def _fill(
    before: FloatArray, newest: FloatArray, log_before: FloatArray, log_now: FloatArray, row: FloatArray
) -> None:
    for s in range(len(newest)):
        change, growth = newest[s] - before[s], log_now[s] - log_before[s]
        here = np.isfinite(change) & np.isfinite(growth)
        change, growth = change if here else 0.0, growth if here else 0.0
        row[0, s], row[1, s], row[2, s] = 1.0 if here else 0.0, change, growth
        row[3, s], row[4, s], row[5, s] = change * change, growth * growth, change * growth


def _of_moments(family: int, sums: FloatArray, counts: FloatArray, out: FloatArray) -> None:
    changes, growths, changes2, growths2, products = sums[1], sums[2], sums[3], sums[4], sums[5]
    for s in range(len(out)):
        count = counts[s]
        change, growth, power, force = (
            changes[s] / count,
            growths[s] / count,
            changes2[s] / count,
            growths2[s] / count,
        )
        spread = force - growth * growth
        if family == 1:
            out[s] = np.sqrt((0.0 if spread < 0.0 else spread) * count / (count - 1.0))
        else:
            moves = power - change * change
            still = (moves <= _STANDSTILL * power) | (spread <= _STANDSTILL * force)
            found = (products[s] / count - change * growth) / np.sqrt(np.nan if still else moves * spread)
            found = 1.0 if found > 1.0 else found
            out[s] = -1.0 if found < -1.0 else found


class VolumeRelationsBank(CompiledBank):
    """Moments of one-bar log-returns and log changes of volume; an observation needs both, and trades at both bars."""

    panel_window = 2
    first_bar = 0
    channels = 6
    families: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "price_volume_correlation": (1, 2, 3, 4, 5),
        "volume_volatility": (2, 4),
    }
    kernel = staticmethod(_advance)
    parts = (_fill, _of_moments)

    def inputs(self, panel: Panel, bars: int) -> tuple[FloatArray, ...]:
        """Log closes and logarithms of volume, one bar more than asked for."""
        volume = panel.stretch("volume", bars, 1)
        return panel.stretch("log_close", bars, 1), np.log(np.where(volume > 0.0, volume, np.nan))


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
