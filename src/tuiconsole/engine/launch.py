"""What an engine was started with, kept beside its store, so that a stop needs nothing but ``--state``."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

from tuiconsole.domain.errors import StoreError
from tuiconsole.engine.paths import beside
from tuiconsole.engine.settings import Settings


@dataclass(frozen=True, slots=True)
class Launch:
    """Mode and settings of the last start."""

    mode: str
    settings: Settings


def launch_path(state: Path) -> Path:
    """Where the launch of ``state`` is kept."""
    return beside(state, ".launch.json")


def save_launch(state: Path, launch: Launch) -> None:
    """Keep ``launch`` beside ``state``; replaced atomically, readable by this user alone."""
    path = launch_path(state)
    body = json.dumps({"mode": launch.mode, "settings": asdict(launch.settings)}, indent=1, sort_keys=True)
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def load_launch(state: Path) -> Launch | None:
    """The last launch on ``state``; None when there was none. A damaged file raises :class:`StoreError`."""
    path = launch_path(state)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Launch(found["mode"], _build(Settings, found["settings"]))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{path.name} cannot be understood: {error}.", "Start the engine once more."
        ) from None


def _build(kind: Any, values: dict[str, Any]) -> Any:
    """``kind`` from nested dicts; lists become tuples where the field holds one."""
    hints = get_type_hints(kind)
    built = {}
    for item in fields(kind):
        if item.name not in values:
            continue
        value, hint = values[item.name], hints[item.name]
        if is_dataclass(hint):
            value = _build(hint, value)
        elif isinstance(value, list):
            value = tuple(value)
        built[item.name] = value
    return kind(**built)
