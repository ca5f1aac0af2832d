"""Where a market maker quotes, and what such quotes would earn in the model that they come from.

References
----------
Avellaneda and Stoikov, "High-frequency trading in a limit order book", Quantitative Finance 8(3), 217-224 (2008).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np
from annotated_types import Interval

from tuiconsole.domain.types import FloatArray


@dataclass(frozen=True, slots=True)
class QuotingModel:
    """Parameters of Avellaneda and Stoikov's model; units of price and time are the caller's own."""

    gamma: Annotated[float, Interval(gt=0.0)] = 0.1
    """Risk aversion, per unit of price and quantity."""

    sigma: Annotated[float, Interval(ge=0.0)] = 2.0
    """Volatility of the middle: standard deviation of its change over one unit of time, in units of price."""

    decay: Annotated[float, Interval(gt=0.0)] = 1.5
    """How fast fills become rarer with the distance from the middle: the intensity falls by a factor e in 1 / `decay`."""

    rate: Annotated[float, Interval(ge=0.0)] = 140.0
    """Intensity of fills at the middle, per unit of time."""


class QuotedPrices(NamedTuple):
    """Two-sided quotes and what they are around.

    Attributes
    ----------
    reservation
        The price at which the maker is indifferent to one unit more or less.
    spread
        From bid to ask, positive.
    """

    reservation: float
    spread: float
    bid: float
    ask: float


def inventory_quotes(model: QuotingModel, middle: float, inventory: float, remaining: float) -> QuotedPrices:
    """Quotes that lean against the inventory (Avellaneda and Stoikov, eq. 29 and 30).

    Parameters
    ----------
    middle
        Of the market, in units of price.
    inventory
        Signed quantity held.
    remaining
        Time to the end of the horizon, not negative.

    Examples
    --------
    >>> inventory_quotes(QuotingModel(), 100.0, 3.0, 0.5).reservation
    99.4
    """
    risk = model.gamma * model.sigma**2 * remaining
    reservation = middle - inventory * risk
    spread = risk + standing_spread(model)
    return QuotedPrices(reservation, spread, reservation - spread / 2.0, reservation + spread / 2.0)


def standing_spread(model: QuotingModel) -> float:
    """The part of the spread that does not depend on time: ``(2 / gamma) ln(1 + gamma / decay)``."""
    return 2.0 / model.gamma * math.log1p(model.gamma / model.decay)


class QuotingOutcome(NamedTuple):
    """What every simulated path came to, each float64 ``[n_paths]``: profit in units of price, inventory left at the end.

    ``spread`` is the average of the quoted spread.
    """

    profit: FloatArray
    inventory: FloatArray
    spread: float


def simulate_quoting(
    model: QuotingModel, paths: int, steps: int, random: np.random.Generator, *, leaning: bool = True
) -> QuotingOutcome:
    """Quote over one unit of time on simulated paths of the model, marked to the middle at the end.

    In each step the middle goes up or down by ``sigma * sqrt(dt)`` with equal chance, and a quote at distance ``d`` from it is
    filled with probability ``rate * exp(-decay * d) * dt``.

    Parameters
    ----------
    leaning
        Quotes lean against the inventory; else they stand around the middle with the same average spread.

    References
    ----------
    Avellaneda and Stoikov (2008), section 3.3.
    """
    dt = 1.0 / steps
    middle: FloatArray = np.zeros(paths)
    held: FloatArray = np.zeros(paths)
    cash: FloatArray = np.zeros(paths)
    spreads = [
        model.gamma * model.sigma**2 * (1.0 - step * dt) + standing_spread(model) for step in range(steps)
    ]
    average = math.fsum(spreads) / steps
    for step in range(steps):
        half = (spreads[step] if leaning else average) / 2.0
        lean = held * (model.gamma * model.sigma**2 * (1.0 - step * dt)) if leaning else np.zeros(paths)
        below, above = half + lean, half - lean
        drawn = random.random((2, paths))
        bought = drawn[0] < model.rate * np.exp(-model.decay * below) * dt
        sold = drawn[1] < model.rate * np.exp(-model.decay * above) * dt
        cash += sold * (middle + above) - bought * (middle - below)
        held += bought.astype(np.float64) - sold
        middle += model.sigma * math.sqrt(dt) * np.where(random.random(paths) < 0.5, 1.0, -1.0)
    return QuotingOutcome(cash + held * middle, held, average)
