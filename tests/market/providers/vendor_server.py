"""A vendor on loopback: answers what a test tells it to, remembers what it was asked, and can misbehave."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

SAMPLES = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "api_samples"


@dataclass(frozen=True)
class Asked:
    """One request as it came in."""

    path: str
    params: dict[str, str]
    headers: dict[str, str]


@dataclass(frozen=True)
class Reply:
    """What the vendor says: a status, a body, and whether the connection breaks or hangs on the way."""

    body: object = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = 0
    hangs: bool = False

    def raw(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class Vendor:
    """The server; ``answer`` may be replaced at any time."""

    def __init__(self, answer: Callable[[Asked], Reply]) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        self.released = threading.Event()
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                where = urlsplit(self.path)
                params = {k: v[-1] for k, v in parse_qs(where.query, keep_blank_values=True).items()}
                asked = Asked(where.path, params, {k.lower(): v for k, v in self.headers.items()})
                vendor.asked.append(asked)
                vendor.write(self, vendor.answer(asked))

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def write(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        if reply.hangs:
            self.released.wait(30)
            handler.close_connection = True
            return
        body = reply.raw()
        handler.send_response(reply.status)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[: reply.cut] if reply.cut else body)
        if reply.cut:
            handler.close_connection = True

    def asked_for(self, part: str) -> list[Asked]:
        """The requests whose path holds ``part``."""
        return [one for one in self.asked if part in one.path]

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


def capture(vendor: str, name: str) -> Any:
    """A recorded answer beside the repository, or a skipped test."""
    path = SAMPLES / vendor / name
    if not path.is_file():
        pytest.skip(f"the captured answer {vendor}/{name} is not beside the repository")
    if name.endswith(".jsonl"):
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return json.loads(path.read_text(encoding="utf-8"))
