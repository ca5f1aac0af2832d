"""Where an engine keeps its files: beside ``state.db``, and its socket in a private runtime directory."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tuiconsole.domain.errors import EngineError


@dataclass(frozen=True, slots=True)
class DeskPaths:
    """The files of one desk.

    ``latch`` and ``lock`` lie beside the store and are named after it; ``socket`` is named by a hash of the store's real
    path, because socket paths over about 100 bytes fail.
    """

    state: Path
    latch: Path
    lock: Path
    log: Path
    socket: Path

    @classmethod
    def of(cls, state: Path) -> DeskPaths:
        """The files that belong to ``state``."""
        real = Path(os.path.realpath(state))
        name = hashlib.sha256(os.fsencode(real)).hexdigest()[:20]
        beside = real.parent / real.stem
        return cls(
            state=real,
            latch=beside.with_suffix(".latch"),
            lock=beside.with_suffix(".lock"),
            log=beside.with_suffix(".log"),
            socket=runtime_directory() / f"{name}.sock",
        )


def runtime_directory() -> Path:
    """A directory of this user alone (mode 0700), created when absent.

    Raises :class:`EngineError` when it exists and belongs to someone else or others may enter it.
    """
    base = os.environ.get("XDG_RUNTIME_DIR")
    if base and Path(base).is_dir() and os.access(base, os.W_OK):
        path = Path(base) / "tuiconsole"
    else:
        path = Path(tempfile.gettempdir()) / f"tuiconsole-{os.getuid()}"
    path.mkdir(mode=0o700, parents=False, exist_ok=True)
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise EngineError(f"{path} is not a directory of this user.", "Remove it, or set XDG_RUNTIME_DIR.")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise EngineError(f"{path} can be entered by others.", f"Run: chmod 700 {path}")
    return path
