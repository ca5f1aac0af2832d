"""What the paper venue does at a bar, for kernels: whole fills of resting market orders, and what is learnt from the bar.

The arithmetic is that of :class:`~tuiconsole.execution.few_fills.FewFills` and
:class:`~tuiconsole.execution.liquidity.Liquidity`, operation by operation, so the bits are the same. Whatever is not an
ordinary whole fill is left to the venue: then nothing has happened.
"""

from __future__ import annotations

import math

import numpy as np

from tuiconsole.domain.costs import CostPart
from tuiconsole.domain.types import BoolArray, CodeArray, FloatArray, IntArray
from tuiconsole.execution.costs import LARGEST_IMPACT

PRICE_SCALE, QUANTITY_SCALE, FACTOR, TICK, CENT_PER_RATE, CENT, FIXED = range(7)
"""Rows of what is told of every symbol, float64 ``[7, n_symbols]``."""

(
    TEMPORARY,
    PERMANENT,
    HALF_SPREAD,
    OVER,
    LARGEST,
    FREE,
    MOST_OF_BAR,
    KEPT,
    RECENT_RATE,
    VOLUME_RATE,
    RECENT_KEEP,
    LONG_KEEP,
    VOLUME_KEEP,
    LEAST_VARIANCE,
    DISPLAYED,
) = range(15)
"""Entries of the venue's settings, float64 ``[15]``."""

RECENT, LONG, VOLUME = range(3)
"""Rows of the weighted sums, float64 ``[3, n_symbols]``."""

NUMBER, SYMBOL, QUANTITY = range(3)
"""Rows of resting orders, int64 ``[3, most]``."""

FILL_PRICE, FILL_FEE = range(2)
"""Rows of priced fills, int64 ``[2, most]``."""

FADED = 1e-12
"""A displacement below this share of the price is nothing."""

SWEEP_BARS = 64
"""Bars after which such displacements are dropped."""

LARGEST_PRICE = float(2**52)

_FIXED_PART, _PROPORTIONAL, _SPREAD = (
    int(CostPart.COMMISSION_FIXED),
    int(CostPart.COMMISSION_PROPORTIONAL),
    int(CostPart.SPREAD),
)
_TEMPORARY_PART, _PERMANENT_PART = int(CostPart.TEMPORARY), int(CostPart.PERMANENT)

Told = tuple[FloatArray, FloatArray]
"""Of the symbols, and of the settings."""
Market = tuple[FloatArray, FloatArray, CodeArray]
"""One bar ``[n_symbols]``: prices at which orders fill, volume (NaN: unknown), verdict of the defence."""
Felt = tuple[FloatArray, FloatArray, BoolArray]
"""Weighted sums, what earlier fills moved the prices by ``[n_symbols]``, and whether they did ``[1]``."""


