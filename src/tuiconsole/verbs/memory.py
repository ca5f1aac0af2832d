"""Verbs that keep the desk's memory: backup, restore and archive."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, WallClock
from tuiconsole.domain.errors import EngineError, UsageError
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


def archive_desk(place: Place, days: float) -> dict[str, Any]:
    """Move journal rows older than ``days``, and than the last checkpoints, to the archive; with no engine running."""
    from tuiconsole.engine.lock import STOPPER, EngineLock
    from tuiconsole.store.archive import archive_path
    from tuiconsole.store.archiving import archive_rows

    state = place.paths.state
    if not state.is_file():
        raise UsageError(f"There is no desk at {state}.", "Name its state file with --state.")
    lock = EngineLock(place.paths.lock)
    if not lock.acquire(STOPPER):
        raise EngineError(f"An engine runs on {state}.", "Stop it first with: tuiconsole stop")
    try:
        done = archive_rows(state, WallClock().now_ns() - int(days * NANOSECONDS_PER_DAY))
    finally:
        lock.release()
    return {"archive": str(archive_path(state)), **asdict(done)}


def archive_text(body: dict[str, Any]) -> str:
    """The report for people."""
    if not body["moved"]:
        return "Nothing is old enough: no row was moved."
    return (
        f"Moved {body['moved']:,} rows to {body['archive']}, which holds {body['rows']:,} now.\n"
        f"The store has {body['bytes_after'] / 1e6:,.1f} MB instead of {body['bytes_before'] / 1e6:,.1f} MB. "
        "Keep both together: why and verify read both."
    )
