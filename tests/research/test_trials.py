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
from tuiconsole.research.trials import Counted, Subject, TrialCounter, TrialRow, trial_row

AB = Subject("t", ("A", "B"), 252.0)


def row(
    configuration: str = "c",
    sharpe: float | None = 0.1,
    subject: Subject = AB,
    first: int = 1,
    last: int = 9,
) -> TrialRow:
    return TrialRow(subject, configuration, first, last, 9, sharpe, Sample.IN, "test")


def on(counter: TrialCounter, first: int = 1, last: int = 9, *symbols: str) -> Trials:
    """What counts against a result on ``symbols`` (default A and B) from ``first`` to ``last``."""
    return counter.over(Subject("any", symbols or ("A", "B"), 252.0), first, last)


WRITER = """
import sys
from pathlib import Path
from tuiconsole.analytics.samples import Sample
from tuiconsole.research.trials import Subject, TrialCounter, TrialRow
here = Subject("t", ("A", "B"), 252.0)
counter = TrialCounter(Path(sys.argv[1]))
for i in range(int(sys.argv[3])):
    counter.add([TrialRow(here, f"{sys.argv[2]}-{i}", 1, 9, 9, 0.1, Sample.IN, "test")], i)
    print(i, flush=True)
"""


def test_different_trials_are_counted_and_repetitions_are_not(tmp_path: Path) -> None:
    counter = TrialCounter(tmp_path / "runs")
    assert on(counter) == Trials(0, 0.0)
    counter.add([row("a", 0.1), row("b", 0.3), row("c", None)], 5)
    counter.add([row("a", 0.1), row("a", 0.2, last=20), row("z", 9.0, Subject("other", ("Z",), 252.0))], 6)
    assert on(counter) == Trials(4, pytest.approx(statistics.variance([0.1, 0.3, 0.2])))
    assert on(counter, 1, 9, "Z") == Trials(1, 0.0)
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
            found = on(counter).count
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
    assert (on(counter).count, counter.evaluations()) == (45, 45)


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
    assert on(counter).count >= said + 2


def test_trials_cannot_be_taken_back(tmp_path: Path) -> None:
    counter = TrialCounter(tmp_path)
    counter.add([row()], 1)
    with sqlite3.connect(counter.path) as file:
        for statement in ("DELETE FROM trial", "UPDATE trial SET sharpe = 0"):
            with pytest.raises(sqlite3.IntegrityError, match="trials stay"):
                file.execute(statement)
    assert on(counter).count == 1


def test_a_file_that_is_no_counter_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "trials.db").write_bytes(b"not a database at all, but long enough to be read as one" * 20)
    with pytest.raises(StoreError, match="counter of trials"):
        TrialCounter(tmp_path).add([row()], 1)


def test_a_row_of_a_curve() -> None:
    returns = np.array([0.01, -0.005, 0.02])
    found = trial_row(AB, "c", Curve(Sample.OUT, np.array([3, 4, 5]), returns), "walk-forward")
    assert (found.first_ts, found.last_ts, found.bars, found.sample) == (3, 5, 3, Sample.OUT)
    assert found.sharpe == pytest.approx(returns.mean() / returns.std(ddof=1))
    empty = trial_row(AB, "c", Curve(Sample.IN, np.zeros(0, dtype=np.int64), np.zeros(0)), "x")
    assert (empty.first_ts, empty.bars, empty.sharpe) == (0, 0, None)


def test_looking_needs_no_right_to_write_and_makes_no_file(tmp_path: Path) -> None:
    counter = TrialCounter(tmp_path / "none")
    assert (on(counter), counter.evaluations()) == (Trials(0, 0.0), 0)
    assert list(tmp_path.iterdir()) == []
    counter.add([row()], 1)
    writing = sqlite3.connect(counter.path, isolation_level=None)
    writing.execute("BEGIN IMMEDIATE")
    assert (on(counter).count, counter.evaluations()) == (1, 1)
    writing.close()


def test_one_more_bar_forgets_nothing(tmp_path: Path) -> None:
    counter = TrialCounter(tmp_path)
    counter.add([row(f"c{i}", 0.1 * i) for i in range(4)], 1)
    longer = Subject("t and a bar", ("A", "B"), 252.0)
    counter.add([row("new", 0.4, longer, last=10)], 2)
    assert counter.over(longer, 1, 10) == Trials(
        5, pytest.approx(statistics.variance([0, 0.1, 0.2, 0.3, 0.4]))
    )


