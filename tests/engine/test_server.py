"""The socket in one process: stops overtake, pictures show what is durable, and the engine stays within reach."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.engine import rig
from tuiconsole.domain.accounts import AccountView
from tuiconsole.domain.clock import WallClock
from tuiconsole.domain.codec import decode_record
from tuiconsole.domain.errors import EngineError
from tuiconsole.domain.events import DeskLevel
from tuiconsole.domain.records import LevelChanged
from tuiconsole.engine import server as server_module
from tuiconsole.engine.build import Plan
from tuiconsole.engine.paths import DeskPaths
from tuiconsole.engine.server import Server
from tuiconsole.engine.service import EngineService
from tuiconsole.protocol import frames
from tuiconsole.protocol.frames import Done, Goodbye, Refused, Update
from tuiconsole.risk.latch import Latch
from tuiconsole.store.readers import journal_rows
from tuiconsole.store.writer import Writer


class Served:
    """A service on a store, listening on a socket; bars come when a test says so."""

    def __init__(self, chosen: Plan, home: Path) -> None:
        self.session, store = rig.on_disk(chosen, home / "state.db")
        self.paths = DeskPaths.of(home / "state.db")
        self.latch = Latch(self.paths.latch)
        self.latch.create()
        self.writer = Writer(store)
        self.service = EngineService(
            session=self.session,
            sink=self.writer,
            latch=self.latch,
            clock=WallClock(),
            paths=self.paths,
            mode="replay",
            feed="TEST-6",
            desk_id=chosen.opened.desk,
            speed=0,
            checkpoint_bars=10,
            stall_ms=60_000,
            slow_cycle_ms=60_000,
        )
        self.session.sink = self.writer
        self.session.on_level = self.service.on_level
        self.server = Server(self.service, self.paths.socket)
        self.peers: list[Peer] = []

    async def close(self) -> None:
        for peer in self.peers:
            await peer.leave()
        await self.server.stop("the test is over")
        await self.service._close()
        self.writer.close()


class Peer:
    """A client that sends frames and reads answers by id."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.others: list[Any] = []

    @classmethod
    async def on(cls, served: Served) -> Peer:
        peer = cls(*await asyncio.open_unix_connection(str(served.paths.own_socket)))
        served.peers.append(peer)
        peer.send(frames.Hello(1, "test"))
        await peer.answer(1)
        return peer

    def send(self, request: frames.Request) -> None:
        self._writer.write(frames.pack(request))

    @property
    def unread(self) -> bytes:
        """What has arrived and was not read."""
        return bytes(self._reader._buffer)  # type: ignore[attr-defined]

    async def read(self) -> Any:
        body = await asyncio.wait_for(frames.read_frame(self._reader), 20)
        return None if body is None else frames.unpack_answer(body)

    async def answer(self, number: int) -> Any:
        while True:
            found = await self.read()
            if found is None or getattr(found, "id", None) == number:
                return found
            self.others.append(found)

    async def leave(self) -> None:
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()


async def until(true: Callable[[], bool]) -> None:
    """Give the other tasks turns until ``true``; a guard ends a test that hangs."""
    for _ in range(100_000):
        if true():
            return
        await asyncio.sleep(0)
    pytest.fail("it never came true")


@pytest.fixture(scope="module")
def chosen() -> Plan:
    return rig.planned(rig.market())


