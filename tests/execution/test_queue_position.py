"""Queue models: the reference cases, and what must hold for any of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiconsole.domain.books import DepthUpdate, TradePrint
from tuiconsole.domain.order_terms import OrderType, Terms
from tuiconsole.execution.book_matching import BookMarket
from tuiconsole.execution.book_order import BookOrder
from tuiconsole.execution.queue_position import (
    estimated_front,
    fifo_front,
    log_weight,
    power_weight,
    queue_model,
)

_FILE = Path(__file__).resolve().parents[2].parent / "shared" / "reference" / "10_market_making.json"


def _case(name: str):
    if not _FILE.is_file():
        pytest.skip("the reference cases are not beside the repository")
    cases = json.loads(_FILE.read_text(encoding="utf-8"))["cases"]
    return next(case for case in cases if case["id"] == name)


def test_the_reference_cases_of_queue_models() -> None:
    case = _case("queue_prob_power_n1_log")
    expected = case["expected"]
    for row, one in enumerate(case["inputs"]["cases"]):
        inputs = one["front"], one["prev_qty"], one["new_qty"], one["cum_trade_qty"]
        assert fifo_front(*inputs) == expected["risk_averse"][row]
        assert estimated_front(*inputs, power_weight(1.0)) == pytest.approx(
            expected["power_n1"][row], rel=1e-10
        )
        assert estimated_front(*inputs, log_weight) == pytest.approx(expected["log"][row], rel=1e-10)
        # the models themselves never let a cancel carry an order beyond the front of its queue
        assert queue_model("log", 1.0)(*inputs) == pytest.approx(max(0.0, expected["log"][row]), rel=1e-10)
        assert queue_model("power", 1.0)(*inputs) == pytest.approx(expected["power_n1"][row], rel=1e-10)


def test_the_reference_case_of_a_first_come_first_served_queue() -> None:
    case = _case("fifo_fill")
    market, ahead = BookMarket(fifo_front), 0
    order = BookOrder.of(7, 0, 5, Terms(OrderType.LIMIT, limit=100))
    for owner, size in case["inputs"]["queue"]:
        if owner == "mine":
            market.on_depth(DepthUpdate(1, "X", [(100, ahead)], [(101, 99)], True))
            assert size == order.total
            assert market.accept(order) == []
        ahead += size
    market.on_depth(
        DepthUpdate(2, "X", [(100, ahead - order.total)], [])
    )  # those behind; ours is not in the feed
    executions = market.on_trade(TradePrint(3, "X", 100, case["inputs"]["trade_at_price"], -1))
    assert [one.size for one in executions] == [case["expected"]["mine_filled"]]
    assert order.left == case["expected"]["mine_remaining"]
    assert market.on_trade(TradePrint(4, "X", 100, 2, -1))[0].size == 2
    assert market.on_trade(TradePrint(5, "X", 100, 1, -1))[0].size == 1
    assert market.orders == {}


@given(
    st.sampled_from(("fifo", "power", "log")),
    st.integers(0, 1000),
    st.integers(0, 1000),
    st.integers(0, 1000),
    st.integers(0, 1000),
)
def test_a_queue_only_moves_up_and_never_past_its_level(name, front, before, now, traded) -> None:
    before = max(before, front)
    found = queue_model(name, 3.0)(front, before, now, traded)
    assert 0 <= found <= min(front, now) + 1e-9
    if name == "power" and before - now - traded > 0:
        assert found <= fifo_front(front, before, now, traded) + 1e-9  # fifo fills least
