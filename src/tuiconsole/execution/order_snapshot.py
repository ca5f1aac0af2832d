"""One order as a value: what the screens, the verbs and the tests look at."""

from __future__ import annotations

from dataclasses import dataclass

from tuiconsole.domain.ids import client_order_id
from tuiconsole.domain.money import divide_half_even
from tuiconsole.domain.order_terms import PLAIN, Terms
from tuiconsole.domain.orders import TERMINAL_STATES, OrderState, Purpose


def leaves(state: int, quantity: int, filled: int) -> int:
    """Signed scaled quantity that may still fill: 0 for a finished or overfilled order."""
    if state in TERMINAL_STATES or abs(filled) >= abs(quantity):
        return 0
    return quantity - filled


@dataclass(frozen=True, slots=True)
class OrderSnapshot:
    """One order at one moment.

    Attributes
    ----------
    number, batch, ts
        The order's number on this desk, the decision that made it, and that decision's time (ns UTC).
    symbol
        Universe column.
    quantity, filled
        Signed scaled quantity ordered, and filled so far.
    reference_price, last_price
        Scaled price the decision saw, and of the latest fill (0 = none).
    cost
        Signed sum of scaled price times scaled quantity over all fills, exact.
    fee
        Money (``10**-MONEY_DECIMALS``) paid so far.
    forced
        True when Kill's flatten was filled at once.
    terms
        Type, time in force, prices and links as they are now.
    """

    number: int
    batch: int
    ts: int
    symbol: int
    quantity: int
    reference_price: int
    purpose: Purpose
    state: OrderState
    filled: int
    cost: int
    fee: int
    last_price: int
    forced: bool
    terms: Terms = PLAIN

    @property
    def leaves(self) -> int:
        """Signed scaled quantity that may still fill; 0 once the order is finished."""
        return leaves(self.state, self.quantity, self.filled)

    @property
    def overfilled(self) -> bool:
        """True when the venue filled more than was ordered."""
        return abs(self.filled) > abs(self.quantity)

    @property
    def average_price(self) -> int | None:
        """Scaled average fill price, rounded half-even; None before the first fill."""
        return divide_half_even(abs(self.cost), abs(self.filled)) if self.filled else None

    def client_id(self, desk: str) -> str:
        """The id a broker sees for this order of ``desk``; each replacement has its own, linked to the first."""
        return client_order_id(desk, self.number, self.terms.revision)
