"""Smart order router: where to send which part of an order, so that all of it together costs least.

Every displayed level of every venue has an all-in price for one unit: its price, the venue's fee, what the market is
expected to move against the order until it arrives, and what it costs when the level is gone by then. All of these grow in
proportion to the quantity, so taking the cheapest level first is not a heuristic: no other split of what is displayed costs
less (a fractional knapsack; Dantzig, "Discrete-variable extremum problems", Operations Research 5, 1957).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Level(NamedTuple):
    """One displayed price: scaled price and scaled quantity, both positive."""

    price: int
    quantity: int


class VenueQuote(NamedTuple):
    """What one venue offers an order.

    Attributes
    ----------
    venue
        Its name.
    levels
        The side that the order takes from, the best price first.
    fee_bps
        Taker fee in basis points of the traded value; negative is a rebate.
    latency_ms
        Time until the order is there.
    fill_probability
        Chance that a displayed level is still there then, above 0 and at most 1.
    """

    venue: str
    levels: tuple[Level, ...]
    fee_bps: float = 0.0
    latency_ms: float = 0.0
    fill_probability: float = 1.0


class Circumstances(NamedTuple):
    """What waiting and missing cost, in basis points of the price: per millisecond, and per unit that was gone."""

    drift_bps_per_ms: float = 0.0
    miss_bps: float = 0.0


NOTHING_LOST = Circumstances()
"""Nothing moves until an order arrives, and every displayed level is still there: displayed prices and fees alone."""


class Leg(NamedTuple):
    """One order of a route.

    Attributes
    ----------
    quantity
        Signed scaled quantity.
    worst_price
        Scaled price of the last level taken: the limit to send it with.
    all_in
        Expected money-like cost: sum of all-in price times quantity, in scaled price times scaled quantity.
    """

    venue: str
    quantity: int
    worst_price: int
    all_in: float


class Route(NamedTuple):
    """The legs in the order in which they are to be sent, slowest venue first so that all arrive together, and what is left.

    ``left`` is signed: displayed nowhere.
    """

    legs: tuple[Leg, ...]
    left: int

    @property
    def all_in(self) -> float:
        """Expected cost of all legs (for sales: less what is received), in scaled price times scaled quantity."""
        return sum(leg.all_in for leg in self.legs)


def all_in_price(level: Level, quote: VenueQuote, side: int, circumstances: Circumstances) -> float:
    """What one unit costs (``side`` 1) or brings (-1) at ``level``, in scaled price.

    >>> quote = VenueQuote("X", (Level(10_000, 5),), fee_bps=10.0, latency_ms=2.0, fill_probability=0.9)
    >>> all_in_price(quote.levels[0], quote, 1, Circumstances(drift_bps_per_ms=1.0, miss_bps=20.0))
    10014.0
    """
    against = quote.fee_bps + circumstances.drift_bps_per_ms * quote.latency_ms
    against += (1.0 - quote.fill_probability) * circumstances.miss_bps
    return level.price + side * level.price * against / 1e4


def route(
    quantity: int,
    quotes: Sequence[VenueQuote],
    circumstances: Circumstances = NOTHING_LOST,
    lot: int = 1,
) -> Route:
    """Split an order over venues.

    Parameters
    ----------
    quantity
        Signed scaled quantity, not 0; what is less than a lot of it is never split off.
    quotes
        Venues with distinct names; a venue whose levels are not sorted, not positive or not likely at all raises ValueError.
    lot
        Smallest quantity that a leg may differ by, scaled.

    Returns
    -------
    Route
        Its legs and ``left`` add up to ``quantity``.

    Notes
    -----
    Where two levels cost the same, the likelier, then the faster, then the earlier venue comes first.
    """
    side = 1 if quantity > 0 else -1
    _check(quotes, side)
    offers = sorted(
        (
            side * all_in_price(level, quote, side, circumstances),
            -quote.fill_probability,
            quote.latency_ms,
            place,
            depth,
        )
        for place, quote in enumerate(quotes)
        for depth, level in enumerate(quote.levels)
    )
    left = abs(quantity)
    taken: dict[int, tuple[int, int, float]] = {}
    for cost, _, _, place, depth in offers:
        level = quotes[place].levels[depth]
        size = min(left, level.quantity)
        if size < left:
            size -= size % lot
        if size:
            before, _, spent = taken.get(place, (0, 0, 0.0))
            taken[place] = (before + size, level.price, spent + cost * size)
            left -= size
    legs = [
        Leg(quotes[place].venue, side * size, worst, spent) for place, (size, worst, spent) in taken.items()
    ]
    slow = {quote.venue: -quote.latency_ms for quote in quotes}
    return Route(tuple(sorted(legs, key=lambda leg: (slow[leg.venue], leg.venue))), side * left)


def _check(quotes: Sequence[VenueQuote], side: int) -> None:
    names = [quote.venue for quote in quotes]
    if len(set(names)) < len(names):
        raise ValueError("two quotes name the same venue")
    for quote in quotes:
        prices = [side * level.price for level in quote.levels]
        if prices != sorted(prices) or any(min(level) <= 0 for level in quote.levels):
            raise ValueError(f"the levels of {quote.venue} must be positive and the best price first")
        if not 0.0 < quote.fill_probability <= 1.0:
            raise ValueError(f"the fill probability of {quote.venue} must be above 0 and at most 1")
