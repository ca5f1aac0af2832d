"""What the gate is told and what it answers."""

from __future__ import annotations

import msgspec

from tuiconsole.domain.events import DeskLevel
from tuiconsole.domain.types import BoolArray, CodeArray, FloatArray, IntArray
from tuiconsole.risk.approved import ApprovedOrders
from tuiconsole.risk.rules import sentence


class Book(msgspec.Struct, frozen=True, gc=False):
    """The state against which orders are judged.

    Attributes
    ----------
    level
        How far the desk is stopped.
    ts
        Now, in event time (ns UTC).
    price_scaled
        int64 ``[n_symbols]`` last good price; 0 where none.
    tradable
        bool ``[n_symbols]``: the price is good and new risk is possible.
    position, pending
        int64 ``[n_symbols]`` signed scaled quantity held, and still open on working orders.
    cash, equity
        Money.
    session_start_equity, month_peak_equity, peak_equity
        Money, from the breakers: what loss and drawdowns are measured from.
    exposure
        Gross and net value of ``position`` at ``price_scaled``, money; None where the gate has to add it up.
    exits
        int64 ``[n_symbols]`` signed scaled quantity that working protective orders may still close; they are in no
        ``pending``. None: there are none.
    """

    level: DeskLevel
    ts: int
    price_scaled: IntArray
    tradable: BoolArray
    position: IntArray
    pending: IntArray
    cash: int
    equity: int
    session_start_equity: int
    month_peak_equity: int
    peak_equity: int
    exposure: tuple[int, int] | None = None
    exits: IntArray | None = None


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """The answer on every order of a batch, as columns ``[n_orders]``.

    Attributes
    ----------
    approved
        The orders that may go to a broker, in the order of the batch; None when there are none.
    rule
        int8 of :class:`~tuiconsole.risk.rules.Rule`; 0 = approved, else the first rule that failed.
    value, limit
        float64: what that rule measured and what it allows, in the rule's own unit; 0 where approved, NaN
        where the rule has no figure.
    number
        int64 order number, consecutive over the approved; 0 where refused.
    """

    approved: ApprovedOrders | None
    rule: CodeArray
    value: FloatArray
    limit: FloatArray
    number: IntArray

    def sentence(self, index: int) -> str:
        """What the refusal (or approval) of the order at ``index`` says to the trader."""
        return sentence(int(self.rule[index]), float(self.value[index]), float(self.limit[index]))
