"""Out-of-sample results of choosing from a grid: walking forward, and combinatorial purged cross-validation.

Every combination of the grid is run once over the whole period with the whole desk; on the rows of a split that may choose, the
highest Sharpe ratio wins. A walk-forward then starts a fresh desk with the winner on the bars that follow: warmed up, from
cash, every cost paid, with the equity that the window before left. Cross-validation judges the winner by its rows of the one
run, so moving from one winner's positions to the next is not charged there; what it is for is the spread of outcomes.

Choosing is done on curves that are in-sample; results are curves that are out-of-sample, and only :func:`_unseen` and the fresh
desks of the walk-forward make those.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tuiconsole.analytics.performance import sharpe
from tuiconsole.analytics.samples import Curve, Sample
from tuiconsole.domain.clock import Clock, iso
from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.engine.settings import Settings
from tuiconsole.market.tape import Tape
from tuiconsole.research.backtests import Backtest, backtest
from tuiconsole.research.grid import Value, applied
from tuiconsole.research.overfitting import Overfitting, probability_of_overfitting
from tuiconsole.research.settings import ResearchSettings
from tuiconsole.research.splits import combinatorial, walk_forward
from tuiconsole.research.sweeps import Trial, returns_of


@dataclass(frozen=True, slots=True)
class Window:
    """One step of a walk-forward.

    Attributes
    ----------
    train, test
        First and last bar, ns UTC, of the bars chosen on and judged on.
    values
        The combination that was chosen; None when no trial moved on the bars chosen on: the desk stayed out.
    in_sample
        Its annual Sharpe ratio on the bars it was chosen on.
    out_of_sample
        What a fresh desk made of it on the bars after; returns per bar.
    order_hash
        Of that desk's orders; empty when it stayed out.
    """

    train: tuple[int, int]
    test: tuple[int, int]
    values: Mapping[str, Value] | None
    in_sample: float
    out_of_sample: Curve
    order_hash: str

    def __post_init__(self) -> None:
        """Refuse what was seen before."""
        _require_unseen(self.out_of_sample)


@dataclass(frozen=True, slots=True)
class WalkForward:
    """All windows in order; ``curve`` is the line that they make, out-of-sample from end to end."""

    windows: tuple[Window, ...]
    curve: Curve

    def __post_init__(self) -> None:
        """Refuse what was seen before."""
        _require_unseen(self.curve)


@dataclass(frozen=True, slots=True)
class Paths:
    """Combinatorial purged cross-validation: each path covers every bar once, judged by choices that never saw it.

    Attributes
    ----------
    paths
        Out-of-sample curves.
    in_sample
        float64 ``[n_splits]``: annual Sharpe ratio of each choice on the bars it was made on.
    chosen
        int64 ``[n_splits]``: the trial that was chosen.
    """

    paths: tuple[Curve, ...]
    in_sample: FloatArray
    chosen: IntArray

    def __post_init__(self) -> None:
        """Refuse what was seen before."""
        for path in self.paths:
            _require_unseen(path)

    def sharpes(self, bars_per_year: float) -> FloatArray:
        """Annual Sharpe ratio of each path; NaN where nothing moved."""
        return np.array([sharpe(path.returns, bars_per_year) for path in self.paths])


def _require_unseen(curve: Curve) -> None:
    if curve.sample is not Sample.OUT:
        raise UsageError(f"An {curve.sample.value} curve is no result of a validation.")


def trial_matrix(trials: Sequence[Trial]) -> tuple[IntArray, FloatArray]:
    """Times int64 ``[n_bars]`` and in-sample returns float64 ``[n_bars, n_trials]`` of all trials.

    Raises
    ------
    UsageError
        A trial failed: choosing among what is left would hide it.
    """
    failed = next((trial for trial in trials if trial.error or trial.curve is None), None)
    if failed is not None:
        raise UsageError(
            f"The combination {dict(failed.values)} failed: {failed.error}", "Take it out of the grid."
        )
    curves = [trial.curve for trial in trials if trial.curve is not None]
    return curves[0].ts, np.column_stack([curve.returns for curve in curves])


def validate_forward(
    settings: Settings,
    tape: Tape,
    trials: Sequence[Trial],
    where: ResearchSettings,
    clock: Clock,
    expanding: bool = False,
    tell: Callable[[int, int], None] | None = None,
) -> WalkForward:
    """Walk forward over ``trials``, which cover the whole period.

    Parameters
    ----------
    settings
        Those that the grid was applied to.
    tell
        Hears how many windows of how many are done.

    Raises
    ------
    UsageError
        A trial failed, or there are too few bars for one window.
    """
    ts, returns = trial_matrix(trials)
    splits = walk_forward(len(ts), where.train_bars, where.test_bars, where.purge_bars, expanding)
    capital = settings.engine.capital
    windows: list[Window] = []
    for done, split in enumerate(splits):
        (rows,) = split.tests
        best, ratio = _choose(returns[split.train])
        if best is None:
            values, curve, orders = None, Curve(Sample.OUT, ts[rows], np.zeros(len(rows))), ""
        else:
            values = trials[best].values
            traded = _traded(applied(settings, values), tape, ts[rows], capital, clock)
            curve, orders = returns_of(traded, Sample.OUT), traded.result.order_hash
        capital = round(capital * float(np.prod(1.0 + curve.returns)), 2)
        windows.append(
            Window(
                (int(ts[split.train[0]]), int(ts[split.train[-1]])),
                (int(ts[rows[0]]), int(ts[rows[-1]])),
                values,
                ratio * settings.engine.bars_per_year**0.5,
                curve,
                orders,
            )
        )
        if tell is not None:
            tell(done + 1, len(splits))
    line = windows[0].out_of_sample
    for window in windows[1:]:
        line = line.then(window.out_of_sample)
    return WalkForward(tuple(windows), line)


def _traded(settings: Settings, tape: Tape, ts: IntArray, capital: float, clock: Clock) -> Backtest:
    """What a fresh desk with ``capital`` makes of the bars ``ts``; it warms up on the bars before."""
    first = tape.index_from(int(ts[0]))
    engine = replace(settings.engine, capital=capital)
    feed = replace(settings.feed, start=iso(int(ts[0])))
    return backtest(replace(settings, engine=engine, feed=feed), tape, clock, end=first + len(ts))


def validate_combinatorial(trials: Sequence[Trial], where: ResearchSettings, bars_per_year: float) -> Paths:
    """Combinatorial purged cross-validation of choosing among ``trials``; errors as in :func:`trial_matrix`."""
    ts, returns = trial_matrix(trials)
    splits = combinatorial(len(ts), where.folds, where.test_folds, where.purge_bars, where.embargo_bars)
    parts: dict[int, dict[int, FloatArray]] = {}
    ratios, choices = [], []
    for split in splits:
        best, ratio = _choose(returns[split.train])
        ratios.append(ratio * bars_per_year**0.5)
        choices.append(-1 if best is None else best)
        for rows, path in zip(split.tests, split.paths, strict=True):
            judged = np.zeros(len(rows)) if best is None else returns[rows, best]
            parts.setdefault(path, {})[int(rows[0])] = judged
    paths = tuple(
        _unseen(ts, np.concatenate([blocks[first] for first in sorted(blocks)]))
        for _, blocks in sorted(parts.items())
    )
    return Paths(paths, np.array(ratios), np.array(choices, dtype=np.int64))


def overfitting(trials: Sequence[Trial], where: ResearchSettings) -> Overfitting:
    """The probability that the best of ``trials`` is noise; errors as in :func:`trial_matrix` and there."""
    return probability_of_overfitting(trial_matrix(trials)[1], where.blocks)


def procedure_digest(trials: Sequence[Trial], where: ResearchSettings, expanding: bool) -> str:
    """Sixteen hex digits that tell one way of walking forward over one grid from any other, for the counter of trials."""
    content = [
        sorted(trial.configuration for trial in trials),
        where.train_bars,
        where.test_bars,
        where.purge_bars,
        expanding,
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def _choose(returns: FloatArray) -> tuple[int | None, float]:
    """The trial with the highest Sharpe ratio per bar on ``[n, n_trials]``, the first of equals, and that ratio."""
    ratios = np.array([sharpe(column, 1.0) for column in returns.T])
    if np.isnan(ratios).all():
        return None, float("nan")
    best = int(np.nanargmax(ratios))
    return best, float(ratios[best])


def _unseen(ts: IntArray, returns: FloatArray) -> Curve:
    """Rows that were judged by a choice made without them."""
    return Curve(Sample.OUT, ts, returns)
