"""Verbs that keep the desk's memory: backup, restore and archive."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from tuiconsole.domain.clock import WallClock
from tuiconsole.engine.ask import REQUEST_ID, ask
from tuiconsole.engine.supervisor import engine_runs
from tuiconsole.protocol.frames import CopyStore
from tuiconsole.verbs.common import Place


def backup_desk(place: Place, directory: Path, timeout_s: float) -> dict[str, Any]:
    """Back the desk up into the new ``directory``; a running engine copies its store itself, between its commits."""
    from tuiconsole.engine.backup import take_backup
    from tuiconsole.store.copying import copy_at_rest

    running = engine_runs(place.paths)

    def copy(target: Path) -> None:
        if running:
            ask(place.paths.socket, CopyStore(REQUEST_ID, str(target)), timeout_s, read_only=True)
        else:
            copy_at_rest(place.paths.state, target)

    facts = take_backup(place.paths, directory.expanduser().absolute(), WallClock(), copy)
    return {"backup": str(directory), "path": "engine" if running else "direct", **asdict(facts)}


def backup_text(body: dict[str, Any]) -> str:
    """The report for people."""
    return (
        f"Backed up to {body['backup']}: {body['rows']:,} rows, up to {body['clock']}, verified.\n"
        f"It holds the signing key: keep it as private as the desk. To go back: tuiconsole restore {body['backup']}"
    )


def restore_desk(place: Place, directory: Path, overwrite: bool) -> dict[str, Any]:
    """Put the backup in ``directory`` in the desk's place."""
    from tuiconsole.engine.restoring import restore

    done = restore(place.paths, directory.expanduser().absolute(), overwrite, WallClock())
    return {
        "restored": str(place.paths.state),
        "rows": done.facts.rows,
        "head": done.facts.head,
        "clock": done.facts.clock,
        "state": done.level,
        "kept": None if done.kept is None else str(done.kept),
    }


def restore_text(body: dict[str, Any]) -> str:
    """The report for people."""
    kept = f" What was there is in {body['kept']}." if body["kept"] else ""
    return (
        f"The desk went back to {body['clock']}, row {body['rows']:,}.{kept}\n"
        f"It is {body['state']}: look at its book and at the broker's before it trades again."
    )
