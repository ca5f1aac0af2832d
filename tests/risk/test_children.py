"""The counter at the gate: whatever happens to parents and children, the sum of children never exceeds the parent."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from tests.execution.build import fills, updates
from tests.risk.books import UNIVERSE, make_batch, make_book
from tuiconsole.domain.codec import decode_state, encode_state
from tuiconsole.domain.order_terms import OrderTerms, Terms
from tuiconsole.domain.orders import TERMINAL_STATES, OrderEvent, OrderState, Purpose
from tuiconsole.execution.order_table import OrderTable
from tuiconsole.execution.working_terms import Asked
from tuiconsole.risk.children import Children
from tuiconsole.risk.examined import Examined
from tuiconsole.risk.gate import Gate
from tuiconsole.risk.replacements import Standing
from tuiconsole.risk.rules import Rule
from tuiconsole.risk.settings import RiskSettings

OPEN = RiskSettings(
    name_cap=1.0,
    gross_cap=10.0,
    net_cap=10.0,
    cash_reserve=0.0,
    order_notional_share=10.0,
    orders_per_minute=100_000,
)
N = len(UNIVERSE)


def column(*values):
    return np.array(values, dtype=np.int64)


def judged(gate, orders, parents, first=1):
    return gate.judge(make_batch(orders), make_book(), first, column(*parents))


def test_a_child_within_its_parent_passes_and_one_beyond_it_does_not():
    gate = Gate(OPEN, UNIVERSE)
    gate.children.open(1, 2, 100)
    first = judged(gate, [(2, 60)], [1])
    assert first.rule.tolist() == [0]
    over = judged(gate, [(2, 41)], [1], 2)
    assert over.rule.tolist() == [Rule.CHILDREN]
    assert (over.value[0], over.limit[0]) == (41, 40)
    assert "41 scaled units, limit 40" in over.sentence(0)
    assert judged(gate, [(2, 40)], [1], 2).rule.tolist() == [0]
    assert gate.children.room(1) == 0


@pytest.mark.parametrize(
    ("order", "parent"),
    [((3, 10), 1), ((2, -10), 1), ((2, 10), 9), ((2, 10), 0), ((2, 101), 1), ((2, 10), 2)],
    ids=["other symbol", "other side", "unknown parent", "no parent", "more than all", "closed parent"],
)
def test_who_is_no_child_of_the_parent_is_refused(order, parent):
    gate = Gate(OPEN, UNIVERSE)
    gate.children.open(1, 2, 100)
    gate.children.open(2, 2, 100)
    gate.children.close(2)
    assert judged(gate, [order], [parent]).rule.tolist() == [Rule.CHILDREN]
    assert gate.children.taken(1) == 0


def test_children_of_one_batch_count_together():
    gate = Gate(OPEN, UNIVERSE)
    gate.children.open(1, 0, -100)
    gate.children.open(2, 1, -100)
    book = make_book(position={0: 500, 1: 500})
    verdict = gate.judge(make_batch([(0, -70), (1, -100)]), book, 1, column(1, 2))
    assert verdict.rule.tolist() == [0, 0]
    twice = gate.judge(make_batch([(0, -30), (0, -30)]), book, 3, column(1, 1))
    assert twice.rule.tolist().count(0) == 1
    assert gate.children.taken(1) == -100


def test_the_sum_over_a_batch_counts_even_where_no_other_rule_would_notice():
    counter = Children()
    counter.open(1, 0, 100)
    out = Examined()
    out.column, out.quantity = column(0, 0, 0), column(60, 50, 40)
    out.rule, out.value, out.limit = np.zeros(3, dtype=np.int8), np.zeros(3), np.zeros(3)
    counter.refuse_excess(out, column(1, 1, 1))
    assert out.rule.tolist() == [0, Rule.CHILDREN, 0]
    assert (out.value[1], out.limit[1]) == (50, 40)


def test_parents_of_the_wrong_length_refuse_the_batch():
    gate = Gate(OPEN, UNIVERSE)
    gate.children.open(1, 2, 100)
    assert judged(gate, [(2, 10), (3, 10)], [1]).rule.tolist() == [Rule.NOT_COMPUTED] * 2


def test_a_parent_is_opened_once_and_for_something():
    counter = Children()
    counter.open(1, 0, 5)
    for number, quantity in ((1, 5), (2, 0)):
        with pytest.raises(ValueError, match="already open, or has no quantity"):
            counter.open(number, 0, quantity)


def test_an_order_of_unknown_fate_still_takes_all_of_it():
    counter = Children()
    counter.open(1, 0, 100)
    counter.sent(column(5), column(1), column(80))
    counter.followed(column(5), np.array([OrderState.UNKNOWN], dtype=np.int8))
    assert counter.room(1) == 20
    counter.followed(column(5), np.array([OrderState.CANCELED], dtype=np.int8))
    assert counter.room(1) == 100


def test_a_child_is_changed_only_within_its_parent():
    gate = Gate(OPEN, UNIVERSE)
    gate.children.open(1, 2, 100)
    assert judged(gate, [(2, 60)], [1]).rule.tolist() == [0]
    now = Standing(2, 60, 0, 60, Purpose.POLICY, Terms())
    book = make_book(pending={2: 60})
    for size, rule_ in ((101, Rule.CHILDREN), (100, 0)):
        wanted = make_batch([(2, size)])
        wanted = replace(wanted, number=column(1), terms=OrderTerms.of([Terms(revision=1)]))
        assert gate.judge_replacement(wanted, now, book).rule.tolist() == [rule_]


def test_closed_parents_are_forgotten_once_nothing_works():
    counter = Children()
    counter.open(1, 0, 100)
    counter.sent(column(5), column(1), column(80))
    counter.close(1)
    assert len(counter) == 1
    assert counter.room(1) == 0
    counter.followed(column(5), np.array([OrderState.FILLED], dtype=np.int8), column(80))
    assert len(counter) == 0
    counter.followed(column(5), np.array([OrderState.FILLED], dtype=np.int8), column(80))
    assert counter.state() == {"parents": [], "children": []}


class Desk(RuleBasedStateMachine):
    """Gate and order table as the desk joins them, against a plain account kept beside them."""

    def __init__(self):
        super().__init__()
        self.gate, self.orders = Gate(OPEN, UNIVERSE), OrderTable(N)
        self.parents: dict[int, list[int]] = {}  # number: symbol, quantity, most that may be taken
        self.of: dict[int, int] = {}  # order: parent
        self.executions: list[tuple[int, int, int, int]] = []
        self.opened = 0

    # -- the plain account

    def child_takes(self, number):
        row = self.orders.row(number)
        side = 1 if row.quantity > 0 else -1
        live = row.state not in TERMINAL_STATES
        filled = max(0, side * row.filled)
        return max(filled, abs(self.orders.most(number))) if live else filled

    def takes(self, parent):
        return sum(self.child_takes(number) for number, of in self.of.items() if of == parent)

    # -- parents

    @rule(symbol=st.integers(0, N - 1), size=st.integers(1, 300), buys=st.booleans())
    def open_parent(self, symbol, size, buys):
        self.opened += 1
        quantity = size if buys else -size
        self.gate.children.open(self.opened, symbol, quantity)
        self.parents[self.opened] = [symbol, quantity, size]

    @precondition(lambda self: self.parents)
    @rule(data=st.data(), size=st.integers(0, 300))
    def amend_parent(self, data, size):
        parent = data.draw(st.sampled_from(sorted(self.parents)))
        quantity = size if self.parents[parent][1] > 0 else -size
        self.gate.children.amend(parent, quantity)
        self.parents[parent][1:] = [quantity or self.parents[parent][1], max(size, self.takes(parent))]
        if not quantity:
            self.parents[parent][2] = self.takes(parent)

    @precondition(lambda self: len(self.parents) > 2)
    @rule(data=st.data())
    def close_parent(self, data):
        parent = data.draw(st.sampled_from(sorted(self.parents)))
        self.gate.children.close(parent)
        del self.parents[parent]

    # -- children

    @precondition(lambda self: self.parents)
    @rule(
        data=st.data(), sizes=st.lists(st.integers(1, 200), min_size=1, max_size=3), wrong=st.integers(0, 9)
    )
    def ask(self, data, sizes, wrong):
        chosen = [data.draw(st.sampled_from(sorted(self.parents))) for _ in sizes]
        side = [1 if self.parents[parent][1] > 0 else -1 for parent in chosen]
        orders = [
            (self.parents[p][0], s * size * (-1 if wrong == 9 else 1))
            for p, s, size in zip(chosen, side, sizes, strict=True)
        ]
        # the book shows nothing working, so that the counter alone stands between a runaway loop and the venue
        book = make_book(position={i: s * -1000 for i, s in ((p[0], 1 if p[1] > 0 else -1) for p in orders)})
        verdict = self.gate.judge(make_batch(orders), book, self.orders.next_number, column(*chosen))
        if verdict.approved is None:
            return
        self.orders.add(verdict.approved.batch)
        for number, parent in zip(verdict.number.tolist(), chosen, strict=True):
            if number:
                self.of[number] = parent
        for parent in set(chosen):
            if any(self.of.get(n) == parent for n in verdict.number.tolist()):
                assert self.takes(parent) <= self.parents[parent][2]
                assert self.takes(parent) <= abs(self.parents[parent][1])

    def known(self, data):
        return data.draw(st.sampled_from(sorted(self.of)))

    @precondition(lambda self: self.of)
    @rule(data=st.data(), part=st.integers(1, 100))
    def fill(self, data, part):
        number = self.known(data)
        row = self.orders.row(number)
        left = abs(row.quantity) - abs(row.filled)
        size = left if part > left or row.state == OrderState.CANCELED else part
        if size <= 0 or row.state in (OrderState.REJECTED, OrderState.FILLED):
            return
        late = row.state in TERMINAL_STATES
        side = 1 if row.quantity > 0 else -1
        self.book((len(self.executions) + 1, number, row.symbol, side * size))
        if late and self.of[number] in self.parents:  # money that came after the end: booked, and counted
            whole = self.parents[self.of[number]]
            whole[2] = max(whole[2], self.takes(self.of[number]))

    @precondition(lambda self: self.executions)
    @rule(data=st.data())
    def repeat(self, data):
        self.book(data.draw(st.sampled_from(self.executions)))

    def book(self, execution):
        self.executions.append(execution)
        accepted, states = self.orders.fill(fills(execution))
        if len(accepted):
            self.gate.children.followed(accepted.number, states, accepted.quantity)

    @precondition(lambda self: self.of)
    @rule(
        data=st.data(),
        event=st.sampled_from(
            [
                OrderEvent.ACKNOWLEDGED,
                OrderEvent.CANCELED,
                OrderEvent.REJECTED,
                OrderEvent.EXPIRED,
                OrderEvent.TIMED_OUT,
                OrderEvent.CANCEL_REJECTED,
            ]
        ),
    )
    def report(self, data, event):
        told = updates((self.known(data), event))
        self.gate.children.followed(told.number, self.orders.update(told))

    @precondition(lambda self: self.of)
    @rule(data=st.data(), size=st.integers(1, 300))
    def change(self, data, size):
        """Ask to replace a working child; the gate says whether there is room for it."""
        number = self.known(data)
        row = self.orders.row(number)
        if (
            row.state not in (OrderState.NEW, OrderState.PARTIALLY_FILLED)
            or number in self.orders.terms.asked
        ):
            return
        quantity = size if row.quantity > 0 else -size
        parent, before = self.of[number], self.takes(self.of[number])
        if abs(quantity) <= abs(row.filled) or self.gate.children.excess(number, quantity) is not None:
            return
        self.orders.ask_replace(number, Asked(quantity, replace(row.terms, revision=row.terms.revision + 1)))
        self.gate.children.resized(number, self.orders.most(number))
        if parent in self.parents and self.takes(parent) > before:
            assert self.takes(parent) <= abs(self.parents[parent][1])

    @precondition(lambda self: self.orders.terms.asked)
    @rule(data=st.data(), event=st.sampled_from([OrderEvent.REPLACED, OrderEvent.REPLACE_REJECTED]))
    def changed(self, data, event):
        number = data.draw(st.sampled_from(sorted(self.orders.terms.asked)))
        told = updates((number, event))
        self.gate.children.followed(told.number, self.orders.update(told))
        self.gate.children.resized(number, self.orders.most(number))

    @rule()
    def restart(self):
        saved = decode_state(encode_state({"gate": self.gate.state(), "orders": self.orders.state()}))
        self.gate, self.orders = Gate(OPEN, UNIVERSE), OrderTable(N)
        self.gate.restore(saved["gate"])
        self.orders.restore(saved["orders"])

    # -- what must hold

    @invariant()
    def the_counter_agrees_with_the_plain_account(self):
        for parent, (_, quantity, most) in self.parents.items():
            taken = self.takes(parent)
            assert abs(self.gate.children.taken(parent)) == taken
            assert taken <= most, (parent, quantity)


Desk.TestCase.settings = settings(max_examples=80, stateful_step_count=60, deadline=None, derandomize=True)
TestDesk = Desk.TestCase
