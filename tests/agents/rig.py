"""Views of the market as the pipeline gives them to agents, from prices through the real feature banks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tuiconsole.agents.contract import Agent, AgentView
from tuiconsole.domain.market import Bars, ScreenedBars
from tuiconsole.domain.rng import generator
from tuiconsole.domain.types import FloatArray
from tuiconsole.features.feature_set import FeatureSet
from tuiconsole.market.panel import Panel

BARS_PER_YEAR = 252.0
VOLATILITY = "realised_volatility_63"
REGIME = np.array([0.2, 0.5, 0.3, 0.6, 0.4])


def prices(n_bars: int, n_symbols: int, seed: int = 5) -> FloatArray:
    """Correlated random closes ``[n_bars, n_symbols]`` with different drifts and volatilities."""
    rng = generator(seed, "prices")
    volatility = np.linspace(0.008, 0.025, n_symbols)
    drift = np.linspace(0.001, -0.0005, n_symbols)
    common = rng.normal(0.0, 0.5, (n_bars, 1))
    own = rng.normal(0.0, 0.85, (n_bars, n_symbols))
    return np.asarray(40.0 * np.exp(np.cumsum(drift + volatility * (common + own), axis=0)))


def views(agent: Agent, close: FloatArray) -> Iterator[tuple[AgentView, int]]:
    """One view per bar, and the number of bars seen so far. Its arrays are copies."""
    n = close.shape[1]
    features = FeatureSet((*agent.needs, VOLATILITY), n)
    panel = Panel(n, max(2, features.panel_window))
    good = np.zeros(n, dtype=np.int8)
    for t, row in enumerate(close):
        panel.push(ScreenedBars(Bars.close_only(t, t, row), row, good))
        features.update(panel)
        volatility = features.values[-1] / np.sqrt(BARS_PER_YEAR)
        yield (
            view(agent, dict(zip(features.names, features.values.copy(), strict=True)), row, volatility),
            t + 1,
        )


def view(
    agent: Agent, features: dict[str, FloatArray], price: FloatArray, volatility: FloatArray
) -> AgentView:
    """A view in which forecasts have so far missed by what volatility says."""
    return AgentView(
        features=features,
        regime=REGIME,
        price=price,
        tradable=np.isfinite(price),
        volatility=volatility,
        realised_error=volatility * np.sqrt(agent.horizon_bars),
    )


def made_up(agent: Agent, **rows: list[float]) -> AgentView:
    """A view of given feature rows; volatility 1 % a bar, prices as given or 100."""
    n = len(next(iter(rows.values())))
    price = np.array(rows.pop("price", [100.0] * n))
    features: dict[str, Any] = {name: np.array(row, dtype=np.float64) for name, row in rows.items()}
    return view(agent, features, price, np.full(n, 0.01))


def quiet() -> np.errstate:
    """The floating-point rules that agents run under."""
    return np.errstate(invalid="ignore", divide="ignore", over="ignore")
