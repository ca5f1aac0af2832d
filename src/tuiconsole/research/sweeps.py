"""Sweeps: the desk over one history with every combination of a grid, in parallel here or on a Ray cluster.

The same joblib call runs on both; only its backend differs. Results come back in the order of the grid, whatever finished
first, and do not depend on how many ran at once.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from tuiconsole.analytics.measures import UNITS
from tuiconsole.analytics.samples import Curve, Sample
from tuiconsole.domain.clock import WallClock
from tuiconsole.domain.errors import DeskError, UsageError
from tuiconsole.domain.money import MONEY_SCALE
from tuiconsole.engine.build import Plan, plan
from tuiconsole.engine.settings import Settings
from tuiconsole.engine.shared_market import SharedMarket, size_of
from tuiconsole.market.tape import Tape
from tuiconsole.research.backtests import Backtest, backtest, end_index
from tuiconsole.research.capture import metrics
from tuiconsole.research.grid import Axis, Value, applied, combinations
from tuiconsole.research.settings import ResearchSettings
from tuiconsole.research.trials import Subject, TrialRow, trial_row

LARGEST_SHARED_BYTES = 2 * 1024**3
"""Features of a sweep beyond this many bytes are worked out by every run for itself."""

SMALLER_IS_BETTER = frozenset(
    {
        "cost_share",
        "costs",
        "expected_shortfall_95",
        "max_drawdown",
        "minimum_track_record",
        "ulcer_index",
        "value_at_risk_95",
        "volatility",
    }
)
"""Figures of which less is wanted; of every other one, more."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One combination and what came of it.

    Attributes
    ----------
    values
        The combination.
    metrics
        As :func:`~tuiconsole.research.capture.metrics` gives them; empty when the run failed.
    order_hash, orders, halts, seconds
        Of the run.
    error
        Why there is no result; empty when there is one.
    configuration
        Digest of everything that changes its decisions; empty when the run failed.
    row
        What the counter of trials keeps of it; None when the run failed.
    curve
        Its returns per bar, in-sample; None when the run failed, or when they were not asked for.
    """

    values: Mapping[str, Value]
    metrics: Mapping[str, float | None]
    order_hash: str
    orders: int
    halts: int
    seconds: float
    error: str = ""
    configuration: str = ""
    row: TrialRow | None = field(default=None, compare=False, repr=False)
    curve: Curve | None = field(default=None, compare=False, repr=False)

    def as_json(self) -> dict[str, Any]:
        """Plain values with stable keys; no row and no curve."""
        found = asdict(replace(self, row=None, curve=None))
        del found["row"], found["curve"]
        return found


def sweep(
    settings: Settings,
    tape: Tape,
    axes: Sequence[Axis],
    where: ResearchSettings,
    end: str | None = None,
    curves: bool = False,
) -> list[Trial]:
    """Run every combination of ``axes``; trials in the order of the grid.

    Parameters
    ----------
    curves
        Whether every trial keeps its returns per bar: needed to choose among them, and memory of bars times trials.

    Raises
    ------
    UsageError
        An axis that does not exist or a value out of range: found before anything runs.
    """
    values = combinations(axes)
    asked = [applied(settings, each) for each in values]
    plans = [plan(each, tape, "backtest") for each in asked]
    index = len(tape) if end is None else end_index(end, tape, max(each.start for each in plans))
    markets = _shared_markets(plans, tape, index)
    hash(tape.digest)  # computed once here, not once in every worker
    from joblib import Parallel, delayed

    jobs = where.jobs or os.cpu_count() or 1
    with _backend(where.cluster):
        found: list[Trial] = Parallel(n_jobs=min(jobs, len(plans)))(
            delayed(run_trial)(
                each.settings, tape, combination, index, markets.get(_market_key(each)), curves
            )
            for each, combination in zip(plans, values, strict=True)
        )
    return found


def _market_key(chosen: Plan) -> tuple[object, ...]:
    """What decides the market side: plans that agree in it can share one."""
    settings = chosen.settings
    return (
        settings.defence,
        settings.regimes,
        settings.engine.bars_per_year,
        chosen.start,
        chosen.warmup,
    )


def _shared_markets(plans: Sequence[Plan], tape: Tape, end: int) -> dict[tuple[object, ...], SharedMarket]:
    """One market side for all plans that agree on it, where there are several and its features fit in memory."""
    groups: dict[tuple[object, ...], list[Plan]] = {}
    for each in plans:
        groups.setdefault(_market_key(each), []).append(each)
    found = {}
    for key, members in groups.items():
        needs = [name for each in members for name in each.needs]
        first = members[0]
        if len(members) > 1 and size_of(tape, needs, end - first.warmup) <= LARGEST_SHARED_BYTES:
            found[key] = SharedMarket.of(first.settings, tape, needs, first.warmup, first.start, end)
    return found


def run_trial(
    settings: Settings,
    tape: Tape,
    values: Mapping[str, Value],
    end: int,
    shared: SharedMarket | None,
    keep_curve: bool = False,
) -> Trial:
    """One run; its error as a value."""
    try:
        done = backtest(settings, tape, WallClock(), end=end, shared=shared)
    except DeskError as problem:
        return Trial(values, {}, "", 0, 0, 0.0, str(problem))
    result = done.result
    error = " ".join(result.failed)
    curve = returns_of(done, Sample.IN)
    configuration = done.plan.opened.configuration
    per_year = done.plan.settings.engine.bars_per_year
    subject = Subject.of(tape.digest, tape.source, tape.universe.symbols, per_year)
    return Trial(
        values,
        metrics(done),
        result.order_hash,
        result.orders,
        result.halts,
        result.seconds,
        error,
        configuration,
        trial_row(subject, configuration, curve, "sweep"),
        curve if keep_curve else None,
    )


def returns_of(done: Backtest, sample: Sample) -> Curve:
    """Simple returns per bar of a backtest, marked with the sample that its bars are."""
    equity = np.concatenate(([done.plan.opened.capital / MONEY_SCALE], done.result.equity))
    return Curve(sample, done.result.ts, equity[1:] / equity[:-1] - 1.0)


def require_metric(metric: str) -> str:
    """``metric`` itself when a backtest has such a figure; else :class:`UsageError`."""
    if metric not in UNITS:
        raise UsageError(f"There is no metric {metric!r}.", f"Known: {', '.join(sorted(UNITS))}.")
    return metric


def ranked(trials: Sequence[Trial], metric: str) -> list[Trial]:
    """Trials by ``metric``, best first (the smallest of :data:`SMALLER_IS_BETTER`); what failed or lacks it comes last.

    Raises
    ------
    UsageError
        There is no such metric.
    """
    sign = 1.0 if require_metric(metric) in SMALLER_IS_BETTER else -1.0

    def key(trial: Trial) -> tuple[bool, float]:
        value = trial.metrics.get(metric)
        missing = value is None or math.isnan(value) or bool(trial.error)
        return (missing, 0.0 if missing or value is None else sign * value)

    return sorted(trials, key=key)


@contextmanager
def _backend(cluster: str) -> Iterator[None]:
    """Processes of this machine, or Ray at the address ``cluster``."""
    if not cluster:
        yield
        return
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
        from joblib import parallel_config
        from ray.util.joblib import register_ray
    except ImportError:
        raise UsageError(
            "Sweeps on a cluster need the package ray.", "Install it with: pip install 'tuiconsole[cluster]'"
        ) from None
    began = not ray.is_initialized()
    try:
        if began:
            address = None if cluster == "local" else cluster
            ray.init(
                address=address, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR
            )
    except (ConnectionError, ValueError) as error:
        raise UsageError(
            f"There is no Ray cluster at {cluster!r}: {error}.", "Check research.cluster."
        ) from None
    register_ray()  # type: ignore[no-untyped-call]
    try:
        with parallel_config(backend="ray"):
            yield
    finally:
        if began:
            ray.shutdown()
