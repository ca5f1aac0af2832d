"""The live-order table: pending is exact, odd messages count and never crash, memory is bounded."""

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.execution.build import POINT, batch, fills, ints, updates
from tuiconsole.domain.codec import decode_state, encode_state
from tuiconsole.domain.errors import IllegalTransition, MoneyOverflow, UsageError
from tuiconsole.domain.orders import (
    ILLEGAL,
    TERMINAL_STATES,
    TRANSITIONS,
    OrderEvent,
    OrderState,
    Purpose,
    next_state,
)
from tuiconsole.execution.order_columns import DROP_BLOCK, KEPT
from tuiconsole.execution.order_table import OrderTable

N = 3
ACK, CANCELED = OrderEvent.ACKNOWLEDGED, OrderEvent.CANCELED


def table(*orders):
    made = OrderTable(N)
    made.add(batch(1, orders))
    return made


def continued(made):
    again = OrderTable(N)
    again.restore(decode_state(encode_state(made.state())))
    return again


def test_a_batch_from_birth_to_filled():
    made = table((0, 100), (2, -40))
    assert made.next_number == 3
    assert made.pending.tolist() == [100, 0, -40]
    assert made.update(updates((1, ACK), (2, ACK))).tolist() == [OrderState.NEW] * 2
    assert made.working().tolist() == [1, 2]
    given = fills((1, 1, 0, 100), (2, 2, 2, -40))
    accepted, states = made.fill(given)
    assert accepted is given
    assert states.tolist() == [OrderState.FILLED] * 2
    assert states.dtype == np.int8
    assert made.pending.tolist() == [0, 0, 0]
    assert len(made.working()) == 0
    assert made.fills_total == 2
    assert made.unexpected == made.duplicates == made.late_fills == made.overfills == 0


def test_pending_that_was_handed_out_never_changes():
    made = table((0, 100))
    before = made.pending
    made.fill(fills((1, 1, 0, 100)))
    assert before.tolist() == [100, 0, 0]
    with pytest.raises(ValueError, match="read-only"):
        made.pending[0] = 1


def test_fills_before_the_acknowledgement():
    made = table((1, 10))
    _, states = made.fill(fills((1, 1, 1, 4)))
    assert states.tolist() == [OrderState.PARTIALLY_FILLED]
    assert made.update(updates((1, ACK))).tolist() == [OrderState.PARTIALLY_FILLED]
    assert made.pending[1] == 6


def test_a_row_shows_quantities_costs_and_prices_exactly():
    made = table((1, -10))
    made.fill(fills((1, 1, 1, -4), price=100 * POINT))
    made.fill(fills((2, 1, 1, -2), price=103 * POINT, forced=True))
    row = made.row(1)
    assert (row.filled, row.leaves, row.fee, row.last_price) == (-6, -4, 100, 103 * POINT)
    assert row.cost == -(4 * 100 + 2 * 103) * POINT
    assert row.average_price == 101 * POINT
    assert row.forced
    assert row.purpose is Purpose.POLICY
    assert row.state is OrderState.PARTIALLY_FILLED
    assert row.reference_price == 100 * POINT
    assert row.client_id("00ff00ff") == "00ff00ff-1"
    assert not row.overfilled


def test_an_order_without_fills_has_no_average_price():
    assert table((0, 5)).row(1).average_price is None


@pytest.mark.parametrize("number", [0, 2, -7])
def test_unknown_numbers_are_refused_in_words(number):
    with pytest.raises(UsageError, match=f"Order {number} is not in the live-order table"):
        table((0, 5)).row(number)
    with pytest.raises(UsageError):
        OrderTable(N).row(number)


def test_recent_is_newest_first_and_paged():
    made = table(*[(0, i + 1) for i in range(5)])
    assert [row.number for row in made.recent(0, 2)] == [5, 4]
    assert [row.number for row in made.recent(3, 10)] == [2, 1]
    assert made.recent(5, 10) == []
    assert made.recent(9, 10) == []
    assert OrderTable(N).recent(0, 5) == []


