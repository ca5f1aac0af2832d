"""The page of a walk-forward: in-sample and out-of-sample apart, in every table, chart and colour."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.reports.rig import days
from tests.reports.test_html import Page
from tuiconsole.analytics.samples import Curve, Sample
from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.rng import generator
from tuiconsole.reports.forward import forward_page, write_forward

RETURNS = generator(5, "forward").normal(0.001, 0.01, 60)
CURVE = Curve(Sample.OUT, days(60), RETURNS)


def window(k: int, chosen: dict[str, Any] | None, promised: float) -> dict[str, Any]:
    return {
        "train": [f"2018-0{k + 1}-01", f"2018-0{k + 1}-28"],
        "test": [f"2019-0{k + 1}-01", f"2019-0{k + 1}-28"],
        "chosen": chosen,
        "in_sample_sharpe": promised,
        "out_of_sample_return": 0.1 * k,
        "out_of_sample_sharpe": None if k else 1.25,
    }


BODY = {
    "policy": "<Cross>",
    "tape": "TWO",
    "combinations": 4,
    "trials": 9,
    "out_of_sample": {"total_return": 0.0731, "sharpe": 1.5, "annual_return": None},
    "windows": [window(0, {"fast": 10, "slow": 50}, 2.5), window(1, None, float("nan"))],
}


def test_what_was_chosen_and_what_came_of_it_are_apart(tmp_path: Path) -> None:
    write_forward(BODY, CURVE, tmp_path / "f.html")
    text = (tmp_path / "f.html").read_text(encoding="utf-8")
    assert "<Cross>" not in text
    found = Page(text)
    assert found.figures == {"total_return": "7.31 %", "sharpe": "1.50", "annual_return": "n/a"}
    assert found.tables["traded"][1:] == [
        ["2019-01-01", "2019-01-28", "1.25", "0.00 %"],
        ["2019-02-01", "2019-02-28", "n/a", "10.00 %"],
    ]
    assert found.tables["chosen"][1:] == [
        ["2018-01-01", "2018-01-28", "2.50", "fast=10, slow=50"],
        ["2018-02-01", "2018-02-28", "n/a", "stayed out"],
    ]
    data = json.loads(found.scripts["data"])
    assert data["wealth"] == pytest.approx(np.cumprod(1 + RETURNS).tolist(), abs=1e-6)
    assert data["promised"] == [2.5, None]
    script = found.scripts["2"]
    drawn = {
        name: script.split(f'Plotly.react("{name}"')[1].split("Plotly.react")[0]
        for name in ("unseen", "seen")
    }
    assert '"--out"' in drawn["unseen"]
    assert '"--in"' not in drawn["unseen"]
    assert '"--in"' in drawn["seen"]
    assert '"--out"' not in drawn["seen"]


def test_a_line_that_was_seen_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot be drawn"):
        forward_page(BODY, Curve(Sample.IN, CURVE.ts, RETURNS))
