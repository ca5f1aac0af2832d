import json
from pathlib import Path

import pytest

from tests.store.desk import (
    COSTS,
    OPENED,
    SHEET,
    START,
    bar_seen,
    decided,
    filled,
    open_store,
    records,
    updated,
)
from tuiconsole.domain.costs import COST_NAMES
from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.instruments import Instrument, Universe
from tuiconsole.store.connection import open_reader
from tuiconsole.store.explain import explain, explain_text


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "state.db"
    store = open_store(path)
    for record in (
        OPENED,
        bar_seen(4, flagged=(1,)),
        decided(4, (1, 0)),
        updated(4, 1),
        filled(5, 1, quantity=40, price=50_500_000),
        filled(5, 1, quantity=60, price=49_500_000, forced=True),
        bar_seen(5),
        decided(5, (0, 2), purpose=1),
        filled(5, 2, symbol=1),
    ):
        store.append(record)
    store.close()
    return path


def test_the_chain_holds_every_stage(path: Path) -> None:
    chain = explain(path, "1")
    json.dumps(chain, allow_nan=False)
    order = chain["order"]
    assert order["id"] == "00c0ffee-1"
    assert order["side"] == "buy"
    assert order["state"] == "filled"
    assert order["average_price"] == pytest.approx((40 * 50.5 + 60 * 49.5) / 100)
    assert order["cost"] == order["fee"] + order["spread_cost"] + order["impact_cost"] == 3.5
    assert order["cost_parts"] == {
        name: pytest.approx(2 * cost / 1e8) for name, cost in zip(COST_NAMES, COSTS, strict=True)
    }
    assert "capacity 0.04" in explain_text(chain)
    assert order["forced"]
    assert chain["bar"]["seq"] == 4
    assert chain["bar"]["quality"] == "good"
    assert chain["bar"]["equity"] == 100_000.0
    assert chain["prices"]["price"] == 4.0
    assert chain["features"] == {"return_1": pytest.approx(2 / 7 + 4)}
    assert chain["regime"] == {"volatility_low": 0.0}
    assert chain["agents"]["momentum"] == {
        "weight": 0.25,
        "mean": pytest.approx(4 / 7 + 4),
        "sigma": pytest.approx(6 / 7 + 4),
    }
    assert set(chain["blend"]) == {"blend_mean", "blend_sigma"}
    assert set(chain["sizing"]) == {"kelly", "equity", "target_weight"}
    intent = chain["intent"]
    assert intent["target"] - intent["position"] == intent["quantity"] == 100.0
    assert intent["scaled"] == {"position": 0, "target": 100, "quantity": 100, "reference_price": 50_000_000}
    assert chain["gate"]["approved"]
    assert chain["gate"]["rule_name"] == ""
    assert [row["event"] for row in chain["updates"]] == ["acknowledged"]
    fills = chain["fills"]
    assert sum(row["quantity"] for row in fills) == 100.0
    assert [row["slippage_bps"] for row in fills] == [pytest.approx(100.0), pytest.approx(-100.0)]
    assert [row["bar_seq"] for row in fills] == [5, 5]
    assert [row["forced"] for row in fills] == [False, True]
    assert list(chain["sheet"]) == list(SHEET)


def test_a_refused_order(path: Path) -> None:
    chain = explain(path, "4:bac", rule_names={3: "name_limit"})
    assert chain["order"] is None
    assert chain["updates"] == chain["fills"] == []
    assert chain["gate"] == {
        "approved": False,
        "rule": 3,
        "rule_name": "name_limit",
        "value": 0.2,
        "limit": None,
    }
    assert chain["bar"]["quality"].startswith("move is beyond")
    assert chain["agents"]["momentum"]["mean"] is None, "NaN is null: the agent had no opinion"
    text = explain_text(chain)
    assert "4:BAC was refused" in text
    assert "REFUSED by name_limit: was 0.2, allowed n/a" in text


def test_ids_in_every_form(path: Path) -> None:
    one = explain(path, "1")
    assert explain(path, " 00C0FFEE-1 ") == explain(path, "4:AAPL") == one
    connection = open_reader(path)
    assert explain(connection, "1") == one
    connection.close()
    assert explain(path, "2")["order"]["purpose"] == "flatten"
    assert explain(path, "2")["fills"][0]["bar_seq"] is None, "filled at once, between bars"


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ("99", r"no order 99\. Orders 1 to 2 are known"),
        ("ffffffff-1", "another desk"),
        ("abc", "not an order id"),
        ("", "not an order id"),
        ("0", "not an order id"),
        ("4:XOM", "wanted no order in 'XOM'"),
        ("77:AAPL", "Decision 77 wanted no order"),
        ("x:AAPL", "not a decision's number"),
        ("9" * 30 + ":AAPL", "not a decision's number"),
    ],
)
def test_unknown_orders(path: Path, order: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        explain(path, order)


def test_no_store_and_no_orders(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no"):
        explain(tmp_path / "state.db", "1")
    store = open_store(tmp_path / "state.db")
    store.append(OPENED)
    store.close()
    with pytest.raises(UsageError, match="No order was sent yet"):
        explain(tmp_path / "state.db", "1")


def test_units_of_the_instruments(path: Path) -> None:
    coins = Universe(tuple(Instrument(s, price_decimals=8, quantity_decimals=2) for s in OPENED.symbols))
    chain = explain(path, "1", coins)
    assert chain["intent"]["quantity"] == 1.0
    assert chain["intent"]["reference_price"] == 0.5
    assert chain["order"]["average_price"] == pytest.approx(0.499)


def test_every_order_of_a_session_can_be_explained(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = open_store(path)
    for record in records(30):
        store.append(record)
    store.commit()
    last = store._connection.execute("SELECT max(number) FROM orders").fetchone()[0]
    assert last > 20
    for number in range(1, last + 1):
        chain = explain(path, str(number))
        assert chain["order"]["number"] == number
        text = explain_text(chain)
        assert f"00c0ffee-{number}:" in text
        assert "gate      approved" in text
        assert max(map(len, text.splitlines())) < 200
    store.close()
    assert chain["decision"]["ts"] >= START
