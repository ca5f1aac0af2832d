"""The verbs that judge a grid out-of-sample: walk-forward and validate."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuiconsole.verbs.common import Place
from tuiconsole.verbs.sweeping import count_trials

if TYPE_CHECKING:
    from tuiconsole.analytics.samples import Curve
    from tuiconsole.analytics.significance import Trials
    from tuiconsole.market.tape import Tape
    from tuiconsole.research.settings import ResearchSettings
    from tuiconsole.research.sweeps import Trial

_BINS = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line changes of the research settings: numbers by name; None leaves one alone."""

    grid: Sequence[str]
    end: str | None
    numbers: Mapping[str, int | str | None]

    def settings(self, place: Place) -> ResearchSettings:
        """The research settings of ``place`` with these numbers, checked against their ranges."""
        from tuiconsole.config import changed_research

        given = {name: value for name, value in self.numbers.items() if value is not None}
        return changed_research(place.config.research, given)


def _trials(
    place: Place, asked: Asked, where: ResearchSettings, runs: Path, verb: str
) -> tuple[Tape, list[Trial], Trials]:
    """Run the grid once over the whole period and count every trial."""
    from tuiconsole.engine.build import load_tape
    from tuiconsole.research.grid import parse_axes
    from tuiconsole.research.runs import RunStore
    from tuiconsole.research.sweeps import sweep

    RunStore(runs).require_writable()
    tape = load_tape(place.config.desk)
    trials = sweep(place.config.desk, tape, parse_axes(asked.grid), where, asked.end, curves=True)
    return tape, trials, count_trials(runs, trials, verb)


def run_walk_forward(
    place: Place, asked: Asked, runs: Path, expanding: bool, progress: bool
) -> tuple[dict[str, Any], Curve]:
    """Choose in-sample, trade what follows, again and again; the verb's stable keys and the out-of-sample line."""
    from tuiconsole.domain.clock import WallClock, iso
    from tuiconsole.engine.build import on_tape
    from tuiconsole.research.trials import Subject, TrialCounter, period_of, trial_row
    from tuiconsole.research.validation import procedure_digest, validate_forward

    where, settings = asked.settings(place), place.config.desk
    tape, trials, _ = _trials(place, asked, where, runs, "walk-forward")
    settings = on_tape(settings, tape)
    clock = WallClock()
    found = validate_forward(settings, tape, trials, where, clock, expanding, _show if progress else None)
    if progress:
        sys.stderr.write("\r\x1b[K")
    counter = TrialCounter(runs)
    procedure = procedure_digest(trials, where, expanding)
    per_year = settings.engine.bars_per_year
    subject = Subject.of(tape.digest, tape.source, tape.universe.symbols, per_year)
    counter.add([trial_row(subject, procedure, found.curve, "walk-forward")], clock.now_ns())
    count = counter.over(subject, *period_of(found.curve))
    body = {
        "policy": settings.policy.name,
        "tape": tape.name,
        "combinations": len(trials),
        "trials": count.count,
        "in_sample": {
            "sharpe": [window.in_sample for window in found.windows],
            "chosen": [None if window.values is None else dict(window.values) for window in found.windows],
        },
        "out_of_sample": _figures(found.curve, settings.engine.bars_per_year, count.count, count.variance),
        "windows": [
            {
                "train": [iso(ts)[:10] for ts in window.train],
                "test": [iso(ts)[:10] for ts in window.test],
                "chosen": None if window.values is None else dict(window.values),
                "in_sample_sharpe": window.in_sample,
                "out_of_sample_return": _total(window.out_of_sample),
                "out_of_sample_sharpe": _sharpe(window.out_of_sample, settings.engine.bars_per_year),
            }
            for window in found.windows
        ],
    }
    return body, found.curve


