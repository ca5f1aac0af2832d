from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.desk import (
    AGENTS,
    COSTS,
    DAY,
    OPENED,
    START,
    bar_seen,
    decided,
    filled,
    ints,
    open_store,
    records,
    updated,
)
from tuiconsole.domain.codec import decode_record
from tuiconsole.domain.events import CommandKind
from tuiconsole.domain.orders import OrderEvent, OrderState
from tuiconsole.domain.records import AgentChanged, Alerted, Charged, Commanded, LevelChanged, Record
from tuiconsole.store.projections import rebuild
from tuiconsole.store.schema import COST_COLUMNS, PRIMARY_KEYS, PROJECTION_TABLES
from tuiconsole.store.state_store import StateStore


@pytest.fixture
def store(tmp_path: Path) -> StateStore:
    store = open_store(tmp_path / "state.db")
    store.append(OPENED)
    return store


def rows(store: StateStore, table: str, *columns: str) -> list[tuple]:
    key = ", ".join(PRIMARY_KEYS[table])
    return store._connection.execute(
        f"SELECT {', '.join(columns) or '*'} FROM {table} ORDER BY {key}"
    ).fetchall()


def tables(store: StateStore) -> dict[str, list[tuple]]:
    return {name: rows(store, name) for name in PROJECTION_TABLES}


def take(store: StateStore, *several: Record) -> None:
    for record in several:
        store.append(record)
    store.commit()


def test_an_order_from_decision_to_fill(store: StateStore) -> None:
    take(store, bar_seen(0), decided(0, (1, 0, 2)), updated(0, 1, 2))
    shown = ("number", "decision", "symbol", "quantity", "reference_price", "state", "filled", "purpose")
    assert rows(store, "orders", *shown) == [
        (1, 0, "AAPL", 100, 50_000_000, OrderState.NEW, 0, 0),
        (2, 0, "XOM", 100, 50_000_000, OrderState.NEW, 0, 0),
    ]
    assert rows(store, "refusals", "decision", "symbol", "quantity", "rule", "value", "limit_value") == [
        (0, "BAC", 100, 3, 0.2, None)
    ]
    assert rows(store, "decisions", "seq", "bar_seq", "approved", "refused") == [(0, 0, 2, 1)]
    take(store, filled(1, 1, quantity=40), filled(1, 1, quantity=60, price=50_020_000, forced=True))
    money = ("filled", "state", "fee", *COST_COLUMNS, "realised", "forced", "changed_ts")
    assert rows(store, "orders", *money)[0] == (
        100,
        OrderState.FILLED,
        2 * 10**8,
        *(2 * cost for cost in COSTS),
        14,
        1,
        START + DAY,
    )
    assert rows(store, "positions") == [("AAPL", 100, 14, 2 * 10**8, 2, START + DAY)]
    assert rows(store, "fills", "number", "quantity", "price") == [(1, 40, 50_010_000), (1, 60, 50_020_000)]
    store.close()


def test_a_late_fill_after_a_cancel_and_the_order_of_changes_within_one_commit(store: StateStore) -> None:
    take(
        store,
        decided(0, (1,)),
        updated(0, 1),
        updated(0, 1, event=OrderEvent.CANCELED, state=OrderState.CANCELED),
        filled(0, 1),
        filled(1, 1, quantity=-300),
    )
    assert rows(store, "orders", "state", "filled") == [(OrderState.FILLED, -200)]
    assert rows(store, "positions", "symbol", "quantity") == [("AAPL", -200)]
    assert [row[0] for row in rows(store, "updates", "event")] == [
        OrderEvent.ACKNOWLEDGED,
        OrderEvent.CANCELED,
    ]
    store.close()


def test_alerts_agents_levels_and_commands(store: StateStore) -> None:
    def acknowledge(up_to: str, accepted: bool = True) -> Commanded:
        return Commanded(START, CommandKind.ACKNOWLEDGE_ALERTS, "id", up_to, "", "console", accepted, "")

    take(
        store,
        *(Alerted(START, n, 1, "feed", "late") for n in (1, 2, 3)),
        acknowledge("2"),
        acknowledge("3", False),
    )
    assert rows(store, "alerts", "number", "acknowledged") == [(1, 1), (2, 1), (3, 0)]
    take(store, Alerted(START, 4, 2, "feed", "late"), acknowledge(""), Alerted(START, 5, 2, "x", "y"))
    assert [row[0] for row in rows(store, "alerts", "acknowledged")] == [1, 1, 1, 1, 0]
    take(
        store,
        AgentChanged(START, AGENTS[1], False, "off"),
        LevelChanged(START, 2, 0, "trader", "", "", "halt"),
    )
    assert rows(store, "agents", "name", "enabled", "text") == [("momentum", 1, ""), ("reversion", 0, "off")]
    assert rows(store, "levels", "level", "before", "cause") == [(2, 0, "trader")]
    assert len(rows(store, "commands")) == 3
    store.close()


def test_equity_is_exact_integers(store: StateStore) -> None:
    take(store, bar_seen(0, equity=2**62 + 1))
    assert rows(store, "equity", "seq", "equity", "cash", "fees") == [(0, 2**62 + 1, 2**61, 0)]
    store.close()


@settings(max_examples=12)
@given(seed=st.integers(0, 10**6), bars=st.integers(1, 40), every=st.integers(1, 30))
def test_rebuilt_tables_equal_the_incremental_ones(
    tmp_path_factory: pytest.TempPathFactory, seed: int, bars: int, every: int
) -> None:
    store = open_store(tmp_path_factory.mktemp("rebuild") / "state.db")
    for count, record in enumerate(records(bars, seed)):
        store.append(record)
        if count % every == 0:
            store.commit()
    store.commit()
    before = tables(store)
    assert before["equity"]
    assert before["decisions"]
    store._connection.execute("UPDATE orders SET filled = filled + 1")
    store._connection.execute("DELETE FROM positions")
    rebuild(store._connection)
    assert tables(store) == before
    fills = [(s, q) for s, q in rows(store, "fills", "symbol", "quantity")]
    for symbol, quantity in rows(store, "positions", "symbol", "quantity"):
        assert quantity == sum(q for s, q in fills if s == symbol)
    store.close()


def test_a_failed_rebuild_changes_nothing(store: StateStore) -> None:
    take(store, bar_seen(0), decided(0, (1,)))
    before = tables(store)
    connection = store._connection
    payload = connection.execute("SELECT payload FROM journal WHERE seq = 3").fetchone()[0]
    assert decode_record(payload).number[0] == 1
    connection.execute("INSERT INTO journal VALUES (4, ?, x'00', 0)", (payload,))  # the same order once more
    with pytest.raises(Exception, match="UNIQUE"):
        rebuild(connection)
    assert tables(store) == before
    store.close()


def test_borrow_becomes_rows_of_charges(store: StateStore) -> None:
    take(store, bar_seen(0), Charged(START + DAY, ints(0, 2), ints(70, 30), 3))
    assert rows(store, "charges", "symbol", "amount", "days") == [("AAPL", 70, 3), ("XOM", 30, 3)]
