"""A broker on a local Alpaca, with the answers of the next moments put together, as the tests of a contract want them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.execution.brokers.alpaca_server import KEY, SECRET, AlpacaServer, wait_for
from tuiconsole.domain.accounts import AccountView
from tuiconsole.domain.clock import WallClock
from tuiconsole.domain.events import Fills, OrderUpdates
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.orders import OrderEvent
from tuiconsole.execution.brokers.alpaca import AlpacaBroker, AlpacaKeys
from tuiconsole.execution.contract import Response
from tuiconsole.execution.settings import AlpacaSettings

SYMBOLS = ("AAPL", "MSFT", "SPY")
DESK = "00ff00ff"


def connect(server: AlpacaServer, secret: str = SECRET, **more: Any) -> AlpacaBroker:
    """A broker that has connected and asked for what it missed."""
    settings = AlpacaSettings(
        **{"url": server.url, "stream_url": server.stream_url, "timeout_s": 2.0, "retry_s": 1.0, **more}
    )
    keys = AlpacaKeys(KEY, secret)
    broker = AlpacaBroker(Universe.of(SYMBOLS), SYMBOLS, DESK, keys, True, settings, WallClock())
    broker.open()
    wait_for(lambda: broker.connected)
    return broker


def told(messages: list[OrderUpdates | Fills]) -> list[tuple[int, str]]:
    """Reports as ``(number, name)``, executions as ``(number, quantity)`` in words."""
    rows: list[tuple[int, str]] = []
    for one in messages:
        if isinstance(one, Fills):
            rows += [(n, f"{q:+d}") for n, q in zip(one.number.tolist(), one.quantity.tolist(), strict=True)]
        else:
            rows += [
                (n, OrderEvent(e).name) for n, e in zip(one.number.tolist(), one.event.tolist(), strict=True)
            ]
    return rows


class Collected:
    """Everything that a broker has told since it was made."""

    def __init__(self, broker: AlpacaBroker) -> None:
        self.broker = broker
        self.messages: list[OrderUpdates | Fills] = []

    def rows(self) -> list[tuple[int, str]]:
        self.messages += self.broker.drain()
        return told(self.messages)

    def until(self, *wanted: tuple[int, str]) -> list[tuple[int, str]]:
        """All rows, once ``wanted`` are among them."""
        wait_for(lambda: set(wanted) <= set(self.rows()))
        return self.rows()

    def fills(self) -> list[Fills]:
        self.rows()
        return [one for one in self.messages if isinstance(one, Fills)]


class Patient:
    """A broker that is asked, and waited for until it has told everything: the contract without its waits."""

    def __init__(self, server: AlpacaServer) -> None:
        self.server = server
        self.broker = connect(server)
        self.later: list[Fills] = []

    def submit(self, approved: Any, immediate: bool = False) -> Response:
        response = self.broker.submit(approved, immediate)
        if immediate:
            self.broker.settle(5.0)
            self.server.trade()
        return self._whole(response, approved.batch.number.tolist(), immediate)

    def cancel(self, ts: int, number: Any) -> Response:
        return self._whole(self.broker.cancel(ts, number), number.tolist(), False)

    def _whole(self, response: Response, numbers: list[int], fills: bool) -> Response:
        at_once = list(zip(response.updates.number.tolist(), response.updates.event.tolist(), strict=True))
        pending = [n for n, e in at_once if e == OrderEvent.CANCEL_PENDING]
        open_ = [n for n in numbers if n not in [one for one, _ in at_once]] + pending
        heard: dict[int, int] = {}
        executed: list[Fills] = []

        def all_told() -> bool:
            for one in self.broker.drain():
                if isinstance(one, Fills):
                    executed.append(one)
                else:
                    heard.update(zip(one.number.tolist(), one.event.tolist(), strict=True))
            return set(open_) <= set(heard) and len(executed) >= (len(numbers) if fills else 0)

        wait_for(all_told)
        events = []
        for number in numbers:
            event = (
                dict(reversed(at_once)).get(number) if number in [n for n, _ in at_once] else heard[number]
            )
            place = next((i for i, (n, _) in enumerate(at_once) if n == number), None)
            if place is not None:
                event = at_once.pop(place)[1]
            events.append(heard[number] if event == OrderEvent.CANCEL_PENDING else event)
        updates = OrderUpdates(
            response.updates.ts,
            np.array(numbers, dtype=np.int64),
            np.array(events, dtype=np.int8),
            response.updates.text,
        )
        return Response(updates, joined(executed) if executed else None)

    def trade(self) -> Fills | None:
        made = self.server.trade()
        got: list[Fills] = []

        def all_told() -> bool:
            got.extend(one for one in self.broker.drain() if isinstance(one, Fills))
            return sum(map(len, got)) >= made

        wait_for(all_told)
        return joined(got) if got else None

    def account(self) -> AccountView:
        self.broker.drain()
        wait_for(lambda: self.broker.account() is not None)
        view = self.broker.account()
        assert view is not None
        return view

    def positions(self) -> Any:
        return self.broker.positions()


def joined(fills: list[Fills]) -> Fills:
    """Several executions as one event."""
    columns = [
        np.concatenate([getattr(one, name) for one in fills])
        for name in ("number", "symbol", "quantity", "price", "fee")
    ]
    costs = np.concatenate([one.costs for one in fills], axis=1)
    return Fills(fills[0].ts, *columns, costs, np.concatenate([one.execution for one in fills]))
