"""Between a running engine and a broker elsewhere: what it tells becomes steps of the session, as soon as it tells it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from tuiconsole.domain.effects import Severity
from tuiconsole.engine.inquiries import Inquiries
from tuiconsole.engine.session import Session, Steps
from tuiconsole.engine.settings import BrokerSettings
from tuiconsole.execution.brokers.alpaca import AlpacaBroker

if TYPE_CHECKING:
    from tuiconsole.engine.service import EngineService

_LONGEST_WAIT_S = 0.25


class BrokerLink:
    """Drains a broker's inbox into the session, and has the broker asked about what it has not told.

    Parameters
    ----------
    session
        Its venue hands everything to ``broker``.
    """

    def __init__(self, session: Session, broker: AlpacaBroker, settings: BrokerSettings) -> None:
        self.broker = broker
        self._session = session
        self._inquiries = Inquiries(session, broker, settings)

    @property
    def label(self) -> str:
        """Broker, kind of account and its masked number, e.g. ``alpaca PAPER …345``."""
        kind = "PAPER" if self.broker.paper else "LIVE"
        return f"{self.broker.name} {kind} {self.masked}"

    @property
    def masked(self) -> str:
        """The account's number, all but its end hidden."""
        return self.broker.account_told.masked if self.broker.account_told is not None else ""

    async def keep(self, service: EngineService) -> None:
        """Serve until cancelled."""
        loop, heard = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with suppress(
                RuntimeError
            ):  # the loop has ended; what is told now is asked for by the next engine
                loop.call_soon_threadsafe(heard.set)

        self.broker.wake = wake
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(heard.wait(), _LONGEST_WAIT_S)
            heard.clear()
            await service.take_reports(self)

    def steps(self, now: int) -> Iterator[Steps]:
        """What is to be carried out at ``now`` (ns UTC), each before the next is taken."""
        for message in self.broker.drain():
            yield self._session.reports(message)
        yield from self._inquiries.at(now)

    def leave(self) -> Steps | None:
        """Hang up within a bounded time; the step that tells which orders are open still, if some are."""
        left = self.broker.close()
        if not left:
            return None
        names = ", ".join(map(str, left[:8])) + (" …" if len(left) > 8 else "")
        text = f"{len(left)} orders are open at {self.broker.name} while no engine runs: {names}."
        return self._session.note(Severity.WARNING, "orders left open", text)
