"""Counts a finished backtest as a trial, stores it as a run, and runs a stored one again to compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

from tuiconsole.analytics.measures import plain_figures
from tuiconsole.analytics.named_periods import Period
from tuiconsole.analytics.samples import Sample
from tuiconsole.analytics.significance import Trials
from tuiconsole.domain.clock import Clock
from tuiconsole.domain.errors import StoreError
from tuiconsole.engine.build import load_tape, plan
from tuiconsole.engine.settings import Settings
from tuiconsole.market.tape import Tape
from tuiconsole.reports.figures import figures
from tuiconsole.reports.run import Provenance, Run
from tuiconsole.research.backtests import Backtest, backtest
from tuiconsole.research.capture import capture
from tuiconsole.research.runs import RunStore
from tuiconsole.research.trials import Subject, TrialCounter, period_of, trial_row


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored run, and the trials counted over its symbols and time, itself among them."""

    run: Run
    trials: Trials

    @property
    def metrics(self) -> dict[str, float | None]:
        """Its figures by name, the deflated Sharpe ratio with all trials."""
        return plain_figures(figures(self.run, self.trials))


def keep(
    finished: Backtest,
    clock: Clock,
    directory: Path,
    *,
    name: str = "",
    verb: str = "backtest",
    arguments: Mapping[str, Any] | None = None,
    sample: Sample = Sample.IN,
    periods: Sequence[Period] = (),
    replaces: bool = False,
    benchmark: str = "",
) -> Kept:
    """Count ``finished`` as a trial, then store it in ``directory`` under ``name`` (empty: the next free one).

    Raises
    ------
    UsageError
        The name is no name, or is taken and may not be replaced; or there is no such benchmark.
    StoreError
        The directory cannot be written.
    """
    run = capture(
        finished,
        clock,
        name=name,
        verb=verb,
        arguments=arguments,
        sample=sample,
        periods=periods,
        benchmark=benchmark,
    )
    counter = TrialCounter(directory)
    subject, curve = subject_of(run), run.curve
    counter.add([trial_row(subject, run.provenance.configuration, curve, name or verb)], clock.now_ns())
    trials = counter.over(subject, *period_of(curve))
    stored = RunStore(directory).save(run, plain_figures(figures(run, trials)), replaces=replaces)
    return Kept(stored, trials)


def subject_of(run: Run) -> Subject:
    """What ``run`` looked at, for the counter of trials."""
    where = run.provenance
    return Subject.of(where.tape_digest, where.source, run.symbols, run.bars_per_year)


def trials_of(run: Run, directory: Path) -> Trials:
    """The trials counted in ``directory`` over the symbols and the time of ``run``."""
    return TrialCounter(directory).over(subject_of(run), *period_of(run.curve))


@dataclass(frozen=True, slots=True)
class Reproduction:
    """A stored run and what came out when it was run again: each hash by its name, as stored and as found."""

    name: str
    hashes: Mapping[str, tuple[str, str]]

    @property
    def ok(self) -> bool:
        """Whether everything came out the same."""
        return all(stored == found for stored, found in self.hashes.values())


def reproduce(run: Run, clock: Clock, progress: Callable[[int, int], None] | None = None) -> Reproduction:
    """Run ``run`` again from its stored settings, over the same bars; it counts as no trial.

    Raises
    ------
    StoreError
        The data are not those of the run, or its settings are of another version.
    """
    settings = settings_of(run.provenance, run.name)
    tape = tape_again(settings, run.provenance, run.name)
    end = plan(settings, tape, run.provenance.verb).start + run.outcome.bars
    again = backtest(settings, tape, clock, end=end, progress=progress).result
    outcome = run.outcome
    return Reproduction(
        run.name,
        {
            "order_hash": (outcome.order_hash, again.order_hash),
            "journal_head": (outcome.journal_head, again.journal_head),
        },
    )


def tape_again(settings: Settings, made: Provenance, name: str) -> Tape:
    """The tape of the run ``name``; :class:`StoreError` when its data have changed since."""
    tape = load_tape(settings)
    if tape.digest != made.tape_digest:
        raise StoreError(
            f"The data of {name} have changed since: {made.source} had the hash "
            f"{made.tape_digest[:16]}…, now it is {tape.digest[:16]}….",
            "Restore the data to run it again.",
        )
    return tape


def settings_of(made: Provenance, name: str) -> Settings:
    """The settings that the run ``name`` was made with; :class:`StoreError` when this version knows others."""
    try:
        found: Settings = _built(Settings, made.settings)
    except (TypeError, KeyError) as error:
        raise StoreError(
            f"The settings of {name} are those of version {made.version}: {error}.",
            "Run it again with that version.",
        ) from error
    return found


def _built(kind: Any, values: Mapping[str, Any]) -> Any:
    hints = get_type_hints(kind)
    unknown = values.keys() - {item.name for item in fields(kind)}
    if unknown:
        raise KeyError(", ".join(sorted(unknown)))
    return kind(
        **{
            name: _built(hints[name], value) if is_dataclass(hints[name]) else _frozen(value)
            for name, value in values.items()
        }
    )


def _frozen(value: Any) -> Any:
    return tuple(_frozen(part) for part in value) if isinstance(value, list) else value
