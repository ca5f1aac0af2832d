"""What agents forecast, kept until it came true: realised errors and success of all agents at once.

Everything is measured in units of the realised volatility at the time of the forecast, so that a calm and a
wild year count alike (volatility updating: Hull and White, 1998, J. Risk 1). For agent ``a`` with horizon
``h`` at bar ``t``::

    z = mean[t-h] / (volatility[t-h] * sqrt(h))          what was forecast
    y = log(price[t] / price[t-h]) / (volatility[t-h] * sqrt(h))     what came

``(y - z)**2`` feeds the error of each agent and symbol; averages over the cross-section of ``z*y``, ``z*z``
and ``y*y`` feed the agent's skill (:mod:`tuiconsole.ensemble.skill`). All averages are exponentially
weighted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.ensemble.settings import EnsembleSettings

TrackerState = Mapping[str, Any]
"""``past`` (list of ``[n_agents + 2, n_symbols]``, oldest first), ``square_sum`` and ``error_count``
``[n_agents, n_symbols]``, ``moments`` ``[n_moments, n_agents]``, ``profit`` ``[n_agents]``."""

AGREEMENT, FORECAST, OUTCOME, ERROR, HITS, BARS = range(6)
"""Rows of ``moments``: decayed sums over bars of the cross-section's mean ``z*y``, ``z*z``, ``y*y``,
``(y-z)**2``, share of right signs, and the decayed number of bars."""

N_MOMENTS = 6
NOTIONAL_VOLATILITY = 0.10
"""Greatest annual volatility of the notional book that each agent's profit is counted on, as a fraction."""


class ErrorTracker:
    """Turns realised returns into errors and moments; holds constants only, the state is passed in and out.

    Parameters
    ----------
    horizons
        Horizon of each agent in bars, at least 1.
    settings
        Half-life and prior strength.
    bars_per_year
        For the notional profit.
    """

    def __init__(self, horizons: Sequence[int], settings: EnsembleSettings, bars_per_year: float) -> None:
        self.horizons = tuple(int(h) for h in horizons)
        if not self.horizons or min(self.horizons) < 1:
            raise ValueError(f"every agent needs a horizon of at least 1 bar, were {self.horizons}")
        self.decay = 0.5 ** (1.0 / settings.half_life_bars)
        self.prior_bars = settings.error_prior_bars
        self._agents = len(self.horizons)
        self._root: FloatArray = np.sqrt(np.array(self.horizons, dtype=np.float64))[:, None]
        self._inverse_root = 1.0 / self._root
        self._profit_scale = NOTIONAL_VOLATILITY / np.sqrt(bars_per_year) * self._inverse_root[:, 0]

    def initial_state(self, n_symbols: int) -> TrackerState:
        """Nothing forecast, nothing known."""
        shape = (self._agents, n_symbols)
        nothing = np.full((self._agents + 2, n_symbols), np.nan)
        return {
            "past": [nothing] * max(self.horizons),
            "square_sum": np.zeros(shape),
            "error_count": np.zeros(shape),
            "moments": np.zeros((N_MOMENTS, self._agents)),
            "profit": np.zeros(self._agents),
        }

    def learn(self, state: TrackerState, log_price: FloatArray) -> TrackerState:
        """Take in what became of the forecasts that mature at this bar.

        Parameters
        ----------
        log_price
            float64 ``[n_symbols]``, log of the last good price; NaN where none.
        """
        past, agents = state["past"], self._agents
        forecast = np.array([past[-h][a] for a, h in enumerate(self.horizons)])
        then = np.array([past[-h][agents:] for h in self.horizons])
        outcome = log_price - then[:, 0]
        outcome *= then[:, 1]
        outcome *= self._inverse_root
        terms = np.empty((7, agents, len(log_price)))
        np.multiply(forecast, outcome, out=terms[AGREEMENT])
        known = np.isfinite(terms[AGREEMENT])
        np.multiply(forecast, forecast, out=terms[FORECAST])
        np.multiply(outcome, outcome, out=terms[OUTCOME])
        np.subtract(outcome, forecast, out=outcome)
        np.multiply(outcome, outcome, out=terms[ERROR])
        np.greater(terms[AGREEMENT], 0.0, out=terms[HITS], casting="unsafe")
        terms[BARS] = known
        np.abs(forecast, out=terms[6])
        if not known.all():
            np.copyto(terms, 0.0, where=~known)
        sums = np.add.reduce(terms, axis=2)
        count = sums[BARS]
        profit = sums[AGREEMENT] / np.where(sums[6] > 0.0, sums[6], 1.0)
        moments = self.decay * state["moments"]
        moments += sums[:N_MOMENTS] / np.maximum(count, 1.0)
        square_sum = self.decay * state["square_sum"]
        square_sum += terms[ERROR]
        error_count = self.decay * state["error_count"]
        error_count += terms[BARS]
        return {
            "past": past,
            "square_sum": square_sum,
            "error_count": error_count,
            "moments": moments,
            "profit": state["profit"] + profit * self._profit_scale,
        }

    def realised_error(self, state: TrackerState, volatility: FloatArray) -> FloatArray:
        """Standard deviation of each agent's forecast errors over its horizon.

        The error of one agent on one symbol is shrunk to what all symbols together say about the agent, and
        that to the realised volatility (empirical Bayes: Efron and Morris, 1973, JASA 68), so it passes
        smoothly from ``volatility * sqrt(h)`` to the realised errors::

            pooled = (prior + sum of mean squared errors) / (prior + bars)
            ratio  = (prior * pooled + sum of squared errors) / (prior + errors)
            error  = volatility * sqrt(h * ratio)

        Parameters
        ----------
        volatility
            float64 ``[n_symbols]``, standard deviation of the log-return of one bar now; positive or NaN.

        Returns
        -------
        float64 ``[n_agents, n_symbols]``, positive; NaN where the volatility is.
        """
        moments, prior = state["moments"], self.prior_bars
        pooled = (moments[ERROR] + prior) * (prior / (moments[BARS] + prior))
        ratio: FloatArray = state["square_sum"] + pooled[:, None]
        ratio /= state["error_count"] + prior
        np.sqrt(ratio, out=ratio)
        ratio *= self._root
        ratio *= volatility
        return ratio

    def remember(
        self, state: TrackerState, mean: FloatArray, volatility: FloatArray, log_price: FloatArray
    ) -> TrackerState:
        """Keep this bar's forecasts until they come true.

        Parameters
        ----------
        mean
            float64 ``[n_agents, n_symbols]``, expected log-returns as the agents stated them; NaN = no
            opinion.
        """
        entry = np.empty((self._agents + 2, len(log_price)))
        inverse = np.divide(1.0, volatility, out=entry[-1])
        np.multiply(mean, inverse, out=entry[:-2])
        entry[:-2] *= self._inverse_root
        entry[-2] = log_price
        return {**state, "past": [*state["past"][1:], entry]}
