"""The verbs about orders and the account: reconcile."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tuiconsole.cli_options import ConfigOption, JsonOption, StateOption, TimeoutOption, emit, shared_place
from tuiconsole.domain.errors import UsageError


def reconcile(
    context: typer.Context,
    adopt: Annotated[bool, typer.Option("--adopt", help="Take the broker's word for what differs.")] = False,
    ignore: Annotated[bool, typer.Option("--ignore", help="Live with what differs.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is journalled.")] = "",
    trades: Annotated[
        Path | None,
        typer.Option("--trades", help="Compare executions with a broker's statement, a CSV file."),
    ] = None,
    config: ConfigOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
    timeout: TimeoutOption = 3.0,
) -> None:
    """How the desk's account differs from its broker's; --adopt or --ignore settles it, --trades compares executions."""
    from tuiconsole.verbs.reconciling import account_text, reconcile_account, reconcile_trades, trades_text

    if adopt + ignore + (trades is not None) > 1:
        raise UsageError("--adopt, --ignore and --trades are three different things.", "Give one of them.")
    place = shared_place(context, config, state)
    if trades is not None:
        body = reconcile_trades(place, trades)
        emit(body, as_json, "" if as_json else trades_text(body))
    else:
        body = reconcile_account(place, "adopt" if adopt else "ignore" if ignore else "", reason, timeout)
        emit(body, as_json, "" if as_json else account_text(body))
    raise typer.Exit(0 if body["agrees"] else 1)


def register(app: typer.Typer) -> None:
    """Name these verbs on the command line."""
    app.command()(reconcile)
