"""The verbs that judge a grid of parameters on bars that did not choose them."""

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
    UniverseOption,
    emit,
    shared_place,
)
from tuiconsole.cli_research import EndOption

GridOption = Annotated[
    list[str],
    typer.Option(
        "--grid", help="NAME=V1,V2 or NAME=START:STOP:STEP, or a TOML file of lists; may be repeated."
    ),
]
PurgeOption = Annotated[
    int | None,
    typer.Option("--purge", help="Bars left out between choosing and judging; default research.purge_bars."),
]
JobsOption = Annotated[int | None, typer.Option("--jobs", help="Runs at once; 0 = one for each core.")]


def walk_forward(
    context: typer.Context,
    grid: GridOption,
    config: ConfigOption = None,
    feed: FeedOption = None,
    start: StartOption = None,
    end: EndOption = None,
    policy: PolicyOption = None,
    parameters: SetOption = None,
    universe: UniverseOption = None,
    interval: IntervalOption = None,
    train: Annotated[
        int | None, typer.Option("--train", help="Bars to choose on; default research.train_bars.")
    ] = None,
    test: Annotated[
        int | None, typer.Option("--test", help="Bars to trade the choice on; default research.test_bars.")
    ] = None,
    purge: PurgeOption = None,
    expanding: Annotated[
        bool, typer.Option("--expanding", help="Choose on all bars so far, not only the last.")
    ] = False,
    jobs: JobsOption = None,
    runs: RunsOption = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="Also write it to this file, as one HTML page.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Choose parameters on the past, trade the bars that follow with them, and again: what comes is out-of-sample."""
    from tuiconsole.verbs.runs import runs_directory
    from tuiconsole.verbs.validation import Asked, run_walk_forward, walk_forward_text

    place = shared_place(context, config, None, feed, None, start, policy, parameters, universe, interval)
    asked = Asked(grid, end, {"train_bars": train, "test_bars": test, "purge_bars": purge, "jobs": jobs})
    progress = sys.stderr.isatty() and not as_json
    body, curve = run_walk_forward(place, asked, runs_directory(place, runs), expanding, progress)
    if html is not None:
        from tuiconsole.reports.forward import write_forward

        write_forward(body, curve, html)
    emit(body, as_json, "" if as_json else walk_forward_text(body, curve))


def validate(
    context: typer.Context,
    grid: GridOption,
    config: ConfigOption = None,
    feed: FeedOption = None,
    start: StartOption = None,
    end: EndOption = None,
    policy: PolicyOption = None,
    parameters: SetOption = None,
    universe: UniverseOption = None,
    interval: IntervalOption = None,
    folds: Annotated[
        int | None, typer.Option("--folds", help="Blocks of the history; default research.folds.")
    ] = None,
    test_folds: Annotated[
        int | None, typer.Option("--test-folds", help="Blocks judged at a time; default research.test_folds.")
    ] = None,
    purge: PurgeOption = None,
    embargo: Annotated[
        int | None,
        typer.Option("--embargo", help="Bars left out after judged blocks; default research.embargo_bars."),
    ] = None,
    blocks: Annotated[
        int | None,
        typer.Option("--blocks", help="Blocks for the probability of overfitting; default research.blocks."),
    ] = None,
    jobs: JobsOption = None,
    runs: RunsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Purged cross-validation of a grid, and the probability that its best is noise; every trial is counted."""
    from tuiconsole.verbs.runs import runs_directory
    from tuiconsole.verbs.validation import Asked, run_validate, validate_text

    place = shared_place(context, config, None, feed, None, start, policy, parameters, universe, interval)
    numbers = {
        "folds": folds,
        "test_folds": test_folds,
        "purge_bars": purge,
        "embargo_bars": embargo,
        "blocks": blocks,
        "jobs": jobs,
    }
    body = run_validate(place, Asked(grid, end, numbers), runs_directory(place, runs))
    emit(body, as_json, "" if as_json else validate_text(body))


def register(app: typer.Typer) -> None:
    """Name these verbs on the command line."""
    app.command("walk-forward")(walk_forward)
    app.command()(validate)
