"""A broker that answers later: what a recovery takes for its answer, and what it does not."""

import numpy as np
import pytest

from tests.execution.build import approved, batch, ints
from tuiconsole.domain.orders import OrderEvent, OrderState
from tuiconsole.domain.records import Alerted, Updated
from tuiconsole.engine.brokers import AbsentBroker
from tuiconsole.engine.remote import RemoteVenue


def row(*numbers: int) -> Updated:
    event = np.full(len(numbers), OrderEvent.ACKNOWLEDGED, dtype=np.int8)
    return Updated(5, ints(*numbers), event, np.full(len(numbers), OrderState.NEW, dtype=np.int8), "")


@pytest.mark.parametrize(
    ("stored", "answered"),
    [
        (row(1, 2), [1, 2]),
        (row(2), [2]),
        (row(7), []),
        (Alerted(5, 1, 1, "code", "text"), []),
    ],
)
def test_a_row_that_is_no_answer_to_these_orders_says_there_was_none_at_once(stored, answered):
    venue = RemoteVenue(AbsentBroker(3))
    venue.recall = lambda: stored
    orders = approved(batch(1, [(0, 5), (1, 5)]))
    for response in (venue.submit(orders), venue.replace(orders), venue.cancel(5, ints(1, 2))):
        assert response.updates.number.tolist() == answered


def test_where_the_journal_ends_nobody_knows_whether_they_were_sent():
    venue = RemoteVenue(AbsentBroker(3))
    venue.recall = lambda: None
    response = venue.submit(approved(batch(1, [(0, 5), (1, 5)])))
    assert response.updates.event.tolist() == [OrderEvent.TIMED_OUT] * 2
