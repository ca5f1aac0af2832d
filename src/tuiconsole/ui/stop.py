"""The stop key: Halt at once, Kill when pressed again, and the verb as a second way when the engine does not answer."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND, Clock
from tuiconsole.domain.errors import EngineError, ProtocolError
from tuiconsole.domain.ids import fresh_id
from tuiconsole.protocol.frames import Done, Halt, Kill, Refused
from tuiconsole.ui.client import EngineClient
from tuiconsole.ui.format import plain

AGAIN_WITHIN_S = 3.0
ANSWER_WITHIN_S = 0.25

Say = Callable[[str, str], None]
"""Tells the trader: text and tone."""


class StopKey:
    """Sends Halt or Kill and sees to it that someone carries it out.

    Parameters
    ----------
    fallback_command, state_path
        ``[*fallback_command, "halt" | "kill", "--state", state_path, "--json"]`` is started, detached from this console, when
        the engine has not answered within 250 ms.
    say
        Called with what was asked, answered or started.
    """

    def __init__(
        self, client: EngineClient, fallback_command: Sequence[str], state_path: Path, clock: Clock, say: Say
    ) -> None:
        self._client = client
        self._fallback_command = tuple(fallback_command)
        self._state_path = state_path
        self._clock = clock
        self._say = say
        self._pressed_ns: int | None = None

    def next_verb(self) -> str:
        """``halt``, or ``kill`` when the last press is at most 3 s ago; counts as a press."""
        now = self._clock.monotonic_ns()
        before, self._pressed_ns = self._pressed_ns, now
        again = before is not None and now - before <= AGAIN_WITHIN_S * NANOSECONDS_PER_SECOND
        return "kill" if again else "halt"

    async def press(self) -> None:
        """Handle one press from key to acknowledgement."""
        verb = self.next_verb()
        self._say(f"{verb.upper()} sent" + ("; press again for KILL" if verb == "halt" else ""), "warn")
        task = asyncio.ensure_future(self._client.request(lambda id: _request(id, verb)))
        try:
            answer = await asyncio.wait_for(asyncio.shield(task), ANSWER_WITHIN_S)
        except (EngineError, ProtocolError):
            await self._by_verb(verb, "no engine")
        except TimeoutError:
            task.add_done_callback(lambda late: self._late(verb, late))
            await self._by_verb(verb, "no answer in 250 ms")
        else:
            self._tell(verb, answer)
            if verb == "kill" and not _is_flat(answer):
                await self._by_verb(verb, "the engine did not flatten the book")

    def _tell(self, verb: str, answer: Done | Refused) -> None:
        done = isinstance(answer, Done)
        # refused means: it is already so, and the sentence says it
        words = f"{verb.upper()} done: {answer.text}" if done else f"{verb.upper()}: {answer.text}"
        self._say(words.removesuffix(": done"), "running" if done else "warn")

    def _late(self, verb: str, task: asyncio.Future[Done | Refused]) -> None:
        if not task.cancelled() and task.exception() is None:
            self._tell(verb, task.result())

    async def _by_verb(self, verb: str, why: str) -> None:
        command = [*self._fallback_command, verb, "--state", str(self._state_path), "--json"]
        self._say(
            f"{verb.upper()}: {why}; running the {verb} verb, which acts without the engine", "critical"
        )
        # a file, not a pipe: the verb must not die with this console
        with tempfile.TemporaryFile() as output:
            try:
                process = await asyncio.create_subprocess_exec(
                    *command,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=asyncio.subprocess.DEVNULL,
                    start_new_session=True,
                )
            except OSError as error:
                self._say(
                    f"{verb.upper()} could not be started: {error}. Run `tuiconsole {verb}` yourself.",
                    "critical",
                )
                return
            code = await process.wait()
            output.seek(0)
            self._report(verb, code, output.read())

    def _report(self, verb: str, code: int, output: bytes) -> None:
        try:
            body = json.loads(output or b"{}")
        except ValueError:
            body = {}
        detail = told(body) if isinstance(body, dict) else ""
        if code == 0:
            self._say(f"{verb.upper()} done by the verb. {detail}".strip(), "running")
        else:
            self._say(f"{verb.upper()} by the verb FAILED (exit {code}). {detail}".strip(), "critical")


def _is_flat(answer: Done | Refused) -> bool:
    return isinstance(answer, Done) and bool(answer.body.get("flat", True))


def told(body: Mapping[str, Any]) -> str:
    """What a stopping verb reports, as one sentence or two.

    >>> told({"latched": True, "cancelled": 2, "flat": False, "remaining": ["KO"]})
    'Latched, 2 orders cancelled, 1 position stays: KO.'
    """
    said: list[str] = []
    if "latched" in body:
        said.append("latched" if body["latched"] else "NOT LATCHED")
    if isinstance(body.get("cancelled"), int):
        said.append(f"{body['cancelled']} order{'' if body['cancelled'] == 1 else 's'} cancelled")
    left = body.get("remaining")
    if body.get("flat"):
        said.append("flat")
    elif isinstance(left, list) and left:
        said.append(
            f"{len(left)} position{' stays' if len(left) == 1 else 's stay'}: {', '.join(map(plain, left))}"
        )
    facts = f"{', '.join(said)}." if said else ""
    words = [
        facts[:1].upper() + facts[1:],
        *(plain(body[key]) for key in ("note", "text", "error") if body.get(key)),
    ]
    return " ".join(word for word in words if word)


def _request(id: int, verb: str) -> Halt | Kill:
    if verb == "kill":
        return Kill(id=id, kill_id=fresh_id(), reason="Killed with the stop key, pressed twice.")
    return Halt(id=id, reason="Halted with the stop key.")
