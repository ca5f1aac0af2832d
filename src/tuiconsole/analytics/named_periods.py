"""Named stretches of time: what was looked at while choosing, what was kept apart, and the storms; and results by each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np

from tuiconsole.analytics.drawdowns import max_drawdown
from tuiconsole.analytics.performance import annual_return, sharpe, total_return, volatility
from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, parse_iso
from tuiconsole.domain.errors import ConfigError
from tuiconsole.domain.types import FloatArray, IntArray

PeriodKind = Literal["in-sample", "out-of-sample", "stress"]
"""Chosen on, kept apart from every choice, or a storm to be survived; a storm may lie in either."""


@dataclass(frozen=True, slots=True)
class PeriodSettings:
    """One stretch of time as it is written down: first and last day (both belong to it), and what it is for."""

    start: str
    end: str
    kind: PeriodKind


@dataclass(frozen=True, slots=True)
class Period:
    """One stretch of time.

    Attributes
    ----------
    start, end
        ns UTC: midnight before the first day, and midnight after the last.
    """

    name: str
    start: int
    end: int
    kind: PeriodKind

    def rows(self, ts: IntArray) -> slice:
        """Positions of the period's bars; ``ts`` int64 ``[n_bars]``, ends in ns UTC, increasing.

        A bar that ends at midnight closes its day.

        >>> Period("p", 15, 30, "stress").rows(np.array([10, 20, 30]))
        slice(1, 3, None)
        """
        first, last = np.searchsorted(ts, (self.start, self.end), side="right")
        return slice(int(first), int(last))


DEFAULT_PERIODS: Mapping[str, PeriodSettings] = {
    "in_sample": PeriodSettings("1990-01-01", "2014-12-31", "in-sample"),
    "out_of_sample": PeriodSettings("2015-01-01", "2099-12-31", "out-of-sample"),
    "stress_2000": PeriodSettings("2000-03-24", "2002-10-09", "stress"),
    "stress_2008": PeriodSettings("2007-10-09", "2009-03-09", "stress"),
    "stress_2011": PeriodSettings("2011-07-22", "2011-10-03", "stress"),
    "stress_2020": PeriodSettings("2020-02-19", "2020-03-23", "stress"),
    "stress_2022": PeriodSettings("2022-01-03", "2022-10-12", "stress"),
}
"""Peak to trough of the S&P 500 for the storms."""


def periods_of(settings: Mapping[str, PeriodSettings]) -> tuple[Period, ...]:
    """The periods in their order.

    Raises
    ------
    ConfigError
        A day is no ISO date, a period ends before it starts, or an in-sample one overlaps an out-of-sample one.
    """
    made = tuple(_period(name, found) for name, found in settings.items())
    chosen = [period for period in made if period.kind == "in-sample"]
    apart = [period for period in made if period.kind == "out-of-sample"]
    for one, other in product(chosen, apart):
        if one.start < other.end and other.start < one.end:
            raise ConfigError(
                f"periods.{one.name} (in-sample) and periods.{other.name} (out-of-sample) overlap: what was chosen on "
                "cannot be evidence.",
                "Move one of their dates.",
            )
    return made


def _period(name: str, found: PeriodSettings) -> Period:
    start, end = _day(name, "start", found.start), _day(name, "end", found.end)
    if end < start:
        raise ConfigError(f"periods.{name} ends on {found.end}, before it starts on {found.start}.")
    return Period(name, start, end + NANOSECONDS_PER_DAY, found.kind)


def _day(name: str, field: str, text: str) -> int:
    try:
        ns = parse_iso(text)
    except ValueError:
        ns = 1
    if ns % NANOSECONDS_PER_DAY:
        raise ConfigError(f"periods.{name}.{field} is {text!r}, expected a day such as 2008-09-15.")
    return ns


@dataclass(frozen=True, slots=True)
class PeriodResult:
    """What an equity curve did within one period.

    Attributes
    ----------
    bars
        Bars of the curve in the period; 0 when the run has none of it, and then every figure is NaN.
    total_return, annual_return, volatility, sharpe
        From the equity just before the period's first bar; annualised but for the first.
    max_drawdown
        Deepest fall from a peak within the period, its start included.
    whole
        Whether the run covers the whole period as far as it can be seen: it began before it and went on after it.
    """

    period: Period
    bars: int
    whole: bool
    total_return: float
    annual_return: float
    volatility: float
    sharpe: float
    max_drawdown: float


def results_by_period(
    ts: IntArray,
    equity: FloatArray,
    capital: float,
    periods: Iterable[Period],
    bars_per_year: float,
) -> tuple[PeriodResult, ...]:
    """Cut one run by periods; they may overlap, and each stands for itself.

    Parameters
    ----------
    ts, equity
        ``[n_bars]``: end of each bar in ns UTC, increasing, and the equity then, positive.
    capital
        Equity before the first bar.

    Examples
    --------
    >>> ts, equity = np.array([10, 20, 30]), np.array([110.0, 99.0, 108.9])
    >>> found = results_by_period(ts, equity, 100.0, [Period("later", 15, 99, "stress")], 252.0)[0]
    >>> found.bars, round(found.total_return, 9), found.whole
    (2, -0.01, False)
    """
    return tuple(_result(period, ts, equity, capital, bars_per_year) for period in periods)


def _result(
    period: Period, ts: IntArray, equity: FloatArray, capital: float, bars_per_year: float
) -> PeriodResult:
    rows = period.rows(ts)
    bars = rows.stop - rows.start
    if bars == 0:
        nan = float("nan")
        return PeriodResult(period, 0, False, nan, nan, nan, nan, nan)
    before = capital if rows.start == 0 else float(equity[rows.start - 1])
    curve = np.concatenate(([before], equity[rows]))
    returns = curve[1:] / curve[:-1] - 1.0
    return PeriodResult(
        period=period,
        bars=bars,
        whole=rows.start > 0 and rows.stop < len(ts),
        total_return=total_return(returns),
        annual_return=annual_return(returns, bars_per_year),
        volatility=volatility(returns, bars_per_year),
        sharpe=sharpe(returns, bars_per_year),
        max_drawdown=max_drawdown(curve).depth,
    )
