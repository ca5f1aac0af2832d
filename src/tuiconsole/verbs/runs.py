"""Verbs over stored runs: list, show, compare, remove, run again, report."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuiconsole.verbs.columns import GAP, paragraph, shortened, table
from tuiconsole.verbs.common import Place, default_state

if TYPE_CHECKING:
    from tuiconsole.research.runs import RunStore
    from tuiconsole.research.trials import Counted

_HASHES = ("order_hash", "journal_head", "result_hash")
_KEYS, _COLUMN = 26, 12
"""Columns for what is compared, and the least for each run beside it."""
_LISTED = ("total_return", "sharpe", "max_drawdown", "deflated_sharpe")


def runs_directory(place: Place, runs: Path | None) -> Path:
    """Where runs and trials are kept: ``--runs``, else ``runs/`` beside the configuration (or the user's state file)."""
    return runs if runs is not None else default_state(place.config_path).parent / "runs"


def list_runs(directory: Path) -> dict[str, Any]:
    """All stored runs, oldest first, and how many backtests were ever evaluated."""
    from tuiconsole.research.runs import RunStore
    from tuiconsole.research.trials import TrialCounter

    counter, store = TrialCounter(directory), RunStore(directory)
    counted = counter.counted()
    rows = [
        {
            "name": entry.name,
            "sample": entry.facts["sample"],
            "made": entry.facts["provenance"]["made"],
            "policy": entry.facts["provenance"]["policy"],
            "tape": entry.facts["provenance"]["tape"],
            "bars": entry.facts["outcome"]["bars"],
            "metrics": _listed(_metrics(store, entry.facts, counted)),
        }
        for entry in store.list()
    ]
    return {
        "directory": str(directory),
        "runs": rows,
        "unreadable": list(store.unreadable()),
        "evaluations": counter.evaluations(),
    }


def list_text(body: dict[str, Any], width: int) -> str:
    """The list for people."""
    if not body["runs"] and not body["unreadable"]:
        return f"No runs in {body['directory']} yet. Make one: tuiconsole backtest --name first"
    head = ["name", "sample", "policy", "tape", "bars", "return", "Sharpe", "drawdown", "deflated"]
    rows = [
        [
            row["name"],
            row["sample"],
            row["policy"],
            row["tape"],
            f"{row['bars']:,}",
            *(_cell(name, row["metrics"][name]) for name in _LISTED),
        ]
        for row in body["runs"]
    ]
    lines = table(
        head,
        rows,
        width,
        left=("sample", "policy", "tape"),
        whole=("sample",),
        drop=("bars", "tape", "policy"),
    )
    for sentence in body["unreadable"]:
        lines += paragraph(sentence, width)
    return "\n".join([*lines, f"backtests evaluated here so far: {body['evaluations']:,}"])


def show_run(directory: Path, name: str) -> dict[str, Any]:
    """Everything that is one value per run: where it comes from, what came out, its figures."""
    from tuiconsole.research.runs import RunStore
    from tuiconsole.research.trials import TrialCounter

    store = RunStore(directory)
    facts = store.facts(name)
    return {**facts, "metrics": _metrics(store, facts, TrialCounter(directory).counted())}


def _listed(metrics: Mapping[str, float | None]) -> dict[str, float | None]:
    return {name: metrics.get(name) for name in _LISTED}


def _metrics(store: RunStore, facts: Mapping[str, Any], counted: Counted) -> dict[str, float | None]:
    """The figures of a stored run, its Sharpe ratio deflated by every trial counted since."""
    from tuiconsole.analytics.significance import deflated_sharpe
    from tuiconsole.research.trials import Subject

    found: dict[str, float | None] = dict(facts["metrics"])
    ratio, skewness, kurtosis = (found.get(name) for name in ("sharpe", "skewness", "kurtosis"))
    if found.get("deflated_sharpe") is None or ratio is None or skewness is None or kurtosis is None:
        return found
    where = facts["provenance"]
    subject = Subject.of(
        where["tape_digest"], where["source"], facts["symbols"], float(facts["bars_per_year"])
    )
    trials = counted.over(subject, *store.period(facts["name"]))
    per_bar = ratio / float(facts["bars_per_year"]) ** 0.5
    bars = int(facts["outcome"]["bars"])
    found["deflated_sharpe"] = deflated_sharpe(
        per_bar, bars, skewness, kurtosis, trials.count, trials.variance
    )
    return found


def show_text(body: dict[str, Any], width: int) -> str:
    """One run for people; figures of a study that were seen while choosing stand in a table of their own."""
    where, outcome = body["provenance"], body["outcome"]
    traded = f"{outcome['bars']:,} bars, {len(body['symbols'])} symbols"
    about = f"{where['policy']} on {where['tape']} ({where['source']}), {traded}"
    lines = [
        *paragraph(f"{body['name']}  {body['sample'].upper()}  {where['verb']}", width),
        f"made {where['made']} by version {where['version']}",
        *paragraph(about, width),
        "",
    ]
    parts = {body["sample"]: body["metrics"]}
    if "in_sample_metrics" in body:
        parts = {"in-sample": body["in_sample_metrics"], **parts}
    for sample, metrics in parts.items():
        rows = [[_label(name), _cell(name, value)] for name, value in metrics.items()]
        lines += [*([sample.upper()] if len(parts) > 1 else []), *table(["figure", "value"], rows, width), ""]
    hashes = [(name, outcome[name]) for name in _HASHES if name in outcome]
    hashes += [(name, where[name]) for name in ("tape_digest", "configuration")]
    given = [(name, value) for name, value in where["arguments"].items() if value is not None]
    for name, value in (*hashes, *given):
        lines += paragraph(f"{name.replace('_', ' '):<14} {value}", width, 15)
    return "\n".join(lines)


def compare_runs(directory: Path, names: Sequence[str]) -> dict[str, Any]:
    """Figures of several runs side by side, and every setting in which they differ."""
    from tuiconsole.research.runs import RunStore
    from tuiconsole.research.trials import TrialCounter

    store, counted = RunStore(directory), TrialCounter(directory).counted()
    facts = {name: store.facts(name) for name in names}
    figures = {name: _metrics(store, each, counted) for name, each in facts.items()}
    chosen = {name: each["in_sample_metrics"] for name, each in facts.items() if "in_sample_metrics" in each}
    flat = {
        name: {**_flat(each["provenance"]["settings"]), "policy.digest": each["provenance"]["policy_digest"]}
        for name, each in facts.items()
    }
    keys = list(dict.fromkeys(key for each in flat.values() for key in each))
    differing = [key for key in keys if len({repr(flat[name].get(key)) for name in names}) > 1]
    return {
        "runs": list(names),
        "samples": {name: facts[name]["sample"] for name in names},
        "metrics": _by_figure(figures),
        "in_sample_metrics": _by_figure(chosen),
        "settings": {key: {name: flat[name].get(key) for name in names} for key in differing},
        "same_tape": len({each["provenance"]["tape_digest"] for each in facts.values()}) == 1,
        "same_orders": len({each["outcome"]["order_hash"] for each in facts.values()}) == 1,
    }


def _by_figure(
    metrics: Mapping[str, Mapping[str, float | None]],
) -> dict[str, dict[str, float | None]]:
    """Values of each figure by name of the run."""
    from tuiconsole.reports.figures import LABELS

    held = dict.fromkeys(key for each in metrics.values() for key in each)
    keys = [*(key for key in LABELS if key in held), *(key for key in held if key not in LABELS)]
    return {key: {name: each.get(key) for name, each in metrics.items()} for key in keys}


def compare_text(body: dict[str, Any], width: int) -> str:
    """The comparison for people; in-sample and out-of-sample figures stand in tables of their own."""
    lines: list[str] = []
    for sample in ("in-sample", "out-of-sample"):
        parts = [
            (body["metrics"], [name for name in body["runs"] if body["samples"][name] == sample], ""),
        ]
        if sample == "in-sample" and body["in_sample_metrics"]:
            chosen = next(iter(body["in_sample_metrics"].values()))
            parts.append((body["in_sample_metrics"], list(chosen), ", where it was chosen"))
        for metrics, names, said in parts:
            known = {
                key: values
                for key, values in metrics.items()
                if any(values.get(name) is not None for name in names)
            }
            if names:
                lines += [sample.upper() + said, *_side_by_side(known, names, width, _label, _cell), ""]
    if body["settings"]:
        lines += _side_by_side(body["settings"], body["runs"], width, str, lambda _, value: _short(value))
    else:
        lines.append("the same settings")
    lines.append("the same tape" if body["same_tape"] else "DIFFERENT TAPES: their figures do not compare")
    if body["same_orders"]:
        lines.append("the same orders, one for one")
    return "\n".join(lines)


def _side_by_side(
    values: Mapping[str, Mapping[str, Any]],
    names: Sequence[str],
    width: int,
    label: Callable[[str], str],
    cell: Callable[[str, Any], str],
) -> list[str]:
    """A row for each key and a column for each name; names that do not fit beside each other go on below."""
    room = max(1, (width - _KEYS) // (_COLUMN + GAP))
    lines: list[str] = []
    for first in range(0, len(names), room):
        part = names[first : first + room]
        rows = [
            [
                shortened(label(key), _KEYS),
                *(shortened(cell(key, found.get(name)), _cells(width, part)) for name in part),
            ]
            for key, found in values.items()
        ]
        head = ["", *(shortened(name, _cells(width, part)) for name in part)]
        lines += [*([""] if first else []), *table(head, rows, width)]
    return lines


def _cells(width: int, names: Sequence[str]) -> int:
    """Columns that each of ``names`` may fill beside the keys."""
    return max(_COLUMN, (width - _KEYS) // len(names) - GAP)


def remove_run(directory: Path, name: str) -> dict[str, Any]:
    """Delete one run; its trial stays counted."""
    from tuiconsole.research.runs import RunStore

    RunStore(directory).remove(name)
    return {"removed": name}


def reproduce_run(place: Place, directory: Path, name: str, progress: bool) -> dict[str, Any]:
    """Run it again from its stored settings and compare orders and journal bit for bit."""
    from tuiconsole.domain.clock import WallClock
    from tuiconsole.research.keeping import reproduce
    from tuiconsole.research.runs import KIND, RunStore
    from tuiconsole.research.studies import load_study, reproduce_study
    from tuiconsole.verbs.validation import show_windows

    store, clock = RunStore(directory), WallClock()
    if KIND in store.facts(name):
        tell = show_windows if progress else None
        found = reproduce_study(load_study(store, name), place.config.research, clock, tell)
    else:
        found = reproduce(store.load(name), clock, _show if progress else None)
    if progress:
        sys.stderr.write("\r\x1b[K")
    hashes = {key: {"stored": stored, "found": now} for key, (stored, now) in found.hashes.items()}
    return {"name": name, "ok": found.ok, **hashes}


def reproduce_text(body: dict[str, Any]) -> str:
    """The verdict for people."""
    if body["ok"]:
        what = "byte of its journal" if "journal_head" in body else "return of its curves"
        return f"ok: {body['name']} came out the same, every order and every {what}"
    parts = [f"NOT THE SAME: {body['name']}"]
    for key in (name for name in _HASHES if name in body):
        stored, found = body[key]["stored"], body[key]["found"]
        word = "same" if stored == found else f"was {stored[:16]}…, is {found[:16]}…"
        parts.append(f"  {key.replace('_', ' '):<13} {word}")
    return "\n".join(parts)


def report_run(directory: Path, name: str, html: Path | None, width: int) -> tuple[dict[str, Any], str]:
    """The report of a stored run: stable keys, and its text; written to ``html`` too when given."""
    from tuiconsole.analytics.measures import plain_figures
    from tuiconsole.reports.figures import figures
    from tuiconsole.reports.honesty import statements
    from tuiconsole.reports.relative import timing
    from tuiconsole.reports.terminal import render
    from tuiconsole.research.keeping import trials_of
    from tuiconsole.research.runs import KIND, RunStore

    store = RunStore(directory)
    if KIND in store.facts(name):
        return _report_study(store, name, html, width)
    run = store.load(name)
    trials = trials_of(run, directory)
    found = figures(run, trials)
    if html is not None:
        from tuiconsole.reports.html import write

        write(run, html, trials)
    body = {
        "name": name,
        "sample": run.sample.value,
        "trials": trials.count,
        "metrics": plain_figures(found),
        "statements": statements(run, found, trials),
        "sectors": None if run.sectors is None else asdict(run.sectors),
        "timing": [asdict(row) for row in timing(run)[0]],
        "html": None if html is None else str(html),
    }
    return body, render(run, width, trials, colour=sys.stdout.isatty())


def _report_study(store: RunStore, name: str, html: Path | None, width: int) -> tuple[dict[str, Any], str]:
    """The report of a walk-forward or a cross-validation, deflated by every trial counted since."""
    from tuiconsole.research.studies import load_study
    from tuiconsole.research.trials import TrialCounter
    from tuiconsole.verbs.validation import study_text, write_study

    made = load_study(store, name)
    answer = made.body(TrialCounter(store.directory).over(made.subject, *made.period))
    if html is not None:
        write_study(answer, made, html)
    body = {
        "name": name,
        "sample": store.facts(name)["sample"],
        **answer,
        "html": None if html is None else str(html),
    }
    return body, study_text(answer, made, width)


def _show(done: int, total: int) -> None:
    sys.stderr.write(f"\r{done:,} of {total:,} bars ({100 * done / max(total, 1):.0f} %)")
    sys.stderr.flush()


def _flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{before}{key}.")
        elif not key.startswith("_"):
            found[f"{before}{key}"] = value
    return found


def _label(name: str) -> str:
    from tuiconsole.reports.figures import LABELS, STUDY_FIGURES

    return STUDY_FIGURES[name][0] if name in STUDY_FIGURES else LABELS.get(name, name)


def _cell(name: str, value: float | None) -> str:
    from tuiconsole.analytics.measures import UNITS
    from tuiconsole.reports.figures import MISSING, STUDY_FIGURES, write

    unit = STUDY_FIGURES[name][1] if name in STUDY_FIGURES else UNITS.get(name)
    return MISSING if value is None or unit is None else write(value, unit)


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 24 else f"…{text[-23:]}"
