"""From stored series of the economy to the macro series that features see, always as released."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY
from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.market.macro_ages import MacroAges, frequency
from tuiconsole.market.point_in_time import PointSeries
from tuiconsole.market.point_in_time_store import PointInTimeStore
from tuiconsole.market.releases import Releases

STORED_NAMES: Mapping[str, tuple[str, ...]] = {
    "vix": ("VIXCLS", "VIX_CLOSE"),
    "yield_3m": ("DGS3MO",),
    "yield_2y": ("DGS2",),
    "yield_5y": ("DGS5",),
    "yield_10y": ("DGS10",),
    "yield_30y": ("DGS30",),
    "yield_real_10y": ("DFII10",),
    "yield_aaa": ("AAA", "MOODYS_AAA"),
    "yield_baa": ("BAA", "MOODYS_BAA"),
    "credit_spread": ("BAMLH0A0HYM2",),
    "oil": ("DCOILWTICO", "DCOILBRENTEU"),
    "gold": ("GOLD", "GOLDAMGBD228NLBM"),
    "dollar": ("DTWEXBGS", "DTWEXM"),
    "equity_index": ("SP500", "SP500_CLOSE"),
    "consumer_prices": ("CPIAUCSL", "CPIAUCNS", "CPILFESL"),
    "unemployment": ("UNRATE",),
    "money_supply": ("M2SL",),
}
"""Each macro series and the stored names that may fill it; the first one that is stored does."""
SURPRISE_OF: Mapping[str, float] = {
    "PAYEMS": 1.0,
    "UNRATE": -1.0,
    "INDPRO": 1.0,
    "IPMAN": 1.0,
    "RETAIL_SALES": 1.0,
}
"""Series whose news make the economic surprise, with the sign of good news."""
_MEMORY = 36
_EARLIEST = 12


def macro_releases(store: PointInTimeStore, ages: MacroAges | None = None) -> Releases | None:
    """The stored macro series as a point-in-time source for tapes and panels; None when nothing is stored.

    Parameters
    ----------
    ages
        How long values count after their release; default :data:`~tuiconsole.market.macro_ages.DEFAULT_DAYS`.
    """
    ages = ages or MacroAges()
    stored = {name: series for (name, entity), series in store.all_series("macro").items() if not entity}
    found: dict[str, tuple[IntArray, FloatArray]] = {}
    days: dict[str, int] = {}
    for name, candidates in STORED_NAMES.items():
        chosen = next((stored[one] for one in candidates if one in stored), None)
        if chosen is not None:
            found[name] = chosen.visible()
            days[name] = ages.days(name, frequency(chosen.reference))
    days["economic_surprise"] = ages.days("economic_surprise", "monthly")
    surprise = economic_surprise(stored, days["economic_surprise"])
    if len(surprise):
        found["economic_surprise"] = (surprise.release, surprise.value)
    return Releases(found, days) if found else None


def economic_surprise(stored: Mapping[str, PointSeries], age_days: int = 70) -> PointSeries:
    """Mean of the latest surprise of each series in :data:`SURPRISE_OF`, after each of their releases.

    Where analysts' expectations are stored beside a series (as ``NAME_EXPECTED``), the surprise is the released
    value less the expectation known before; elsewhere the expectation is no change of pace: the mean change of the
    last 36 reference dates. Either is divided by the standard deviation of those past surprises.

    Parameters
    ----------
    age_days
        Days after its release for which a surprise counts: a series that fell silent leaves the mean.

    Returns
    -------
    PointSeries
        In standard deviations; positive is better news than expected.
    """
    parts = []
    for name, sign in SURPRISE_OF.items():
        if name in stored:
            surprise = surprises(stored[name], stored.get(f"{name}_EXPECTED"))
            parts.append(PointSeries(surprise.reference, surprise.release, sign * surprise.value))
    moments = (
        np.unique(np.concatenate([part.release for part in parts])) if parts else np.array([], dtype=np.int64)
    )
    if not len(moments):
        return PointSeries.of([], [], [])
    latest = np.array([part.as_of(moments, age_days * NANOSECONDS_PER_DAY) for part in parts])
    known = np.isfinite(latest)
    mean = np.where(known, latest, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return PointSeries.of(moments, moments, np.where(known.any(axis=0), mean, np.nan))


def surprises(series: PointSeries, expected: PointSeries | None = None) -> PointSeries:
    """How far each first release of ``series`` lay from what was expected, in standard deviations of the past.

    Parameters
    ----------
    expected
        Expectations by the same reference dates, released before; None for no change of pace.
    """
    raw: list[tuple[int, int, float]] = []
    seen: set[int] = set()
    for reference, release, value in zip(
        series.reference.tolist(), series.release.tolist(), series.value.tolist(), strict=True
    ):
        if reference in seen:
            continue
        seen.add(reference)
        guess = _expectation(series, expected, reference, release)
        raw.append((reference, release, value - guess))
    errors = np.array([error for _, _, error in raw], dtype=np.float64)
    rows: list[tuple[int, int, float]] = []
    for i, (reference, release, error) in enumerate(raw):
        past = errors[max(0, i - _MEMORY) : i]
        past = past[np.isfinite(past)]
        spread = float(past.std(ddof=1)) if len(past) >= _EARLIEST else 0.0
        rows.append((reference, release, error / spread if spread > 0.0 else np.nan))
    return PointSeries.of([r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows])


def _expectation(series: PointSeries, expected: PointSeries | None, reference: int, release: int) -> float:
    if expected is not None:
        dates, values = expected.history_as_of(release - 1, 4)
        found = values[dates == reference]
        return float(found[0]) if len(found) else np.nan
    _, known = series.history_as_of(release - 1, _MEMORY + 1)
    return float(known[-1] + np.diff(known).mean()) if len(known) > 1 else np.nan
