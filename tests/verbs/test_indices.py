"""An index feeds the features of a desk, which never holds one, whoever decides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tuiconsole.cli import main
from tuiconsole.research.runs import RunStore

_STRATEGIES = """
import numpy as np
from tuiconsole.domain.policy import Decision
from tuiconsole.strategy import Strategy

class Hold(Strategy):
    needs = ("rolling_mean_20",)

    def weights(self, bar):
        known = np.isfinite(bar.features[0])
        return np.where(known.all(), 0.1, 0.0) * np.ones(len(bar.price))

class Stubborn:
    needs, agent_names, sheet_names, scalar_names = (), ("Stubborn",), ("price",), ("equity",)

    def __init__(self, universe):
        self.n = len(universe)

    def initial_state(self, n):
        return {"failed": {}}

    def decide(self, inputs, state):
        acting = inputs.tradable & (inputs.position != 10)
        target = np.full(self.n, 10, dtype=np.int64)
        return Decision(target, acting, inputs.price[None, :], np.array([inputs.equity])), state
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text('[history]\nroot = "bars"\n[feed]\nwarmup_bars = 60\n')
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    (tmp_path / "my.py").write_text(_STRATEGIES)
    days = np.busday_offset("2020-01-02", np.arange(120), roll="forward")
    (tmp_path / "prices").mkdir()
    for k, name in enumerate(("AAA", "BBB", "^GSPC")):
        close = 50.0 * np.exp(np.cumsum(0.002 * k + 0.01 * np.sin(np.arange(120) * (k + 1))))
        rows = "".join(f"{day},{price:.4f},1000000\n" for day, price in zip(days, close, strict=True))
        (tmp_path / "prices" / f"{name}.csv").write_text(f"Date,Close,Volume\n{rows}")
    assert main(["data", "import", "prices"]) == 0


def _backtest(capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["backtest", "--feed", "history", "--start", "2020-04-01", *more, "--json"]) == 0
    body: dict[str, Any] = json.loads(capsys.readouterr().out)
    return body


def test_a_strategy_that_wants_everything_leaves_the_index_alone(capsys: pytest.CaptureFixture[str]) -> None:
    body = _backtest(capsys, "--policy", "my.py:Hold", "--name", "hold")
    assert (body["symbols"], body["orders"], body["refused"], body["failed"]) == (3, 2, 0, [])
    run = RunStore(Path("runs")).load("hold")
    assert set(run.fills.symbol.tolist()) == {0, 1}
    assert "Indices cannot be bought: ^GSPC fed the features and was not traded." in run.notes


def test_the_ensemble_leaves_the_index_alone(capsys: pytest.CaptureFixture[str]) -> None:
    body = _backtest(capsys, "--name", "many")
    assert (body["refused"], body["orders"] > 0) == (0, True)
    assert 2 not in RunStore(Path("runs")).load("many").fills.symbol.tolist()


def test_a_policy_that_insists_is_refused_at_the_gate(capsys: pytest.CaptureFixture[str]) -> None:
    body = _backtest(capsys, "--policy", "my.py:Stubborn")
    (sentence,) = body["refusals"]
    assert sentence.startswith("The symbol is an index: it can be looked at, not bought or sold")
    assert (body["fills"], body["refused"]) == (2, body["bars"])
