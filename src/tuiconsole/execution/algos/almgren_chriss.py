"""The optimal schedule of Almgren and Chriss: cheap against certain, in closed form.

A parent of ``X`` shares is sold (or bought) over ``N`` intervals of length ``tau = T / N``. Trading ``n`` shares in one
interval moves the price for good by ``gamma * n`` and for that interval by ``epsilon + eta * n / tau``; meanwhile it
wanders with ``sigma``. Trading fast is dear, trading slowly is uncertain; the risk aversion ``lambda`` says how much
expected cost one is ready to pay for less variance. Minimising ``E + lambda * V`` gives::

    eta_tilde    = eta - gamma * tau / 2
    kappa_tilde  = sqrt(lambda * sigma**2 / eta_tilde)
    kappa        = arccosh(1 + kappa_tilde**2 * tau**2 / 2) / tau
    x_j          = X * sinh(kappa * (T - j * tau)) / sinh(kappa * T)
    E            = gamma * X**2 / 2 + epsilon * X + eta_tilde / tau * sum(n_j**2)
    V            = sigma**2 * tau * sum(x_j**2, j = 1..N)

Source: Almgren and Chriss, "Optimal execution of portfolio transactions", J. Risk 3 (2000), eq. 4, 5, 16-20.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tuiconsole.domain.types import FloatArray


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be traded, and how the market answers.

    Attributes
    ----------
    quantity
        Shares, positive.
    horizon
        Length of the whole, in any unit of time, positive; the other figures are per that unit.
    intervals
        Trades, at least 1.
    sigma
        Standard deviation of the price over one unit of time, currency units per share.
    epsilon
        Half the spread and fees, currency units per share.
    gamma
        Permanent impact, currency units per share, per share traded.
    eta
        Temporary impact, currency units per share, per share traded in one unit of time; more than
        ``gamma * horizon / intervals / 2``.

    Raises
    ------
    ValueError
        When a figure is out of these ranges.
    """

    quantity: float
    horizon: float
    intervals: int
    sigma: float
    epsilon: float
    gamma: float
    eta: float

    def __post_init__(self) -> None:
        if self.quantity <= 0.0 or self.horizon <= 0.0 or self.intervals < 1:
            raise ValueError("a schedule needs a positive quantity, a positive horizon and an interval")
        if min(self.sigma, self.epsilon, self.gamma) < 0.0 or self.eta_tilde <= 0.0:
            raise ValueError("sigma, epsilon and gamma may not be negative, and eta must outweigh gamma")

    @property
    def tau(self) -> float:
        """Length of one interval."""
        return self.horizon / self.intervals

    @property
    def eta_tilde(self) -> float:
        """Temporary impact less what of the permanent one falls into the same interval."""
        return self.eta - self.gamma * self.tau / 2.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """One point of the efficient frontier.

    Attributes
    ----------
    risk_aversion
        ``lambda``, per currency unit.
    kappa
        Urgency, per unit of time; 0 for a straight line.
    holdings
        float64 ``[intervals + 1]``: what is left at the start and after each trade.
    trades
        float64 ``[intervals]``, adding up to the quantity.
    expected_cost, variance
        Of the implementation shortfall: currency units, and their square.
    """

    risk_aversion: float
    kappa: float
    holdings: FloatArray
    trades: FloatArray
    expected_cost: float
    variance: float

    @property
    def half_life(self) -> float:
        """Time in which what is left falls by a factor e where there is no end in sight; infinite without urgency."""
        return 1.0 / self.kappa if self.kappa else math.inf

    def value_at_risk(self, quantiles: float = 1.645) -> float:
        """Cost that is exceeded with the probability of that many standard deviations (1.645: 5 %)."""
        return self.expected_cost + quantiles * math.sqrt(self.variance)


def urgency(task: Task, risk_aversion: float) -> float:
    """``kappa`` per unit of time, by which the schedule falls; ``risk_aversion`` is non-negative, per currency unit."""
    if risk_aversion < 0.0:
        raise ValueError("risk aversion may not be negative")
    square = risk_aversion * task.sigma**2 / task.eta_tilde * task.tau**2
    # arccosh(1 + s/2) without losing the digits of a small s
    return 2.0 * math.asinh(math.sqrt(square) / 2.0) / task.tau


def left_after(kappa: float, horizon: float, times: FloatArray) -> FloatArray:
    """Share of the whole that is left at ``times`` ``[n]``, each within ``[0, horizon]``; 1 at 0, 0 at the horizon.

    >>> left_after(0.0, 4.0, np.array([0.0, 1.0, 4.0])).tolist()
    [1.0, 0.75, 0.0]
    """
    left = horizon - times
    if kappa * horizon == 0.0:
        return np.asarray(left / horizon)
    # sinh(a) / sinh(b) without overflow
    falling = np.exp(-kappa * times)
    return np.asarray(falling * np.expm1(-2.0 * kappa * left) / math.expm1(-2.0 * kappa * horizon))


def schedule(task: Task, risk_aversion: float) -> Schedule:
    """The optimal schedule, its expected cost and its variance.

    Examples
    --------
    >>> paper = Task(1e6, 5.0, 5, 0.95, 0.0625, 2.5e-7, 2.5e-6)
    >>> schedule(paper, 0.0).expected_cost
    662500.0
    >>> schedule(paper, 1e-6).trades.round().tolist()
    [458044.0, 252101.0, 141957.0, 85756.0, 62142.0]
    """
    kappa = urgency(task, risk_aversion)
    times = np.arange(task.intervals + 1) * task.tau
    holdings = task.quantity * left_after(kappa, task.horizon, np.minimum(times, task.horizon))
    holdings[-1] = 0.0
    trades = holdings[:-1] - holdings[1:]
    cost = 0.5 * task.gamma * task.quantity**2 + task.epsilon * task.quantity
    cost += task.eta_tilde / task.tau * float(trades @ trades)
    variance = task.sigma**2 * task.tau * float(holdings[1:] @ holdings[1:])
    return Schedule(risk_aversion, kappa, holdings, trades, cost, variance)


def frontier(task: Task, risk_aversions: Iterable[float]) -> list[Schedule]:
    """The efficient frontier: the cheapest schedule for each risk aversion, in the order given.

    Growing risk aversion buys less variance with more expected cost; no schedule is better in both.
    """
    return [schedule(task, risk_aversion) for risk_aversion in risk_aversions]
