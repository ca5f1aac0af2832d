"""Where the price stands below its past highs and above its past lows, and how bad it has been within a window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import BoolArray, FloatArray
from tuiconsole.features.contract import Bank, Feature, Request, distinct, routes
from tuiconsole.features.rolling_sums import RollingSums
from tuiconsole.features.summed import window_and

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_HIGH, _LOW, _FALL, _RISE = range(4)


class _Extremes:
    """High, low, worst fall and best rise of the log closes of sliding windows, in constant time per bar.

    Bars are cut into blocks of one window. A window is a suffix of the last block and a prefix of this one; both are
    known as (high, low, fall, rise), and two stretches ``a``, ``b`` join to the higher high, the lower low and
    ``max(fall a, fall b, high a - low b)`` (van Herk, 1992, extended to drawdowns). Missing closes count for nothing.
    """

    def __init__(self, windows: Sequence[int], n_symbols: int) -> None:
        self._windows = tuple(windows)
        self._suffixes = [_nothing(window + 1, n_symbols) for window in windows]
        self._prefix: FloatArray = _nothing(len(windows), n_symbols)
        self._suffix: FloatArray = _nothing(len(windows), n_symbols)
        self._count = 0

    def push(self, panel: Panel) -> FloatArray:
        """Take in the newest log closes; ``[n_windows, 4, n_symbols]``, infinite where nothing was seen."""
        x, prefix, suffix = panel.latest("log_close"), self._prefix, self._suffix
        high, low = prefix[:, _HIGH], prefix[:, _LOW]
        np.fmax(prefix[:, _FALL], high - x, out=prefix[:, _FALL])
        np.fmax(prefix[:, _RISE], x - low, out=prefix[:, _RISE])
        np.fmax(high, x, out=high)
        np.fmin(low, x, out=low)
        for index, window in enumerate(self._windows):
            suffix[index] = self._suffixes[index][self._count % window + 1]
        out: FloatArray = np.maximum(suffix, prefix)
        np.minimum(suffix[:, _LOW], low, out=out[:, _LOW])
        np.maximum(out[:, _FALL], suffix[:, _HIGH] - low, out=out[:, _FALL])
        np.maximum(out[:, _RISE], high - suffix[:, _LOW], out=out[:, _RISE])
        self._count += 1
        for index, window in enumerate(self._windows):
            if self._count % window == 0:
                self._close_block(index, panel.window("log_close", window)[::-1])
        return out

    def _close_block(self, index: int, backward: FloatArray) -> None:
        high = np.fmax.accumulate(np.where(np.isnan(backward), -np.inf, backward), axis=0)
        low = np.fmin.accumulate(np.where(np.isnan(backward), np.inf, backward), axis=0)
        suffix = self._suffixes[index][:-1][::-1]
        suffix[:, _HIGH], suffix[:, _LOW] = high, low
        fall, rise = backward - low, high - backward
        suffix[:, _FALL] = np.maximum.accumulate(np.where(np.isnan(fall), 0.0, fall), axis=0)
        suffix[:, _RISE] = np.maximum.accumulate(np.where(np.isnan(rise), 0.0, rise), axis=0)
        self._prefix[index] = _nothing(1, self._prefix.shape[2])[0]

    def state(self) -> dict[str, Any]:
        """The stretches."""
        return {
            "suffixes": [suffix.copy() for suffix in self._suffixes],
            "prefix": self._prefix.copy(),
            "count": self._count,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        for suffix, saved in zip(self._suffixes, state["suffixes"], strict=True):
            suffix[...] = saved
        self._prefix[...] = state["prefix"]
        self._count = int(state["count"])


def _nothing(stretches: int, n_symbols: int) -> FloatArray:
    """Stretches without a close: ``[stretches, 4, n_symbols]``."""
    out = np.zeros((stretches, 4, n_symbols))
    out[:, _HIGH], out[:, _LOW] = -np.inf, np.inf
    return out


class DrawdownBank(Bank):
    """Falls and rises of the close within sliding windows; 80 % of a window's closes must be good."""

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self._windows = distinct(requests)
        self.panel_window = self._windows[-1]
        self._extremes = _Extremes(self._windows, n_symbols)
        self._presence = RollingSums(self._windows, 1, n_symbols)
        self._squares = RollingSums(self._windows, 1 + len(self._windows), n_symbols)
        self._row: FloatArray = np.zeros((1 + len(self._windows), n_symbols))
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
        with np.errstate(invalid="ignore", divide="ignore"):
            self._refresh(self._extremes.push(panel), close, shown, present)

    def _refresh(self, found: FloatArray, close: FloatArray, shown: FloatArray, present: BoolArray) -> None:
        depth = close - found[:, _HIGH]
        self._under += 1.0
        np.minimum(self._under, self._column, out=self._under)
        np.copyto(self._under, 0.0, where=depth >= 0.0)
        raw = np.exp(depth) - 1.0
        fall = raw + shown
        self._put("drawdown", fall)
        self._put("max_drawdown", np.exp(-found[:, _FALL]) - 1.0 + shown)
        self._put("max_rise", np.exp(found[:, _RISE]) - 1.0 + shown)
        self._put("bars_under_water", self._under + shown)
        if "drawdown_velocity" in self._routes:
            self._put("drawdown_velocity", fall / np.maximum(self._under, 1.0))
        if "ulcer_index" in self._routes:
            percent = 100.0 * raw
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
            "extremes": self._extremes.state(),
            "presence": self._presence.state(),
            "squares": self._squares.state(),
            "under": self._under.copy(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._extremes.restore(state["extremes"])
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
    _entry("drawdown", "C[t] / max(C over the last window bars) - 1", "fraction", _GROSSMAN, (20, 60, 252)),
    _entry(
        "max_drawdown",
        "least C[j] / C[i] - 1 with i <= j within the last window bars",
        "fraction",
        _CHEKHLOV,
        (20, 60, 252),
    ),
    _entry(
        "max_rise",
        "greatest C[j] / C[i] - 1 with i <= j within the last window bars",
        "fraction",
        _CHEKHLOV,
        (20, 60, 252),
    ),
    _entry(
        "bars_under_water",
        "bars since the close was last the highest of its window; at most window",
        "bars",
        _GROSSMAN,
        (60, 252),
    ),
    _entry(
        "drawdown_velocity",
        "drawdown / max(1, bars_under_water)",
        "fraction per bar",
        _GROSSMAN,
        (60, 252),
    ),
    _entry(
        "ulcer_index",
        "square root of the mean of (100 drawdown)^2 over the last window bars",
        "percent",
        "Martin, McCann (1989), The Investor's Guide to Fidelity Funds",
        (60, 252),
    ),
)
