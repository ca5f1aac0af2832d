"""The ``tuiconsole`` command: starts or attaches the console, and one verb for everything a script may want."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import typer  # noqa: E402 - thread counts must be set before anything loads a BLAS library

from tuiconsole import (  # noqa: E402
    cli_data,
    cli_features,
    cli_live,
    cli_memory,
    cli_orders,
    cli_research,
    cli_runs,
    cli_validation,
)
from tuiconsole.cli_options import (  # noqa: E402
    BrokerOption,
    ConfigOption,
    ConfirmOption,
    ExitOption,
    FeedOption,
    IntervalOption,
    JsonOption,
    PaceOption,
    PolicyOption,
    ReasonOption,
    SetOption,
    SpeedOption,
    StartOption,
    StateOption,
    TimeoutOption,
    UniverseOption,
    emit,
    place_of,
    say,
    shared_paths,
    shared_place,
    with_broker,
)
from tuiconsole.domain.errors import DeskError, Interrupted, UsageError  # noqa: E402

app = typer.Typer(
    name="tuiconsole",
    help="A terminal trading desk: starts the engine if none runs, then opens the console.",
    add_completion=False,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
agents_app = typer.Typer(help="List the agents, or switch one on or off.", no_args_is_help=True)
app.add_typer(agents_app, name="agents")
cli_research.register(app)
cli_data.register(app)
cli_features.register(app)
cli_live.register(app)
cli_orders.register(app)
cli_memory.register(app)
cli_runs.register(app)
cli_validation.register(app)

_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What a fault of the program looks like: the user gets a sentence, and --debug shows the rest."""


