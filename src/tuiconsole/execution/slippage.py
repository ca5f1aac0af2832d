"""What a trade will cost before it is made: Almgren and Chriss as the base, and what was learned about its errors.

The base is half the spread, temporary impact and half of the permanent one, with the venue's own numbers
(:class:`~tuiconsole.execution.settings.ExecutionSettings`). What it gets wrong, by venue, time of day, order type, spread,
queue, volatility and size, is learned from realised slippage by gradient-boosted trees
(:class:`~tuiconsole.execution.residual.ResidualModel`), and only added while it is proven to help on fills it had not seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.execution.costs import permanent_impact, temporary_impact
from tuiconsole.execution.residual import ResidualModel, Switch
from tuiconsole.execution.settings import ExecutionSettings


class Trades(NamedTuple):
    """What is known of trades before they are made; columns ``[n]``.

    Attributes
    ----------
    venue, style
        int64 codes of the venue and of the order type (:class:`~tuiconsole.execution.order_choice.Style`).
    time_of_day
        Share of the session that is over, 0 to 1.
    spread_bps
        Quoted spread, basis points of the midpoint; NaN where not quoted (then the configured one counts).
    queue
        Share of the queue in front of the order, 0 to 1; NaN for orders that do not queue.
    sigma
        Standard deviation of one bar's log-return, positive.
    participation
        Quantity over the usual volume of one bar, non-negative.
    """

    venue: IntArray
    style: IntArray
    time_of_day: FloatArray
    spread_bps: FloatArray
    queue: FloatArray
    sigma: FloatArray
    participation: FloatArray

    def columns(self) -> FloatArray:
        """Everything as float64 ``[n, 7]``, in the order of the fields."""
        return np.stack([np.asarray(column, dtype=np.float64) for column in self], axis=1)


CATEGORIES = (0, 1)
"""Columns of :meth:`Trades.columns` that are codes."""


def base_bps(trades: Trades, settings: ExecutionSettings) -> FloatArray:
    """Expected slippage of Almgren and Chriss, basis points of the price, float64 ``[n]``.

    References
    ----------
    Almgren and Chriss, J. Risk 3 (2000), eq. 5 to 7; the exponent of the temporary impact as set (Almgren et al. 2005).

    Examples
    --------
    >>> one = np.ones(1)
    >>> trade = Trades(one.astype(int), one.astype(int), one, 4.0 * one, one, 0.02 * one, 0.01 * one)
    >>> base_bps(trade, ExecutionSettings()).round(2).tolist()  # half the spread, 6.28 temporary, 0.1 permanent
    [8.38]
    """
    quoted = np.where(np.isnan(trades.spread_bps), 2.0 * settings.half_spread_bps, trades.spread_bps)
    swept = temporary_impact(
        settings.temporary_impact, settings.temporary_exponent, trades.sigma, trades.participation
    )
    moved = permanent_impact(settings.permanent_impact, trades.sigma, trades.participation)
    return np.asarray(quoted / 2.0 + 1e4 * (swept + moved / 2.0))


class SlippageModel:
    """Base and learned residual.

    Parameters
    ----------
    settings
        The venue's numbers.
    residual
        What learns; a fresh one when None.

    Raises
    ------
    UsageError
        The package that learns is not installed.
    """

    def __init__(self, settings: ExecutionSettings, residual: ResidualModel | None = None) -> None:
        self._settings = settings
        self.residual = residual or ResidualModel(CATEGORIES)

    def expected_bps(self, trades: Trades) -> FloatArray:
        """Expected slippage, basis points, float64 ``[n]``: the base, and the residual while it is proven."""
        base = base_bps(trades, self._settings)
        return base + self.residual.predict(trades.columns()) if self.residual.in_use else base

    def learn(self, trades: Trades, realised_bps: FloatArray) -> Switch | None:
        """Take in fills and what they really cost ``[n]`` against the price at arrival.

        Returns
        -------
        Switch or None
            The moment when the residual began or ceased to be used, with the evidence: for the journal.
        """
        return self.residual.learn(trades.columns(), realised_bps - base_bps(trades, self._settings))

    def state(self) -> dict[str, Any]:
        """Everything needed to go on."""
        return self.residual.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from :meth:`state`."""
        self.residual.restore(state)
