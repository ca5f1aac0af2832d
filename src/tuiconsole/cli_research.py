"""The verbs of research: history driven through the desk."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tuiconsole.cli_options import (
    ConfigOption,
    FeedOption,
    IntervalOption,
    JsonOption,
    PolicyOption,
    RunsOption,
    SetOption,
    StartOption,
    StateOption,
    UniverseOption,
    emit,
    shared_place,
)

EndOption = Annotated[str | None, typer.Option("--end", help="First day that no longer trades.")]


def backtest(
    context: typer.Context,
    config: ConfigOption = None,
    feed: FeedOption = None,
    start: StartOption = None,
    end: EndOption = None,
    policy: PolicyOption = None,
    parameters: SetOption = None,
    universe: UniverseOption = None,
    interval: IntervalOption = None,
    agents: Annotated[
        str | None, typer.Option("--agents", help="Comma-separated agents; default all.")
    ] = None,
    journal: Annotated[
        Path | None, typer.Option("--journal", help="Keep the hashed batch journal in this file.")
    ] = None,
    period: Annotated[
        str | None,
        typer.Option(
            "--period",
            help="A named period of the configuration, e.g. out_of_sample, instead of start and end.",
        ),
    ] = None,
    name: Annotated[
        str, typer.Option("--name", help="Name to store the run under; default the next free one.")
    ] = "",
    html: Annotated[
        Path | None, typer.Option("--html", help="Also write the report as one HTML page.")
    ] = None,
    runs: RunsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run the desk over history as fast as it goes, with all costs and limits on; never touches state.db."""
    from tuiconsole.verbs.research import backtest_text, run_backtest_verb
    from tuiconsole.verbs.runs import runs_directory

    place = shared_place(context, config, None, feed, None, start, policy, parameters, universe, interval)
    progress = sys.stderr.isatty() and not as_json
    body, kept = run_backtest_verb(
        place, end, agents, journal, progress, runs_directory(place, runs), name, period
    )
    if html is not None:
        from tuiconsole.reports.html import write

        write(kept.run, html, kept.trials)
    emit(body, as_json, "" if as_json else backtest_text(body, kept))
    raise typer.Exit(1 if policy is not None and body["failed"] else 0)


def tripwires(
    context: typer.Context,
    config: ConfigOption = None,
    feed: FeedOption = None,
    start: StartOption = None,
    end: EndOption = None,
    policy: PolicyOption = None,
    parameters: SetOption = None,
    universe: UniverseOption = None,
    interval: IntervalOption = None,
    cuts: Annotated[
        int, typer.Option("--cuts", min=1, max=100, help="Dates after which prices are changed.")
    ] = 5,
    as_json: JsonOption = False,
) -> None:
    """Look for bias: decisions that see the future, depend on where the run began, or fill on their own bar."""
    from tuiconsole.verbs.research import run_tripwires, tripwires_text

    place = shared_place(context, config, None, feed, None, start, policy, parameters, universe, interval)
    body = run_tripwires(place, end, cuts, progress=sys.stderr.isatty() and not as_json)
    emit(body, as_json, tripwires_text(body))
    raise typer.Exit(0 if body["ok"] else 1)


def drift(
    context: typer.Context,
    config: ConfigOption = None,
    feed: FeedOption = None,
    start: StartOption = None,
    end: EndOption = None,
    policy: PolicyOption = None,
    parameters: SetOption = None,
    universe: UniverseOption = None,
    interval: IntervalOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the features that the policy reads with those before the start: PSI over 0.25 or KS over 0.1 is a drift."""
    from tuiconsole.verbs.drifting import drift_text, run_drift

    body = run_drift(
        shared_place(context, config, None, feed, None, start, policy, parameters, universe, interval), end
    )
    emit(body, as_json, drift_text(body))
    raise typer.Exit(0 if body["ok"] else 1)


def sweep(
    context: typer.Context,
    grid: Annotated[
        list[str],
        typer.Option(
            "--grid",
            help="NAME=V1,V2 or NAME=START:STOP:STEP, of the strategy or of the settings (sizing.band); may be repeated.",
        ),
    ],
    config: ConfigOption = None,
    feed: FeedOption = None,
    start: StartOption = None,
    end: EndOption = None,
    policy: PolicyOption = None,
    parameters: SetOption = None,
    universe: UniverseOption = None,
    interval: IntervalOption = None,
    rank: Annotated[str, typer.Option("--rank", help="Metric that orders the trials.")] = "sharpe",
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=0, help="Runs at once; 0 = one for each core.")
    ] = None,
    cluster: Annotated[
        str | None, typer.Option("--cluster", help='Ray address, "auto", or "local" for Ray on this machine.')
    ] = None,
    runs: RunsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run the desk with every combination of a grid of parameters, in parallel here or on a Ray cluster."""
    from tuiconsole.verbs.runs import runs_directory
    from tuiconsole.verbs.sweeping import run_sweep, sweep_text

    place = shared_place(context, config, None, feed, None, start, policy, parameters, universe, interval)
    body = run_sweep(place, grid, end, rank, jobs, cluster, runs_directory(place, runs))
    emit(body, as_json, "" if as_json else sweep_text(body))
    raise typer.Exit(1 if body["failed"] == len(body["trials"]) else 0)


def verify(
    context: typer.Context,
    config: ConfigOption = None,
    state: StateOption = None,
    chain_only: Annotated[
        bool, typer.Option("--chain-only", help="Check the hash chain; do not replay the session.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check the journal's hash chain, then replay the session and compare every row."""
    from tuiconsole.verbs.research import verify_desk, verify_text

    body = verify_desk(shared_place(context, config, state), chain_only)
    emit(body, as_json, verify_text(body))
    raise typer.Exit(0 if body["ok"] else 1)


def register(app: typer.Typer) -> None:
    """Name these verbs on the command line."""
    for verb in (backtest, drift, sweep, tripwires, verify):
        app.command()(verb)
