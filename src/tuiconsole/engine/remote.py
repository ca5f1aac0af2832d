"""The session's side of a broker that lives elsewhere: what was asked of it, and what the journal says it answered.

A broker elsewhere goes on when this process dies, so a recovery must not ask it again: what it answered then is read from
the journal, row by row. Where the journal ends before the answer, nobody here knows whether the orders were sent: they are
TIMED_OUT, hence UNKNOWN, and the broker is asked about them (:mod:`tuiconsole.engine.inquiries`). Nothing is sent twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tuiconsole.domain.accounts import AccountView
from tuiconsole.domain.events import Charges, Fills, OrderUpdates
from tuiconsole.domain.market import ScreenedBars, ScreenedBlock
from tuiconsole.domain.orders import Approved, OrderEvent
from tuiconsole.domain.records import Charged, Filled, Record, Updated
from tuiconsole.domain.types import IntArray
from tuiconsole.execution.contract import RemoteBroker, Response

NOT_KNOWN = "the journal ends before the answer: not known whether it was sent"


class RemoteVenue:
    """Stands where a paper venue stands in a session, and hands everything to ``broker``.

    Parameters
    ----------
    broker
        Lives elsewhere. Its reports and fills reach the desk through :meth:`Session.reports`.
    """

    idle = False
    triggered: OrderUpdates | None = None
    ended: OrderUpdates | None = None
    due: Charges | None = None

    def __init__(self, broker: RemoteBroker) -> None:
        self.broker = broker
        self.recall: Callable[[], Record | None] | None = None
        """While a journal is driven again: its next row, or None at its end. None once it has been."""

    def submit(self, approved: Approved, immediate: bool = False) -> Response:
        """Hand orders over, or say what was answered when they were."""
        number = approved.batch.number
        if self.recall is not None:
            return self._recalled(self.recall(), approved.batch.ts, number)
        return self.broker.submit(approved, immediate)

    def replace(self, approved: Approved) -> Response:
        """Ask for a change, or say what was answered."""
        if self.recall is not None:
            return self._recalled(self.recall(), approved.batch.ts, approved.batch.number)
        return self.broker.replace(approved)

    def cancel(self, ts: int, number: IntArray) -> Response:
        """Ask to cancel, or say what was answered; a cancel may be asked for twice, so where the journal ends it is."""
        stored = self.recall() if self.recall is not None else None
        if stored is not None:
            return self._recalled(stored, ts, number)
        return self.broker.cancel(ts, number)

    def _recalled(self, stored: Record | None, ts: int, number: IntArray) -> Response:
        if isinstance(stored, Updated) and np.isin(stored.number, number).all():
            return Response(OrderUpdates(stored.ts, stored.number, stored.event, stored.text))
        if (
            stored is not None
        ):  # the journal goes on without an answer: there was none at once, reports followed
            return Response(OrderUpdates(ts, number[:0], np.empty(0, dtype=np.int8)))
        silent = np.full(len(number), OrderEvent.TIMED_OUT, dtype=np.int8)
        return Response(OrderUpdates(ts, number, silent, NOT_KNOWN))

    def account(self) -> AccountView | None:
        """What the broker says of the account; None while it cannot tell."""
        return self.broker.account()

    def positions(self) -> IntArray:
        """What the broker says is held."""
        return self.broker.positions()

    def told_by(self, record: Record) -> OrderUpdates | Fills | Charges | None:
        """What the broker told when ``record`` was journalled first in a step; None when it was no broker."""
        if isinstance(record, Updated):
            return OrderUpdates(record.ts, record.number, record.event, record.text)
        if isinstance(record, Filled):
            columns = (record.number, record.symbol, record.quantity, record.price, record.fee, record.costs)
            return Fills(record.ts, *columns, record.execution, record.forced)
        if isinstance(record, Charged):
            return Charges(record.ts, record.symbol, record.amount, record.days)
        return None

    def on_bars(self, screened: ScreenedBars) -> Fills | None:
        """Bars bring no fills here: the broker tells of them."""
        return None

    def pass_by(self, block: ScreenedBlock, first: int, end: int) -> None:
        """Nothing to learn."""

    def state(self) -> dict[str, Any]:
        """Nothing of a broker elsewhere is ours to keep."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Nothing to go on from."""
