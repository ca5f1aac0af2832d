"""Parameters of a simulated market from a recorded one: simple moments per volatility regime."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY
from tuiconsole.domain.errors import DataError
from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.market.settings import SimulationSettings
from tuiconsole.market.tape import Tape

LEAST_BARS = 250
_QUANTILES = (0.5, 0.85)
"""Bars below the first quantile of the market's volatility are calm, above the second wild, the rest normal."""
_HALF_LIFE_BARS = 10.0
_DAYS_PER_YEAR = 365.25
_LARGEST_CORRELATION = 0.95
_DEGREES = (3.0, 30.0)


def calibrated(settings: SimulationSettings, tape: Tape) -> SimulationSettings:
    """``settings`` with volatility, correlation, drift, stays, tails and volume as ``tape`` had them.

    The market is the mean log-return of all symbols. A bar's regime is where an exponentially weighted volatility of it,
    centred on the bar (half-life of 10 bars before and after), stands in its own distribution. Moments are those of the bars
    of each regime; the tail is that of all returns in units of their regime's deviation, by the kurtosis
    ``3 + 6 / (degrees - 4)`` of Student's t.

    Raises
    ------
    DataError
        The tape has fewer than two symbols or fewer than 250 bars.
    """
    if len(tape.universe) < 2 or len(tape) < LEAST_BARS:
        raise DataError(
            f"{tape.source} has {len(tape.universe)} symbols and {len(tape)} bars: too few to calibrate a market on.",
            f"Name a tape of at least 2 symbols and {LEAST_BARS} bars in simulation.calibrate.",
        )
    moves = np.diff(np.log(tape.close), axis=0)
    moves = moves[np.isfinite(moves).sum(axis=1) > 1]
    present = np.isfinite(moves)
    market = np.where(present, moves, 0.0).sum(axis=1) / present.sum(axis=1)
    regime = _regimes(market)
    year = len(market) / ((int(tape.ts[-1]) - int(tape.ts[0])) / NANOSECONDS_PER_DAY / _DAYS_PER_YEAR)
    volatility, correlation, drift = [], [], []
    scaled: FloatArray = np.full(moves.shape, np.nan)
    for state in range(len(_QUANTILES) + 1):
        rows = regime == state
        deviation = np.nanstd(moves[rows], axis=0)
        variance = float(np.nanmean(deviation**2))
        n = float(present[rows].sum(axis=1).mean())
        common = (n * float(market[rows].var()) / variance - 1.0) / (n - 1.0)
        volatility.append(float(np.sqrt(variance * year)))
        correlation.append(min(_LARGEST_CORRELATION, max(0.0, common)))
        drift.append(float(np.expm1(market[rows]).mean() * year))
        scaled[rows] = (moves[rows] - np.nanmean(moves[rows], axis=0)) / np.where(
            deviation > 0, deviation, np.nan
        )
    starts, stays = _stays(regime)
    traded = np.nan if tape.volume is None else float(np.nanmean(tape.volume))
    return replace(
        settings,
        volatility=tuple(volatility),
        correlation=tuple(correlation),
        drift=tuple(drift),
        duration_bars=stays,
        entry_weight=starts,
        tail_degrees=_degrees(scaled),
        jumps_per_year=0.0,
        mean_volume=settings.mean_volume if np.isnan(traded) else max(1.0, traded),
    )


def _regimes(market: FloatArray) -> IntArray:
    """0 calm, 1 normal, 2 wild, for each bar."""
    squares = np.square(market)
    forward, backward = _smooth(squares), _smooth(squares[::-1])[::-1]
    level = forward + backward
    return np.searchsorted(np.quantile(level, _QUANTILES), level).astype(np.int64)


def _smooth(values: FloatArray) -> FloatArray:
    """Exponentially weighted means, unbiased from the start."""
    keep = 0.5 ** (1.0 / _HALF_LIFE_BARS)
    total, weight = 0.0, 0.0
    smoothed: FloatArray = np.empty(len(values))
    for i, value in enumerate(values.tolist()):
        total, weight = keep * total + value, keep * weight + 1.0
        smoothed[i] = total / weight
    return smoothed


def _stays(regime: IntArray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """How often each regime is entered, as a share, and how many bars it lasts on average."""
    begins = np.flatnonzero(np.diff(regime, prepend=-1))
    length = np.diff(np.append(begins, len(regime)))
    states = range(len(_QUANTILES) + 1)
    entered = [np.count_nonzero(regime[begins] == state) for state in states]
    stay = [float(length[regime[begins] == state].mean()) for state in states]
    return tuple(count / len(begins) for count in entered), tuple(max(1.0, bars) for bars in stay)


def _degrees(scaled: FloatArray) -> float:
    """Degrees of freedom of Student's t with the kurtosis of ``scaled``, between 3 and 30."""
    excess = float(np.nanmean(scaled**4) / np.nanmean(scaled**2) ** 2) - 3.0
    least, most = _DEGREES
    return min(most, max(least, 4.0 + 6.0 / excess)) if excess > 0.0 else most
