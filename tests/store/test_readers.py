from decimal import Decimal
from pathlib import Path

import pytest

from tests.store.desk import (
    AGENTS,
    OPENED,
    START,
    bar_seen,
    decided,
    filled,
    filled_store,
    open_store,
    updated,
)
from tuiconsole.domain.clock import iso
from tuiconsole.domain.errors import StoreError, UsageError
from tuiconsole.domain.orders import OrderState
from tuiconsole.domain.records import Alerted, LevelChanged, TapeEnded
from tuiconsole.store import readers


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "state.db"
    store = open_store(path)
    for record in (
        OPENED,
        bar_seen(0),
        decided(0, (1, 0)),
        updated(0, 1),
        filled(1, 1, quantity=40, price=50_000_000),
        filled(1, 1, quantity=60, price=51_000_000),
        bar_seen(1, equity=123 * 10**8),
        decided(1, (2, 3)),
        Alerted(START, 1, 2, "loss", "loss limit"),
        LevelChanged(START, 1, 0, "loss", "2.6", "2.5", "Paused: the loss limit was reached."),
        filled(2, 2, quantity=-70, price=52_000_000),
        TapeEnded(START, 2),
    ):
        store.append(record)
    store.close()
    return path


def test_orders_newest_first_with_exact_money(path: Path) -> None:
    three, two, one = readers.recent_orders(path)
    assert (one.number, two.number, three.number) == (1, 2, 3)
    assert one.average_price == Decimal(50_600_000)
    assert one.state is OrderState.FILLED
    assert (one.filled, one.fee, one.spread_cost, one.impact_cost) == (
        100,
        Decimal(2),
        Decimal(1),
        Decimal("0.5"),
    )
    assert three.average_price is None
    assert three.symbol == "BAC"
    assert [order.number for order in readers.recent_orders(path, limit=1, offset=1)] == [2]


def test_refusals_alerts_and_equity(path: Path) -> None:
    (refusal,) = readers.recent_refusals(path)
    assert (refusal.symbol, refusal.rule, refusal.value, refusal.limit) == ("BAC", 3, 0.2, None)
    (alert,) = readers.recent_alerts(path)
    assert (alert.code, alert.acknowledged) == ("loss", False)
    assert readers.recent_alerts(path, only_open=True) == [alert]
    ts, equity = readers.equity_curve(path)
    assert ts.tolist() == [START, START + 86_400 * 10**9]
    assert equity[1] == 123 * 10**8
    assert readers.money(-150_000_000) == Decimal("-1.5")


def test_status_of_a_desk_without_engine(path: Path) -> None:
    status = readers.last_status(path)
    assert status["state"] == "stopped"
    assert status["mode"] == "replay"
    assert status["feed"] == "packaged"
    assert status["clock"] == iso(START + 86_400 * 10**9)
    assert status["equity"] == 123.0
    assert status["cash"] == 61.5
    (held,) = status["positions"]
    assert (held["symbol"], held["quantity"]) == ("AAPL", 30.0)
    assert held["average_price"] == pytest.approx(51.0), "first in, first out: the newest lots are left"
    assert status["working_orders"] == 1
    assert status["tape_ended"]
    assert status["alerts_open"] == 1
    assert [agent["name"] for agent in status["agents"]] == list(AGENTS)
    assert [agent["weight"] for agent in status["agents"]] == [0.25, 0.5]
    assert status["why_stopped"] == "Paused: the loss limit was reached."
    assert status["journal_rows"] == 12
    assert status["engine_pid"] is None
    assert len(status["journal_head"]) == 64


def test_status_of_a_desk_that_only_opened(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = open_store(path)
    with pytest.raises(StoreError, match="journal is empty"):
        readers.last_status(path)
    store.append(OPENED)
    store.close()
    status = readers.last_status(path)
    assert status["equity"] == status["cash"] == 100_000.0
    assert status["positions"] == []
    ts, equity = readers.equity_curve(path)
    assert len(ts) == len(equity) == 0


def test_the_whole_journal_as_a_stream(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    rows, _ = filled_store(path, 200)
    assert rows > 600
    stream = readers.journal_rows(path)
    assert [row for row, _ in stream] == list(range(1, rows + 1))
    assert next(stream, None) is None
    assert readers.opened_row(path) == OPENED


def test_missing_and_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"There is no .*--state"):
        readers.opened_row(tmp_path / "state.db")
    (tmp_path / "state.db").write_bytes(b"no database" * 99)
    with pytest.raises(StoreError, match="not a database"):
        readers.recent_orders(tmp_path / "state.db")
