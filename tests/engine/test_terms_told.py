"""``why``, ``status`` and the Orders screen tell type, prices, time in force, triggers and replacements."""

from __future__ import annotations

import re
from pathlib import Path

from tests.engine.test_protection import Driven, bracket, grown
from tuiconsole.domain.clock import EventClock
from tuiconsole.domain.order_terms import OrderType, Peg, Terms, TimeInForce, TrailUnit
from tuiconsole.domain.order_words import described, kind_word
from tuiconsole.store.binding import Binding
from tuiconsole.store.explain import explain, explain_text
from tuiconsole.store.state_store import StateStore
from tuiconsole.ui.explain import explain as screen
from tuiconsole.verbs.engine import _order_text


def stored(driven: Driven, path: Path) -> Path:
    """The records of ``driven`` in a store."""
    store = StateStore.open(path / "state.db", Binding.of(driven.plan.opened), EventClock())
    for record in driven.sink.records:
        store.append(record)
    store.commit()
    store.close()
    return path / "state.db"


def test_why_tells_terms_triggers_and_replacements(tmp_path: Path) -> None:
    driven = grown(3.0)
    driven.bars(10)
    path = stored(driven, tmp_path)
    chain = explain(path, "2")
    assert chain["terms"]["type"] == "stop"
    assert chain["terms"]["time_in_force"] == "gtc"
    assert chain["terms"]["limit"] is None
    assert chain["terms"]["stop"] > 90.0
    [change] = chain["replaces"]
    assert (change["outcome"], change["id"].rpartition("-")[2]) == ("replaced", "2r1")
    assert change["reason"] == "the position changed"
    events = [row["event"] for row in chain["updates"]]
    assert events == ["acknowledged", "replace_sent", "replaced", "triggered"]
    text = explain_text(chain)
    assert re.search(r"^terms +stop 9\d\.\d+, until cancelled$", text, re.MULTILINE)
    assert chain["order"]["quantity"] == chain["order"]["filled"] == change["quantity"]
    assert "2r1: replaced (the position changed)" in text
    lines = "\n".join("".join(part[0] for part in made) for made in screen(text, chain, 100))
    assert "until cancelled" in lines
    assert "changed to" in lines
    assert explain(path, "2r1")["order"]["number"] == 2
    plain = explain(path, "1")
    assert plain["terms"]["text"] == "market, for the day"
    assert plain["replaces"] == []
    assert "for the day" not in explain_text(plain)


def test_why_tells_the_links_of_a_bracket(tmp_path: Path) -> None:
    driven = Driven([100, 100, 100], named=bracket(90, 110, limit=97, tif=TimeInForce.GTC))
    driven.bars(2)
    path = stored(driven, tmp_path)
    assert explain(path, "1")["terms"]["text"] == "limit 97.00, until cancelled"
    assert explain(path, "3")["terms"]["text"] == "limit 110.00, until cancelled, once 1 fills, or group 2"


def test_terms_in_words() -> None:
    dollar = 10**6
    told = {
        Terms(): "",
        Terms(tif=TimeInForce.CLS): "market, at the close",
        Terms(OrderType.LIMIT, TimeInForce.FOK, limit=dollar // 8): "limit 0.125, at once and whole",
        Terms(OrderType.LIMIT, limit=dollar, display=50): "iceberg, limit 1.00, shows 50, for the day",
        Terms(
            OrderType.TRAILING_STOP, TimeInForce.GTC, trail=25_000, trail_unit=TrailUnit.PERCENT
        ): "trailing stop, trails by 2.5 %, until cancelled",
        Terms(
            OrderType.TRAILING_STOP, TimeInForce.GTC, trail=3 * dollar, trail_unit=TrailUnit.ATR
        ): "trailing stop, trails by 3.00 (average true ranges), until cancelled",
        Terms(
            OrderType.PEGGED, peg=Peg.MID, peg_offset=dollar // 100
        ): "pegged, follows the middle, 0.01 behind, for the day",
        Terms(
            OrderType.LIMIT, TimeInForce.GTD, limit=dollar, expiry=86_400 * 10**9
        ): "limit 1.00, until 1970-01-02",
    }
    for terms, words in told.items():
        assert described(terms, 6) == words
    assert kind_word(Terms(OrderType.STOP_LIMIT, stop=1, limit=1)) == "stop limit"


def test_working_orders_in_the_status_for_people() -> None:
    row = {
        "id": "00ff00ff-3",
        "symbol": "AAPL",
        "side": "sell",
        "quantity": 10.0,
        "filled": 4.0,
        "type": "stop limit",
        "limit": 94.5,
        "stop": 95.0,
        "time_in_force": "gtc",
        "state": "partially filled",
    }
    told = _order_text(row)
    assert (
        told
        == "AAPL   sell 10, 4 filled: stop limit stop 95.00 limit 94.50 gtc, partially filled (00ff00ff-3)"
    )
    assert ": limit 94.50 day," in _order_text({**row, "type": "limit", "stop": None, "time_in_force": "day"})
