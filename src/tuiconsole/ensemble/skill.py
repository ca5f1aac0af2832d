"""How good each agent has been, and the weight that follows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.ensemble.errors import AGREEMENT, BARS, FORECAST, HITS, OUTCOME

if TYPE_CHECKING:
    from tuiconsole.ensemble.settings import EnsembleSettings


@dataclass(frozen=True, slots=True)
class Skill:
    """Realised skill of all agents, arrays ``[n_agents]``.

    Attributes
    ----------
    information_coefficient
        Exponentially weighted correlation, about zero, of forecast and outcome over cross-section and time;
        -1 to 1, NaN until the first forecast came true. About zero, because a forecast of zero has a meaning:
        no trade.
    hit_rate
        Exponentially weighted share of right signs, 0 to 1; NaN until known.
    credited_ic
        What the ensemble believes: the above shrunk to the prior; at least ``least_ic``.
    evidence
        Independent outcomes that the estimate rests on.
    """

    information_coefficient: FloatArray
    hit_rate: FloatArray
    credited_ic: FloatArray
    evidence: FloatArray


def breadth(n_symbols: int) -> float:
    """Independent bets in one cross-section: the square root of its size.

    Grinold and Kahn (1999), "Active portfolio management", ch. 6, call the number of independent bets
    breadth. It is the full size for unrelated symbols and one for a market that moves as a block; the root
    lies between.
    """
    return math.sqrt(n_symbols)


def assess(moments: FloatArray, horizons: FloatArray, n_symbols: int, settings: EnsembleSettings) -> Skill:
    """Skill from the tracker's moments.

    The realised coefficient ``r`` rests on ``n = bars / horizon * breadth`` independent outcomes, each of
    variance about 1; with a normal prior of mean ``prior_ic`` and deviation ``s`` the posterior mean is::

        credited = (prior_ic / s**2 + n * r) / (1 / s**2 + n)

    Parameters
    ----------
    moments
        float64 ``[n_moments, n_agents]`` of :class:`~tuiconsole.ensemble.errors.ErrorTracker`.
    horizons
        float64 ``[n_agents]`` in bars; forecasts that overlap are not independent.
    """
    bars = moments[BARS]
    known = bars > 0.0
    spread = np.sqrt(moments[FORECAST] * moments[OUTCOME])
    realised = np.where(spread > 0.0, moments[AGREEMENT] / np.where(spread > 0.0, spread, 1.0), 0.0)
    evidence = bars * (breadth(n_symbols) / horizons)
    prior_evidence = settings.prior_ic_deviation**-2
    credited = (prior_evidence * settings.prior_ic + evidence * realised) / (prior_evidence + evidence)
    return Skill(
        information_coefficient=np.where(known, realised, np.nan),
        hit_rate=np.where(known, moments[HITS] / np.where(known, bars, 1.0), np.nan),
        credited_ic=np.maximum(credited, settings.least_ic),
        evidence=evidence,
    )


def agent_weights(credited_ic: FloatArray, enabled: FloatArray) -> FloatArray:
    """Weights in proportion to credited skill.

    The optimal linear blend of unrelated signals weighs each by its information coefficient (Grinold and
    Kahn, 1999, ch. 10).

    Parameters
    ----------
    credited_ic
        float64 ``[n_agents]``, positive.
    enabled
        float64 ``[n_agents]``, 1 for agents that take part and 0 for the others.

    Returns
    -------
    float64 ``[n_agents]``, from 0 to 1 with sum 1; all 0 when no agent is enabled.
    """
    weights = credited_ic * enabled
    total = float(weights.sum())
    return weights / total if total > 0.0 else weights