def test_a_repeated_execution_counts_once():
    made = table((0, 10), (1, 10))
    made.fill(fills((7, 1, 0, 4)))
    accepted, states = made.fill(fills((7, 1, 0, 4)))
    assert len(accepted) == len(states) == 0
    accepted, _ = made.fill(fills((8, 1, 0, 3), (7, 1, 0, 4), (8, 1, 0, 3), (9, 2, 1, 10)))
    assert accepted.execution.tolist() == [8, 9]
    assert made.row(1).filled == 7
    assert made.duplicates == 3
    assert made.pending.tolist() == [3, 0, 0]


def test_two_fills_of_one_order_in_one_batch():
    made = table((0, 10))
    _, states = made.fill(fills((1, 1, 0, 4), (2, 1, 0, 6)))
    assert states.tolist() == [OrderState.PARTIALLY_FILLED, OrderState.FILLED]
    assert made.pending[0] == 0


def test_a_late_fill_after_a_cancel_counts():
    made = table((0, 10), (1, 10))
    made.update(updates((1, CANCELED)))
    assert made.pending.tolist() == [0, 10, 0]
    _, states = made.fill(fills((1, 1, 0, 4), (2, 2, 1, 10)))
    assert states.tolist() == [OrderState.CANCELED, OrderState.FILLED]
    assert made.pending.tolist() == [0, 0, 0]
    assert made.row(1).filled == 4
    assert made.late_fills == 1
    assert made.fill(fills((3, 1, 0, 6)))[1].tolist() == [OrderState.FILLED]


def test_an_overfill_is_booked_counted_and_flagged():
    made = table((0, -10))
    accepted, states = made.fill(fills((1, 1, 0, -12)))
    assert len(accepted) == 1
    assert states.tolist() == [OrderState.FILLED]
    assert made.row(1).filled == -12
    assert made.row(1).overfilled
    assert made.overfills == 1
    assert made.pending[0] == 0
    assert made.row(1).leaves == 0


def test_a_bust_takes_quantity_back_and_reopens_a_filled_order():
    made = table((0, 10))
    made.fill(fills((1, 1, 0, 10)))
    _, states = made.fill(fills((2, 1, 0, -4)))
    assert states.tolist() == [OrderState.PARTIALLY_FILLED]
    assert made.pending[0] == 4
    _, states = made.fill(fills((3, 1, 0, -9)))
    assert states.tolist() == [OrderState.NEW]
    assert made.pending[0] == 10
    assert made.unexpected == 1


def test_fills_of_unknown_orders_and_strange_symbols_are_money_all_the_same():
    made = table((0, 10))
    accepted, states = made.fill(fills((1, 9, 2, 5), (2, 1, 1, 10)))
    assert len(accepted) == 2
    assert states.tolist() == [OrderState.UNKNOWN, OrderState.FILLED]
    assert made.unexpected == 2
    assert made.pending.tolist() == [0, 0, 0]


def test_a_fill_of_nothing_is_left_out():
    made = table((0, 10))
    accepted, _ = made.fill(fills((1, 1, 0, 0)))
    assert len(accepted) == 0
    assert made.unexpected == 1


def test_a_fill_too_large_for_exact_money_changes_nothing():
    made = table((0, 2**40))
    before = encode_state(made.state())
    with pytest.raises(MoneyOverflow):
        made.fill(fills((1, 1, 0, 2**40), price=2**40))
    assert encode_state(made.state()) == before


def test_our_own_impossible_requests_raise_and_change_nothing():
    made = table((0, 10), (1, 10))
    made.update(updates((1, ACK)))
    before = encode_state(made.state())
    with pytest.raises(IllegalTransition, match="NEW cannot take WITHHELD"):
        made.update(updates((1, OrderEvent.WITHHELD), (2, OrderEvent.WITHHELD)))
    with pytest.raises(IllegalTransition, match="PENDING_NEW cannot take REPLACE_SENT"):
        made.update(updates((2, OrderEvent.REPLACE_SENT)))
    with pytest.raises(IllegalTransition, match="Order 8 is not on this desk"):
        made.update(updates((8, OrderEvent.CANCEL_SENT)))
    assert encode_state(made.state()) == before


