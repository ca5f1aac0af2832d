"""Ratios of a company as they could be worked out at the time, from point-in-time reports and the price of the day."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY
from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.market.point_in_time import PointSeries, combined

QUARTERS = 4
_LONGEST_YEAR_NS = 300 * NANOSECONDS_PER_DAY
"""The ends of four quarters in a row lie about 274 days apart; further apart, one is missing."""

Reports = Mapping[str, PointSeries]


def ratios(reports: Reports) -> dict[str, PointSeries]:
    """The ratios that need no price, each after every release that changes it.

    Parameters
    ----------
    reports
        Stored series of one company: ``eps``, ``net_income``, ``equity``, ``debt``, as far as there are any.

    Returns
    -------
    ``eps_ttm`` (last four quarters, currency units a share), ``eps_growth`` (of ``eps_ttm`` over a year, as a ratio;
    where it was positive a year before), ``return_on_equity`` (net income of four quarters over equity) and
    ``debt_to_equity``.
    """
    found: dict[str, PointSeries] = {}
    if "eps" in reports:
        found["eps_ttm"] = reports["eps"].derived(QUARTERS, _sum_of_year)
        found["eps_growth"] = reports["eps"].derived(2 * QUARTERS, _growth)
    if "net_income" in reports and "equity" in reports:
        income = reports["net_income"].derived(QUARTERS, _sum_of_year)
        found["return_on_equity"] = combined(income, reports["equity"], _over_positive)
    if "debt" in reports and "equity" in reports:
        found["debt_to_equity"] = combined(reports["debt"], reports["equity"], _over_positive)
    return found


def price_earnings(price: FloatArray, ts: IntArray, eps_ttm: PointSeries) -> FloatArray:
    """Price over the earnings of the last four reported quarters, as known at each moment.

    Parameters
    ----------
    price
        float64 ``[n]``, adjusted for splits (not for dividends) as the vendor adjusts its earnings per share.
    ts
        int64 ``[n]``, ns UTC.

    Returns
    -------
    float64 ``[n]``; NaN before four quarters are known and where they sum to a loss.
    """
    earned = eps_ttm.as_of(ts)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio: FloatArray = np.where(earned > 0.0, price / earned, np.nan)
    return ratio


def _sum_of_year(dates: IntArray, values: FloatArray) -> float:
    return float(values.sum()) if dates[-1] - dates[0] <= _LONGEST_YEAR_NS else np.nan


def _growth(dates: IntArray, values: FloatArray) -> float:
    before = _sum_of_year(dates[:QUARTERS], values[:QUARTERS])
    after = _sum_of_year(dates[QUARTERS:], values[QUARTERS:])
    return after / before - 1.0 if before > 0.0 else np.nan


def _over_positive(above: FloatArray, below: FloatArray) -> FloatArray:
    ratio: FloatArray = np.where(below > 0.0, above / below, np.nan)
    return ratio
