"""A strategy of ten lines: hold an equal share of every symbol whose fast average is above its slow one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.policy import (
    Decision,
    DecisionInputs,
    MarketAhead,
    OrdersAhead,
    PolicyState,
    Wishes,
    no_sheet,
)
from tuiconsole.domain.types import BoolArray, FloatArray, IntArray

FAST, SLOW = 20, 100
NAME_CAP = 0.15


def share_of(n_symbols: int) -> float:
    """Share of equity that one symbol may have: an equal part of 90 %, and less than the name cap."""
    return min(0.9 / n_symbols, 0.9 * NAME_CAP)


class SmaCross:
    """A :class:`~tuiconsole.domain.policy.Policy` without agents: it shows what the core itself costs."""

    needs: Sequence[str] = (f"rolling_mean_{FAST}", f"rolling_mean_{SLOW}")
    agent_names: Sequence[str] = ()
    sheet_names: Sequence[str] = ()
    scalar_names: Sequence[str] = ()

    def __init__(self, universe: Universe) -> None:
        self._lot = universe.lot
        self._lot_units: FloatArray = universe.lot / universe.quantity_scale
        self._share = share_of(len(universe))
        self._sheet = no_sheet(len(universe))
        self._scalars = np.empty(0)

    def initial_state(self, n_symbols: int) -> PolicyState:
        """Every symbol out, none seen."""
        return {"long": np.zeros(n_symbols, dtype=np.bool_)}

    def decide(self, inputs: DecisionInputs, state: PolicyState) -> tuple[Decision, PolicyState]:
        """Go in where the averages crossed upwards, out where they crossed downwards; else leave alone."""
        fast, slow = inputs.features
        long = fast > slow
        crossed = long != state["long"]
        entering = np.flatnonzero(long & crossed)
        target = np.zeros(len(long), dtype=np.int64)
        if len(entering):
            value = inputs.price.take(entering) * self._lot_units.take(entering)
            target[entering] = (inputs.equity * self._share / value).astype(np.int64) * self._lot.take(
                entering
            )
        after: dict[str, Any] = {"long": long}
        return Decision(target, crossed, self._sheet, self._scalars), after

    def wakes(self, market: MarketAhead, state: PolicyState) -> BoolArray:
        """Bars at which an average crosses; at all others it leaves everything alone."""
        return np.any(self._crossings(market, state)[1], axis=1)

    def wishes(self, market: MarketAhead, state: PolicyState) -> Wishes:
        """The same, for many bars at once."""
        long, crossed = self._crossings(market, state)
        return Wishes(acting=crossed, weight=self._share * (long & crossed))

    def acted_on(self, state: PolicyState) -> FloatArray:
        """It keeps no weights."""
        return np.zeros(len(state["long"]))

    def state_after(
        self, market: MarketAhead, bar: int, acted_on: FloatArray, state: PolicyState
    ) -> PolicyState:
        """Who is long after the bar."""
        return {"long": market.features[bar, 0] > market.features[bar, 1]}

    def explain(
        self, market: MarketAhead, wishes: Wishes, orders: OrdersAhead, equity: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Nothing beside the targets."""
        return no_sheet(len(orders.bar)), np.empty((len(equity), 0))

    def _crossings(self, market: MarketAhead, state: PolicyState) -> tuple[BoolArray, BoolArray]:
        long = market.features[:, 0] > market.features[:, 1]
        crossed: BoolArray = np.empty(long.shape, dtype=np.bool_)
        crossed[0] = long[0] != state["long"]
        np.not_equal(long[1:], long[:-1], out=crossed[1:])
        return long, crossed


class FixedCross(SmaCross):
    """The same crossings with a fixed number of shares for each symbol, as every peer can trade them.

    Parameters
    ----------
    size
        int64 ``[n_symbols]``, whole shares held while the fast average is above the slow one.
    """

    def __init__(self, universe: Universe, size: IntArray) -> None:
        super().__init__(universe)
        self._size: IntArray = size * universe.quantity_scale

    def decide(self, inputs: DecisionInputs, state: PolicyState) -> tuple[Decision, PolicyState]:
        """Go in where the averages crossed upwards, out where they crossed downwards; else leave alone."""
        fast, slow = inputs.features
        long = fast > slow
        return Decision(self._size * long, long != state["long"], self._sheet, self._scalars), {"long": long}

    def wishes(self, market: MarketAhead, state: PolicyState) -> Wishes:
        """The same, for many bars at once."""
        long, crossed = self._crossings(market, state)
        return Wishes(acting=crossed, quantity=self._size * long)
