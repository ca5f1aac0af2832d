"""Quotes of a market maker: the published figures, closed forms, and what must hold for any parameters."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiconsole.domain.rng import generator
from tuiconsole.execution.quoting import QuotingModel, inventory_quotes, simulate_quoting

_FILE = Path(__file__).resolve().parents[2].parent / "shared" / "reference" / "10_market_making.json"


def _case(name: str) -> dict[str, Any]:
    if not _FILE.is_file():
        pytest.skip("the reference cases are not beside the repository")
    cases = json.loads(_FILE.read_text(encoding="utf-8"))["cases"]
    found: dict[str, Any] = next(case for case in cases if case["id"] == name)
    return found


def test_quotes_of_the_reference() -> None:
    case = _case("as_quotes_pointwise")
    inputs = case["inputs"]
    for point, expected in zip(inputs["points"], case["expected"]["points"], strict=True):
        model = QuotingModel(gamma=point["gamma"], sigma=inputs["sigma"], decay=inputs["k"])
        found = inventory_quotes(model, inputs["s"], point["q"], inputs["T"] - point["t"])
        for name, value in zip(("r", "spread", "bid", "ask"), found, strict=True):
            assert value == pytest.approx(expected[name], rel=case["rtol"]), name


@pytest.mark.parametrize(("name", "leaning"), [("inventory", True), ("symmetric", False)])
def test_profits_of_the_published_simulation(name: str, leaning: bool) -> None:
    case = _case("avellaneda_stoikov_gamma_0.1")
    inputs, large = case["inputs"], case["expected"]["large_sample_20000"][name]
    paths, steps = 20_000, round(inputs["T"] / inputs["dt"])
    model = QuotingModel(inputs["gamma"], inputs["sigma"], inputs["k"], inputs["A"])
    found = simulate_quoting(model, paths, steps, generator(3, "quoting", name), leaning=leaning)
    error = large["std"] / math.sqrt(paths)
    assert abs(found.profit.mean() - large["profit"]) < 3.0 * math.sqrt(2.0) * error  # both are samples
    assert found.spread == pytest.approx(large["avg_spread"], abs=1e-9)
    assert found.profit.std() == pytest.approx(large["std"], rel=0.05)
    assert found.inventory.std() == pytest.approx(large["std_q"], rel=0.05)
    assert abs(found.inventory.mean()) < 4.0 * large["std_q"] / math.sqrt(paths)
    published = case["expected"]["published"][name]
    of_paper = large["std"] / math.sqrt(inputs["paper_sims"])
    assert abs(found.profit.mean() - published["p"]) < 3.0 * of_paper
    assert abs(found.spread - published["sp"]) < 0.02
    assert found.profit.std() == pytest.approx(published["s"], rel=0.15)


@given(
    st.floats(1e-3, 5.0),
    st.floats(0.0, 10.0),
    st.floats(0.1, 10.0),
    st.floats(-50.0, 50.0),
    st.floats(0.0, 1.0),
)
def test_quotes_lean_against_the_inventory(
    gamma: float, sigma: float, decay: float, held: float, remaining: float
) -> None:
    model = QuotingModel(gamma, sigma, decay)
    flat, found = (inventory_quotes(model, 100.0, q, remaining) for q in (0.0, held))
    assert found.bid < found.ask
    assert found.ask - found.bid == pytest.approx(found.spread, abs=1e-9)
    assert (found.reservation - flat.reservation) * held <= 0.0
    assert found.spread == flat.spread
    end = inventory_quotes(model, 100.0, held, 0.0)
    assert end.reservation == 100.0  # at the end no risk is left
    assert end.spread == pytest.approx(2.0 / gamma * math.log(1.0 + gamma / decay))
