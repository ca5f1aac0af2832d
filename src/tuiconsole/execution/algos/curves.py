"""How much of a parent should be done by when: TWAP, VWAP, POV and implementation shortfall.

Each curve answers one question: of the whole parent, which share should have been sent after ``done`` of ``bars`` bars?
The share never falls, and is 1 at the end. What was missed earlier (a bar without a price, a child that waited) is made up
by the next slice, because a slice is always the difference to the curve.
"""

from __future__ import annotations

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.execution.algos.almgren_chriss import left_after


def time_weighted(bars: int) -> FloatArray:
    """TWAP: float64 ``[bars]``, equal parts.

    >>> time_weighted(4).tolist()
    [0.25, 0.5, 0.75, 1.0]
    """
    return np.arange(1, bars + 1) / bars


def volume_weighted(expected: FloatArray) -> FloatArray:
    """VWAP: cumulated shares of the volume expected in each bar, float64 ``[bars]``; where none is expected, TWAP.

    Parameters
    ----------
    expected
        float64 ``[bars]`` in any unit; NaN or negative counts as none.

    References
    ----------
    Konishi, "Optimal slice of a VWAP trade", J. Financial Markets 5 (2002): without knowledge of volume and price moving
    together, following the expected profile is optimal.

    Examples
    --------
    >>> volume_weighted(np.array([30.0, 10.0, 10.0])).tolist()
    [0.6, 0.8, 1.0]
    """
    volume = np.where(expected > 0.0, expected, 0.0)
    total = float(volume.sum())
    if not total > 0.0 or not np.isfinite(total):
        return time_weighted(len(expected))
    curve: FloatArray = np.minimum(volume.cumsum() / total, 1.0)
    curve[-1] = 1.0
    return curve


def shortfall_optimal(bars: int, kappa_per_bar: float) -> FloatArray:
    """Implementation shortfall: one less what Almgren and Chriss leave after each bar, float64 ``[bars]``.

    Parameters
    ----------
    kappa_per_bar
        :func:`~tuiconsole.execution.algos.almgren_chriss.urgency` with the bar as unit of time; 0 is TWAP.
    """
    curve = 1.0 - left_after(kappa_per_bar, float(bars), np.arange(1.0, bars + 1.0))
    curve[-1] = 1.0
    return curve


def participation_slice(
    left: int, sent: int, traded: float, expected: float, rate: float, most: float
) -> int:
    """POV: size of the next slice, in scaled quantity.

    The parent follows ``rate`` of all volume since it began, the coming bar's expected one included. What it fell behind
    is caught up, but never faster than ``most`` of the coming bar.

    Parameters
    ----------
    left, sent
        Quantity not yet sent, and sent so far; non-negative.
    traded, expected
        Volume since the parent began and expected in the coming bar, in the unit of ``left``; non-negative.
    rate, most
        Shares of volume, ``0 < rate <= most <= 1``.

    Examples
    --------
    >>> participation_slice(left=900, sent=100, traded=1000.0, expected=1000.0, rate=0.1, most=0.2)
    100
    >>> participation_slice(left=900, sent=0, traded=5000.0, expected=1000.0, rate=0.1, most=0.2)
    200
    """
    due = rate * (traded + expected) - sent
    return int(max(0.0, min(float(left), due, most * expected)))
