"""What a trade's cost consists of: the rows of every cost breakdown, from the venue to ``why``."""

from __future__ import annotations

import enum


class CostPart(enum.IntEnum):
    """Row of a breakdown ``[len(CostPart), n_fills]``, int64 money.

    The two commissions add up to the fee. What lies between them and borrow adds up to what the price lost
    against the reference price. Borrow is what the closed part of a short was charged while it was open: it
    was paid day by day, not with the fill.
    """

    COMMISSION_FIXED = 0
    COMMISSION_PROPORTIONAL = 1
    SPREAD = 2
    TEMPORARY = 3
    PERMANENT = 4
    CAPACITY = 5
    ADVERSE_SELECTION = 6
    BORROW = 7


COST_NAMES = tuple(part.name.lower() for part in CostPart)
"""Names of the parts in the order of their rows."""

IN_PRICE = slice(CostPart.SPREAD, CostPart.BORROW)
"""Rows that the fill's price already contains."""

IMPACT = slice(CostPart.TEMPORARY, CostPart.BORROW)
"""Rows in the price that are not the spread: what the desk's own size and haste cost."""
