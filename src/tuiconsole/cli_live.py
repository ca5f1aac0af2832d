"""The verbs of today's market: paper money on live prices, and what a backtest says to the recorded session."""

from __future__ import annotations

from typing import Annotated

import typer

from tuiconsole.cli_options import (
    ConfigOption,
    IntervalOption,
    JsonOption,
    PolicyOption,
    SetOption,
    StateOption,
    UniverseOption,
    emit,
    shared_paths,
    shared_place,
)


def paper(
    context: typer.Context,
    feed: Annotated[
        str, typer.Argument(help="A live feed, e.g. yahoo; default feeds.order of the configuration.")
    ] = "live",
    config: ConfigOption = None,
    state: StateOption = None,
    universe: UniverseOption = None,
    interval: IntervalOption = None,
    policy: PolicyOption = None,
    parameters: SetOption = None,
    no_console: Annotated[
        bool, typer.Option("--headless", help="Log to the terminal instead of opening the console.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Trade paper money on today's market: live prices, wall clock, the same desk; everything is recorded."""
    place = shared_place(context, config, state, feed, None, None, policy, parameters, universe, interval)
    if no_console or as_json:
        from tuiconsole.verbs.engine import run_headless

        run_headless(lambda: place, None, as_json, False, None)
        return
    from tuiconsole.verbs.console import open_console

    raise typer.Exit(open_console(place, None, spawn=True, read_only=False))


def parity(
    context: typer.Context,
    config: ConfigOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Replay a recorded paper session through the backtest: decisions must be identical, and every difference has a cause."""
    from tuiconsole.verbs.parity import parity_of, parity_text

    named, _ = shared_paths(context, config, state)
    body = parity_of(shared_place(context, config, state), named)
    emit(body, as_json, parity_text(body))
    raise typer.Exit(0 if body["identical"] else 1)


def register(app: typer.Typer) -> None:
    """Name these verbs on the command line."""
    for verb in (paper, parity):
        app.command()(verb)
