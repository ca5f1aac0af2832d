"""The order type of each child, chosen by the bandit: what is sent, what it cost, and the log of both.

A child that rests (limit, pegged) has one bar to fill; then it is cancelled and its rest belongs to the next slice. What it
cost is measured against the market's price when it was chosen: the filled part by its price, the rest by where the market
stands now and half a spread, because it has yet to be bought there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from tuiconsole.domain.context import BarQuotes
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.order_terms import PLAIN, OrderType, Peg, Terms, TimeInForce
from tuiconsole.domain.rng import generator
from tuiconsole.domain.types import FloatArray
from tuiconsole.execution.order_choice import Choice, OrderChoice, Situation, Style
from tuiconsole.execution.settings import ExecutionSettings

RESTING = frozenset({Style.LIMIT, Style.PEGGED})
STYLES = tuple(Style)


class Market(NamedTuple):
    """What one symbol's market looks like when a child is styled.

    Attributes
    ----------
    price
        Scaled last good price.
    sigma, volume
        Volatility of one bar's log-return, and usual volume of one bar in shares.
    """

    price: int
    sigma: float
    volume: float


class Styled(NamedTuple):
    """A child with its order type: signed scaled ``quantity`` (POV may make it smaller), and why."""

    quantity: int
    terms: Terms
    choice: Choice


class _Open(NamedTuple):
    """A child whose cost is not known yet."""

    symbol: int
    quantity: int
    arrival: int
    half_spread_bps: float
    choice: Choice


class OrderStyles:
    """Chooses and remembers.

    Parameters
    ----------
    universe, settings
        Who is traded where, and the venue's numbers.
    seed
        Of the draws; each has a generator of its own, so a replay draws the same.
    """

    def __init__(self, universe: Universe, settings: ExecutionSettings, seed: int) -> None:
        venue = universe.instruments[0].venue
        self._choice = OrderChoice([(style, venue) for style in STYLES], settings.choice_exploration)
        self._settings, self._seed = settings, seed
        self._scale: list[int] = universe.price_scale.tolist()
        self._units: list[int] = universe.quantity_scale.tolist()
        self._lot: list[int] = universe.lot.tolist()
        self._quotes: BarQuotes | None = None
        self._open: dict[int, _Open] = {}

    def learn(self, quotes: BarQuotes | None) -> None:
        """The quotes at the end of the newest bar; None where the source has none."""
        self._quotes = quotes

    def style(self, decision: int, symbol: int, quantity: int, market: Market) -> Styled:
        """An order type for the child of ``symbol`` of decision number ``decision``."""
        touch = self._touch(symbol)
        situation = self._situation(symbol, quantity, market, touch)
        possible = np.array([style != Style.PEGGED or touch is not None for style in STYLES])
        rng = generator(self._seed, "order choice", str(decision), str(symbol))
        choice = self._choice.choose(situation, rng, possible)
        side = 1 if quantity > 0 else -1
        chosen = STYLES[choice.arm]
        if chosen == Style.POV:
            most = int(self._settings.algo_participation * market.volume * self._units[symbol])
            size = min(abs(quantity), max(most - most % self._lot[symbol], self._lot[symbol]))
            return Styled(side * size, PLAIN, choice)
        if chosen == Style.LIMIT:
            return Styled(quantity, self._limit(symbol, side, market, touch), choice)
        if chosen == Style.PEGGED:
            return Styled(quantity, Terms(OrderType.PEGGED, TimeInForce.GTC, peg=Peg.PRIMARY), choice)
        return Styled(quantity, PLAIN, choice)

    def _limit(self, symbol: int, side: int, market: Market, touch: FloatArray | None) -> Terms:
        """At the best price of the order's own side, or half a usual spread better than the last price."""
        if touch is not None:
            price = round(float(touch[0 if side > 0 else 1]) * self._scale[symbol])
        else:
            price = round(market.price * (1.0 - side * self._settings.half_spread_bps / 1e4))
        return Terms(OrderType.LIMIT, TimeInForce.GTC, limit=max(price, 1))

    def _touch(self, symbol: int) -> FloatArray | None:
        """Bid, ask and their sizes, float64 ``[4]``; None where they are not quoted."""
        quotes = self._quotes
        if quotes is None:
            return None
        found = np.array([c[symbol] for c in (quotes.bid, quotes.ask, quotes.bid_size, quotes.ask_size)])
        return found if 0.0 < found[0] < found[1] < np.inf else None

    def _situation(self, symbol: int, quantity: int, market: Market, touch: FloatArray | None) -> Situation:
        shares = abs(quantity) / self._units[symbol]
        spread, shown, queue = 2.0 * self._settings.half_spread_bps, market.volume, 0.5
        if touch is not None:
            spread = 2e4 * float((touch[1] - touch[0]) / (touch[1] + touch[0]))
            mine, other = (touch[2], touch[3]) if quantity > 0 else (touch[3], touch[2])
            if mine >= 0.0 and other > 0.0:
                queue, shown = float(mine / (mine + other)), float(other)
        return Situation(spread, shares / max(shown, 1.0), queue, 1e4 * market.sigma)

    def sent(self, number: int, symbol: int, styled: Styled, arrival: int) -> None:
        """The child left as order ``number`` when the market stood at the scaled price ``arrival``."""
        touch = self._touch(symbol)
        half = self._settings.half_spread_bps
        if touch is not None:
            half = 1e4 * float((touch[1] - touch[0]) / (touch[1] + touch[0]))
        self._open[number] = _Open(symbol, styled.quantity, arrival, half, styled.choice)

    def resting(self) -> list[int]:
        """Numbers of the children that were sent to rest."""
        return [number for number, one in self._open.items() if STYLES[one.choice.arm] in RESTING]

    def waiting(self) -> list[int]:
        """Numbers of all children whose cost is not known yet."""
        return list(self._open)

    def settle(self, number: int, filled: int, paid: int, price: int) -> float:
        """Learn what order ``number`` cost; its reward (negative slippage, basis points), NaN where there is none.

        Parameters
        ----------
        filled, paid
            Signed scaled quantity filled, and the sum of scaled price times scaled quantity over its fills.
        price
            Scaled price of the market now.
        """
        one = self._open.pop(number)
        if one.arrival <= 0 or price <= 0:
            return math.nan
        side, share = (1 if one.quantity > 0 else -1), min(abs(filled) / abs(one.quantity), 1.0)
        cost = 0.0
        if filled:
            cost = share * side * (paid / filled / one.arrival - 1.0) * 1e4
        cost += (1.0 - share) * (side * (price / one.arrival - 1.0) * 1e4 + one.half_spread_bps)
        return self._choice.reward(one.choice, cost).reward

    def forget(self) -> None:
        """The desk stopped: what was under way teaches nothing."""
        self._open.clear()

    def state(self) -> dict[str, Any]:
        """Everything needed to go on."""
        rows = [
            [
                n,
                o.symbol,
                o.quantity,
                o.arrival,
                o.half_spread_bps,
                o.choice.arm,
                o.choice.propensity,
                o.choice.context,
            ]
            for n, o in self._open.items()
        ]
        return {"choice": self._choice.state(), "open": rows}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from :meth:`state`; quotes come again with the next bar."""
        self._choice.restore(state["choice"])
        self._open = {
            number: _Open(symbol, quantity, arrival, half, Choice(arm, odds, context))
            for number, symbol, quantity, arrival, half, arm, odds, context in state["open"]
        }
