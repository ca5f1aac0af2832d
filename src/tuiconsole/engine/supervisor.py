"""Starts the engine as a process of its own and finds out whether one runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tuiconsole.engine.lock import EngineLock
from tuiconsole.engine.paths import DeskPaths

READY = b"ready\n"


@dataclass(frozen=True, slots=True)
class Starting:
    """An engine that was just spawned. ``ready_fd`` yields ``ready`` or one sentence that says why it could not start."""

    pid: int
    ready_fd: int


def engine_runs(paths: DeskPaths) -> bool:
    """True when a living process holds the lock of this store."""
    return EngineLock(paths.lock).holder() is not None


def spawn_engine(state: Path, arguments: Sequence[str]) -> Starting:
    """Start ``tuiconsole headless`` in a session of its own, cut off from this terminal.

    Parameters
    ----------
    arguments
        Further options of the ``headless`` verb.
    """
    read_fd, write_fd = os.pipe()
    command = [
        sys.executable,
        "-m",
        "tuiconsole",
        "headless",
        "--state",
        str(state),
        "--json",
        "--log",
        str(DeskPaths.of(state).log),
        "--ready-fd",
        str(write_fd),
        *arguments,
    ]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=(write_fd,),
        cwd="/",
    )
    os.close(write_fd)
    return Starting(process.pid, read_fd)


def wait_ready(starting: Starting) -> str:
    """Block until the engine is ready (empty text) or has said why it cannot be."""
    said = b""
    while chunk := os.read(starting.ready_fd, 4096):
        said += chunk
        if said.endswith(b"\n"):
            break
    os.close(starting.ready_fd)
    if said == READY:
        return ""
    return said.decode(errors="replace").strip() or "The engine died while starting; its log says why."


def tell_ready(ready_fd: int | None, sentence: str = "") -> None:
    """The engine's side: report readiness, or the sentence that says why it cannot start."""
    if ready_fd is None:
        return
    try:
        os.write(ready_fd, (sentence + "\n").encode() if sentence else READY)
        os.close(ready_fd)
    except OSError:
        return
