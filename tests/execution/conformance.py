"""What every broker must keep. A test class inherits it and says how to make one and how its market moves.

``make`` gives a fresh broker over at least three symbols that already has a price for each; ``trade`` lets
the market run until resting orders could fill and returns the fills, or None.
"""

import numpy as np
import pytest

from tests.execution.build import approved, batch, ints
from tuiconsole.domain.errors import NotApproved
from tuiconsole.domain.orders import Approved, OrderEvent, Purpose

ACK, REJECTED = OrderEvent.ACKNOWLEDGED, OrderEvent.REJECTED
CANCELED, CANCEL_REJECTED = OrderEvent.CANCELED, OrderEvent.CANCEL_REJECTED


class BrokerConformance:
    """The contract of ``execution.contract.Broker`` as tests."""

    fills_at_its_own_price = False
    """A real market fills Kill's flatten at its own price, so nothing about it is forced."""

    def make(self):
        raise NotImplementedError

    def trade(self, broker):
        raise NotImplementedError

    def fill_all(self, broker, limit=50):
        got = []
        for _ in range(limit):
            fills = self.trade(broker)
            if fills is None:
                break
            got.append(fills)
        return got

    def test_only_batches_of_the_gate_are_taken(self):
        broker, orders = self.make(), batch(1, [(0, 10)])
        forged = Approved()
        forged.batch = orders
        for wrong in (orders, forged, None):
            with pytest.raises(NotApproved):
                broker.submit(wrong)
        assert self.trade(broker) is None
        assert not broker.positions().any()
        assert broker.submit(approved(orders)).updates.event.tolist() == [ACK]

    def test_every_order_is_answered_in_order(self):
        response = self.make().submit(approved(batch(1, [(0, 10), (2, -5), (1, 7)], ts=77)))
        assert response.updates.ts == 77
        assert response.updates.number.tolist() == [1, 2, 3]
        assert response.updates.event.tolist() == [ACK] * 3
        assert response.fills is None

    def test_a_number_used_before_is_not_a_second_order(self):
        broker = self.make()
        orders = approved(batch(1, [(0, 10), (1, 5)]))
        broker.submit(orders)
        again = broker.submit(orders)
        assert again.updates.event.tolist() == [REJECTED] * 2
        assert again.updates.text
        mixed = broker.submit(approved(batch(2, [(2, 3), (2, 4)])))
        assert mixed.updates.event.tolist() == [REJECTED, ACK]
        self.fill_all(broker)
        assert broker.positions()[:3].tolist() == [10, 5, 4]
        late = broker.submit(orders)
        assert late.updates.event.tolist() == [REJECTED] * 2
        assert self.fill_all(broker) == []

    def test_fills_agree_with_orders_and_positions(self):
        broker = self.make()
        broker.submit(approved(batch(1, [(0, 10), (1, -5), (0, -4)])))
        got = self.fill_all(broker)
        executions = np.concatenate([f.execution for f in got])
        assert len(set(executions.tolist())) == len(executions)
        filled = {1: 0, 2: 0, 3: 0}
        for fills in got:
            assert not fills.forced
            assert (fills.price > 0).all()
            assert (fills.fee >= 0).all()
            for number, quantity in zip(fills.number.tolist(), fills.quantity.tolist(), strict=True):
                filled[number] += quantity
        assert filled == {1: 10, 2: -5, 3: -4}
        assert broker.positions()[:3].tolist() == [6, -5, 0]
        assert self.trade(broker) is None

    def test_a_cancelled_order_never_fills(self):
        broker = self.make()
        broker.submit(approved(batch(1, [(0, 10), (1, 5)])))
        answer = broker.cancel(88, ints(1)).updates
        assert (answer.ts, answer.number.tolist(), answer.event.tolist()) == (88, [1], [CANCELED])
        self.fill_all(broker)
        assert broker.positions()[:3].tolist() == [0, 5, 0]

    def test_cancels_of_what_does_not_rest_are_refused(self):
        broker = self.make()
        broker.submit(approved(batch(1, [(0, 10), (1, 5)])))
        broker.cancel(1, ints(2))
        assert broker.cancel(2, ints(2, 9, 1, 1)).updates.event.tolist() == [
            CANCEL_REJECTED,
            CANCEL_REJECTED,
            CANCELED,
            CANCEL_REJECTED,
        ]
        broker.submit(approved(batch(3, [(0, 10)])))
        self.fill_all(broker)
        assert broker.cancel(3, ints(3)).updates.event.tolist() == [CANCEL_REJECTED]
        assert len(broker.cancel(3, ints()).updates.number) == 0

    def test_positions_are_a_copy(self):
        broker = self.make()
        broker.positions()[:] = 99
        assert not broker.positions().any()

    def test_only_a_flatten_may_be_filled_at_once(self):
        broker = self.make()
        with pytest.raises(NotApproved, match="flatten"):
            broker.submit(approved(batch(1, [(0, 10)])), immediate=True)
        assert not broker.positions().any()
        assert self.trade(broker) is None

    def test_a_flatten_is_filled_at_once_and_says_so(self):
        broker = self.make()
        broker.submit(approved(batch(1, [(0, 10), (1, -5)])))
        self.fill_all(broker)
        flatten = approved(batch(3, [(0, -10), (1, 5)], purpose=Purpose.FLATTEN))
        response = broker.submit(flatten, immediate=True)
        assert response.updates.event.tolist() == [ACK] * 2
        assert response.fills is not None
        assert response.fills.forced is not self.fills_at_its_own_price
        assert response.fills.quantity.tolist() == [-10, 5]
        assert not broker.positions().any()
        assert self.trade(broker) is None

    def test_its_account_is_what_it_holds_and_what_may_still_fill(self):
        broker = self.make()
        assert broker.account().orders == ()
        broker.submit(approved(batch(1, [(0, 10), (1, -5), (2, 7)])))
        working = {
            order.number: (order.symbol, order.quantity, order.filled) for order in broker.account().orders
        }
        assert working == {1: (0, 10, 0), 2: (1, -5, 0), 3: (2, 7, 0)}
        self.fill_all(broker)
        told = broker.account()
        assert told.orders == ()
        assert told.positions.tolist() == broker.positions().tolist()
        told.positions[:] = 99
        assert broker.positions()[:3].tolist() == [10, -5, 7]
