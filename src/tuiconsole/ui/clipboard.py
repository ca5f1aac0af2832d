"""Copying out of the console: to the terminal's own clipboard over OSC 52, and to a file for terminals that have none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

MOST_BYTES = 16_384
"""Longer texts do not go through the terminal: many cut OSC 52 at 74,994 bytes of base64, some earlier."""


def copy(text: str, send: Callable[[str], None], path: Path) -> tuple[str, str]:
    """Hand ``text`` to ``send`` (the terminal) if it is short enough and write it to ``path``; a sentence and its tone.

    The terminal does not answer, so the file is written in any case; only this user can read it.
    """
    size = len(text.encode("utf-8", "replace"))
    if not text.strip():
        return "There is nothing to copy here.", "warn"
    short = size <= MOST_BYTES
    if short:
        send(text)
    said = "Copied to the clipboard (OSC 52)" if short else f"Too long for the clipboard ({size:,} bytes)"
    try:
        path.touch(mode=0o600)
        path.write_text(text + "\n", encoding="utf-8", errors="replace")
    except OSError as error:
        return f"{said}; {path} could not be written: {error.strerror}.", "plain" if short else "critical"
    return f"{said}{' and' if short else '; written'} to {path}", "running"
