"""How much is traded: volume against its past, money traded, its average price and its price impact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.features.compiled import CompiledBank, Windows, observe_windows, slide
from tuiconsole.features.contract import Feature

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_STANDSTILL = 1e-12
"""Variance of the logarithm of volume below which it does not vary."""

_BAR, _VOLUME, _MONEY, _TRADED, _LOG, _LOG_SQUARE, _MOVED, _IMPACT, _PRICED, _WEIGHT, _WEIGHTED = range(11)


def _advance(
    inputs: tuple[FloatArray, ...],
    windows: Windows,
    count: int,
    plan: IntArray,
    scale: float,
    extra: FloatArray,
    out: FloatArray,
) -> None:
    close, log_close, high, low, volume, logs = inputs
    _, row, sums, observed, _, _ = windows
    for t in range(len(out)):
        now = t + 1
        _fill(close[now], log_close[t], log_close[now], high[now], low[now], volume[now], logs[now], row)
        slide(windows, count + t)
        observe_windows(windows, count + t + 1, 0, _BAR)
        observe_windows(windows, count + t + 1, 1, _TRADED)
        observe_windows(windows, count + t + 1, 2, _MOVED)
        observe_windows(windows, count + t + 1, 3, _PRICED)
        for k in range(len(plan)):
            family, fast, slow = plan[k]
            if family < 4:
                _of_volume(
                    family,
                    volume[now],
                    sums[fast],
                    observed[0, fast],
                    sums[slow],
                    observed[0, slow],
                    out[t, k],
                )
            else:
                _of_money(
                    family,
                    close[now],
                    row,
                    sums[fast],
                    observed[:, fast],
                    sums[slow],
                    observed[:, slow],
                    out[t, k],
                )


def _fill(
    close: FloatArray,
    log_before: FloatArray,
    log_close: FloatArray,
    high: FloatArray,
    low: FloatArray,
    volume: FloatArray,
    logs: FloatArray,
    row: FloatArray,
) -> None:
    for s in range(len(volume)):
        here, traded = np.isfinite(volume[s]), volume[s] > 0.0
        row[_BAR, s] = 1.0 if here else 0.0
        row[_VOLUME, s] = volume[s] if here else 0.0
        row[_MONEY, s] = volume[s] * close[s] if here else 0.0
        row[_TRADED, s] = 1.0 if traded else 0.0
        row[_LOG, s] = logs[s]
        row[_LOG_SQUARE, s] = logs[s] * logs[s]
        change = log_close[s] - log_before[s]
        moved = np.isfinite(change) & traded
        row[_MOVED, s] = 1.0 if moved else 0.0
        row[_IMPACT, s] = abs(change) / (volume[s] * close[s]) if moved else 0.0
        typical = (high[s] + low[s] + close[s]) * (volume[s] / 3.0)
        priced = np.isfinite(typical)
        row[_PRICED, s] = 1.0 if priced else 0.0
        row[_WEIGHT, s] = volume[s] if priced else 0.0
        row[_WEIGHTED, s] = typical if priced else 0.0


def _of_volume(
    family: int,
    volume: FloatArray,
    sums: FloatArray,
    count: FloatArray,
    slow: FloatArray,
    slow_count: FloatArray,
    out: FloatArray,
) -> None:
    total, slow_total = sums[_VOLUME], slow[_VOLUME]
    if family == 0:
        for s in range(len(out)):
            out[s] = volume[s] / _mean(total[s], count[s])
    elif family == 1:
        for s in range(len(out)):
            out[s] = _mean(total[s], count[s]) / _mean(slow_total[s], slow_count[s]) - 1.0
    elif family == 2:
        traded = sums[_TRADED]
        for s in range(len(out)):
            out[s] = 1.0 - traded[s] / count[s]
    else:
        money = sums[_MONEY]
        for s in range(len(out)):
            out[s] = (0.0 if money[s] < 0.0 else money[s]) / count[s]


def _mean(total: float, count: float) -> float:
    mean = total / count
    return mean if mean > 0.0 else np.nan


def _of_money(
    family: int,
    close: FloatArray,
    row: FloatArray,
    sums: FloatArray,
    observed: FloatArray,
    slow: FloatArray,
    slow_observed: FloatArray,
    out: FloatArray,
) -> None:
    if family == 4:
        logs, squares, newest, traded = sums[_LOG], sums[_LOG_SQUARE], row[_LOG], observed[1]
        for s in range(len(out)):
            mean = logs[s] / traded[s]
            variance = squares[s] / traded[s] - mean * mean
            out[s] = (newest[s] - mean) / np.sqrt(variance if variance >= _STANDSTILL else np.nan)
    elif family == 5:
        impact, moved = sums[_IMPACT], observed[2]
        for s in range(len(out)):
            out[s] = _impact(impact[s], moved[s])
    elif family == 6:
        impact, moved, slow_impact, slow_moved = sums[_IMPACT], observed[2], slow[_IMPACT], slow_observed[2]
        for s in range(len(out)):
            under = _impact(slow_impact[s], slow_moved[s])
            out[s] = _impact(impact[s], moved[s]) / (under if under > 0.0 else np.nan) - 1.0
    else:
        weights, weighted, priced = sums[_WEIGHT], sums[_WEIGHTED], observed[3]
        for s in range(len(out)):
            weight = weights[s] + 0.0 * priced[s]
            out[s] = close[s] * (weight if weight > 0.0 else np.nan) / weighted[s] - 1.0


def _impact(impact: float, moved: float) -> float:
    return (0.0 if impact < 0.0 else impact) * 1e6 / moved


class VolumeLevelBank(CompiledBank):
    """Sums of volume, its logarithm, money traded and impact over sliding windows.

    Bars without trades count as bars of no volume; they have no logarithm and no impact.
    """

    panel_window = 2
    first_bar = 0
    channels = 11
    presences = (_BAR, _TRADED, _MOVED, _PRICED)
    families: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "relative_volume": (_VOLUME,),
        "volume_trend": (_VOLUME,),
        "zero_volume_share": (),
        "dollar_volume": (_MONEY,),
        "volume_zscore": (_LOG, _LOG_SQUARE),
        "amihud": (_IMPACT,),
        "amihud_trend": (_IMPACT,),
        "vwap_distance": (_WEIGHT, _WEIGHTED),
    }
    kernel = staticmethod(_advance)
    parts = (_fill, _of_volume, _mean, _of_money, _impact)

    def inputs(self, panel: Panel, bars: int) -> tuple[FloatArray, ...]:
        """Prices and volume, one bar more than asked for, and the logarithm of volume, 0 where nothing was traded."""
        prices = tuple(
            panel.stretch(name, bars, 1) for name in ("close", "log_close", "high", "low", "volume")
        )
        volume = prices[-1]
        return (*prices, np.log(np.where(volume > 0.0, volume, 1.0)))


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
