"""Sweeps: the same results one by one, in processes and on Ray; failures are values; the ranking is honest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.engine.rig import market, settings
from tuiconsole.domain.clock import EventClock
from tuiconsole.domain.errors import UsageError
from tuiconsole.engine.build import plan
from tuiconsole.engine.policies import PolicySettings, with_source
from tuiconsole.engine.settings import Settings
from tuiconsole.engine.shared_market import SharedMarket
from tuiconsole.market.tape import Tape
from tuiconsole.research.backtests import backtest
from tuiconsole.research.grid import applied, parse_axis
from tuiconsole.research.settings import ResearchSettings
from tuiconsole.research.sweeps import Trial, ranked, sweep

HOLD = """
from tuiconsole.strategy import Strategy
class Hold(Strategy):
    share = 0.1
    fail_at = 0
    def weights(self, bar):
        if self.fail_at and bar.seq >= self.fail_at:
            raise ValueError("as asked")
        return bar.price * 0.0 + self.share
"""
ONE_BY_ONE = ResearchSettings(jobs=1)


@pytest.fixture
def tape() -> Tape:
    return market(170)


@pytest.fixture
def base(tmp_path: Path, tape: Tape) -> Settings:
    (tmp_path / "hold.py").write_text(HOLD, encoding="utf-8")
    return replace(settings(tape, 120), policy=with_source(PolicySettings("hold.py:Hold"), tmp_path))


def without_time(trials: list[Trial]) -> list[Trial]:
    return [replace(trial, seconds=0.0) for trial in trials]


def test_every_combination_is_the_backtest_of_its_settings(base: Settings, tape: Tape) -> None:
    axes = [parse_axis("share=0.05,0.1"), parse_axis("execution.fixed_usd=0.0,5.0")]
    trials = sweep(base, tape, axes, ONE_BY_ONE)
    assert [dict(trial.values) for trial in trials] == [
        {"share": 0.05, "execution.fixed_usd": 0.0},
        {"share": 0.05, "execution.fixed_usd": 5.0},
        {"share": 0.1, "execution.fixed_usd": 0.0},
        {"share": 0.1, "execution.fixed_usd": 5.0},
    ]
    for trial in trials:
        alone = backtest(applied(base, trial.values), tape, EventClock()).result
        assert (trial.order_hash, trial.orders) == (alone.order_hash, alone.orders)
    cheap, dear = trials[0].metrics["total_return"], trials[1].metrics["total_return"]
    assert cheap is not None
    assert dear is not None
    assert cheap - dear == pytest.approx(6 * 5.0 / 100_000, rel=1e-9)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("where", [ResearchSettings(jobs=2), ResearchSettings(jobs=2, cluster="local")])
def test_where_it_runs_changes_nothing(base: Settings, tape: Tape, where: ResearchSettings) -> None:
    axes = [parse_axis("share=0.05,0.1")]
    assert without_time(sweep(base, tape, axes, where)) == without_time(sweep(base, tape, axes, ONE_BY_ONE))


CROSS = """
from tuiconsole.strategy import Strategy
class Cross(Strategy):
    fast = 5
    slow = 20
    @property
    def needs(self):
        return (f"rolling_mean_{self.slow}", f"rolling_mean_{self.fast}")
    def weights(self, bar):
        slow, fast = bar.features
        return (fast > slow) * 0.1
"""


def test_a_market_worked_out_once_changes_no_byte(tmp_path: Path) -> None:
    tape = market(400)
    (tmp_path / "cross.py").write_text(CROSS, encoding="utf-8")
    cross = replace(settings(tape, 60), policy=with_source(PolicySettings("cross.py:Cross"), tmp_path))
    axes = [parse_axis("fast=3,5"), parse_axis("slow=10,20"), parse_axis("defence.memory_bars=30,60")]
    for trial in sweep(cross, tape, axes, ONE_BY_ONE):
        alone = backtest(applied(cross, trial.values), tape, EventClock()).result
        assert trial.orders == alone.orders > 20
        assert trial.order_hash == alone.order_hash


def test_a_market_too_short_is_no_market() -> None:
    tape = market(200)
    chosen = settings(tape, 120)
    shared = SharedMarket.of(chosen, tape, plan(chosen, tape, "backtest").policy.needs, 0, 120, 150)
    with pytest.raises(ValueError, match="the shared market ends at bar 150, 200 was asked for"):
        backtest(chosen, tape, EventClock(), shared=shared)


def test_a_failing_run_is_a_value_and_comes_last(base: Settings, tape: Tape) -> None:
    trials = ranked(sweep(base, tape, [parse_axis("fail_at=130,0")], ONE_BY_ONE), "sharpe")
    assert [trial.values["fail_at"] for trial in trials] == [0, 130]
    assert trials[0].error == ""
    assert "ValueError: as asked (line 8 of hold.py)" in trials[1].error


def test_a_wrong_axis_is_refused_before_anything_runs(base: Settings, tape: Tape) -> None:
    with pytest.raises(UsageError, match="Hold has no parameter 'shar'"):
        sweep(base, tape, [parse_axis("shar=1,2")], ONE_BY_ONE)
    with pytest.raises(UsageError, match="There is no metric 'luck'"):
        ranked(sweep(base, tape, [parse_axis("share=0.1")], ONE_BY_ONE), "luck")


def test_the_smallest_drawdown_is_the_best_one() -> None:
    def trial(fall: float) -> Trial:
        return Trial({}, {"max_drawdown": fall, "sharpe": fall}, "", 0, 0, 0.0)

    trials = [trial(0.3), trial(0.1), trial(0.2)]
    assert [each.metrics["max_drawdown"] for each in ranked(trials, "max_drawdown")] == [0.1, 0.2, 0.3]
    assert [each.metrics["sharpe"] for each in ranked(trials, "sharpe")] == [0.3, 0.2, 0.1]
