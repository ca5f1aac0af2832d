"""What all verbs of the command line share: their common options, how they answer, and where they work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tuiconsole.verbs.common import Place

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="Configuration file; default ./config.toml.")
]
StateOption = Annotated[
    Path | None,
    typer.Option("--state", help="The desk's state file; default state.db beside the configuration."),
]
FeedOption = Annotated[
    str | None,
    typer.Option(
        "--feed", help="auto, replay, history, simulated, live, a live feed, or a CSV/Parquet file to replay."
    ),
]
SpeedOption = Annotated[
    float | None,
    typer.Option("--speed", min=0.0, help="Bars per second of a replay; 0 = as fast as it goes."),
]
PaceOption = Annotated[
    str | None,
    typer.Option("--pace", help="Replay as the market went: original, or so many times faster, e.g. 10x."),
]
StartOption = Annotated[str | None, typer.Option("--start", help="First day that trades, e.g. 2007-01-03.")]
UniverseOption = Annotated[
    str | None,
    typer.Option("--universe", help="A list of symbols (see data universes), or A,B,C; default all stored."),
]
IntervalOption = Annotated[
    str | None, typer.Option("--interval", help="Bars of the history to play: 1min, 15min, 1h, 1day.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on standard output, nothing else.")]
PolicyOption = Annotated[
    str | None, typer.Option("--policy", help="Your own strategy, FILE:CLASS, instead of the agents.")
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="A parameter of --policy, NAME=VALUE; may be repeated.")
]
RunsOption = Annotated[
    Path | None,
    typer.Option("--runs", help="Directory of stored runs; default runs/ beside the configuration."),
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; journalled.")]
TimeoutOption = Annotated[float, typer.Option("--timeout", min=0.05, help="Seconds to wait for the engine.")]


def say(text: str, err: bool = False) -> None:
    """One line for the user on standard output, or on standard error."""
    typer.echo(text, err=err)


def emit(body: dict[str, Any], as_json: bool, text: str) -> None:
    """The answer of a verb: its JSON object, or the text for people."""
    if as_json:
        from tuiconsole.verbs.common import plain

        say(json.dumps(plain(body), allow_nan=False))
    else:
        say(text)


def place_of(
    config: Path | None,
    state: Path | None,
    feed: str | None = None,
    speed: float | None = None,
    start: str | None = None,
    policy: str | None = None,
    parameters: list[str] | None = None,
    universe: str | None = None,
    interval: str | None = None,
    pace: str | None = None,
) -> Place:
    """The place that these options name."""
    from tuiconsole.verbs.common import Place

    return Place.of(config, state, feed, speed, start, policy, parameters or (), universe, interval, pace)


def shared_paths(
    context: typer.Context, config: Path | None, state: Path | None
) -> tuple[Path | None, Path | None]:
    """Configuration and state file; options may stand before the verb or after it."""
    shared = context.find_root().obj or {}
    return config or shared.get("config"), state or shared.get("state")


def shared_place(
    context: typer.Context,
    config: Path | None,
    state: Path | None,
    feed: str | None = None,
    speed: float | None = None,
    start: str | None = None,
    policy: str | None = None,
    parameters: list[str] | None = None,
    universe: str | None = None,
    interval: str | None = None,
    pace: str | None = None,
) -> Place:
    """The place a verb works on; options may stand before the verb or after it."""
    shared = context.find_root().obj or {}
    return place_of(
        config or shared.get("config"),
        state or shared.get("state"),
        feed if feed is not None else shared.get("feed"),
        speed if speed is not None else shared.get("speed"),
        start if start is not None else shared.get("start"),
        policy if policy is not None else shared.get("policy"),
        parameters if parameters is not None else shared.get("parameters"),
        universe if universe is not None else shared.get("universe"),
        interval if interval is not None else shared.get("interval"),
        pace if pace is not None else shared.get("pace"),
    )
