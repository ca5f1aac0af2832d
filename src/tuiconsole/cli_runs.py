"""The verbs over stored runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tuiconsole.cli_options import (
    ConfigOption,
    HtmlOption,
    JsonOption,
    RunsOption,
    emit,
    shared_place,
    text_width,
)

runs_app = typer.Typer(help="List, show, compare, remove or reproduce stored runs.", no_args_is_help=True)
NameArgument = Annotated[str, typer.Argument(help="Name of a stored run.")]


def _directory(context: typer.Context, config: Path | None, runs: Path | None) -> Path:
    from tuiconsole.verbs.runs import runs_directory

    return runs_directory(shared_place(context, config, None), runs)


@runs_app.command("list")
def list_(
    context: typer.Context, config: ConfigOption = None, runs: RunsOption = None, as_json: JsonOption = False
) -> None:
    """All stored runs, oldest first."""
    from tuiconsole.verbs.runs import list_runs, list_text

    body = list_runs(_directory(context, config, runs))
    emit(body, as_json, list_text(body, text_width()))


@runs_app.command()
def show(
    context: typer.Context,
    name: NameArgument,
    config: ConfigOption = None,
    runs: RunsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Where a run comes from, what came out, and its figures."""
    from tuiconsole.verbs.runs import show_run, show_text

    body = show_run(_directory(context, config, runs), name)
    emit(body, as_json, show_text(body, text_width()))


@runs_app.command()
def compare(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(help="Names of two or more stored runs.")],
    config: ConfigOption = None,
    runs: RunsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Figures side by side, and the settings in which the runs differ."""
    from tuiconsole.verbs.runs import compare_runs, compare_text

    body = compare_runs(_directory(context, config, runs), names)
    emit(body, as_json, compare_text(body, text_width()))


@runs_app.command()
def remove(
    context: typer.Context,
    name: NameArgument,
    config: ConfigOption = None,
    runs: RunsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete a run; its trial stays counted."""
    from tuiconsole.verbs.runs import remove_run

    emit(
        remove_run(_directory(context, config, runs), name),
        as_json,
        f"{name} is removed; its trial stays counted",
    )


@runs_app.command()
def reproduce(
    context: typer.Context,
    name: NameArgument,
    config: ConfigOption = None,
    runs: RunsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run it again from its stored settings; orders and journal must come out bit for bit."""
    from tuiconsole.verbs.runs import reproduce_run, reproduce_text, runs_directory

    place = shared_place(context, config, None)
    progress = sys.stderr.isatty() and not as_json
    body = reproduce_run(place, runs_directory(place, runs), name, progress)
    emit(body, as_json, reproduce_text(body))
    raise typer.Exit(0 if body["ok"] else 1)


def report(
    context: typer.Context,
    name: NameArgument,
    config: ConfigOption = None,
    runs: RunsOption = None,
    html: HtmlOption = None,
    as_json: JsonOption = False,
) -> None:
    """The report of a stored run: curve, drawdowns, months, regimes, trades, costs, and what to doubt."""
    from tuiconsole.verbs.runs import report_run

    body, text = report_run(_directory(context, config, runs), name, html, text_width())
    emit(body, as_json, text + (f"\nwritten to {html}" if html is not None else ""))


def register(app: typer.Typer) -> None:
    """Name these verbs on the command line."""
    app.command()(report)
    app.add_typer(runs_app, name="runs")
