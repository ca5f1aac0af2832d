"""What must hold after every event of a simulation, whatever went wrong: each with a name and a sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from tuiconsole.domain.codec import decode_record
from tuiconsole.domain.events import DeskLevel
from tuiconsole.domain.money import MONEY_SCALE
from tuiconsole.domain.orders import OrderBatch, OrderState, Purpose
from tuiconsole.domain.records import Decided, Filled, Record
from tuiconsole.domain.types import IntArray
from tuiconsole.engine.desk import Desk
from tuiconsole.engine.order_shadow import OrderShadow
from tuiconsole.engine.simulated_broker import SimulatedBroker
from tuiconsole.engine.simulated_disk import SimulatedDisk
from tuiconsole.risk.latch import Latch
from tuiconsole.risk.settings import PARTS, parts
from tuiconsole.store.chain import link


@dataclass(slots=True)
class World:
    """Everything a simulation is made of, for looking at.

    Attributes
    ----------
    sent
        Numbers of all orders handed over since the beginning, crashes or not.
    faults
        What was found at the moment an order was approved or handed over.
    """

    desk: Desk
    broker: SimulatedBroker
    disk: SimulatedDisk
    latch: Latch
    shadow: OrderShadow
    sent: set[int] = field(default_factory=set)
    faults: dict[str, str] = field(default_factory=dict)
    checked_rows: int = 0

    def append(self, row: int, record: Record) -> None:
        """A row was appended: the shadow takes it in, and approvals are held against the limits."""
        self.shadow.take(row, record)
        if isinstance(record, Filled):
            self._made(row, record)
        if isinstance(record, Decided) and record.number.any():
            text = _over_limits(self.desk, record)
            if text:
                self.faults.setdefault("gate limits", f"row {row}: {text}")

    def _made(self, row: int, record: Filled) -> None:
        columns = (record.execution.tolist(), record.quantity.tolist(), record.price.tolist())
        for execution, quantity, price in zip(*columns, strict=True):
            made = self.broker.exchange.made.get(execution)
            if made != (quantity, price):
                text = f"row {row}: execution {execution} was booked as {(quantity, price)}, the exchange made {made}"
                self.faults.setdefault("only true fills", text)

    def crashed(self, rows: int) -> None:
        """Only ``rows`` rows are left: the shadow is cast anew."""
        faults = self.shadow.faults
        self.shadow = OrderShadow(self.desk.universe, self.desk.ledger.capital)
        self.shadow.faults = faults
        self.checked_rows = min(self.checked_rows, rows)
        for row, payload in enumerate(self.disk.payloads, 1):
            self.shadow.take(row, decode_record(payload))

    def hand_over(self, batch: OrderBatch) -> None:
        """The broker was called with ``batch``."""
        numbers = batch.number.tolist()
        again = self.sent.intersection(numbers)
        if again:
            self.faults.setdefault("one order per intent", f"order {min(again)} was handed over twice")
        self.sent.update(numbers)
        for number in numbers:
            order = self.shadow.orders.get(number)
            if order is None or order.row > self.disk.durable:
                self.faults.setdefault(
                    "written before sent", f"order {number} was sent before it was durable"
                )
        self._after_stop(batch)

    def _after_stop(self, batch: OrderBatch) -> None:
        level = max(self.latch.read().level, self.desk.level)
        if level < DeskLevel.HALTED:
            return
        held = self.desk.ledger.quantity[batch.symbol]
        closing = (batch.purpose == Purpose.FLATTEN) & (held * batch.quantity < 0)
        closing &= np.abs(batch.quantity) <= np.abs(held)
        if level == DeskLevel.HALTED or not closing.all():
            number = int(batch.number[0])
            text = f"order {number} was handed over though the desk is {level.name.lower()}"
            self.faults.setdefault("no order after the latch", text)


def _over_limits(desk: Desk, record: Decided) -> str:
    """What an approved order that adds risk is beyond, or nothing."""
    approved = np.flatnonzero(record.number)
    symbol, quantity = record.columns[approved], record.quantity[approved]
    held = desk.ledger.quantity[symbol]
    reducing = (held * quantity < 0) & (np.abs(quantity) <= np.abs(held))
    if reducing.all():
        return ""
    symbol, quantity = symbol[~reducing], quantity[~reducing]
    risk, equity, value = desk.gate.settings, desk.ledger.equity, desk.ledger.valuation
    if desk.level != DeskLevel.RUNNING:
        return f"an order that adds risk was approved while {desk.level.name.lower()}"
    if len(desk.reconciliation.open):
        return "an order that adds risk was approved while the broker's account differs"
    if not desk.tradable[symbol].all():
        return "an order that adds risk was approved on a price that is not good"
    if equity * PARTS < desk.breakers.peak * (PARTS - parts(risk.drawdown)):
        return "an order that adds risk was approved beyond the drawdown limit"
    if equity * PARTS < desk.breakers.session_start * (PARTS - parts(risk.daily_loss)):
        return "an order that adds risk was approved beyond the session's loss limit"
    price = desk.price_scaled
    notional = np.abs(value.money(price, _at(symbol, quantity, len(price))))
    if int(notional.max()) > min(risk.order_notional_usd * MONEY_SCALE, risk.order_notional_share * equity):
        return "an order is worth more than one order may be"
    exposed = np.abs(value.money(price, desk.ledger.quantity + desk.orders.pending))
    if int(exposed[symbol].max()) > risk.name_cap * equity + 1:
        return "one symbol would be more of the equity than it may be"
    if int(exposed.sum()) > risk.gross_cap * equity + 1:
        return "the book would be larger than it may be"
    return ""


def _at(symbol: IntArray, quantity: IntArray, width: int) -> IntArray:
    column: IntArray = np.zeros(width, dtype=np.int64)
    column[symbol] = quantity
    return column


@dataclass(frozen=True, slots=True)
class Invariant:
    """One thing that always holds; ``check`` gives a sentence where it does not."""

    name: str
    sentence: str
    check: Callable[[World], str]


def _filled(world: World) -> str:
    return world.shadow.overfilled


def _position(world: World) -> str:
    differing = np.flatnonzero(world.desk.ledger.quantity != world.shadow.position)
    return f"column {int(differing[0])} holds another position than its fills" if len(differing) else ""


def _cash(world: World) -> str:
    ledger = world.desk.ledger
    total = ledger.capital + ledger.realised + ledger.unrealised_total - ledger.fees - ledger.borrow
    if ledger.cash != world.shadow.cash:
        return f"cash is {ledger.cash}, the fills say {world.shadow.cash}"
    return "" if total == ledger.equity else f"equity is {ledger.equity}, its parts add up to {total}"


def _pending(world: World) -> str:
    expected = np.zeros_like(world.desk.ledger.quantity)
    for order in world.shadow.live.values():
        if (order.quantity - order.filled) * order.quantity > 0:
            expected[order.symbol] += order.quantity - order.filled
    differing = np.flatnonzero(expected != world.desk.orders.pending)
    return f"column {int(differing[0])}: pending is not what its orders leave open" if len(differing) else ""


def _states(world: World) -> str:
    return world.shadow.faults[0] if world.shadow.faults else ""


def _chain(world: World) -> str:
    disk = world.disk
    for row in range(world.checked_rows + 1, disk.rows + 1):
        if link(disk.heads[row - 1], row, disk.payloads[row - 1]) != disk.heads[row]:
            return f"row {row} does not fit the chain"
    world.checked_rows = disk.rows
    return ""


def _fault(name: str) -> Callable[[World], str]:
    return lambda world: world.faults.get(name, "")


def _repeated(world: World) -> str:
    return f"{world.broker.repeated} client ids came twice" if world.broker.repeated else ""


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "filled within quantity", "No order is filled beyond its quantity or against its side.", _filled
    ),
    Invariant("position is fills", "What is held is the sum of all fills.", _position),
    Invariant(
        "cash identity", "Cash is capital less what fills cost; equity is the sum of its parts.", _cash
    ),
    Invariant("pending is open", "What is pending is what unfinished orders leave open.", _pending),
    Invariant(
        "states by the table", "An order changes state by a row of the transition table alone.", _states
    ),
    Invariant(
        "only true fills",
        "Every execution booked was made by the exchange, and is booked once.",
        _fault("only true fills"),
    ),
    Invariant("chain", "Every row's hash follows from the row and the hash before it.", _chain),
    Invariant("one order per intent", "No order is handed over twice.", _fault("one order per intent")),
    Invariant("no client id twice", "The broker never sees a client id again.", _repeated),
    Invariant(
        "written before sent", "Nothing is sent that was not durable before.", _fault("written before sent")
    ),
    Invariant(
        "no order after the latch",
        "After a halt nothing is sent; after a kill only what closes positions.",
        _fault("no order after the latch"),
    ),
    Invariant(
        "gate limits",
        "Orders that add risk keep the limits, on good prices, while the account agrees.",
        _fault("gate limits"),
    ),
)
"""Looked at after every event."""


def broken(world: World) -> tuple[Invariant, str] | None:
    """The first invariant that does not hold, and what was found; None when all do."""
    for invariant in INVARIANTS:
        found = invariant.check(world)
        if found:
            return invariant, found
    return None


def settled(world: World) -> str:
    """What is still different between desk and broker once nothing goes wrong any more; empty when nothing is."""
    differing = np.flatnonzero(world.broker.positions() != world.desk.ledger.quantity)
    if len(differing):
        return f"column {int(differing[0])}: the broker holds another position than the desk"
    unheard = [n for n, order in world.shadow.live.items() if order.state == OrderState.UNKNOWN]
    return f"order {unheard[0]} is still unknown" if unheard else ""
