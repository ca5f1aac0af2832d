"""All figures of one run by name, each with its unit, and with the reason where there is too little data for it.

A figure that the data cannot carry is not given: an annual return needs a year (as the GIPS standards, 2020, demand), an annual
ratio needs :data:`LEAST_BARS` bars, a five-per-cent tail :data:`LEAST_TAIL_BARS`, and figures of
trades :data:`LEAST_TRIPS` round trips.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tuiconsole.analytics import drawdowns, performance, relative, significance, tails, trades
from tuiconsole.analytics.significance import Trials
from tuiconsole.analytics.track import FillTable, Track
from tuiconsole.domain.types import FloatArray

LEAST_BARS = 20
LEAST_TAIL_BARS = 100
LEAST_TRIPS = 10

Unit = Literal["share", "ratio", "bars", "money", "probability"]
UNITS: dict[str, Unit] = {
    "total_return": "share",
    "annual_return": "share",
    "volatility": "share",
    "sharpe": "ratio",
    "sortino": "ratio",
    "calmar": "ratio",
    "sterling": "ratio",
    "martin": "ratio",
    "omega": "ratio",
    "max_drawdown": "share",
    "ulcer_index": "share",
    "tail_ratio": "ratio",
    "skewness": "ratio",
    "kurtosis": "ratio",
    "value_at_risk_95": "share",
    "expected_shortfall_95": "share",
    "hit_rate": "share",
    "stability": "share",
    "probabilistic_sharpe": "probability",
    "deflated_sharpe": "probability",
    "minimum_track_record": "bars",
    "benchmark_return": "share",
    "beta": "ratio",
    "information_ratio": "ratio",
    "win_rate": "share",
    "profit_factor": "ratio",
    "payoff": "ratio",
    "holding_bars": "bars",
    "turnover": "ratio",
    "exposure": "share",
    "net_exposure": "share",
    "time_invested": "share",
    "costs": "money",
    "cost_share": "share",
}
"""Every figure, in the order in which reports show them, and its unit."""
NOT_DEFINED = "not defined for these returns"


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure: a finite ``value``, or None and the ``reason``."""

    name: str
    unit: Unit
    value: float | None
    reason: str = ""


class _Table:
    """Collects measures in order; what is not finite gets a reason."""

    def __init__(self) -> None:
        self.found: dict[str, Measure] = {}

    def add(self, name: str, value: float, least: str = "", otherwise: str = NOT_DEFINED) -> None:
        """``least`` is why the figure is withheld (empty: it is not); ``otherwise`` why it is not finite."""
        if least:
            self.found[name] = Measure(name, UNITS[name], None, least)
        elif math.isfinite(value):
            self.found[name] = Measure(name, UNITS[name], float(value))
        else:
            self.found[name] = Measure(name, UNITS[name], None, otherwise)


def measures(
    track: Track,
    fills: FillTable,
    capital: float,
    bars_per_year: float,
    benchmark: FloatArray | None = None,
    trials: Trials | None = None,
    borrow: float = 0.0,
) -> dict[str, Measure]:
    """Every figure of one run by name, in the order in which reports show them.

    Parameters
    ----------
    capital
        Equity before the first bar.
    benchmark
        float64 ``[n_bars]`` equity of a benchmark that started with the same capital.
    trials
        Trials counted over the same symbols and time; None counts this run alone.
    borrow
        Money paid for short positions over the whole run.
    """
    table = _Table()
    curve = np.concatenate(([capital], track.equity))
    ruined = "" if (curve > 0.0).all() else "equity fell to zero or below"
    with np.errstate(divide="ignore", invalid="ignore"):
        returns = curve[1:] / curve[:-1] - 1.0
    table.add("total_return", float(curve[-1] / capital - 1.0))
    _returns(table, curve, returns, bars_per_year, ruined)
    _luck(table, returns, trials or Trials(1, 0.0), ruined or _too_few(len(returns), LEAST_BARS, "bars"))
    if benchmark is not None:
        _against(table, returns, np.concatenate(([capital], benchmark)), bars_per_year, ruined)
    _trading(table, track, fills, bars_per_year, float(curve[-1] - capital), borrow)
    return table.found