def price_fills(
    told: Told,
    market: Market,
    felt: Felt,
    resting: IntArray,
    count: int,
    held: IntArray,
    sweeps: bool,
    priced: IntArray,
    costs: IntArray,
    moved: FloatArray,
) -> bool:
    """Price ``count`` resting orders, each of its own symbol; False, and nothing else, when one is not ordinary.

    Parameters
    ----------
    held
        int64 ``[n_symbols]``: what the venue holds.
    sweeps
        Small displacements are dropped at this bar.
    priced, costs, moved
        Where it goes: ``[2, most]``, ``[most, len(CostPart)]`` and ``[most]``.
    """
    symbols, settings = told
    source, volume, quality = market
    sums, displaced, moving = felt
    for row in range(count):
        column, quantity = resting[SYMBOL, row], resting[QUANTITY, row]
        if quality[column] != 0 or held[column] + quantity < 0:
            return False
        scaled = source[column] * symbols[PRICE_SCALE, column]
        if not 0.5 < scaled < LARGEST_PRICE:
            return False
        size = float(abs(quantity))
        traded = volume[column]
        if math.isnan(traded):
            traded = settings[DISPLAYED]
        if not size <= traded * settings[MOST_OF_BAR] * symbols[QUANTITY_SCALE, column]:
            return False
        usual = sums[VOLUME, column] * settings[VOLUME_RATE]
        if math.isnan(usual):
            usual = settings[DISPLAYED]
        participation = size / symbols[QUANTITY_SCALE, column] / max(usual, 1.0)
        if not participation <= settings[FREE]:
            return False
        variance = sums[RECENT, column] * settings[RECENT_RATE]
        sigma = math.sqrt(max(variance, settings[LEAST_VARIANCE]))
        side = 1.0 if quantity > 0 else -1.0
        temporary = math.sqrt(participation) * settings[TEMPORARY] * sigma
        move = participation * settings[PERMANENT] * sigma
        permanent = move * 0.5
        against = 0.0
        if moving[0]:
            against = displaced[column] * settings[KEPT]
            if sweeps and abs(against) < FADED:
                against = 0.0
            against *= side
        if against > 0.0:
            permanent += against
        total = temporary + permanent
        if not total <= LARGEST_IMPACT:
            return False
        base, tick = np.rint(scaled), symbols[TICK, column]
        price = base * side + (total + settings[HALF_SPREAD]) * base
        price = max(side * np.ceil(price / tick), 1.0) * tick
        temporary, permanent = np.floor(temporary * base), np.floor(permanent * base)
        spread = abs(price - base) - (temporary + permanent)
        size = float(quantity) * side * symbols[FACTOR, column]
        notional = price * size
        if spread < 0.0 or not notional < settings[LARGEST]:
            return False
        rate = np.rint(notional * settings[OVER] / symbols[CENT_PER_RATE, column])
        proportional, fixed = np.int64(rate * symbols[CENT, column]), np.int64(symbols[FIXED, column])
        priced[FILL_PRICE, row], priced[FILL_FEE, row] = np.int64(price), fixed + proportional
        costs[row, :] = 0
        costs[row, _FIXED_PART], costs[row, _PROPORTIONAL] = fixed, proportional
        costs[row, _SPREAD] = np.int64(spread * size)
        costs[row, _TEMPORARY_PART] = np.int64(temporary * size)
        costs[row, _PERMANENT_PART] = np.int64(permanent * size)
        moved[row] = move * side
    return True


def fade(felt: Felt, kept: float, sweeps: bool) -> None:
    """The market forgets a part of what fills moved it by."""
    _, displaced, moving = felt
    if not moving[0]:
        return
    for column in range(len(displaced)):
        displaced[column] *= kept
    if sweeps:
        moving[0] = False
        for column in range(len(displaced)):
            if abs(displaced[column]) < FADED:
                displaced[column] = 0.0
            moving[0] = moving[0] or displaced[column] != 0.0


def learn(
    settings: FloatArray,
    sums: FloatArray,
    last: FloatArray,
    log_price: FloatArray,
    market: Market,
    traded: bool,
) -> None:
    """Move variance and volume on by one bar; only symbols judged good take part.

    Parameters
    ----------
    last
        ``[n_symbols]``, logarithms of the good prices before; moved on.
    log_price
        ``[n_symbols]``, those of this bar.
    traded
        The source tells volumes.
    """
    _, volume, quality = market
    for column in range(len(last)):
        if quality[column] != 0:
            continue
        move = log_price[column] - last[column]
        move *= move
        last[column] = log_price[column]
        if move < np.inf:
            sums[RECENT, column] = sums[RECENT, column] * settings[RECENT_KEEP] + move
            sums[LONG, column] = sums[LONG, column] * settings[LONG_KEEP] + move
        if traded and volume[column] < np.inf:
            if math.isnan(sums[VOLUME, column]):
                sums[VOLUME, column] = volume[column] / settings[VOLUME_RATE]
            else:
                sums[VOLUME, column] = sums[VOLUME, column] * settings[VOLUME_KEEP] + volume[column]


PARTS = (price_fills, fade, learn)
"""What a kernel that uses this file calls."""
