"""The report of a run as one HTML file: everything is inside it, so it opens from anywhere and asks nobody."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from tuiconsole.analytics.measures import LEAST_BARS
from tuiconsole.analytics.periods import monthly
from tuiconsole.analytics.regime_results import RegimeResult, results_by_regime
from tuiconsole.analytics.significance import Trials
from tuiconsole.analytics.trades import round_trips
from tuiconsole.domain.errors import StoreError, UsageError
from tuiconsole.reports import relative, tables
from tuiconsole.reports.charts import charts
from tuiconsole.reports.figures import LABELS, MISSING, figures, reasons, written
from tuiconsole.reports.figures import write as write_figure
from tuiconsole.reports.honesty import statements
from tuiconsole.reports.run import Run

TEMPLATE = "page.html.j2"
TRADES_SHOWN = 100


def write(run: Run, path: Path, trials: Trials | None = None) -> None:
    """Write the report of ``run`` to ``path``.

    Raises
    ------
    UsageError
        The packages for HTML reports are not installed.
    StoreError
        The file cannot be written.
    """
    write_page(page(run, trials), path)


def write_page(text: str, path: Path) -> None:
    """Write ``text`` to ``path``, all or nothing; :class:`StoreError` when that cannot be done."""
    place = path.resolve()
    draft = place.with_name(f".{place.name}.partial")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.write_text(text, encoding="utf-8")
            draft.replace(place)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"The report {path} cannot be written: {error.strerror}.") from error


def page(run: Run, trials: Trials | None = None) -> str:
    """The whole page; errors as in :func:`write`."""
    return rendered(TEMPLATE, charts(run), **content(run, trials))


def rendered(template: str, data: Any, **values: Any) -> str:
    """A page of this room's ``template`` with Plotly and ``data`` inside; errors as in :func:`write`."""
    try:
        from jinja2 import Environment, FunctionLoader, StrictUndefined

        plotly = (resources.files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8")
    except (ImportError, OSError):
        raise UsageError(
            "HTML reports need the packages jinja2 and plotly.",
            "Install them with: pip install 'tuiconsole[research]'",
        ) from None
    environment = Environment(
        loader=FunctionLoader(_part),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(
        **values, plotly=plotly.replace("</script", "<\\/script"), charts=_json(data)
    )


def _part(name: str) -> str:
    """A template, a style or a script of this room."""
    return (resources.files("tuiconsole.reports") / name).read_text(encoding="utf-8")


def content(run: Run, trials: Trials | None) -> dict[str, Any]:
    """What the page says, as text: the same figures as the report in a terminal."""
    found = figures(run, trials)
    where, outcome = run.provenance, run.outcome
    span = ("", "")
    if len(run.track):
        span = (tables.day(int(run.track.ts[0])), tables.day(int(run.track.ts[-1])))
    trips = round_trips(run.fills)
    order = np.argsort(trips.profit, kind="stable").tolist()
    return {
        "run": run,
        "sample": run.sample.value,
        "first": span[0],
        "last": span[1],
        "final": float(run.track.equity[-1]) if len(run.track) else run.capital,
        "figures": [(LABELS[name], written(measure), name) for name, measure in found.items()],
        "reasons": reasons(found.values()),
        "statements": statements(run, found, trials),
        "falls": tables.falls(run, 10) if len(run.track) else [],
        "years": _years(run),
        "regimes": _regimes(run),
        "periods": tables.periods(run),
        "titles": tables.PERIOD_TITLES,
        "sectors": relative.sectors(run) if len(run.track) else None,
        "timing": relative.timing(run) if len(run.track) else None,
        "costs": tables.costs(run),
        "effects": tables.shortfall(run),
        "against": tables.against(run),
        "dearest": tables.dearest(run),
        "worst": tables.trades(run, trips, order[:TRADES_SHOWN]),
        "best": tables.trades(run, trips, order[: -TRADES_SHOWN - 1 : -1]),
        "trips": len(trips),
        "stops": [(tables.day(stop.ts), tables.LEVELS[stop.level], stop.text) for stop in run.stops],
        "digests": [
            ("orders", outcome.order_hash),
            ("journal", outcome.journal_head),
            ("tape", where.tape_digest),
            ("binding", where.binding),
            ("policy", where.policy_digest or where.policy),
            ("settings", where.configuration),
        ],
        "arguments": [(name, str(value)) for name, value in where.arguments.items() if value is not None],
        "settings": list(_flat(where.settings)),
        "share": lambda value: write_figure(value, "share"),
        "money": lambda value: write_figure(value, "money"),
    }


def _years(run: Run) -> list[tuple[int, list[str], str]]:
    if not len(run.track):
        return []
    return [
        (
            year.year,
            ["" if part is None else f"{100 * part:.1f}" for part in year.months],
            f"{100 * year.total:.1f}",
        )
        for year in monthly(run.track.ts, run.curve.returns)
    ]


def _regimes(run: Run) -> list[tuple[str, ...]]:
    if not len(run.track):
        return []
    rows = results_by_regime(run.track.equity, run.capital, run.track.regime, run.bars_per_year)
    return [_regime(row) for row in rows]


def _regime(row: RegimeResult) -> tuple[str, ...]:
    enough = row.bars >= LEAST_BARS
    return (
        row.name,
        f"{row.bars:,}",
        f"{100 * row.share:.0f} %",
        write_figure(row.total_return, "share"),
        write_figure(row.volatility, "share") if enough else MISSING,
        write_figure(row.sharpe, "ratio") if enough and np.isfinite(row.sharpe) else MISSING,
        f"-{write_figure(row.max_drawdown, 'share')}" if row.bars else MISSING,
    )


def _flat(values: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{before}{key}.")
        else:
            found.append((f"{before}{key.lstrip('_')}", str(value)))
    return found


def _json(values: Any) -> str:
    """JSON that may stand inside a script element."""
    return json.dumps(values, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
