"""A study: one walk-forward or one cross-validation as a value that is stored, listed, compared, reported and run again.

Its result is out-of-sample. What was seen while choosing is kept in fields, keys and files of its own: :class:`Study` holds
curves that are out-of-sample alone, and the in-sample part is figures without a line.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from tuiconsole import __version__
from tuiconsole.analytics import performance, significance, tails
from tuiconsole.analytics.drawdowns import max_drawdown
from tuiconsole.analytics.measures import LEAST_BARS
from tuiconsole.analytics.samples import Curve, Sample
from tuiconsole.analytics.significance import Trials
from tuiconsole.domain.clock import Clock, iso
from tuiconsole.domain.errors import UsageError
from tuiconsole.engine.build import on_tape, plan
from tuiconsole.engine.settings import Settings
from tuiconsole.market.tape import Tape
from tuiconsole.reports.run import Provenance
from tuiconsole.research.capture import said_of
from tuiconsole.research.grid import Axis
from tuiconsole.research.keeping import Reproduction, settings_of, tape_again
from tuiconsole.research.runs import KIND, SCHEMA, RunStore
from tuiconsole.research.settings import ResearchSettings
from tuiconsole.research.sweeps import Trial, sweep
from tuiconsole.research.trials import Subject, TrialRow, period_of, trial_row
from tuiconsole.research.unpaid_moves import doubtful_moves
from tuiconsole.research.validation import (
    overfitting,
    procedure_digest,
    validate_combinatorial,
    validate_forward,
)

FORWARD, CROSSED = "walk-forward", "validate"
_CURVES = "curves.parquet"
_NOT_ASKED = ("jobs", "cluster")
"""Settings of research that change how fast an answer comes, and not the answer."""
Count = Callable[[Sequence[TrialRow]], None]
Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a grid.

    Attributes
    ----------
    verb
        :data:`FORWARD` or :data:`CROSSED`.
    settings
        Those that the grid is applied to.
    end
        First day that no longer trades; None: the tape's end.
    expanding
        Whether a walk-forward chooses on all bars so far.
    """

    verb: str
    settings: Settings
    axes: tuple[Axis, ...]
    end: str | None
    where: ResearchSettings
    expanding: bool = False

    @property
    def arguments(self) -> dict[str, Any]:
        """As plain JSON values; with the settings they make the question again."""
        where = {name: value for name, value in asdict(self.where).items() if name not in _NOT_ASKED}
        grid = [[axis.name, list(axis.values)] for axis in self.axes]
        return {"grid": grid, "end": self.end, "expanding": self.expanding, "research": where}

    @classmethod
    def again(cls, study: Study, where: ResearchSettings) -> Question:
        """The question that ``study`` answered; ``where`` says how many runs at once."""
        asked = study.provenance.arguments
        return cls(
            study.verb,
            settings_of(study.provenance, study.name),
            tuple(Axis(name, tuple(values)) for name, values in asked["grid"]),
            asked["end"],
            replace(where, **asked["research"]),
            asked["expanding"],
        )


@dataclass(frozen=True, slots=True)
class Study:
    """A question and its answer.

    Attributes
    ----------
    answer
        The verb's keys: ``in_sample`` and ``out_of_sample`` apart, and nothing that depends on how many trials were counted.
    curves
        Out-of-sample alone: the line of a walk-forward, or the paths of a cross-validation.
    subject, period
        What was looked at, from the first bar chosen on to the last one judged.
    order_hash
        SHA-256 over the orders of every trial and of every window.
    result_hash
        SHA-256 over the curves and the in-sample figures.
    """

    name: str
    provenance: Provenance
    symbols: tuple[str, ...]
    bars_per_year: float
    answer: Mapping[str, Any]
    curves: tuple[Curve, ...]
    period: tuple[int, int]
    order_hash: str
    result_hash: str

    def __post_init__(self) -> None:
        """Refuse lines that a choice has seen."""
        for curve in self.curves:
            if curve.sample is not Sample.OUT:
                raise UsageError(f"An {curve.sample.value} curve is no result of a {self.verb}.")

    @property
    def verb(self) -> str:
        """The verb that made it."""
        return self.provenance.verb

    @property
    def subject(self) -> Subject:
        """What was looked at, for the counter of trials."""
        where = self.provenance
        return Subject.of(where.tape_digest, where.source, self.symbols, self.bars_per_year)

    def body(self, trials: Trials) -> dict[str, Any]:
        """The verb's answer with ``trials`` counted: how many, and the Sharpe ratio deflated by them."""
        part = "out_of_sample" if self.verb == FORWARD else "in_sample"
        found = dict(self.answer[part])
        found["deflated_sharpe"] = _deflated(found, self.bars_per_year, trials)
        return {"run": self.name, **self.answer, "trials": trials.count, part: found}


