"""The verbs that keep the desk's memory."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tuiconsole.cli_options import ConfigOption, JsonOption, StateOption, TimeoutOption, emit, shared_place


def backup(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(help="New directory for the backup.")],
    config: ConfigOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
    timeout: TimeoutOption = 120.0,
) -> None:
    """Copy the desk into a new directory while it trades: journal, key, signed head, latch, recorded tape; verified."""
    from tuiconsole.verbs.memory import backup_desk, backup_text

    body = backup_desk(shared_place(context, config, state), directory, timeout)
    emit(body, as_json, backup_text(body))


def restore(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(help="Directory that backup has made.")],
    config: ConfigOption = None,
    state: StateOption = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Take the place of the present desk, which is kept aside.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Put a backup in the desk's place, with no engine running; the desk stays at least paused."""
    from tuiconsole.verbs.memory import restore_desk, restore_text

    body = restore_desk(shared_place(context, config, state), directory, overwrite)
    emit(body, as_json, restore_text(body))


def archive(
    context: typer.Context,
    days: Annotated[
        float, typer.Option("--days", min=0.0, help="Only rows that are older than this.")
    ] = 30.0,
    config: ConfigOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
    timeout: TimeoutOption = 600.0,
) -> None:
    """Move old journal rows to the compressed archive beside the store; with no engine running, the store shrinks too."""
    from tuiconsole.verbs.memory import archive_desk, archive_text

    body = archive_desk(shared_place(context, config, state), days, timeout)
    emit(body, as_json, archive_text(body))


def register(app: typer.Typer) -> None:
    """Name these verbs on the command line."""
    for verb in (archive, backup, restore):
        app.command()(verb)
