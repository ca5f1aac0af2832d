"""The packaged backtest of 2007 to 2009, the fall of 2008 included, against its committed result."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tools.write_golden import GOLDEN, measure

pytestmark = pytest.mark.golden

REWRITE = "if the change is meant, run: python tools/write_golden.py"


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return measure()


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    kept: dict[str, Any] = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return kept


def test_the_order_list_is_the_committed_one(found: dict[str, Any], golden: dict[str, Any]) -> None:
    assert (found["from"], found["to"]) == (golden["from"], golden["to"])
    assert found["exact"] == golden["exact"], REWRITE


def test_the_statistics_are_near_the_committed_ones(found: dict[str, Any], golden: dict[str, Any]) -> None:
    assert found["near"].keys() == golden["near"].keys()
    for name, value in golden["near"].items():
        assert found["near"][name] == pytest.approx(value, rel=1e-6, abs=1e-9), f"{name}; {REWRITE}"


def test_what_the_figures_must_show(found: dict[str, Any]) -> None:
    """Whatever the numbers are: it trades, the breakers act in the fall, and orders flow to the end."""
    exact, near = found["exact"], found["near"]
    assert (exact["symbols"], exact["bars"]) == (20, 756)
    assert exact["orders"] > 200
    assert exact["halts"] >= 1, "the fall of 2008 trips a breaker"
    assert exact["rearmed"] == exact["halts"], "each halt is released by the declared cool-down"
    assert exact["orders_in_last_tenth"] > 0, "the desk still trades in the last tenth of the bars"
    assert near["fees"] > 0
    assert 0 < near["max_drawdown"] < 0.4
