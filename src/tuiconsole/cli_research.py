"""The verbs of research: history driven through the desk."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tuiconsole.cli_options import (
    ConfigOption,
    GridOption,
    History,
    HtmlOption,
    JobsOption,
    JsonOption,
    NameOption,
    RunsOption,
    StateOption,
    emit,
    over_history,
    shared_place,
    text_width,
)


@over_history
def backtest(
    history: History,
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
    benchmark: Annotated[
        str,
        typer.Option(
            "--benchmark", help="Symbol to compare with; default equal parts of all, bought and held."
        ),
    ] = "",
    name: NameOption = "",
    html: HtmlOption = None,
    runs: RunsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run the desk over history as fast as it goes, with all costs and limits on; never touches state.db."""
    from tuiconsole.verbs.research import backtest_text, run_backtest_verb
    from tuiconsole.verbs.runs import runs_directory

    place = history.place()
    progress = sys.stderr.isatty() and not as_json
    body, kept = run_backtest_verb(
        place, history.end, agents, journal, progress, runs_directory(place, runs), name, period, benchmark
    )
    if html is not None:
        from tuiconsole.reports.html import write

        write(kept.run, html, kept.trials)
    emit(body, as_json, "" if as_json else backtest_text(body, kept))
    raise typer.Exit(1 if history.policy is not None and body["failed"] else 0)


@over_history
def tripwires(
    history: History,
    cuts: Annotated[
        int, typer.Option("--cuts", min=1, max=100, help="Dates after which prices are changed.")
    ] = 5,
    as_json: JsonOption = False,
) -> None:
    """Look for bias: decisions that see the future, depend on where the run began, or fill on their own bar."""
    from tuiconsole.verbs.research import run_tripwires, tripwires_text

    place = history.place()
    body = run_tripwires(place, history.end, cuts, progress=sys.stderr.isatty() and not as_json)
    emit(body, as_json, tripwires_text(body))
    raise typer.Exit(0 if body["ok"] else 1)


@over_history
def drift(
    history: History,
    as_json: JsonOption = False,
) -> None:
    """Compare the features that the policy reads with those before the start: PSI over 0.25 or KS over 0.1 is a drift."""
    from tuiconsole.verbs.drifting import drift_text, run_drift

    body = run_drift(history.place(), history.end)
    emit(body, as_json, drift_text(body, text_width()))
    raise typer.Exit(0 if body["ok"] else 1)


