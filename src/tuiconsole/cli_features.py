"""The verbs of features: what the catalogue holds, and a choice from it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tuiconsole.cli_options import (
    ConfigOption,
    EndOption,
    FeedOption,
    IntervalOption,
    JsonOption,
    StartOption,
    UniverseOption,
    emit,
    shared_place,
    text_width,
)

features_app = typer.Typer(
    help="What the catalogue of features holds, and a choice from it.", no_args_is_help=True
)


@features_app.command("list")
def features_list(
    context: typer.Context,
    config: ConfigOption = None,
    family: Annotated[
        str | None, typer.Option("--family", help="Families with this in their name; default all.")
    ] = None,
    schema: Annotated[
        Path | None,
        typer.Option("--schema", help="Show the features of this schema, if all can be computed."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the standard list of features with formulas and units."""
    from tuiconsole.verbs.features import list_features, list_text

    shared_place(context, config, None)
    body = list_features(family, schema)
    emit(body, as_json, "" if as_json else list_text(body, text_width()))


@features_app.command("select")
def features_select(
    context: typer.Context,
    config: ConfigOption = None,
    feed: FeedOption = None,
    start: StartOption = None,
    end: EndOption = None,
    universe: UniverseOption = None,
    interval: IntervalOption = None,
    out: Annotated[Path, typer.Option("--out", help="File for the schema of the chosen features.")] = Path(
        "features.json"
    ),
    horizon: Annotated[int, typer.Option("--horizon", min=1, help="Bars of the return to be foretold.")] = 5,
    most: Annotated[
        int, typer.Option("--most", min=0, help="Features chosen at most; 0 = one for each cluster.")
    ] = 0,
    correlation: Annotated[
        float,
        typer.Option(
            "--correlation", min=0.05, max=1.0, help="Rank correlation that makes features one cluster."
        ),
    ] = 0.8,
    samples: Annotated[int, typer.Option("--samples", min=100, help="Observations to judge by.")] = 20_000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Which bars are drawn.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Choose features on history: one of each cluster, by information about the return that follows and by stability."""
    from tuiconsole.features.selection import SelectionRules
    from tuiconsole.verbs.features import select_features, select_text

    place = shared_place(context, config, None, feed, None, start, universe=universe, interval=interval)
    rules = SelectionRules(most_correlation=correlation, most=most)
    body = select_features(place, end, horizon, rules, samples, seed, out)
    emit(body, as_json, "" if as_json else select_text(body, text_width()))


def register(app: typer.Typer) -> None:
    """Name these verbs on the command line."""
    app.add_typer(features_app, name="features")
