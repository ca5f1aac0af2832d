"""Whatever a verb prints at 80 columns fits them, also where symbols, runs, strategies and parameters have long names."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tests import desk_files
from tests.desk_files import DeskFiles
from tests.engine import rig as core
from tuiconsole.cli import main
from tuiconsole.domain.instruments import Universe
from tuiconsole.verbs.columns import GAP, fold, shortened, table
from tuiconsole.verbs.features import select_text

LONG = "a-run-with-a-name-as-long-as-anybody-could-ever-wish-for-it-0001"
STRATEGY = """
import numpy as np
from tuiconsole.strategy import Strategy
class AStrategyWithAnExceedinglyLongAndTellingName(Strategy):
    needs = ("rolling_mean_5", "rolling_mean_20")
    share_of_equity_in_every_single_symbol = 0.1
    another_parameter_that_changes_nothing_at_all = 1
    def weights(self, bar):
        fast, slow = bar.features
        return (fast > slow) * self.share_of_equity_in_every_single_symbol
"""
PERIODS = """
[periods.a_period_that_was_named_by_somebody_patient]
start = "2003-08-20"
end = "2003-10-20"
kind = "stress"
"""
GRID = (
    "--grid",
    "share_of_equity_in_every_single_symbol=0.05,0.1",
    "--grid",
    "another_parameter_that_changes_nothing_at_all=1,2",
    "--jobs",
    "1",
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> DeskFiles:
    """A desk whose every name is long, which has traded, and the runs of its studies."""
    tape = core.market()
    names = [f"EXTRAORDINARILY_LONG_{k}" for k in range(6)]
    made = desk_files.fresh(tmp_path_factory.mktemp("desk"), replace(tape, universe=Universe.of(names)))
    desk_files.trade(made)
    (made.home / "long.py").write_text(STRATEGY, encoding="utf-8")
    with made.config.open("a", encoding="utf-8") as file:
        file.write(PERIODS)
    where = ("--config", str(made.config))
    policy = ("--policy", "long.py:AStrategyWithAnExceedinglyLongAndTellingName")
    short = ("--train", "40", "--test", "30", "--purge", "2")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(made.home)
        assert main(["backtest", *where, *policy, "--name", LONG]) == 0
        assert (
            main(["walk-forward", *where, *policy, *GRID, *short, "--name", LONG.replace("run", "wfw")]) == 0
        )
        crossed = ("--folds", "4", "--blocks", "8", "--name", LONG.replace("run", "val"))
        assert main(["validate", *where, *policy, *GRID, *crossed]) == 0
    return made


def wide(text: str, width: int = 80) -> list[str]:
    """Lines that do not fit; one word alone (a path, a hash) may be as long as it is."""
    return [line for line in text.splitlines() if len(line) > width and len(line.split()) > 1]


RUNS = [LONG.replace("run", name) for name in ("run", "wfw", "val")]


@pytest.mark.parametrize(
    "words",
    [
        ("runs", "list"),
        ("runs", "show", RUNS[0]),
        ("runs", "show", RUNS[1]),
        ("runs", "compare", *RUNS),
        ("runs", "reproduce", RUNS[0]),
        ("report", RUNS[0]),
        ("report", RUNS[1]),
        ("report", RUNS[2]),
        ("sweep", "--policy", "long.py:AStrategyWithAnExceedinglyLongAndTellingName", *GRID),
        ("sweep", "--grid", "sizing.high_volatility_cut=0.1", "--grid", "sizing.relative_band=0.2"),
        ("tripwires", "--cuts", "1"),
        ("drift", "--start", "2003-08-16"),
        ("features", "list"),
        ("data", "universes"),
        ("data", "universes", "us_top"),
        ("data", "info"),
        ("data", "known"),
        ("status",),
        ("agents", "list"),
        ("why", "1"),
        ("verify",),
        ("parity",),
        ("doctor",),
    ],
    ids=lambda words: " ".join(words)[:24],
)
def test_every_verb_fits_80_columns(
    desk: DeskFiles,
    words: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(desk.home)
    needs_state = words[0] in {"status", "agents", "why", "verify", "parity", "doctor"}
    where = ["--config", str(desk.config), *(["--state", str(desk.state)] if needs_state else [])]
    capsys.readouterr()
    code = main([*words, *where])
    said = capsys.readouterr()
    if words == ("parity",):  # nothing was recorded: one sentence
        assert (code, said.out) == (1, "") or (code, said.out) == (2, "")
        return
    assert code in (0, 1), said.err
    assert said.out
    assert wide(said.out) == [] or said.out.count("\n") == 1, "one sentence is one line"


def test_names_are_shortened_before_columns_are_left_out() -> None:
    head, rows = ["name", "tape", "Sharpe"], [["x" * 30, "y" * 10, "1.25"], ["short", "z", "-0.50"]]
    whole = table(head, rows, 80, left=("tape",), drop=("tape",))
    assert whole[1] == f"{'x' * 30}  {'y' * 10}    1.25"
    cut = table(head, rows, 32, left=("tape",), drop=("tape",))
    assert cut[1] == f"xxxxxx…xxxxx  {'y' * 10}    1.25"
    assert cut[2].split() == ["short", "z", "-0.50"]
    dropped = table(head, rows, 26, left=("tape",), drop=("tape",))
    assert dropped[0] == f"{'name':<18}  Sharpe"
    assert all(len(line) <= 26 for line in dropped)
    assert shortened("abcdefghij", 5) == "ab…ij"


def test_a_choice_of_features_fits() -> None:
    found = {"name": "n" * 90, "information": 0.1, "rank_correlation": 0.2, "stability": 0.5, "cluster": 3}
    body = {
        "observations": 20_000,
        "first": "2001-01-01",
        "last": "2020-01-01",
        "horizon_bars": 5,
        "features": [{**found, "chosen": True}],
        "chosen": ["n" * 90],
        "clusters": 1,
        "digest": "d" * 64,
        "schema": "features.json",
    }
    assert wide(fold(select_text(body, 80), 80)) == []


def test_a_long_line_hangs_under_its_text() -> None:
    folded = fold("gate      refused by a rule whose name is long\nshort\n" + "x" * 50, 30)
    assert folded.splitlines() == [
        "gate      refused by a rule",
        "          whose name is long",
        "short",
        "x" * 50,
    ]
    coloured = "\x1b[31m" + "red " * 20
    assert fold(coloured, 30) == coloured
    assert re.fullmatch(r"(?:.{1,20}\n?)+", fold("some words that are not a label at all", 20))
    assert GAP == 2
