"""``why`` of a desk that works its orders: from a child to the decision behind its parent, and what its execution cost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.engine import rig
from tests.engine.test_parents import planned
from tuiconsole.engine.why import why
from tuiconsole.store.explain_text import explain_text


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    paths = {}
    for algo in ("direct", "twap"):
        path = tmp_path_factory.mktemp(algo) / "state.db"
        chosen = planned(rig.market(), algo, algo_horizon_bars=4)
        session, store = rig.on_disk(chosen, path)
        rig.drive(session, store, rig.WARMUP + 60)
        assert session.desk.orders.fills_total > 12
        store.close()
        paths[algo] = path
    return paths


def test_a_child_leads_to_its_parents_decision(states: dict[str, Path]) -> None:
    chains = [why(states["twap"], str(number)) for number in range(1, 13)]
    for chain in chains:
        json.dumps(chain, allow_nan=False)
        parent = chain["parent"]
        assert parent["algo"] == "twap"
        assert abs(parent["taken_before"]) + abs(chain["intent"]["quantity"]) <= abs(parent["quantity"])
        assert parent["decision"]["journal_row"] < chain["decision"]["journal_row"]
        assert parent["bars"] == 4
        assert chain["agents"], "the sheet is that of the decision that opened the parent"
        assert f"parent    {parent['number']}, twap over 4 bars" in explain_text(chain)
    later = [
        chain for chain in chains if chain["parent"]["decision"]["bar_seq"] < chain["decision"]["bar_seq"]
    ]
    assert later, "most children are sent at bars after the decision"
    assert any(chain["sizing"]["target_weight"] is not None for chain in later)


def test_an_order_of_its_own_has_no_parent(states: dict[str, Path]) -> None:
    chain = why(states["direct"], "1")
    assert chain["parent"] is None
    assert "parent  " not in explain_text(chain)


@pytest.mark.parametrize("algo", ["direct", "twap"])
def test_the_shortfall_is_what_was_paid_beyond_the_decisions_price(
    algo: str, states: dict[str, Path]
) -> None:
    for number in range(1, 10):
        chain = why(states[algo], str(number))
        lost = chain["shortfall"]
        reference = (chain["parent"] or chain["intent"])["reference_price"]
        paid = sum(row["quantity"] * (row["price"] - reference) + row["fee"] for row in chain["fills"])
        assert lost["total"] == pytest.approx(paid, abs=1e-6)
        assert sum(value for name, value in lost.items() if name != "total") == pytest.approx(lost["total"])
        assert "against the decision's price: delay" in explain_text(chain)
