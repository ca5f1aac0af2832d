"""Studies: stored and loaded bit for bit, answered again, and never a line that a choice has seen."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.engine.rig import market, settings
from tests.research.test_validation import TILT, WHERE
from tuiconsole.analytics.samples import Curve, Sample
from tuiconsole.analytics.significance import Trials
from tuiconsole.domain.clock import EventClock
from tuiconsole.domain.errors import StoreError, UsageError
from tuiconsole.engine.policies import PolicySettings, with_source
from tuiconsole.market.tape import Tape
from tuiconsole.research.grid import parse_axis
from tuiconsole.research.runs import RunStore
from tuiconsole.research.studies import CROSSED, FORWARD, Question, Study, load_study, save_study, study
from tuiconsole.research.trials import TrialRow


@pytest.fixture(scope="module")
def tape() -> Tape:
    return market(220)


@pytest.fixture(scope="module")
def question(tape: Tape, tmp_path_factory: pytest.TempPathFactory) -> Question:
    folder = tmp_path_factory.mktemp("tilt")
    (folder / "tilt.py").write_text(TILT, encoding="utf-8")
    base = replace(settings(tape, 60), policy=with_source(PolicySettings("tilt.py:Tilt"), folder))
    return Question(FORWARD, base, (parse_axis("first=0,1"),), None, WHERE)


@pytest.fixture(scope="module")
def walked(question: Question, tape: Tape) -> tuple[Study, list[TrialRow]]:
    rows: list[TrialRow] = []
    return study(question, tape, EventClock(5), rows.extend), rows


def test_every_trial_and_the_procedure_are_counted(walked: tuple[Study, list[TrialRow]]) -> None:
    made, rows = walked
    assert [row.sample for row in rows] == [Sample.IN, Sample.IN, Sample.OUT]
    assert {row.origin for row in rows} == {"walk-forward"}
    assert rows[-1].bars == len(made.curves[0])
    assert made.period == (rows[0].first_ts, rows[0].last_ts)


def test_a_stored_study_comes_back(walked: tuple[Study, list[TrialRow]], tmp_path: Path) -> None:
    made, _ = walked
    store = RunStore(tmp_path)
    saved = save_study(store, made, Trials(4, 0.01), "")
    assert saved.name == "walk-forward-0001"
    found = load_study(store, saved.name)
    assert found.curves[0].returns.tobytes() == made.curves[0].returns.tobytes()
    assert found.curves[0].ts.tolist() == made.curves[0].ts.tolist()
    assert replace(found, curves=()) == replace(saved, curves=())
    assert store.period(saved.name) == made.period
    facts = store.facts(saved.name)
    assert facts["sample"] == "out-of-sample"
    assert facts["in_sample_metrics"].keys() == {"sharpe"}
    assert "NaN" not in json.dumps(facts)
    with pytest.raises(UsageError, match="is a walk-forward, not a single backtest"):
        store.load(saved.name)
    path = tmp_path / saved.name / "curves.parquet"
    path.write_bytes(path.read_bytes()[:-5] + b"12345")
    with pytest.raises(StoreError, match=r"curves\.parquet was changed"):
        load_study(store, saved.name)


def test_a_stored_question_is_the_same_question(
    question: Question, walked: tuple[Study, list[TrialRow]], tape: Tape
) -> None:
    made, _ = walked
    asked = replace(
        made, provenance=replace(made.provenance, arguments=json.loads(json.dumps(question.arguments)))
    )
    again = study(Question.again(asked, WHERE), tape, EventClock(9), lambda _rows: None)
    assert (again.order_hash, again.result_hash) == (made.order_hash, made.result_hash)
    other = study(replace(question, expanding=True), tape, EventClock(5), lambda _rows: None)
    assert other.result_hash != made.result_hash


def test_more_trials_deflate_more(walked: tuple[Study, list[TrialRow]]) -> None:
    made, _ = walked
    few, many = (made.body(Trials(count, 0.01))["out_of_sample"]["deflated_sharpe"] for count in (2, 200))
    assert many < few <= made.answer["out_of_sample"]["probabilistic_sharpe"]


def test_paths_of_a_cross_validation_are_kept(question: Question, tape: Tape, tmp_path: Path) -> None:
    made = study(replace(question, verb=CROSSED), tape, EventClock(5), lambda _rows: None)
    saved = save_study(RunStore(tmp_path), made, Trials(2, 0.01), "crossed")
    found = load_study(RunStore(tmp_path), "crossed")
    assert len(found.curves) == made.answer["out_of_sample"]["paths"] == 4
    for one, other in zip(found.curves, saved.curves, strict=True):
        assert one.returns.tobytes() == other.returns.tobytes()
    assert made.body(Trials(2, 0.01))["in_sample"]["deflated_sharpe"] is not None


def test_a_line_that_was_seen_is_no_result(walked: tuple[Study, list[TrialRow]]) -> None:
    made, _ = walked
    seen = Curve(Sample.IN, np.array([1, 2]), np.array([0.1, 0.2]))
    with pytest.raises(UsageError, match="no result of a walk-forward"):
        replace(made, curves=(seen,))
