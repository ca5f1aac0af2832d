"""Alpaca, paper and live: orders and questions by requests, what happens by its stream of trade updates.

Everything that moves an order is told by the stream; requests fill in what it missed, at every connection and whenever the desk
asks. Alpaca's answers are judged at this edge: what cannot be read is counted and asked for again, never guessed.

https://docs.alpaca.markets/docs/trading-api
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

import numpy as np

from tuiconsole.domain.accounts import OpenOrder
from tuiconsole.domain.clock import Clock, parse_iso
from tuiconsole.domain.errors import EngineError
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.money import MONEY_DECIMALS, to_scaled
from tuiconsole.domain.order_terms import PLAIN
from tuiconsole.domain.orders import OrderBatch, OrderEvent
from tuiconsole.domain.types import IntArray
from tuiconsole.execution.brokers.alpaca_requests import AlpacaRequests, Leg, Refusal, Request
from tuiconsole.execution.brokers.alpaca_rest import AlpacaRest
from tuiconsole.execution.brokers.alpaca_updates import AlpacaUpdates
from tuiconsole.execution.brokers.remote import Handed, RemoteDesk, Unknown
from tuiconsole.execution.brokers.remote_orders import Answer, Execution, RemoteOrder, Report, Said
from tuiconsole.execution.settings import AlpacaSettings

NAME = "alpaca"
_E = OrderEvent
EVENT_OF_STATUS: dict[str, OrderEvent | None] = {
    "new": _E.ACKNOWLEDGED,
    "accepted": _E.ACKNOWLEDGED,
    "pending_new": _E.ACKNOWLEDGED,
    "accepted_for_bidding": _E.ACKNOWLEDGED,
    "pending_review": _E.ACKNOWLEDGED,
    "held": _E.ACKNOWLEDGED,
    "pending_cancel": _E.ACKNOWLEDGED,
    "pending_replace": _E.ACKNOWLEDGED,
    "partially_filled": _E.ACKNOWLEDGED,
    "filled": _E.FILL,
    "canceled": _E.CANCELED,
    "expired": _E.EXPIRED,
    "rejected": _E.REJECTED,
    "done_for_day": _E.DONE_FOR_DAY,
    "stopped": _E.STOPPED,
    "suspended": _E.SUSPENDED,
    "calculated": _E.CALCULATED,
    "replaced": None,
}
"""Report that each status of an order stands for; a replaced one speaks through its successor."""

_RECEIVED = frozenset({"accepted", "pending_new", "accepted_for_bidding", "pending_review", "held"})
_REPLACE_REFUSED, _CANCEL_REFUSED = "order_replace_rejected", "order_cancel_rejected"
_WITHOUT_NEWS = ("pending_cancel", "pending_replace")
_BUST, _CORRECT = "trade_bust", "trade_correct"
_SAME_ID = "client_order_id must be unique"
_MOST_PAGES = 4
_MOST_SINGLE = 64
_PAGE = 500


@dataclass(frozen=True, slots=True)
class AlpacaAccount:
    """What Alpaca says of the account.

    Attributes
    ----------
    number
        The account's number.
    cash, equity
        Money units; 0 where it does not say.
    trouble
        Why it may not trade; empty when it may.
    """

    number: str
    cash: int
    equity: int
    trouble: str

    @property
    def masked(self) -> str:
        """The account's number for screens and logs: its last three characters."""
        return f"…{self.number[-3:]}"


@dataclass(frozen=True, slots=True)
class AlpacaKeys:
    """The keys of one account; not shown by ``repr``."""

    key_id: str = field(repr=False)
    secret: str = field(repr=False)


