"""The archive: rows of the journal that left ``state.db``."""

from __future__ import annotations

from pathlib import Path


def archive_path(state: Path) -> Path:
    """Directory of the archive that belongs to ``state``."""
    return state.with_name(state.name.removesuffix(".db") + ".archive")
