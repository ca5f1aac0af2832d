"""Alpaca through its real client, against a local server of the documented protocol."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.execution.brokers.alpaca_server import AlpacaServer, alpaca, wait_for
from tests.execution.brokers.rig import DESK, Collected, connect
from tests.execution.build import POINT, approved, batch, ints
from tuiconsole.domain.errors import EngineError
from tuiconsole.domain.order_terms import OrderTerms, OrderType, Terms, TimeInForce
from tuiconsole.domain.orders import OrderBatch, Purpose
from tuiconsole.execution.brokers.alpaca import AlpacaBroker

pytest.importorskip("alpaca", reason="needs the extra: tuiconsole[feeds]")


@pytest.fixture
def server() -> Iterator[AlpacaServer]:
    with alpaca() as made:
        yield made


@pytest.fixture
def broker(server: AlpacaServer) -> Iterator[AlpacaBroker]:
    made = connect(server)
    yield made
    server.faults.go_on.set()
    made.close(0.4)


def with_terms(orders: OrderBatch, *terms: Terms) -> OrderBatch:
    return OrderBatch(
        orders.batch,
        orders.ts,
        orders.number,
        orders.symbol,
        orders.quantity,
        orders.reference_price,
        orders.purpose,
        OrderTerms.of(terms),
    )


def limit(price: float, **more: int) -> Terms:
    return Terms(OrderType.LIMIT, TimeInForce.GTC, limit=int(price * POINT), **more)


# ---- orders and fills -------------------------------------------------------------------------------------------


def test_an_order_is_answered_at_once_with_nothing_and_then_with_what_became_of_it(server, broker):
    told = Collected(broker)
    response = broker.submit(approved(batch(17, [(0, 10)])))
    assert len(response.updates.number) == 0
    told.until((17, "ACKNOWLEDGED"))
    assert server.calls("POST") == [
        {
            "symbol": "AAPL",
            "qty": "10",
            "side": "buy",
            "type": "market",
            "time_in_force": "day",
            "client_order_id": f"{DESK}-17",
        }
    ]
    server.trade(part=Decimal(4), price=Decimal("99.995"))
    assert told.until((17, "+4")) == [(17, "ACKNOWLEDGED"), (17, "+4")]
    assert told.fills()[0].price.tolist() == [99_995_000]
    assert broker.positions().tolist() == [4, 0, 0]
    server.trade()
    assert told.until((17, "+6")) == [(17, "ACKNOWLEDGED"), (17, "+4"), (17, "+6")]
    assert broker.positions().tolist() == [10, 0, 0]
    assert broker.working().tolist() == []


@pytest.mark.parametrize(
    ("status", "code", "text"), [(403, 40310000, "insufficient buying power"), (422, 42210000, "qty")]
)
def test_a_refusal_is_a_rejection_in_the_venues_words(server, broker, status, code, text):
    server.faults.refuse["POST"] = (status, {"code": code, "message": text})
    told = Collected(broker)
    broker.submit(approved(batch(1, [(0, 10)])))
    told.until((1, "REJECTED"))
    assert told.messages[0].text == f"Alpaca: {text} (HTTP {status})"
    assert broker.working().tolist() == []


def test_too_many_requests_are_waited_out_and_the_order_is_sent_once(server, broker):
    server.faults.once += [("POST", 429, {"message": "too many requests"})] * 2
    told = Collected(broker)
    broker.submit(approved(batch(1, [(0, 10)])))
    assert told.until((1, "ACKNOWLEDGED")) == [(1, "ACKNOWLEDGED")]
    assert len(server.calls("POST")) == 3
    assert len(server.orders) == 1


def test_an_order_that_alpaca_will_not_take_in_time_is_rejected_and_never_sent_late(server, broker):
    server.faults.refuse["POST"] = (429, {"message": "too many requests"})
    told = Collected(broker)
    broker.submit(approved(batch(1, [(0, 10)])))
    told.until((1, "REJECTED"))
    del server.faults.refuse["POST"]
    broker.settle(2.0)
    assert server.orders == {}


def test_silence_is_unknown_and_asked_by_our_id(server, broker):
    server.faults.after = "POST"
    told = Collected(broker)
    broker.submit(approved(batch(1, [(0, 10)])))
    rows = told.until((1, "ACKNOWLEDGED"))
    assert (1, "REJECTED") not in rows
    broker.settle(2.0)
    assert len(server.calls("POST")) == 1
    assert len(server.orders) == 1


def test_an_order_that_nobody_has_stays_unknown(server, broker):
    server.faults.refuse["POST"] = (503, {"message": "unavailable"})
    told = Collected(broker)
    broker.submit(approved(batch(1, [(0, 10)])))
    told.until((1, "TIMED_OUT"))
    wait_for(lambda: server.calls("GET", "/v2/orders:by_client_order_id"))
    assert told.rows() == [(1, "TIMED_OUT")]
    assert broker.still_open() == (1,)
    answer = None
    while answer is None:
        answer = broker.status(5, ints(1))
    assert answer.updates.number.tolist() == []  # the broker does not know it; that is no rejection


def test_the_same_order_after_a_restart_is_not_a_second_one(server, broker):
    broker.submit(approved(batch(1, [(0, 10)])))
    Collected(broker).until((1, "ACKNOWLEDGED"))
    again = connect(server)
    told = Collected(again)
    again._orders.clear()  # as if it had not been asked yet
    again.submit(approved(batch(1, [(0, 10)])))
    rows = told.until((1, "TIMED_OUT"), (1, "ACKNOWLEDGED"))
    assert (1, "REJECTED") not in rows
    assert len(server.orders) == 1
    again.close(0.4)


# ---- cancels ----------------------------------------------------------------------------------------------------


def test_a_cancel_overtakes_an_order_that_hangs(server, broker):
    told = Collected(broker)
    broker.submit(approved(batch(1, [(0, 10)])))
    told.until((1, "ACKNOWLEDGED"))
    server.faults.hang.add("POST")
    broker.submit(approved(batch(2, [(1, 5), (2, 5)])))
    wait_for(lambda: len(server.calls("POST")) == 2)
    answer = broker.cancel(9, ints(1, 3))
    assert [int(e) for e in answer.updates.event] == [4, 5]  # pending; withdrawn before it was sent
    told.until((1, "CANCELED"))
    server.faults.go_on.set()
    told.until((2, "ACKNOWLEDGED"))
    assert [o["client_order_id"] for o in server.orders.values()] == [f"{DESK}-1", f"{DESK}-2"]


def test_a_cancel_too_late_is_refused_and_the_fills_come(server, broker):
    told = Collected(broker)
    broker.submit(approved(batch(1, [(0, 10)])))
    told.until((1, "ACKNOWLEDGED"))
    server.faults.silent_stream = True
    server.trade()
    assert broker.cancel(9, ints(1)).updates.event.tolist() == [4]
    rows = told.until((1, "CANCEL_REJECTED"), (1, "+10"))
    assert sorted(rows) == [(1, "+10"), (1, "ACKNOWLEDGED"), (1, "CANCEL_REJECTED")]


def test_a_flatten_goes_by_the_connection_of_cancels(server, broker):
    told = Collected(broker)
    broker.submit(approved(batch(1, [(0, 10)])))
    told.until((1, "ACKNOWLEDGED"))
    server.trade()
    told.until((1, "+10"))
    server.faults.hang.add("GET")
    broker.ask()
    wait_for(lambda: broker._asking is False)
    broker.submit(approved(batch(2, [(0, -10)], purpose=Purpose.FLATTEN)), immediate=True)
    told.until((2, "ACKNOWLEDGED"))
    server.trade()
    told.until((2, "-10"))
    assert broker.positions().tolist() == [0, 0, 0]


# ---- the stream -------------------------------------------------------------------------------------------------


def test_fills_missed_while_away_come_once_and_so_do_repeated_ones(server, broker):
    told = Collected(broker)
    broker.submit(approved(batch(1, [(0, 10), (1, -4)])))
    told.until((1, "ACKNOWLEDGED"), (2, "ACKNOWLEDGED"))
    server.trade(part=Decimal(3))
    told.until((1, "+3"), (2, "-3"))
    server.hang_up()
    wait_for(lambda: not broker.connected)
    assert broker.status(1, ints(1)) is None
    assert broker.working() is None
    server.trade(part=Decimal(5))
    wait_for(lambda: broker.connected)
    server.faults.twice = True
    server.trade()
    rows = told.until((1, "+2"), (1, "+5"), (2, "-1"))
    assert sorted(row for row in rows if row[1][0] in "+-") == [
        (1, "+2"),
        (1, "+3"),
        (1, "+5"),
        (2, "-1"),
        (2, "-3"),
    ]
    assert broker.positions().tolist() == [10, -4, 0]
    executions = [n for fills in told.fills() for n in fills.execution.tolist()]
    assert len(set(executions)) == 5


def test_a_new_process_gives_every_execution_the_number_it_had(server, broker):
    told = Collected(broker)
    broker.submit(approved(batch(1, [(0, 10)])))
    server_orders = lambda: len(server.orders)  # noqa: E731
    wait_for(lambda: server_orders() == 1)
    server.trade(part=Decimal(3))
    server.trade(part=Decimal(3))
    told.until((1, "ACKNOWLEDGED"))
    wait_for(lambda: sum(map(len, told.fills())) == 2)
    before = {n for fills in told.fills() for n in fills.execution.tolist()}
    again = connect(server)
    answer = None
    while answer is None:
        answer = again.status(7, ints(1))
    assert set(answer.fills.execution.tolist()) == before
    assert answer.fills.quantity.tolist() == [3, 3]
    assert again.working().tolist() == [1]
    again.close(0.4)


def test_out_of_order_and_unreadable_messages_harm_nothing(server, broker):
    told = Collected(broker)
    broker.submit(approved(batch(1, [(0, 10)])))
    told.until((1, "ACKNOWLEDGED"))
    order = next(iter(server.orders.values()))
    late = server.fill(order, Decimal(4), Decimal(100), tell=False)
    assert late == {}
    first = dict(order)
    server.fill(order, Decimal(6), Decimal(101))
    server.tell("partial_fill", first, execution_id="late", price="100", qty="4", position_qty="4")
    server.say(b"\xff not json")
    server.say(b'{"stream": "trade_updates", "data": {"event": "fill"}}')
    server.tell("new", first)
    rows = told.until((1, "+4"), (1, "+6"))
    broker.settle(2.0)
    assert sorted(told.rows()) == sorted(rows)
    assert broker.connected
    wait_for(lambda: broker.positions().tolist() == [10, 0, 0])


def test_a_bust_takes_a_fill_back_and_a_correction_tells_it_anew(server, broker):
    told = Collected(broker)
    broker.submit(approved(batch(1, [(0, 10)])))
    told.until((1, "ACKNOWLEDGED"))
    order = next(iter(server.orders.values()))
    one = server.fill(order, Decimal(4), Decimal(100))
    two = server.fill(order, Decimal(3), Decimal(101))
    told.until((1, "+4"), (1, "+3"))
    server.tell(
        "trade_bust", order, execution_id="b1", previous_execution_id=one["execution_id"], position_qty="3"
    )
    told.until((1, "-4"))
    server.tell(
        "trade_correct",
        order,
        execution_id="c1",
        previous_execution_id=two["execution_id"],
        qty="3",
        price="100.5",
        position_qty="3",
    )
    rows = told.until((1, "-3"))
    assert [row for row in rows if row[1][0] in "+-"] == [
        (1, "+4"),
        (1, "+3"),
        (1, "-4"),
        (1, "-3"),
        (1, "+3"),
    ]
    assert told.fills()[-1].price.tolist()[-1] == 100_500_000
    assert broker.positions().tolist() == [3, 0, 0]


def test_orders_of_others_are_seen_and_left_alone(server, broker):
    body = {
        "symbol": "AAPL",
        "qty": "7",
        "side": "sell",
        "type": "limit",
        "limit_price": "300",
        "time_in_force": "gtc",
    }
    server._place({**body, "client_order_id": "by hand"})
    wait_for(lambda: broker.foreign >= 1)
    broker.ask()
    wait_for(lambda: (view := broker.account()) is not None and len(view.orders) == 1)
    view = broker.account()
    assert (view.orders[0].number, view.orders[0].quantity) == (0, -7)
    assert broker.working().tolist() == []


# ---- replacing and groups ---------------------------------------------------------------------------------------


def test_a_replacement_keeps_the_number_under_a_new_id_of_the_venue(server, broker):
    told = Collected(broker)
    broker.submit(approved(with_terms(batch(1, [(0, 10)]), limit(99.5))))
    told.until((1, "ACKNOWLEDGED"))
    broker.replace(approved(with_terms(batch(1, [(0, 12)]), limit(99.75, revision=1))))
    told.until((1, "REPLACED"))
    old, new = server.orders.values()
    assert server.calls("PATCH")[0]["client_order_id"] == f"{DESK}-1r1"
    assert (old["status"], new["qty"], new["limit_price"], new["replaces"]) == (
        "replaced",
        "12",
        "99.75",
        old["id"],
    )
    server.trade()
    told.until((1, "+12"))
    assert told.rows().count((1, "REPLACED")) == 1
    again = connect(server)
    answer = None
    while answer is None:
        answer = again.status(7, ints(1))
    assert answer.fills.quantity.tolist() == [12]
    again.close(0.4)


def test_a_change_that_alpaca_refuses_leaves_the_order_as_it_was(server, broker):
    told = Collected(broker)
    broker.submit(approved(with_terms(batch(1, [(0, 10)]), limit(99.5))))
    told.until((1, "ACKNOWLEDGED"))
    server.faults.refuse["PATCH"] = (422, {"message": "order is not replaceable"})
    broker.replace(approved(with_terms(batch(1, [(0, 10)]), limit(99.75, revision=1))))
    told.until((1, "REPLACE_REJECTED"))
    assert broker.working().tolist() == [1]


def test_an_entry_and_its_exits_are_one_bracket(server, broker):
    told = Collected(broker)
    orders = batch(4, [(0, 10), (0, -10), (0, -10)])
    stop = Terms(OrderType.STOP, TimeInForce.GTC, stop=95 * POINT, parent=4, oco=5)
    broker.submit(approved(with_terms(orders, Terms(), stop, limit(110, parent=4, oco=5))))
    told.until((4, "ACKNOWLEDGED"), (5, "ACKNOWLEDGED"), (6, "ACKNOWLEDGED"))
    (body,) = server.calls("POST")
    assert (body["order_class"], body["take_profit"], body["stop_loss"]) == (
        "bracket",
        {"limit_price": "110"},
        {"stop_price": "95"},
    )
    assert body["time_in_force"] == "gtc"
    entry, profit, loss = server.orders.values()
    server.fill(entry, Decimal(10), Decimal(100))
    profit["status"] = loss["status"] = "new"
    server.fill(profit, Decimal(10), Decimal(110))
    server.cancel(loss)
    rows = told.until((4, "+10"), (6, "-10"), (5, "CANCELED"))
    assert len(rows) == 6
    again = connect(server)
    answer = None
    while answer is None:
        answer = again.status(7, ints(4, 5, 6))
    assert sorted(zip(answer.fills.number.tolist(), answer.fills.quantity.tolist(), strict=True)) == [
        (4, 10),
        (6, -10),
    ]
    again.close(0.4)


# ---- the account, the keys, the end -----------------------------------------------------------------------------


def test_account_clock_and_positions(server, broker):
    assert broker.account_told.masked == "…345"
    assert broker.account_told.cash == 100_000 * 10**8
    assert broker.market_open() is True
    server.held["MSFT"] = Decimal(-3)
    broker.ask()
    wait_for(lambda: broker.positions().tolist() == [0, -3, 0])


def test_a_wrong_key_is_one_sentence_and_shown_nowhere(server, caplog):
    caplog.set_level(logging.DEBUG)
    canary = "canary-5f1e77"
    with pytest.raises(EngineError, match="refused the key") as caught:
        connect(server, secret=canary)
    assert canary not in "".join(traceback.format_exception(caught.value))
    assert canary not in caplog.text


def test_the_secret_is_in_no_log_and_no_message(server, caplog):
    caplog.set_level(logging.DEBUG)
    made = connect(server)
    told = Collected(made)
    server.faults.refuse["POST"] = (422, {"message": "no"})
    made.submit(approved(batch(1, [(0, 10)])))
    told.until((1, "REJECTED"))
    server.hang_up()
    wait_for(lambda: not made.connected)
    wait_for(lambda: made.connected)
    made.close(0.4)
    assert "local-secret" not in caplog.text
    assert "local-secret" not in repr(told.messages) + repr(vars(made))


def test_a_blocked_account_is_refused(server):
    server.account["trading_blocked"] = True
    with pytest.raises(EngineError, match="its trading is blocked"):
        connect(server)


def test_leaving_takes_a_bounded_time_and_says_what_is_open(server, broker):
    told = Collected(broker)
    broker.submit(approved(batch(1, [(0, 10)])))
    told.until((1, "ACKNOWLEDGED"))
    server.faults.hang.update({"POST", "GET", "DELETE"})
    broker.submit(approved(batch(2, [(1, 10)])))
    began = broker._clock.monotonic_ns()
    assert broker.close(1.0) == (1, 2)
    assert (broker._clock.monotonic_ns() - began) / 1e9 < 2.0
