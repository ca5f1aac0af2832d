"""The command line: every verb is documented and says how it is used, every answer has its stable keys, and ``why``
holds enough to work an order's quantity out again."""

from __future__ import annotations

import json
import math
import re
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from tests import desk_files
from tests.desk_files import DeskFiles
from tests.engine import rig as core
from tuiconsole import __version__
from tuiconsole.cli import app, main
from tuiconsole.portfolio.settings import SizingSettings

README = Path(__file__).resolve().parent.parent / "README.md"
ROOT = typer.main.get_command(app)
VERBS = sorted(ROOT.commands)  # type: ignore[attr-defined]
GROUPS = ("agents", "data", "features", "runs")
SECOND_VERBS = [f"{group} {verb}" for group in GROUPS for verb in ROOT.commands[group].commands]  # type: ignore[attr-defined]
ANSWERING = {
    "agents list",
    "agents enable",
    "agents disable",
    "archive",
    "backtest",
    "backup",
    "data import",
    "data import-macro",
    "data known",
    "data pull",
    "data info",
    "doctor",
    "features list",
    "features select",
    "halt",
    "headless",
    "kill",
    "pause",
    "rearm",
    "replay",
    "report",
    "restore",
    "resume",
    "runs compare",
    "runs list",
    "runs remove",
    "runs reproduce",
    "runs show",
    "status",
    "stop",
    "validate",
    "verify",
    "walk-forward",
    "why",
}


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    with tempfile.TemporaryDirectory(prefix="tc-") as runtime:
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        yield


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> DeskFiles:
    made = desk_files.fresh(tmp_path_factory.mktemp("desk"), core.market())
    desk_files.trade(made)
    return made


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    """What a verb printed; nothing on standard error."""
    found = main(list(arguments))
    out, err = capsys.readouterr()
    assert (found, err) == (code, "")
    return out


def body(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> dict[str, Any]:
    """The one JSON object of a verb; non-finite numbers are refused as JSON refuses them."""

    def refuse(name: str) -> float:
        raise AssertionError(f"{name} is not JSON")

    out = said(capsys, *arguments, "--json", code=code)
    assert out.count("\n") == 1
    found: dict[str, Any] = json.loads(out, parse_constant=refuse)
    return found


# ---- the face -----------------------------------------------------------------------------------------------------------


def test_the_verbs() -> None:
    running = ["attach", "backtest", "headless", "replay"]
    stopping = ["halt", "kill", "pause", "rearm", "resume", "stop"]
    assert {*running, *stopping, "agents", "doctor", "status", "verify", "why"} <= set(VERBS)


@pytest.mark.parametrize("verb", ["", *VERBS, *SECOND_VERBS])
def test_every_verb_says_how_it_is_used(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, *verb.split(), "--help")
    assert text == said(capsys, *verb.split(), "-h")
    assert "Usage:" in text
    assert verb.rsplit(maxsplit=1)[-1] in text if verb else "headless" in text
    plain = re.sub(r"[^ -~]", " ", text)
    described = re.search(r"Usage:.*?\n\s*\n\s*(\S[^\n]+)", text, re.DOTALL)
    assert described is not None, f"{verb} says in a sentence what it does"
    if verb in ANSWERING:
        assert "--json" in plain
    if verb and verb not in GROUPS:
        assert "--config" in plain


def test_the_readme_names_every_verb_and_nothing_else() -> None:
    if not README.exists():
        pytest.skip("there is no README.md yet")
    text = README.read_text(encoding="utf-8")
    for verb in VERBS:
        assert re.search(rf"tuiconsole {verb}\b|`{verb}[` ]", text), f"README.md does not name {verb}"
    named = set(re.findall(r"tuiconsole ([a-z-]+)\b", text))
    code = set(re.findall(r"`tuiconsole ([a-z-]+)\b", text))
    assert code <= set(VERBS), f"README.md names verbs that do not exist: {code - set(VERBS)} (all: {named})"
    for option in set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)):
        assert option in _all_options(), f"README.md names {option}, which no verb takes"


def _all_options() -> set[str]:
    found = {"--debug", "--help", "--feed"}
    groups = [ROOT.commands[group] for group in GROUPS]  # type: ignore[attr-defined]
    commands = [
        ROOT,
        *ROOT.commands.values(),
        *(verb for group in groups for verb in group.commands.values()),
    ]  # type: ignore[attr-defined]
    for command in commands:
        for parameter in command.params:
            found.update(parameter.opts)
    return found


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "--version") == f"{__version__}\n"


# ---- stable keys --------------------------------------------------------------------------------------------------------

BACKTEST_KEYS = {
    "journal_head",
    "order_hash",
    "symbols",
    "bars",
    "orders",
    "fills",
    "seconds",
    "symbol_bars_per_s",
    "final_equity",
    "metrics",
}
STATUS_KEYS = {
    "state",
    "mode",
    "feed",
    "clock",
    "equity",
    "cash",
    "positions",
    "working_orders",
    "agents",
    "engine_pid",
    "data_age_s",
    "journal_rows",
    "journal_head",
}