def test_reports_without_a_row_are_kept_out_and_counted():
    made = table((0, 10))
    made.update(updates((1, ACK)))
    assert made.update(updates((1, OrderEvent.CANCEL_REJECTED))).tolist() == [OrderState.NEW]
    assert made.unexpected == 1
    states = made.update(updates((9, ACK), (1, ACK)))
    assert states.tolist() == [OrderState.UNKNOWN, OrderState.NEW]
    assert made.unexpected == 2


def test_reports_about_one_order_twice_are_taken_in_turn():
    made = table((0, 10))
    states = made.update(updates((1, ACK), (1, OrderEvent.CANCEL_SENT), (1, CANCELED)))
    assert states.tolist() == [OrderState.NEW, OrderState.PENDING_CANCEL, OrderState.CANCELED]
    assert made.pending[0] == 0


def test_silence_keeps_an_order_pending():
    made = table((0, 10), (0, -3))
    made.update(updates((1, OrderEvent.TIMED_OUT), (2, OrderEvent.TIMED_OUT)))
    assert made.row(1).state is OrderState.UNKNOWN
    assert made.pending[0] == 7
    assert made.working().tolist() == [1, 2]


def test_withheld_orders_leave_nothing_pending():
    made = table((0, 10), (1, 5))
    made.update(updates((1, OrderEvent.WITHHELD), (2, OrderEvent.WITHHELD)))
    assert made.pending.tolist() == [0, 0, 0]
    assert len(made.working()) == 0


@pytest.mark.parametrize("first", [1, 3])
def test_numbers_must_follow_one_another(first):
    made = table((0, 10))
    with pytest.raises(ValueError, match="go on from 2"):
        made.add(batch(first, [(0, 1)]))
    made.add(batch(2, []))
    assert made.next_number == 2


def test_orders_can_be_added_as_finished():
    made = OrderTable(N)
    made.add(batch(1, [(0, 10)]), OrderState.REJECTED)
    assert made.pending[0] == 0
    assert made.row(1).state is OrderState.REJECTED


def test_memory_is_bounded_and_long_lived_orders_stay():
    made = table((2, 7), (1, 1))
    size, execution = 50, 0
    for first in range(3, 3 + 4 * (KEPT + DROP_BLOCK), size):
        made.add(batch(first, [(0, 1)] * size))
        execution += size
        made.fill(fills(*[(execution + i, first + i, 0, 1) for i in range(size)]))
        assert len(made) <= KEPT + DROP_BLOCK + size + 2
        kept = max(1, made.next_number - KEPT)
        assert made.row(kept).number == kept
    assert made.working().tolist() == [1, 2]
    assert made.pending.tolist() == [0, 1, 7]
    assert made.row(2).quantity == 1
    last = made.next_number - 1
    assert made.row(last).state is OrderState.FILLED
    assert [row.number for row in made.recent(0, 2)] == [last, last - 1]
    with pytest.raises(UsageError, match="Order 3 is not"):
        made.row(3)
    again = continued(made)
    for one in (made, again):
        one.update(updates((1, ACK), (last, ACK)))
        one.fill(fills((10**9, 1, 2, 7), (10**9 + 1, 2, 1, 1)))
        assert one.working().size == 0
        assert one.unexpected == 0
    assert encode_state(made.state()) == encode_state(again.state())


def test_the_state_continues_bit_for_bit_also_when_empty():
    for made in (OrderTable(N), table((0, 10), (1, -5))):
        again = continued(made)
        for one in (made, again):
            first = one.next_number
            one.add(batch(first, [(2, 9)]))
            one.update(updates((first, ACK)))
            one.fill(fills((1, first, 2, 4)))
        assert encode_state(made.state()) == encode_state(again.state())
        assert again.recent(0, 9) == made.recent(0, 9)
        assert not again.pending.flags.writeable


