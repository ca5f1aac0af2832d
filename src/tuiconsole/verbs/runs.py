"""Verbs over stored runs: list, show, compare, remove, run again, report."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuiconsole.verbs.common import Place, default_state

if TYPE_CHECKING:
    from tuiconsole.research.runs import RunStore
    from tuiconsole.research.trials import Counted

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


def list_text(body: dict[str, Any]) -> str:
    """The list for people."""
    if not body["runs"] and not body["unreadable"]:
        return f"No runs in {body['directory']} yet. Make one: tuiconsole backtest --name first"
    head = ["name", "sample", "policy", "tape", "bars", *_LISTED]
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
    return "\n".join(
        [
            *_columns([name.replace("_", " ") for name in head], rows),
            *body["unreadable"],
            f"backtests evaluated here so far: {body['evaluations']:,}",
        ]
    )


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


def show_text(body: dict[str, Any]) -> str:
    """One run for people."""
    where, outcome = body["provenance"], body["outcome"]
    lines = [
        f"{body['name']}  {body['sample'].upper()}  made {where['made']} by version {where['version']}",
        f"{where['policy']} on {where['tape']} ({where['source']}), {outcome['bars']:,} bars, {len(body['symbols'])} symbols",
        "",
        *_columns(
            ["figure", "value"],
            [[_label(name), _cell(name, value)] for name, value in body["metrics"].items()],
        ),
        "",
    ]
    lines += [f"{name.replace('_', ' '):<14} {outcome[name]}" for name in ("order_hash", "journal_head")]
    lines += [f"{name.replace('_', ' '):<14} {where[name]}" for name in ("tape_digest", "configuration")]
    lines += [f"{name:<14} {value}" for name, value in where["arguments"].items() if value is not None]
    return "\n".join(lines)


def compare_runs(directory: Path, names: Sequence[str]) -> dict[str, Any]:
    """Figures of several runs side by side, and every setting in which they differ."""
    from tuiconsole.research.runs import RunStore
    from tuiconsole.research.trials import TrialCounter

    store, counted = RunStore(directory), TrialCounter(directory).counted()
    facts = {name: store.facts(name) for name in names}
    figures = {name: _metrics(store, each, counted) for name, each in facts.items()}
    metrics = list(dict.fromkeys(key for each in figures.values() for key in each))
    flat = {
        name: {**_flat(each["provenance"]["settings"]), "policy.digest": each["provenance"]["policy_digest"]}
        for name, each in facts.items()
    }
    keys = list(dict.fromkeys(key for each in flat.values() for key in each))
    differing = [key for key in keys if len({repr(flat[name].get(key)) for name in names}) > 1]
    return {
        "runs": list(names),
        "samples": {name: facts[name]["sample"] for name in names},
        "metrics": {key: {name: figures[name].get(key) for name in names} for key in metrics},
        "settings": {key: {name: flat[name].get(key) for name in names} for key in differing},
        "same_tape": len({each["provenance"]["tape_digest"] for each in facts.values()}) == 1,
        "same_orders": len({each["outcome"]["order_hash"] for each in facts.values()}) == 1,
    }


def compare_text(body: dict[str, Any]) -> str:
    """The comparison for people; in-sample and out-of-sample runs stand in tables of their own."""
    lines: list[str] = []
    for sample in dict.fromkeys(body["samples"].values()):
        names = [name for name in body["runs"] if body["samples"][name] == sample]
        rows = [
            [_label(key), *(_cell(key, values[name]) for name in names)]
            for key, values in body["metrics"].items()
        ]
        lines += [sample.upper(), *_columns(["", *names], rows), ""]
    if body["settings"]:
        rows = [
            [key, *(_short(values[name]) for name in body["runs"])]
            for key, values in body["settings"].items()
        ]
        lines += _columns(["setting", *body["runs"]], rows)
    else:
        lines.append("the same settings")
    lines.append("the same tape" if body["same_tape"] else "DIFFERENT TAPES: their figures do not compare")
    if body["same_orders"]:
        lines.append("the same orders, one for one")
    return "\n".join(lines)


def remove_run(directory: Path, name: str) -> dict[str, Any]:
    """Delete one run; its trial stays counted."""
    from tuiconsole.research.runs import RunStore

    RunStore(directory).remove(name)
    return {"removed": name}


def reproduce_run(directory: Path, name: str, progress: bool) -> dict[str, Any]:
    """Run it again from its stored settings and compare orders and journal bit for bit."""
    from tuiconsole.domain.clock import WallClock
    from tuiconsole.research.keeping import reproduce
    from tuiconsole.research.runs import RunStore

    found = reproduce(RunStore(directory).load(name), WallClock(), _show if progress else None)
    if progress:
        sys.stderr.write("\r\x1b[K")
    return {
        "name": name,
        "ok": found.ok,
        "order_hash": {"stored": found.order_hash[0], "found": found.order_hash[1]},
        "journal_head": {"stored": found.journal_head[0], "found": found.journal_head[1]},
    }


def reproduce_text(body: dict[str, Any]) -> str:
    """The verdict for people."""
    if body["ok"]:
        return f"ok: {body['name']} came out the same, every order and every byte of its journal"
    parts = [f"NOT THE SAME: {body['name']}"]
    for key in ("order_hash", "journal_head"):
        stored, found = body[key]["stored"], body[key]["found"]
        word = "same" if stored == found else f"was {stored[:16]}…, is {found[:16]}…"
        parts.append(f"  {key.replace('_', ' '):<13} {word}")
    return "\n".join(parts)


def report_run(directory: Path, name: str, html: Path | None, width: int) -> tuple[dict[str, Any], str]:
    """The report of a stored run: stable keys, and its text; written to ``html`` too when given."""
    from tuiconsole.analytics.measures import plain_figures
    from tuiconsole.reports.figures import figures
    from tuiconsole.reports.honesty import statements
    from tuiconsole.reports.terminal import render
    from tuiconsole.research.keeping import trials_of
    from tuiconsole.research.runs import RunStore

    run = RunStore(directory).load(name)
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
        "html": None if html is None else str(html),
    }
    return body, render(run, width, trials, colour=sys.stdout.isatty())


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
    from tuiconsole.reports.figures import LABELS

    return LABELS.get(name, name)


def _cell(name: str, value: float | None) -> str:
    from tuiconsole.analytics.measures import UNITS
    from tuiconsole.reports.figures import MISSING, write

    return MISSING if value is None or name not in UNITS else write(value, UNITS[name])


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 24 else f"…{text[-23:]}"


def _columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[k]) for row in (head, *rows)) for k in range(len(head))]
    return [
        "  ".join(
            cell.ljust(width) if k == 0 else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *rows)
    ]