def walk_forward_text(body: dict[str, Any], curve: Curve) -> str:
    """The walk-forward for people: what was chosen, and, apart from it, what came of it."""
    width = shutil.get_terminal_size((80, 24)).columns
    lines = [
        *textwrap.wrap(
            f"{body['policy']} on {body['tape']}: {body['combinations']} combinations, {len(body['windows'])} windows, "
            f"{body['trials']} trials counted over these symbols and this time",
            width,
        ),
        "",
        "IN-SAMPLE: what was chosen, and how it looked where it was chosen",
    ]
    rows = [
        [f"{w['train'][0]} to {w['train'][1]}", _ratio(w["in_sample_sharpe"]), _values(w["chosen"])]
        for w in body["windows"]
    ]
    lines += [*_columns(["chosen on", "Sharpe", "parameters"], rows, width), ""]
    lines.append("OUT-OF-SAMPLE: what a fresh desk made of it afterwards, all costs paid")
    rows = [
        [
            f"{w['test'][0]} to {w['test'][1]}",
            _ratio(w["out_of_sample_sharpe"]),
            _share(w["out_of_sample_return"]),
        ]
        for w in body["windows"]
    ]
    lines += [*_columns(["traded on", "Sharpe", "return"], rows, width), ""]
    lines += [*_drawn(curve, width), "", *_figure_lines(body["out_of_sample"]), ""]
    lines += _verdict(body, width)
    return "\n".join(lines)


def _verdict(body: dict[str, Any], width: int) -> list[str]:
    seen = [value for value in body["in_sample"]["sharpe"] if value is not None and value == value]
    found = body["out_of_sample"]["sharpe"]
    if not seen or found is None:
        return []
    text = (
        f"The chosen parameters promised a Sharpe ratio of {sum(seen) / len(seen):.2f} on average where they were chosen; "
        f"out-of-sample they made {found:.2f}."
    )
    return textwrap.wrap(text, width)


def run_validate(place: Place, asked: Asked, runs: Path) -> dict[str, Any]:
    """Cross-validation and the probability of overfitting of one grid; the verb's stable keys."""
    import numpy as np

    from tuiconsole.engine.build import on_tape
    from tuiconsole.research.validation import overfitting, validate_combinatorial

    where, settings = asked.settings(place), place.config.desk
    tape, trials, count = _trials(place, asked, where, runs, "validate")
    per_year = on_tape(settings, tape).engine.bars_per_year
    paths = validate_combinatorial(trials, where, per_year)
    noise = overfitting(trials, where)
    best = max(trials, key=lambda trial: trial.metrics.get("sharpe") or -np.inf)
    ratios = paths.sharpes(per_year)
    known = ratios[np.isfinite(ratios)]
    counted = {} if best.curve is None else _figures(best.curve, per_year, count.count, count.variance)
    return {
        "policy": settings.policy.name,
        "tape": tape.name,
        "combinations": len(trials),
        "trials": count.count,
        "in_sample": {
            "best": dict(best.values),
            **{name: counted.get(name) for name in ("sharpe", "deflated_sharpe")},
        },
        "out_of_sample": {
            "folds": where.folds,
            "test_folds": where.test_folds,
            "splits": len(paths.in_sample),
            "paths": len(paths.paths),
            "sharpe": ratios.tolist(),
            "sharpe_mean": float(known.mean()) if len(known) else None,
            "sharpe_deviation": float(known.std(ddof=1)) if len(known) > 1 else None,
            "sharpe_worst": float(known.min()) if len(known) else None,
            "share_below_zero": float(np.mean(known < 0)) if len(known) else None,
        },
        "overfitting": {
            "probability": noise.probability,
            "probability_of_loss": noise.probability_of_loss,
            "combinations": len(noise.logits),
            "in_sample_sharpe": float(noise.in_sample.mean() * per_year**0.5),
            "out_of_sample_sharpe": float(noise.out_of_sample.mean() * per_year**0.5),
        },
    }


