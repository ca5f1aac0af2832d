"""Where a symbol stands among all symbols: ranks and z-scores of what has happened to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.features.contract import Bank, Feature, Request, rows_at
from tuiconsole.features.rolling_sums import RollingSums, observe

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_LEAST_SPREAD = 1e-12
"""Standard deviation across symbols below which they are all alike."""


class CrossSectionBank(Bank):
    """Ranks and z-scores across the universe of returns, volatilities and volumes.

    A rank is ``(position - 0.5) / count`` among the symbols that have a value, ties by column, so always between 0 and
    1; a z-score is against the universe's mean and population standard deviation.
    """

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        subjects = [(_subject(request.feature.family), request.parameters[0]) for request in requests]
        distinct = list(dict.fromkeys(subjects))
        self._subjects: FloatArray = np.full((len(distinct), n_symbols), np.nan)
        places = [distinct.index(subject) for subject in subjects]
        self._rank = _pairs(requests, places, "_rank")
        self._score = _pairs(requests, places, "_score")
        self._returns = [(row, bars) for row, (kind, bars) in enumerate(distinct) if kind == "return"]
        self.panel_window = 1 + max([1, *(bars for _, bars in self._returns)])
        self._volatility = _Sums(distinct, "volatility", n_symbols, 3)
        self._volume = _Sums(distinct, "volume", n_symbols, 2)
        self._dollars = _Sums(distinct, "dollar_volume", n_symbols, 2)
        self._ranks = _Ranks(0 if self._rank is None else len(self._rank[1]), n_symbols)

    def update(self, panel: Panel) -> None:
        """Refresh the subjects, then how each symbol stands in them."""
        newest = panel.latest("log_close")
        subjects = self._subjects
        for row, bars in self._returns:
            np.subtract(newest, panel.ago("log_close", bars), out=subjects[row])
        with np.errstate(invalid="ignore", divide="ignore"):
            if self._volatility.sums is not None and panel.count > 1:
                change = newest - panel.ago("log_close", 1)
                mean, second = self._volatility.push(change)
                variance = second - mean * mean
                subjects[self._volatility.rows] = np.sqrt(
                    np.where(variance < _LEAST_SPREAD**2, 0.0, variance)
                )
            if self._volume.sums is not None:
                volume = panel.latest("volume")
                mean = self._volume.push(volume)[0]
                subjects[self._volume.rows] = np.where(mean > 0.0, volume / mean, np.nan)
            if self._dollars.sums is not None:
                mean = self._dollars.push(panel.latest("volume") * panel.latest("close"))[0]
                subjects[self._dollars.rows] = np.log(np.where(mean > 0.0, mean, np.nan))
            self._stand()

    def _stand(self) -> None:
        if self._rank is not None:
            rows, places = self._rank
            self.values[rows] = self._ranks.of(self._subjects.take(places, axis=0))
        if self._score is not None:
            rows, places = self._score
            self.values[rows] = scores(self._subjects.take(places, axis=0))

    def state(self) -> dict[str, Any]:
        """The sums behind volatility and volume."""
        return {"sums": [part.state() for part in (self._volatility, self._volume, self._dollars)]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        for part, saved in zip((self._volatility, self._volume, self._dollars), state["sums"], strict=True):
            part.restore(saved)


class _Sums:
    """Rolling sums behind the subjects of one kind, if there are any."""

    def __init__(self, distinct: Sequence[tuple[str, int]], kind: str, n_symbols: int, channels: int) -> None:
        windows = sorted({window for found, window in distinct if found == kind})
        self.rows = np.array([distinct.index((kind, window)) for window in windows], dtype=np.int64)
        self.sums = RollingSums(windows, channels, n_symbols) if windows else None
        self._row: FloatArray = np.zeros((channels, n_symbols))

    def push(self, x: FloatArray) -> FloatArray:
        """Means of ``x``, and of its square if there is a channel for it: ``[channels - 1, n_windows, n_symbols]``."""
        if self.sums is None:
            raise ValueError("no subject of this kind was asked for")
        row = self._row
        present = observe(x, row[0], row[1])
        if len(row) > 2:
            np.multiply(row[1], row[1], out=row[2])
        self.sums.push(row)
        means: FloatArray = self.sums.sums.swapaxes(0, 1)[1:] / self.sums.observations(present)
        return means

    def state(self) -> dict[str, Any]:
        return {} if self.sums is None else self.sums.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        if self.sums is not None:
            self.sums.restore(state)


def _subject(family: str) -> str:
    return family.removesuffix("_rank").removesuffix("_score")


def _pairs(requests: Sequence[Request], places: Sequence[int], ending: str) -> Any:
    rows = [row for row, request in enumerate(requests) if request.feature.family.endswith(ending)]
    return (rows_at(rows), np.array([places[row] for row in rows], dtype=np.int64)) if rows else None


class _Ranks:
    """Ranks along the symbol axis by sorting whole numbers that hold a value's leading bits and its column.

    Sorting whole numbers is several times faster than finding the order of floats. The last bits of a value, as many
    as a column's number has, are given up: values that agree in 40 leading bits are ties.
    """

    def __init__(self, rows: int, n_symbols: int) -> None:
        self._mask = (1 << max(1, (n_symbols - 1).bit_length())) - 1
        self._columns: IntArray = np.arange(n_symbols, dtype=np.int64)
        self._offsets: IntArray = n_symbols * np.arange(rows, dtype=np.int64)[:, None]
        self._shares: FloatArray = np.arange(0.5, n_symbols)[None]

    def of(self, x: FloatArray) -> FloatArray:
        """Ranks of ``x`` ``[rows, n_symbols]``, overwritten, as shares of the values seen; NaN where ``x`` is."""
        missing = np.isnan(x)
        gaps = np.count_nonzero(missing)
        if gaps:
            x[missing] = np.nan  # one NaN, without a sign: the last of all
        x += 0.0
        keys = x.view(np.int64)
        keys ^= (keys >> 63) & np.int64(2**63 - 1)
        keys &= ~self._mask
        keys |= self._columns
        keys.sort(axis=1)
        keys &= self._mask
        keys += self._offsets
        out = np.empty_like(x)
        count = x.shape[1] - missing.sum(axis=1, keepdims=True) if gaps else x.shape[1]
        out.reshape(-1)[keys] = self._shares / np.maximum(count, 1)
        if gaps:
            out[missing] = np.nan
        return out


def scores(x: FloatArray) -> FloatArray:
    """Z-scores along the last axis; NaN where ``x`` is, and where all are alike."""
    missing = np.isnan(x)
    if not np.count_nonzero(missing):
        centred = x - x.sum(axis=1, keepdims=True) / x.shape[1]
        deviation = np.sqrt((centred * centred).sum(axis=1, keepdims=True) / x.shape[1])
    else:
        count = np.maximum(x.shape[1] - np.count_nonzero(missing, axis=1), 1)[:, None]
        filled = np.where(missing, 0.0, x)
        centred = x - filled.sum(axis=1, keepdims=True) / count
        squares = np.where(missing, 0.0, centred * centred)
        deviation = np.sqrt(squares.sum(axis=1, keepdims=True) / count)
    found: FloatArray = centred / np.where(deviation > _LEAST_SPREAD, deviation, np.nan)
    return found


_RETURNS = (1, 5, 21, 63, 126, 252)
_SUBJECTS = {
    "return": ("ln(C[t] / C[t - bars])", "bars", 1, _RETURNS, ("close",), 1),
    "volatility": (
        "standard deviation (ddof 0) of the last window log-returns",
        "window",
        2,
        (20, 60),
        ("close",),
        1,
    ),
    "volume": ("V[t] / mean of V over the last window bars", "window", 2, (20,), ("close", "volume"), 0),
    "dollar_volume": (
        "ln of the mean of C V over the last window bars",
        "window",
        1,
        (20,),
        ("close", "volume"),
        0,
    ),
}


def _entries() -> tuple[Feature, ...]:
    found = []
    for ending, formula, unit in (
        ("rank", "(rank - 0.5) / count among all symbols of ", "0 to 1"),
        ("score", "z-score (ddof 0) among all symbols of ", "standard deviations"),
    ):
        for subject, (what, parameter, least, listed, needs, more) in _SUBJECTS.items():
            found.append(
                Feature(
                    family=f"{subject}_{ending}",
                    parameters=(parameter,),
                    minimum=(least,),
                    formula=formula + what,
                    unit=unit,
                    source="Jegadeesh, Titman (1993), Journal of Finance 48(1); Gu, Kelly, Xiu (2020), RFS 33(5)",
                    needs=needs,
                    window_bars=lambda bars, more=more: int(bars) + int(more),
                    bank=CrossSectionBank,
                    example=(20,),
                    listed=tuple((window,) for window in listed),
                )
            )
    return tuple(found)


FEATURES = (*_entries(),)