@pytest_asyncio.fixture
async def served(chosen: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    with tempfile.TemporaryDirectory(prefix="tc-") as runtime:
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        made = Served(chosen, tmp_path)
        await made.server.start()
        yield made
        await made.close()


async def test_a_stop_overtakes_what_the_same_client_asked_before(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = asyncio.Event()

    async def slow(order: str) -> dict[str, Any]:
        await never.wait()
        return {"order": order}

    monkeypatch.setattr(served.service, "why", slow)
    monkeypatch.setattr(server_module, "explain_text", str)
    peer = await Peer.on(served)
    peer.send(frames.Why(2, "1"))
    peer.send(frames.SwitchAgent(3, "breakout", False))
    peer.send(frames.Kill(4, "trip", "now"))
    assert isinstance(await peer.answer(4), Done)
    assert peer.others == [], "the others wait their turn"
    assert served.session.desk.level == DeskLevel.KILLED
    never.set()
    assert isinstance(await peer.answer(2), Done)
    assert isinstance(await peer.answer(3), Done)


async def test_what_a_client_asked_before_it_left_is_carried_out(served: Served) -> None:
    peer = await Peer.on(served)
    peer.send(frames.SwitchAgent(2, "breakout", False))
    peer.send(frames.Halt(3, "leaving"))
    await peer.leave()
    desk = served.session.desk
    await until(lambda: desk.level == DeskLevel.HALTED and bool(desk.disabled))
    assert served.session.desk.disabled == {"breakout"}


async def test_pictures_and_status_hold_nothing_that_is_not_durable(served: Served) -> None:
    peer = await Peer.on(served)
    for _ in range(12):
        await served.service.play()
    durable = served.writer.durable_rows
    async with served.service.between_steps():
        peer.send(frames.Status(2))
        peer.send(frames.Subscribe(3))
        step = served.session.bar()
        next(step)  # half a bar: written down, not yet durable
        for _ in range(100):
            await asyncio.sleep(0)
        assert peer.unread == b""
        assert served.service.journal_rows > durable
        for _ in step:
            served.writer.commit()
        served.writer.commit()
    status = await peer.answer(2)
    assert status.body["journal_rows"] == served.writer.durable_rows
    await peer.answer(3)
    picture = await peer.read()
    assert isinstance(picture, Update)
    assert picture.snapshot.journal_rows == served.writer.durable_rows


async def test_long_words_are_cut(served: Served) -> None:
    peer = await Peer.on(served)
    peer.send(frames.Halt(2, "x" * 1_000_000))
    assert isinstance(await peer.answer(2), Done)
    assert len(served.session.desk.level_text) <= 400
    peer.send(frames.Subscribe(3, rate_hz=float("nan"), orders_offset=-5, orders_count=-1, alerts_count=-1))
    assert isinstance(await peer.answer(3), Done)
    assert isinstance(await peer.read(), Update)


async def test_a_fault_in_an_answer_is_told_and_the_next_request_served(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = await Peer.on(served)
    monkeypatch.setattr(served.service, "status", lambda: 1 / 0)
    peer.send(frames.Status(2))
    refused = await peer.answer(2)
    assert isinstance(refused, Refused)
    assert "ZeroDivisionError" in refused.text
    peer.send(frames.Pause(3))
    assert isinstance(await peer.answer(3), Done)


async def test_a_picture_that_cannot_be_made_is_no_silence(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = await Peer.on(served)
    monkeypatch.setattr(served.service, "snapshot", lambda *_: 1 / 0)
    peer.send(frames.Subscribe(2))
    found = [await peer.read(), await peer.read()]
    assert any(isinstance(answer, Goodbye) and "ZeroDivisionError" in answer.text for answer in found)
    assert await peer.read() is None


async def test_the_socket_comes_back_when_its_directory_was_swept(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "_SOCKET_CHECK_S", 0.001)
    keeping = asyncio.create_task(served.server.keep())
    first = await Peer.on(served)
    shutil.rmtree(served.paths.own_socket.parent)
    await until(served.paths.own_socket.exists)
    second = await Peer.on(served)
    second.send(frames.Status(2))
    assert isinstance(await second.answer(2), Done)
    first.send(frames.Pause(2))
    assert isinstance(await first.answer(2), Done), "who was connected stays so"
    assert served.paths.own_socket.parent.stat().st_mode & 0o777 == 0o700
    keeping.cancel()


async def test_a_place_that_cannot_be_listened_on_is_one_sentence(served: Served, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="cannot listen"):
        await Server(served.service, tmp_path / ("s" * 120)).start()


async def test_half_a_step_is_never_kept(
    served: Served, chosen: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(15):
        await served.service.play()
    decide, calls = served.session.desk.policy.decide, 0

    def broken(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        return 1 / 0 if calls == 3 else decide(*arguments)

    monkeypatch.setattr(served.session.desk.policy, "decide", broken)
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(served.service.run(), 20)
    assert served.session.desk.level == DeskLevel.HALTED
    peer = await Peer.on(served)
    peer.send(frames.Kill(2, "trip"))
    assert isinstance(await peer.answer(2), Refused), "a verb then kills directly"
    await served.server.stop("end")
    served.writer.close()
    monkeypatch.undo()
    again, store = rig.on_disk(rig.planned(rig.market()), served.paths.state)
    rig.drive(again, store, chosen.start + 40)
    assert store.head == _head_after(40)
    store.close()


def _head_after(bars: int) -> bytes:
    chosen = rig.planned(rig.market())
    session, sink = rig.in_memory(chosen)
    while session.cursor < chosen.start + bars:
        for _ in session.bar():
            pass
    return sink.head


async def test_each_client_hears_of_its_own_command(served: Served) -> None:
    """Answers are those of the moment after the command, whatever others ask in between."""
    first, second = await Peer.on(served), await Peer.on(served)
    for _ in range(15):
        await served.service.play()
    for peer in (first, second):
        peer.send(frames.Kill(2, "trip", "now"))
        peer.send(frames.Rearm(3, "rearm", "again"))
        peer.send(frames.Resume(4))
    killed = [await first.answer(2), await second.answer(2)]
    assert [answer.body["latched"] for answer in killed] == [True, True]
    assert [answer.body["flat"] for answer in killed] == [True, True]


async def test_a_breaker_is_latched_only_once_its_row_is_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash before that must find the bar as it was, not a desk that was halted before it."""
    chosen = rig.planned(rig.market(crash_at=rig.WARMUP + 20))
    with tempfile.TemporaryDirectory(prefix="tc-") as runtime:
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        made = Served(chosen, tmp_path)
        written: list[tuple[DeskLevel, int]] = []
        write = made.latch.write

        def watched(level: DeskLevel, trip: str, reason: str) -> None:
            written.append((level, made.writer.durable_rows))
            write(level, trip, reason)

        monkeypatch.setattr(made.latch, "write", watched)
        for _ in range(30):
            await made.service.play()
        assert made.session.desk.level == DeskLevel.HALTED
        assert made.latch.read().level == DeskLevel.HALTED
        changes = {
            row: record.level
            for row, payload in journal_rows(made.paths.state)
            if isinstance(record := decode_record(payload), LevelChanged)
        }
        assert len(written) == len(changes)
        for (level, durable), (row, journalled) in zip(written, changes.items(), strict=True):
            assert level == journalled
            assert durable >= row
        await made.close()


async def test_a_client_sees_what_differs_and_settles_it(served: Served) -> None:
    for _ in range(3):
        await served.service.play()
    peer = await Peer.on(served)
    venue, honest = served.session.venue, served.session.venue.account
    peer.send(frames.Reconcile(2))
    assert (await peer.answer(2)).body == {"agrees": True, "state": "running", "differences": []}

    def other() -> AccountView:
        told = honest()
        return AccountView(told.positions + 5, told.orders)

    venue.account = other  # type: ignore[method-assign]
    peer.send(frames.Reconcile(3))
    body = (await peer.answer(3)).body
    assert (body["agrees"], body["state"], len(body["differences"])) == (False, "paused", 6)
    assert body["differences"][0]["kind"] == "position"
    peer.send(frames.Resume(4))
    assert "differs from the desk" in (await peer.answer(4)).text
    peer.send(frames.Reconcile(5, "adopt"))
    assert "needs a reason" in (await peer.answer(5)).text
    peer.send(frames.Reconcile(6, "adopt", "theirs is right"))
    assert (await peer.answer(6)).body == {"agrees": True, "state": "running", "differences": []}
    assert served.session.desk.ledger.quantity.tolist() == other().positions.tolist()
