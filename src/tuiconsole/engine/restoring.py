"""Restoring a backup: the desk goes back in time, on purpose, and never becomes less stopped than it was.

What is there is moved aside, never deleted, and the latch is raised before anything is moved. The new files are made durable in
a directory beside the store first; while that directory exists no engine opens the store, so a crash at any moment leaves the
old desk or the new one, or a sentence that asks for the restore once more.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tuiconsole.domain import ids
from tuiconsole.domain.clock import Clock, iso
from tuiconsole.domain.errors import EngineError, StoreError, UsageError
from tuiconsole.domain.events import DeskLevel
from tuiconsole.engine.backup import STATE_NAME, Facts, check, copy_durably, files_of, level_in, read_facts
from tuiconsole.engine.commands import LEVEL_NAMES
from tuiconsole.engine.lock import STOPPER, EngineLock
from tuiconsole.engine.paths import DeskPaths, beside, tape_path
from tuiconsole.risk.latch import Latch
from tuiconsole.store import signed_head
from tuiconsole.store.connection import fold_log, sync_directory
from tuiconsole.store.copying import copy_at_rest
from tuiconsole.store.opening import restoring_path
from tuiconsole.store.readers import last_bar_ts


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did: ``facts`` of the backup, ``level`` of the latch now, and where the present files went."""

    facts: Facts
    level: str
    kept: Path | None


def restore(paths: DeskPaths, directory: Path, overwrite: bool, clock: Clock) -> Restored:
    """Put the backup in ``directory`` in the place of the desk of ``paths``.

    Raises
    ------
    UsageError
        ``directory`` holds no backup, or a desk is there and ``overwrite`` is not given.
    EngineError
        An engine runs on the state file.
    StoreError
        The backup does not verify, or something cannot be written; the present desk is then as it was, or no
        engine starts until a restore has come to its end.
    """
    facts = read_facts(directory)
    paths.state.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = EngineLock(paths.lock)
    if not lock.acquire(STOPPER):
        raise EngineError(f"An engine runs on {paths.state}.", "Stop it first with: tuiconsole stop")
    try:
        _require_consent(paths, facts, overwrite)
        check(directory)
        aside = _free_name(paths.state, clock)
        there = _is_there(paths.state)
        for _ in steps(paths, directory, facts, aside):
            pass
        return Restored(facts, LEVEL_NAMES[Latch(paths.latch).read().level], aside if there else None)
    except OSError as error:
        raise StoreError(
            f"The restore stopped half way: {error.strerror} ({error.filename}).",
            "Free some space, then restore once more with --overwrite.",
        ) from error
    finally:
        lock.release()


def _is_there(state: Path) -> bool:
    return any(path.exists() for path in (state, signed_head.head_path(state), tape_path(state)))


def _require_consent(paths: DeskPaths, facts: Facts, overwrite: bool) -> None:
    if overwrite or not _is_there(paths.state):
        return
    try:
        now = f"stands at {iso(last_bar_ts(paths.state))}"
    except (StoreError, UsageError):
        now = "cannot be read"
    raise UsageError(
        f"There is a desk at {paths.state}, which {now}; the backup goes back to {facts.clock}, row {facts.rows}.",
        "Add --overwrite to go back; the present files are kept beside it.",
    )


def _free_name(state: Path, clock: Clock) -> Path:
    stamp = iso(clock.now_ns()).replace(":", "").replace("-", "")
    return beside(state, f".before-restore-{stamp}-{ids.fresh_id()[:4]}")


def steps(paths: DeskPaths, directory: Path, facts: Facts, aside: Path) -> Iterator[str]:
    """The restore, one durable step at a time; a crash between any two loses nothing and lets nobody trade."""
    state = paths.state
    stage = restoring_path(state)
    stage.mkdir(mode=0o700, exist_ok=True)
    _empty(stage)
    copy_at_rest(directory / STATE_NAME, stage / STATE_NAME)
    for kept in files_of(state):
        copy_durably(kept.inside(directory), kept.inside(stage))
    copy_durably(signed_head.head_path(directory / STATE_NAME), signed_head.head_path(stage / STATE_NAME))
    sync_directory(stage)
    sync_directory(state.parent)
    yield "staged"
    _latch(paths, directory, facts)
    yield "latched"
    if _is_there(state):
        fold_log(state)
        aside.mkdir(mode=0o700)
        for path in _present(state):
            if path.exists():
                path.rename(aside / path.name)
        sync_directory(aside)
        sync_directory(state.parent)
        yield "moved aside"
    for kept in files_of(state):
        if kept.inside(stage).exists():
            kept.inside(stage).rename(kept.here)
    signed_head.head_path(stage / STATE_NAME).rename(signed_head.head_path(state))
    yield "files placed"
    (stage / STATE_NAME).rename(state)
    sync_directory(state.parent)
    yield "store placed"
    stage.rmdir()
    sync_directory(state.parent)


def _empty(directory: Path) -> None:
    for path in directory.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _present(state: Path) -> list[Path]:
    """What is moved aside. The store before its log: a store without the rows in its log would look whole."""
    logs = [state.with_name(state.name + ending) for ending in ("-wal", "-shm")]
    return [state, *logs, signed_head.head_path(state), *(kept.here for kept in files_of(state))]


def _latch(paths: DeskPaths, directory: Path, facts: Facts) -> None:
    """Never lower than now or than in the backup; at least paused, so that a person looks before the desk trades."""
    latch = Latch(paths.latch)
    now = latch.read() if paths.latch.exists() or _is_there(paths.state) else None
    level = max(DeskLevel.PAUSED, level_in(directory), now.level if now is not None else DeskLevel.RUNNING)
    if now is not None and now.readable and now.level == level:
        return  # its own reason and trip stay
    said = Latch(beside(directory / STATE_NAME, ".latch")).read()
    reason = f"Restored from a backup: the desk went back to {facts.clock}, row {facts.rows}."
    if said.level == level and level > DeskLevel.PAUSED:
        reason = f"{reason} It was stopped then: {said.reason}"
    latch.write(level, said.trip if said.level == level else "", reason)
