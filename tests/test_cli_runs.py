"""Stored runs on the command line: kept, listed, compared, run again bit for bit, removed, and counted for good."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests import desk_files
from tests.desk_files import DeskFiles
from tests.engine import rig as core
from tuiconsole.cli import main


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> DeskFiles:
    made = desk_files.fresh(tmp_path_factory.mktemp("desk"), core.market())
    assert main(["backtest", "--config", str(made.config), "--name", "all", "--json"]) == 0
    agents = ["--agents", "breakout", "--end", "2003-12-01"]
    assert main(["backtest", "--config", str(made.config), "--name", "one", *agents, "--json"]) == 0
    return made


def answer(capsys: pytest.CaptureFixture[str], desk: DeskFiles, *words: str, code: int = 0) -> dict[str, Any]:
    capsys.readouterr()
    found = main([*words, "--config", str(desk.config), "--json"])
    out, err = capsys.readouterr()
    assert (found, err) == (code, ""), err
    body: dict[str, Any] = json.loads(out)
    return body


def said(capsys: pytest.CaptureFixture[str], desk: DeskFiles, *words: str, code: int = 0) -> str:
    capsys.readouterr()
    assert main([*words, "--config", str(desk.config)]) == code
    out, err = capsys.readouterr()
    return out if code == 0 else err


def test_runs_are_listed_with_their_figures(desk: DeskFiles, capsys: pytest.CaptureFixture[str]) -> None:
    body = answer(capsys, desk, "runs", "list")
    assert [row["name"] for row in body["runs"]] == ["all", "one"]
    assert body["evaluations"] == 2
    assert body["directory"] == str(desk.home / "runs")
    text = said(capsys, desk, "runs", "list")
    assert "in-sample" in text
    assert "backtests evaluated here so far: 2" in text
    shown = answer(capsys, desk, "runs", "show", "one")
    assert shown["provenance"]["arguments"] == {
        "end": "2003-12-01",
        "agents": "breakout",
        "period": None,
        "benchmark": None,
    }
    assert shown["outcome"]["order_hash"] in said(capsys, desk, "runs", "show", "one")
    empty = said(capsys, desk, "runs", "list", "--runs", str(desk.home / "none"))
    assert "No runs" in empty


def test_two_runs_side_by_side(desk: DeskFiles, capsys: pytest.CaptureFixture[str]) -> None:
    body = answer(capsys, desk, "runs", "compare", "all", "one")
    assert body["settings"].keys() == {"agents.enabled"}
    assert body["settings"]["agents.enabled"]["one"] == ["breakout"]
    assert (body["same_tape"], body["same_orders"]) == (True, False)
    assert body["metrics"]["total_return"]["all"] != body["metrics"]["total_return"]["one"]
    text = said(capsys, desk, "runs", "compare", "all", "one")
    assert "agents.enabled" in text
    assert text.startswith("IN-SAMPLE")
    same = said(capsys, desk, "runs", "compare", "all", "all")
    assert "the same settings" in same
    assert "the same orders" in same


def test_a_run_comes_out_the_same_bit_for_bit(desk: DeskFiles, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("all", "one"):
        body = answer(capsys, desk, "runs", "reproduce", name)
        assert body["ok"]
        assert body["order_hash"]["stored"] == body["order_hash"]["found"]
        assert body["journal_head"]["stored"] == body["journal_head"]["found"]
    assert "came out the same" in said(capsys, desk, "runs", "reproduce", "one")
    assert answer(capsys, desk, "runs", "list")["evaluations"] == 2, "running again is no new trial"


def test_a_run_that_does_not_come_out_the_same_fails(
    desk: DeskFiles, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    forged = desk.copy_to(tmp_path / "forged")
    path = forged.home / "runs" / "one" / "run.json"
    facts = json.loads(path.read_text())
    facts["provenance"]["settings"]["execution"]["fixed_usd"] = 7.5
    facts["provenance"]["settings"]["feed"]["path"] = str(forged.data)
    path.write_text(json.dumps(facts))
    body = answer(capsys, forged, "runs", "reproduce", "one", code=1)
    assert body["journal_head"]["stored"] != body["journal_head"]["found"]
    facts["provenance"]["settings"]["execution"]["gone"] = 1
    path.write_text(json.dumps(facts))
    assert "are those of version" in said(capsys, forged, "runs", "reproduce", "one", code=1)
    del facts["provenance"]["settings"]["execution"]["gone"]
    path.write_text(json.dumps(facts))
    lines = forged.data.read_text().splitlines()
    forged.data.write_text("\n".join(lines[:-6]) + "\n")
    assert "have changed since" in said(capsys, forged, "runs", "reproduce", "one", code=1)


def test_the_report_of_a_run(desk: DeskFiles, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    page = tmp_path / "one.html"
    body = answer(capsys, desk, "report", "one", "--html", str(page))
    shown = answer(capsys, desk, "runs", "show", "one")
    assert body["metrics"]["total_return"] == shown["metrics"]["total_return"]
    assert body["trials"] == 2
    assert page.stat().st_size > 1_000_000
    text = said(capsys, desk, "report", "one")
    assert "2 different trials were counted" in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_names_are_refused_before_anything_runs(desk: DeskFiles, capsys: pytest.CaptureFixture[str]) -> None:
    assert "already a run named one" in said(capsys, desk, "backtest", "--name", "one", code=2)
    assert "cannot name a run" in said(capsys, desk, "backtest", "--name", "../x", code=2)
    assert "no run named nothing" in said(capsys, desk, "report", "nothing", code=2)
    assert answer(capsys, desk, "runs", "list")["evaluations"] == 2


def test_a_named_period_says_what_its_bars_are(
    desk: DeskFiles, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    copy = desk.copy_to(tmp_path / "copy")
    with copy.config.open("a", encoding="utf-8") as file:
        file.write(
            '\n[periods]\nseen = { start = "2003-08-20", end = "2003-09-30", kind = "in-sample" }\n'
            'apart = { start = "2003-10-01", end = "2003-11-30", kind = "out-of-sample" }\n'
        )
    apart = answer(capsys, copy, "backtest", "--period", "apart", "--name", "apart")
    assert (apart["first"], apart["last"], apart["bars"]) == ("2003-10-01", "2003-11-30", 61)
    assert answer(capsys, copy, "runs", "show", "apart")["sample"] == "out-of-sample"
    text = said(capsys, copy, "report", "apart")
    assert text.startswith("apart   OUT-OF-SAMPLE")
    assert "In-sample:" not in text
    answer(capsys, copy, "backtest", "--period", "seen", "--name", "seen")
    both = said(capsys, copy, "runs", "compare", "seen", "apart")
    assert both.index("IN-SAMPLE") < both.index("OUT-OF-SAMPLE")
    assert answer(capsys, copy, "runs", "reproduce", "apart")["ok"]
    assert "no period 'x'" in said(capsys, copy, "backtest", "--period", "x", code=2)
    assert "Leave out" in said(capsys, copy, "backtest", "--period", "seen", "--end", "2003-11-01", code=2)
    assert "Leave out" in said(capsys, copy, "backtest", "--period", "seen", "--start", "2003-11-01", code=2)


def test_a_removed_run_stays_counted(
    desk: DeskFiles, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    copy = desk.copy_to(tmp_path / "copy")
    assert answer(capsys, copy, "runs", "remove", "one") == {"removed": "one"}
    body = answer(capsys, copy, "runs", "list")
    assert ([row["name"] for row in body["runs"]], body["evaluations"]) == (["all"], 2)
    assert answer(capsys, copy, "report", "all")["trials"] == 2


def test_every_view_of_a_run_deflates_it_by_the_trials_counted_since(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = desk_files.fresh(tmp_path, core.market())
    first = answer(capsys, made, "backtest", "--name", "first")["metrics"]
    answer(
        capsys,
        made,
        "sweep",
        "--grid",
        "sizing.band=0.02,0.3",
        "--grid",
        "risk.name_cap=0.05,0.1",
        "--jobs",
        "1",
    )
    now = answer(capsys, made, "report", "first")["metrics"]["deflated_sharpe"]
    assert now < first["deflated_sharpe"]
    seen = [
        answer(capsys, made, "runs", "show", "first")["metrics"]["deflated_sharpe"],
        answer(capsys, made, "runs", "list")["runs"][0]["metrics"]["deflated_sharpe"],
        answer(capsys, made, "runs", "compare", "first")["metrics"]["deflated_sharpe"]["first"],
    ]
    assert seen == pytest.approx([now] * 3, rel=1e-9)


@pytest.mark.parametrize(
    "words",
    [["backtest"], ["sweep", "--grid", "sizing.band=0.1,0.2"], ["validate", "--grid", "sizing.band=0.1,0.2"]],
)
def test_a_place_that_cannot_hold_runs_is_found_before_anything_runs(
    words: list[str], desk: DeskFiles, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuiconsole.research.backtests.run_backtest", lambda *_, **__: pytest.fail("it ran"))
    taken = desk.home / "taken"
    taken.write_text("a file")
    text = said(capsys, desk, *words, "--runs", str(taken), code=1)
    assert text == f"Runs cannot be stored in {taken}: Not a directory. Use another --runs.\n"


@pytest.mark.parametrize("symbol", ["ZZZ", "EEE"])
def test_a_benchmark_that_cannot_be_held_is_found_before_anything_runs(
    symbol: str, desk: DeskFiles, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    lines = desk.data.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if ",EEE," not in line or line >= "2003-12"]
    (tmp_path / "late.csv").write_text("\n".join(kept) + "\n", encoding="utf-8")
    words = ["--feed", str(tmp_path / "late.csv"), "--benchmark", symbol, "--runs", str(tmp_path / "runs")]
    text = said(capsys, desk, "backtest", *words, code=2)
    assert ("is not among the symbols" if symbol == "ZZZ" else "has no price at the first bar") in text
    assert not list((tmp_path / "runs").glob("backtest*"))
