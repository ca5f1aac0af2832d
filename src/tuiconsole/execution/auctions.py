"""The price of a call auction: the one at which most can be traded.

The rule, step by step: the price with the largest executable volume; of several, those with the smallest surplus; if all of
these leave a surplus of buyers the highest of them, of sellers the lowest; else the one nearest to the reference price, the
higher of two equally near. With market orders alone on both sides it is the reference price.

References
----------
Deutsche Börse, "Xetra Market Model Equities", chapter on price determination in auctions; Euronext and Nasdaq crosses begin
with the same two steps.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Interest(NamedTuple):
    """Quantity that wants to trade up to a limit; a limit of 0 is a market order."""

    limit: int
    quantity: int


class Uncrossing(NamedTuple):
    """The result of an auction.

    Attributes
    ----------
    price
        Scaled; 0 when nothing can be traded.
    volume
        Executable there.
    surplus
        Left over there: positive of buyers, negative of sellers.
    """

    price: int
    volume: int
    surplus: int


NOTHING = Uncrossing(0, 0, 0)


def uncross(bids: Iterable[Interest], asks: Iterable[Interest], reference: int) -> Uncrossing:
    """The auction's price, volume and surplus.

    Parameters
    ----------
    reference
        Last price before the auction, scaled and positive.

    Examples
    --------
    >>> uncross([Interest(102, 100), Interest(100, 50)], [Interest(99, 80), Interest(101, 40)], 100)
    Uncrossing(price=101, volume=100, surplus=-20)
    """
    buying, selling = list(bids), list(asks)
    prices = {one.limit for one in (*buying, *selling) if one.limit}
    if not prices:
        prices = {reference}
    found = []
    for price in prices:
        bought = sum(one.quantity for one in buying if not one.limit or one.limit >= price)
        sold = sum(one.quantity for one in selling if not one.limit or one.limit <= price)
        found.append(Uncrossing(price, min(bought, sold), bought - sold))
    volume = max(one.volume for one in found)
    if not volume:
        return NOTHING
    best = [one for one in found if one.volume == volume]
    least = min(abs(one.surplus) for one in best)
    best = [one for one in best if abs(one.surplus) == least]
    if all(one.surplus > 0 for one in best):
        return max(best)
    if all(one.surplus < 0 for one in best):
        return min(best)
    return min(best, key=lambda one: (abs(one.price - reference), -one.price))
