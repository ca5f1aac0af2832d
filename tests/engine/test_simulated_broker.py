"""The broker of simulations keeps the contract of every broker, and answers questions; its faults do what they say."""

import numpy as np
import pytest

from tests.execution.build import approved, batch, ints
from tests.execution.conformance import BrokerConformance
from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.events import Fills
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.market import Bars
from tuiconsole.domain.orders import OrderEvent, Purpose
from tuiconsole.engine.simulated_broker import SimulatedBroker, joined
from tuiconsole.engine.simulated_faults import FaultRates

NAMES = ("AAA", "BBB", "CCC", "DDD")


def broker(text="none", seed=1):
    made = SimulatedBroker(Universe.of(NAMES), FaultRates.parse(text), seed)
    bar(made)
    return made


def bar(made, ts=1):
    made.on_bar(Bars.close_only(ts, 0, np.array([100.0, 50.0, 20.0, 10.0])))


class TestConformance(BrokerConformance):
    def make(self):
        return broker()

    def trade(self, broker):
        bar(broker)
        fills = [message for message in broker.due() if isinstance(message, Fills)]
        return joined(fills, 1) if fills else None

    def test_a_flatten_is_filled_at_once_and_says_so(self):
        """A broker elsewhere takes a flatten as what it is: a market order."""
        made = self.make()
        made.submit(approved(batch(1, [(0, 10)])))
        self.fill_all(made)
        response = made.submit(approved(batch(2, [(0, -10)], purpose=Purpose.FLATTEN)), immediate=True)
        assert response.updates.event.tolist() == [OrderEvent.ACKNOWLEDGED]
        self.fill_all(made)
        assert not made.positions().any()


def test_it_says_what_became_of_orders_and_leaves_out_those_it_does_not_know():
    made = broker()
    made.submit(approved(batch(1, [(0, 10), (1, 5), (2, 7)])))
    made.cancel(5, ints(2))
    bar(made)
    made.submit(approved(batch(4, [(3, 2)])))
    answer = made.status(9, ints(1, 2, 4, 77))
    assert answer.updates.number.tolist() == [1, 2, 4]
    assert answer.updates.event.tolist() == [
        OrderEvent.ACKNOWLEDGED,
        OrderEvent.CANCELED,
        OrderEvent.ACKNOWLEDGED,
    ]
    assert answer.fills.number.tolist() == [1]
    assert made.working().tolist() == [4]
    assert made.status(9, ints(77)).fills is None


def test_a_line_that_is_down_answers_nothing_and_loses_what_is_told():
    made = broker("disconnect=1")
    assert not made.connected
    assert made.submit(approved(batch(1, [(0, 10)]))).updates.event.tolist() == [OrderEvent.TIMED_OUT]
    assert made.cancel(1, ints(1)).updates.event.tolist() == [OrderEvent.TIMED_OUT]
    assert made.status(1, ints(1)) is None
    assert made.working() is None
    assert not made.exchange.orders


def test_an_answer_that_is_lost_leaves_a_working_order():
    made = broker("lost_answer=1")
    assert made.submit(approved(batch(1, [(0, 10)]))).updates.event.tolist() == [OrderEvent.TIMED_OUT]
    assert made.working().tolist() == [1]
    bar(made)
    assert made.positions().tolist() == [10, 0, 0, 0]


def test_a_request_that_is_late_is_not_known_until_it_arrives():
    made = broker("late_request=1")
    made.submit(approved(batch(1, [(0, 10)])))
    assert made.status(1, ints(1)).updates.number.tolist() == []
    for _ in range(6):
        bar(made)
    assert made.positions()[0] == 10 or made.working().tolist() == [1]


def test_a_bust_is_told_with_what_it_takes_back():
    made = broker()
    made.submit(approved(batch(1, [(0, 10)])))
    bar(made)
    made.due()
    made._rates = FaultRates.parse("bust=1")
    bar(made)
    (fills,) = [message for message in made.due() if isinstance(message, Fills)]
    assert fills.quantity.tolist() == [10, -10]
    assert not made.positions().any()


def test_terms_it_does_not_know_and_words_that_name_no_fault_are_refused():
    with pytest.raises(UsageError, match="no fault 'gab'"):
        FaultRates.parse("gab")
    with pytest.raises(UsageError, match="rate of gap"):
        FaultRates.parse("gap=2")
    assert FaultRates.parse(str(FaultRates.parse("broker,gap=0.5"))) == FaultRates.parse("broker,gap=0.5")
    assert str(FaultRates.parse("none")) == "none"
    assert str(FaultRates()) == "all"