def validate_text(body: dict[str, Any]) -> str:
    """The validation for people; what was seen and what was not stand apart."""
    seen, unseen, noise = body["in_sample"], body["out_of_sample"], body["overfitting"]
    width = shutil.get_terminal_size((80, 24)).columns
    warning = (
        "Moving from one choice's positions to the next is not charged here; walk-forward charges it."
        if noise["probability"] < 0.5
        else "Choosing the best of this grid does no better than chance on bars that did not choose: do not trade it."
    )
    return "\n".join(
        [
            *textwrap.wrap(
                f"{body['policy']} on {body['tape']}: {body['combinations']} combinations, "
                f"{body['trials']} trials counted over these symbols and this time",
                width,
            ),
            "",
            "IN-SAMPLE",
            f"best            {_values(seen['best'])}",
            f"Sharpe          {_ratio(seen['sharpe'])}",
            f"deflated        {_share(seen['deflated_sharpe'])} that it is above zero, all trials counted",
            "",
            f"OUT-OF-SAMPLE: {unseen['splits']} purged splits, {unseen['paths']} paths over all bars",
            f"Sharpe          {_ratio(unseen['sharpe_mean'])} ± {_ratio(unseen['sharpe_deviation'])}, "
            f"worst {_ratio(unseen['sharpe_worst'])}, {_share(unseen['share_below_zero'])} of the paths below zero",
            "",
            f"OVERFITTING: {noise['combinations']:,} halves of the history",
            f"probability     {_share(noise['probability'])} that the best of a half is below the other's median",
            f"loss            {_share(noise['probability_of_loss'])} that it loses money there",
            f"Sharpe          {_ratio(noise['in_sample_sharpe'])} where it was chosen, "
            f"{_ratio(noise['out_of_sample_sharpe'])} where it was not",
            "",
            *textwrap.wrap(warning, width),
        ]
    )


def _figures(curve: Curve, bars_per_year: float, trials: int, variance: float) -> dict[str, float | None]:
    """Figures of one line of returns; both probabilities of its Sharpe ratio."""
    from tuiconsole.analytics.drawdowns import max_drawdown
    from tuiconsole.analytics.performance import annual_return, sharpe, total_return, volatility, wealth
    from tuiconsole.analytics.significance import deflated_sharpe, probabilistic_sharpe
    from tuiconsole.analytics.tails import kurtosis, skewness

    returns = curve.returns
    ratio, shape = sharpe(returns, 1.0), (skewness(returns), kurtosis(returns))
    enough = len(returns) >= bars_per_year
    found = {
        "total_return": total_return(returns),
        "annual_return": annual_return(returns, bars_per_year) if enough else float("nan"),
        "volatility": volatility(returns, bars_per_year),
        "sharpe": sharpe(returns, bars_per_year),
        "max_drawdown": max_drawdown(wealth(returns)).depth,
        "probabilistic_sharpe": probabilistic_sharpe(ratio, len(returns), *shape),
        "deflated_sharpe": deflated_sharpe(ratio, len(returns), *shape, trials, variance),
    }
    return {name: value if value == value else None for name, value in found.items()}


def _figure_lines(found: Mapping[str, float | None]) -> list[str]:
    from tuiconsole.analytics.measures import UNITS
    from tuiconsole.reports.figures import LABELS, MISSING, write

    return [
        f"{LABELS[name]:<18} {MISSING if value is None else write(value, UNITS[name]):>10}"
        for name, value in found.items()
    ]


def _drawn(curve: Curve, width: int) -> list[str]:
    from tuiconsole.analytics.performance import wealth
    from tuiconsole.reports import strip

    lines = strip.chart(strip.resampled(wealth(curve.returns), width - 2), 5)
    if sys.stdout.isatty():
        return [f"\x1b[36m{line}\x1b[0m" for line in lines]
    return lines


def _total(curve: Curve) -> float:
    from tuiconsole.analytics.performance import total_return

    return total_return(curve.returns)


def _sharpe(curve: Curve, bars_per_year: float) -> float | None:
    from tuiconsole.analytics.measures import LEAST_BARS
    from tuiconsole.analytics.performance import sharpe

    ratio = sharpe(curve.returns, bars_per_year)
    return ratio if len(curve) >= LEAST_BARS and ratio == ratio else None


def _ratio(value: float | None) -> str:
    return "n/a" if value is None or value != value else f"{value:.2f}"


def _share(value: float | None) -> str:
    return "n/a" if value is None or value != value else f"{100 * value:.2f} %"


def _values(values: Mapping[str, Any] | None) -> str:
    return "stayed out" if values is None else ", ".join(f"{name}={value}" for name, value in values.items())


def _columns(head: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    widths = [max(len(row[k]) for row in (head, *rows)) for k in range(len(head))]
    lines = [
        "   ".join(cell.ljust(size) for cell, size in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    ]
    return [line if len(line) <= width else f"{line[: width - 1]}…" for line in lines]


def _show(done: int, total: int) -> None:
    sys.stderr.write(f"\r{done} of {total} windows")
    sys.stderr.flush()
