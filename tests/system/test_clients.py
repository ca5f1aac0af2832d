"""The socket from outside: one writer, many readers, old versions, garbage."""

from __future__ import annotations

import os
import socket
import stat
import struct
from pathlib import Path

import msgspec
import pytest

from tests.system.rig import Client, SystemDesk
from tuiconsole.domain.rng import generator
from tuiconsole.engine.server import _same_user
from tuiconsole.protocol import frames
from tuiconsole.protocol.frames import Done, Refused, Update, Welcome

pytestmark = pytest.mark.system


def test_one_writer_and_several_readers(desk: SystemDesk) -> None:
    engine = desk.engine(5)
    with (
        Client(desk.paths.socket, "first") as first,
        Client(desk.paths.socket, "second") as second,
        Client(desk.paths.socket, "third", read_only=True) as third,
    ):
        writers = [client.welcome.writer for client in (first, second, third)]  # type: ignore[union-attr]
        assert writers == [True, False, False]
        assert first.welcome.engine_pid == engine.pid  # type: ignore[union-attr]
        for reader in (second, third):
            for request in (
                frames.Resume,
                lambda i: frames.Rearm(i, "rearm", "because"),
                lambda i: frames.SwitchAgent(i, "breakout", False),
                lambda i: frames.SetSpeed(i, 3.0),
                lambda i: frames.AcknowledgeAlerts(i, 1),
            ):
                refused = reader.ask(request)
                assert isinstance(refused, Refused)
                assert (
                    refused.text == "The writer lease is held by first: this client may only look and stop."
                )
        for client in (first, second, third):
            assert isinstance(client.ask(lambda i: frames.Subscribe(i, orders_count=3)), Done)
        assert isinstance(client.ask(frames.Status), Done)
        assert third.ask(lambda i: frames.Pause(i, "from a reader")) == Done(
            third._next, "done", {"state": "paused"}
        )
        assert isinstance(first.ask(lambda i: frames.Resume(i, "from the writer")), Done)
        assert isinstance(second.ask(lambda i: frames.Halt(i, "from another")), Done)
        killed = third.ask(lambda i: frames.Kill(i, "trip", "from a reader"))
        assert isinstance(killed, Done)
        assert (killed.body["latched"], killed.body["flat"]) == (True, True)


def test_the_lease_passes_on_when_its_holder_leaves(desk: SystemDesk) -> None:
    desk.engine(5)
    with Client(desk.paths.socket, "first") as first:
        assert isinstance(first.ask(lambda i: frames.SetSpeed(i, 4.0)), Done)
    for _ in range(200):  # the engine notices the end of the connection in its own time
        with Client(desk.paths.socket, "next") as later:
            assert isinstance(later.welcome, Welcome)
            if later.welcome.writer:
                assert isinstance(later.ask(lambda i: frames.SetSpeed(i, 5.0)), Done)
                break
    else:
        pytest.fail("the lease was never free")


def test_snapshots_come_on_change_and_are_bounded(desk: SystemDesk) -> None:
    desk.engine(20)
    with Client(desk.paths.socket) as client:
        client.send(frames.pack(frames.Subscribe(2, rate_hz=10.0, orders_count=4, alerts_count=2)))
        updates = [
            answer.snapshot for answer in (client.read() for _ in range(5)) if isinstance(answer, Update)
        ]
    assert len(updates) == 4
    assert [u.number for u in updates] == sorted({u.number for u in updates})
    assert all(len(u.orders) <= 4 for u in updates)
    assert all(len(u.alerts) <= 2 for u in updates)
    assert updates[-1].header.ts > updates[0].header.ts


def test_another_version_may_stop_and_nothing_else(desk: SystemDesk) -> None:
    desk.engine(5)
    other = frames.VERSION + 1
    with Client(desk.paths.socket, hello=False) as client:
        assert isinstance(client.ask(lambda i: frames.Hello(i, "newer", False, other)), Welcome)
        for request in (
            lambda i: frames.Subscribe(i, version=other),
            lambda i: frames.Resume(i, version=other),
            lambda i: frames.Why(i, "1", version=other),
            lambda i: frames.SetSpeed(i, 2.0, version=other),
        ):
            refused = client.ask(request)
            assert isinstance(refused, Refused)
            assert refused.text == (
                f"This engine speaks protocol {frames.VERSION}, the client {other}: restart the older of the two."
            )
        assert isinstance(client.ask(frames.Status), Done)
        assert isinstance(client.ask(frames.Pause), Done)
        assert isinstance(client.ask(frames.Halt), Done)
        assert isinstance(client.ask(lambda i: frames.Kill(i, "trip")), Done)
        assert isinstance(client.ask(frames.Shutdown), Done)


