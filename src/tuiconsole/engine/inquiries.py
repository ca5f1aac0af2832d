"""Asking a broker elsewhere: what became of orders of which it has not told, and what it works that we do not.

Silence is never taken for an answer. An order that the broker does not know may still be on its way to it: only after
``missing_after_s`` of asking does it count as never received, and if it appears after all, it is cancelled, and what it
traded is booked. Every answer is an input of the desk like any report, journalled before anything follows from it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND
from tuiconsole.domain.effects import Severity
from tuiconsole.domain.events import Command, CommandKind, DeskLevel, OrderUpdates
from tuiconsole.domain.orders import OrderEvent, OrderState
from tuiconsole.domain.types import IntArray
from tuiconsole.engine.commands import BROKER
from tuiconsole.engine.session import Session, Steps
from tuiconsole.engine.settings import BrokerSettings
from tuiconsole.execution.contract import RemoteBroker

_ENDS = (OrderEvent.CANCELED, OrderEvent.REJECTED, OrderEvent.EXPIRED)
_UNHEARD = (OrderState.UNKNOWN, OrderState.PENDING_NEW)
_MISSING = "the broker does not know it: never received"
_RECENT = 512
_EVERYTHING_EACH = 5
_SOON_NS = NANOSECONDS_PER_SECOND
"""A broker that is asked without waiting for it answers the next time."""


class Inquiries:
    """Asks ``broker`` on behalf of ``session``. One per process: after a restart everything is asked anew.

    Parameters
    ----------
    session
        Its venue is a :class:`~tuiconsole.engine.remote.RemoteVenue` over ``broker``.
    """

    def __init__(self, session: Session, broker: RemoteBroker, settings: BrokerSettings) -> None:
        self._session = session
        self._broker = broker
        self._settings = settings
        self._next = 0
        self._rounds = 0
        self._away_since: int | None = None
        self._missing: dict[int, int] = {}
        self._told_difference = False

    def at(self, now: int) -> Iterator[Steps]:
        """The steps that are due at ``now`` (ns UTC), each to be carried out before the next is taken."""
        if not self._broker.connected:
            yield from self._away(now)
            return
        back = self._away_since is not None or self._paused_for_broker
        if not back and now < self._next:
            return
        self._next = now + _ns(self._settings.ask_every_s)
        everything = back or self._rounds % _EVERYTHING_EACH == 0
        self._rounds += 1
        yield from self._ask(now, everything)
        yield from self._strays()
        yield from self._difference(now, everything)
        if back and self._broker.connected:
            yield from self._is_back(now)

    # ---- the line -------------------------------------------------------------------------------------------

    def _away(self, now: int) -> Iterator[Steps]:
        if self._away_since is None:
            self._away_since = now
            yield self._session.note(Severity.WARNING, "broker away", "The broker does not answer.")
        wait = _ns(self._settings.pause_after_s)
        desk = self._session.desk
        if wait and now - self._away_since >= wait and desk.level == DeskLevel.RUNNING:
            reason = f"No answer from the broker for {self._settings.pause_after_s:g} s: no new risk until it is back."
            yield self._command(now, CommandKind.PAUSE, reason)

    def _is_back(self, now: int) -> Iterator[Steps]:
        self._away_since = None
        yield self._session.note(
            Severity.INFO, "broker back", "The broker answers again and was asked about every order."
        )
        if self._settings.on_reconnect == "cancel" and len(working := self._session.desk.orders.working()):
            yield self._cancel(working)
        if self._paused_for_broker:
            yield self._command(now, CommandKind.RESUME, "The broker is back.")

    @property
    def _paused_for_broker(self) -> bool:
        desk = self._session.desk
        return desk.level == DeskLevel.PAUSED and desk.level_cause == BROKER

    def _command(self, now: int, kind: CommandKind, reason: str) -> Steps:
        return self._session.command(
            Command(self._session.desk.ts, kind, f"broker-{kind.name.lower()}-{now}", "", reason, BROKER)
        )

    # ---- orders ---------------------------------------------------------------------------------------------

    def _ask(self, now: int, everything: bool) -> Iterator[Steps]:
        numbers = self._everything() if everything else self._unheard()
        if not len(numbers):
            return
        answer = self._broker.status(self._session.desk.ts, numbers)
        if answer is None:
            self._next, self._rounds = min(self._next, now + _SOON_NS), self._rounds - everything
            return
        if answer.fills is not None:
            yield self._session.reports(answer.fills)  # the order table drops those it has seen
        yield from self._news(answer.updates)
        yield from self._unknown_there(now, np.setdiff1d(numbers, answer.updates.number))

    def _unheard(self) -> IntArray:
        desk = self._session.desk
        return np.array(
            [
                number
                for number in desk.orders.working().tolist()
                if desk.orders.row(number).state in _UNHEARD
            ],
            dtype=np.int64,
        )

    def _everything(self) -> IntArray:
        desk = self._session.desk
        recent = [order.number for order in desk.orders.recent(0, _RECENT)]
        return np.union1d(desk.orders.working(), np.array(recent, dtype=np.int64))

    def _news(self, updates: OrderUpdates) -> Iterator[Steps]:
        """Reports that change something here."""
        desk, rows = self._session.desk, []
        for row in np.flatnonzero(np.isin(updates.number, desk.orders.working())).tolist():
            number = int(updates.number[row])
            self._missing.pop(number, None)
            if int(updates.event[row]) in _ENDS or desk.orders.row(number).state in _UNHEARD:
                rows.append(row)
        if rows:
            yield self._session.reports(
                OrderUpdates(self._session.desk.ts, updates.number[rows], updates.event[rows], updates.text)
            )

    def _unknown_there(self, now: int, numbers: IntArray) -> Iterator[Steps]:
        """Orders that the broker does not know: waited for, then taken as never received."""
        lost = []
        for number in np.intersect1d(numbers, self._session.desk.orders.working()).tolist():
            since = self._missing.setdefault(number, now)
            if now - since >= _ns(self._settings.missing_after_s):
                lost.append(number)
                del self._missing[number]
        if lost:
            event = np.full(len(lost), OrderEvent.CANCELED, dtype=np.int8)
            yield self._session.reports(
                OrderUpdates(self._session.desk.ts, np.array(lost, dtype=np.int64), event, _MISSING)
            )

    def _strays(self) -> Iterator[Steps]:
        """Orders that work there and are finished here are cancelled."""
        there = self._broker.working()
        if there is None:
            return
        strays = np.setdiff1d(there, self._session.desk.orders.working())
        if len(strays):
            names = ", ".join(map(str, strays[:8].tolist()))
            text = f"The broker works orders that are finished here: {names}. They are cancelled."
            yield self._session.note(Severity.WARNING, "stray orders", text)
            yield self._cancel(strays)

    def _cancel(self, numbers: IntArray) -> Steps:
        return self._session.reports(self._broker.cancel(self._session.desk.ts, numbers).updates)

    def _difference(self, now: int, everything: bool) -> Iterator[Steps]:
        """Positions that differ though every order was asked about are shown."""
        desk = self._session.desk
        if len(self._unheard()) or not (self._broker.positions() != desk.ledger.quantity).any():
            self._told_difference = False
            return
        if not everything:
            yield from self._ask(now, everything=True)
        differing = np.flatnonzero(self._broker.positions() != desk.ledger.quantity)
        if len(differing) and not self._told_difference and self._broker.connected:
            self._told_difference = True
            names = ", ".join(desk.universe.symbols[int(column)] for column in differing[:8])
            yield self._session.note(
                Severity.CRITICAL,
                "positions differ",
                f"The broker holds another position than this desk: {names}.",
            )


def _ns(seconds: float) -> int:
    return int(seconds * NANOSECONDS_PER_SECOND)