def study(question: Question, tape: Tape, clock: Clock, count: Count, tell: Tell | None = None) -> Study:
    """Answer ``question`` on ``tape``.

    Parameters
    ----------
    count
        Is given the rows of every trial as soon as it was evaluated, and of the walk-forward as a whole.
    tell
        Hears how many windows of how many are done.

    Raises
    ------
    UsageError
        A combination failed, or there are too few bars for what is asked.
    """
    trials = sweep(question.settings, tape, question.axes, question.where, question.end, curves=True)
    count([replace(trial.row, origin=question.verb) for trial in trials if trial.row is not None])
    answer = _walked if question.verb == FORWARD else _crossed
    return answer(question, tape, trials, clock, count, tell)


def _walked(
    asked: Question, tape: Tape, trials: Sequence[Trial], clock: Clock, count: Count, tell: Tell | None
) -> Study:
    settings, where = on_tape(asked.settings, tape), asked.where
    per_year = settings.engine.bars_per_year
    found = validate_forward(settings, tape, trials, where, clock, asked.expanding, tell)
    subject = Subject.of(tape.digest, tape.source, tape.universe.symbols, per_year)
    procedure = procedure_digest(trials, where, asked.expanding)
    count([trial_row(subject, procedure, found.curve, FORWARD)])
    windows = [
        {
            "train": [iso(ts)[:10] for ts in window.train],
            "test": [iso(ts)[:10] for ts in window.test],
            "chosen": None if window.values is None else dict(window.values),
            "in_sample_sharpe": _plain(window.in_sample),
            "out_of_sample_return": performance.total_return(window.out_of_sample.returns),
            "out_of_sample_sharpe": _ratio(window.out_of_sample, per_year),
        }
        for window in found.windows
    ]
    answer = {
        "policy": settings.policy.name,
        "tape": tape.name,
        "combinations": len(trials),
        "in_sample": {
            "sharpe": [window["in_sample_sharpe"] for window in windows],
            "chosen": [window["chosen"] for window in windows],
        },
        "out_of_sample": line_figures(found.curve, per_year),
        "windows": windows,
    }
    orders = [window.order_hash for window in found.windows]
    return _made(asked, tape, trials, answer, (found.curve,), per_year, orders, clock)


