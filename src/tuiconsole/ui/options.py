"""What the console is started with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ConsoleOptions:
    """What the console needs to know; ``cli.py`` fills it.

    Attributes
    ----------
    socket_path
        The engine's Unix socket.
    state_path
        ``state.db``, handed to the fallback verb.
    fallback_command
        Command before the verb, e.g. ``(sys.executable, "-m", "tuiconsole")``.
    keys
        The user's keys: action id to key.
    mode_hint
        Mode shown until the first snapshot arrives.
    startup_failure
        Tells why an engine that was just spawned could not start; empty while there is nothing to tell. The console leaves
        when it tells something, and whoever opened it shows the sentence.
    starting
        Whether the engine that was just spawned is still getting ready.
    """

    socket_path: Path
    state_path: Path
    fallback_command: tuple[str, ...]
    theme: str = "dark"
    user_theme_dir: Path | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    read_only: bool = False
    ascii: bool = False
    mouse: bool = False
    mode_hint: str = ""
    startup_failure: Callable[[], str] | None = None
    starting: Callable[[], bool] | None = None

    @property
    def crash_log(self) -> Path:
        """Where details go when the console fails."""
        return self.state_path.with_name(f"{self.state_path.stem}-console.log")

    @property
    def copy_file(self) -> Path:
        """Where copied text goes besides the terminal's clipboard."""
        return self.state_path.with_name(f"{self.state_path.stem}-copy.txt")
