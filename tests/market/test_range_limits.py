"""Figures that no market has are missing ones, and nothing on the way of a backtest overflows on them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.rng import generator
from tuiconsole.market.tape import Tape

ROOT = Path(__file__).parents[2]

EVERY_FEATURE = """
import numpy as np
from tuiconsole.features.catalogue import listed
from tuiconsole.strategy import Strategy
class Every(Strategy):
    needs = listed()
    def weights(self, bar):
        first = np.nan_to_num(bar.features[3])
        return np.where(first > np.median(first), 0.1, 0.0)
"""


def test_what_is_outside_is_missing_and_told() -> None:
    close = np.array([[1e300, 5.0], [-1e12, 1e-300], [np.inf, 9e9], [0.0, 1e-6]])
    volume = np.array([[1e300, 0.0], [1e14, 1e-300], [3.0, np.nan], [5.0, 2.0]])
    tape = Tape("T", "t", Universe.of(["A", "B"]), np.arange(4) + 1, close, volume=volume)
    np.testing.assert_array_equal(tape.close, [[np.nan, 5.0], [np.nan, np.nan], [np.nan, 9e9], [0.0, 1e-6]])
    assert tape.volume is not None
    np.testing.assert_array_equal(tape.volume, [[np.nan, 0.0], [1e14, np.nan], [3.0, np.nan], [5.0, 2.0]])
    assert tape.notes == ("6 figures that no market has (a price of 1e300, say) were taken for missing.",)
    honest = Tape("T", "t", Universe.of(["A"]), np.arange(2) + 1, np.array([[1.0], [2.0]]))
    assert honest.notes == ()


def hostile(path: Path, n: int = 420) -> None:
    """Seven symbols: absurd volumes, absurd prices, single ones of both, the largest allowed, flat, and two honest."""
    rng = generator(7, "hostile")
    close = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.012, (n, 7)), axis=0))
    high, low, volume = close * 1.01, close * 0.99, np.full((n, 7), 1e6)
    volume[:, 0] = 1e300
    volume[::3, 2], volume[1::9, 2], volume[2::5, 2] = 1e308, 1e-300, 0.0
    close[:, 1] = 1e300 * (1.0 + 0.01 * rng.random(n))
    close[300::20, 2], close[310::20, 2] = 1e300, 1e-300
    high[330::20, 5], low[335::20, 5] = 1e300, 1e-300
    close[320::30, 3], volume[::4, 3] = 8.9e9, 9.9e14
    close[280:, 4], volume[280:, 4] = close[279, 4], 0.0
    days = np.datetime64("2015-01-01") + np.arange(2 * n)
    days = days[np.is_busday(days)][:n]
    rows = ["ts,symbol,open,high,low,close,volume"]
    for i, day in enumerate(days):
        rows += [
            f"{day},S{k},{close[i, k]:.6g},{high[i, k]:.6g},{low[i, k]:.6g},{close[i, k]:.6g},{volume[i, k]:.6g}"
            for k in range(7)
        ]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


@pytest.mark.parametrize("policy", [(), ("--policy", "every.py:Every")], ids=["ensemble", "every feature"])
def test_no_warning_reaches_the_user(tmp_path: Path, policy: tuple[str, ...]) -> None:
    hostile(tmp_path / "hostile.csv")
    (tmp_path / "every.py").write_text(EVERY_FEATURE, encoding="utf-8")
    (tmp_path / "config.toml").write_text("", encoding="utf-8")

    def ask(*words: str) -> dict[str, object]:
        ran = subprocess.run(
            [sys.executable, "-W", "error", "-m", "tuiconsole", *words, "--json"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert (ran.returncode, ran.stderr) == (0, "")
        found: dict[str, object] = json.loads(ran.stdout)
        return found

    made = ask("backtest", "--feed", "hostile.csv", "--start", "2016-02-01", "--name", "hostile", *policy)
    assert made["failed"] == []
    assert np.isfinite(float(str(made["final_equity"])))
    told = ask("report", "hostile", "--html", "hostile.html")
    assert any("figures that no market has" in str(sentence) for sentence in told["statements"])