def _framed(body: bytes) -> bytes:
    return len(body).to_bytes(frames.LENGTH_BYTES, "big") + body


HOSTILE = [
    b"GET / HTTP/1.1\r\n\r\n",
    b"\x00\x00\x00\x05hello",
    b"\x00\x00\x00\x00",
    b"\xff\xff\xff\xff" + b"x" * 100,
    (5).to_bytes(4, "big") + b"\x81",
    frames.pack(frames.Halt(1))[:-3],
    _framed(msgspec.msgpack.encode({"type": "fire", "id": 1})),
    _framed(msgspec.msgpack.encode({"type": "halt", "id": "one"})),
    _framed(msgspec.msgpack.encode([1, 2, 3])),
    generator(5, "garbage").bytes(4096),
]


def test_garbage_does_not_harm_the_engine(desk: SystemDesk) -> None:
    engine = desk.engine(50)
    for garbage in HOSTILE:
        with Client(desk.paths.socket, hello=False) as client:
            client.send(garbage)
            client.socket.shutdown(socket.SHUT_WR)
            answers = list(_until_closed(client))
        assert all(isinstance(answer, Refused) for answer in answers)
        assert len(answers) <= 1
    with Client(desk.paths.socket) as client:
        for bad in (
            lambda i: frames.SetSpeed(i, -1.0),
            lambda i: frames.SetSpeed(i, float("nan")),
            lambda i: frames.SwitchAgent(i, "nobody", True),
            lambda i: frames.Why(i, "'; DROP TABLE journal; --"),
            lambda i: frames.Rearm(i, "rearm", ""),
            lambda i: frames.Rearm(i, "re-arm", "please"),
            lambda i: frames.AcknowledgeAlerts(i, 2**60),
        ):
            answer = client.ask(bad)
            assert isinstance(answer, Refused), answer
            assert answer.text.endswith(".")
        extremes = frames.Subscribe(
            9, rate_hz=float("inf"), orders_offset=-(2**40), orders_count=2**40, alerts_count=-5
        )
        client.send(frames.pack(extremes))
        assert client.read() == Done(9, "subscribed")
        snapshot = client.read()
        assert isinstance(snapshot, Update)
        assert len(snapshot.snapshot.orders) <= 500
    assert desk.status()["state"] == "running"
    engine.terminate()


def _until_closed(client: Client) -> list[frames.Answer]:
    found = []
    while True:
        try:
            found.append(client.read())
        except (EOFError, ConnectionError):
            return found


def test_a_client_that_never_reads_does_not_slow_the_engine(desk: SystemDesk) -> None:
    engine = desk.engine(0, "--every-bar")
    clients = [Client(desk.paths.socket, f"deaf {k}") for k in range(3)]
    try:
        for client in clients:
            client.send(frames.pack(frames.Subscribe(5, rate_hz=10.0, orders_count=500, alerts_count=500)))
        engine.wait_event("end of tape")
    finally:
        for client in clients:
            client.socket.close()
    engine.terminate()


def test_the_socket_is_private(desk: SystemDesk) -> None:
    desk.engine(5)
    path = desk.paths.socket
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert len(os.fsencode(path)) < 100
    for name in (desk.state, desk.paths.latch, desk.paths.lock):
        assert stat.S_IMODE(name.stat().st_mode) & 0o077 == 0, name


def test_an_old_socket_file_is_replaced_and_the_directory_checked(desk: SystemDesk) -> None:
    path = desk.paths.socket
    path.write_text("left over", encoding="utf-8")
    engine = desk.engine(5)
    with Client(path):
        pass
    engine.terminate()
    assert not path.exists()
    path.parent.chmod(0o755)
    ran = desk.run("status")
    path.parent.chmod(0o700)
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "chmod 700" in ran.err


class _Peer:
    """A connection whose other end belongs to ``uid``."""

    def __init__(self, uid: int) -> None:
        self._uid = uid

    def get_extra_info(self, name: str) -> _Peer:
        assert name == "socket"
        return self

    def getsockopt(self, level: int, option: int, size: int) -> bytes:
        assert (level, option, size) == (socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        return struct.pack("3i", 1, self._uid, 1)


def test_only_the_same_user_is_served() -> None:
    assert _same_user(_Peer(os.getuid()))  # type: ignore[arg-type]
    assert not _same_user(_Peer(os.getuid() + 1))  # type: ignore[arg-type]


def test_a_long_path_still_has_a_socket(desk: SystemDesk, tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 80) / ("e" * 80)
    deep.mkdir(parents=True)
    engine = desk.engine(5, state=deep / "state.db")
    engine.terminate()
