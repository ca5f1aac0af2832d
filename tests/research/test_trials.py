"""The counter of trials: nothing that was counted is lost, by processes side by side, by crashes, or by removing runs."""

from __future__ import annotations

import os
import signal
import sqlite3
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiconsole.analytics.samples import Curve, Sample
from tuiconsole.analytics.significance import Trials
from tuiconsole.domain.errors import StoreError
from tuiconsole.research.trials import TrialCounter, TrialRow, trial_row


def row(configuration: str = "c", sharpe: float | None = 0.1, tape: str = "t", last: int = 9) -> TrialRow:
    return TrialRow(tape, configuration, 1, last, 9, sharpe, Sample.IN, "test")


WRITER = """
import sys
from pathlib import Path
from tuiconsole.analytics.samples import Sample
from tuiconsole.research.trials import TrialCounter, TrialRow
counter = TrialCounter(Path(sys.argv[1]))
for i in range(int(sys.argv[3])):
    counter.add([TrialRow("t", f"{sys.argv[2]}-{i}", 1, 9, 9, 0.1, Sample.IN, "test")], i)
    print(i, flush=True)
"""


def test_different_trials_are_counted_and_repetitions_are_not(tmp_path: Path) -> None:
    counter = TrialCounter(tmp_path / "runs")
    assert counter.on("t") == Trials(0, 0.0)
    counter.add([row("a", 0.1), row("b", 0.3), row("c", None)], 5)
    counter.add([row("a", 0.1), row("a", 0.2, last=20), row("z", 9.0, tape="other")], 6)
    assert counter.on("t") == Trials(4, pytest.approx(statistics.variance([0.1, 0.3, 0.2])))
    assert counter.on("other") == Trials(1, 0.0)
    assert counter.evaluations() == 6


@settings(max_examples=15)
@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 3), st.floats(-1, 1)), max_size=25))
def test_the_count_never_falls(drawn: list[tuple[str, int, float]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        counter = TrialCounter(Path(folder))
        counted, seen = 0, {}
        for configuration, last, ratio in drawn[:6]:
            counter.add([row(configuration, ratio, last=last)], 1)
            seen.setdefault((configuration, last), ratio)
            found = counter.on("t").count
            assert found >= counted
            counted = found
        assert counted == len(seen)


def test_processes_side_by_side_lose_nothing(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(k), "15"], stdout=subprocess.DEVNULL
        )
        for k in range(3)
    ]
    assert [writer.wait(timeout=100) for writer in writers] == [0, 0, 0]
    counter = TrialCounter(tmp_path)
    assert (counter.on("t").count, counter.evaluations()) == (45, 45)


def test_a_killed_process_keeps_what_it_had_counted(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path), "k", "100000"], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        said = -1
        while said < 20:
            said = int(writer.stdout.readline())
        os.kill(writer.pid, signal.SIGKILL)
        said = max([said, *map(int, writer.stdout.read().split())])
    counter = TrialCounter(tmp_path)
    assert counter.evaluations() >= said + 1
    counter.add([row("after")], 1)
    assert counter.on("t").count >= said + 2


def test_trials_cannot_be_taken_back(tmp_path: Path) -> None:
    counter = TrialCounter(tmp_path)
    counter.add([row()], 1)
    with sqlite3.connect(counter.path) as file:
        for statement in ("DELETE FROM trial", "UPDATE trial SET sharpe = 0"):
            with pytest.raises(sqlite3.IntegrityError, match="trials stay"):
                file.execute(statement)
    assert counter.on("t").count == 1


def test_a_file_that_is_no_counter_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "trials.db").write_bytes(b"not a database at all, but long enough to be read as one" * 20)
    with pytest.raises(StoreError, match="counter of trials"):
        TrialCounter(tmp_path).add([row()], 1)


def test_a_row_of_a_curve() -> None:
    returns = np.array([0.01, -0.005, 0.02])
    found = trial_row("t", "c", Curve(Sample.OUT, np.array([3, 4, 5]), returns), "walk-forward")
    assert (found.first_ts, found.last_ts, found.bars, found.sample) == (3, 5, 3, Sample.OUT)
    assert found.sharpe == pytest.approx(returns.mean() / returns.std(ddof=1))
    empty = trial_row("t", "c", Curve(Sample.IN, np.zeros(0, dtype=np.int64), np.zeros(0)), "x")
    assert (empty.first_ts, empty.bars, empty.sharpe) == (0, 0, None)


def test_looking_needs_no_right_to_write_and_makes_no_file(tmp_path: Path) -> None:
    counter = TrialCounter(tmp_path / "none")
    assert (counter.on("t"), counter.evaluations()) == (Trials(0, 0.0), 0)
    assert list(tmp_path.iterdir()) == []
    counter.add([row()], 1)
    writing = sqlite3.connect(counter.path, isolation_level=None)
    writing.execute("BEGIN IMMEDIATE")
    assert (counter.on("t").count, counter.evaluations()) == (1, 1)
    writing.close()
