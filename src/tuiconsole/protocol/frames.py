"""Requests and answers, and how they are framed on the socket.

``Hello``, ``Status``, ``Pause``, ``Halt``, ``Kill`` and ``Shutdown`` never change across versions, so that any console can
stop any engine. Every other request carries ``version``; the engine refuses a mismatch with a sentence.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from tuiconsole.domain.errors import ProtocolError
from tuiconsole.protocol.snapshot import Snapshot

VERSION = 1
MAX_FRAME_BYTES = 4_000_000
LENGTH_BYTES = 4


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """First frame of a client. ``read_only`` clients may still pause, halt and kill: safety needs no lease."""

    id: int
    client: str
    read_only: bool = False
    version: int = VERSION


class Status(msgspec.Struct, frozen=True, tag="status"):
    """Asks for the stable status object of the ``status`` verb."""

    id: int


class Pause(msgspec.Struct, frozen=True, tag="pause"):
    """No new risk."""

    id: int
    reason: str = ""


class Halt(msgspec.Struct, frozen=True, tag="halt"):
    """No new risk, working orders cancelled."""

    id: int
    reason: str = ""


class Kill(msgspec.Struct, frozen=True, tag="kill"):
    """Cancel everything and flatten. ``kill_id`` names the trip, so that two killers flatten once."""

    id: int
    kill_id: str
    reason: str = ""


class Shutdown(msgspec.Struct, frozen=True, tag="stop"):
    """Stop the engine process gracefully; positions stay."""

    id: int
    reason: str = ""


class Rearm(msgspec.Struct, frozen=True, tag="rearm"):
    """Halted or Killed to Paused. ``word`` must be ``rearm``; ``reason`` is journalled and must not be empty."""

    id: int
    word: str
    reason: str
    version: int = VERSION


class Resume(msgspec.Struct, frozen=True, tag="resume"):
    """Paused to Running."""

    id: int
    reason: str = ""
    version: int = VERSION


class SwitchAgent(msgspec.Struct, frozen=True, tag="agent"):
    """Switch an agent on or off."""

    id: int
    agent: str
    enabled: bool
    version: int = VERSION


class AcknowledgeAlerts(msgspec.Struct, frozen=True, tag="acknowledge"):
    """Mark every alert up to ``up_to`` (its number) as seen."""

    id: int
    up_to: int
    version: int = VERSION


class Why(msgspec.Struct, frozen=True, tag="why"):
    """Asks for the chain behind an order (its id or number)."""

    id: int
    order: str
    version: int = VERSION


class Reconcile(msgspec.Struct, frozen=True, tag="reconcile"):
    """Asks how the broker's account differs. ``action`` ``adopt`` or ``ignore`` settles it, for the ``reason`` given."""

    id: int
    action: str = ""
    reason: str = ""
    version: int = VERSION


class ChangeOrder(msgspec.Struct, frozen=True, tag="order"):
    """Cancel a working order, or change it: ``change`` is empty, or e.g. ``quantity=50 limit=97.5``."""

    id: int
    order: str
    change: str = ""
    reason: str = ""
    version: int = VERSION


class CopyStore(msgspec.Struct, frozen=True, tag="copy"):
    """Asks for a copy of the store, as a new file at ``path``, while the desk trades on."""

    id: int
    path: str
    version: int = VERSION


class ArchiveRows(msgspec.Struct, frozen=True, tag="archive"):
    """Asks the engine to move journal rows written before ``older_than_ns`` (wall time, ns UTC) to the archive."""

    id: int
    older_than_ns: int
    version: int = VERSION


class Subscribe(msgspec.Struct, frozen=True, tag="subscribe"):
    """Asks for snapshots, at most ``rate_hz`` a second and only when something changed.

    ``orders_offset``/``orders_count`` and ``alerts_count`` say which page to send; a second ``Subscribe`` replaces the
    first.
    """

    id: int
    rate_hz: float = 10.0
    orders_offset: int = 0
    orders_count: int = 60
    alerts_count: int = 60
    version: int = VERSION


class SetSpeed(msgspec.Struct, frozen=True, tag="speed"):
    """Replay only: bars per second; 0 = as fast as possible."""

    id: int
    bars_per_second: float
    version: int = VERSION


Request = (
    Hello
    | Status
    | Pause
    | Halt
    | Kill
    | Shutdown
    | Rearm
    | Resume
    | SwitchAgent
    | AcknowledgeAlerts
    | Why
    | CopyStore
    | ArchiveRows
    | Reconcile
    | ChangeOrder
    | Subscribe
    | SetSpeed
)


class Welcome(msgspec.Struct, frozen=True, tag="welcome"):
    """Answer to ``Hello``. ``writer`` tells whether this client holds the writer lease."""

    id: int
    version: int
    engine_version: str
    engine_pid: int
    mode: str
    state: str
    writer: bool


class Done(msgspec.Struct, frozen=True, tag="done"):
    """The engine did it. ``body`` holds the verb's stable keys (status, why, kill …)."""

    id: int
    text: str
    body: dict[str, Any] = {}


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The engine did not do it; ``text`` is one sentence for the trader."""

    id: int
    text: str


class Update(msgspec.Struct, frozen=True, tag="snapshot"):
    """A snapshot for a subscriber."""

    snapshot: Snapshot


class Goodbye(msgspec.Struct, frozen=True, tag="goodbye"):
    """The engine is leaving; ``text`` says why."""

    text: str


Answer = Welcome | Done | Refused | Update | Goodbye

_encoder = msgspec.msgpack.Encoder()
_requests: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)
_answers: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


def pack(message: Request | Answer) -> bytes:
    """One framed message: length and MessagePack body."""
    body = _encoder.encode(message)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def unpack_request(body: bytes) -> Request:
    """The request in a frame's body; :class:`ProtocolError` when it is none of ours."""
    try:
        return _requests.decode(body)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ProtocolError(f"The request is not understood: {error}.") from None


def unpack_answer(body: bytes) -> Answer:
    """The answer in a frame's body; :class:`ProtocolError` when it is none of ours."""
    try:
        return _answers.decode(body)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ProtocolError(
            f"The engine's answer is not understood: {error}.", "Console and engine may differ in version."
        ) from None


async def read_frame(reader: asyncio.StreamReader) -> bytes | None:
    """The next frame's body, or None at the end of the stream.

    Raises :class:`ProtocolError` when a frame claims more than :data:`MAX_FRAME_BYTES`.
    """
    try:
        head = await reader.readexactly(LENGTH_BYTES)
        length = int.from_bytes(head, "big")
        if length > MAX_FRAME_BYTES:
            raise ProtocolError(f"A frame of {length} bytes is larger than the {MAX_FRAME_BYTES} allowed.")
        return await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
