"""Which way volume went: on-balance volume, money flow, accumulation, ease of movement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.features.anchored_sums import AnchoredSums
from tuiconsole.features.compiled import CompiledBank, Windows, observe_windows, slide
from tuiconsole.features.contract import Bank, Feature, Request, Rows, rows_at, rows_of
from tuiconsole.features.rolling_sums import blank

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_SIGNED, _FLOW, _VOLUME, _TYPICAL, _UP_MONEY, _DOWN_MONEY, _RANGED, _MULTIPLIED, _WEIGHT = range(9)
_EASY, _EASE, _EASE_VOLUME = range(9, 12)
_ROUNDING = 1e-13
"""Share of a sum that is rounding error."""


def _advance(
    inputs: tuple[FloatArray, ...],
    windows: Windows,
    count: int,
    plan: IntArray,
    scale: float,
    extra: FloatArray,
    out: FloatArray,
) -> None:
    high, low, close, volume = inputs
    _, row, sums, observed, _, _ = windows
    for t in range(len(out)):
        _fill_moves(high[t], low[t], close[t], high[t + 1], low[t + 1], close[t + 1], volume[t + 1], row)
        _fill_ranges(high[t], low[t], high[t + 1], low[t + 1], close[t + 1], volume[t + 1], row)
        slide(windows, count + t)
        observe_windows(windows, count + t + 1, 0, _SIGNED)
        observe_windows(windows, count + t + 1, 1, _TYPICAL)
        observe_windows(windows, count + t + 1, 2, _RANGED)
        observe_windows(windows, count + t + 1, 3, _EASY)
        for k in range(len(plan)):
            family, w = plan[k, 0], plan[k, 1]
            _of_flow(family, sums[w], observed[family, w], out[t, k])


def _fill_moves(
    high_before: FloatArray,
    low_before: FloatArray,
    close_before: FloatArray,
    high: FloatArray,
    low: FloatArray,
    close: FloatArray,
    volume: FloatArray,
    row: FloatArray,
) -> None:
    for s in range(len(close)):
        change = close[s] - close_before[s]
        sign = 1.0 if change > 0.0 else (-1.0 if change < 0.0 else 0.0)
        flow = sign * volume[s]
        seen = np.isfinite(flow) & np.isfinite(change)
        row[_SIGNED, s] = 1.0 if seen else 0.0
        row[_FLOW, s] = flow if seen else 0.0
        row[_VOLUME, s] = volume[s] if seen else 0.0
        typical, typical_before = (
            high[s] + low[s] + close[s],
            high_before[s] + low_before[s] + close_before[s],
        )
        money = typical * volume[s]
        seen = np.isfinite(money + typical_before)
        row[_TYPICAL, s] = 1.0 if seen else 0.0
        row[_UP_MONEY, s] = money if seen & (typical > typical_before) else 0.0
        row[_DOWN_MONEY, s] = money if seen & (typical < typical_before) else 0.0


def _fill_ranges(
    high_before: FloatArray,
    low_before: FloatArray,
    high: FloatArray,
    low: FloatArray,
    close: FloatArray,
    volume: FloatArray,
    row: FloatArray,
) -> None:
    for s in range(len(close)):
        width = high[s] - low[s]
        multiplied = (
            ((close[s] - low[s]) - (high[s] - close[s])) / (1.0 if width == 0.0 else width) * volume[s]
        )
        seen = np.isfinite(multiplied)
        row[_RANGED, s] = 1.0 if seen else 0.0
        row[_MULTIPLIED, s] = multiplied if seen else 0.0
        row[_WEIGHT, s] = volume[s] if seen else 0.0
        ease = (high[s] + low[s] - (high_before[s] + low_before[s])) * width
        ease /= (volume[s] if volume[s] > 0.0 else np.nan) * (2.0 * close[s] * close[s])
        seen = np.isfinite(ease)
        row[_EASY, s] = 1.0 if seen else 0.0
        row[_EASE, s] = ease if seen else 0.0
        row[_EASE_VOLUME, s] = volume[s] if seen else 0.0


def _of_flow(family: int, sums: FloatArray, count: FloatArray, out: FloatArray) -> None:
    if family == 1:
        ups, downs = sums[_UP_MONEY], sums[_DOWN_MONEY]
        for s in range(len(out)):
            up, down = 0.0 if ups[s] < 0.0 else ups[s], 0.0 if downs[s] < 0.0 else downs[s]
            total = up + down + 0.0 * count[s]
            out[s] = 100.0 * up / (total if total != 0.0 else np.nan)
    elif family == 3:
        ease, volume = sums[_EASE], sums[_EASE_VOLUME]
        for s in range(len(out)):
            out[s] = (ease[s] / count[s]) * (volume[s] / count[s])
    else:
        part, whole = sums[_FLOW if family == 0 else _MULTIPLIED], sums[_VOLUME if family == 0 else _WEIGHT]
        for s in range(len(out)):
            total = whole[s] + 0.0 * count[s]
            out[s] = part[s] / (total if total > 0.0 else np.nan)


class VolumeFlowBank(CompiledBank):
    """Sums over sliding windows of volume with a sign. Moves are from the bar before, which must be there."""

    panel_window = 2
    channels = 12
    presences = (_SIGNED, _TYPICAL, _RANGED, _EASY)
    families: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "obv_share": (_FLOW, _VOLUME),
        "mfi": (_UP_MONEY, _DOWN_MONEY),
        "cmf": (_MULTIPLIED, _WEIGHT),
        "ease_of_movement": (_EASE, _EASE_VOLUME),
    }
    kernel = staticmethod(_advance)
    parts = (_fill_moves, _fill_ranges, _of_flow)

    def inputs(self, panel: Panel, bars: int) -> tuple[FloatArray, ...]:
        """Prices and volume, one bar more than asked for."""
        return tuple(panel.stretch(name, bars, 1) for name in ("high", "low", "close", "volume"))


class CumulativeVolumeBank(Bank):
    """On-balance volume and the accumulation/distribution line since the first bar, and their place in a window.

    The change of the close is from the last close observed; a bar without volume changes nothing.
    """

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self._lines: FloatArray = np.zeros((2, n_symbols))
        self._previous: FloatArray = np.full(n_symbols, np.nan)
        self._levels = [row for row, request in enumerate(requests) if not request.parameters]
        self._line_of = [int(request.feature.family.startswith("accumulation")) for request in requests]
        windows = sorted({window for request in requests for window in request.parameters}) or [1]
        self._places: list[tuple[Rows, Rows, int]] = []
        for family, first in (("obv_zscore", 0), ("accumulation_zscore", n_symbols)):
            if rows := rows_of(requests, family):
                places = [windows.index(requests[row].parameters[0]) for row in rows]
                self._places.append((rows_at(rows), rows_at(places), first))
        self._sums = AnchoredSums(windows, 2 * n_symbols)

    def update(self, panel: Panel) -> None:
        """Take in the newest prices and volume."""
        high, low, close, volume = (panel.latest(field) for field in ("high", "low", "close", "volume"))
        here = np.isfinite(close)
        sign = np.sign(
            close - np.where(np.isnan(self._previous), 0.0, self._previous)
        )  # the first bar counts as up
        np.copyto(self._previous, close, where=here)
        width = high - low
        multiplier = ((close - low) - (high - close)) / np.where(width == 0.0, 1.0, width)
        known = [sign * volume, multiplier * volume]
        present = [np.isfinite(flow) for flow in known]
        for line, flow, there in zip(self._lines, known, present, strict=True):
            line += np.where(there, flow, 0.0)
        shown = np.where(np.stack(present), self._lines, np.nan)
        for row in self._levels:
            self.values[row] = shown[self._line_of[row]]
        if self._places:
            self._refresh(shown)

    def _refresh(self, shown: FloatArray) -> None:
        both, sums = shown.ravel(), self._sums
        sums.push(both)
        variance = sums.variance()
        scale = variance + sums.mean * sums.mean
        blank(variance, variance <= _ROUNDING * scale)
        found = (both - sums.anchor - sums.mean) / np.sqrt(variance)
        n_symbols = shown.shape[1]
        for at, place, symbols in self._places:
            self.values[at] = found[place, symbols : symbols + n_symbols]

    def state(self) -> dict[str, Any]:
        """The lines, their sums and the last close observed."""
        return {
            "lines": self._lines.copy(),
            "previous": self._previous.copy(),
            "sums": self._sums.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._lines[...] = state["lines"]
        self._previous[...] = state["previous"]
        self._sums.restore(state["sums"])


_GRANVILLE = "Granville (1963), New Key to Stock Market Profits"
_CHAIKIN = "Chaikin, as in Achelis (2000), Technical Analysis from A to Z"
_MULTIPLIER = "((C - L) - (H - C)) / (H - L)"
_ALL = ("high", "low", "close", "volume")
_STILL = "; NaN where nothing was traded"


def _entry(
    family: str,
    formula: str,
    unit: str,
    source: str,
    needs: tuple[str, ...],
    listed: tuple[tuple[int, ...], ...],
    bank: type[Bank] = VolumeFlowBank,
) -> Feature:
    one_before = bank is VolumeFlowBank
    return Feature(
        family=family,
        parameters=("window",),
        minimum=(5,),
        formula=formula,
        unit=unit,
        source=source,
        needs=needs,
        window_bars=lambda window: int(window) + one_before,
        bank=bank,
        example=(14,),
        listed=listed,
    )


def _level(family: str, formula: str, source: str, needs: tuple[str, ...]) -> Feature:
    return Feature(
        family=family,
        parameters=(),
        minimum=(),
        formula=formula,
        unit="shares",
        source=source,
        needs=needs,
        window_bars=lambda: 1,
        bank=CumulativeVolumeBank,
        example=(),
    )


FEATURES = (
    _entry(
        "obv_share",
        "sum of sign(C[t] - C[t-1]) V / sum of V over the window" + _STILL,
        "-1 to 1",
        _GRANVILLE,
        ("close", "volume"),
        ((5,), (10,), (20,), (60,)),
    ),
    _entry(
        "mfi",
        "100 U / (U + D), sums of T V at bars with T above and below T[t-1], T = (H + L + C) / 3; "
        "NaN where the price stood still",
        "0 to 100",
        "Quong, Soudack (1989), Technical Analysis of Stocks & Commodities 7(3); TA-Lib MFI",
        _ALL,
        ((7,), (14,), (28,)),
    ),
    _entry(
        "cmf",
        f"sum of {_MULTIPLIER} V / sum of V over the window" + _STILL,
        "-1 to 1",
        _CHAIKIN,
        _ALL,
        ((10,), (20,), (60,)),
    ),
    _entry(
        "ease_of_movement",
        "mean of (M[t] - M[t-1]) (H - L) / (C^2 V) times mean of V over the traded bars, M = (H + L) / 2",
        "squared fraction of the price",
        "Arms (1989), The Arms Index, over price and volume",
        _ALL,
        ((14,), (28,)),
    ),
    _level(
        "obv",
        "sum of sign(C[t] - C[t-1]) V since the first bar, which counts as up",
        _GRANVILLE + "; TA-Lib OBV",
        ("close", "volume"),
    ),
    _level("accumulation", f"sum of {_MULTIPLIER} V since the first bar", _CHAIKIN + "; TA-Lib AD", _ALL),
    _entry(
        "obv_zscore",
        "(obv - its mean) / its standard deviation (ddof 0) over the window; NaN where the price stood still",
        "standard deviations",
        _GRANVILLE,
        ("close", "volume"),
        (),
        CumulativeVolumeBank,
    ),
    _entry(
        "accumulation_zscore",
        "(accumulation - its mean) / its standard deviation (ddof 0) over the window; NaN where the price stood still",
        "standard deviations",
        _CHAIKIN,
        _ALL,
        (),
        CumulativeVolumeBank,
    ),
)
