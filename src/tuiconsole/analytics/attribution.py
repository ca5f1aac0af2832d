"""Where a run's difference to its benchmark came from, by sector and over many bars.

Each bar is split by Brinson and Fachler (1985; :func:`~tuiconsole.analytics.relative.brinson_fachler`) with what was held when
it began; cash is a sector that earns nothing. What holdings do not explain (fills within the bar, all costs) is ``trading``.
Bars are linked as GRAP (Groupe de Recherche en Attribution de Performance, 1997) does: the effect of bar ``t`` grows with the
portfolio before and with the benchmark after it, so that the sum over bars is the difference of the compounded returns::

    linked = sum over t of  prod(1 + p[s], s < t) * effect[t] * prod(1 + b[s], s > t)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tuiconsole.analytics.relative import brinson_fachler
from tuiconsole.domain.types import FloatArray

_NOTHING = 1e-12
"""Shares of equity below this are none: a return on them is not defined."""


@dataclass(frozen=True, slots=True)
class SectorEffects:
    """Linked effects of a whole run, a value per sector; all of them and ``trading`` add up to ``active``.

    Attributes
    ----------
    sectors
        Names; the last is cash.
    weight, benchmark_weight
        Mean share of equity over the bars.
    allocation, selection, interaction
        Shares of the starting capital; see :class:`~tuiconsole.analytics.relative.Attribution`.
    trading
        What fills within bars and all costs made of it.
    active
        Total return less the benchmark's.
    """

    sectors: tuple[str, ...]
    weight: tuple[float, ...]
    benchmark_weight: tuple[float, ...]
    allocation: tuple[float, ...]
    selection: tuple[float, ...]
    interaction: tuple[float, ...]
    trading: float
    active: float


@dataclass(frozen=True, slots=True)
class SectorBars:
    """What was held in each sector when a bar began, and what it earned over the bar, as shares of equity then.

    Attributes
    ----------
    weight, earned
        float64 ``[n_bars, n_sectors]``; weights of a bar add up to 1, cash included.
    """

    weight: FloatArray
    earned: FloatArray


def sector_effects(
    sectors: tuple[str, ...], portfolio: SectorBars, benchmark: SectorBars, returns: FloatArray
) -> SectorEffects:
    """Linked effects by sector.

    Parameters
    ----------
    returns
        float64 ``[n_bars]``, the portfolio's simple returns after all costs, each above -1.

    Examples
    --------
    >>> held = SectorBars(np.array([[0.5, 0.5]]), np.array([[0.05, 0.0]]))
    >>> market = SectorBars(np.array([[1.0, 0.0]]), np.array([[0.04, 0.0]]))
    >>> found = sector_effects(("Energy", "Cash"), held, market, np.array([0.049]))
    >>> [round(x, 4) for x in (*found.allocation, *found.selection, *found.interaction, found.trading, found.active)]
    [0.0, -0.02, 0.06, 0.0, -0.03, 0.0, -0.001, 0.009]
    """
    market = benchmark.earned.sum(axis=1)
    held, listed = np.abs(portfolio.weight) > _NOTHING, np.abs(benchmark.weight) > _NOTHING
    own = np.divide(portfolio.earned, portfolio.weight, out=np.zeros_like(portfolio.weight), where=held)
    other = np.divide(benchmark.earned, benchmark.weight, out=np.zeros_like(own), where=listed)
    other = np.where(listed, other, own)
    own = np.where(held, own, other)
    parts = brinson_fachler(portfolio.weight, benchmark.weight, own, other)
    selection = parts.selection + np.where(held, 0.0, portfolio.earned - portfolio.weight * own)
    scale = _growth_before(returns) * _growth_before(market[::-1])[::-1]

    def linked(effect: FloatArray) -> tuple[float, ...]:
        return tuple((scale @ effect).tolist())

    trading = float(scale @ (returns - portfolio.earned.sum(axis=1)))
    return SectorEffects(
        sectors,
        tuple(portfolio.weight.mean(axis=0).tolist()),
        tuple(benchmark.weight.mean(axis=0).tolist()),
        linked(parts.allocation),
        linked(selection),
        linked(parts.interaction),
        trading=trading,
        active=float(np.prod(1.0 + returns) - np.prod(1.0 + market)),
    )


def _growth_before(returns: FloatArray) -> FloatArray:
    """Growth of 1 up to the beginning of each bar."""
    return np.concatenate(([1.0], np.cumprod(1.0 + returns)[:-1]))
