"""Ways to stop the desk besides the socket: a Unix signal, a file, a console that fell silent; and the supervisor's watchdog.

``SIGUSR1`` halts, ``SIGUSR2`` kills (cancels and flattens); ``SIGTERM`` and ``SIGINT`` end the engine cleanly and leave
positions as they are. The file ``state.stop`` beside the store halts as soon as it is there, or does what its first word says
(pause, halt or kill); it is renamed to ``state.stop.done`` when that is done. All of them are commands of the desk, journalled
with their source; only a typed word re-arms.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND, Clock
from tuiconsole.domain.effects import Severity
from tuiconsole.domain.errors import EngineError
from tuiconsole.domain.events import CommandKind, DeskLevel
from tuiconsole.engine.latching import STOP_LEVELS
from tuiconsole.engine.notify import Notifier
from tuiconsole.engine.paths import beside
from tuiconsole.engine.service import EngineService
from tuiconsole.engine.settings import StopSettings

SIGNALS = {signal.SIGUSR1: CommandKind.HALT, signal.SIGUSR2: CommandKind.KILL}
"""What each signal asks for."""

_WORDS = {"pause": CommandKind.PAUSE, "halt": CommandKind.HALT, "kill": CommandKind.KILL}
_LOOK_S = 0.25
_LONGEST_FILE = 400


class StopPaths:
    """Watches for stops and carries them out through ``service``.

    Parameters
    ----------
    attended
        Whether a console is attached that still reads what it is sent.
    """

    def __init__(
        self,
        service: EngineService,
        settings: StopSettings,
        clock: Clock,
        notifier: Notifier,
        attended: Callable[[], bool],
    ) -> None:
        self._service = service
        self._settings = settings
        self._clock = clock
        self._notifier = notifier
        self._attended = attended
        self._file = beside(service.paths.state, ".stop")
        self._last_attended = clock.monotonic_ns()
        self._last_alive = 0
        self._unanswered = False
        self._done: tuple[int, int] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def listen(self) -> None:
        """Take signals from now on; needs the running loop."""
        loop = asyncio.get_running_loop()
        for number, kind in SIGNALS.items():
            loop.add_signal_handler(number, self._signalled, signal.Signals(number).name, kind)

    def _signalled(self, name: str, kind: CommandKind) -> None:
        task = asyncio.get_running_loop().create_task(self._stop(kind, f"Signal {name}.", "signal"))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def keep(self) -> None:
        """Look again and again until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_LOOK_S)

    async def look(self) -> None:
        """Look once at everything."""
        await self._look_for_file()
        await self._look_for_console()
        self._feed_watchdog()

    async def _stop(self, kind: CommandKind, reason: str, source: str) -> None:
        if self._service.desk.level >= STOP_LEVELS[kind] and kind != CommandKind.KILL:
            return
        with suppress(EngineError):  # a desk that has failed is halted already
            await self._service.command(kind, reason=reason, source=source)

    # ---- the file -------------------------------------------------------------------------------------------

    async def _look_for_file(self) -> None:
        found = _identity(self._file)
        if found is None or found == self._done:
            return
        self._done = found
        words = _text(self._file).split()
        kind = _WORDS.get(words[0].lower(), CommandKind.HALT) if words else CommandKind.HALT
        await self._stop(
            kind, " ".join(words[1:])[:120] or f"The file {self._file.name} asked for it.", "stop file"
        )
        try:
            self._file.replace(self._file.with_name(self._file.name + ".done"))
        except OSError as error:
            text = f"{self._file.name} was carried out, but cannot be renamed: {error.strerror}."
            await self._service.note(Severity.WARNING, "stop file", text)

    # ---- the console ----------------------------------------------------------------------------------------

    async def _look_for_console(self) -> None:
        limit = self._settings.console_silence_s
        now = self._clock.monotonic_ns()
        if not limit or self._attended():
            self._last_attended, self._unanswered = now, False
            return
        if self._unanswered or now - self._last_attended < limit * NANOSECONDS_PER_SECOND:
            return
        self._unanswered = True
        kind = CommandKind.HALT if self._settings.console_silence_action == "halt" else CommandKind.PAUSE
        if self._service.desk.level < DeskLevel.HALTED:
            await self._stop(kind, f"No console has been attached for {limit:g} s.", "dead-man timer")

    # ---- the supervisor -------------------------------------------------------------------------------------

    def _feed_watchdog(self) -> None:
        every = self._notifier.watchdog_s / 3
        now = self._clock.monotonic_ns()
        if every and now - self._last_alive >= every * NANOSECONDS_PER_SECOND:
            self._last_alive = now
            self._notifier.alive(self._service.level_name())


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file this is; None when there is none."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def _text(path: Path) -> str:
    """What a stop file says; nothing when it cannot be read, which still stops."""
    try:
        with path.open("rb") as file:
            return file.read(_LONGEST_FILE).decode(errors="replace")
    except OSError:
        return ""
