"""The verbs that judge a grid: stable keys, in-sample apart from out-of-sample, and every trial counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests import desk_files
from tests.desk_files import DeskFiles
from tests.engine import rig as core
from tests.reports.test_html import Page
from tests.research.test_validation import TILT
from tuiconsole.cli import main


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> DeskFiles:
    made = desk_files.fresh(tmp_path_factory.mktemp("desk"), core.market())
    (made.home / "tilt.py").write_text(TILT, encoding="utf-8")
    return made


def ask(capsys: pytest.CaptureFixture[str], desk: DeskFiles, verb: str, *words: str, code: int = 0) -> str:
    capsys.readouterr()
    policy = ["--policy", str(desk.home / "tilt.py") + ":Tilt", "--grid", "first=0,1,2", "--jobs", "1"]
    assert main([verb, "--config", str(desk.config), *policy, *words]) == code
    out, err = capsys.readouterr()
    return out if code == 0 else err


def body(capsys: pytest.CaptureFixture[str], desk: DeskFiles, verb: str, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ask(capsys, desk, verb, *words, "--json"))
    return found


def test_walk_forward(desk: DeskFiles, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ["--train", "40", "--test", "30", "--purge", "2", "--runs", str(tmp_path / "runs")]
    found = body(capsys, desk, "walk-forward", *words)
    assert (found["combinations"], found["trials"], len(found["windows"])) == (3, 4, 4)
    assert found["in_sample"].keys() == {"sharpe", "chosen"}
    assert found["out_of_sample"]["deflated_sharpe"] <= found["out_of_sample"]["probabilistic_sharpe"]
    total = 1.0
    for window in found["windows"]:
        assert window["train"][1] < window["test"][0]
        total *= 1 + window["out_of_sample_return"]
    assert found["out_of_sample"]["total_return"] == pytest.approx(total - 1)
    assert found["out_of_sample"]["annual_return"] is None, "less than a year"
    again = body(capsys, desk, "walk-forward", *words)
    assert again["trials"] == 4, "the same again is no new trial"
    assert again["windows"] == found["windows"]
    wider = body(capsys, desk, "walk-forward", *words, "--expanding")
    assert wider["trials"] == 5
    text = ask(capsys, desk, "walk-forward", *words, "--html", str(tmp_path / "f.html"))
    page = (tmp_path / "f.html").read_text(encoding="utf-8")
    assert found["windows"][0]["test"][0] in page
    assert any("survivors" in note for note in found["notes"])
    assert all(note in " ".join(text.split()) and note in page for note in found["notes"])
    seen, unseen = text.split("OUT-OF-SAMPLE")
    assert "IN-SAMPLE" in seen
    assert all(window["test"][0] in unseen for window in found["windows"])
    assert all(f"{window['train'][0]} to" in seen for window in found["windows"])
    assert all(len(line) <= 80 for line in text.splitlines())


def test_validate(desk: DeskFiles, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = [
        "--folds",
        "4",
        "--blocks",
        "8",
        "--purge",
        "2",
        "--embargo",
        "1",
        "--runs",
        str(tmp_path / "runs"),
    ]
    found = body(capsys, desk, "validate", *words)
    unseen = found["out_of_sample"]
    assert (unseen["splits"], unseen["paths"], len(unseen["sharpe"])) == (6, 3, 3)
    assert found["overfitting"]["combinations"] == 70
    assert 0 <= found["overfitting"]["probability"] <= 1
    assert found["trials"] == 3
    text = ask(capsys, desk, "validate", *words)
    assert "IN-SAMPLE\n" in text
    assert "OUT-OF-SAMPLE: 6 purged splits, 3 paths" in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_a_sweep_counts_its_trials(
    desk: DeskFiles, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    found = body(capsys, desk, "sweep", "--runs", str(tmp_path / "runs"))
    assert found["trials_counted"] == 3
    assert "curve" not in found["trials"][0]
    assert body(capsys, desk, "validate", "--folds", "4", "--runs", str(tmp_path / "runs"))["trials"] == 3


@pytest.mark.parametrize(
    ("verb", "words", "sentence"),
    [
        ("walk-forward", ["--train", "5"], "train_bars must be greater than or equal to 20"),
        ("walk-forward", ["--train", "400"], "too few to choose on"),
        ("validate", ["--folds", "4", "--test-folds", "4"], "do not go together"),
        ("validate", ["--blocks", "7"], "must be even"),
        ("validate", ["--end", "2003-08-18"], "leave nothing"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    desk: DeskFiles, capsys: pytest.CaptureFixture[str], verb: str, words: list[str], sentence: str
) -> None:
    assert sentence in ask(capsys, desk, verb, *words, code=2)


def runs(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    capsys.readouterr()
    assert main([*words]) == code
    out, err = capsys.readouterr()
    return out if code == 0 else err


def test_studies_are_runs_whose_samples_stay_apart(
    desk: DeskFiles, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    where = ["--config", str(desk.config), "--runs", str(tmp_path / "runs")]
    short = ["--train", "40", "--test", "30", "--purge", "2", *where[2:]]
    walked = body(capsys, desk, "walk-forward", "--name", "walked", *short)
    crossed = body(capsys, desk, "validate", "--folds", "4", "--blocks", "8", *where[2:])
    assert (walked["run"], crossed["run"]) == ("walked", "validate-0001")
    assert "already a run named walked" in ask(
        capsys, desk, "walk-forward", "--name", "walked", *short, code=2
    )
    listed = json.loads(runs(capsys, "runs", "list", *where, "--json"))
    rows = {row["name"]: row for row in listed["runs"]}
    assert {name: row["sample"] for name, row in rows.items()} == dict.fromkeys(
        ("walked", "validate-0001"), "out-of-sample"
    )
    assert rows["walked"]["metrics"]["total_return"] == walked["out_of_sample"]["total_return"]
    assert rows["validate-0001"]["metrics"]["sharpe"] == crossed["out_of_sample"]["sharpe_mean"]
    both = json.loads(runs(capsys, "runs", "compare", "walked", "validate-0001", *where, "--json"))
    seen = [ratio for ratio in walked["in_sample"]["sharpe"] if ratio is not None]
    assert both["in_sample_metrics"]["sharpe"] == {
        "walked": pytest.approx(sum(seen) / len(seen)),
        "validate-0001": crossed["in_sample"]["sharpe"],
    }
    assert both["metrics"]["sharpe"]["walked"] == walked["out_of_sample"]["sharpe"]
    assert both["same_tape"]
    text = runs(capsys, "runs", "compare", "walked", "validate-0001", *where)
    assert text.startswith("IN-SAMPLE, where it was chosen\n")
    assert "Sharpe, worst path" not in text.split("OUT-OF-SAMPLE")[0]
    shown = runs(capsys, "runs", "show", "walked", *where)
    assert shown.index("IN-SAMPLE\nfigure") < shown.index("OUT-OF-SAMPLE\nfigure")


def test_the_report_of_a_study_is_what_its_verb_said(
    desk: DeskFiles, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    where = ["--config", str(desk.config), "--runs", str(tmp_path / "runs")]
    words = ["--train", "40", "--test", "30", "--purge", "2", "--html", str(tmp_path / "one.html")]
    said = ask(capsys, desk, "walk-forward", "--name", "walked", *words, *where[2:])
    assert said.endswith("stored as walked\n")
    told = runs(capsys, "report", "walked", *where, "--html", str(tmp_path / "two.html"))
    assert told.partition("written to")[0] == said.removesuffix("stored as walked\n")
    assert (tmp_path / "one.html").read_text() == (tmp_path / "two.html").read_text()
    ask(capsys, desk, "walk-forward", *words[:-2], "--expanding", *where[2:])
    later = json.loads(runs(capsys, "report", "walked", *where, "--json"))
    assert later["trials"] == 5, "every trial counted since deflates it"
    assert "came out the same" in runs(capsys, "runs", "reproduce", "walked", *where)
    path = tmp_path / "runs" / "walked" / "run.json"
    facts = json.loads(path.read_text())
    facts["outcome"]["result_hash"] = "0" * 64
    path.write_text(json.dumps(facts))
    capsys.readouterr()
    assert main(["runs", "reproduce", "walked", *where]) == 1
    assert "result hash   was 0000000000000000" in capsys.readouterr().out


def test_the_page_of_a_cross_validation(
    desk: DeskFiles, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["--folds", "4", "--blocks", "8", "--html", str(tmp_path / "v.html")]
    found = body(capsys, desk, "validate", *words, "--runs", str(tmp_path / "runs"))
    page = Page((tmp_path / "v.html").read_text(encoding="utf-8"))
    assert page.figures["sharpe"] == f"{found['out_of_sample']['sharpe_mean']:.2f}"
    assert page.tables["chosen"][2] == ["Sharpe", f"{found['in_sample']['sharpe']:.2f}"]
    data = json.loads(page.scripts["data"])
    assert len(data["paths"]) == 3
    assert "in_sample" not in data
    drawn = page.scripts["2"].split("function draw()")[1].split("Plotly.react")[1]
    assert '"--out"' in drawn
    assert '"--in"' not in drawn
