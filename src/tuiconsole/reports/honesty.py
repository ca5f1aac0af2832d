"""What a reader must know before believing a run; each sentence follows from the run's own figures."""

from __future__ import annotations

from tuiconsole.analytics.measures import Measure
from tuiconsole.analytics.samples import Sample
from tuiconsole.analytics.significance import Trials, expected_best_sharpe
from tuiconsole.reports.run import Run

_MARKET = ("spread", "temporary")
"""Parts of a cost that the market charges everybody: half the spread, temporary impact."""

_REASONS = 3

SUSPICIOUS_SHARPE = 2.0
"""Net Sharpe ratios of daily strategies above this are rarely true: look for leakage first (see the published results of Gu,
Kelly and Xiu, Review of Financial Studies 2020: 1.35 value-weighted, before costs)."""


def statements(run: Run, found: dict[str, Measure], trials: Trials | None) -> list[str]:
    """Sentences about sample, trials, costs, survivorship, failures and reading of the data, the weightiest first."""
    return [
        _sample(run),
        *_looked_at(run),
        *_idle(run),
        *_trials(run, trials),
        *_suspicion(found),
        *(f"Failed and switched off: {text}" for text in run.outcome.failed),
        _costs(run),
        *_stops(run),
        *run.notes,
    ]


def _sample(run: Run) -> str:
    if run.sample is Sample.OUT:
        return "Out-of-sample: this period was declared so before the run; every look at it makes it less so."
    return "In-sample: whoever chose the strategy may have seen these bars. What it will earn is not known from this."


def _looked_at(run: Run) -> list[str]:
    """A run that is in-sample as a whole used up what its configuration wanted to keep apart."""
    if run.sample is Sample.OUT or not len(run.track):
        return []
    apart = []
    for period in run.periods:
        rows = period.rows(run.track.ts)
        if period.kind == Sample.OUT.value and rows.stop > rows.start:
            apart.append(period.name)
    if not apart:
        return []
    return [
        f"It ran over {', '.join(apart)}, declared out-of-sample, and over other bars: as a whole it is in-sample. Look at "
        "bars that were kept apart only with --period."
    ]


def _idle(run: Run) -> list[str]:
    """A desk that traded nothing, or that was held back by its limits, says why."""
    outcome = run.outcome
    said = [] if outcome.orders else ["Nothing was traded."]
    if not outcome.orders and not outcome.refused and outcome.bars:
        return ["Nothing was traded: no order was ever wanted."]
    if outcome.refusals:
        reasons = "; ".join(
            f"{text.removesuffix('.')} ({count:,})"
            for text, count in list(outcome.refusals.items())[:_REASONS]
        )
        said.append(f"The gate refused {outcome.refused:,} orders: {reasons}. The limits are in [risk].")
    return [" ".join(said)] if said else []


def _trials(run: Run, trials: Trials | None) -> list[str]:
    if trials is None:
        return ["Trials were not counted: the deflated Sharpe ratio takes this run for the only one."]
    if trials.count <= 1:
        return ["This is the first trial counted over these symbols and this time."]
    best = expected_best_sharpe(trials.count, trials.variance) * run.bars_per_year**0.5
    return [
        f"{trials.count:,} different trials were counted over these symbols and this time. The best of as many without any "
        f"skill would show a Sharpe ratio of about {best:.2f}."
    ]


def _suspicion(found: dict[str, Measure]) -> list[str]:
    ratio = found["sharpe"].value
    if ratio is None or ratio <= SUSPICIOUS_SHARPE:
        return []
    return [
        f"A Sharpe ratio of {ratio:.2f} after costs is above {SUSPICIOUS_SHARPE:g}: look for leakage before you believe it."
    ]


def _costs(run: Run) -> str:
    parts = run.fills.costs
    if len(run.fills) and not any(paid.any() for paid in parts.values()):
        return "No costs were charged: the settings say so, the market will not."
    free = [part for part in _MARKET if part in parts and len(run.fills) and not parts[part].any()]
    if free:
        return f"Returns are after costs, but nothing was charged for {' or '.join(free)}: the market will."
    return "All returns are after commissions, spread, impact and borrow."


def _stops(run: Run) -> list[str]:
    outcome = run.outcome
    if not outcome.halts:
        return []
    after = f"of {outcome.cool_down_bars} bars" if outcome.cool_down_bars else "(none is set)"
    return [
        f"Breakers halted the desk {_times(outcome.halts)}; the declared cool-down {after} re-armed it "
        f"{_times(outcome.rearmed)}. Each re-arming counts limits from the equity of that moment."
    ]


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")
