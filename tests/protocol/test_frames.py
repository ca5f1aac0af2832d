"""Frames on the socket: round trips, hostile bytes, and the safety frames that never change."""

from __future__ import annotations

import asyncio
import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiconsole.domain.errors import ProtocolError
from tuiconsole.protocol import frames


@pytest.mark.parametrize(
    "message",
    [
        frames.Hello(1, "console"),
        frames.Status(2),
        frames.Pause(3, "why"),
        frames.Halt(4),
        frames.Kill(5, "trip", "why"),
        frames.Shutdown(6),
        frames.Rearm(7, "rearm", "because"),
        frames.Resume(8),
        frames.SwitchAgent(9, "breakout", False),
        frames.AcknowledgeAlerts(10, 4),
        frames.Why(11, "17"),
        frames.Subscribe(12),
        frames.SetSpeed(13, 5.0),
    ],
)
def test_requests_round_trip(message: frames.Request) -> None:
    assert frames.unpack_request(frames.pack(message)[frames.LENGTH_BYTES :]) == message


def test_safety_frames_have_the_bytes_they_always_had() -> None:
    """A console of any version must be able to stop an engine of any version: these bytes are frozen."""
    assert msgspec.msgpack.decode(frames.pack(frames.Pause(1, "r"))[4:]) == {
        "type": "pause",
        "id": 1,
        "reason": "r",
    }
    assert msgspec.msgpack.decode(frames.pack(frames.Halt(1, "r"))[4:]) == {
        "type": "halt",
        "id": 1,
        "reason": "r",
    }
    kill = {"type": "kill", "id": 1, "kill_id": "t", "reason": "r"}
    assert msgspec.msgpack.decode(frames.pack(frames.Kill(1, "t", "r"))[4:]) == kill
    assert msgspec.msgpack.decode(frames.pack(frames.Shutdown(1, "r"))[4:]) == {
        "type": "stop",
        "id": 1,
        "reason": "r",
    }
    assert msgspec.msgpack.decode(frames.pack(frames.Status(1))[4:]) == {"type": "status", "id": 1}


@given(st.binary(max_size=200))
def test_hostile_bytes_are_a_sentence_never_a_crash(data: bytes) -> None:
    for unpack in (frames.unpack_request, frames.unpack_answer):
        with contextlib.suppress(ProtocolError):
            unpack(data)


def read(data: bytes) -> bytes | None:
    async def go() -> bytes | None:
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        return await frames.read_frame(reader)

    return asyncio.run(go())


def test_read_frame_gives_body_then_none() -> None:
    packed = frames.pack(frames.Status(2))
    assert read(packed) == packed[4:]
    assert read(packed[:-1]) is None
    assert read(b"") is None


def test_oversized_frames_are_refused() -> None:
    with pytest.raises(ProtocolError, match="larger than"):
        read((frames.MAX_FRAME_BYTES + 1).to_bytes(4, "big"))
