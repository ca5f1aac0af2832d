"""One distribution out of many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tuiconsole.domain.types import FloatArray


@dataclass(frozen=True, slots=True)
class Blend:
    """What the ensemble believes.

    Attributes
    ----------
    mean, sigma
        float64 ``[n_symbols]``: expected log-return over ``horizon_bars`` and its standard deviation; NaN
        where no agent has an opinion.
    horizon_bars
        The agents' horizons averaged by their weights and rounded; at least 1.
    """

    mean: FloatArray
    sigma: FloatArray
    horizon_bars: int


def blend(mean: FloatArray, sigma: FloatArray, horizons: FloatArray, weights: FloatArray) -> Blend:
    """Precision-weighted mixture of the agents' forecasts.

    Forecasts of different horizons meet over the blend's horizon ``H``. Variance grows with time. An agent
    that looks less far than ``H`` expects nothing beyond its own horizon; one that looks farther expects its
    proportion::

        m_a = mean_a * min(1, H / h_a)        v_a = sigma_a**2 * H / h_a

    So a forecast that fades soon moves positions less than one that lasts, as it should where trading costs
    (Gârleanu and Pedersen, 2013, "Dynamic trading with predictable returns and transaction costs", J. Finance
    68). On each symbol agent ``a`` has the share ``s_a`` in proportion to ``weight_a / v_a`` among those with
    an opinion (precision weighting: Bates and Granger, 1969, "The combination of forecasts"). The blend is
    read as a mixture, so by the law of total variance what agents disagree about is added to what they
    doubt::

        mean     = sum(s m)
        sigma**2 = sum(s v) + sum(s (m - mean)**2)

    ``sum(s v)`` is the weighted harmonic mean of the variances: opinions on the same return share most of
    their errors, so more agents do not make the blend surer than its members.

    Parameters
    ----------
    mean, sigma
        float64 ``[n_agents, n_symbols]`` over each agent's own horizon; NaN in both = no opinion.
    horizons
        float64 ``[n_agents]`` in bars.
    weights
        float64 ``[n_agents]``, not negative; agents with weight 0 take no part.
    """
    total = float(weights.sum())
    horizon = max(1, round(float(weights @ horizons) / total)) if total > 0.0 else 1
    precision = (weights * horizons / horizon)[:, None] / (sigma * sigma)
    opinion = mean * np.minimum(1.0, horizon / horizons)[:, None]
    known = np.isfinite(precision) & np.isfinite(opinion)
    if not known.all():
        precision = np.where(known, precision, 0.0)
        opinion = np.where(known, opinion, 0.0)
    precision_sum = np.add.reduce(precision, axis=0)
    precision_sum[precision_sum <= 0.0] = np.nan
    share = precision / precision_sum
    centre = np.add.reduce(share * opinion, axis=0)
    opinion -= centre
    opinion *= opinion
    opinion *= share
    variance = np.add.reduce(opinion, axis=0)
    variance += (weights @ known) / precision_sum
    return Blend(centre, np.sqrt(variance, out=variance), horizon)
