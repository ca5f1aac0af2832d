"""When the console itself fails: details go to a file, the trader gets one sentence."""

from __future__ import annotations

import traceback
from pathlib import Path

from tuiconsole.domain.clock import Clock, iso
from tuiconsole.domain.errors import DeskError

MOST_BYTES = 1_000_000


def write_details(error: BaseException, path: Path, clock: Clock) -> str:
    """Write the traceback of ``error`` to ``path``; one sentence on where it is.

    The file keeps earlier ones up to :data:`MOST_BYTES`. When it cannot be written the sentence says so.
    """
    details = "".join(traceback.format_exception(error))
    try:
        keep = path.is_file() and path.stat().st_size < MOST_BYTES
        path.touch(mode=0o600)
        with path.open("a" if keep else "w", encoding="utf-8", errors="replace") as out:
            out.write(f"{iso(clock.now_ns())} the console failed\n{details}\n")
    except OSError as refusal:
        return f"Details could not be written to {path} ({refusal.strerror}); --debug shows them."
    return f"Details are in {path}."


def crash_error(error: BaseException, path: Path, clock: Clock) -> DeskError:
    """Write the details of ``error`` to ``path`` and return what the trader is told."""
    what = " ".join(f"{type(error).__name__}: {error}".split())[:160]
    return DeskError(
        f"The console failed ({what}). {write_details(error, path, clock)}",
        "The engine is not affected; look again with: tuiconsole attach",
    )
