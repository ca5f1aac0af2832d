"""The engine's socket: requests in, answers and snapshots out. One writer lease, any number of readers."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from contextlib import suppress
from pathlib import Path

from tuiconsole import __version__
from tuiconsole.domain.errors import DeskError, EngineError, ProtocolError
from tuiconsole.domain.events import CommandKind
from tuiconsole.engine.commands import LEVEL_NAMES
from tuiconsole.engine.paths import require_private
from tuiconsole.engine.service import EngineService
from tuiconsole.protocol import frames
from tuiconsole.protocol.frames import Answer, Done, Goodbye, Refused, Request, Subscribe, Update, Welcome
from tuiconsole.store.explain_text import explain_text

_SAFETY = {frames.Pause: CommandKind.PAUSE, frames.Halt: CommandKind.HALT, frames.Kill: CommandKind.KILL}
_UNVERSIONED = (frames.Status, frames.Pause, frames.Halt, frames.Kill, frames.Shutdown, frames.Hello)
_MAX_RATE_HZ = 10.0
_MAX_BUFFER_BYTES = 1_000_000
_MAX_PAGE = 500
_MAX_WAITING = 64
_MAX_REASON = 400
_SOCKET_CHECK_S = 2.0


class Client:
    """One connection."""

    def __init__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._service = server.service
        self._reader = reader
        self._writer = writer
        self._subscription: Subscribe | None = None
        self._publisher: asyncio.Task[None] | None = None
        self._waiting: asyncio.Queue[Request] = asyncio.Queue(_MAX_WAITING)
        self._stops: set[asyncio.Task[None]] = set()
        self.name = "client"
        self.read_only = True

    async def run(self) -> None:
        """Serve until the client leaves; what it asked before it left is still carried out."""
        serving = asyncio.create_task(self._serve_in_turn())
        try:
            await self._read()
        except ProtocolError as error:
            self.send(Refused(0, str(error)))
        except (ConnectionError, TimeoutError):
            pass
        finally:
            await self._waiting.join()  # never cancelled: half a command would be half a step of the desk
            if self._stops:
                await asyncio.wait(self._stops)
            serving.cancel()
            if self._publisher is not None:
                self._publisher.cancel()
            self._writer.close()

    async def _read(self) -> None:
        """Take in requests; pause, halt and kill overtake those that wait for their turn."""
        while (body := await frames.read_frame(self._reader)) is not None:
            request = frames.unpack_request(body)
            if isinstance(request, frames.Hello):
                await self._serve(request)
            elif type(request) in _SAFETY:
                task = asyncio.create_task(self._serve(request))
                self._stops.add(task)
                task.add_done_callback(self._stops.discard)
            else:
                await self._waiting.put(request)

    async def _serve_in_turn(self) -> None:
        while True:
            await self._serve(await self._waiting.get())
            self._waiting.task_done()

    def send(self, answer: Answer) -> None:
        """Queue one frame; a client that does not read loses snapshots, never answers."""
        if not self._writer.is_closing():
            self._writer.write(frames.pack(answer))

    async def _serve(self, request: Request) -> None:
        version = getattr(request, "version", frames.VERSION)
        if version != frames.VERSION and not isinstance(request, _UNVERSIONED):
            text = f"This engine speaks protocol {frames.VERSION}, the client {version}: restart the older of the two."
            self.send(Refused(request.id, text))
            return
        try:
            self.send(await self._answer(request))
        except DeskError as error:
            self.send(Refused(request.id, str(error)))
        except Exception as error:  # noqa: BLE001 - told to whoever asked; the next request is served all the same
            self.send(Refused(request.id, f"The engine cannot answer that: {error!r}."))

    async def _answer(self, request: Request) -> Answer:
        service = self._service
        if isinstance(request, frames.Hello):
            return self._welcome(request)
        if isinstance(request, frames.Status):
            async with service.between_steps():
                return Done(request.id, "status", service.status())
        if isinstance(request, frames.Pause | frames.Halt | frames.Kill):
            return await self._stop(request)
        if isinstance(request, frames.Subscribe):
            self._subscribe(request)
            return Done(request.id, "subscribed")
        if isinstance(request, frames.Why):
            chain = await service.why(request.order)
            return Done(request.id, explain_text(chain), chain)
        if isinstance(request, frames.Reconcile) and not request.action:
            return Done(request.id, "reconciled", await service.reconcile())
        if isinstance(request, frames.CopyStore):
            return Done(request.id, "copied", {"rows": await service.copy_store(Path(request.path))})
        if isinstance(request, frames.ArchiveRows) and not self.read_only:
            rows, free = await service.archive(request.older_than_ns)
            return Done(request.id, "archived", {"rows": rows, "bytes_free": free})
        if isinstance(request, frames.Shutdown) and not self.read_only:
            self._service.request_stop(request.reason or f"stopped by {self.name}")
            return Done(request.id, "stopping", {"state": "stopped"})
        if not self._server.may_write(self):
            holder = self._server.lease_name()
            return Refused(
                request.id, f"The writer lease is held by {holder}: this client may only look and stop."
            )
        return await self._write(request)

    def _welcome(self, request: frames.Hello) -> Welcome:
        self.name = request.client[:40]
        self.read_only = request.read_only
        if not request.read_only:
            self._server.take_lease(self)
        return Welcome(
            request.id,
            frames.VERSION,
            __version__,
            os.getpid(),
            self._service.mode,
            str(self._service.paths.state),
            self._server.may_write(self),
        )

    async def _stop(self, request: frames.Pause | frames.Halt | frames.Kill) -> Answer:
        command_id = _short(request.kill_id) if isinstance(request, frames.Kill) else ""
        outcome = await self._service.command(
            _SAFETY[type(request)], reason=_short(request.reason), source=self.name, command_id=command_id
        )
        if isinstance(request, frames.Kill):
            return Done(request.id, outcome.text or "killed", self._service.kill_report(outcome))
        if not outcome.accepted:
            return Refused(request.id, outcome.text)
        return Done(request.id, "done", {"state": LEVEL_NAMES[outcome.level]})

    async def _write(self, request: Request) -> Answer:
        service = self._service
        if isinstance(request, frames.SetSpeed):
            service.set_speed(request.bars_per_second)
            return Done(request.id, "speed set")
        argument = ""
        reason = _short(getattr(request, "reason", ""))
        if isinstance(request, frames.SwitchAgent):
            kind = CommandKind.ENABLE_AGENT if request.enabled else CommandKind.DISABLE_AGENT
            argument = request.agent
        elif isinstance(request, frames.Rearm):
            if request.word != "rearm":
                return Refused(request.id, "Re-arming needs the typed word: rearm.")
            kind = CommandKind.REARM
        elif isinstance(request, frames.Reconcile):
            await service.reconcile()
            kind = CommandKind.ADOPT if request.action == "adopt" else CommandKind.IGNORE
        elif isinstance(request, frames.ChangeOrder):
            kind = CommandKind.REPLACE_ORDER if request.change else CommandKind.CANCEL_ORDER
            argument = _short(f"{request.order} {request.change}".strip())
        elif isinstance(request, frames.AcknowledgeAlerts):
            kind, argument = CommandKind.ACKNOWLEDGE_ALERTS, str(request.up_to)
        else:
            kind = CommandKind.RESUME
        outcome = await service.command(kind, argument=argument, reason=reason, source=self.name)
        if not outcome.accepted:
            return Refused(request.id, outcome.text)
        body = await service.reconcile() if isinstance(request, frames.Reconcile) else {}
        return Done(request.id, "done", {"state": LEVEL_NAMES[outcome.level], **body})

    @property
    def reads(self) -> bool:
        """Whether this is a console that takes what it is sent."""
        waiting = self._writer.transport.get_write_buffer_size()
        return (
            self._subscription is not None and not self._writer.is_closing() and waiting < _MAX_BUFFER_BYTES
        )

    def _subscribe(self, request: Subscribe) -> None:
        self._subscription = request
        if self._publisher is None:
            self._publisher = asyncio.create_task(self._publish())

    async def _publish(self) -> None:
        """Snapshots when something changed, at the rate asked for; dropped while the client does not read."""
        seen = -1
        try:
            while (wanted := self._subscription) is not None:
                if self._writer.transport.get_write_buffer_size() < _MAX_BUFFER_BYTES:
                    orders, alerts = min(wanted.orders_count, _MAX_PAGE), min(wanted.alerts_count, _MAX_PAGE)
                    async with self._service.between_steps():
                        snapshot = self._service.snapshot(max(0, wanted.orders_offset), orders, alerts)
                    self.send(Update(snapshot))
                    seen = snapshot.number
                await asyncio.sleep(1.0 / max(0.1, min(_MAX_RATE_HZ, wanted.rate_hz)))
                await self._service.wait_for_change(seen)
        except ConnectionError:
            return
        except Exception as error:  # noqa: BLE001 - a console that gets no pictures any more must be told
            self.send(Goodbye(f"The engine cannot describe its state: {error!r}."))
            self._writer.close()


class Server:
    """Listens on a Unix socket that only this user can reach."""

    def __init__(self, service: EngineService, path: Path) -> None:
        self.service = service
        self._path = path
        self._clients: set[Client] = set()
        self._lease: Client | None = None
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Bind and listen; the caller holds the engine lock, so an old socket file is ours to replace.

        Raises :class:`EngineError` when that is not possible.
        """
        before = os.umask(0o177)
        try:
            self._path.unlink(missing_ok=True)
            self._server = await asyncio.start_unix_server(self._accept, path=str(self._path))
        except OSError as error:
            raise EngineError(
                f"The engine cannot listen on {self._path}: {error.strerror or error}.",
                "Set XDG_RUNTIME_DIR to a short path of a directory of yours.",
            ) from None
        finally:
            os.umask(before)

    async def keep(self) -> None:
        """Listen anew whenever the socket's file is gone; until cancelled.

        Runtime directories are emptied when their user's last login ends, and temporary ones are swept; the engine must
        stay within reach of who logs in later.
        """
        while True:
            await asyncio.sleep(_SOCKET_CHECK_S)
            if self._path.exists():
                continue
            with suppress(EngineError):  # the directory above may come back only with the next login
                require_private(self._path.parent)
                if self._server is not None:
                    self._server.close()
                await self.start()

    async def stop(self, text: str) -> None:
        """Say goodbye and close."""
        for client in list(self._clients):
            client.send(Goodbye(text))
        if self._server is not None:
            self._server.close()
        await asyncio.sleep(0)
        for client in list(self._clients):
            client._writer.close()
        self._path.unlink(missing_ok=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not _same_user(writer):
            writer.close()
            return
        client = Client(self, reader, writer)
        self._clients.add(client)
        try:
            await client.run()
        finally:
            self._clients.discard(client)
            if self._lease is client:
                self._lease = None

    def attended(self) -> bool:
        """Whether a console is attached that reads."""
        return any(client.reads for client in self._clients)

    def take_lease(self, client: Client) -> None:
        """Give the writer lease to ``client`` when nobody holds it."""
        if self._lease is None:
            self._lease = client

    def may_write(self, client: Client) -> bool:
        """True when ``client`` holds the writer lease."""
        return self._lease is client

    def lease_name(self) -> str:
        """Who holds the writer lease."""
        return self._lease.name if self._lease is not None else "nobody (this client is read-only)"


def _short(text: str) -> str:
    """``text`` cut to what fits a line of the journal and a page of the screen."""
    return text[:_MAX_REASON]


def _same_user(writer: asyncio.StreamWriter) -> bool:
    peer: socket.socket = writer.get_extra_info("socket")
    credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    uid: int = struct.unpack("3i", credentials)[1]
    return uid == os.getuid()