@over_history
def sweep(
    history: History,
    grid: GridOption,
    rank: Annotated[str, typer.Option("--rank", help="Metric that orders the trials.")] = "sharpe",
    jobs: JobsOption = None,
    cluster: Annotated[
        str | None, typer.Option("--cluster", help='Ray address, "auto", or "local" for Ray on this machine.')
    ] = None,
    runs: RunsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run the desk with every combination of a grid of parameters, in parallel here or on a Ray cluster."""
    from tuiconsole.verbs.runs import runs_directory
    from tuiconsole.verbs.sweeping import run_sweep, sweep_text

    place = history.place()
    body = run_sweep(place, grid, history.end, rank, jobs, cluster, runs_directory(place, runs))
    emit(body, as_json, "" if as_json else sweep_text(body, text_width()))
    raise typer.Exit(1 if body["failed"] == len(body["trials"]) else 0)


@over_history
def schedule(
    history: History,
    symbol: Annotated[str, typer.Option("--symbol", help="What is to be traded.")],
    quantity: Annotated[
        float, typer.Option("--quantity", help="Shares, coins or contracts; negative sells.")
    ],
    algo: Annotated[
        str | None, typer.Option("--algo", help="twap, vwap, pov or is; default [execution] algo, or is.")
    ] = None,
    bars: Annotated[
        int | None,
        typer.Option("--bars", min=1, max=10_000, help="Bars to work it over; default as configured."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show how an order would be worked after the last bar of history, and what it is expected to cost; trades nothing."""
    from tuiconsole.verbs.schedule import run_schedule, schedule_text

    body = run_schedule(history.place(), symbol, quantity, algo, bars, history.end)
    emit(body, as_json, "" if as_json else schedule_text(body))


def verify(
    context: typer.Context,
    config: ConfigOption = None,
    state: StateOption = None,
    chain_only: Annotated[
        bool, typer.Option("--chain-only", help="Check the hash chain; do not replay the session.")
    ] = False,
    head: Annotated[
        Path | None, typer.Option("--head", help="A copy of the signed head (.head.json) kept elsewhere.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check the journal's hash chain, then replay the session and compare every row."""
    from tuiconsole.verbs.research import verify_desk, verify_text

    body = verify_desk(shared_place(context, config, state), chain_only, head)
    emit(body, as_json, verify_text(body))
    raise typer.Exit(0 if body["ok"] else 1)


def quoting(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Recorded messages of an exchange, or one table of levels; see data import-books."
        ),
    ] = None,
    config: ConfigOption = None,
    simulate: Annotated[
        int, typer.Option("--simulate", min=0, max=1_000_000, help="Paths of the model itself, no recording.")
    ] = 0,
    sigma: Annotated[
        float, typer.Option("--sigma", min=0.0, help="With --simulate: volatility over one unit of time.")
    ] = 2.0,
    rate: Annotated[
        float, typer.Option("--rate", min=0.0, help="With --simulate: fills at the middle per unit of time.")
    ] = 140.0,
    symbol: Annotated[str, typer.Option("--symbol", help="Whose book; default the first one known.")] = "",
    size: Annotated[float, typer.Option("--size", min=0.0, help="Quantity of each quote.")] = 0.01,
    gamma: Annotated[float, typer.Option("--gamma", min=1e-12, help="Risk aversion, per tick.")] = 1e-4,
    decay: Annotated[
        float,
        typer.Option("--decay", min=1e-6, help="How fast fills become rarer, per tick from the middle."),
    ] = 0.3,
    every: Annotated[float, typer.Option("--every", min=0.001, help="Seconds between two looks.")] = 1.0,
    horizon: Annotated[
        float, typer.Option("--horizon", min=0.0, help="Seconds over which inventory is held.")
    ] = 1.0,
    most: Annotated[int, typer.Option("--most", min=1, help="Most inventory, in quotes.")] = 10,
    queue: Annotated[str, typer.Option("--queue", help="Queue model: fifo, power or log.")] = "fifo",
    latency_ms: Annotated[
        float,
        typer.Option("--latency-ms", min=0.0, max=60_000.0, help="Time of orders and cancels to the market."),
    ] = 5.0,
    maker_bps: Annotated[
        float,
        typer.Option(
            "--maker-bps", min=-10.0, max=1000.0, help="Commission of resting orders; below 0 a rebate."
        ),
    ] = 2.0,
    as_json: JsonOption = False,
) -> None:
    """A market maker's quotes (Avellaneda and Stoikov) on a recorded order book: queues, latency, gate and fees."""
    from tuiconsole.execution.quoting import QuotingModel
    from tuiconsole.verbs.quoting import (
        plan_of,
        quoting_model_text,
        quoting_text,
        run_quoting,
        run_quoting_model,
        venue_of,
    )

    place = shared_place(context, config, None)
    if simulate:
        model = QuotingModel(gamma, sigma, decay, rate)
        found = run_quoting_model(model, simulate, place.config.desk.engine.seed)
        emit(found, as_json, "" if as_json else quoting_model_text(found))
        return
    body = run_quoting(
        place,
        paths or [],
        symbol,
        plan_of(gamma, decay, size, every, horizon, most),
        venue_of(queue, latency_ms, maker_bps),
    )
    emit(body, as_json, "" if as_json else quoting_text(body))


def register(app: typer.Typer) -> None:
    """Name these verbs on the command line."""
    for verb in (backtest, drift, quoting, schedule, sweep, tripwires, verify):
        app.command()(verb)
