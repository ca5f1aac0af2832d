"""An engine for tests: speaks the real protocol over a real socket, serves frozen snapshots, remembers what it was asked.

``python -m tests.ui.fake_engine SOCKET [--rate HZ]`` (from the repository's root) serves until it is terminated.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from pathlib import Path
from typing import Any

import msgspec

from tuiconsole.protocol import frames as f
from tuiconsole.protocol.snapshot import Snapshot

from .chain import CHAIN, TEXT
from .frozen import frozen, moved, orders


class FakeEngine:
    """Answers every request; ``answers`` off makes it silent, as a hung engine would be."""

    def __init__(
        self, path: Path, snapshot: Snapshot | None = None, *, writer: bool = True, rate_hz: float = 0
    ) -> None:
        self.path = path
        self.snapshot = snapshot or frozen()
        self.requests: list[Any] = []
        self.writer_lease = writer
        self.answers = True
        self.kill_fails = ""
        self.rate_hz = rate_hz
        self.note: Path | None = None
        self.base = self.snapshot
        self._streams: set[asyncio.StreamWriter] = set()
        self._subscribed: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self.path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, str(self.path))
        self._task = asyncio.create_task(self._beat())

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
        if self._server:
            self._server.close()
        for stream in list(self._streams):
            stream.close()
        self.path.unlink(missing_ok=True)

    async def __aenter__(self) -> FakeEngine:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def asked(self, kind: type) -> list[Any]:
        return [request for request in self.requests if isinstance(request, kind)]

    def publish(self, snapshot: Snapshot) -> None:
        self.snapshot = msgspec.structs.replace(snapshot, number=self.snapshot.number + 1)
        for stream in list(self._subscribed):
            stream.write(f.pack(f.Update(snapshot=self.snapshot)))

    def change_header(self, **fields: Any) -> None:
        self.base = msgspec.structs.replace(
            self.base, header=msgspec.structs.replace(self.base.header, **fields)
        )
        self.publish(
            msgspec.structs.replace(
                self.snapshot, header=msgspec.structs.replace(self.snapshot.header, **fields)
            )
        )

    async def _beat(self) -> None:
        number = 0
        while True:
            await asyncio.sleep(1 / self.rate_hz if self.rate_hz else 0.5)
            number += 1
            if self.answers:
                self.publish(moved(self.base, number) if self.rate_hz else self.snapshot)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._streams.add(writer)
        with contextlib.suppress(asyncio.CancelledError):
            await self._converse(reader, writer)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (body := await f.read_frame(reader)) is not None:
                request = f.unpack_request(body)
                self.requests.append(request)
                if self.note is not None:
                    with self.note.open("a") as out:
                        out.write(type(request).__name__ + "\n")
                if self.answers:
                    self._answer(request, writer)
        finally:
            self._streams.discard(writer)
            self._subscribed.discard(writer)
            with contextlib.suppress(OSError):
                writer.close()

    def _answer(self, request: Any, writer: asyncio.StreamWriter) -> None:
        answer: Any = f.Done(id=request.id, text="done")
        match request:
            case f.Hello():
                lease = self.writer_lease and not request.read_only
                answer = f.Welcome(request.id, f.VERSION, "0.1", 4242, "replay", "running", lease)
            case f.Subscribe():
                self._subscribed.add(writer)
                page = orders(request.orders_offset, request.orders_count)
                self.publish(msgspec.structs.replace(self.snapshot, orders=page))
            case f.Halt():
                self.change_header(
                    level="halted", level_text="stop key", way_on="Press R to re-arm, then r to resume."
                )
                answer = f.Done(id=request.id, text="2 working orders cancelled")
            case f.Kill():
                self.change_header(
                    level="killed", level_text="stop key pressed twice", way_on="Press R to re-arm."
                )
                answer = f.Done(id=request.id, text="flat, verified", body={"flat": True})
                if self.kill_fails == "refused":
                    answer = f.Refused(request.id, "The desk is halted: the store failed.")
                elif self.kill_fails:
                    answer = f.Done(id=request.id, text="killed", body={"flat": False, "remaining": ["KO"]})
            case f.Pause():
                self.change_header(level="paused", level_text="pause key", way_on="Press r to resume.")
            case f.Resume():
                self.change_header(level="running", level_text="", way_on="")
            case f.Rearm():
                self.change_header(level="paused", level_text="re-armed", way_on="Press r to resume.")
            case f.SwitchAgent():
                agents = tuple(
                    msgspec.structs.replace(a, enabled=request.enabled) if a.name == request.agent else a
                    for a in self.snapshot.agents
                )
                self.base = msgspec.structs.replace(self.base, agents=agents)
                self.publish(msgspec.structs.replace(self.snapshot, agents=agents))
                answer = f.Done(id=request.id, text=f"{request.agent} {'on' if request.enabled else 'off'}")
            case f.Why():
                answer = f.Done(id=request.id, text=TEXT, body=CHAIN)
                if request.order == "nonsense":
                    answer = f.Refused(request.id, "'nonsense' is not an order id.")
            case f.SetSpeed():
                self.change_header(speed=request.bars_per_second)
        writer.write(f.pack(answer))


async def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("socket", type=Path)
    parser.add_argument("--rate", type=float, default=0)
    options = parser.parse_args()
    engine = FakeEngine(options.socket, rate_hz=options.rate)
    engine.note = options.socket.with_suffix(".asked")  # names of the requests, for tests in other processes
    async with engine:
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main())
