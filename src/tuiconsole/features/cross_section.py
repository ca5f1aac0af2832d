"""Where a symbol stands among all symbols: ranks and z-scores of what has happened to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.features.compiled import CompiledBank, Windows, observe_windows, slide
from tuiconsole.features.contract import Bank, Feature, Request, rows_at

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_LEAST_SPREAD = 1e-12
"""Standard deviation across symbols below which they are all alike."""


def _advance(
    inputs: tuple[FloatArray, ...],
    windows: Windows,
    count: int,
    plan: IntArray,
    scale: float,
    extra: FloatArray,
    out: FloatArray,
) -> None:
    log_closes, closes, volumes = inputs
    _, row, sums, observed, _, _ = windows
    before = len(closes) - len(out)
    for t in range(len(out)):
        now = before + t
        _fill(log_closes[now - 1], log_closes[now], closes[now], volumes[now], row)
        slide(windows, count + t)
        observe_windows(windows, count + t + 1, 0, 0)
        observe_windows(windows, count + t + 1, 1, 3)
        observe_windows(windows, count + t + 1, 2, 5)
        for k in range(len(plan)):
            family, w, lag = plan[k]
            if family < 2:
                newest, oldest = log_closes[now], log_closes[now - lag]
                for s in range(len(newest)):
                    out[t, k, s] = newest[s] - oldest[s]
            else:
                _of_sums(family // 2, volumes[now], sums[w], observed[:, w], out[t, k])


def _fill(
    before: FloatArray, newest: FloatArray, closes: FloatArray, volumes: FloatArray, row: FloatArray
) -> None:
    for s in range(len(newest)):
        change, volume, money = newest[s] - before[s], volumes[s], volumes[s] * closes[s]
        row[0, s] = 1.0 if np.isfinite(change) else 0.0
        change = change if np.isfinite(change) else 0.0
        row[1, s], row[2, s] = change, change * change
        row[3, s] = 1.0 if np.isfinite(volume) else 0.0
        row[4, s] = volume if np.isfinite(volume) else 0.0
        row[5, s] = 1.0 if np.isfinite(money) else 0.0
        row[6, s] = money if np.isfinite(money) else 0.0


def _of_sums(subject: int, volume: FloatArray, sums: FloatArray, counts: FloatArray, out: FloatArray) -> None:
    for s in range(len(out)):
        if subject == 1:
            mean = sums[1, s] / counts[0, s]
            variance = sums[2, s] / counts[0, s] - mean * mean
            out[s] = np.sqrt(0.0 if variance < _LEAST_SPREAD * _LEAST_SPREAD else variance)
        elif subject == 2:
            mean = sums[4, s] / counts[1, s]
            out[s] = volume[s] / mean if mean > 0.0 else np.nan
        else:
            mean = sums[6, s] / counts[2, s]
            out[s] = np.log(mean if mean > 0.0 else np.nan)


class _Subjects(CompiledBank):
    """What symbols are ranked by; one row for each different subject, asked for by its rank or its score."""

    first_bar = 0
    channels = 7
    presences = (0, 3, 5)
    families: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "return_rank": (),
        "return_score": (),
        "volatility_rank": (1, 2),
        "volatility_score": (1, 2),
        "volume_rank": (4,),
        "volume_score": (4,),
        "dollar_volume_rank": (6,),
        "dollar_volume_score": (6,),
    }
    kernel = staticmethod(_advance)
    parts = (_fill, _of_sums)

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self.panel_window = 1 + max(1, *(request.parameters[0] for request in requests))

    def windows_of(self, request: Request) -> tuple[int, ...]:
        """The parameter, except of returns, which have a number of bars."""
        return (1,) if _subject(request.feature.family) == "return" else request.parameters

    def places(self, request: Request) -> tuple[int, int]:
        """The place of the window, and the parameter itself."""
        return self.windows.index(*self.windows_of(request)), request.parameters[0]

    def inputs(self, panel: Panel, bars: int) -> tuple[FloatArray, ...]:
        """Log closes, closes and volume, as far back as the longest return."""
        return tuple(
            panel.stretch(name, bars, self.panel_window - 1) for name in ("log_close", "close", "volume")
        )


class CrossSectionBank(Bank):
    """Ranks and z-scores across the universe of returns, volatilities and volumes.

    A rank is ``(position - 0.5) / count`` among the symbols that have a value, ties by column, so always between 0 and
    1; a z-score is against the universe's mean and population standard deviation.
    """

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        subjects = [(_subject(request.feature.family), request.parameters[0]) for request in requests]
        distinct = list(dict.fromkeys(subjects))
        places = [distinct.index(subject) for subject in subjects]
        self._rank = _pairs(requests, places, "_rank")
        self._score = _pairs(requests, places, "_score")
        self._subjects = _Subjects(
            [requests[subjects.index(each)] for each in distinct], n_symbols, bars_per_year
        )
        self.panel_window = self._subjects.panel_window
        self._ranks = _Ranks(n_symbols)

    def update(self, panel: Panel) -> None:
        """Refresh the subjects, then how each symbol stands in them."""
        self._subjects.update(panel)
        self._stand(self._subjects.values[None], self.values[None])

    def update_block(self, panel: Panel, bars: int, out: FloatArray) -> None:
        """The subjects of all bars, then how each symbol stands in them, some bars at a time."""
        found: FloatArray = np.empty((bars, *self._subjects.values.shape))
        self._subjects.update_block(panel, bars, found)
        for first in range(0, bars, _TOGETHER):
            some = slice(first, first + _TOGETHER)
            self._stand(found[some], out[some])
        self.values[...] = out[-1]

    def _stand(self, subjects: FloatArray, out: FloatArray) -> None:
        n_symbols = subjects.shape[-1]
        for chosen, standing in ((self._rank, self._ranks.of), (self._score, scores)):
            if chosen is not None:
                rows, places = chosen
                taken = subjects.take(places, axis=1)
                with np.errstate(invalid="ignore", divide="ignore"):
                    out[:, rows] = standing(taken.reshape(-1, n_symbols)).reshape(taken.shape)

    def state(self) -> dict[str, Any]:
        """The sums behind volatility and volume."""
        return {"subjects": self._subjects.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._subjects.restore(state["subjects"])


_TOGETHER = 8
"""Bars whose ranks are found at once."""


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

    def __init__(self, n_symbols: int) -> None:
        self._mask = (1 << max(1, (n_symbols - 1).bit_length())) - 1
        self._columns: IntArray = np.arange(n_symbols, dtype=np.int64)
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
        keys += np.arange(0, x.size, x.shape[1], dtype=np.int64)[:, None]
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
