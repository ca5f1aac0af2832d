"""The console's end of the socket: requests with answers, snapshots in, and coming back after a break. No widgets here."""

from __future__ import annotations

import asyncio
import contextlib
import enum
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND, Clock, WallClock
from tuiconsole.domain.errors import EngineError, ProtocolError
from tuiconsole.protocol.frames import (
    Done,
    Goodbye,
    Hello,
    Refused,
    Request,
    Status,
    Subscribe,
    Update,
    Welcome,
    pack,
    read_frame,
    unpack_answer,
)
from tuiconsole.protocol.snapshot import Snapshot

FIRST_RETRY_S = 0.05
LAST_RETRY_S = 0.5
HEARTBEAT_S = 0.5
PING_AFTER_S = 0.8
HELLO_TIMEOUT_S = 2.0
SNAPSHOT_RATE_HZ = 10.0
ORDERS_PAGE = 60


class LinkState(enum.Enum):
    """Where the console stands with the engine."""

    CONNECTING = "connecting"
    UP = "up"
    LOST = "lost"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Link:
    """State of the connection and one sentence about it."""

    state: LinkState
    text: str = ""


MakeRequest = Callable[[int], Request]
"""Builds a request around the id that the client gives it."""


class EngineClient:
    """Speaks with one engine over its Unix socket.

    Parameters
    ----------
    socket_path
        The engine's socket.
    read_only
        Asked for in ``Hello``; the engine may also grant no writer lease.
    on_snapshot, on_link
        Called in the loop for every snapshot and every change of the connection.
    clock
        Source of monotonic time, for the silence since the last frame.
    """

    def __init__(
        self,
        socket_path: Path,
        *,
        read_only: bool,
        on_snapshot: Callable[[Snapshot], None],
        on_link: Callable[[Link], None],
        clock: Clock | None = None,
    ) -> None:
        self.socket_path = socket_path
        self.read_only = read_only
        self.link = Link(LinkState.CONNECTING)
        self.welcome: Welcome | None = None
        self._on_snapshot = on_snapshot
        self._on_link = on_link
        self._clock: Clock = clock or WallClock()
        self._last_frame_ns = self._clock.monotonic_ns()
        self._writer: asyncio.StreamWriter | None = None
        self._waiting: dict[int, asyncio.Future[Done | Refused | Welcome]] = {}
        self._next_id = 0
        self._orders_offset = 0
        self._turning: asyncio.Task[Done | Refused | Welcome] | None = None

    @property
    def connected(self) -> bool:
        """True between the engine's welcome and the end of the connection."""
        return self.link.state is LinkState.UP

    @property
    def may_write(self) -> bool:
        """True while this console holds the writer lease."""
        return self.connected and self.welcome is not None and self.welcome.writer

    def silence_s(self) -> float:
        """Seconds since the last frame of any kind."""
        return (self._clock.monotonic_ns() - self._last_frame_ns) / NANOSECONDS_PER_SECOND

    async def run(self) -> None:
        """Connect, read, and connect again after a break, until cancelled."""
        wait = FIRST_RETRY_S
        while True:
            try:
                reader, self._writer = await asyncio.open_unix_connection(str(self.socket_path))
            except OSError:
                if self.link.state is not LinkState.LOST:  # a farewell says more than this
                    self._change(LinkState.LOST, "No engine answers on its socket.")
            else:
                if await self._converse(reader):
                    wait = FIRST_RETRY_S
            await asyncio.sleep(wait)
            wait = min(2 * wait, LAST_RETRY_S)

    async def request(self, make: MakeRequest) -> Done | Refused:
        """Send a request and wait for its answer.

        Raises :class:`~tuiconsole.domain.errors.EngineError` when there is no connection or it breaks first.
        """
        answer = await self._ask(make)
        if isinstance(answer, Welcome):
            raise ProtocolError("The engine answered a request with a welcome.", "Restart the console.")
        return answer

    async def _converse(self, reader: asyncio.StreamReader) -> bool:
        """One connection from hello to its end; True when the engine welcomed us."""
        tasks = [asyncio.create_task(self._greet()), asyncio.create_task(self._heartbeat())]
        farewell = "The engine closed the connection."
        try:
            while (body := await read_frame(reader)) is not None:
                self._last_frame_ns = self._clock.monotonic_ns()
                farewell = self._take(body) or farewell
        except ProtocolError as error:
            farewell = str(error)
        finally:
            for task in tasks:
                task.cancel()
            welcomed = self.connected
            self._close(farewell)
        return welcomed

    async def _greet(self) -> None:
        try:
            answer = await asyncio.wait_for(
                self._ask(lambda id: Hello(id=id, client="console", read_only=self.read_only)),
                HELLO_TIMEOUT_S,
            )
            if isinstance(answer, Welcome):
                self.welcome = answer
                self._change(LinkState.UP, "")
                answer = await self._subscribe()
            if isinstance(answer, Refused):
                self._change(LinkState.REFUSED, answer.text)
        except (EngineError, TimeoutError):
            self._hang_up()

    async def _heartbeat(self) -> None:
        # a frame of any kind counts; asking for the status makes a silent engine prove that it lives
        ping: asyncio.Task[None] | None = None
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            wants_lease = self.connected and not self.read_only and not self.may_write
            if (wants_lease or self.silence_s() > PING_AFTER_S) and (ping is None or ping.done()):
                ping = asyncio.create_task(self._greet_again() if wants_lease else self._ping())
                ping.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def _ping(self) -> None:
        await self._ask(lambda id: Status(id=id))

    async def _greet_again(self) -> None:
        # the lease goes to whoever asks once its holder has left
        answer = await self._ask(lambda id: Hello(id=id, client="console"))
        if isinstance(answer, Welcome) and answer.writer:
            self.welcome = answer
            self._on_link(self.link)

    async def _subscribe(self) -> Done | Refused | Welcome:
        offset = self._orders_offset
        return await self._ask(
            lambda id: Subscribe(
                id=id, rate_hz=SNAPSHOT_RATE_HZ, orders_offset=offset, orders_count=ORDERS_PAGE
            )
        )

    def show_orders(self, offset: int) -> None:
        """Ask for the page of orders that begins ``offset`` orders before the newest one."""
        if offset != self._orders_offset:
            self._orders_offset = offset
            if self.connected:
                self._turning = asyncio.create_task(self._subscribe())
                self._turning.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def _ask(self, make: MakeRequest) -> Done | Refused | Welcome:
        if self._writer is None or self._writer.is_closing():
            raise EngineError("The engine is not connected.", "Safety keys still work: they act without it.")
        self._next_id += 1
        number = self._next_id
        future: asyncio.Future[Done | Refused | Welcome] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            self._writer.write(pack(make(number)))
            return await future
        finally:
            self._waiting.pop(number, None)

    def _take(self, body: bytes) -> str | None:
        """Handle one frame; the engine's farewell when it is one."""
        answer = unpack_answer(body)
        if isinstance(answer, Update):
            self._on_snapshot(answer.snapshot)
        elif isinstance(answer, Goodbye):
            return answer.text or None
        else:
            future = self._waiting.get(answer.id)
            if future is not None and not future.done():
                future.set_result(answer)
        return None

    def _hang_up(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def _close(self, text: str) -> None:
        self._hang_up()
        self._writer = None
        self.welcome = None
        for future in list(self._waiting.values()):
            if not future.done():
                future.set_exception(
                    EngineError("The connection to the engine broke.", "It is being tried again.")
                )
        if self.link.state is not LinkState.REFUSED:
            self._change(LinkState.LOST, text)

    def _change(self, state: LinkState, text: str) -> None:
        link = Link(state, text)
        if link != self.link:
            self.link = link
            self._on_link(link)

    async def close(self) -> None:
        """Close the connection; the engine is left as it is."""
        self._hang_up()
        if self._writer is not None:
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()
