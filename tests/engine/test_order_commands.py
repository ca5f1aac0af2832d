"""A trader cancels or changes one working order; what cannot be is refused in a sentence and changes nothing."""

from __future__ import annotations

import pytest

from tests.engine.test_protection import Driven, bracket
from tuiconsole.domain.events import Command, CommandKind
from tuiconsole.domain.order_terms import TimeInForce
from tuiconsole.domain.orders import OrderState
from tuiconsole.domain.records import Commanded

CANCEL, REPLACE = CommandKind.CANCEL_ORDER, CommandKind.REPLACE_ORDER


def resting() -> Driven:
    driven = Driven([100.0] * 10, named=bracket(90, 110, limit=97, tif=TimeInForce.GTC))
    driven.bars(1)
    return driven


def ask(driven: Driven, kind: CommandKind, argument: str) -> Commanded:
    before = len(driven.sink.records)
    command = Command(driven.desk.ts, kind, f"o{before}", argument, "test", "test")
    for _ in driven.session.command(command):
        pass
    [answer] = [record for record in driven.sink.records[before:] if isinstance(record, Commanded)]
    return answer


def test_a_cancel_ends_an_order_and_what_waits_for_it() -> None:
    driven = resting()
    assert ask(driven, CANCEL, "1").accepted
    assert [driven.desk.orders.row(number).state for number in (1, 2, 3)] == [OrderState.CANCELED] * 3
    assert not driven.desk.orders.pending.any()
    again = ask(driven, CANCEL, "1")
    assert not again.accepted
    assert "Order 1 is not working" in again.text


def test_a_change_goes_through_the_gate_to_the_venue() -> None:
    driven = resting()
    before = driven.desk.orders.row(1).quantity
    assert ask(driven, REPLACE, f"1 quantity={before - 5} limit=98.5").accepted
    order = driven.desk.orders.row(1)
    assert (order.quantity, order.terms.limit, order.terms.revision) == (before - 5, 98_500_000, 1)
    assert driven.session.venue.account().orders[0].quantity == before - 5
    assert driven.desk.orders.pending[0] == before - 5
    refused = ask(driven, REPLACE, "1 limit=150")
    assert not refused.accepted
    assert "too far beyond the last good price" in refused.text
    assert driven.desk.orders.row(1).terms.limit == 98_500_000


@pytest.mark.parametrize(
    ("argument", "text"),
    [
        ("", "is not working"),
        ("nonsense", "is not working"),
        ("99 limit=1", "is not working"),
        ("1", "names a new quantity, limit or stop"),
        ("1 colour=red", "names a new quantity, limit or stop"),
        ("1 limit=abc", "is a positive number"),
        ("1 limit=NaN", "is a positive number"),
        ("1 limit=1e30", "is too large"),
        ("1 quantity=0", "leaves something to fill"),
        ("1 limit=-5", "negative"),
    ],
)
def test_what_cannot_be_is_refused(argument: str, text: str) -> None:
    driven = resting()
    before = driven.desk.orders.row(1)
    answer = ask(driven, REPLACE, argument)
    assert not answer.accepted
    assert text in answer.text
    assert driven.desk.orders.row(1) == before
