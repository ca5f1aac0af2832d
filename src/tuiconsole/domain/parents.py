"""Parents: what a decision wants traded over several bars, worked by children one bar after the other."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class ParentEvent(enum.IntEnum):
    """What happened to a parent; the numbers are stored."""

    OPENED = 0
    AMENDED = 1
    DONE = 2
    EXPIRED = 3
    STOPPED = 4


@dataclass(frozen=True, slots=True)
class Parent:
    """One parent order.

    Attributes
    ----------
    number
        Counted from 1 on this desk.
    symbol
        Universe column.
    quantity
        Signed scaled quantity of the whole; its children's together never exceed it.
    reference_price
        Scaled price that the decision saw which opened it; weighted by quantity with those of decisions that added to it.
    decision
        Number of the decision that opened it.
    ts
        That decision's time, ns UTC.
    bar
        Tape position of that decision's bar.
    bars
        Bars over which it is worked, at least 1.
    """

    number: int
    symbol: int
    quantity: int
    reference_price: int
    decision: int
    ts: int
    bar: int
    bars: int
