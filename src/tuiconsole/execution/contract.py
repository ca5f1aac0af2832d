"""What the desk asks of a broker: hand over approved orders, cancel, and say what is held.

The paper venue keeps this contract today; a real broker keeps the same one. Rules for every implementation,
held by the conformance suite of the tests:

1. Only a batch that the risk gate made is taken; anything else raises ``NotApproved`` and changes nothing.
2. A number that was handed over before is not a second order. It is answered REJECTED, the first order stays
   as it is, and whoever retries after silence must look at the first order, not at that answer.
3. Silence is not refusal: a broker that got no answer reports TIMED_OUT, never REJECTED; the order is UNKNOWN
   until the venue says what became of it. Outcomes of the venue are reports, never exceptions.
4. A cancel is a request. It is answered CANCELED, or CANCEL_REJECTED when nothing is left to cancel, or
   TIMED_OUT; or CANCEL_PENDING, and one of these follows as an event. So is a replacement with REPLACE_PENDING.
5. An order is never filled beyond its quantity, and the sum of all fills is ``positions()``.
6. A replacement is a request too, answered REPLACED, REPLACE_REJECTED or TIMED_OUT. Until then the order stands as it
   was. Fills count across it: the new quantity is the order's whole quantity, what is filled already included.
7. Terms that a venue does not know are answered REJECTED with a sentence, never turned into something else.
8. An execution that takes another back (a bust) comes behind it: who tells of a bust tells of the execution too.
9. Execution numbers are unique. A venue with textual ids maps them by ``domain.ids.execution_number``; its
   own order ids are its own business, kept beside the desk's numbers by its implementation.

A broker behind a line that can fail keeps :class:`RemoteBroker` too: it can be asked what became of an order, and
what it works. Not to know an order is no refusal of it: it may still be on its way.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from tuiconsole.domain.accounts import AccountView
from tuiconsole.domain.events import Fills, OrderUpdates
from tuiconsole.domain.orders import Approved
from tuiconsole.domain.types import IntArray


class Response(msgspec.Struct, frozen=True, gc=False):
    """What a broker answers at once: reports for every order named, then fills if there were any.

    Later reports and fills come on their own, as events.
    """

    updates: OrderUpdates
    fills: Fills | None = None


class Broker(Protocol):
    """Takes approved orders to a market."""

    def submit(self, approved: Approved, immediate: bool = False) -> Response:
        """Hand over a batch, in its order.

        Parameters
        ----------
        approved
            A batch from the risk gate.
        immediate
            Only for Kill's flatten: fill now at the best price that can be had, and say so.

        Raises
        ------
        NotApproved
            The batch does not come from the gate, or is not a flatten but asks to be filled at once.
        """
        ...

    def replace(self, approved: Approved) -> Response:
        """Ask to change working orders: each row names an order by its number, its new quantity and terms.

        Raises
        ------
        NotApproved
            The batch does not come from the gate.
        """
        ...

    def cancel(self, ts: int, number: IntArray) -> Response:
        """Ask to cancel orders ``[n]`` at ``ts`` (ns UTC): one report for each, in the same order."""
        ...

    def account(self) -> AccountView | None:
        """The venue's own account at one moment: positions, every order that may still fill, and cash where it knows it.

        None while a venue elsewhere cannot tell it: orders or reports are on their way, or it does not answer.
        """
        ...

    def positions(self) -> IntArray:
        """The venue's own account of what is held: int64 ``[n_symbols]``, signed scaled quantity, a copy."""
        ...


class RemoteBroker(Broker, Protocol):
    """A broker that lives elsewhere: reports may be late or lost, so it can be asked.

    It may leave orders out of what it answers at once: nothing is known of them yet, and reports follow as events.
    """

    @property
    def connected(self) -> bool:
        """Whether it answers at the moment, as far as is known."""
        ...

    def status(self, ts: int, number: IntArray) -> Response | None:
        """What became of orders ``[n]``, asked at ``ts`` (ns UTC): changes nothing.

        Returns
        -------
        Response or None
            For each order that the broker knows, its latest report (ACKNOWLEDGED while it works or when it was filled),
            and all executions of these orders, also those told before. An order it does not know is left out. None: no
            answer came.
        """
        ...

    def working(self) -> IntArray | None:
        """Numbers of all orders that may still fill there, rising; None when no answer came."""
        ...
