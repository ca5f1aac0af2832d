"""The verbs that judge a grid of parameters on bars that did not choose them."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tuiconsole.cli_options import (
    GridOption,
    History,
    HtmlOption,
    JobsOption,
    JsonOption,
    NameOption,
    PurgeOption,
    RunsOption,
    emit,
    over_history,
    text_width,
)


@over_history
def walk_forward(
    history: History,
    grid: GridOption,
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
    name: NameOption = "",
    html: HtmlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Choose parameters on the past, trade the bars that follow with them, and again: what comes is out-of-sample."""
    from tuiconsole.verbs.runs import runs_directory
    from tuiconsole.verbs.validation import Asked, run_study, study_text, write_study

    place = history.place()
    asked = Asked(
        grid, history.end, {"train_bars": train, "test_bars": test, "purge_bars": purge, "jobs": jobs}
    )
    directory, progress = runs_directory(place, runs), sys.stderr.isatty() and not as_json
    body, made = run_study(
        place, asked, directory, "walk-forward", name=name, expanding=expanding, progress=progress
    )
    if html is not None:
        write_study(body, made, html)
    emit(body, as_json, "" if as_json else f"{study_text(body, made, text_width())}\nstored as {made.name}")


@over_history
def validate(
    history: History,
    grid: GridOption,
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
    name: NameOption = "",
    html: HtmlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Purged cross-validation of a grid, and the probability that its best is noise; every trial is counted."""
    from tuiconsole.verbs.runs import runs_directory
    from tuiconsole.verbs.validation import Asked, run_study, study_text, write_study

    place = history.place()
    numbers = {
        "folds": folds,
        "test_folds": test_folds,
        "purge_bars": purge,
        "embargo_bars": embargo,
        "blocks": blocks,
        "jobs": jobs,
    }
    body, made = run_study(
        place, Asked(grid, history.end, numbers), runs_directory(place, runs), "validate", name=name
    )
    if html is not None:
        write_study(body, made, html)
    emit(body, as_json, "" if as_json else f"{study_text(body, made, text_width())}\nstored as {made.name}")


def register(app: typer.Typer) -> None:
    """Name these verbs on the command line."""
    app.command("walk-forward")(walk_forward)
    app.command()(validate)
