"""The verbs that judge a grid out-of-sample: walk-forward and validate."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuiconsole.verbs.common import Place
from tuiconsole.verbs.interrupting import interruptible

if TYPE_CHECKING:
    from tuiconsole.analytics.samples import Curve
    from tuiconsole.research.settings import ResearchSettings
    from tuiconsole.research.studies import Study


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


def run_study(
    place: Place,
    asked: Asked,
    runs: Path,
    verb: str,
    *,
    name: str = "",
    expanding: bool = False,
    progress: bool = False,
) -> tuple[dict[str, Any], Study]:
    """Answer ``asked`` by ``verb``, count every trial in ``runs`` and store the study there; the verb's stable keys."""
    from tuiconsole.domain.clock import WallClock
    from tuiconsole.engine.build import load_tape
    from tuiconsole.research.grid import parse_axes
    from tuiconsole.research.runs import RunStore
    from tuiconsole.research.studies import Question, save_study, study
    from tuiconsole.research.trials import TrialCounter, TrialRow

    store, counter, clock = RunStore(runs), TrialCounter(runs), WallClock()
    if name:
        store.require_free(name)
    store.require_writable()
    settings = place.config.desk
    question = Question(
        verb, settings, tuple(parse_axes(asked.grid)), asked.end, asked.settings(place), expanding
    )

    def count(rows: Sequence[TrialRow]) -> None:
        if rows:
            counter.add(rows, clock.now_ns())

    with interruptible(
        lambda: "no study was stored; the combinations tried so far stay counted as trials. Start it again."
    ):
        made = study(question, load_tape(settings), clock, count, show_windows if progress else None)
    if progress:
        sys.stderr.write("\r\x1b[K")
    trials = counter.over(made.subject, *made.period)
    stored = save_study(store, made, trials, name)
    return stored.body(trials), stored


def write_study(body: dict[str, Any], made: Study, path: Path) -> None:
    """Write the page of a study; its in-sample part apart from the out-of-sample one."""
    if made.verb == "walk-forward":
        from tuiconsole.reports.forward import write_forward

        write_forward(body, made.curves[0], path)
    else:
        from tuiconsole.reports.crossed import write_crossed

        write_crossed(body, made.curves, path)


def study_text(body: dict[str, Any], made: Study, width: int) -> str:
    """A study for people: what was seen and what was not stand apart."""
    text = walk_forward_text if made.verb == "walk-forward" else validate_text
    notes = body.get("notes", ())
    said = [line for note in notes for line in textwrap.wrap(f"·   {note}", width, subsequent_indent="    ")]
    return "\n".join([text(body, made, width), *(["", "Before you believe it", *said] if said else [])])


def walk_forward_text(body: dict[str, Any], made: Study, width: int) -> str:
    """The walk-forward for people: what was chosen, and, apart from it, what came of it."""
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
    lines += [*_drawn(made.curves[0], width), "", *_figure_lines(body["out_of_sample"]), ""]
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


def validate_text(body: dict[str, Any], _made: Study, width: int) -> str:
    """The validation for people; what was seen and what was not stand apart."""
    seen, unseen, noise = body["in_sample"], body["out_of_sample"], body["overfitting"]
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


def _figure_lines(found: Mapping[str, float | None]) -> list[str]:
    from tuiconsole.analytics.measures import UNITS
    from tuiconsole.reports.figures import LABELS, MISSING, write

    return [
        f"{LABELS[name]:<18} {MISSING if value is None else write(value, UNITS[name]):>10}"
        for name, value in found.items()
        if name in LABELS
    ]


def _drawn(curve: Curve, width: int) -> list[str]:
    from tuiconsole.analytics.performance import wealth
    from tuiconsole.reports import strip

    lines = strip.chart(strip.resampled(wealth(curve.returns), width - 2), 5)
    if sys.stdout.isatty():
        return [f"\x1b[36m{line}\x1b[0m" for line in lines]
    return lines


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


def show_windows(done: int, total: int) -> None:
    """How far it is, on standard error."""
    sys.stderr.write(f"\r{done} of {total} windows")
    sys.stderr.flush()
