"""Implementation shortfall of one order (or parent), split into effects that add up to it exactly.

The paper portfolio trades the whole order at the price the decision saw; the real one pays what it paid. What lies between
them is the shortfall. With ``d`` the decision's price, ``b_i`` and ``p_i`` the price of fill ``i`` before and after costs,
``q_i`` its signed quantity, ``F`` their sum, ``Q`` the order and ``e`` the price at its end::

    delay        (b_1 - d) F                  the market moved before the first fill
    timing       sum (b_i - b_1) q_i          it moved while the order was worked
    spread, temporary, permanent              what the fills' prices lost to them, sum (p_i - b_i) q_i in all
    fees         commissions
    opportunity  (e - d) (Q - F)              what was never filled

All money is in whole units (``10**-MONEY_DECIMALS``), positive = lost. Source: Perold, "The implementation shortfall: paper
versus reality", J. Portfolio Management 14 (1988); the split into delay, trading and opportunity is that of Wagner and
Edwards, "Best execution", Financial Analysts J. 49 (1993).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tuiconsole.domain.money import divide_half_even, notional

EFFECTS = ("delay", "timing", "spread", "temporary", "permanent", "fees", "opportunity")
"""What a shortfall consists of, in the order of :class:`Shortfall`."""


class Intent(NamedTuple):
    """What was to be traded.

    Attributes
    ----------
    quantity
        Signed scaled quantity of the whole, not 0.
    decision_price, final_price
        Scaled price the decision saw, and at the end of the order's life.
    money_exponent, multiplier
        Of the instrument: scaled price times scaled quantity, as money.
    """

    quantity: int
    decision_price: int
    final_price: int
    money_exponent: int
    multiplier: int = 1

    def money(self, price: int, quantity: int) -> int:
        """Signed money of ``quantity`` at ``price``, both scaled."""
        return notional(price, quantity, self.money_exponent) * self.multiplier


class Part(NamedTuple):
    """One fill: scaled price after costs, signed scaled quantity, and what was paid, money.

    ``temporary`` holds whatever in the price is neither spread nor permanent impact.
    """

    price: int
    quantity: int
    fee: int
    spread: int
    temporary: int
    permanent: int


class Shortfall(NamedTuple):
    """The effects, money; positive = lost."""

    delay: int = 0
    timing: int = 0
    spread: int = 0
    temporary: int = 0
    permanent: int = 0
    fees: int = 0
    opportunity: int = 0

    @property
    def impact(self) -> int:
        """What the order itself did to its prices."""
        return self.spread + self.temporary + self.permanent

    @property
    def total(self) -> int:
        """The implementation shortfall."""
        return sum(self)


def base_money(part: Part, intent: Intent) -> int:
    """Signed money of a fill at the price before costs."""
    return intent.money(part.price, part.quantity) - part.spread - part.temporary - part.permanent


def shortfall(intent: Intent, parts: Sequence[Part]) -> Shortfall:
    """The shortfall of an order with these fills, in their order.

    Examples
    --------
    A purchase of 1000 decided at 10.00; 700 filled at 10.07 when the market stood at 10.05, fees 14, the rest given up at
    10.08 (prices and money in cents here):

    >>> found = shortfall(Intent(1000, 1000, 1008, 0), [Part(1007, 700, 1400, 0, 1400, 0)])
    >>> found.total, found.delay, found.temporary, found.fees, found.opportunity
    (8700, 3500, 1400, 1400, 2400)
    """
    filled = sum(part.quantity for part in parts)
    decided = intent.money(intent.decision_price, filled)
    left = intent.money(intent.final_price, intent.quantity) - intent.money(intent.final_price, filled)
    left -= intent.money(intent.decision_price, intent.quantity) - decided
    if not parts:
        return Shortfall(opportunity=left)
    first = parts[0]
    side = 1 if first.quantity > 0 else -1
    arrived = divide_half_even(side * base_money(first, intent) * filled, side * first.quantity)
    return Shortfall(
        delay=arrived - decided,
        timing=sum(base_money(part, intent) for part in parts) - arrived,
        spread=sum(part.spread for part in parts),
        temporary=sum(part.temporary for part in parts),
        permanent=sum(part.permanent for part in parts),
        fees=sum(part.fee for part in parts),
        opportunity=left,
    )
