"""Every case of the shared reference set on order states, driven through the live-order table as a broker would."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.execution.build import approved, batch, fills, updates
from tests.execution.reference import case
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.order_terms import OrderType, Terms
from tuiconsole.domain.orders import TERMINAL_STATES, TRANSITIONS, OrderEvent, OrderState
from tuiconsole.execution.order_table import OrderTable
from tuiconsole.execution.paper import PaperVenue
from tuiconsole.execution.working_terms import Asked

TOPIC = "11_orders_fix"
NAMES = {state: "".join(part.capitalize() for part in state.name.split("_")) for state in OrderState}
REPORTS = {
    "New": OrderEvent.ACKNOWLEDGED,
    "PendingCancel": OrderEvent.CANCEL_PENDING,
    "Canceled": OrderEvent.CANCELED,
    "PendingReplace": OrderEvent.REPLACE_PENDING,
    "Replaced": OrderEvent.REPLACED,
    "Canceled/Expired": OrderEvent.CANCELED,
}


class Table:
    """Order 1 for 10 of symbol 0, and the events of a case as they are written there."""

    def __init__(self) -> None:
        self.table = OrderTable(1)
        self.table.add(batch(1, [(0, 10)]))
        self.executions = 0
        self.path = [self.state]

    @property
    def state(self) -> str:
        return NAMES[self.table.row(1).state]

    def take(self, event: str) -> None:
        self.one(event)
        self.path.append(self.state)

    def one(self, event: str) -> None:
        if event == "-> CancelRequest":
            self.table.update(updates((1, OrderEvent.CANCEL_SENT)))
        elif found := re.fullmatch(r"-> Replace qty=(\d+)", event):
            self.table.ask_replace(1, Asked(int(found[1]), Terms(OrderType.LIMIT, limit=5, revision=1)))
        elif event.startswith("OrderCancelReject"):
            self.table.update(updates((1, OrderEvent.CANCEL_REJECTED)))
        elif found := re.match(r"ER Trade (?:ExecID=E(\d+) )?(\d+)", event):
            self.executions += 1
            self.table.fill(fills((int(found[1] or self.executions), 1, 0, int(found[2]))))
        else:
            word = event.removeprefix("ER ").split()[0]
            self.table.update(updates((1, REPORTS[word])))
        order = self.table.row(1)
        for name, value in (("cum", order.filled), ("leaves", order.leaves), ("qty", order.quantity)):
            told = re.search(rf"{name}(?: still )?(\d+)", event) if event.startswith("ER") else None
            assert told is None or int(told[1]) == value, event


def driven(name: str) -> tuple[Table, dict[str, Any]]:
    found = case(name, TOPIC)
    table = Table()
    for event in found["inputs"]["events"]:
        table.take(event)
    return table, found["expected"]


@pytest.mark.parametrize("name", ["A.1.a", "B.1.a", "B.1.c", "C.1.a", "C.3.a", "dup_exec", "IOC"])
def test_sequences(name: str) -> None:
    table, expected = driven(name)
    order = table.table.row(1)
    assert order.filled == expected.get("cum", order.filled)
    assert order.leaves == expected.get("leaves", order.leaves)
    assert order.quantity == expected.get("qty", order.quantity)
    assert table.state in expected.get("status", table.state).split("|")
    assert table.path == expected.get("status_path", table.path)
    assert table.table.pending.tolist() == [order.leaves]
    assert table.table.fills_total == expected.get("fills", table.table.fills_total)
    assert table.table.unexpected == table.table.overfills == 0


def test_a_quantity_stays_until_its_replacement_is_granted() -> None:
    table = Table()
    events = case("C.1.a", TOPIC)["inputs"]["events"]
    for event in events[:3]:
        table.take(event)
    assert table.table.row(1).quantity == 10
    assert table.table.pending.tolist() == [11]  # the worst that may fill meanwhile
    table.take(events[3])
    assert (table.table.row(1).quantity, table.table.pending.tolist()) == (11, [11])


def test_a_repeated_client_id_is_no_second_order() -> None:
    expected = case("F.1.a", TOPIC)["expected"]
    venue = PaperVenue(Universe.of(("A",)))
    orders = approved(batch(1, [(0, 10)]))
    assert venue.submit(orders).updates.event.tolist() == [OrderEvent.ACKNOWLEDGED]
    assert expected["second"].startswith("ER Rejected")
    assert venue.submit(orders).updates.event.tolist() == [OrderEvent.REJECTED]
    assert venue.state()["resting"].shape[1] == expected["open_orders"]


BY_STATUS = {
    "New": (OrderEvent.ACKNOWLEDGED,),
    "Filled": (OrderEvent.FILL,),
    "PartiallyFilled": (OrderEvent.PARTIAL_FILL,),
    "Canceled": (OrderEvent.CANCELED,),
    "Suspended": (OrderEvent.SUSPENDED,),
    "Rejected": (OrderEvent.REJECTED,),
    "PendingReplace": (OrderEvent.REPLACE_PENDING,),
    "PendingCancel": (OrderEvent.CANCEL_PENDING,),
    "Expired": (OrderEvent.EXPIRED,),
    "Stopped": (OrderEvent.STOPPED,),
}


@pytest.mark.parametrize("state", ["PENDING_NEW", "PARTIALLY_FILLED"])
def test_reports_that_another_table_takes_are_taken_here(state: str) -> None:
    told = case("asyncfix_transition_table", TOPIC)["expected"][state]
    for status in told:
        for event in BY_STATUS[status]:
            assert TRANSITIONS[OrderState[state], event] != -1, (state, status)


@pytest.mark.parametrize("state", ["FILLED", "CANCELED", "REJECTED", "EXPIRED"])
def test_terminal_states_absorb_but_for_the_documented_rows(state: str) -> None:
    assert case("asyncfix_transition_table", TOPIC)["expected"][state].startswith("absorbing")
    left = {
        OrderEvent(e).name
        for e, to in enumerate(TRANSITIONS[OrderState[state]].tolist())
        if to != OrderState[state]
    }
    documented = {"FILLED": {"BUSTED", "REPLACED"}, "CANCELED": {"FILL"}, "EXPIRED": {"FILL"}}
    assert left == documented.get(state, set())


def test_the_states_of_a_broker_are_ours() -> None:
    expected = case("alpaca_rules", TOPIC)["expected"]
    same = {"accepted": "new", "accepted_for_bidding": "new", "held": "new"}
    for name in expected["states"]:
        assert OrderState[same.get(name, name).upper()] in OrderState
    assert {OrderState[name.upper()] for name in expected["terminal"]} == TERMINAL_STATES
    # "cancel is a request", and one that is refused while a replacement is pending changes nothing
    table = Table()
    table.take("ER New")
    table.take("-> Replace qty=11")
    table.table.update(updates((1, OrderEvent.CANCEL_SENT), (1, OrderEvent.CANCEL_REJECTED)))
    assert table.state == "New"
    table.table.update(updates((1, OrderEvent.REPLACED)))
    assert (table.table.row(1).quantity, table.table.pending.tolist()) == (11, [11])
