"""Where the price stands below its past highs and above its past lows, and how bad it has been within a window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.contract import Bank, Feature, Request, distinct, routes
from tuiconsole.features.rolling_sums import RollingSums
from tuiconsole.features.summed import window_and

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_HIGH, _LOW, _FALL, _RISE = range(4)


class _Extremes:
    """High, low, worst fall and best rise of the log closes of one sliding window, in constant time per bar.

    Bars are cut into blocks of one window. A window is a suffix of the last block and a prefix of this one; both are
    known as (high, low, fall, rise), and two stretches ``a``, ``b`` join to the higher high, the lower low and
    ``max(fall a, fall b, high a - low b)`` (van Herk, 1992, extended to drawdowns). Missing closes count for nothing.
    """

    def __init__(self, window: int, n_symbols: int) -> None:
        self._window = window
        self._suffix: FloatArray = _nothing((window + 1, n_symbols))
        self._prefix: FloatArray = _nothing((1, n_symbols))[0]
        self._block: FloatArray = np.full((window, n_symbols), np.nan)
        self._at = 0

    def push(self, x: FloatArray) -> FloatArray:
        """Take in log closes ``[n_symbols]``; the window's ``[4, n_symbols]``, infinite where nothing was seen."""
        if self._at == self._window:
            self._close_block()
        self._block[self._at] = x
        self._at += 1
        prefix = self._prefix
        np.fmax(prefix[_FALL], prefix[_HIGH] - x, out=prefix[_FALL])
        np.fmax(prefix[_RISE], x - prefix[_LOW], out=prefix[_RISE])
        np.fmax(prefix[_HIGH], x, out=prefix[_HIGH])
        np.fmin(prefix[_LOW], x, out=prefix[_LOW])
        suffix = self._suffix[self._at]
        out: FloatArray = np.maximum(suffix, prefix)
        np.minimum(suffix[_LOW], prefix[_LOW], out=out[_LOW])
        np.maximum(out[_FALL], suffix[_HIGH] - prefix[_LOW], out=out[_FALL])
        np.maximum(out[_RISE], prefix[_HIGH] - suffix[_LOW], out=out[_RISE])
        return out

    def _close_block(self) -> None:
        backward = self._block[::-1]
        high = np.fmax.accumulate(np.where(np.isnan(backward), -np.inf, backward), axis=0)
        low = np.fmin.accumulate(np.where(np.isnan(backward), np.inf, backward), axis=0)
        suffix = self._suffix[:-1][::-1]
        suffix[:, _HIGH], suffix[:, _LOW] = high, low
        fall, rise = backward - low, high - backward
        suffix[:, _FALL] = np.maximum.accumulate(np.where(np.isnan(fall), 0.0, fall), axis=0)
        suffix[:, _RISE] = np.maximum.accumulate(np.where(np.isnan(rise), 0.0, rise), axis=0)
        self._prefix[...] = _nothing((1, self._prefix.shape[1]))[0]
        self._at = 0

    def state(self) -> dict[str, Any]:
        """The two stretches and the present block."""
        return {
            "suffix": self._suffix.copy(),
            "prefix": self._prefix.copy(),
            "block": self._block.copy(),
            "at": self._at,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._suffix[...] = state["suffix"]
        self._prefix[...] = state["prefix"]
        self._block[...] = state["block"]
        self._at = int(state["at"])


def _nothing(shape: tuple[int, int]) -> FloatArray:
    """Stretches without a close: ``[n, 4, n_symbols]``."""
    out = np.zeros((shape[0], 4, shape[1]))
    out[:, _HIGH], out[:, _LOW] = -np.inf, np.inf
    return out


class DrawdownBank(Bank):
    """Falls and rises of the close within sliding windows; 80 % of a window's closes must be good."""

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self._windows = distinct(requests)
        self._extremes = [_Extremes(window, n_symbols) for window in self._windows]
        self._presence = RollingSums(self._windows, 1, n_symbols)
        self._squares = RollingSums(self._windows, 1 + len(self._windows), n_symbols)
        self._row: FloatArray = np.zeros((1 + len(self._windows), n_symbols))
        self._found: FloatArray = np.zeros((len(self._windows), 4, n_symbols))
        self._under: FloatArray = np.zeros((len(self._windows), n_symbols))
        self._column: FloatArray = np.array(self._windows, dtype=np.float64)[:, None]
        self._routes = routes(requests)

    def update(self, panel: Panel) -> None:
        """Take in the newest close."""
        close = panel.latest("log_close")
        present = np.isfinite(close)
        self._row[0] = present
        self._presence.push(self._row[:1])
        shown = self._presence.observations(present) * 0.0
        for index, extremes in enumerate(self._extremes):
            self._found[index] = extremes.push(close)
        with np.errstate(invalid="ignore"):
            depth = close - self._found[:, _HIGH]
            self._refresh(depth, shown, present)

    def _refresh(self, depth: FloatArray, shown: FloatArray, present: FloatArray) -> None:
        self._under += 1.0
        np.minimum(self._under, self._column, out=self._under)
        np.copyto(self._under, 0.0, where=depth >= 0.0)
        fall = np.expm1(depth) + shown
        self._put("drawdown", fall)
        self._put("max_drawdown", np.expm1(-self._found[:, _FALL]) + shown)
        self._put("max_rise", np.expm1(self._found[:, _RISE]) + shown)
        self._put("bars_under_water", self._under + shown)
        if "drawdown_velocity" in self._routes:
            self._put("drawdown_velocity", fall / np.maximum(self._under, 1.0))
        if "ulcer_index" in self._routes:
            percent = 100.0 * np.expm1(depth)
            self._row[1:] = np.where(present, percent * percent, 0.0)
            self._squares.push(self._row)
            diagonal = np.arange(len(self._windows))
            mean = self._squares.sums[diagonal, 1 + diagonal] / self._squares.sums[:, 0]
            self._put("ulcer_index", np.sqrt(np.maximum(mean, 0.0)) + shown)

    def _put(self, family: str, results: FloatArray) -> None:
        rows = self._routes.get(family)
        if rows is not None:
            self.values[rows[0]] = results[rows[1]]

    def state(self) -> dict[str, Any]:
        """Stretches, counts and sums."""
        return {
            "extremes": [extremes.state() for extremes in self._extremes],
            "presence": self._presence.state(),
            "squares": self._squares.state(),
            "under": self._under.copy(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        for extremes, saved in zip(self._extremes, state["extremes"], strict=True):
            extremes.restore(saved)
        self._presence.restore(state["presence"])
        self._squares.restore(state["squares"])
        self._under[...] = state["under"]


def _entry(
    family: str, formula: str, unit: str, source: str, listed: Sequence[int], minimum: int = 2
) -> Feature:
    return Feature(
        family=family,
        parameters=("window",),
        minimum=(minimum,),
        formula=formula,
        unit=unit,
        source=source,
        needs=("close",),
        window_bars=window_and(0),
        bank=DrawdownBank,
        example=(60,),
        listed=tuple((window,) for window in listed),
    )


_CHEKHLOV = "Chekhlov, Uryasev, Zabarankin (2005), Int. J. Theoretical and Applied Finance 8(1)"
_GROSSMAN = "Grossman, Zhou (1993), Mathematical Finance 3(3)"

FEATURES = (
    _entry(
        "drawdown", "C[t] / max(C over the last window bars) - 1", "fraction", _GROSSMAN, (20, 60, 120, 252)
    ),
    _entry(
        "max_drawdown",
        "least C[j] / C[i] - 1 with i <= j within the last window bars",
        "fraction",
        _CHEKHLOV,
        (20, 60, 120, 252),
    ),
    _entry(
        "max_rise",
        "greatest C[j] / C[i] - 1 with i <= j within the last window bars",
        "fraction",
        _CHEKHLOV,
        (20, 60, 120, 252),
    ),
    _entry(
        "bars_under_water",
        "bars since the close was last the highest of its window; at most window",
        "bars",
        _GROSSMAN,
        (60, 120, 252),
    ),
    _entry(
        "drawdown_velocity",
        "drawdown / max(1, bars_under_water)",
        "fraction per bar",
        _GROSSMAN,
        (60, 120, 252),
    ),
    _entry(
        "ulcer_index",
        "square root of the mean of (100 drawdown)^2 over the last window bars",
        "percent",
        "Martin, McCann (1989), The Investor's Guide to Fidelity Funds",
        (60, 120, 252),
    ),
)