def _returns(
    table: _Table, curve: FloatArray, returns: FloatArray, bars_per_year: float, ruined: str
) -> None:
    n = len(returns)
    year = ruined or _too_few(n, math.ceil(bars_per_year), "bars (a year)")
    few = ruined or _too_few(n, LEAST_BARS, "bars")
    tail = ruined or _too_few(n, LEAST_TAIL_BARS, "bars")
    if ruined or not n:
        curve, returns = np.ones(1), np.zeros(0)
    none = ruined or ("no bars" if not n else "")
    annual = performance.annual_return(returns, bars_per_year)
    deepest = drawdowns.max_drawdown(curve)
    table.add("annual_return", annual, year)
    table.add("volatility", performance.volatility(returns, bars_per_year), few)
    table.add("sharpe", performance.sharpe(returns, bars_per_year), few, "nothing moved")
    table.add("sortino", performance.sortino(returns, bars_per_year), few, "no bar lost anything")
    table.add("calmar", drawdowns.calmar(annual, curve), year, "never under water")
    table.add("sterling", drawdowns.sterling(annual, curve), year)
    table.add("martin", drawdowns.martin(annual, curve), year, "never under water")
    table.add("omega", tails.omega(returns), few, "no bar lost anything")
    table.add("max_drawdown", deepest.depth, none)
    table.add("ulcer_index", drawdowns.ulcer_index(curve), none)
    table.add("tail_ratio", tails.tail_ratio(returns), tail)
    table.add("skewness", tails.skewness(returns), few, "nothing moved")
    table.add("kurtosis", tails.kurtosis(returns), few, "nothing moved")
    table.add("value_at_risk_95", tails.value_at_risk(returns), tail)
    table.add("expected_shortfall_95", tails.expected_shortfall(returns), tail)
    table.add("hit_rate", performance.hit_rate(returns), few)
    table.add("stability", performance.stability(returns), few, "nothing moved")


def _luck(table: _Table, returns: FloatArray, trials: Trials, least: str) -> None:
    """Probabilities that the Sharpe ratio is not luck; everything per bar."""
    ratio = performance.sharpe(returns, 1.0)
    shape = (tails.skewness(returns), tails.kurtosis(returns))
    n = len(returns)
    needed = significance.minimum_track_record(ratio, *shape)
    real = significance.probabilistic_sharpe(ratio, n, *shape)
    deflated = significance.deflated_sharpe(ratio, n, *shape, trials.count, trials.variance)
    table.add("probabilistic_sharpe", real, least)
    table.add("deflated_sharpe", deflated, least)
    never = "the Sharpe ratio is not above zero" if ratio <= 0 else NOT_DEFINED
    table.add("minimum_track_record", needed, least, never)


def _against(
    table: _Table, returns: FloatArray, benchmark: FloatArray, bars_per_year: float, ruined: str
) -> None:
    n = len(returns)
    few = ruined or _too_few(n, LEAST_BARS, "bars")
    year = ruined or _too_few(n, math.ceil(bars_per_year), "bars (a year)")
    market = benchmark[1:] / benchmark[:-1] - 1.0
    table.add("benchmark_return", float(benchmark[-1] / benchmark[0] - 1.0))
    table.add("beta", float("nan") if few else relative.regression(returns, market).beta, few)
    table.add(
        "information_ratio",
        float("nan") if year else relative.information_ratio(returns, market, bars_per_year),
        year,
    )


def _trading(
    table: _Table, track: Track, fills: FillTable, bars_per_year: float, profit: float, borrow: float
) -> None:
    trips = trades.round_trips(fills)
    few = _too_few(len(trips), LEAST_TRIPS, "round trips")
    traded = float(np.abs(fills.value).sum())
    costs = borrow + sum(float(paid.sum()) for part, paid in fills.costs.items() if part != "borrow")
    none = "" if len(track) else "no bars"
    bars = trades.holding_bars(trips, track.ts)
    table.add("win_rate", trades.win_rate(trips.profit), few)
    table.add("profit_factor", trades.profit_factor(trips.profit), few, "no round trip lost anything")
    table.add("payoff", trades.payoff(trips.profit), few, "no wins, or no losses")
    table.add("holding_bars", float(bars.mean()) if len(bars) else float("nan"), few)
    table.add("turnover", trades.turnover(traded, track.equity, bars_per_year), none)
    with np.errstate(divide="ignore", invalid="ignore"):
        table.add("exposure", float(np.mean(track.gross / track.equity)) if len(track) else 0.0, none)
        table.add("net_exposure", float(np.mean(track.net / track.equity)) if len(track) else 0.0, none)
    table.add("time_invested", float(np.mean(track.holdings > 0)) if len(track) else 0.0, none)
    table.add("costs", costs)
    gross = profit + costs
    table.add(
        "cost_share",
        costs / gross if gross > 0 else float("nan"),
        "",
        "no profit before costs to share",
    )


def _too_few(found: int, needed: int, what: str) -> str:
    return "" if found >= needed else f"needs {needed:,} {what}, has {found:,}"


def plain_figures(found: dict[str, Measure]) -> dict[str, float | None]:
    """The values alone, for JSON."""
    return {name: measure.value for name, measure in found.items()}