class AlpacaBroker(RemoteDesk):
    """Keeps the contract of :class:`~tuiconsole.execution.contract.RemoteBroker` for one Alpaca account.

    Parameters
    ----------
    names
        Alpaca's name of each symbol of the universe, None for those that it does not trade.
    desk
        The desk's id; only orders whose client id begins with it are this desk's.
    paper
        Whether the keys are those of a paper account.

    Attributes
    ----------
    account_told
        As it was when it was last asked for; None before.
    foreign
        Updates of orders that are not this desk's.
    """

    name = NAME

    def __init__(
        self,
        universe: Universe,
        names: Sequence[str | None],
        desk: str,
        keys: AlpacaKeys,
        paper: bool,
        settings: AlpacaSettings,
        clock: Clock,
    ) -> None:
        def rest() -> AlpacaRest:
            return AlpacaRest(keys.key_id, keys.secret, paper, settings.url, settings.timeout_s, clock)

        self.paper = paper
        self.account_told: AlpacaAccount | None = None
        self.foreign = 0
        self._rest = (rest(), rest())
        super().__init__(clock, len(universe), settings.requests_per_minute, settings.retry_s)
        self._universe = universe
        self._settings = settings
        self._requests = AlpacaRequests(universe, names, desk)
        self._legs: dict[str, int] = {}
        self._stream = False
        self._updates = AlpacaUpdates(
            keys.key_id,
            keys.secret,
            paper,
            settings.stream_url,
            settings.timeout_s,
            self._up,
            self._down,
            self._told,
        )

    # ---- begin and end --------------------------------------------------------------------------------------

    def open(self) -> AlpacaAccount:
        """Ask for the account, then listen; the account.

        Raises
        ------
        EngineError
            Alpaca does not answer, refuses the key, or the account may not trade.
        """
        answer = self._rest[0].account()
        if answer.said is not Said.DONE:
            kind = "paper" if self.paper else "live"
            raise EngineError(
                f"Alpaca's {kind} account cannot be used: {answer.text.rstrip('.')}.",
                "Check the keys: those of a paper account and of a live one are different.",
            )
        account = self._account_of(answer.body)
        if account.trouble:
            raise EngineError(f"The Alpaca account {account.masked} may not trade: {account.trouble}.")
        self.account_told = account
        self._updates.start()
        return account

    def close(self, longest_s: float | None = None) -> tuple[int, ...]:
        """Leave within ``longest_s`` (default `stop_s`); numbers of the orders that are still open, as far as is known."""
        timeout_s = self._settings.stop_s if longest_s is None else longest_s
        self.settle(timeout_s / 2)
        left = self.still_open()
        for rest in self._rest:
            rest.close()
        self._updates.close(timeout_s / 4)
        self._close_lanes(timeout_s / 4)
        return left

    def market_open(self) -> bool | None:
        """Whether Alpaca's clock says that the market is open; None without an answer. Waits for the answer."""
        answer = self._rest[0].market_clock()
        found = answer.body.get("is_open") if answer.said is Said.DONE else None
        return found if isinstance(found, bool) else None

    # ---- how the venue is asked -----------------------------------------------------------------------------

    def _handed(self, batch: OrderBatch) -> list[Handed | Unknown]:
        found: list[Handed | Unknown] = []
        for one in self._requests.of(batch):
            if isinstance(one, Refusal):
                found.append(Unknown(one.numbers, one.text))
                continue
            orders = tuple(
                RemoteOrder(leg.number, leg.symbol, leg.quantity, one.client_id) for leg in one.all
            )
            found.append(Handed(orders, partial(self._send, one)))
        return found

    def _send(self, request: Request, urgent: bool) -> Answer:
        return self._rest[urgent].send(request.body)

    def _change(self, order: RemoteOrder, batch: OrderBatch, row: int) -> Callable[[], Answer] | str:
        terms = PLAIN if batch.terms is None else batch.terms.at(row)
        leg = Leg(order.number, order.symbol, int(batch.quantity[row]), terms)
        filled = self._executions.filled(order.venue_id)
        body = self._requests.change(leg, order.quantity, filled)
        if isinstance(body, str):
            return body

        def ask() -> Answer:
            answer = self._rest[0].change(order.venue_id, body)
            if answer.said is Said.DONE:
                order.quantity = leg.quantity
            return answer

        return ask

    def _drop(self, venue_id: str) -> Answer:
        return self._rest[1].cancel(venue_id)

    def _find(self, number: int, order: RemoteOrder | None, urgent: bool) -> Answer:
        client_id = (
            self._requests.client_id(number) if order is None or not order.client_id else order.client_id
        )
        return self._rest[urgent].order_of(client_id)

    def _is_taken(self, answer: Answer) -> bool:
        return answer.said is Said.REFUSED and _SAME_ID in answer.text

    def _reports(self, body: object) -> list[Report]:
        """An order and its legs; one that is not this desk's gives none."""
        if not isinstance(body, Mapping):
            return []
        found = self._requests.numbers_of(str(body.get("client_order_id", "")))
        number = self._number_of(body, found[0] if found else None)
        reports = [] if number is None else self._report(body, number)
        for leg in body.get("legs") or ():
            if found and isinstance(leg, Mapping):
                letter = "l" if leg.get("type", leg.get("order_type")) == "limit" else "s"
                if letter in found[1]:
                    self._legs[str(leg.get("id"))] = found[1][letter]
                    reports += self._report(leg, found[1][letter])
        return reports

    def _number_of(self, body: Mapping[str, Any], named: int | None) -> int | None:
        """The number of an order: from its client id, else as the leg or successor of one that is known."""
        if named is not None:
            return named
        ids = (str(body.get("id")), str(body.get("replaces")))
        return next(
            (n for one in ids if (n := self._legs.get(one, self._of_venue.get(one))) is not None), None
        )

    def _report(self, body: Mapping[str, Any], number: int) -> list[Report]:
        column = self._requests.column(str(body.get("symbol", "")))
        if column is None:
            return []
        sign = 1 if body.get("side") == "buy" else -1
        return [
            Report(
                number,
                column,
                sign * self._quantity(column, body.get("qty") or "0"),
                str(body["id"]),
                EVENT_OF_STATUS.get(str(body.get("status"))),
                self._quantity(column, body.get("filled_qty") or "0"),
                str(body.get("replaces") or ""),
                str(body.get("replaced_by") or ""),
                str(body.get("submitted_at") or ""),
                body.get("status") not in _RECEIVED,
            )
        ]

    # ---- asking for everything ------------------------------------------------------------------------------

    def _refresh(self, numbers: Sequence[int]) -> bool:
        listed = self._listed(numbers)
        single = self._singly(numbers, listed) if listed is not None else None
        if listed is None or single is None:
            return False
        reports = [report for body in (*listed, *single) for report in self._reports(body)]
        if not (self._missed(reports) and self._ask_positions()):
            return False
        with self._lock:
            self._foreign = tuple(one for body in listed if (one := self._stranger(body)) is not None)
            if self._stream:
                self.trouble = ""
        return True

    def _stranger(self, body: Mapping[str, Any]) -> OpenOrder | None:
        """An order that works in the account and is not this desk's; None for any other."""
        column = self._requests.column(str(body.get("symbol", "")))
        event = EVENT_OF_STATUS.get(str(body.get("status")))
        if column is None or event != _E.ACKNOWLEDGED or self._reports(body):
            return None
        sign = 1 if body.get("side") == "buy" else -1
        quantity, filled = (sign * self._quantity(column, body.get(n) or "0") for n in ("qty", "filled_qty"))
        return OpenOrder(0, column, quantity, filled, 0, str(body.get("id", "")))

    def _listed(self, numbers: Sequence[int]) -> list[Any] | None:
        """All open orders, and as many older ones as hold ``numbers``, as long as Alpaca lists them."""
        answer = self._asked_of(lambda: self._rest[0].orders("open"))
        if answer.said is not Said.DONE:
            return None
        found, until = list(answer.body), ""
        for _ in range(_MOST_PAGES):
            if not self._absent(numbers, found):
                break
            answer = self._asked_of(partial(self._rest[0].orders, "all", until))
            if answer.said is not Said.DONE:
                return None
            found += answer.body
            if len(answer.body) < _PAGE:
                break
            until = str(answer.body[-1].get("submitted_at", ""))
        return found

    def _singly(self, numbers: Sequence[int], listed: list[Any]) -> list[Any] | None:
        """Orders that no list holds, each asked for by its ids; one that is not there is left out."""
        found: list[Any] = []
        for number in self._absent(numbers, listed)[-_MOST_SINGLE:]:
            order = self._orders.get(number)
            if order is not None and order.venue_id:
                answer = self._asked_of(partial(self._rest[0].order, order.venue_id))
            else:
                answer = self._asked_of(partial(self._find, number, order, False))
            if answer.said is Said.DONE:
                found.append(answer.body)
            elif answer.said is not Said.MISSING:
                return None
        return found

    def _absent(self, numbers: Sequence[int], bodies: Iterable[Any]) -> list[int]:
        there = {report.number for body in bodies for report in self._reports(body)}
        there |= {order.number for order in list(self._orders.values()) if order.known and not order.open}
        return [number for number in numbers if number not in there]

    def _missed(self, reports: list[Report]) -> bool:
        """Executions that the stream did not tell; then what the orders have become."""
        for report in reports:
            self._of_venue.setdefault(report.venue_id, report.number)
            with self._lock:
                self._orders.setdefault(
                    report.number,
                    RemoteOrder(report.number, report.symbol, report.quantity, "", report.venue_id),
                )
        lacking = [
            report for report in reports if report.filled > abs(self._executions.filled(report.venue_id))
        ]
        if lacking:
            first = min(report.submitted or "1970-01-01T00:00:00Z" for report in lacking)
            answer = self._asked_of(lambda: self._rest[0].fills(first))
            if answer.said is not Said.DONE:
                return False
            for body in answer.body:
                self._activity(body)
        for report in sorted(reports, key=lambda one: one.submitted):
            self._take(report)
        return True

    def _activity(self, body: Mapping[str, Any]) -> None:
        number = self._of_venue.get(str(body.get("order_id")))
        if number is not None:
            order, ts = str(body["order_id"]), self._moment(body.get("transaction_time"))
            sides = {"buy": 1, "sell": -1, "sell_short": -1}
            self._execute(
                [
                    self._execution(
                        number,
                        order,
                        "request",
                        str(body["id"]),
                        sides.get(str(body.get("side")), 0),
                        body,
                        body["cum_qty"],
                        ts,
                    )
                ]
            )

    def _ask_positions(self) -> bool:
        answer = self._asked_of(self._rest[0].positions)
        if answer.said is not Said.DONE:
            return False
        held: IntArray = np.zeros(len(self._universe), dtype=np.int64)
        for body in answer.body:
            column = self._requests.column(str(body.get("symbol", "")))
            if column is not None:
                sign = -1 if body.get("side") == "short" else 1
                held[column] = sign * abs(self._quantity(column, body.get("qty") or "0"))
        with self._lock:
            self._held = held
        return True

    def _asked_of(self, ask: Callable[[], Answer]) -> Answer:
        """One question: it takes from the budget, and leaves new orders to wait."""
        self._budget.wait_s(urgent=True)
        answer = ask()
        if answer.said is Said.LIMITED:
            self._budget.hold(answer.after_s)
        if answer.said in (Said.SILENT, Said.LOCKED, Said.LIMITED):
            self._line_down(answer.text)
        return answer

    # ---- the stream -----------------------------------------------------------------------------------------

    def _up(self) -> None:
        self._stream = True
        self.ask()

    def _down(self, trouble: str) -> None:
        self._stream = False
        self._line_down(trouble)

    def _told(self, data: Mapping[str, Any]) -> None:
        """One update of the stream; raises what a malformed one raises."""
        event, body = str(data["event"]), data["order"]
        found = self._requests.numbers_of(str(body.get("client_order_id", "")))
        number = self._number_of(body, found[0] if found else None)
        if number is None:
            self.foreign += 1
            if self._waiting_for_legs():
                self.ask()
            return
        if event in ("fill", "partial_fill"):
            self._filled(number, data, body)
        elif event in (_BUST, _CORRECT):
            self._taken_back(number, event, data, body)
        elif event in (_REPLACE_REFUSED, _CANCEL_REFUSED):
            told = _E.REPLACE_REJECTED if event == _REPLACE_REFUSED else _E.CANCEL_REJECTED
            self._tell_number(number, told, str(data.get("reason") or ""))
        elif event in _WITHOUT_NEWS or event not in EVENT_OF_STATUS:
            return  # the answer to the request said so, or it changes nothing
        for report in self._reports(body):
            self._take(report, str(data.get("reason") or ""))

    def _waiting_for_legs(self) -> bool:
        """Whether some order of ours has no id at Alpaca yet."""
        with self._lock:
            return any(order.open and not order.venue_id for order in self._orders.values())

    def _filled(self, number: int, data: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        order = str(body["id"])
        sign = 1 if body.get("side") == "buy" else -1
        ts = self._moment(data.get("timestamp"))
        with self._lock:
            self._of_venue.setdefault(order, number)
            if number not in self._orders:
                for report in self._reports(body):
                    self._take(report)
        execution = self._execution(
            number, order, "stream", str(data["execution_id"]), sign, data, body["filled_qty"], ts
        )
        self._execute([execution])
        self._holds(number, data)

    def _taken_back(self, number: int, event: str, data: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        """A bust takes an execution back; a correction takes it back and tells it anew."""
        wrong = str(data["previous_execution_id"])
        before = self._executions.named("stream", wrong)
        order = str(body["id"])
        if before is None:
            self.ask([number])
            return
        ts = self._moment(data.get("timestamp"))
        name = f"{wrong} taken back"
        changes = [Execution(order, "stream", name, -before.quantity, before.price, name, ts)]
        if event == _CORRECT:
            sign = 1 if before.quantity > 0 else -1
            anew = f"{wrong} corrected"
            changes.append(
                self._execution(number, order, "stream", str(data["execution_id"]), sign, data, anew, ts)
            )
        self._execute(changes)
        self._holds(number, data)

    def _holds(self, number: int, data: Mapping[str, Any]) -> None:
        """The position after an update; where it does not say, it is asked for."""
        if data.get("position_qty") is None:
            self.ask()
            return
        with self._lock:
            symbol = self._orders[number].symbol
            self._held[symbol] = self._signed(symbol, data["position_qty"])

    # ---- units ----------------------------------------------------------------------------------------------

    def _execution(
        self,
        number: int,
        order: str,
        source: str,
        name: str,
        sign: int,
        data: Mapping[str, Any],
        total: object,
        ts: int,
    ) -> Execution:
        symbol = self._orders[number].symbol if number in self._orders else -1
        quantity = sign * self._quantity(symbol, data["qty"])
        price = to_scaled(str(data["price"]), self._universe.instruments[symbol].price_decimals)
        return Execution(order, source, name, quantity, price, _plain(total), ts)

    def _quantity(self, symbol: int, text: object) -> int:
        return abs(self._signed(symbol, text))

    def _signed(self, symbol: int, text: object) -> int:
        return to_scaled(str(text), self._universe.instruments[symbol].quantity_decimals)

    def _moment(self, text: object) -> int:
        try:
            return parse_iso(str(text))
        except ValueError:
            return self._clock.now_ns()

    def _account_of(self, body: Mapping[str, Any]) -> AlpacaAccount:
        reasons = {
            "account_blocked": "it is blocked",
            "trading_blocked": "its trading is blocked",
            "trade_suspended_by_user": "its trading was suspended by its owner",
        }
        trouble = next((text for name, text in reasons.items() if body.get(name) is True), "")
        status = str(body.get("status", ""))
        if not trouble and status not in ("ACTIVE", "PAPER_ONLY", ""):
            trouble = f"its status is {status}"
        cash, equity = (to_scaled(str(body.get(name) or "0"), MONEY_DECIMALS) for name in ("cash", "equity"))
        return AlpacaAccount(str(body.get("account_number", "")), cash, equity, trouble)


def _plain(total: object) -> str:
    """A filled quantity as text that both sources write alike."""
    try:
        return f"{Decimal(str(total)).normalize():f}"
    except InvalidOperation:
        return str(total)
