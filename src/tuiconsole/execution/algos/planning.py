"""From an algorithm's name and the market's figures to the curve that a parent follows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.execution.algos.almgren_chriss import Task, schedule, urgency
from tuiconsole.execution.algos.apportion import apportion
from tuiconsole.execution.algos.curves import shortfall_optimal, time_weighted, volume_weighted
from tuiconsole.execution.settings import ExecutionSettings

_SAME = 1e-9
"""Lots closer than this to a whole one are that one."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the market looks like when a parent is planned.

    Attributes
    ----------
    price
        Currency units per share, positive.
    sigma
        Standard deviation of one bar's log-return, positive.
    volume
        Usual volume of one bar in shares, positive.
    expected
        float64 ``[bars]``, volume usually seen in each coming bar; NaN where nothing is known.
    """

    price: float
    sigma: float
    volume: float
    expected: FloatArray


def impact_task(shares: float, bars: int, market: Conditions, settings: ExecutionSettings) -> Task | None:
    """The problem of Almgren and Chriss with the venue's impact, in bars; None where it has no temporary impact.

    The venue's temporary impact is ``c * sigma * participation ** exponent``; the line through nothing that meets it at
    the even rate ``shares / bars`` takes its place. Permanent impact is linear as it is.
    """
    rate = shares / bars
    participation = rate / market.volume
    temporary = (
        settings.temporary_impact * market.sigma * participation**settings.temporary_exponent * market.price
    )
    permanent = settings.permanent_impact * market.sigma * market.price / market.volume
    if temporary / rate - permanent / 2.0 <= 0.0:
        return None
    return Task(
        quantity=shares,
        horizon=float(bars),
        intervals=bars,
        sigma=market.sigma * market.price,
        epsilon=settings.half_spread_bps / 1e4 * market.price,
        gamma=permanent,
        eta=temporary / rate,
    )


def curve(shares: float, bars: int, market: Conditions, settings: ExecutionSettings) -> FloatArray:
    """Share of a parent of ``shares`` to be sent after each of ``bars`` bars, float64 ``[bars]``, ending at 1.

    pov follows the volume as it comes, not a curve; until it comes, the expected profile is its best guess.
    """
    if settings.algo in ("vwap", "pov"):
        return volume_weighted(market.expected)
    if settings.algo == "is":
        task = impact_task(shares, bars, market, settings)
        return shortfall_optimal(bars, urgency(task, settings.algo_risk_aversion) if task else 0.0)
    return time_weighted(bars)


def due(quantity: int, rising: FloatArray, lot: int) -> IntArray:
    """Signed scaled quantity to have been sent after each bar of the curve ``rising``, in whole lots, int64 ``[bars]``.

    Parts are apportioned by their largest remainders. Where there are fewer lots than bars, that would send the first lots
    in a row; then a lot is sent when the curve has come that far.

    >>> due(3, np.arange(1, 7) / 6, 1).tolist()
    [0, 1, 1, 2, 2, 3]
    """
    lots = abs(quantity) // lot
    if lots >= len(rising):
        return apportion(quantity, np.diff(rising, prepend=0.0).clip(min=0.0), lot).cumsum()
    sent: IntArray = np.floor(rising * lots + _SAME).astype(np.int64) * lot
    sent[-1] = abs(quantity)
    return sent if quantity >= 0 else -sent


def expected_cost(
    shares: float, bars: int, market: Conditions, settings: ExecutionSettings
) -> tuple[float, float] | None:
    """Expected cost of the optimal schedule and its standard deviation, currency units; None as in :func:`impact_task`."""
    task = impact_task(shares, bars, market, settings)
    if task is None:
        return None
    found = schedule(task, settings.algo_risk_aversion)
    return found.expected_cost, math.sqrt(found.variance)
