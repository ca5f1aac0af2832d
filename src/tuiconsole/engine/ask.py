"""Asks a running engine one thing over its socket and waits for the answer; what the verbs use."""

from __future__ import annotations

import socket
from pathlib import Path

from tuiconsole.domain.errors import EngineError
from tuiconsole.protocol.frames import (
    LENGTH_BYTES,
    MAX_FRAME_BYTES,
    Answer,
    Goodbye,
    Hello,
    Refused,
    Request,
    Update,
    Welcome,
    pack,
    unpack_answer,
)

HELLO_ID = 1
REQUEST_ID = 2


class NoAnswer(EngineError):
    """The engine is not there, or did not answer in time."""


class Refusal(EngineError):
    """The engine answered, and the answer is no."""


def ask(path: Path, request: Request, timeout_s: float, read_only: bool = False) -> Answer:
    """Send ``request`` (its id must be :data:`REQUEST_ID`) and return the engine's answer.

    Raises
    ------
    NoAnswer
        Nobody listens, or no answer within ``timeout_s``.
    Refusal
        The engine refused; the sentence is its own.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        try:
            connection.connect(str(path))
            connection.sendall(pack(Hello(HELLO_ID, "verb", read_only)))
            connection.sendall(pack(request))
            return _await_answer(connection)
        except (ConnectionRefusedError, FileNotFoundError):
            raise NoAnswer(
                "No engine answers on this state file.", "Start one with: tuiconsole headless"
            ) from None
        except TimeoutError:
            raise NoAnswer(f"The engine did not answer within {timeout_s:g} s.") from None
        except (ConnectionError, EOFError):
            raise NoAnswer("The engine closed the connection without an answer.") from None
        except OSError as error:
            raise NoAnswer(f"The engine's socket {path} cannot be used: {error.strerror or error}.") from None


def _await_answer(connection: socket.socket) -> Answer:
    while True:
        answer = unpack_answer(_read_frame(connection))
        if isinstance(answer, Refused):
            raise Refusal(answer.text)
        if isinstance(answer, Goodbye):
            raise NoAnswer(answer.text)
        if not isinstance(answer, Welcome | Update) and answer.id == REQUEST_ID:
            return answer


def _read_frame(connection: socket.socket) -> bytes:
    length = int.from_bytes(_read_exactly(connection, LENGTH_BYTES), "big")
    if length > MAX_FRAME_BYTES:
        raise NoAnswer(f"The engine sent a frame of {length} bytes, more than is allowed.")
    return _read_exactly(connection, length)


def _read_exactly(connection: socket.socket, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        chunk = connection.recv(min(65536, count - len(parts)))
        if not chunk:
            raise EOFError
        parts += chunk
    return bytes(parts)
