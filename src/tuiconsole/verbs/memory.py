"""Verbs that keep the desk's memory: backup, restore and archive."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, WallClock
from tuiconsole.domain.errors import EngineError, UsageError
from tuiconsole.engine.ask import REQUEST_ID, Refusal, ask
from tuiconsole.engine.supervisor import engine_runs
from tuiconsole.protocol.frames import ArchiveRows, CopyStore
from tuiconsole.verbs.common import Place
from tuiconsole.verbs.engine import command


def backup_desk(place: Place, directory: Path, timeout_s: float) -> dict[str, Any]:
    """Back the desk up into the new ``directory``; a running engine copies its store itself, between its commits.

    An engine that refuses (its store has failed) writes no more: then the store is read beside it.
    """
    from tuiconsole.engine.backup import take_backup
    from tuiconsole.store.copying import copy_at_rest

    direct = False

    def copy(target: Path) -> None:
        nonlocal direct
        if engine_runs(place.paths):
            with suppress(Refusal):
                ask(place.paths.socket, CopyStore(REQUEST_ID, str(target)), timeout_s, read_only=True)
                return
        direct = True
        copy_at_rest(place.paths.state, target)

    facts = take_backup(place.paths, directory.expanduser().absolute(), WallClock(), copy)
    return {"backup": str(directory), "path": "direct" if direct else "engine", **asdict(facts)}


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


def archive_desk(place: Place, days: float, timeout_s: float) -> dict[str, Any]:
    """Move journal rows older than ``days``, and than the last checkpoints, to the archive; a running engine does it itself."""
    from tuiconsole.engine.lock import STOPPER, EngineLock
    from tuiconsole.store.archive import archive_path
    from tuiconsole.store.archiving import archive_rows

    state = place.paths.state
    if not state.is_file():
        raise UsageError(f"There is no desk at {state}.", "Name its state file with --state.")
    older_than_ns = WallClock().now_ns() - int(days * NANOSECONDS_PER_DAY)
    body: dict[str, Any] = {"archive": str(archive_path(state)), "path": "engine"}
    if engine_runs(place.paths):
        return body | _archived_by_engine(place, older_than_ns, timeout_s)
    lock = EngineLock(place.paths.lock)
    if not lock.acquire(STOPPER):
        raise EngineError(f"An engine has just started on {state}.", "Try again.")
    try:
        done = archive_rows(state, older_than_ns)
    finally:
        lock.release()
    return body | {"path": "direct", **asdict(done)}


def _archived_by_engine(place: Place, older_than_ns: int, timeout_s: float) -> dict[str, Any]:
    from tuiconsole.store.archive import Archive
    from tuiconsole.store.connection import reading

    state = place.paths.state
    with reading(state) as connection:
        start = Archive.of(connection).rows
    before = state.stat().st_size
    answer = command(place, lambda i: ArchiveRows(i, older_than_ns), timeout_s)
    return {
        "moved": answer["rows"] - start,
        "rows": answer["rows"],
        "bytes_before": before,
        "bytes_after": state.stat().st_size,
        "bytes_free": answer["bytes_free"],
    }


def archive_text(body: dict[str, Any]) -> str:
    """The report for people."""
    before, after, free = (body[name] / 1e6 for name in ("bytes_before", "bytes_after", "bytes_free"))
    size = f"The store has {after:,.1f} MB instead of {before:,.1f} MB."
    if body["path"] == "engine":
        size = (
            f"Of the store's {after:,.1f} MB {free:,.1f} MB are free and used first; "
            "archive again with the engine stopped to give them back to the disk."
        )
    if not body["moved"]:
        return f"Nothing is old enough: no row was moved. {size}"
    return (
        f"Moved {body['moved']:,} rows to {body['archive']}, which holds {body['rows']:,} now.\n"
        f"{size} Keep both together: why and verify read both."
    )
