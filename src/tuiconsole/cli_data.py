"""The verbs of data: bars into the history store, and what the store holds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tuiconsole.cli_options import ConfigOption, JsonOption, emit, shared_place

data_app = typer.Typer(help="Bars into the history store, and what it holds.", no_args_is_help=True)


@data_app.command("import")
def data_import(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="A CSV or Parquet file, or a folder of them.")],
    config: ConfigOption = None,
    interval: Annotated[
        str | None, typer.Option("--interval", help="Length of the bars; default found out.")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option("--timezone", help="Zone of times that carry none, e.g. America/New_York.")
    ] = None,
    label: Annotated[
        str | None,
        typer.Option("--label", help="What a time names, start or end of a bar; default found out."),
    ] = None,
    adjusted: Annotated[
        bool | None,
        typer.Option(
            "--adjusted/--raw", help="Prices are adjusted, or as traded; default what the layout says."
        ),
    ] = None,
    universe: Annotated[
        str | None, typer.Option("--universe", help="Keep the symbols as a list of this name.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Bring files of bars into the history store: all of them, or nothing when one is wrong."""
    from tuiconsole.verbs.data import import_text, run_import

    place = shared_place(context, config, None)
    shown = sys.stderr.isatty() and not as_json
    body = run_import(place, path, interval, timezone, label, adjusted, universe, progress=shown)
    emit(body, as_json, "" if as_json else import_text(body))


def register(app: typer.Typer) -> None:
    """Name these verbs on the command line."""
    app.add_typer(data_app, name="data")