@app.callback(invoke_without_command=True)
def console(
    context: typer.Context,
    config: ConfigOption = None,
    state: StateOption = None,
    feed: FeedOption = None,
    speed: SpeedOption = None,
    start: StartOption = None,
    universe: UniverseOption = None,
    interval: IntervalOption = None,
    policy: PolicyOption = None,
    parameters: SetOption = None,
    pace: PaceOption = None,
    theme: Annotated[str | None, typer.Option("--theme", help="Theme of the console.")] = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Start the engine if none runs on this state file, then open the console."""
    context.obj = {
        "config": config,
        "state": state,
        "feed": feed,
        "speed": speed,
        "start": start,
        "universe": universe,
        "interval": interval,
        "policy": policy,
        "parameters": parameters,
        "pace": pace,
    }
    if version:
        from tuiconsole import __version__

        say(__version__)
        raise typer.Exit
    if context.invoked_subcommand is not None:
        return
    from tuiconsole.verbs.console import open_console

    place = place_of(config, state, feed, speed, start, policy, parameters, universe, interval, pace)
    code = open_console(place, theme, spawn=True, read_only=False)
    raise typer.Exit(code)


@app.command()
def attach(
    context: typer.Context,
    config: ConfigOption = None,
    state: StateOption = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Look, but change nothing; stopping stays possible.")
    ] = False,
    theme: Annotated[str | None, typer.Option("--theme", help="Theme of the console.")] = None,
) -> None:
    """Open the console on an engine that already runs."""
    from tuiconsole.verbs.console import open_console

    raise typer.Exit(
        open_console(shared_place(context, config, state), theme, spawn=False, read_only=read_only)
    )


@app.command()
def headless(
    context: typer.Context,
    config: ConfigOption = None,
    state: StateOption = None,
    feed: FeedOption = None,
    speed: SpeedOption = None,
    start: StartOption = None,
    universe: UniverseOption = None,
    interval: IntervalOption = None,
    policy: PolicyOption = None,
    parameters: SetOption = None,
    pace: PaceOption = None,
    as_json: JsonOption = False,
    log: Annotated[
        Path | None, typer.Option("--log", help="Write the log to this rotating file instead.")
    ] = None,
    every_bar: Annotated[
        bool, typer.Option("--every-bar", help="Log every bar, not only what happens.")
    ] = False,
    exit_at_end: ExitOption = False,
    ready_fd: Annotated[int | None, typer.Option("--ready-fd", hidden=True)] = None,
    broker: BrokerOption = "",
    live: Annotated[bool, typer.Option("--live", hidden=True)] = False,
    confirm: ConfirmOption = "",
) -> None:
    """Run the engine in the foreground with a structured log; SIGTERM stops it gracefully."""
    from tuiconsole.verbs.engine import run_headless

    run_headless(
        lambda: with_broker(
            shared_place(
                context, config, state, feed, speed, start, policy, parameters, universe, interval, pace
            ),
            broker,
            confirm if live else None,
        ),
        log,
        as_json,
        every_bar,
        ready_fd,
        exit_at_end,
        confirm,
    )


@app.command()
def status(
    context: typer.Context,
    config: ConfigOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
    timeout: TimeoutOption = 3.0,
) -> None:
    """What the desk is doing: level, equity, positions, agents."""
    from tuiconsole.verbs.engine import status_of, status_text

    body = status_of(shared_place(context, config, state), timeout)
    emit(body, as_json, status_text(body))


@app.command()
def pause(
    context: typer.Context,
    config: ConfigOption = None,
    state: StateOption = None,
    reason: ReasonOption = "",
    as_json: JsonOption = False,
    timeout: TimeoutOption = 2.0,
) -> None:
    """No new risk from now on; works without an engine too."""
    _stop_verb("pause", *shared_paths(context, config, state), reason, as_json, timeout)


@app.command()
def halt(
    context: typer.Context,
    config: ConfigOption = None,
    state: StateOption = None,
    reason: ReasonOption = "",
    as_json: JsonOption = False,
    timeout: TimeoutOption = 2.0,
) -> None:
    """No new risk, and working orders are cancelled; works with the engine hung or dead."""
    _stop_verb("halt", *shared_paths(context, config, state), reason, as_json, timeout)


@app.command()
def kill(
    context: typer.Context,
    config: ConfigOption = None,
    state: StateOption = None,
    reason: ReasonOption = "",
    as_json: JsonOption = False,
    timeout: TimeoutOption = 2.0,
) -> None:
    """Cancel everything and flatten the book; works with the engine hung or dead."""
    _stop_verb("kill", *shared_paths(context, config, state), reason, as_json, timeout)


def _stop_verb(
    verb: str, config: Path | None, state: Path | None, reason: str, as_json: bool, timeout: float
) -> None:
    from tuiconsole.verbs.common import Place
    from tuiconsole.verbs.stopping import stop_desk, stop_text

    body = stop_desk(verb, Place.for_stop(config, state), reason, timeout)
    emit(body, as_json, stop_text(verb, body))
    failed = bool(body.get("text")) or (verb == "kill" and not body["flat"]) or not body.get("latched", True)
    raise typer.Exit(1 if failed else 0)


@app.command()
def rearm(
    context: typer.Context,
    word: Annotated[str, typer.Argument(help="The word rearm, typed, to show that it is meant.")],
    config: ConfigOption = None,
    state: StateOption = None,
    reason: ReasonOption = "",
    as_json: JsonOption = False,
    timeout: TimeoutOption = 3.0,
) -> None:
    """Take a halted or killed desk to paused: `tuiconsole rearm rearm --reason "…"`."""
    from tuiconsole.protocol.frames import Rearm
    from tuiconsole.verbs.common import plain_text
    from tuiconsole.verbs.engine import command

    if not reason.strip():
        raise UsageError("Re-arming needs a reason, which is journalled.", 'Add: --reason "…"')
    body = command(
        shared_place(context, config, state),
        lambda i: Rearm(i, plain_text(word), plain_text(reason)),
        timeout,
    )
    emit(body, as_json, "Re-armed: the desk is paused. To trade again: tuiconsole resume")


@app.command()
def resume(
    context: typer.Context,
    config: ConfigOption = None,
    state: StateOption = None,
    reason: ReasonOption = "",
    as_json: JsonOption = False,
    timeout: TimeoutOption = 3.0,
) -> None:
    """Take a paused desk back to running."""
    from tuiconsole.protocol.frames import Resume
    from tuiconsole.verbs.common import plain_text
    from tuiconsole.verbs.engine import command

    body = command(shared_place(context, config, state), lambda i: Resume(i, plain_text(reason)), timeout)
    emit(body, as_json, "The desk is running.")


@app.command()
def stop(
    context: typer.Context,
    config: ConfigOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
    timeout: TimeoutOption = 10.0,
) -> None:
    """Stop the engine process; positions stay as they are and a restart goes on from there."""
    from tuiconsole.verbs.engine import stop_engine

    emit(
        stop_engine(shared_place(context, config, state), timeout),
        as_json,
        "The engine has stopped; positions stay as they are.",
    )


@agents_app.command("list")
def agents_list(
    context: typer.Context,
    config: ConfigOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
    timeout: TimeoutOption = 3.0,
) -> None:
    """All agents, whether each is on, and its weight."""
    from tuiconsole.verbs.engine import agents_of, agents_text

    body = agents_of(shared_place(context, config, state), timeout)
    emit(body, as_json, agents_text(body))


@agents_app.command("enable")
def agents_enable(
    context: typer.Context,
    agent: str,
    config: ConfigOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
    timeout: TimeoutOption = 3.0,
) -> None:
    """Switch an agent on."""
    _switch(context, agent, True, config, state, as_json, timeout)


@agents_app.command("disable")
def agents_disable(
    context: typer.Context,
    agent: str,
    config: ConfigOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
    timeout: TimeoutOption = 3.0,
) -> None:
    """Switch an agent off; its opinion no longer counts."""
    _switch(context, agent, False, config, state, as_json, timeout)


def _switch(
    context: typer.Context,
    agent: str,
    enabled: bool,
    config: Path | None,
    state: Path | None,
    as_json: bool,
    timeout: float,
) -> None:
    from tuiconsole.protocol.frames import SwitchAgent
    from tuiconsole.verbs.engine import command, known_agent

    known_agent(agent)
    body = command(shared_place(context, config, state), lambda i: SwitchAgent(i, agent, enabled), timeout)
    emit(
        {**body, "agent": agent, "enabled": enabled},
        as_json,
        f"Agent {agent} is {'on' if enabled else 'off'}.",
    )


@app.command()
def replay(
    context: typer.Context,
    path: Annotated[
        Path | None, typer.Argument(help="CSV or Parquet file; default the packaged history.")
    ] = None,
    config: ConfigOption = None,
    state: StateOption = None,
    speed: SpeedOption = None,
    start: StartOption = None,
    universe: UniverseOption = None,
    interval: IntervalOption = None,
    policy: PolicyOption = None,
    parameters: SetOption = None,
    pace: PaceOption = None,
    no_console: Annotated[
        bool, typer.Option("--headless", help="Log to the terminal instead of opening the console.")
    ] = False,
    exit_at_end: ExitOption = False,
    as_json: JsonOption = False,
) -> None:
    """Play history through the live engine at a chosen pace and watch it in the console."""
    named = universe or interval or (context.find_root().obj or {}).get("feed")
    feed = str(path) if path is not None else None if named else "replay"
    place = shared_place(
        context, config, state, feed, speed, start, policy, parameters, universe, interval, pace
    )
    if no_console or as_json:
        from tuiconsole.verbs.engine import run_headless

        run_headless(lambda: place, None, as_json, False, None, exit_at_end)
        return
    from tuiconsole.verbs.console import open_console

    raise typer.Exit(open_console(place, None, spawn=True, read_only=False))


@app.command()
def why(
    context: typer.Context,
    order: Annotated[str, typer.Argument(help="Order id or number; or DECISION:SYMBOL for a refused one.")],
    config: ConfigOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Why an order was sent: prices, features, regime, agents, blend, target, gate, fills."""
    from tuiconsole.engine.why import why as chain_behind
    from tuiconsole.store.explain_text import explain_text

    body = chain_behind(shared_place(context, config, state).paths.state, order)
    emit(body, as_json, "" if as_json else explain_text(body))


@app.command()
def doctor(
    context: typer.Context,
    config: ConfigOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check this machine, the configuration, the state file and the engine."""
    from tuiconsole.verbs.doctor import checks_text, run_checks

    body = run_checks(*shared_paths(context, config, state))
    emit(body, as_json, checks_text(body))
    raise typer.Exit(0 if body["ok"] else 1)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 done, 1 the thing asked for failed, 2 wrong usage."""
    given = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in given
    try:
        code = app(args=[a for a in given if a != "--debug"], standalone_mode=False)
    except typer.Exit as leave:
        code = leave.exit_code
    except DeskError as error:
        if debug:
            raise
        return _fail(str(error), error.exit_code, "--json" in given)
    except typer.Abort:
        return 1
    except KeyboardInterrupt:
        code = Interrupted.exit_code
    except OSError as error:
        if debug:
            raise
        where = f" ({error.filename})" if error.filename else ""
        return _fail(f"The operating system refused: {error.strerror or error}{where}.", 1, "--json" in given)
    except _usage_errors() as error:
        return _fail(f"{error.format_message().rstrip('.')}. Try: tuiconsole --help", 2, "--json" in given)
    except _FAULTS as error:
        if debug:
            raise
        what = f"A fault inside the program ({type(error).__name__}: {error})."
        return _fail(f"{what} Run it again with --debug and report what it shows.", 1, "--json" in given)
    if code == Interrupted.exit_code:
        from tuiconsole.verbs.interrupting import ANY_VERB

        return _fail(ANY_VERB, Interrupted.exit_code, "--json" in given)
    return code if isinstance(code, int) else 0


def _usage_errors() -> type[Any]:
    """The base of typer's usage errors, wherever this version of typer keeps it."""
    return next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")


def _fail(sentence: str, code: int, as_json: bool) -> int:
    if as_json:
        say(json.dumps({"error": sentence}))
    say(sentence, err=True)
    return code
