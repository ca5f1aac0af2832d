"""The verb that runs a grid of parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuiconsole.verbs.columns import table
from tuiconsole.verbs.common import Place
from tuiconsole.verbs.interrupting import interruptible

if TYPE_CHECKING:
    from tuiconsole.analytics.significance import Trials
    from tuiconsole.research.sweeps import Trial

_SHOWN = 20
_FIGURES = ("sharpe", "annual_return", "volatility", "max_drawdown")


def run_sweep(
    place: Place,
    grid: Sequence[str],
    end: str | None,
    rank: str,
    jobs: int | None,
    cluster: str | None,
    runs: Path,
) -> dict[str, Any]:
    """Run every combination of ``grid`` and count it as a trial in ``runs``; the verb's stable keys, trials best first."""
    from tuiconsole.engine.build import load_tape
    from tuiconsole.research.grid import parse_axes
    from tuiconsole.research.runs import RunStore
    from tuiconsole.research.sweeps import ranked, require_metric, sweep

    settings = place.config.desk
    where = place.config.research
    if jobs is not None:
        where = replace(where, jobs=jobs)
    if cluster is not None:
        where = replace(where, cluster=cluster)
    require_metric(rank)
    RunStore(runs).require_writable()
    tape = load_tape(settings)
    with interruptible(
        lambda: (
            "no combination was kept, shown or counted as a trial. Start the sweep again, or a smaller one."
        )
    ):
        trials = ranked(sweep(settings, tape, parse_axes(grid), where, end), rank)
    counted = count_trials(runs, trials, "sweep").count
    return {
        "trials_counted": counted,
        "policy": settings.policy.name,
        "tape": tape.name,
        "rank": rank,
        "trials": [trial.as_json() for trial in trials],
        "failed": sum(1 for trial in trials if trial.error),
    }


def count_trials(runs: Path, trials: Sequence[Trial], origin: str) -> Trials:
    """Count every trial that ran, for good; the different ones ever counted over their symbols and time."""
    from tuiconsole.analytics.significance import Trials
    from tuiconsole.domain.clock import WallClock
    from tuiconsole.research.trials import TrialCounter

    counter = TrialCounter(runs)
    rows = [replace(trial.row, origin=origin) for trial in trials if trial.row is not None]
    if not rows:
        return Trials(0, 0.0)
    counter.add(rows, WallClock().now_ns())
    return counter.over(rows[0].subject, min(row.first_ts for row in rows), max(row.last_ts for row in rows))


def sweep_text(body: dict[str, Any], width: int) -> str:
    """The trials for people: the best first, and what the best of many is worth."""
    trials = body["trials"]
    names = list(trials[0]["values"])
    rank = body["rank"]
    figures = list(dict.fromkeys((rank, *_FIGURES)))
    head = [*names, *figures, "orders", "halts"]
    rows = [[str(t["values"][name]) for name in names] + _cells(t, figures) for t in trials[:_SHOWN]]
    lines = [f"{body['policy']} on {body['tape']}: {len(trials)} combinations, best {rank} first"]
    spare = [name for name in (*_FIGURES, "halts", "orders")[::-1] if name != rank]
    lines += table(head, rows, width, left=names, drop=spare)
    if len(trials) > _SHOWN:
        lines.append(f"... and {len(trials) - _SHOWN} more; --json has them all")
    lines += [f"FAILED {t['values']}: {t['error']}" for t in trials if t["error"]][:3]
    lines.append(
        f"IN-SAMPLE: the best of {len(trials)} tries on one history promises nothing "
        f"({body['trials_counted']:,} trials are counted over these symbols and this time); see walk-forward and validate."
    )
    return "\n".join(lines)


def _cells(trial: dict[str, Any], figures: Sequence[str]) -> list[str]:
    found = []
    for name in figures:
        value = trial["metrics"].get(name)
        ratio = name in ("sharpe", "sortino", "calmar", "skewness", "kurtosis")
        found.append("n/a" if value is None else f"{value:.2f}" if ratio else f"{value:.1%}")
    return [*found, str(trial["orders"]), str(trial["halts"])]