def _crossed(
    asked: Question, tape: Tape, trials: Sequence[Trial], clock: Clock, _count: Count, _tell: Tell | None
) -> Study:
    where, per_year = asked.where, on_tape(asked.settings, tape).engine.bars_per_year
    paths = validate_combinatorial(trials, where, per_year)
    noise = overfitting(trials, where)
    best = max(trials, key=lambda trial: trial.metrics.get("sharpe") or -np.inf)
    ratios = paths.sharpes(per_year)
    known = ratios[np.isfinite(ratios)]
    seen = {} if best.curve is None else line_figures(best.curve, per_year)
    shown = ("sharpe", "skewness", "kurtosis", "bars")
    answer = {
        "policy": asked.settings.policy.name,
        "tape": tape.name,
        "combinations": len(trials),
        "in_sample": {"best": dict(best.values), **{name: seen.get(name) for name in shown}},
        "out_of_sample": {
            "folds": where.folds,
            "test_folds": where.test_folds,
            "splits": len(paths.in_sample),
            "paths": len(paths.paths),
            "sharpe": [_plain(ratio) for ratio in ratios.tolist()],
            "sharpe_mean": float(known.mean()) if len(known) else None,
            "sharpe_deviation": float(known.std(ddof=1)) if len(known) > 1 else None,
            "sharpe_worst": float(known.min()) if len(known) else None,
            "share_below_zero": float(np.mean(known < 0)) if len(known) else None,
        },
        "overfitting": {
            "probability": noise.probability,
            "probability_of_loss": noise.probability_of_loss,
            "combinations": len(noise.logits),
            "in_sample_sharpe": _plain(float(noise.in_sample.mean() * per_year**0.5)),
            "out_of_sample_sharpe": _plain(float(noise.out_of_sample.mean() * per_year**0.5)),
        },
    }
    return _made(asked, tape, trials, answer, paths.paths, per_year, [], clock)


def _made(
    asked: Question,
    tape: Tape,
    trials: Sequence[Trial],
    answer: Mapping[str, Any],
    curves: tuple[Curve, ...],
    per_year: float,
    orders: Sequence[str],
    clock: Clock,
) -> Study:
    opened = plan(asked.settings, tape, "backtest")
    settings = opened.settings
    provenance = Provenance(
        verb=asked.verb,
        arguments=asked.arguments,
        settings=json.loads(json.dumps(asdict(settings))),
        configuration=opened.opened.configuration,
        tape=tape.name,
        source=tape.source,
        tape_digest=tape.digest,
        binding=opened.opened.tape,
        policy=settings.policy.name,
        policy_digest=settings.policy.digest(),
        version=__version__,
        made=iso(clock.now_ns()),
    )
    spans = [period_of(trial.curve) for trial in trials if trial.curve is not None]
    first, last = min(first for first, _ in spans), max(last for _, last in spans)
    notes = [*doubtful_moves(tape, first, last), *said_of(tape)]
    result = hashlib.sha256(json.dumps(answer["in_sample"]).encode())
    for curve in curves:
        result.update(curve.ts.astype("<i8").tobytes())
        result.update(curve.returns.astype("<f8").tobytes())
    return Study(
        "",
        provenance,
        tape.universe.symbols,
        per_year,
        {**answer, "notes": notes},
        curves,
        (first, last),
        hashlib.sha256("".join([*(trial.order_hash for trial in trials), *orders]).encode()).hexdigest(),
        result.hexdigest(),
    )


def save_study(store: RunStore, made: Study, trials: Trials, name: str) -> Study:
    """Store ``made`` under ``name`` (empty: the next free one); errors as of :meth:`RunStore.save`."""
    body = made.body(trials)
    bars = sum(len(curve) for curve in made.curves[:1])
    facts = {
        "schema": SCHEMA,
        KIND: made.verb,
        "sample": Sample.OUT.value,
        "provenance": asdict(made.provenance),
        "outcome": {"bars": bars, "order_hash": made.order_hash, "result_hash": made.result_hash},
        "symbols": made.symbols,
        "bars_per_year": made.bars_per_year,
        "period": made.period,
        "metrics": _unseen(made, body),
        "in_sample_metrics": _seen(made, body),
        "answer": made.answer,
    }
    columns = {"ts": made.curves[0].ts} | {f"{k}": curve.returns for k, curve in enumerate(made.curves)}
    return replace(made, name=store.put(name, made.verb, facts, {_CURVES: columns}))


def load_study(store: RunStore, name: str) -> Study:
    """The study of that name; errors as of :meth:`RunStore.load`."""
    return store.built(name, store.facts(name), (_CURVES,), _study_of)


