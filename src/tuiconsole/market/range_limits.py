"""Figures that no market has: outside what prices and quantities can be written in, they are no data but damage.

Prices are traded in scaled integers that float64 holds exactly, below ``2**53`` units of the instrument; a positive price under
half a unit would be a price of zero. Volumes, sizes and macro figures have wide limits of their own. What lies outside becomes
NaN, as if it had not come, before anything is computed from it: no average, variance or report overflows on a price of 1e300.
"""

from __future__ import annotations

import numpy as np

from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.types import FloatArray

MOST_VOLUME = 1e15
"""Shares, coins or contracts in one bar, and units of a macro figure, that nothing reaches."""
LEAST_VOLUME = 1e-9
"""A volume below it is none that could be counted."""
_MOST_UNITS = 2.0**53
_HALF = 0.5
PRICES = ("open", "high", "low", "close", "bid", "ask")


def limits_of(name: str, universe: Universe) -> tuple[FloatArray, FloatArray]:
    """Least and most absolute value of column ``name``, ``[n_symbols]`` for prices, ``[1]`` for everything else."""
    if name in PRICES:
        return _HALF / universe.price_scale, _MOST_UNITS / universe.price_scale
    return np.array([0.0 if name == "macro" else LEAST_VOLUME]), np.array([MOST_VOLUME])


def within(values: FloatArray, least: FloatArray, most: FloatArray) -> tuple[FloatArray, int]:
    """``values`` ``[..., n]`` with NaN for what is not zero and not within ``[least, most)``, and how many that were.

    >>> within(np.array([[1e300, 5.0], [0.0, 1e-300]]), np.array([1e-7]), np.array([1e10]))[1]
    2
    """
    size = np.abs(values)
    outside = size >= most
    outside |= (size < least) & (size > 0.0)
    count = int(np.count_nonzero(outside))
    return (np.where(outside, np.nan, values), count) if count else (values, 0)