def test_backtest(desk: DeskFiles, capsys: pytest.CaptureFixture[str]) -> None:
    found = body(capsys, "backtest", "--config", str(desk.config))
    assert found.keys() >= BACKTEST_KEYS
    assert (found["symbols"], found["bars"]) == (6, 140)
    assert found["orders"] >= found["fills"] - found["orders"] > -found["orders"]
    assert re.fullmatch("[0-9a-f]{64}", found["journal_head"])
    assert re.fullmatch("[0-9a-f]{64}", found["order_hash"])
    assert all(value is None or isinstance(value, float) for value in found["metrics"].values())
    assert found["metrics"]["total_return"] == pytest.approx(found["final_equity"] / 100_000 - 1)
    fewer = body(
        capsys, "backtest", "--config", str(desk.config), "--agents", "breakout", "--end", "2003-12-01"
    )
    assert fewer["bars"] < found["bars"]
    assert fewer["order_hash"] != found["order_hash"]
    text = said(capsys, "backtest", "--config", str(desk.config))
    assert f"{found['final_equity']:,.2f}" in text
    assert found["journal_head"][:16] in text


def test_backtest_keeps_its_journal_and_never_touches_the_state_file(
    desk: DeskFiles, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    before = desk.snapshot()
    kept = tmp_path / "kept.journal"
    found = body(capsys, "backtest", "--config", str(desk.config), "--journal", str(kept))
    again = body(capsys, "backtest", "--config", str(desk.config))
    assert found["journal_head"] == again["journal_head"]
    assert kept.stat().st_size > 10_000
    assert desk.snapshot() == before


def test_status_of_a_stopped_desk(desk: DeskFiles, capsys: pytest.CaptureFixture[str]) -> None:
    found = body(capsys, "status", *desk.options())
    assert found.keys() >= STATUS_KEYS
    assert (found["state"], found["engine_pid"]) == ("stopped", None)
    text = said(capsys, "status", *desk.options())
    assert text.startswith("STOPPED  replay · six")
    for row in found["positions"]:
        assert row["symbol"] in text


def test_verify(desk: DeskFiles, capsys: pytest.CaptureFixture[str]) -> None:
    found = body(capsys, "verify", *desk.options())
    assert found.keys() >= {"ok", "rows", "head", "first_bad"}
    assert (found["ok"], found["first_bad"], found["replayed"]) == (True, None, found["rows"])
    chain = body(capsys, "verify", "--chain-only", *desk.options())
    assert (chain["ok"], chain["head"], chain["replayed"]) == (True, found["head"], 0)
    assert said(capsys, "verify", *desk.options()).startswith(f"ok: {found['rows']} rows")


def test_verify_finds_the_row_that_was_changed(
    desk: DeskFiles, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    forged = desk.copy_to(tmp_path / "forged")
    with sqlite3.connect(forged.state) as store:
        store.execute(
            "UPDATE journal SET payload = (SELECT payload FROM journal WHERE seq = 9) WHERE seq = 7"
        )
    store.close()
    found = body(capsys, "verify", *forged.options(), code=1)
    assert (found["ok"], found["first_bad"], found["replayed"]) == (False, 7, 0)
    assert said(capsys, "verify", *forged.options(), code=1).startswith("NOT OK: ")


def test_doctor(desk: DeskFiles, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    found = body(capsys, "doctor", *desk.options())
    assert found["ok"] is True, found
    names = [check["name"] for check in found["checks"]]
    assert {"python", "packages", "sqlite", "configuration", "data", "state file", "latch", "engine"} <= set(
        names
    )
    assert all(check.keys() == {"name", "ok", "detail"} for check in found["checks"])
    text = said(capsys, "doctor", *desk.options())
    assert text.endswith("all is well\n")
    ill = body(capsys, "doctor", "--config", "gone.toml", code=1)
    assert ill["ok"] is False
    assert [c["name"] for c in ill["checks"] if not c["ok"]] == ["configuration"]


def test_agents_list(desk: DeskFiles, capsys: pytest.CaptureFixture[str]) -> None:
    found = body(capsys, "agents", "list", *desk.options())
    assert found["running"] is False
    assert len(found["agents"]) == 5
    assert all(row.keys() == {"name", "enabled", "weight"} for row in found["agents"])
    assert "No engine runs" in said(capsys, "agents", "list", *desk.options())


# ---- why ----------------------------------------------------------------------------------------------------------------


def chain(desk: DeskFiles, capsys: pytest.CaptureFixture[str], order: object) -> dict[str, Any]:
    return body(capsys, "why", str(order), *desk.options())


def test_why_walks_the_whole_chain(desk: DeskFiles, capsys: pytest.CaptureFixture[str]) -> None:
    found = chain(desk, capsys, 3)
    for part in (
        "order",
        "decision",
        "symbol",
        "bar",
        "prices",
        "features",
        "regime",
        "agents",
        "blend",
        "sizing",
    ):
        assert found[part], part
    for part in ("intent", "gate", "updates", "fills", "sheet", "scalars"):
        assert part in found
    assert found["gate"]["approved"] is True
    assert found["order"]["number"] == 3
    assert found["fills"][0]["bar_seq"] > found["decision"]["bar_seq"], "never filled on the bar that decided"
    same = chain(desk, capsys, found["order"]["id"])
    assert same == found
    assert chain(desk, capsys, f"{found['decision']['seq']}:{found['symbol'].lower()}") == found
    text = said(capsys, "why", "3", *desk.options())
    for word in (found["symbol"], "agent", "blend", "gate", "approved", "fill"):
        assert word in text


def by_hand(found: dict[str, Any]) -> tuple[float, float]:
    """Target weight and order quantity, from the numbers of ``why --json`` alone.

    Follows the chain in the docstring of ``engine/pipeline.py`` with plain arithmetic: calibrated forecasts are blended
    over the weights' horizon, the blend sized by Kelly, scaled to the volatility target and the gross limit, and turned
    into whole lots. ``kelly_volatility`` and ``gross_scale`` depend on the other symbols too; they are taken as given.
    """
    agents, sizing = found["agents"].values(), found["sizing"]
    for agent in agents:
        if agent["mean"] is not None:
            assert agent["calibrated"] == pytest.approx(agent["slope"] * agent["mean"], rel=1e-12)
    horizon = max(
        1, round(sum(a["weight"] * a["horizon"] for a in agents) / sum(a["weight"] for a in agents))
    )
    assert horizon == found["blend"]["blend_horizon"]
    speaking = [a for a in agents if a["mean"] is not None and a["weight"] > 0]
    means = [a["calibrated"] * min(1.0, horizon / a["horizon"]) for a in speaking]
    variances = [a["sigma"] ** 2 * horizon / a["horizon"] for a in speaking]
    raw = [a["weight"] / variance for a, variance in zip(speaking, variances, strict=True)]
    shares = [value / sum(raw) for value in raw]
    mean = sum(share * m for share, m in zip(shares, means, strict=True))
    variance = sum(
        share * (v + (m - mean) ** 2) for share, v, m in zip(shares, variances, means, strict=True)
    )
    kelly = min(sizing["name_limit"], max(0.0, sizing["kelly_fraction"] * mean / variance))
    settings = SizingSettings()
    cut = settings.high_volatility_cut * found["regime"]["volatility_high"]
    assert sizing["volatility_target"] == pytest.approx(settings.volatility_target * (1.0 - cut), rel=1e-12)
    ratio = sizing["volatility_target"] / sizing["kelly_volatility"]
    bounded = min(settings.greatest_volatility_scale, max(settings.least_volatility_scale, ratio))
    assert sizing["volatility_scale"] == pytest.approx(bounded, rel=1e-12)
    scaled = min(sizing["name_limit"], kelly * sizing["volatility_scale"])
    weight = scaled * sizing["gross_scale"]
    lots = math.trunc(weight * sizing["equity"] / sizing["lot_value"])
    quantity = lots * sizing["lot"]
    assert sizing["lot_value"] == found["prices"]["price"] * sizing["lot"]
    return weight, quantity - found["intent"]["position"]


def test_every_order_can_be_worked_out_again(desk: DeskFiles, capsys: pytest.CaptureFixture[str]) -> None:
    """Buys and sells alike: from each agent's mean and sigma to the number of shares."""
    sides = {"buy": 0, "sell": 0}
    last = body(capsys, "why", "1", *desk.options())["order"]["number"]
    number = last
    while True:
        if main(["why", str(number), *desk.options(), "--json"]) != 0:
            capsys.readouterr()
            break
        found = json.loads(capsys.readouterr().out)
        weight, quantity = by_hand(found)
        assert weight == pytest.approx(found["sizing"]["target_weight"], rel=1e-9)
        assert found["sizing"]["acting"] == 1.0
        pending = found["intent"]["target"] - found["intent"]["position"] - quantity
        assert pending == 0, "in this market no order was on its way when the next was decided"
        assert quantity == found["order"]["quantity"] == found["intent"]["quantity"]
        sides[found["order"]["side"]] += 1
        number += 1
    assert sides["buy"] > 10
    assert sides["sell"] > 10


def test_why_of_a_refused_order_names_the_rule(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    desk = desk_files.fresh(tmp_path / "tight", core.market())
    with desk.config.open("a", encoding="utf-8") as file:
        file.write("[risk]\norder_notional_usd = 5000\n")
    desk_files.trade(desk, 3)
    seen = set()
    for decision in (1, 2, 3):
        for symbol in core.SYMBOLS:
            if main(["why", f"{decision}:{symbol}", *desk.options(), "--json"]) == 0:
                found = json.loads(capsys.readouterr().out)
                if not found["gate"]["approved"]:
                    seen.add(found["gate"]["rule_name"])
                    assert found["order"] is None
                    assert found["fills"] == []
                    assert found["gate"]["value"] > found["gate"]["limit"]
            else:
                capsys.readouterr()
    assert seen, "something was refused, and says by which rule"
