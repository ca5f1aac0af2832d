"""What it costs to hold shorts: a yearly rate on their value, charged by calendar day."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY
from tuiconsole.domain.events import Charges
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.money import divide_half_even, floats_to_scaled, notional
from tuiconsole.domain.types import FloatArray, IntArray

DAYS_PER_YEAR = 365
"""Days of the year that a borrow rate counts; lending desks charge ``value * rate * days / 365`` (or 360)."""

_RATE_STEPS = 10_000


class Borrow:
    """Charges for lent shares, and how much each open short was charged so far.

    The charge of a day falls due with the first bar of the next one, on what was short at the end of the bar
    before, at the last good price: a position opened and covered within one session pays nothing.

    Parameters
    ----------
    annual_bps
        Rate per year in basis points of the position's value.
    """

    def __init__(self, universe: Universe, annual_bps: float) -> None:
        self._universe = universe
        self._rate = Fraction(annual_bps).limit_denominator(_RATE_STEPS) / 10_000 / DAYS_PER_YEAR
        self._paid: IntArray = np.zeros(len(universe), dtype=np.int64)
        self._day = -1

    def begin(self, ts: int, session: int) -> None:
        """Count days from this bar on: the first short was opened on it."""
        self._day = _day(ts, session)

    def pass_to(self, ts: int, session: int, position: IntArray, price: FloatArray) -> Charges | None:
        """Charge for the days since the last bar; None when no day has passed or nothing is owed.

        Parameters
        ----------
        session
            Session of the bar, days since the epoch; -1 means the date of ``ts``.
        position
            int64 ``[n_symbols]`` scaled quantity held until this bar.
        price
            float64 ``[n_symbols]``, last good price before this bar, currency units.
        """
        day = _day(ts, session)
        days, self._day = day - self._day, max(day, self._day)
        if days <= 0:
            return None
        symbol = np.flatnonzero(position < 0)
        scaled = floats_to_scaled(price[symbol], self._universe.price_scale[symbol])
        amount = [
            self._owed(column, price_, quantity, days)
            for column, price_, quantity in zip(
                symbol.tolist(), scaled.tolist(), position[symbol].tolist(), strict=True
            )
        ]
        due = np.array(amount, dtype=np.int64)
        if not due.any():
            return None
        self._paid[symbol] += due
        return Charges(ts, symbol, due, days)

    def _owed(self, column: int, price: int, quantity: int, days: int) -> int:
        item = self._universe.instruments[column]
        value = notional(price, -quantity, item.money_exponent) * item.multiplier
        return divide_half_even(value * days * self._rate.numerator, self._rate.denominator)

    def settle(self, symbol: IntArray, quantity: IntArray, held: IntArray) -> IntArray:
        """Borrow paid for what these fills cover, int64 money ``[n_fills]``; the rest stays with the position.

        Parameters
        ----------
        held
            int64 ``[n_symbols]``, positions before the fills.
        """
        paid = np.zeros(len(symbol), dtype=np.int64)
        open_now = {column: int(held[column]) for column in set(symbol.tolist())}
        for row, (column, amount) in enumerate(zip(symbol.tolist(), quantity.tolist(), strict=True)):
            short = -open_now[column]
            open_now[column] += amount
            if short <= 0 or amount <= 0:
                continue
            closed = min(short, amount)
            paid[row] = divide_half_even(int(self._paid[column]) * closed, short)
            self._paid[column] -= paid[row]
        return paid

    def state(self) -> dict[str, Any]:
        """What open shorts have paid and the last day charged, copied."""
        return {"paid": self._paid.copy(), "day": self._day}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._paid = state["paid"].copy()
        self._day = int(state["day"])


def _day(ts: int, session: int) -> int:
    return session if session >= 0 else ts // NANOSECONDS_PER_DAY
