"""A market whose agents have a known information coefficient."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tuiconsole.domain.rng import generator
from tuiconsole.domain.types import FloatArray
from tuiconsole.ensemble.errors import ErrorTracker, TrackerState
from tuiconsole.ensemble.settings import EnsembleSettings

VOLATILITY = 0.01


@dataclass(frozen=True)
class Maker:
    """An agent made to measure: true skill, what it claims, and how far it looks."""

    skill: float
    claim: float
    horizon: int


def run(
    makers: list[Maker],
    n_bars: int,
    n_symbols: int,
    seed: int = 11,
    settings: EnsembleSettings | None = None,
    true_volatility: FloatArray | float = VOLATILITY,
) -> Iterator[tuple[ErrorTracker, TrackerState]]:
    """Tracker and state after every bar.

    Returns are independent normals; the forecast of each maker is ``claim * score * volatility * sqrt(horizon)`` with a
    score of variance 1 whose correlation with the standardised future return is ``skill``.
    """
    rng = generator(seed, "market")
    horizons = [maker.horizon for maker in makers]
    total = n_bars + max(horizons)
    returns = rng.normal(0.0, 1.0, (total, n_symbols)) * true_volatility
    log_price = np.cumsum(returns, axis=0)
    scores = []
    for k, maker in enumerate(makers):
        ahead = np.zeros((n_bars, n_symbols))
        for h in range(1, maker.horizon + 1):
            ahead += returns[h : h + n_bars]
        ahead /= np.asarray(true_volatility) * np.sqrt(maker.horizon)
        noise = generator(seed, "agent", str(k)).normal(0.0, 1.0, (n_bars, n_symbols))
        scores.append(maker.skill * ahead + np.sqrt(1.0 - maker.skill**2) * noise)
    tracker = ErrorTracker(horizons, settings or EnsembleSettings(), 252.0)
    state = tracker.initial_state(n_symbols)
    volatility = np.full(n_symbols, VOLATILITY)
    for t in range(n_bars):
        state = tracker.learn(state, log_price[t])
        mean = np.array(
            [m.claim * s[t] * VOLATILITY * np.sqrt(m.horizon) for m, s in zip(makers, scores, strict=True)]
        )
        state = tracker.remember(state, mean, volatility, log_price[t])
        yield tracker, state
