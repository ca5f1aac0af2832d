"""Where an engine keeps its files: beside ``state.db``, and its socket in a private runtime directory."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tuiconsole.domain.errors import EngineError
from tuiconsole.engine.lock import EngineLock

_LONGEST_BASE_BYTES = 68
"""With ``/tuiconsole/<20 digits>.sock`` behind it a path stays under the 108 bytes of ``sun_path`` (unix(7))."""


@dataclass(frozen=True, slots=True)
class DeskPaths:
    """The files of one desk.

    ``latch`` and ``lock`` lie beside the store and are named after it; ``own_socket`` is where an engine started from this
    environment would listen, named by a hash of the store's real path, because socket paths over about 100 bytes fail.
    """

    state: Path
    latch: Path
    lock: Path
    log: Path
    own_socket: Path

    @classmethod
    def of(cls, state: Path) -> DeskPaths:
        """The files that belong to ``state``. Looks at nothing but the environment, so it never fails."""
        real = Path(os.path.realpath(state))
        name = hashlib.sha256(os.fsencode(real)).hexdigest()[:20]
        return cls(
            state=real,
            latch=beside(real, ".latch"),
            lock=beside(real, ".lock"),
            log=beside(real, ".log"),
            own_socket=runtime_directory() / f"{name}.sock",
        )

    @property
    def socket(self) -> Path:
        """Where the running engine listens, whatever environment it was started from; else :attr:`own_socket`.

        A verb run from cron or another login has another runtime directory than the engine: the lock file tells.

        Raises :class:`EngineError` when no engine says where it listens and our own directory is not private.
        """
        holder = EngineLock(self.lock).holder()
        if holder is not None and holder.socket:
            return Path(holder.socket)
        require_private(self.own_socket.parent)
        return self.own_socket


def beside(state: Path, ending: str) -> Path:
    """The file of the desk ``state`` that ends in ``ending``; two stores never share one.

    >>> beside(Path("/d/state.db"), ".lock").name, beside(Path("/d/desk.v1.db"), ".lock").name
    ('state.lock', 'desk.v1.lock')
    """
    return state.with_name(state.name.removesuffix(".db") + ending)


def tape_path(state: Path) -> Path:
    """Directory of the tape that a live desk records.

    >>> tape_path(Path("/d/state.db")).name
    'state.tape'
    """
    return beside(state, ".tape")


def runtime_directory() -> Path:
    """Where sockets go: ``$XDG_RUNTIME_DIR/tuiconsole``, or a directory of this user under the temporary one."""
    base = os.environ.get("XDG_RUNTIME_DIR")
    if base and len(os.fsencode(base)) <= _LONGEST_BASE_BYTES and os.access(base, os.W_OK | os.X_OK):
        return Path(base) / "tuiconsole"
    return Path(tempfile.gettempdir()) / f"tuiconsole-{os.getuid()}"


def require_private(directory: Path) -> None:
    """See to it that ``directory`` exists and is this user's alone (mode 0700).

    Raises :class:`EngineError` when it cannot be made, belongs to someone else, or others may enter it.
    """
    try:
        directory.mkdir(mode=0o700, parents=False, exist_ok=True)
    except OSError as error:
        raise EngineError(
            f"{directory} cannot be made: {error.strerror}.", "Set XDG_RUNTIME_DIR to a directory of yours."
        ) from None
    found = os.lstat(directory)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise EngineError(
            f"{directory} is not a directory of this user.", "Remove it, or set XDG_RUNTIME_DIR."
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise EngineError(f"{directory} can be entered by others.", f"Run: chmod 700 {directory}")
