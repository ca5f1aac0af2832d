"""The state of the whole universe, the same for every symbol: breadth, dispersion, the market's own return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.features.contract import Bank, Feature, Request
from tuiconsole.features.rolling_sums import RollingSums, observe

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_LEAST_VARIANCE = 1e-24
_OF_RETURNS = ("market_return", "dispersion", "cross_skew", "breadth_up")


class BreadthBank(Bank):
    """Shares, means and deviations over the symbols that have what is asked for; shown where the close is good."""

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        over = [
            r.parameters[0] for r in requests if r.feature.family not in ("breadth_trend", "breadth_line")
        ]
        self._bars = sorted({1, *over})
        self.panel_window = self._bars[-1] + 1
        self._lags = np.array([self._bars[-1] - bars for bars in self._bars], dtype=np.int64)
        self._trends = _windows(requests, "breadth_trend")
        self._levels = RollingSums(self._trends, 2, n_symbols) if self._trends else None
        self._row: FloatArray = np.zeros((2, n_symbols))
        lines = _windows(requests, "breadth_line")
        self._line = RollingSums(lines, 1, 1) if lines else None
        self._base: FloatArray = np.full(n_symbols, np.nan)
        known = [(family, bars) for family in _OF_RETURNS for bars in self._bars]
        known += [("breadth_trend", window) for window in self._trends]
        known += [("breadth_line", window) for window in lines]
        self._places = np.array(
            [known.index((r.feature.family, r.parameters[0])) for r in requests], dtype=np.int64
        )
        self._bars_needed = np.array([r.window_bars for r in requests], dtype=np.int64)

    def update(self, panel: Panel) -> None:
        """Refresh every row from the newest bar."""
        newest = panel.latest("log_close")
        returns = newest - panel.window("log_close", self.panel_window).take(self._lags, axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            found = np.concatenate(
                (self._of_returns(returns), self._of_levels(newest), self._of_lines(returns[0]))
            )
        column = found[self._places]
        if panel.count < self.warmup_bars:
            column[self._bars_needed > panel.count] = np.nan
        self.values[...] = column[:, None] + 0.0 * newest

    def _of_returns(self, returns: FloatArray) -> FloatArray:
        """What :data:`_OF_RETURNS` names, each for all numbers of bars."""
        seen = np.isfinite(returns)
        count: IntArray = seen.sum(axis=1)
        filled = returns if int(count.sum()) == seen.size else np.where(seen, returns, 0.0)
        mean = filled.sum(axis=1) / count
        centred = filled - mean[:, None]
        if filled is not returns:
            centred[~seen] = 0.0
        squares = centred * centred
        variance = squares.sum(axis=1) / count
        third = (squares * centred).sum(axis=1) / count
        skew = third / np.where(variance > _LEAST_VARIANCE, variance, np.nan) ** 1.5
        up = (filled > 0.0).sum(axis=1) / count
        return np.concatenate((mean, np.sqrt(variance), skew, up))

    def _of_levels(self, newest: FloatArray) -> FloatArray:
        if self._levels is None:
            return np.empty(0)
        np.copyto(self._base, newest, where=np.isnan(self._base))
        level = newest - self._base
        present = observe(level, self._row[0], self._row[1])
        self._levels.push(self._row)
        mean = self._levels.sums[:, 1] / self._levels.observations(present)
        known = np.isfinite(mean).sum(axis=1)
        share: FloatArray = (level > mean).sum(axis=1) / known
        return share

    def _of_lines(self, change: FloatArray) -> FloatArray:
        if self._line is None:
            return np.empty(0)
        up, down = int(np.count_nonzero(change > 0.0)), int(np.count_nonzero(change < 0.0))
        self._line.push(np.array([[(up - down) / max(1, up + down)]]))
        means: FloatArray = self._line.sums[:, 0, 0] / np.array(self._line.windows)
        return means

    def state(self) -> dict[str, Any]:
        """Sums, and the level from which closes are measured."""
        return {
            "levels": None if self._levels is None else self._levels.state(),
            "line": None if self._line is None else self._line.state(),
            "base": self._base.copy(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        if self._levels is not None:
            self._levels.restore(state["levels"])
        if self._line is not None:
            self._line.restore(state["line"])
        self._base[...] = state["base"]


def _windows(requests: Sequence[Request], family: str) -> list[int]:
    return sorted({r.parameters[0] for r in requests if r.feature.family == family})


def _entry(
    family: str,
    formula: str,
    unit: str,
    source: str,
    listed: Sequence[int],
    parameter: str = "bars",
    more: int = 1,
) -> Feature:
    return Feature(
        family=family,
        parameters=(parameter,),
        minimum=(1,),
        formula=formula,
        unit=unit,
        source=source,
        needs=("close",),
        window_bars=lambda bars: int(bars) + more,
        bank=BreadthBank,
        example=(20,),
        listed=tuple((bars,) for bars in listed),
    )


_ZWEIG = "Zweig (1986), Winning on Wall Street, ch. 5"

FEATURES = (
    _entry(
        "market_return",
        "mean over all symbols of ln(C[t] / C[t - bars])",
        "log-return",
        "Sharpe (1964), Journal of Finance 19(3); equal weights",
        (1, 5, 21, 63),
    ),
    _entry(
        "dispersion",
        "standard deviation (ddof 0) over all symbols of ln(C[t] / C[t - bars])",
        "log-return",
        "Stivers, Sun (2010), Journal of Financial and Quantitative Analysis 45(4)",
        (1, 5, 21, 63),
    ),
    _entry(
        "cross_skew",
        "skewness over all symbols of ln(C[t] / C[t - bars])",
        "none",
        "Jondeau, Zhang, Zhu (2019), Journal of Financial Economics 134(1)",
        (1, 5, 21),
    ),
    _entry(
        "breadth_up", "share of all symbols with C[t] > C[t - bars]", "0 to 1", _ZWEIG, (1, 5, 21, 63, 252)
    ),
    _entry(
        "breadth_trend",
        "share of all symbols with ln C[t] above its mean over the last window bars",
        "0 to 1",
        "Murphy (1999), Technical Analysis of the Financial Markets, ch. 18",
        (20, 50, 200),
        "window",
        0,
    ),
    _entry(
        "breadth_line",
        "mean over the last window bars of (advances - declines) / (advances + declines)",
        "-1 to 1",
        _ZWEIG,
        (10, 20, 60),
        "window",
    ),
)
