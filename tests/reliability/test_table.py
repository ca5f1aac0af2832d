"""The table of promises is current, names tests that exist and parts that ``make soak`` has."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import soak
from tests.reliability.campaigns import CAMPAIGNS, Outcome
from tools import write_reliability
from tools.write_reliability import DOCUMENT, PROMISES, document, figures

TESTS = Path(__file__).resolve().parent.parent


def test_the_document_is_current() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "run: python tools/write_reliability.py"


def test_every_promise_is_there_once() -> None:
    assert [promise.number for promise in PROMISES] == list(range(1, 17))
    for promise in PROMISES:
        assert promise.tests or promise.open, (
            f"promise {promise.number} has neither proof nor a word about it"
        )


def test_every_named_test_exists() -> None:
    for promise in PROMISES:
        for name in promise.tests:
            file, _, test = name.partition("::")
            assert (TESTS / file).exists(), name
            assert not test or f"def {test}(" in (TESTS / file).read_text(encoding="utf-8"), name


def test_every_figure_belongs_to_a_part_of_the_soak() -> None:
    known = set(soak.parts(None, 1.0))
    assert {part for promise in PROMISES for part in promise.parts} <= known
    assert set(figures()) <= known


def test_the_soak_records_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in (soak, write_reliability):
        monkeypatch.setattr(module, "FIGURES", tmp_path / "figures.json")
    monkeypatch.setattr(write_reliability, "DOCUMENT", tmp_path / "page.md")
    assert soak.main(["--part", "tampering", "--seeds", "13", "--record"]) == 0
    assert figures()["tampering"]["figure"] == "13 changes of 13 kinds: 13 found"
    assert "tampering: 13 changes" in (tmp_path / "page.md").read_text()
    bad = Outcome(1, "one trial", ("it broke",))
    monkeypatch.setitem(CAMPAIGNS, "tampering", type(CAMPAIGNS["tampering"])(1, lambda count: bad))
    assert soak.main(["--part", "tampering", "--record"]) == 1
    assert "it broke" in capsys.readouterr().err
    assert "**1 FAILURES**" in (tmp_path / "page.md").read_text()
