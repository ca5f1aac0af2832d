"""Cases of the shared reference set, where it lies beside this repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

_FOLDER = Path(__file__).resolve().parents[2] / ".." / "shared" / "reference"


def case(name: str, topic: str = "05_execution") -> dict[str, Any]:
    """The case ``name`` of ``topic``; skips the test when the reference set is not there."""
    path = _FOLDER / f"{topic}.json"
    if not path.exists():
        pytest.skip(f"the shared reference figures (../shared/reference/{topic}.json) are not here")
    found: dict[str, Any] = next(c for c in json.loads(path.read_text())["cases"] if c["id"] == name)
    return found
