"""What the console asks of the engine besides stopping: each a request and the sentence it ends in."""

from __future__ import annotations

from collections.abc import Callable

from tuiconsole.domain.errors import EngineError, ProtocolError
from tuiconsole.protocol.frames import Done, Pause, Refused, Shutdown
from tuiconsole.ui.client import EngineClient, MakeRequest
from tuiconsole.ui.format import plain
from tuiconsole.ui.stop import Say

SPEEDS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 250.0)
AS_FAST_AS_POSSIBLE = 0.0


def next_speed(now: float, step: int) -> float:
    """The replay speed one ``step`` (+1 or -1) from ``now``; beyond the fastest is 0 = as fast as possible.

    >>> next_speed(1.0, 1), next_speed(250.0, 1), next_speed(0.0, -1)
    (2.0, 0.0, 250.0)
    """
    if now == AS_FAST_AS_POSSIBLE:
        return AS_FAST_AS_POSSIBLE if step > 0 else SPEEDS[-1]
    if step > 0:
        return next((speed for speed in SPEEDS if speed > now), AS_FAST_AS_POSSIBLE)
    return next((speed for speed in reversed(SPEEDS) if speed < now), SPEEDS[0])


class Commands:
    """Sends requests and says how they ended; refuses those that need the writer lease when there is none."""

    def __init__(self, client: EngineClient, say: Say, stop_key: Callable[[], str]) -> None:
        self._client = client
        self._say = say
        self._stop_key = stop_key

    def allowed(self) -> bool:
        """True when this console may change the desk; says why not otherwise."""
        if self._client.may_write:
            return True
        if self._client.connected:
            self._say(
                f"This console is read-only. Pause, halt and kill ({self._stop_key()}) still work.", "warn"
            )
        else:
            self._say(f"The engine is not connected. {self._stop_key()} halts without it.", "warn")
        return False

    async def send(self, what: str, make: MakeRequest) -> Done | None:
        """Send one request; the answer when it was done, None when it was refused or lost."""
        try:
            answer = await self._client.request(make)
        except (EngineError, ProtocolError) as error:
            self._say(f"{what}: {error}", "critical")
            return None
        if isinstance(answer, Refused):
            self._say(f"{what} refused: {plain(answer.text)}", "warn")
            return None
        self._say(f"{what}: {plain(answer.text)}", "running")
        return answer

    async def ask(self, make: MakeRequest) -> Done | Refused:
        """Send one request and return its answer without a word; a broken line is a refusal too."""
        try:
            return await self._client.request(make)
        except (EngineError, ProtocolError) as error:
            return Refused(0, str(error))

    async def pause(self) -> None:
        """No new risk; any console may."""
        await self.send("Pause", lambda id: Pause(id=id, reason="Paused with the pause key."))

    async def shutdown(self) -> bool:
        """Stop the engine; True when it said so."""
        return (
            await self.send("Stop", lambda id: Shutdown(id=id, reason="stopped from the console")) is not None
        )
