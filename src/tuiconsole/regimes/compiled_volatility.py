"""The volatility regime of many bars as a kernel: the steps of :mod:`tuiconsole.regimes.volatility`, in the same order."""

from __future__ import annotations

import math

from tuiconsole.domain.types import FloatArray
from tuiconsole.regimes.logistic import logistic

Running = tuple[float, float, float, int, int]
"""Variance, the sum of its weights, annualised volatility, bars taken in, levels stored."""
Rules = tuple[float, float, float, float, float, float, float, float, float, float]
"""Decay, bars per year, smallest volatility, logarithms of the low and high levels, width of levels, high rank, low rank,
width of ranks, bars of history at which the rank counts in full."""


def volatility_of(
    market: FloatArray,
    history: FloatArray,
    running: Running,
    rules: Rules,
    warmup_bars: int,
    found: FloatArray,
) -> Running:
    """Take in ``market`` ``[bars]``; ``found`` ``[1 + bars, 3]`` holds the answer before and gets those after each bar.

    ``history`` is the ring of levels; how many are below the newest is counted, which is as fast as keeping them in order.
    """
    variance, weight, volatility, bars, stored = running
    decay, bars_per_year, smallest, low_level, high_level, width, high_rank, low_rank, rank_width, enough = (
        rules
    )
    rest, size = 1.0 - decay, len(history)
    for i in range(len(market)):
        variance = decay * variance + rest * market[i] * market[i]
        weight = decay * weight + rest
        bars += 1
        if bars < warmup_bars:
            for k in range(3):
                found[i + 1, k] = found[i, k]
            continue
        volatility = math.sqrt(variance / weight * bars_per_year)
        level = math.log(volatility if volatility > smallest else smallest)
        known = stored if stored < size else size
        rank = 0.5
        if known:
            below, upto = 0, 0
            for j in range(known):
                below += history[j] < level
                upto += history[j] <= level
            rank = 0.5 * (below + upto) / known
        history[stored % size] = level
        trust = stored / enough
        stored += 1
        trust = trust if trust < 1.0 else 1.0
        above = logistic((level - high_level) / width)
        under = logistic((low_level - level) / width)
        rare = trust * logistic((rank - high_rank) / rank_width)
        calm = trust * logistic((low_rank - rank) / rank_width)
        high = above + (1.0 - above) * (1.0 - under) * rare
        low = (1.0 - high) * (under + (1.0 - under) * (1.0 - above) * calm)
        medium = 1.0 - low - high
        found[i + 1, 0] = low
        found[i + 1, 1] = medium if medium > 0.0 else 0.0
        found[i + 1, 2] = high
    return variance, weight, volatility, bars, stored
