"""Backups: a directory that holds everything a desk needs to go on from where it stood, verified before it gets its name.

The directory can be used as it is: ``tuiconsole verify --state DIRECTORY/state.db``. Its journal is copied first and the
recorded tape after it, so the tape covers every row.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import IO

from tuiconsole.domain.clock import Clock, iso
from tuiconsole.domain.errors import StoreError, UsageError
from tuiconsole.domain.events import DeskLevel
from tuiconsole.engine.commands import LEVEL_NAMES
from tuiconsole.engine.launch import launch_path
from tuiconsole.engine.paths import DeskPaths, beside, tape_path
from tuiconsole.market.live.recorded import RecordedTape
from tuiconsole.risk.latch import Latch
from tuiconsole.store import signed_head
from tuiconsole.store.archive import archive_path
from tuiconsole.store.audit import verify_chain
from tuiconsole.store.connection import sync_directory
from tuiconsole.store.copying import export_head_of
from tuiconsole.store.readers import last_bar_ts, opened_row

STATE_NAME = "state.db"
FACTS_NAME = "backup.json"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a backup holds.

    Attributes
    ----------
    clock
        Time of the last bar in it, ISO 8601: what a restore goes back to.
    taken
        Wall time when it was made.
    level
        How far the desk was stopped then.
    """

    rows: int
    head: str
    clock: str
    taken: str
    mode: str
    level: str


@dataclass(frozen=True, slots=True)
class Kept:
    """One file or directory that belongs to a desk, here and in its backups."""

    here: Path
    ending: str

    def inside(self, directory: Path) -> Path:
        """Where it lies in the backup ``directory``."""
        return directory / f"state{self.ending}"


def files_of(state: Path) -> tuple[Kept, ...]:
    """What belongs to the desk beside its store, its log and its latch: the key, the launch, the tape, the archive.

    The signed head is not among them: it is written anew, and last.
    """
    return (
        Kept(signed_head.key_path(state), ".db.key"),
        Kept(launch_path(state), ".launch.json"),
        Kept(tape_path(state), ".tape"),
        Kept(archive_path(state), ".archive"),
    )


def take_backup(paths: DeskPaths, directory: Path, clock: Clock, copy: Callable[[Path], object]) -> Facts:
    """Make ``directory`` from the desk of ``paths``; it appears whole and verified, or not at all.

    Parameters
    ----------
    copy
        Copies the store to the new file it is given: through the engine when one runs.

    Raises
    ------
    UsageError
        There is no desk, or ``directory`` exists.
    StoreError
        It cannot be written, or what was copied does not verify.
    """
    if not paths.state.is_file():
        raise UsageError(f"There is no desk at {paths.state}.", "Name its state file with --state.")
    if directory.exists():
        raise UsageError(
            f"{directory} exists already.", "A backup never replaces another: name a new directory."
        )
    partial = directory.with_name(directory.name + ".partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700, parents=True)
        facts = _fill(paths, partial, clock, copy)
        partial.rename(directory)
        sync_directory(directory.absolute().parent)
    except OSError as error:
        raise StoreError(
            f"The backup {directory} cannot be written: {error.strerror}.",
            "Free some space, or name another place.",
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return facts


def _fill(paths: DeskPaths, partial: Path, clock: Clock, copy: Callable[[Path], object]) -> Facts:
    state = partial / STATE_NAME
    copy(state)
    for kept in files_of(paths.state):
        copy_durably(kept.here, kept.inside(partial))
    said = Latch(paths.latch).read()
    Latch(beside(state, ".latch")).write(said.level, said.trip, said.reason)
    rows, head = export_head_of(state)
    check(partial)
    facts = Facts(
        rows=rows,
        head=head,
        clock=iso(last_bar_ts(state)),
        taken=iso(clock.now_ns()),
        mode=opened_row(state).mode,
        level=LEVEL_NAMES[said.level],
    )
    body = json.dumps(asdict(facts), indent=1).encode() + b"\n"
    _write_durably(partial / FACTS_NAME, BytesIO(body))
    sync_directory(partial)
    return facts


def check(directory: Path) -> None:
    """Raise :class:`StoreError` unless the journal, the pages and the recorded tape in ``directory`` are sound."""
    state = directory / STATE_NAME
    report = verify_chain(state)
    if not report.ok:
        raise StoreError(f"The backup {directory} does not verify: {report.text}", "Do not restore from it.")
    if tape_path(state).exists():
        RecordedTape.open(tape_path(state)).check()


def read_facts(directory: Path) -> Facts:
    """What the backup in ``directory`` says of itself.

    Raises :class:`UsageError` when ``directory`` holds no backup.
    """
    try:
        return Facts(**json.loads((directory / FACTS_NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        raise UsageError(
            f"{directory} holds no backup.", "Name a directory that 'tuiconsole backup' has made."
        ) from None


def level_in(directory: Path) -> DeskLevel:
    """How far the desk was stopped when the backup was made; HALTED when that cannot be read."""
    return Latch(beside(directory / STATE_NAME, ".latch")).read().level


def copy_durably(source: Path, target: Path) -> None:
    """Copy a file, or a directory of files, and wait until it is on the disk; nothing when there is no ``source``."""
    if source.is_dir():
        target.mkdir(mode=0o700)
        for path in sorted(source.iterdir()):
            copy_durably(path, target / path.name)
        sync_directory(target)
    elif source.exists():
        with source.open("rb") as content:
            _write_durably(target, content)


def _write_durably(path: Path, content: IO[bytes]) -> None:
    """Write a new file of mode 0600 and wait until it is on the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        shutil.copyfileobj(content, file)
        file.flush()
        os.fsync(file.fileno())
