"""The verbs of today's market: paper money on live prices, what a backtest says to it, and a market that misbehaves."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from tuiconsole.cli_options import (
    BrokerOption,
    ConfigOption,
    ConfirmOption,
    IntervalOption,
    JsonOption,
    PolicyOption,
    SetOption,
    StateOption,
    UniverseOption,
    emit,
    shared_paths,
    shared_place,
    with_broker,
)
from tuiconsole.domain.errors import UsageError

if TYPE_CHECKING:
    from tuiconsole.verbs.common import Place


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
    broker: BrokerOption = "",
) -> None:
    """Trade paper money on today's market: live prices, wall clock, the same desk; everything is recorded."""
    place = shared_place(context, config, state, feed, None, None, policy, parameters, universe, interval)
    _trade(with_broker(place, broker, None), no_console, as_json, "")


def live(
    context: typer.Context,
    feed: Annotated[
        str, typer.Argument(help="A live feed, e.g. alpaca; default feeds.order of the configuration.")
    ] = "live",
    config: ConfigOption = None,
    state: StateOption = None,
    universe: UniverseOption = None,
    interval: IntervalOption = None,
    policy: PolicyOption = None,
    parameters: SetOption = None,
    broker: BrokerOption = "",
    confirm: ConfirmOption = "",
    no_console: Annotated[
        bool, typer.Option("--headless", help="Log to the terminal instead of opening the console.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Trade REAL money at a broker: needs limits of your own in [risk], and the account's number typed out."""
    place = shared_place(context, config, state, feed, None, None, policy, parameters, universe, interval)
    place = with_broker(place, broker, confirm)
    if not confirm:
        if as_json or not sys.stdin.isatty():
            raise UsageError("Real money is not confirmed.", 'Type it out: --confirm "LIVE account NUMBER"')
        confirm = typer.prompt("This trades REAL money. Type LIVE account and the account's number", err=True)
        place = with_broker(place, broker, confirm)
    _trade(place, no_console, as_json, confirm)


def _trade(place: Place, no_console: bool, as_json: bool, confirmed: str) -> None:
    if no_console or as_json:
        from tuiconsole.verbs.engine import run_headless

        run_headless(lambda: place, None, as_json, False, None, confirmed=confirmed)
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


def simulate(
    context: typer.Context,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the first simulation.")] = 1,
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=100_000, help="How many, from --seed on.")] = 1,
    faults: Annotated[
        str,
        typer.Option(
            "--faults", help="all, none, feed, broker, disk, crash, trips, or single ones: gap=0.1,drop."
        ),
    ] = "all",
    bars: Annotated[
        int, typer.Option("--bars", min=1, max=100_000, help="Bars of one minute in each.")
    ] = 390,
    symbols: Annotated[int, typer.Option("--symbols", min=1, max=500, help="Symbols of the market.")] = 6,
    config: ConfigOption = None,
    policy: PolicyOption = None,
    parameters: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Watch the desk survive: a simulated market, bad feeds and brokers, failing disks, crashes and stops, by seed."""
    from tuiconsole.verbs.simulating import simulate as run
    from tuiconsole.verbs.simulating import simulation_text

    place = shared_place(context, config, None, policy=policy, parameters=parameters)
    body = run(place, seed, seeds, faults, bars, symbols)
    emit(body, as_json, simulation_text(body))
    raise typer.Exit(0 if body["ok"] else 1)


def register(app: typer.Typer) -> None:
    """Name these verbs on the command line."""
    for verb in (paper, live, parity, simulate):
        app.command()(verb)