@pytest.mark.parametrize(
    ("first", "last", "symbols", "count"),
    [
        (9, 20, ("A",), 1),  # the last bar is shared
        (10, 20, ("A",), 0),  # the day after
        (0, 1, ("B", "Z"), 1),  # one moment, one symbol
        (1, 9, ("Z",), 0),  # no symbol is shared
        (4, 5, ("A", "B"), 1),  # within it
    ],
)
def test_a_trial_counts_when_time_and_a_symbol_are_shared(
    tmp_path: Path, first: int, last: int, symbols: tuple[str, ...], count: int
) -> None:
    counter = TrialCounter(tmp_path)
    counter.add([row()], 1)
    assert on(counter, first, last, *symbols).count == count


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(1, 9), st.integers(0, 4), st.sets(st.sampled_from("ABCD"), min_size=1)),
        max_size=8,
    ),
    st.tuples(st.integers(1, 9), st.integers(0, 4), st.sets(st.sampled_from("ABCD"), min_size=1)),
)
def test_the_rule_of_counting(
    drawn: list[tuple[int, int, set[str]]], asked: tuple[int, int, set[str]]
) -> None:
    subjects = [Subject("t", tuple(sorted(symbols)), 252.0) for *_, symbols in drawn]
    counted = Counted(
        tuple(
            ("t", f"c{i}", a, a + n, 0.1, subjects[i].universe, 252.0) for i, (a, n, _) in enumerate(drawn)
        ),
        {each.universe: frozenset(each.symbols) for each in subjects},
    )
    first, length, wanted = asked
    times = set(range(first, first + length + 1))
    expected = sum(1 for a, n, names in drawn if names & wanted and times & set(range(a, a + n + 1)))
    found = counted.over(Subject("u", tuple(sorted(wanted)), 252.0), first, first + length)
    assert found.count == expected


def test_repaired_prices_are_no_new_trial_and_tell_the_ratio(tmp_path: Path) -> None:
    counter = TrialCounter(tmp_path)
    counter.add([row("a", 0.1), row("b", 0.5)], 1)
    counter.add([row("a", 0.3, Subject("repaired", ("A", "B"), 252.0))], 2)
    assert on(counter) == Trials(2, pytest.approx(statistics.variance([0.3, 0.5])))


def test_ratios_of_other_bars_are_scaled(tmp_path: Path) -> None:
    counter = TrialCounter(tmp_path)
    minutes = Subject("m", ("A",), 252.0 * 400)
    counter.add([row("a", 0.01, minutes), row("b", 0.4)], 1)
    assert on(counter) == Trials(2, pytest.approx(statistics.variance([0.2, 0.4])))


def test_a_simulated_market_is_a_world_of_its_own() -> None:
    one, other = (Subject.of(digest, "simulated", ("SIM1",), 252.0) for digest in ("a" * 64, "b" * 64))
    assert not set(one.symbols) & set(other.symbols)
    assert Subject.of("a" * 64, "stocks.csv", ("B", "A"), 252.0).symbols == ("A", "B")


OLD = """
CREATE TABLE trial (number INTEGER PRIMARY KEY AUTOINCREMENT, tape TEXT NOT NULL, configuration TEXT NOT NULL,
    first_ts INTEGER NOT NULL, last_ts INTEGER NOT NULL, bars INTEGER NOT NULL, sharpe REAL, sample TEXT NOT NULL,
    origin TEXT NOT NULL, made_ns INTEGER NOT NULL);
CREATE INDEX trial_tape ON trial (tape);
CREATE TRIGGER trial_stays BEFORE DELETE ON trial BEGIN SELECT RAISE(ABORT, 'trials stay'); END;
CREATE TRIGGER trial_is BEFORE UPDATE ON trial BEGIN SELECT RAISE(ABORT, 'trials stay'); END;
INSERT INTO trial VALUES (1, 't', 'a', 1, 9, 9, 0.1, 'in-sample', 'backtest', 5);
INSERT INTO trial VALUES (2, 'u', 'b', 5, 30, 26, 0.3, 'in-sample', 'backtest', 6);
"""


def test_a_file_without_symbols_is_read_on(tmp_path: Path) -> None:
    counter = TrialCounter(tmp_path)
    with sqlite3.connect(counter.path) as file:
        file.executescript(OLD)
    expected = Trials(2, pytest.approx(statistics.variance([0.1, 0.3])))
    assert on(counter) == expected  # symbols unknown: time alone
    assert (on(counter, 20, 40).count, on(counter, 31, 40).count) == (1, 0)
    counter.add([row("a", 0.1)], 7)  # the same trial again, on the same tape
    assert (on(counter), counter.evaluations()) == (expected, 3)
    assert on(counter, 1, 9, "Z").count == 1  # the tape t holds no Z, by now that is known; u may
    with sqlite3.connect(counter.path) as file, pytest.raises(sqlite3.IntegrityError, match="trials stay"):
        file.execute("DELETE FROM trial")
