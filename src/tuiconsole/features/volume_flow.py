"""Which way volume went: on-balance volume, money flow, accumulation, ease of movement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.anchored_sums import AnchoredSums
from tuiconsole.features.contract import Bank, Feature, Request, Rows, rows_at, rows_of
from tuiconsole.features.rolling_sums import RollingSums, blank
from tuiconsole.features.windowed import Formula, WindowedBank

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_SIGNED, _FLOW, _VOLUME, _TYPICAL, _UP_MONEY, _DOWN_MONEY, _RANGED, _MULTIPLIED, _WEIGHT = range(9)
_EASY, _EASE, _EASE_VOLUME = range(9, 12)
_STARTS = [_SIGNED, _TYPICAL, _RANGED, _EASY]
"""Channels of presence, each followed by the two that it speaks for."""
_ROUNDING = 1e-13
"""Share of a sum that is rounding error."""


class VolumeFlowBank(WindowedBank):
    """Sums over sliding windows of volume with a sign. Moves are from the bar before, which must be there."""

    panel_window = 2

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self._sums = RollingSums(self.windows, 12, n_symbols)
        self._row: FloatArray = np.zeros((12, n_symbols))
        self._signed = self._typical = self._ranged = self._easy = self.values

    def formulas(self) -> Mapping[str, Formula]:
        """Family → its formula."""
        return {
            "obv_share": self._obv_share,
            "mfi": self._mfi,
            "cmf": self._cmf,
            "ease_of_movement": self._ease_of_movement,
        }

    def update(self, panel: Panel) -> None:
        """Take in the newest prices and volume."""
        if panel.count < 2:
            return
        high, low, close, volume = (panel.latest(field) for field in ("high", "low", "close", "volume"))
        high_before, low_before, close_before = (panel.ago(field, 1) for field in ("high", "low", "close"))
        row = self._row
        np.multiply(np.sign(close - close_before), volume, out=row[_FLOW])
        row[_VOLUME] = volume
        middle, middle_before = high + low, high_before + low_before
        typical, typical_before = middle + close, middle_before + close_before
        money = typical * volume
        np.multiply(money, typical > typical_before, out=row[_UP_MONEY])
        np.multiply(money, typical < typical_before, out=row[_DOWN_MONEY])
        width = high - low
        flat = width == 0.0
        some = np.where(flat, 1.0, width)
        np.divide((close - low) - (high - close), some, out=row[_MULTIPLIED])
        row[_MULTIPLIED] *= volume
        row[_WEIGHT] = volume
        np.subtract(middle, middle_before, out=row[_EASE])
        row[_EASE] *= width
        row[_EASE] /= np.where(volume > 0.0, volume, np.nan) * (2.0 * close * close)
        row[_EASE_VOLUME] = volume
        money += typical_before
        whole = np.isfinite(money + row[_EASE])
        masks = [whole] * 4
        row[_STARTS] = 1.0
        if np.count_nonzero(whole) < whole.size:
            masks = [np.isfinite(x) for x in (row[_FLOW], money, row[_MULTIPLIED], row[_EASE])]
            for channel, mask in zip(_STARTS, masks, strict=True):
                row[channel] = mask
                row[channel + 1 : channel + 3, ~mask] = 0.0
        self._sums.push(row)
        self._signed, self._typical, self._ranged, self._easy = (
            self._sums.observations(mask, channel) for channel, mask in zip(_STARTS, masks, strict=True)
        )
        self.fill()

    def _obv_share(self, window: Rows) -> FloatArray:
        return self._sums.sums[window, _FLOW] / self._total(_VOLUME, window, self._signed)

    def _mfi(self, window: Rows) -> FloatArray:
        up = np.maximum(self._sums.sums[window, _UP_MONEY], 0.0)
        down = np.maximum(self._sums.sums[window, _DOWN_MONEY], 0.0)
        total = up + down + 0.0 * self._typical[window]
        blank(total, total == 0.0)
        return 100.0 * up / total

    def _cmf(self, window: Rows) -> FloatArray:
        return self._sums.sums[window, _MULTIPLIED] / self._total(_WEIGHT, window, self._ranged)

    def _ease_of_movement(self, window: Rows) -> FloatArray:
        count, sums = self._easy[window], self._sums.sums[window]
        return (sums[:, _EASE] / count) * (sums[:, _EASE_VOLUME] / count)

    def _total(self, channel: int, window: Rows, count: FloatArray) -> FloatArray:
        total: FloatArray = self._sums.sums[window, channel] + 0.0 * count[window]
        blank(total, total <= 0.0)
        return total

    def state(self) -> dict[str, Any]:
        """The sums."""
        return {"sums": self._sums.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._sums.restore(state["sums"])


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
        self._sums = AnchoredSums(windows, 2 * n_symbols, times=False)

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
        listed=((),),
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
        ((20,), (60,)),
        CumulativeVolumeBank,
    ),
    _entry(
        "accumulation_zscore",
        "(accumulation - its mean) / its standard deviation (ddof 0) over the window; NaN where the price stood still",
        "standard deviations",
        _CHAIKIN,
        _ALL,
        ((20,), (60,)),
        CumulativeVolumeBank,
    ),
)
