"""The verbs about orders and the account: cancel, replace, reconcile."""

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


OrderArgument = Annotated[str, typer.Argument(help="Order id or number.")]


def cancel(
    context: typer.Context,
    order: OrderArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is journalled.")] = "",
    config: ConfigOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
    timeout: TimeoutOption = 3.0,
) -> None:
    """Cancel one working order."""
    _change(context, order, "", reason, config, state, as_json, timeout)


def replace(
    context: typer.Context,
    order: OrderArgument,
    quantity: Annotated[
        str, typer.Option("--quantity", help="New whole quantity, what is filled included.")
    ] = "",
    limit: Annotated[str, typer.Option("--limit", help="New limit price.")] = "",
    stop: Annotated[str, typer.Option("--stop", help="New stop price.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why; it is journalled.")] = "",
    config: ConfigOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
    timeout: TimeoutOption = 3.0,
) -> None:
    """Change quantity or prices of one working order; the gate judges what it adds."""
    named = {"quantity": quantity, "limit": limit, "stop": stop}
    change = " ".join(f"{name}={value.strip()}" for name, value in named.items() if value.strip())
    if not change:
        raise UsageError("There is nothing to change.", "Give --quantity, --limit or --stop.")
    _change(context, order, change, reason, config, state, as_json, timeout)


def _change(
    context: typer.Context,
    order: str,
    change: str,
    reason: str,
    config: Path | None,
    state: Path | None,
    as_json: bool,
    timeout: float,
) -> None:
    from tuiconsole.protocol.frames import ChangeOrder
    from tuiconsole.verbs.common import plain_text
    from tuiconsole.verbs.engine import command

    place = shared_place(context, config, state)
    body = command(place, lambda number: ChangeOrder(number, order, change, plain_text(reason)), timeout)
    done = f"asked to become {change}" if change else "asked to be cancelled"
    emit({**body, "order": order}, as_json, f"Order {order} is {done}; why {order} tells the answer.")


def register(app: typer.Typer) -> None:
    """Name these verbs on the command line."""
    for verb in (cancel, replace, reconcile):
        app.command()(verb)
