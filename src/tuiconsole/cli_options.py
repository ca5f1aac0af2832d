"""What all verbs of the command line share: their common options, how they answer, and where they work."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

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
ExitOption = Annotated[
    bool, typer.Option("--exit-at-end", help="Without a console: leave when the tape was played to its end.")
]
EndOption = Annotated[str | None, typer.Option("--end", help="First day that is no longer part of it.")]
NameOption = Annotated[
    str, typer.Option("--name", help="Name to store the run under; default the next free one.")
]
HtmlOption = Annotated[
    Path | None, typer.Option("--html", help="Also write it to this file, as one HTML page.")
]
GridOption = Annotated[
    list[str],
    typer.Option(
        "--grid",
        help="NAME=V1,V2 or NAME=START:STOP:STEP, of the strategy or of the settings (sizing.band), or a TOML file of lists; "
        "may be repeated.",
    ),
]
JobsOption = Annotated[int | None, typer.Option("--jobs", min=0, help="Runs at once; 0 = one for each core.")]
PurgeOption = Annotated[
    int | None,
    typer.Option("--purge", help="Bars left out between choosing and judging; default research.purge_bars."),
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; journalled.")]
TimeoutOption = Annotated[float, typer.Option("--timeout", min=0.05, help="Seconds to wait for the engine.")]


def say(text: str, err: bool = False) -> None:
    """One line for the user on standard output, or on standard error."""
    typer.echo(text, err=err)


def emit(body: dict[str, Any], as_json: bool, text: str) -> None:
    """The answer of a verb: its JSON object, or the text for people, no line of several wider than the terminal."""
    if as_json:
        from tuiconsole.verbs.common import plain

        say(json.dumps(plain(body), allow_nan=False))
    else:
        from tuiconsole.verbs.columns import fold

        say(fold(text, text_width()) if "\n" in text else text)


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


@dataclass(frozen=True, slots=True)
class History:
    """What every verb over history can be told: which bars of which symbols, and who decides."""

    context: typer.Context
    config: ConfigOption = None
    feed: FeedOption = None
    start: StartOption = None
    end: EndOption = None
    policy: PolicyOption = None
    parameters: SetOption = None
    universe: UniverseOption = None
    interval: IntervalOption = None

    def place(self) -> Place:
        """The place that these options name."""
        return shared_place(
            self.context,
            self.config,
            None,
            feed=self.feed,
            start=self.start,
            policy=self.policy,
            parameters=self.parameters,
            universe=self.universe,
            interval=self.interval,
        )


def over_history(verb: Callable[..., None]) -> Callable[..., None]:
    """Give ``verb``, whose first parameter is ``history``, the options of :class:`History` on the command line, one by one."""
    shared = [item.name for item in fields(History)]
    hints = get_type_hints(History, include_extras=True)
    options = [
        Parameter(
            item.name,
            Parameter.KEYWORD_ONLY,
            default=Parameter.empty if item.default is MISSING else item.default,
            annotation=hints[item.name],
        )
        for item in fields(History)
    ]
    own = list(signature(verb, eval_str=True).parameters.values())[1:]
    options += [option.replace(kind=Parameter.KEYWORD_ONLY) for option in own]

    @wraps(verb)
    def run(**given: Any) -> None:
        verb(History(**{name: given.pop(name) for name in shared}), **given)

    run.__signature__ = Signature(options)  # type: ignore[attr-defined]
    run.__annotations__ = {option.name: option.annotation for option in options}
    return run


def text_width() -> int:
    """Columns of the terminal; 80 where there is none."""
    return shutil.get_terminal_size((80, 24)).columns


def shared_paths(
    context: typer.Context, config: Path | None, state: Path | None
) -> tuple[Path | None, Path | None]:
    """Configuration and state file; options may stand before the verb or after it."""
    shared = context.find_root().obj or {}
    return config or shared.get("config"), state or shared.get("state")


BrokerOption = Annotated[
    str, typer.Option("--broker", help="Where orders go: alpaca; default the paper venue of this desk.")
]
ConfirmOption = Annotated[
    str,
    typer.Option(
        "--confirm", help='Real money is confirmed with the account\'s number: "LIVE account 12345".'
    ),
]


def with_broker(place: Place, broker: str, confirmed: str | None) -> Place:
    """``place`` with the broker that the command line names; ``confirmed`` is what was typed for real money, None without."""
    from tuiconsole.verbs.trading import on_broker

    return on_broker(place, broker, confirmed)


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