def _study_of(facts: Mapping[str, Any], columns: dict[str, Any]) -> Study:
    ts = columns.pop("ts")
    curves = tuple(Curve(Sample.OUT, ts, columns[str(k)]) for k in range(len(columns)))
    outcome = facts["outcome"]
    return Study(
        facts["name"],
        Provenance(**facts["provenance"]),
        tuple(facts["symbols"]),
        facts["bars_per_year"],
        facts["answer"],
        curves,
        (facts["period"][0], facts["period"][1]),
        outcome["order_hash"],
        outcome["result_hash"],
    )


def _unseen(made: Study, body: Mapping[str, Any]) -> dict[str, float | None]:
    """The figures by which lists show it and compare it: out-of-sample alone."""
    found = body["out_of_sample"]
    if made.verb == FORWARD:
        return {name: value for name, value in found.items() if name != "bars"}
    noise = body["overfitting"]
    return {
        "sharpe": found["sharpe_mean"],
        "sharpe_deviation": found["sharpe_deviation"],
        "sharpe_worst": found["sharpe_worst"],
        "share_below_zero": found["share_below_zero"],
        "overfitting_probability": noise["probability"],
        "overfitting_loss": noise["probability_of_loss"],
    }


def _seen(made: Study, body: Mapping[str, Any]) -> dict[str, float | None]:
    """The same of what was chosen, where it was chosen."""
    found = body["in_sample"]
    if made.verb == FORWARD:
        known = [ratio for ratio in found["sharpe"] if ratio is not None]
        return {"sharpe": sum(known) / len(known) if known else None}
    return {"sharpe": found["sharpe"], "deflated_sharpe": found["deflated_sharpe"]}


def line_figures(curve: Curve, bars_per_year: float) -> dict[str, float | None]:
    """Figures of one line of returns; None where it does not carry one."""
    returns = curve.returns
    ratio, shape = performance.sharpe(returns, 1.0), (tails.skewness(returns), tails.kurtosis(returns))
    enough = len(returns) >= bars_per_year
    found = {
        "total_return": performance.total_return(returns),
        "annual_return": performance.annual_return(returns, bars_per_year) if enough else float("nan"),
        "volatility": performance.volatility(returns, bars_per_year),
        "sharpe": performance.sharpe(returns, bars_per_year),
        "max_drawdown": max_drawdown(performance.wealth(returns)).depth,
        "skewness": shape[0],
        "kurtosis": shape[1],
        "probabilistic_sharpe": significance.probabilistic_sharpe(ratio, len(returns), *shape),
    }
    return {name: _plain(value) for name, value in found.items()} | {"bars": len(returns)}


def _deflated(found: Mapping[str, Any], bars_per_year: float, trials: Trials) -> float | None:
    ratio, skewness, kurtosis = (found[name] for name in ("sharpe", "skewness", "kurtosis"))
    if ratio is None or skewness is None or kurtosis is None:
        return None
    per_bar = ratio / bars_per_year**0.5
    return _plain(
        significance.deflated_sharpe(
            per_bar, found["bars"], skewness, kurtosis, trials.count, trials.variance
        )
    )


def _ratio(curve: Curve, bars_per_year: float) -> float | None:
    return _plain(performance.sharpe(curve.returns, bars_per_year)) if len(curve) >= LEAST_BARS else None


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def reproduce_study(
    made: Study, where: ResearchSettings, clock: Clock, tell: Tell | None = None
) -> Reproduction:
    """Answer the question of ``made`` again, over the same bars; it counts as no trial.

    Raises
    ------
    StoreError
        The data are not those of the study, or its settings are of another version.
    """
    question = Question.again(made, where)
    tape = tape_again(question.settings, made.provenance, made.name)
    again = study(question, tape, clock, lambda _rows: None, tell)
    return Reproduction(
        made.name,
        {
            "order_hash": (made.order_hash, again.order_hash),
            "result_hash": (made.result_hash, again.result_hash),
        },
    )
