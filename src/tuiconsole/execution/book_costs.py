"""Fees and cost breakdown of executions against a displayed book, exact in money."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from tuiconsole.domain.costs import CostPart
from tuiconsole.domain.instruments import Instrument, Universe
from tuiconsole.domain.money import divide_half_even, notional, round_to_currency
from tuiconsole.domain.types import IntArray
from tuiconsole.execution.book_matching import Execution
from tuiconsole.execution.settings import BookVenueSettings

_RATE_STEPS = 10_000


class BookCosts:
    """Commission by maker and taker, and what the price of a taker lost: half the spread, and walking the book.

    A maker pays its commission alone: its price is its own limit, and the spread is earned, not paid.
    """

    def __init__(self, universe: Universe, settings: BookVenueSettings) -> None:
        self._items = universe.instruments
        rates = (settings.taker_bps, settings.maker_bps)
        self._rates = [Fraction(bps).limit_denominator(_RATE_STEPS) / 10_000 for bps in rates]

    def price(self, executions: Sequence[Execution]) -> tuple[IntArray, IntArray]:
        """Fees int64 ``[n]`` and the breakdown int64 ``[len(CostPart), n]``; borrow is 0. A rebate is a negative fee."""
        costs = np.zeros((len(CostPart), len(executions)), dtype=np.int64)
        for row, one in enumerate(executions):
            item = self._items[one.order.symbol]
            costs[CostPart.COMMISSION_PROPORTIONAL, row] = self._commission(item, one)
            if not one.maker and one.bid and one.ask:
                walked = abs(one.price - one.touch)
                costs[CostPart.TEMPORARY, row] = _value(item, walked, one.size)
                double = _value(item, abs(2 * one.price - one.bid - one.ask), one.size)
                lost = divide_half_even(double, 2)
                costs[CostPart.SPREAD, row] = max(0, lost - int(costs[CostPart.TEMPORARY, row]))
        return costs[CostPart.COMMISSION_PROPORTIONAL].copy(), costs

    def _commission(self, item: Instrument, one: Execution) -> int:
        rate = self._rates[one.maker]
        value = _value(item, one.price, one.size)
        fee = divide_half_even(value * rate.numerator, rate.denominator)
        return round_to_currency(fee, item.currency.decimals)


def _value(item: Instrument, price: int, size: int) -> int:
    return notional(price, size, item.money_exponent) * item.multiplier
