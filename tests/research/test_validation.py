"""Walk-forward and cross-validation over real runs of the desk: what is judged never helped to choose."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.engine.rig import market, settings
from tuiconsole.analytics.performance import sharpe
from tuiconsole.analytics.samples import Curve, Sample
from tuiconsole.domain.clock import EventClock, iso
from tuiconsole.domain.errors import UsageError
from tuiconsole.engine.policies import PolicySettings, with_source
from tuiconsole.engine.settings import Settings
from tuiconsole.market.tape import Tape
from tuiconsole.research.backtests import backtest
from tuiconsole.research.grid import applied, parse_axis
from tuiconsole.research.settings import ResearchSettings
from tuiconsole.research.sweeps import Trial, sweep
from tuiconsole.research.validation import (
    Paths,
    WalkForward,
    Window,
    overfitting,
    procedure_digest,
    trial_matrix,
    validate_combinatorial,
    validate_forward,
)

TILT = """
import numpy as np
from tuiconsole.strategy import Strategy
class Tilt(Strategy):
    first = 0
    share = 0.08
    rebalance = "every bar"
    def weights(self, bar):
        weights = np.zeros(len(bar.price))
        weights[self.first] = self.share
        return weights
"""
WHERE = ResearchSettings(
    jobs=1, train_bars=60, test_bars=25, purge_bars=3, embargo_bars=2, folds=5, test_folds=2, blocks=8
)
AXES = [parse_axis("first=0,1,2,3")]


@pytest.fixture(scope="module")
def tape() -> Tape:
    return market(290)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, tape: Tape) -> Settings:
    folder = tmp_path_factory.mktemp("tilt")
    (folder / "tilt.py").write_text(TILT, encoding="utf-8")
    return replace(settings(tape, 120), policy=with_source(PolicySettings("tilt.py:Tilt"), folder))


@pytest.fixture(scope="module")
def trials(base: Settings, tape: Tape) -> list[Trial]:
    return sweep(base, tape, AXES, WHERE, curves=True)


@pytest.fixture(scope="module")
def walked(base: Settings, tape: Tape, trials: list[Trial]) -> WalkForward:
    return validate_forward(base, tape, trials, WHERE, EventClock())


def test_each_window_trades_what_was_best_before_it(
    base: Settings, tape: Tape, trials: list[Trial], walked: WalkForward
) -> None:
    ts, returns = trial_matrix(trials)
    capital = base.engine.capital
    assert len(walked.windows) == 5
    for k, window in enumerate(walked.windows):
        first = 60 + 3 + 25 * k
        rows = slice(first - 63, first - 3)
        assert window.train == (ts[rows][0], ts[rows][-1])
        ratios = [sharpe(returns[rows, n], 252) for n in range(4)]
        assert window.values == {"first": int(np.argmax(ratios))}
        assert window.in_sample == pytest.approx(max(ratios))
        assert window.test[0] == ts[first]
        asked = applied(base, window.values)
        asked = replace(
            asked,
            engine=replace(asked.engine, capital=capital),
            feed=replace(asked.feed, start=iso(int(ts[first]))),
        )
        end = tape.index_from(int(ts[first])) + len(window.out_of_sample)
        alone = backtest(asked, tape, EventClock(), end=end).result
        assert (1 + window.out_of_sample.returns).prod() == pytest.approx(alone.final_equity / capital)
        assert alone.fills > 0
        capital = round(alone.final_equity, 2)
    assert walked.curve.ts.tolist() == ts[63:].tolist()
    assert capital == pytest.approx(base.engine.capital * (1 + walked.curve.returns).prod(), rel=1e-6)


def test_the_future_changes_nothing_before_it(base: Settings, tape: Tape, walked: WalkForward) -> None:
    """Other prices from the third window on: the first two choose and trade as before."""
    cut = tape.index_from(walked.windows[2].test[0])
    close = tape.close.copy()
    close[cut:] = close[cut - 1] * np.linspace(1.0, 0.5, len(close) - cut)[:, None]
    other = replace(tape, close=close)
    again = validate_forward(base, other, sweep(base, other, AXES, WHERE, curves=True), WHERE, EventClock())
    for before, after in zip(walked.windows[:2], again.windows[:2], strict=True):
        assert (before.values, before.in_sample) == (after.values, after.in_sample)
        assert before.out_of_sample.returns.tolist() == after.out_of_sample.returns.tolist()
    assert walked.curve.returns.tolist() != again.curve.returns.tolist()


def test_a_grid_in_which_nothing_moves_stays_out(base: Settings, tape: Tape) -> None:
    still = sweep(base, tape, [parse_axis("share=0.0,0.000000001")], WHERE, curves=True)
    found = validate_forward(base, tape, still, WHERE, EventClock())
    assert [window.values for window in found.windows] == [None] * 5
    assert not found.curve.returns.any()
    paths = validate_combinatorial(still, WHERE, 252)
    assert paths.chosen.tolist() == [-1] * 10
    assert np.isnan(paths.sharpes(252)).all()


def test_paths_cover_every_bar_with_choices_that_never_saw_it(trials: list[Trial]) -> None:
    ts, returns = trial_matrix(trials)
    found = validate_combinatorial(trials, WHERE, 252)
    assert (len(found.paths), len(found.chosen)) == (4, 10)
    assert all(path.ts.tolist() == ts.tolist() for path in found.paths)
    fold = len(ts) // 5
    for path in found.paths:
        for k in range(5):
            rows = slice(k * fold, len(ts) if k == 4 else (k + 1) * fold)
            assert any((path.returns[rows] == returns[rows, n]).all() for n in range(4))
    changed = [
        replace(
            trial,
            curve=Curve(
                Sample.IN,
                ts,
                np.where(np.arange(len(ts)) < 2 * fold, trial.curve.returns[::-1], trial.curve.returns),
            ),
        )
        for trial in trials
        if trial.curve is not None
    ]
    again = validate_combinatorial(changed, WHERE, 252)
    assert again.chosen[0] == found.chosen[0], (
        "the first split judges the first two folds: they cannot change its choice"
    )
    assert again.in_sample[0] == found.in_sample[0]


def test_the_probability_of_overfitting_of_runs(trials: list[Trial]) -> None:
    found = overfitting(trials, WHERE)
    assert len(found.logits) == 70
    assert 0 <= found.probability <= 1


def test_results_of_validation_refuse_what_was_seen(walked: WalkForward, trials: list[Trial]) -> None:
    seen = trials[0].curve
    assert seen is not None
    assert seen.sample is Sample.IN
    window = walked.windows[0]
    with pytest.raises(UsageError, match="no result of a validation"):
        Window(window.train, window.test, window.values, 1.0, seen, "")
    with pytest.raises(UsageError, match="no result of a validation"):
        WalkForward(walked.windows, seen)
    with pytest.raises(UsageError, match="no result of a validation"):
        Paths((seen,), np.zeros(1), np.zeros(1, dtype=np.int64))
    with pytest.raises(UsageError, match="never share a line"):
        walked.curve.then(seen)


def test_a_failed_trial_and_too_few_bars(base: Settings, tape: Tape, trials: list[Trial]) -> None:
    light = sweep(base, tape, AXES, WHERE)
    assert [trial.curve for trial in light] == [None] * 4
    assert [trial.row for trial in light] == [trial.row for trial in trials]
    failed = replace(trials[1], error="It broke.")
    with pytest.raises(UsageError, match="failed: It broke"):
        validate_combinatorial([trials[0], failed], WHERE, 252)
    with pytest.raises(UsageError, match="too few"):
        validate_forward(base, tape, trials, replace(WHERE, train_bars=200), EventClock())


def test_every_way_of_walking_is_a_trial_of_its_own(trials: list[Trial]) -> None:
    found = {
        procedure_digest(trials, WHERE, False),
        procedure_digest(trials, WHERE, True),
        procedure_digest(trials[:2], WHERE, False),
        procedure_digest(trials, replace(WHERE, test_bars=26), False),
    }
    assert len(found) == 4
    assert procedure_digest(trials[::-1], WHERE, False) in found


def test_grids_from_a_file(tmp_path: Path) -> None:
    from tuiconsole.research.grid import parse_axes

    file = tmp_path / "grid.toml"
    file.write_text("fast = [10, 20]\n[sizing]\nband = [0.1, 0.2]\n")
    assert [(axis.name, axis.values) for axis in parse_axes([str(file), "slow=1,2"])] == [
        ("fast", (10, 20)),
        ("sizing.band", (0.1, 0.2)),
        ("slow", (1, 2)),
    ]
    file.write_text("fast = 10\n")
    with pytest.raises(UsageError, match="must be a list"):
        parse_axes([str(file)])
    file.write_text("fast = [\n")
    with pytest.raises(UsageError, match="not valid TOML"):
        parse_axes([str(file)])
    with pytest.raises(UsageError, match="cannot be read"):
        parse_axes([str(tmp_path / "none.toml")])
