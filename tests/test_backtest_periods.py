"""``backtest --period``: the configured stretch, its sample, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.engine.rig import market
from tuiconsole.cli import main
from tuiconsole.domain.clock import iso

CONFIG = """
[periods]
early = { start = "2003-01-01", end = "2003-03-31", kind = "in-sample" }
late = { start = "2003-04-01", end = "2003-05-15", kind = "out-of-sample" }
never = { start = "1980-01-01", end = "1980-12-31", kind = "stress" }
"""


@pytest.fixture
def place(tmp_path: Path) -> list[str]:
    tape = market(300)
    rows = ["ts,symbol,close"]
    for i, ts in enumerate(tape.ts):
        rows += [
            f"{iso(int(ts))},{s},{p:.4f}" for s, p in zip(tape.universe.symbols, tape.close[i], strict=True)
        ]
    (tmp_path / "prices.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    return ["--config", str(tmp_path / "config.toml"), "--feed", str(tmp_path / "prices.csv")]


@pytest.mark.parametrize(("period", "sample"), [("early", "in-sample"), ("late", "out-of-sample")])
def test_the_run_carries_the_sample_of_its_period(
    period: str, sample: str, place: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["backtest", *place, "--period", period, "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert body["sample"] == sample
    first, last = ("2003-01-01", "2003-03-31") if period == "early" else ("2003-04-01", "2003-05-15")
    assert first <= body["first"] < body["last"] <= last
    assert body["bars"] == np.busday_count(first, last) + 1 or body["bars"] > 40


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (
            ["--period", "later"],
            "There is no period 'later'. [periods] of the configuration has: early, late, never.",
        ),
        (["--period", "never"], "has no bars of the period never (1980-01-01 to 1980-12-31): it runs from "),
        (["--period", "early", "--end", "2003-02-01"], "The period early says when to start and end."),
    ],
)
def test_what_makes_no_period_is_one_sentence(
    options: list[str], complaint: str, place: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["backtest", *place, *options]) == 2
    assert complaint in capsys.readouterr().err