class Venue(RuleBasedStateMachine):
    """Random batches, reports and executions, well-behaved or not, against a model of plain dictionaries."""

    def __init__(self):
        super().__init__()
        self.table = OrderTable(N)
        self.model = {}
        self.seen = set()

    @rule(orders=st.lists(st.tuples(st.integers(0, N - 1), st.integers(-9, 9).filter(bool)), max_size=4))
    def new(self, orders):
        first = self.table.next_number
        self.table.add(batch(first, orders))
        for i, (symbol, quantity) in enumerate(orders):
            self.model[first + i] = {"symbol": symbol, "quantity": quantity, "filled": 0, "state": 0}

    @rule(data=st.data(), event=st.sampled_from(list(OrderEvent)))
    def report(self, data, event):
        number = data.draw(st.integers(1, max(1, len(self.model) + 1)))
        order = self.model.get(number)
        request = event in (OrderEvent.CANCEL_SENT, OrderEvent.REPLACE_SENT, OrderEvent.WITHHELD)
        legal = order is not None and TRANSITIONS[order["state"], event] != ILLEGAL
        if request and not legal:
            with pytest.raises(IllegalTransition):
                self.table.update(updates((number, event)))
            return
        states = self.table.update(updates((number, event)))
        if order is None:
            assert states.tolist() == [OrderState.UNKNOWN]
            return
        if legal:
            order["state"] = next_state(order["state"], event, abs(order["filled"]), abs(order["quantity"]))
        assert states.tolist() == [order["state"]]

    @rule(rows=st.lists(st.tuples(st.integers(1, 60), st.integers(1, 12), st.integers(-12, 12)), max_size=5))
    def execute(self, rows):
        given = [
            (execution, number, self.model.get(number, {"symbol": 0})["symbol"], quantity)
            for execution, number, quantity in rows
        ]
        expected = []
        for execution, number, _, quantity in given:
            if execution not in self.seen and quantity:
                expected.append((execution, self.expect(number, quantity)))
            self.seen.add(execution)
        accepted, states = self.table.fill(fills(*given))
        assert accepted.execution.tolist() == [execution for execution, _ in expected]
        assert states.tolist() == [state for _, state in expected]

    def expect(self, number, quantity):
        order = self.model.get(number)
        if order is None:
            return OrderState.UNKNOWN
        side = 1 if order["quantity"] > 0 else -1
        ordered, filled = abs(order["quantity"]), side * (order["filled"] + quantity)
        if side * quantity < 0:
            event, filled = OrderEvent.BUSTED, max(filled, 0)
        else:
            event = OrderEvent.FILL if filled >= ordered else OrderEvent.PARTIAL_FILL
        order["filled"] = side * filled
        if TRANSITIONS[order["state"], event] != ILLEGAL:
            order["state"] = next_state(order["state"], event, filled, ordered)
        return order["state"]

    @rule()
    def restart(self):
        self.table = continued(self.table)

    @invariant()
    def pending_equals_its_recomputation(self):
        expected = [0] * N
        for order in self.model.values():
            if order["state"] not in TERMINAL_STATES and abs(order["filled"]) < abs(order["quantity"]):
                expected[order["symbol"]] += order["quantity"] - order["filled"]
        assert self.table.pending.tolist() == expected

    @invariant()
    def rows_equal_the_model(self):
        for number, order in self.model.items():
            row = self.table.row(number)
            assert (row.symbol, row.quantity, row.filled, row.state) == (
                order["symbol"],
                order["quantity"],
                order["filled"],
                order["state"],
            )
        live = [number for number, order in self.model.items() if order["state"] not in TERMINAL_STATES]
        assert self.table.working().tolist() == live


TestVenue = Venue.TestCase
TestVenue.settings = settings(max_examples=60, stateful_step_count=25)


def test_columns_are_the_declared_types():
    made = table((0, 10))
    assert made.working().dtype == made.pending.dtype == np.int64
    assert made.update(updates((1, ACK))).dtype == np.int8
    assert made.update(updates()).size == 0
    assert len(made.fill(fills())[0]) == 0
    assert ints(1).dtype == np.int64


def test_orders_that_were_not_heard_of_are_counted():
    table = OrderTable(2)
    table.add(batch(1, [(0, 5), (1, 5)]))
    assert table.unknown() == 0
    table.update(updates((1, OrderEvent.TIMED_OUT), (2, OrderEvent.ACKNOWLEDGED)))
    assert table.unknown() == 1
    table.update(updates((1, OrderEvent.REJECTED)))
    assert table.unknown() == 0
