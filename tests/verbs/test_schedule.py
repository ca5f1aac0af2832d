"""``schedule``: what would be traded when, without trading it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.engine import rig
from tests.system import rig as system_rig
from tuiconsole.cli import app
from tuiconsole.domain.errors import UsageError
from tuiconsole.engine.launch import Launch, save_launch

HOUR = 3_600 * 10**9


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty days of four bars: half of a day's volume is in its last bar."""
    lines, rng = ["ts,symbol,open,high,low,close,volume"], np.random.default_rng(1)
    price = 50.0
    for day in np.arange("2020-01-06", "2020-04-10", dtype="datetime64[D]"):
        if (day.astype("datetime64[D]").view("int64") + 3) % 7 >= 5:
            continue
        for bar, volume in enumerate((30_000, 10_000, 10_000, 50_000)):
            price *= float(np.exp(rng.normal(0, 0.004)))
            lines.append(
                f"{day}T{15 + bar}:00:00Z,AAA,{price:.4f},{price:.4f},{price:.4f},{price:.4f},{volume}"
            )
    path = tmp_path_factory.mktemp("tape") / "bars.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def told(tape: Path, *more: str) -> dict[str, object]:
    done = CliRunner().invoke(app, ["schedule", "--feed", str(tape), "--symbol", "aaa", "--json", *more])
    assert done.exit_code == 0, done.output
    body: dict[str, object] = json.loads(done.stdout)
    return body


def sizes(body: dict[str, object]) -> list[float]:
    return [row["quantity"] for row in body["slices"]]  # type: ignore[index,attr-defined]


def test_a_vwap_follows_the_usual_day(tape: Path) -> None:
    body = told(tape, "--quantity", "-1000", "--algo", "vwap", "--bars", "4")
    assert body["profile_known"] is True
    assert sizes(body) == [-300, -100, -100, -500]
    later = told(tape, "--quantity", "1000", "--algo", "vwap", "--bars", "8")
    assert sizes(later) == [150, 50, 50, 250] * 2


def test_twap_is_even_and_is_hurries(tape: Path) -> None:
    assert sizes(told(tape, "--quantity", "1003", "--algo", "twap", "--bars", "6")) == [168, *[167] * 5]
    body = told(tape, "--quantity", "90000", "--bars", "5")
    assert body["algo"] == "is"
    found = sizes(body)
    assert sum(found) == 90_000
    assert found == sorted(found, reverse=True)
    assert found[0] > 18_000


def test_the_frontier_trades_cost_for_risk(tape: Path) -> None:
    points = told(tape, "--quantity", "90000", "--bars", "5")["frontier"]
    costs, risks = ([row[name] for row in points] for name in ("cost_bps", "risk_bps"))  # type: ignore[attr-defined]
    assert costs == sorted(costs)
    assert risks == sorted(risks, reverse=True)
    assert points[0]["half_life_bars"] is None  # type: ignore[index]


def test_it_knows_nothing_after_its_end(tape: Path) -> None:
    body = told(tape, "--quantity", "100", "--end", "2020-02-03")
    assert str(body["as_of"]).startswith("2020-01-31")


def test_people_read_a_table(tape: Path) -> None:
    done = CliRunner().invoke(
        app, ["schedule", "--feed", str(tape), "--symbol", "AAA", "--quantity", "-500", "--algo", "pov"]
    )
    assert "sell 500 AAA by pov over 5 bars" in done.stdout
    assert "pov follows the volume that comes" in done.stdout
    assert "all at once:" in done.stdout


@pytest.mark.parametrize(
    ("more", "what"),
    [
        (["--symbol", "ZZZ", "--quantity", "5"], "ZZZ is not on the tape"),
        (["--symbol", "AAA", "--quantity", "0.2"], "less than one lot"),
        (["--symbol", "AAA", "--quantity", "5", "--algo", "best"], "no algorithm 'best'"),
    ],
)
def test_what_cannot_be_scheduled_is_one_sentence(tape: Path, more: list[str], what: str) -> None:
    done = CliRunner().invoke(app, ["schedule", "--feed", str(tape), *more])
    assert isinstance(done.exception, UsageError)
    assert what in str(done.exception)


def test_what_fills_taught_is_told_once_it_is_learned(tmp_path: Path) -> None:
    """A desk that ran with costs to learn: its fills are read, and too few of them are said to be that."""
    market = rig.market()
    chosen = rig.planned(market)
    learning = replace(chosen.settings.execution, learn_costs=True)
    state, data = tmp_path / "state.db", system_rig.write_csv(tmp_path / "six.csv", market)
    session, store = rig.on_disk(chosen, state)
    rig.drive(session, store, rig.WARMUP + 40)
    fills = session.desk.orders.fills_total
    assert fills > 10
    store.close()
    feed = replace(chosen.settings.feed, feed="replay", path=str(data))
    save_launch(state, Launch("replay", replace(chosen.settings, execution=learning, feed=feed)))
    config = tmp_path / "config.toml"
    order = ["schedule", "--config", str(config), "--feed", str(data), "--symbol", "AAA", "--quantity", "50"]
    for wanted, text in (("false", None), ("true", "nothing that the fills taught is proven yet")):
        config.write_text(f"[execution]\nlearn_costs = {wanted}\n")
        done = CliRunner().invoke(app, ["--state", str(state), *order])
        assert done.exit_code == 0, done.exception
        assert ("taught" in done.stdout) == (text is not None)
        assert text is None or text in done.stdout
