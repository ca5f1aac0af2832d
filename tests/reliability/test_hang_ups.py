"""Pulled terminals and crashed consoles, one after the other: the engine trades on and is there for the next one at once."""

from __future__ import annotations

import signal
import socket
import struct
import time

import pytest

from tests.engine import rig as core
from tests.system import rig
from tests.system.rig import Client, SystemDesk
from tuiconsole.domain.clock import iso
from tuiconsole.protocol import frames

pytestmark = pytest.mark.system
HANG_UPS = 100
REATTACH_S = 1.0


def attached_as_writer(desk: SystemDesk) -> Client:
    """A client that may change things: the engine has noticed that the one before is gone."""
    while not (client := Client(desk.paths.socket)).welcome.writer:
        client.socket.close()
    return client


def test_a_hundred_hang_ups(desk: SystemDesk) -> None:
    engine = desk.engine(60, "--every-bar")
    rows, waits = 0, []
    for count in range(HANG_UPS):
        began = time.monotonic()
        client = attached_as_writer(desk)
        waits.append(time.monotonic() - began)
        assert client.welcome.engine_pid == engine.pid
        client.send(frames.pack(frames.Subscribe(2)))
        while not isinstance(update := client.read(), frames.Update):
            pass
        assert update.snapshot.journal_rows >= rows
        rows = update.snapshot.journal_rows
        match count % 4:
            case 0:  # the machine at the other end vanishes
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            case 1:  # in the middle of a frame
                client.send(frames.pack(frames.Status(3))[:5])
            case 2:  # with questions that nobody waits for
                client.send(b"".join(frames.pack(frames.Status(i)) for i in range(10, 20)))
            case _:
                engine.signal(signal.SIGHUP)
        client.socket.close()
    assert sorted(waits)[-5] <= REATTACH_S, "the machine of a test may stall now and then"
    assert engine.process.poll() is None
    engine.wait_for(rig.bars_seen(20))
    stopped = engine.terminate()
    verified = desk.verified()
    assert (verified["rows"], verified["replayed"]) == (stopped["rows"], stopped["rows"])
    seen = [line["clock"] for line in engine.events("bar")]
    assert seen == sorted(set(seen)), "no bar twice"
    assert seen == [iso(ts) for ts in desk.tape.ts[core.WARMUP :].tolist()][: len(seen)], "no bar missed"
