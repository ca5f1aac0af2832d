"""Bars of bid and ask, from the file to the costs of a backtest and the page of data info."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tuiconsole.cli import main
from tuiconsole.research.runs import RunStore

_POLICY = """
import numpy as np
from tuiconsole.strategy import Strategy

class Turn(Strategy):
    needs = ("quoted_spread",)

    def weights(self, bar):
        assert abs(bar.features[0, 0] - 0.01) < 1e-9 or np.isnan(bar.features[0, 0])
        return np.full(len(bar.price), 0.1 if bar.seq % 10 < 5 else 0.0)
"""


def test_the_venue_charges_half_the_quoted_spread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    (tmp_path / "config.toml").write_text('[history]\nroot = "bars"\n[feed]\nwarmup_bars = 60\n')
    (tmp_path / "my.py").write_text(_POLICY)
    days = np.busday_offset("2020-01-02", np.arange(120), roll="forward")
    middle = 100.0 + np.cumsum(np.random.default_rng(2).normal(0.0, 0.3, 120))
    rows = "".join(
        f"{day},{price * 0.995!r},{price * 1.005!r},500000,400000\n"
        for day, price in zip(days, middle.tolist(), strict=True)
    )
    (tmp_path / "AAA.csv").write_text(f"date,bid_close,ask_close,bid_size,ask_size\n{rows}")
    assert main(["data", "import", "AAA.csv"]) == 0
    assert "120 rows with bid and ask, kept beside the bars, prices are the middle" in capsys.readouterr().out
    assert main(["data", "info", "AAA"]) == 0
    assert "quotes      bid and ask of 120 bars, median spread 100 bp" in capsys.readouterr().out
    words = ("--feed", "history", "--start", "2020-04-01", "--policy", "my.py:Turn", "--name", "turns")
    assert main(["backtest", *words, "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert body["fills"] > 8
    fills = RunStore(Path("runs")).load("turns").fills
    share = fills.costs["spread"] / np.abs(fills.value)
    np.testing.assert_allclose(share, 0.005, rtol=0.01)
