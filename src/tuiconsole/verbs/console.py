"""Opens the console: starts the engine if none runs, and paints at once while it gets ready."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from tuiconsole.domain.errors import EngineError
from tuiconsole.engine.paths import tape_path
from tuiconsole.engine.supervisor import Starting, engine_runs, spawn_engine, wait_ready
from tuiconsole.verbs.common import Place

if TYPE_CHECKING:
    from tuiconsole.ui.options import ConsoleOptions

_PLAIN_TERMINALS = ("", "dumb")


def user_theme_directory() -> Path:
    """Where the user's own themes are looked for."""
    import platformdirs

    return platformdirs.user_config_path("tuiconsole") / "themes"


def find_theme(name: str) -> None:
    """Refuse a theme that does not exist, naming those that do."""
    from tuiconsole.ui.themes import load_theme

    load_theme(name, user_theme_directory())


class Startup:
    """Follows an engine that was just spawned; :meth:`failure` is its sentence once it could not start."""

    def __init__(self, starting: Starting) -> None:
        self._said = ""
        self._thread = threading.Thread(
            target=self._follow, args=(starting,), name="engine-startup", daemon=True
        )
        self._thread.start()

    def _follow(self, starting: Starting) -> None:
        self._said = wait_ready(starting)

    def failure(self) -> str:
        """Why the engine could not start; empty while it is starting and once it is ready."""
        return self._said

    def starting(self) -> bool:
        """Whether it is still getting ready."""
        return self._thread.is_alive()

    def wait(self) -> str:
        """Block until the engine is ready (empty) or has failed."""
        self._thread.join()
        return self._said


def open_console(place: Place, theme: str | None, spawn: bool, read_only: bool) -> int:
    """Run the console until the trader leaves; its exit code.

    Raises :class:`EngineError` when there is no engine to attach to, or the engine could not start.
    """
    wanted = theme or place.config.console.theme
    find_theme(wanted)
    plain = os.environ.get("TERM", "") in _PLAIN_TERMINALS
    if not plain:
        _require_terminal()
    startup: Startup | None = None
    if not engine_runs(place.paths):
        if not spawn:
            raise EngineError(f"No engine runs on {place.paths.state}.", "Start one with: tuiconsole")
        startup = Startup(spawn_engine(place.paths.state, place.arguments))
    if plain:
        return _plain_status(place, startup)
    from tuiconsole.ui.app import run_console

    code = run_console(_options(place, wanted, read_only, startup))
    failure = startup.failure() if startup is not None else ""
    if failure:
        raise EngineError(failure)
    return code


def _require_terminal() -> None:
    from tuiconsole.ui.terminal import require_terminal, terminal_size

    columns, rows = terminal_size()
    is_tty = sys.stdin.isatty() and (sys.stderr.isatty() or sys.stdout.isatty())
    require_terminal(os.environ, is_tty=is_tty, columns=columns, rows=rows)


def _options(place: Place, theme: str, read_only: bool, startup: Startup | None) -> ConsoleOptions:
    from tuiconsole.ui.options import ConsoleOptions

    console = place.config.console
    mouse = console.mouse == "on" or (console.mouse == "auto" and "SSH_CONNECTION" not in os.environ)
    return ConsoleOptions(
        socket_path=place.paths.socket,
        state_path=place.paths.state,
        fallback_command=(sys.executable, "-m", "tuiconsole"),
        theme=theme,
        user_theme_dir=user_theme_directory(),
        keys=place.config.keys,
        read_only=read_only,
        ascii=console.ascii,
        mouse=mouse,
        mode_hint=_mode_hint(place),
        startup_failure=startup.failure if startup is not None else None,
        starting=startup.starting if startup is not None else None,
    )


def _mode_hint(place: Place) -> str:
    """The mode to show while nobody knows it yet."""
    if place.config.desk.broker.live:
        return "live"
    live = place.config.desk.feed.feed == "live" or tape_path(place.paths.state).exists()
    return "paper" if live else "replay"


def _plain_status(place: Place, startup: Startup | None) -> int:
    from tuiconsole.verbs.engine import status_of, status_text

    failure = startup.wait() if startup is not None else ""
    if failure:
        raise EngineError(failure)
    sys.stdout.write(status_text(status_of(place, 5.0)) + "\n")
    sys.stdout.write(
        "This terminal cannot show the console (TERM=dumb or unset): the engine runs on without it.\n"
    )
    return 0
