"""Replacements in the live-order table: every race with fills, cancels and silence; protective orders are in no pending."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec import structs

from tests.execution.build import batch, fills, updates
from tuiconsole.domain.codec import decode_state, encode_state
from tuiconsole.domain.errors import IllegalTransition
from tuiconsole.domain.order_terms import OrderTerms, OrderType, Terms, TimeInForce
from tuiconsole.domain.orders import (
    ILLEGAL,
    TERMINAL_STATES,
    TRANSITIONS,
    OrderBatch,
    OrderEvent,
    OrderState,
    Purpose,
)
from tuiconsole.execution.order_table import OrderTable
from tuiconsole.execution.working_terms import Asked

E, S = OrderEvent, OrderState
N = 2


def limit(price: int, revision: int = 0, **more: int) -> Terms:
    return Terms(OrderType.LIMIT, TimeInForce.GTC, limit=price, revision=revision, **more)


def with_terms(first: int, rows: list[tuple[int, int, int, Terms]]) -> OrderBatch:
    """Orders ``(symbol, quantity, purpose, terms)``."""
    made = batch(first, [(symbol, quantity) for symbol, quantity, _, _ in rows])
    purpose = np.array([row[2] for row in rows], dtype=np.int8)
    return structs.replace(made, purpose=purpose, terms=OrderTerms.of([row[3] for row in rows]))


def table(quantity: int = 10) -> OrderTable:
    made = OrderTable(N)
    made.add(with_terms(1, [(0, quantity, Purpose.POLICY, limit(100))]))
    made.update(updates((1, E.ACKNOWLEDGED)))
    return made


def test_a_granted_replacement_changes_quantity_terms_and_client_id() -> None:
    made = table()
    made.ask_replace(1, Asked(14, limit(101, 1)))
    assert made.row(1).state == S.PENDING_REPLACE
    assert (made.row(1).quantity, made.row(1).terms.limit, made.pending[0]) == (10, 100, 14)
    assert made.row(1).client_id("00ff00ff") == "00ff00ff-1"
    made.update(updates((1, E.REPLACED)))
    order = made.row(1)
    assert (order.state, order.quantity, order.terms.limit, made.pending[0]) == (S.NEW, 14, 101, 14)
    assert order.client_id("00ff00ff") == "00ff00ff-1r1"


def test_a_rejected_one_leaves_everything_as_it_was() -> None:
    made = table()
    made.ask_replace(1, Asked(14, limit(101, 1)))
    made.update(updates((1, E.REPLACE_REJECTED)))
    order = made.row(1)
    assert (order.state, order.quantity, order.terms, made.pending[0]) == (S.NEW, 10, limit(100), 10)
    made.ask_replace(1, Asked(4, limit(101, 1)))
    assert made.pending[0] == 10
    made.update(updates((1, E.REPLACED)))
    assert made.pending[0] == 4


RACES: list[tuple[str, int, list[Any], tuple[OrderState, int, int, int]]] = [
    # asked for, then events (a number is a fill); state, quantity, filled, pending at the end
    ("a fill while replacing up", 14, [3, E.REPLACED], (S.PARTIALLY_FILLED, 14, 3, 11)),
    ("a fill while replacing down", 6, [3, E.REPLACED], (S.PARTIALLY_FILLED, 6, 3, 3)),
    ("all of it fills, then more is granted", 14, [10, E.REPLACED], (S.PARTIALLY_FILLED, 14, 10, 4)),
    ("all of it fills, then more is refused", 14, [10, E.REPLACE_REJECTED], (S.FILLED, 10, 10, 0)),
    ("more than before fills ahead of the answer", 14, [12, E.REPLACED], (S.PARTIALLY_FILLED, 14, 12, 2)),
    ("down to what is filled by then", 6, [6, E.REPLACED], (S.FILLED, 6, 6, 0)),
    ("a cancel while replacing", 14, [E.CANCEL_SENT, E.CANCELED, E.REPLACE_REJECTED], (S.CANCELED, 10, 0, 0)),
    ("a cancel after the grant", 14, [E.CANCEL_SENT, E.REPLACED, E.CANCELED], (S.CANCELED, 14, 0, 0)),
    (
        "a refused cancel, then the grant",
        14,
        [E.CANCEL_SENT, E.CANCEL_REJECTED, E.REPLACED],
        (S.NEW, 14, 0, 14),
    ),
    ("silence, then the grant", 14, [E.TIMED_OUT, E.REPLACED], (S.NEW, 14, 0, 14)),
    ("silence, then the refusal", 14, [E.TIMED_OUT, E.REPLACE_REJECTED], (S.NEW, 10, 0, 10)),
    (
        "pending told before the grant",
        14,
        [E.REPLACE_PENDING, E.REPLACE_PENDING, E.REPLACED],
        (S.NEW, 14, 0, 14),
    ),
    ("the grant twice", 14, [E.REPLACED, E.REPLACED], (S.NEW, 14, 0, 14)),
    ("a bust while replacing", 14, [5, -2, E.REPLACED], (S.PARTIALLY_FILLED, 14, 3, 11)),
    ("it expires while replacing", 14, [E.EXPIRED], (S.EXPIRED, 10, 0, 0)),
]


@pytest.mark.parametrize(
    ("asked", "events", "expected"), [race[1:] for race in RACES], ids=[race[0] for race in RACES]
)
@pytest.mark.parametrize("side", [1, -1])
def test_races(asked: int, events: list[Any], expected: tuple[OrderState, int, int, int], side: int) -> None:
    made = table(10 * side)
    made.ask_replace(1, Asked(asked * side, limit(101, 1)))
    for step, event in enumerate(events):
        if isinstance(event, OrderEvent):
            made.update(updates((1, event)))
        else:
            made.fill(fills((step + 1, 1, 0, event * side)))
        again = OrderTable(N)
        again.restore(decode_state(encode_state(made.state())))
        made = again
    order = made.row(1)
    state, quantity, filled, pending = expected
    assert (order.state, order.quantity, order.filled) == (state, quantity * side, filled * side)
    assert made.pending.tolist() == [pending * side, 0]
    assert made.overfills == made.unexpected == 0


def test_what_cannot_be_changed_raises_and_changes_nothing() -> None:
    made = table()
    made.ask_replace(1, Asked(14, limit(101, 1)))
    for number in (1, 2):
        with pytest.raises(IllegalTransition, match="is not on this desk, or is being changed already"):
            made.ask_replace(number, Asked(5, limit(9, 1)))
    made.update(updates((1, E.CANCELED)))
    unanswered = OrderTable(N)
    unanswered.add(with_terms(1, [(0, 5, Purpose.POLICY, limit(1))]))
    with pytest.raises(IllegalTransition, match="PENDING_NEW cannot take REPLACE_SENT"):
        unanswered.ask_replace(1, Asked(6, limit(1, 1)))


def test_protective_orders_are_in_no_pending_and_groups_count_once() -> None:
    made = OrderTable(N)
    made.add(
        with_terms(
            1,
            [
                (0, 10, Purpose.POLICY, limit(100)),
                (0, -10, Purpose.PROTECTIVE, limit(120, parent=1, oco=2)),
                (0, -10, Purpose.PROTECTIVE, limit(90, parent=1, oco=2)),
                (1, -3, Purpose.PROTECTIVE, limit(9)),
                (1, -4, Purpose.PROTECTIVE, limit(9)),
            ],
        )
    )
    exits = made.exits()
    assert made.pending.tolist() == [10, 0]
    assert exits is not None
    assert exits.tolist() == [0, -7]  # those of symbol 0 sleep until their parent fills
    made.fill(fills((1, 1, 0, 4)))
    exits = made.exits()
    assert exits is not None
    assert exits.tolist() == [-4, -7]
    made.update(updates((4, E.CANCELED), (2, E.CANCELED)))
    made.fill(fills((2, 5, 1, -4), (3, 1, 0, 6), (4, 3, 0, -10)))
    assert made.exits() is None
    assert made.pending.tolist() == [0, 0]
    assert made.fill(fills((5, 1, 0, 1)))[1].tolist() == [S.FILLED]
    assert made.overfills == 1


def test_terms_of_orders_that_left_are_forgotten() -> None:
    made = OrderTable(N)
    for first in range(1, 8_001, 100):
        made.add(with_terms(first, [(0, 1, Purpose.POLICY, limit(5))] * 100))
        made.update(updates(*((number, E.CANCELED) for number in range(first, first + 100))))
    assert len(made.terms) < 6_500


class Replacing(RuleBasedStateMachine):
    """Orders that are filled, changed, cancelled and busted in any order, against the sums that must hold."""

    def __init__(self) -> None:
        super().__init__()
        self.table = OrderTable(N)
        self.position = [0] * N
        self.by_order: dict[int, int] = {}
        self.purpose: dict[int, int] = {}
        self.ended: dict[int, OrderState] = {}
        self.execution = 0

    def pick(self, data: st.DataObject) -> int:
        return int(data.draw(st.integers(1, max(1, len(self.by_order)))))

    @rule(symbol=st.integers(0, N - 1), quantity=st.integers(-9, 9).filter(bool), guard=st.booleans())
    def new(self, symbol: int, quantity: int, guard: bool) -> None:
        number = self.table.next_number
        purpose = Purpose.PROTECTIVE if guard else Purpose.POLICY
        self.table.add(with_terms(number, [(symbol, quantity, purpose, limit(100))]))
        self.by_order[number], self.purpose[number] = 0, purpose

    @rule(data=st.data(), size=st.integers(1, 14))
    def change(self, data: st.DataObject, size: int) -> None:
        number = self.pick(data)
        if number not in self.by_order:
            return
        order = self.table.row(number)
        revised = structs.replace(order.terms, revision=order.terms.revision + 1)
        asked = Asked(size if order.quantity > 0 else -size, revised)
        if number in self.table.terms.asked or TRANSITIONS[order.state, E.REPLACE_SENT] in (
            ILLEGAL,
            order.state,
        ):
            with pytest.raises(IllegalTransition):
                self.table.ask_replace(number, asked)
            return
        self.table.ask_replace(number, asked)

    @rule(
        data=st.data(),
        event=st.sampled_from([e for e in E if e not in (E.REPLACE_SENT, E.WITHHELD, E.CANCEL_SENT)]),
    )
    def report(self, data: st.DataObject, event: OrderEvent) -> None:
        self.table.update(updates((self.pick(data), event)))

    @rule(data=st.data(), quantity=st.integers(1, 9), again=st.booleans(), bust=st.booleans())
    def execute(self, data: st.DataObject, quantity: int, again: bool, bust: bool) -> None:
        number = self.pick(data)
        if number not in self.by_order:
            return
        order = self.table.row(number)
        sign = 1 if order.quantity > 0 else -1
        signed = -sign * min(quantity, abs(order.filled)) if bust else sign * quantity
        self.execution += not again or not self.execution
        accepted, _ = self.table.fill(fills((self.execution, number, order.symbol, signed)))
        for moved in accepted.quantity.tolist():
            self.position[order.symbol] += moved
            self.by_order[number] += moved

    @rule()
    def restart(self) -> None:
        again = OrderTable(N)
        again.restore(decode_state(encode_state(self.table.state())))
        self.table = again

    @invariant()
    def sums_hold(self) -> None:
        pending, position = [0] * N, [0] * N
        over = 0
        for number in self.by_order:
            order = self.table.row(number)
            assert order.filled == self.by_order[number]
            position[order.symbol] += order.filled
            over += order.overfilled
            asked = self.table.terms.asked.get(number)
            leaves = order.leaves
            if asked is not None and (asked.quantity - order.filled) * order.quantity > 0:
                leaves = max(leaves, asked.quantity - order.filled, key=abs)
            if self.purpose[number] != Purpose.PROTECTIVE:
                pending[order.symbol] += leaves
            assert order.leaves == 0 or order.state not in TERMINAL_STATES
        assert position == self.position
        assert self.table.pending.tolist() == pending
        assert (
            over
            <= self.table.overfills
            + len(self.table.terms.asked)
            + self.table.unexpected
            + self.replaced_down()
        )

    def replaced_down(self) -> int:
        """Orders granted a quantity below what was filled by then: the venue's doing, seen as overfilled."""
        return sum(self.table.row(number).terms.revision > 0 for number in self.by_order)

    @invariant()
    def terminal_states_are_left_by_documented_rows_alone(self) -> None:
        for number in self.by_order:
            state = self.table.row(number).state
            before = self.ended.get(number)
            if before is not None and state != before:
                left = {(S.CANCELED, S.FILLED), (S.EXPIRED, S.FILLED)}
                assert before == S.FILLED or (before, state) in left
            if state in TERMINAL_STATES:
                self.ended[number] = state
            else:
                self.ended.pop(number, None)


TestReplacing = Replacing.TestCase
TestReplacing.settings = settings(max_examples=12, stateful_step_count=40)
