"""Results by regime: how an equity curve did in calm, wild, trending and ranging markets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuiconsole.analytics.performance import max_drawdown, sharpe, total_return, volatility, wealth
from tuiconsole.domain.types import FloatArray, IntArray

GROUPS: tuple[tuple[str, ...], ...] = (
    ("volatility_low", "volatility_medium", "volatility_high"),
    ("trend", "range"),
)
"""Regimes that exclude each other; a bar belongs to the likeliest of each group."""


@dataclass(frozen=True, slots=True)
class RegimeResult:
    """What one regime's bars did to the equity curve.

    Attributes
    ----------
    name
        Regime, e.g. ``volatility_high``.
    bars, share
        Bars in the regime, and as a share of all bars that had one.
    total_return
        Compound return over those bars alone.
    volatility, sharpe
        Annualised; NaN below two bars, and for the ratio where nothing moved.
    max_drawdown
        Deepest fall of the wealth that earns these bars' returns and stands still in between.
    """

    name: str
    bars: int
    share: float
    total_return: float
    volatility: float
    sharpe: float
    max_drawdown: float


def results_by_regime(
    equity: FloatArray,
    capital: float,
    probabilities: NDArray[np.float32],
    names: tuple[str, ...],
    bars_per_year: float,
) -> tuple[RegimeResult, ...]:
    """Split an equity curve by the likeliest regime of each group.

    A bar's return is credited to the regime known *before* it: a regime that the same return helped to name would
    make high volatility look worse than anybody could have avoided.

    Parameters
    ----------
    equity
        float64 ``[n_bars]`` at the end of each bar, positive; ``capital`` is the equity before the first.
    probabilities
        ``[n_bars, n_regimes]`` as known at the end of each bar.
    names
        The columns of ``probabilities``; those of :data:`GROUPS` that are missing give no result.

    Returns
    -------
    One result per regime of every group, in the order of :data:`GROUPS`; empty below two bars.

    Examples
    --------
    >>> calm = np.array([[0.8, 0.1, 0.1]] * 3, dtype=np.float32)
    >>> curve = np.array([100.0, 110.0, 121.0])
    >>> [(r.name, r.bars, round(r.total_return, 9)) for r in results_by_regime(curve, 100.0, calm, GROUPS[0], 252.0)]
    [('volatility_low', 2, 0.21), ('volatility_medium', 0, 0.0), ('volatility_high', 0, 0.0)]
    """
    if len(equity) < 2:
        return ()
    curve = np.concatenate(([capital], equity))
    returns = (curve[1:] / curve[:-1] - 1.0)[1:]
    known = probabilities[:-1]
    found: list[RegimeResult] = []
    for group in GROUPS:
        columns = [names.index(name) for name in group if name in names]
        if not columns:
            continue
        likeliest = known[:, columns].argmax(axis=1)
        found += [
            _result(names[column], returns[likeliest == place], len(returns), bars_per_year)
            for place, column in enumerate(columns)
        ]
    return tuple(found)


def _result(name: str, returns: FloatArray, bars: int, bars_per_year: float) -> RegimeResult:
    return RegimeResult(
        name=name,
        bars=len(returns),
        share=len(returns) / bars,
        total_return=total_return(returns),
        volatility=volatility(returns, bars_per_year),
        sharpe=sharpe(returns, bars_per_year),
        max_drawdown=max_drawdown(wealth(returns)).depth,
    )


def within(ts: IntArray, start: int, end: int) -> slice:
    """The positions of ``ts`` (ns, increasing) with ``start <= ts < end``.

    >>> within(np.array([10, 20, 30]), 15, 30)
    slice(1, 2, None)
    """
    first, last = np.searchsorted(ts, (start, end), side="left")
    return slice(int(first), int(last))
