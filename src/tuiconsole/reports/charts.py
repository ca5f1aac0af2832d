"""What the page's charts draw, as plain lists: dates, values and nothing else; colours are the page's business.

Long series are thinned to :data:`MOST_POINTS`: curves keep the last value of each stretch, depths the worst.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tuiconsole.analytics.drawdowns import drawdowns
from tuiconsole.analytics.periods import monthly, rolling_sharpe
from tuiconsole.domain.clock import iso
from tuiconsole.domain.types import FloatArray
from tuiconsole.reports import strip
from tuiconsole.reports.run import Run

MOST_POINTS = 4000
_DIGITS = 6


def charts(run: Run) -> dict[str, Any]:
    """All charts of ``run`` by name; empty when it has no bars.

    Returns
    -------
    dict
        ``dates`` with ``equity``, ``benchmark`` (or None), ``drawdown`` (negative shares), ``rolling`` (annual Sharpe ratio
        over ``rolling_bars``), ``gross`` and ``net`` (shares of equity); ``months`` and ``heat`` (a row per year).
    """
    n = len(run.track)
    if not n:
        return {}
    track = run.track
    window = min(int(run.bars_per_year), max(20, n // 4))
    curve = np.concatenate(([run.capital], track.equity))
    safe = np.where(track.equity > 0.0, track.equity, np.nan)
    years = monthly(track.ts, run.curve.returns)
    return {
        "sample": run.sample.value,
        "dates": [iso(int(ts)) for ts in _thin(track.ts.astype(np.float64)).astype(np.int64).tolist()],
        "equity": _values(_thin(track.equity)),
        "benchmark": None if run.benchmark is None else _values(_thin(run.benchmark)),
        "drawdown": _values(-strip.worst(drawdowns(curve)[1:], MOST_POINTS)),
        "rolling": _values(_thin(rolling_sharpe(run.curve.returns, window, run.bars_per_year))),
        "rolling_bars": window,
        "gross": _values(_thin(track.gross / safe)),
        "net": _values(_thin(track.net / safe)),
        "years": [year.year for year in years],
        "heat": [[None if part is None else round(part, _DIGITS) for part in year.months] for year in years],
    }


def _thin(values: FloatArray) -> FloatArray:
    return strip.resampled(values, MOST_POINTS)


def _values(values: FloatArray) -> list[float | None]:
    return [round(value, _DIGITS) if np.isfinite(value) else None for value in values.tolist()]
