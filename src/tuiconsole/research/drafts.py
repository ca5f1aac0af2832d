"""Folders on their way into the run store: who writes one holds its lock, and what the dead left is swept by the next writer.

``.partial-ID`` is a folder that is being written, and ``.partial-ID.lock`` the file that its writer holds locked: the system
releases a lock with its process, also when that was killed. ``.removed-ID`` is a run that is being deleted. ``.lock`` is the
store's own, held only for the moments in which such names come and go.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tuiconsole.domain import ids

STORE_LOCK = ".lock"
_DRAFT, _REMOVED, _LOCK = ".partial-", ".removed-", ".lock"


@contextmanager
def draft(directory: Path) -> Iterator[Path]:
    """An empty folder in ``directory`` for this process alone; what is still there when the block ends is deleted.

    Removes first what writers left that were killed. Raises :class:`OSError` when ``directory`` cannot be written.
    """
    with _locked(directory):
        _sweep(directory)
        path = directory / f"{_DRAFT}{ids.fresh_id()}"
        held = _lock_of(path).open("ab")
        try:
            fcntl.flock(held.fileno(), fcntl.LOCK_EX)
            path.mkdir()
        except OSError:
            held.close()
            raise
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        _lock_of(path).unlink(missing_ok=True)
        held.close()


def delete(place: Path) -> None:
    """Delete the folder of a run: gone at once for everybody, and for good also when this process is killed meanwhile."""
    with _locked(place.parent):
        doomed = place.with_name(f"{_REMOVED}{ids.fresh_id()}")
        place.rename(doomed)
        _sweep(place.parent)


def _sweep(directory: Path) -> None:
    """Delete drafts whose writers are dead and runs whose removal was cut short; the store's lock is held."""
    for path in directory.glob(f"{_REMOVED}*"):
        shutil.rmtree(path)
    names = {path.name.removesuffix(_LOCK) for path in directory.glob(f"{_DRAFT}*")}
    for path in (directory / name for name in sorted(names)):
        try:
            with _lock_of(path).open("ab") as held:
                fcntl.flock(held.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
                _lock_of(path).unlink(missing_ok=True)
        except (BlockingIOError, PermissionError):
            continue  # its writer lives, or it is another user's


def _lock_of(path: Path) -> Path:
    return path.with_name(f"{path.name}{_LOCK}")


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(directory)) from None
    with (directory / STORE_LOCK).open("ab") as file:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        yield
