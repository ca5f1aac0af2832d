"""What a finished backtest held in each sector at every bar, beside its benchmark; the way to attribution by sector."""

from __future__ import annotations

import numpy as np

from tuiconsole.analytics.attribution import SectorBars, SectorEffects, sector_effects
from tuiconsole.analytics.track import FillTable
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.market.tape import Tape

_BLOCK_VALUES = 2_000_000
"""Prices taken at once, so that memory does not grow with history."""


def attributed(
    tape: Tape,
    start: int,
    ts: IntArray,
    equity: FloatArray,
    capital: float,
    fills: FillTable,
    held: IntArray,
) -> SectorEffects | None:
    """Effects by sector of a run against buying ``held`` in equal parts at its first bar.

    Parameters
    ----------
    start
        Tape index of the first bar.
    ts, equity
        Of the bars, as the run's track has them.
    held
        Columns of the benchmark, each with a price at the first bar.

    Returns
    -------
    SectorEffects or None
        None without bars or sectors, and where equity fell to zero.
    """
    codes = tape.universe.sector_codes
    if not len(ts) or not len(held) or (codes < 0).all() or not (equity > 0.0).all():
        return None
    names, member = _members(tape.universe, codes)
    before = np.concatenate(([capital], equity[:-1]))
    parts = np.zeros(len(codes))
    parts[held] = capital / len(held) / tape.close[start, held]
    value, gained = np.zeros((len(ts), len(names))), np.zeros((len(ts), len(names)))
    own_value, own_gained = value.copy(), gained.copy()
    position = np.zeros(len(codes))
    last = _last_prices(tape, start)
    step = max(1, _BLOCK_VALUES // len(codes))
    at = np.searchsorted(ts, fills.ts)
    for first in range(0, len(ts), step):
        rows = slice(first, min(first + step, len(ts)))
        prices = _filled_forward(last, tape.close[start + rows.start : start + rows.stop])
        last, worth, move = prices[-1], prices[:-1], np.diff(prices, axis=0)
        value[rows], gained[rows] = worth @ (parts[:, None] * member), move @ (parts[:, None] * member)
        changes = np.zeros_like(move)
        here = (at >= rows.start) & (at < rows.stop)
        units = fills.value[here] / fills.price[here]  # a contract's multiplier is in it
        np.add.at(changes, (at[here] - rows.start, fills.symbol[here]), units)
        after = position + np.cumsum(changes, axis=0)
        begun = np.vstack((position, after[:-1]))
        own_value[rows], own_gained[rows] = (begun * worth) @ member, (begun * move) @ member
        position = after[-1]
    value[0], gained[0] = 0.0, 0.0  # it buys at the end of the first bar
    wealth = np.concatenate(([capital], value[1:].sum(axis=1)))
    returns = equity / before - 1.0
    return sector_effects(
        (*names, "Cash"), _bars(own_value, own_gained, before), _bars(value, gained, wealth), returns
    )


def _bars(value: FloatArray, gained: FloatArray, wealth: FloatArray) -> SectorBars:
    """As shares of ``wealth`` at the beginning of each bar, with cash as the last sector."""
    weight = value / wealth[:, None]
    cash = 1.0 - weight.sum(axis=1, keepdims=True)
    earned = gained / wealth[:, None]
    return SectorBars(np.hstack((weight, cash)), np.hstack((earned, np.zeros_like(cash))))


def _members(universe: Universe, codes: IntArray) -> tuple[tuple[str, ...], FloatArray]:
    """Names of the sectors, and float64 ``[n_symbols, n_sectors]``: 1 where a symbol belongs."""
    names = tuple(sorted(set(universe.sectors) - {""}))
    unknown = bool((codes < 0).any())
    member = np.zeros((len(codes), len(names) + unknown))
    member[np.arange(len(codes)), np.where(codes < 0, len(names), codes)] = 1.0
    return (*names, "Sector unknown") if unknown else names, member


def _last_prices(tape: Tape, start: int) -> FloatArray:
    """The last price of each symbol before ``start``; 0 where there was none."""
    before = tape.close[:start]
    known = np.isfinite(before)
    row = len(before) - 1 - np.argmax(known[::-1], axis=0) if len(before) else np.zeros(0, dtype=np.int64)
    if not len(before):
        return np.zeros(tape.close.shape[1])
    return np.where(known.any(axis=0), before[row, np.arange(before.shape[1])], 0.0)


def _filled_forward(last: FloatArray, close: FloatArray) -> FloatArray:
    """``last`` and ``close`` below each other, ``[1 + n, n_symbols]``, gaps filled with the price before.

    A first price has nothing before it: it moved nothing, so the zero before it is no price to gain from.
    """
    prices = np.vstack((last, close))
    known = np.isfinite(prices) & (prices > 0.0)
    rows = np.maximum.accumulate(np.where(known, np.arange(len(prices))[:, None], 0), axis=0)
    return np.where(known.any(axis=0), np.take_along_axis(prices, rows, axis=0), 0.0)
