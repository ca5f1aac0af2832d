"""Queue models against what really happened: shadow orders behind the real ones of LOBSTER's rows."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from tests.market.books.messages import SAMPLES
from tuiconsole.domain.books import BookEvent, DepthUpdate, TradePrint
from tuiconsole.domain.order_terms import OrderType, Terms, TimeInForce
from tuiconsole.execution.book_matching import BookMarket, Execution
from tuiconsole.execution.book_order import BookOrder
from tuiconsole.execution.queue_position import QueueName, queue_model
from tuiconsole.market.books.level_tables import lobster_books

NEW, EXECUTED = 1, 4
NEVER = 10**6
NAMES: tuple[QueueName, ...] = ("fifo", "power", "log")


class Real(NamedTuple):
    """A real limit order: the row that brought it, and the row of its first execution."""

    row: int
    side: int
    price: int
    executed: int


@pytest.fixture(scope="module")
def day() -> tuple[list[list[BookEvent]], list[Real]]:
    """Events of each row, and the real orders that joined a visible level and were executed later."""
    path = SAMPLES.parent / "lob_lobster_aapl_10lvl.parquet"
    if not path.is_file():
        pytest.skip("the LOBSTER sample is not beside the repository")
    import pyarrow.parquet as pq

    _, events = lobster_books(path)
    rows: list[list[BookEvent]] = [[]]
    for event in events:
        rows[-1].append(event)
        if isinstance(event, DepthUpdate):
            rows.append([])
    table = pq.read_table(path).to_pylist()
    first: dict[int, int] = {}
    for at, row in enumerate(table):
        if row["type"] == EXECUTED:
            first.setdefault(row["order_id"], at)
    return rows, [_real(at, row, first) for at, row in enumerate(table) if at and _joins(row, first)]


def _joins(row: dict[str, Any], first: dict[int, int]) -> bool:
    return row["type"] == NEW and row["order_id"] in first


def _real(at: int, row: dict[str, Any], first: dict[int, int]) -> Real:
    return Real(at, row["direction"], row["price"], first[row["order_id"]])


def _filled_at(name: QueueName, rows: list[list[BookEvent]], real: Real) -> int:
    """The row at which a shadow order of one share, placed right behind the real one, would have been filled."""
    market = BookMarket(queue_model(name, 3.0))
    for at, events in enumerate(rows):
        steps = []
        for event in events:
            if isinstance(event, TradePrint):
                steps += market.on_trade(event)
            elif isinstance(event, DepthUpdate):
                steps += market.on_depth(event)
        if any(isinstance(step, Execution) for step in steps):
            return at
        if at == real.row:
            terms = Terms(OrderType.LIMIT, TimeInForce.GTC, limit=real.price)
            market.accept(BookOrder.of(1, 0, real.side, terms))
    return NEVER


def test_behind_a_real_order_fifo_never_fills_before_it(
    day: tuple[list[list[BookEvent]], list[Real]],
) -> None:
    rows, real = day
    assert len(real) == 73
    filled = {name: [_filled_at(name, rows, one) for one in real] for name in NAMES}
    early = {
        name: sum(at < one.executed for at, one in zip(filled[name], real, strict=True)) for name in NAMES
    }
    assert early == {"fifo": 0, "power": 0, "log": 2}
    # whatever the model, an order is filled at the latest when fifo fills it
    for name in ("power", "log"):
        assert all(at <= cautious for at, cautious in zip(filled[name], filled["fifo"], strict=True))
    assert sum(at < NEVER for at in filled["fifo"]) == 70
