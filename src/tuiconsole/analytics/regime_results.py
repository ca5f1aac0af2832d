"""Results by regime: how an equity curve did in calm, wild, trending and ranging markets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tuiconsole.analytics.drawdowns import max_drawdown
from tuiconsole.analytics.performance import sharpe, total_return, volatility, wealth
from tuiconsole.analytics.track import REGIME_LABELS
from tuiconsole.domain.types import CodeArray, FloatArray

_VOLATILITIES = tuple(dict.fromkeys(label.split(", ")[0] for label in REGIME_LABELS))
_PATH_NAMES = tuple(dict.fromkeys(label.split(", ")[1] for label in REGIME_LABELS))
_PATHS = len(_PATH_NAMES)

REGIMES = _VOLATILITIES + _PATH_NAMES
"""Names of the results: a bar is in one of the first three and in one of the last two."""


@dataclass(frozen=True, slots=True)
class RegimeResult:
    """What one regime's bars did to the equity curve.

    Attributes
    ----------
    name
        Regime, e.g. ``high volatility``.
    bars, share
        Bars in the regime, and as a share of all bars whose regime was known.
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
    equity: FloatArray, capital: float, regime: CodeArray, bars_per_year: float
) -> tuple[RegimeResult, ...]:
    """Split an equity curve by regime: low, medium and high volatility, then trend and range.

    A bar's return is credited to the regime known *before* it: a regime that the same return helped to name would
    make high volatility look worse than anybody could have avoided.

    Parameters
    ----------
    equity
        float64 ``[n_bars]`` at the end of each bar, positive; ``capital`` is the equity before the first.
    regime
        int8 ``[n_bars]``, as :attr:`~tuiconsole.analytics.track.Track.regime`: as known at the end of each bar, -1
        where it is not; such bars are in no result.

    Returns
    -------
    One result for each name of :data:`REGIMES`, in that order.

    Examples
    --------
    >>> curve, calm_trend = np.array([100.0, 110.0, 121.0]), np.zeros(3, dtype=np.int8)
    >>> [(r.name, r.bars, round(r.total_return, 9)) for r in results_by_regime(curve, 100.0, calm_trend, 252.0)][::3]
    [('low volatility', 2, 0.21), ('trend', 2, 0.21)]
    """
    curve = np.concatenate(([capital], equity))
    returns = (curve[1:] / curve[:-1] - 1.0)[1:]
    before = regime[: len(returns)]
    known = before >= 0
    member = [known & (before // _PATHS == i) for i in range(len(_VOLATILITIES))]
    member += [known & (before % _PATHS == i) for i in range(_PATHS)]
    bars = max(1, int(known.sum()))
    return tuple(
        _result(name, returns[rows], bars, bars_per_year) for name, rows in zip(REGIMES, member, strict=True)
    )


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
