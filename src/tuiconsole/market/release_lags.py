"""When a figure was out, where the vendor does not say: the date it speaks of plus a lag that is never too short.

A lag counts from the reference date (the first day of a month or quarter for series that are dated so) and ends
with the New York day it falls on, so a bar of that day does not see the figure yet. Each lag covers the publisher's
latest regular release; a release held up by a government shutdown came later still.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY
from tuiconsole.domain.types import IntArray
from tuiconsole.market.calendar import NEW_YORK, to_utc


@dataclass(frozen=True, slots=True)
class ReleaseLag:
    """How long after its reference date a figure counts as released.

    Attributes
    ----------
    days
        Number of days.
    business
        Days from Monday to Friday instead of calendar days.
    why
        The publisher's own calendar, in a few words.
    """

    days: int
    business: bool
    why: str

    @property
    def basis(self) -> str:
        """What a row says about its release time."""
        return f"lag {self.days} {'business days' if self.business else 'days'}"


_CLOSE = ReleaseLag(1, True, "a close is known by the next business day")
_H15 = ReleaseLag(
    2, True, "Federal Reserve H.15 and ICE indices: the next business day, one more for holidays"
)
_CPI = ReleaseLag(50, False, "BLS: by the 18th of the following month")
_JOBS = ReleaseLag(45, False, "BLS: the first Friday or second week of the following month")
_MID_MONTH = ReleaseLag(50, False, "by the 18th of the following month")
_MONTHLY_RATE = ReleaseLag(40, False, "a month's average: in the first days of the following month")
_LATE_MONTH = ReleaseLag(62, False, "in the fourth week of the following month")
_OIL = ReleaseLag(8, True, "EIA: a week's spot prices on the following Wednesday")
_QUARTER = ReleaseLag(135, False, "BEA: four to six weeks after the quarter's end")
_YEAR = ReleaseLag(500, False, "by April of the following year")

_BY_NAME: tuple[tuple[str, ReleaseLag], ...] = (
    (r"VIX.*|SP500.*|RUSSELL.*|NASDAQ.*|DJIA.*|GOLD.*|DTWEX.*", _CLOSE),
    (r"DGS\d+(MO)?|DFII\d+|BAML.*|T10Y.*|DFF|SOFR|WALCL", _H15),
    (r"DCOIL.*", _OIL),
    (r"CPI.*|CORE_CPI", _CPI),
    (r"UNRATE|PAYEMS|NONFARM_PAYROLL|UNEMPLOYMENT", _JOBS),
    (r"INDPRO|IPMAN|RETAIL_SALES", _MID_MONTH),
    (r"MOODYS_.*|AAA|BAA|FEDFUNDS", _MONTHLY_RATE),
    (r"M1SL|M2SL|DURABLES|FF_.*", _LATE_MONTH),
    (r"PCREDIT8|DPCREDIT", _CLOSE),
    (r"GDP.*|REAL_GDP.*", _QUARTER),
    (r"INFLATION", _YEAR),
)
_BY_SPACING: tuple[tuple[float, ReleaseLag], ...] = (
    (3.0, ReleaseLag(3, True, "a daily series of an unknown publisher")),
    (10.0, ReleaseLag(12, False, "a weekly series of an unknown publisher")),
    (45.0, ReleaseLag(75, False, "a monthly series of an unknown publisher")),
    (120.0, _QUARTER),
)
QUARTER_REPORT = ReleaseLag(45, False, "SEC form 10-Q: due 40 to 45 days after the quarter's end")
YEAR_REPORT = ReleaseLag(90, False, "SEC form 10-K: due 60 to 90 days after the year's end")
INSIDER_REPORT = ReleaseLag(4, True, "SEC form 4: due two business days after the trade")


def lag_of(series: str, references: IntArray) -> ReleaseLag:
    """The lag of a macro series: by its name where it is known, else by the spacing of its dates.

    Parameters
    ----------
    references
        int64 ``[n]`` reference dates, ns UTC.
    """
    for pattern, lag in _BY_NAME:
        if re.fullmatch(pattern, series.upper()):
            return lag
    days = np.unique(references // NANOSECONDS_PER_DAY)
    spacing = float(np.median(np.diff(days))) if len(days) > 1 else np.inf
    return next((lag for limit, lag in _BY_SPACING if spacing <= limit), _YEAR)


def released(references: IntArray, lag: ReleaseLag) -> IntArray:
    """Moments (ns UTC) at which figures about ``references`` (ns UTC) count as released.

    >>> friday = np.array([0], dtype=np.int64) + NANOSECONDS_PER_DAY  # 1970-01-02
    >>> released(friday, ReleaseLag(1, True, ""))[0] // (3600 * 10**9)
    125
    """
    days = references // NANOSECONDS_PER_DAY
    if lag.business:
        dates = days.astype("datetime64[D]")
        days = np.busday_offset(dates, lag.days, roll="forward").astype(np.int64)
    else:
        days = days + lag.days
    return end_of_day(days)


def end_of_day(days: IntArray) -> IntArray:
    """The New York midnight (ns UTC) that ends each of ``days`` (days since the epoch)."""
    return to_utc((days + 1) * NANOSECONDS_PER_DAY, NEW_YORK)
