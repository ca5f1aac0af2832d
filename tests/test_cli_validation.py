"""The verbs that judge a grid: stable keys, in-sample apart from out-of-sample, and every trial counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests import desk_files
from tests.desk_files import DeskFiles
from tests.engine import rig as core
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
    assert found["windows"][0]["test"][0] in (tmp_path / "f.html").read_text(encoding="utf-8")
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
