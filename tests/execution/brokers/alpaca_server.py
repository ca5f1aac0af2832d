"""A local server that speaks Alpaca's documented protocol: trading API v2 and its stream of trade updates.

Orders rest until :meth:`AlpacaServer.trade` fills them, so tests say when the market moves. By hand, with a desk on it:

    python -m tests.execution.brokers.alpaca_server --port 8765 --stream-port 8766
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY, SECRET = "PKLOCAL", "local-secret"
_QUIET = logging.getLogger("tests.alpaca server")
"""It never writes down what clients say: tests look for their keys in the log."""
_QUIET.setLevel(logging.WARNING)
OPEN = ("new", "accepted", "partially_filled", "held", "pending_new")
_ENDED = ("filled", "canceled", "expired", "rejected", "replaced")


@dataclass
class Faults:
    """What the server does wrong, changed while it runs."""

    refuse: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    """Method -> status and body, for as long as it stands here."""
    once: list[tuple[str, int, dict[str, Any]]] = field(default_factory=list)
    """Method, status and body of the next answers to that method, each used once."""
    after: str = ""
    """Do what was asked, then answer this method with 500."""
    hang: set[str] = field(default_factory=set)
    """Methods that are not answered before :attr:`go_on` is set."""
    go_on: threading.Event = field(default_factory=threading.Event)
    silent_stream: bool = False
    """Updates are not sent."""
    twice: bool = False
    """Updates are sent twice."""


class AlpacaServer:
    """One account; ``price`` is what everything costs."""

    def __init__(self, port: int = 0, stream_port: int = 0) -> None:
        self.faults = Faults()
        self.price = Decimal("100")
        self.orders: dict[str, dict[str, Any]] = {}
        self.activities: list[dict[str, Any]] = []
        self.held: dict[str, Decimal] = {}
        self.account = {
            "id": str(uuid.uuid4()),
            "account_number": "PA012345",
            "status": "ACTIVE",
            "currency": "USD",
            "cash": "100000",
            "equity": "100000",
            "trading_blocked": False,
            "account_blocked": False,
            "trade_suspended_by_user": False,
        }
        self.asked: list[tuple[str, str, Any]] = []
        self.lock = threading.RLock()
        self._listeners: set[Any] = set()
        self.listening = threading.Event()
        server = self

        def answer(request: BaseHTTPRequestHandler) -> None:
            server._answer(request)

        def quiet(request: BaseHTTPRequestHandler, form: str, *arguments: Any) -> None:
            """No line for each request."""

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            log_message = quiet

        for method in ("GET", "POST", "PATCH", "DELETE"):
            setattr(Handler, f"do_{method}", answer)

        self._http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._http.daemon_threads = True
        self._http.handle_error = lambda *_: None  # type: ignore[method-assign] - a client was killed
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        self._loop = asyncio.new_event_loop()
        self._stream: Any = None
        self._stream_port = stream_port
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def stream_url(self) -> str:
        return f"ws://127.0.0.1:{self._stream_port}/stream"

    def close(self) -> None:
        self.faults.go_on.set()
        self.hang_up()
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._http.shutdown()
        self._http.server_close()

    def calls(self, method: str, path: str = "/v2/orders") -> list[Any]:
        return [body for verb, where, body in list(self.asked) if verb == method and where.startswith(path)]

    async def _end(self) -> None:
        self._stream.close()
        await self._stream.wait_closed()

    # ---- the stream -----------------------------------------------------------------------------------------

    def _run(self, ready: threading.Event) -> None:
        from websockets.asyncio.server import serve

        asyncio.set_event_loop(self._loop)

        async def begin() -> None:
            self._stream = await serve(self._talk, "127.0.0.1", self._stream_port, logger=_QUIET)
            self._stream_port = next(iter(self._stream.sockets)).getsockname()[1]
            ready.set()

        self._loop.run_until_complete(begin())
        self._loop.run_forever()

    async def _talk(self, connection: Any) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            said = json.loads(await connection.recv())["data"]
            known = (said["key_id"], said["secret_key"]) == (KEY, SECRET)
            status = "authorized" if known else "unauthorized"
            told = {"stream": "authorization", "data": {"status": status, "action": "authenticate"}}
            await connection.send(json.dumps(told).encode())
            if not known:
                return
            streams = json.loads(await connection.recv())["data"]["streams"]
            self._listeners.add(connection)
            await connection.send(json.dumps({"stream": "listening", "data": {"streams": streams}}).encode())
            self.listening.set()
            await connection.wait_closed()
        except ConnectionClosed:
            pass
        finally:
            self._listeners.discard(connection)

    def hang_up(self) -> None:
        """End every connection of the stream."""

        async def close() -> None:
            for connection in list(self._listeners):
                connection.transport.abort()
            self._listeners.clear()

        self.listening.clear()
        asyncio.run_coroutine_threadsafe(close(), self._loop).result(5)

    def say(self, raw: bytes) -> None:
        """Send raw bytes to everyone who listens."""

        async def send() -> None:
            for connection in list(self._listeners):
                await connection.send(raw)

        asyncio.run_coroutine_threadsafe(send(), self._loop).result(5)

    def tell(self, event: str, order: dict[str, Any], **more: Any) -> dict[str, Any]:
        """One update, as it was sent."""
        data = {"event": event, "order": dict(order), "timestamp": _now(), **more}
        if not self.faults.silent_stream:
            for _ in range(2 if self.faults.twice else 1):
                self.say(json.dumps({"stream": "trade_updates", "data": data}).encode())
        return data

    # ---- the market -----------------------------------------------------------------------------------------

    def trade(self, part: Decimal | None = None, price: Decimal | None = None) -> int:
        """Fill what is open, wholly or ``part`` of each; how many executions."""
        made = 0
        with self.lock:
            for order in list(self.orders.values()):
                if order["status"] in ("new", "partially_filled"):
                    left = Decimal(order["qty"]) - Decimal(order["filled_qty"])
                    self.fill(order, min(left, part) if part else left, price or self.price)
                    made += 1
        return made

    def fill(
        self, order: dict[str, Any], quantity: Decimal, price: Decimal, tell: bool = True
    ) -> dict[str, Any]:
        with self.lock:
            total = Decimal(order["filled_qty"]) + quantity
            done = total >= Decimal(order["qty"])
            order.update(filled_qty=str(total), status="filled" if done else "partially_filled")
            sign = 1 if order["side"] == "buy" else -1
            symbol = order["symbol"]
            self.held[symbol] = self.held.get(symbol, Decimal(0)) + sign * quantity
            kind = "fill" if done else "partial_fill"
            self.activities.append(
                {
                    "activity_type": "FILL",
                    "id": f"2026112610000000{len(self.activities)}::{uuid.uuid4()}",
                    "cum_qty": str(total),
                    "leaves_qty": str(Decimal(order["qty"]) - total),
                    "price": str(price),
                    "qty": str(quantity),
                    "side": order["side"],
                    "symbol": symbol,
                    "transaction_time": _now(),
                    "order_id": order["id"],
                    "type": kind,
                }
            )
            more = {
                "execution_id": str(uuid.uuid4()),
                "price": str(price),
                "qty": str(quantity),
                "position_qty": str(self.held[symbol]),
            }
            return self.tell(kind, order, **more) if tell else {}

    def cancel(self, order: dict[str, Any], event: str = "canceled") -> None:
        with self.lock:
            order["status"] = event
            self.tell(event, order)

    # ---- requests -------------------------------------------------------------------------------------------

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        length = int(request.headers.get("Content-Length") or 0)
        raw = request.rfile.read(length)
        asked = urlsplit(request.path)
        query = {name: values[-1] for name, values in parse_qs(asked.query).items()}
        body = json.loads(raw) if raw else query
        method = request.command
        self.asked.append((method, asked.path, body))
        status, said = self._judge(method, asked.path, body, request.headers)
        data = b"" if said is None else json.dumps(said).encode()
        try:
            request.send_response(status)
            request.send_header("Content-Type", "application/json")
            request.send_header("Content-Length", str(len(data)))
            if status == 429:
                request.send_header("Retry-After", "0.05")
            request.end_headers()
            request.wfile.write(data)
        except ConnectionError:
            pass  # the client did not wait

    def _judge(self, method: str, path: str, body: Any, headers: Any) -> tuple[int, Any]:
        faults = self.faults
        if method in faults.hang:
            faults.go_on.wait(30)
        if (headers.get("APCA-API-KEY-ID"), headers.get("APCA-API-SECRET-KEY")) != (KEY, SECRET):
            return 401, {"code": 40110000, "message": "request is not authorized"}
        planned = next((one for one in faults.once if one[0] == method), None)
        if planned is not None:
            faults.once.remove(planned)
            return planned[1], planned[2]
        if method in faults.refuse:
            return faults.refuse[method]
        with self.lock:
            answer = self._do(method, path.removeprefix("/v2"), body)
        return (500, {"message": "internal server error"}) if faults.after == method else answer

    def _do(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if path == "/account":
            return 200, self.account
        if path == "/clock":
            return 200, {"timestamp": _now(), "is_open": True, "next_open": _now(), "next_close": _now()}
        if path == "/positions":
            held = {name: quantity for name, quantity in self.held.items() if quantity}
            return 200, [
                {"symbol": s, "qty": str(q), "side": "long" if q > 0 else "short", "avg_entry_price": "100"}
                for s, q in held.items()
            ]
        if path == "/account/activities/FILL":
            token = body.get("page_token")
            known = [one["id"] for one in self.activities]
            begin = known.index(token) + 1 if token else 0
            return 200, self.activities[begin : begin + int(body.get("page_size", 100))]
        if path == "/orders:by_client_order_id":
            found = self._by_client(body["client_order_id"])
            return (200, found) if found else (404, {"code": 40410000, "message": "order not found"})
        if path == "/orders" and method == "POST":
            return self._place(body)
        if path == "/orders":
            return 200, self._list(body)
        order = self.orders.get(path.rsplit("/", 1)[1])
        if order is None:
            return 404, {"code": 40410000, "message": "order not found"}
        return self._one(method, order, body)

    def _one(self, method: str, order: dict[str, Any], body: Any) -> tuple[int, Any]:
        if method == "GET":
            return 200, order
        if order["status"] in _ENDED:
            word = "cancelable" if method == "DELETE" else "replaceable"
            return 422, {
                "code": 42210000,
                "message": f'order is already in "{order["status"]}" state, not {word}',
            }
        if method == "DELETE":
            self.cancel(order)
            for leg in order.get("legs") or ():
                self.cancel(leg)
            return 204, None
        return self._replace(order, body)

    def _list(self, query: dict[str, str]) -> list[dict[str, Any]]:
        legs = {leg["id"] for order in self.orders.values() for leg in order.get("legs") or ()}
        found = [o for o in self.orders.values() if o["id"] not in legs]
        if query.get("status") == "open":
            found = [o for o in found if any(p["status"] in OPEN for p in (o, *(o.get("legs") or ())))]
        return list(reversed(found))[: int(query.get("limit", 50))]

    def _by_client(self, client_id: str) -> dict[str, Any] | None:
        return next((o for o in self.orders.values() if o["client_order_id"] == client_id), None)

    def _place(self, body: dict[str, Any]) -> tuple[int, Any]:
        if self._by_client(body["client_order_id"]):
            return 422, {"code": 40010001, "message": "client_order_id must be unique"}
        order = self._made(body)
        if body.get("order_class") not in (None, "simple"):
            order["legs"] = [self._made(leg) for leg in _legs(body)]
        self.tell("new", order)
        return 200, order

    def _made(self, body: dict[str, Any]) -> dict[str, Any]:
        order = {
            "id": str(uuid.uuid4()),
            "client_order_id": body.get("client_order_id") or str(uuid.uuid4()),
            "created_at": _now(),
            "updated_at": _now(),
            "submitted_at": _now(),
            "replaces": None,
            "replaced_by": None,
            "asset_class": "us_equity",
            "symbol": body["symbol"],
            "qty": body["qty"],
            "filled_qty": "0",
            "filled_avg_price": None,
            "order_class": body.get("order_class", ""),
            "type": body["type"],
            "side": body["side"],
            "time_in_force": body["time_in_force"],
            "limit_price": body.get("limit_price"),
            "stop_price": body.get("stop_price"),
            "trail_price": body.get("trail_price"),
            "trail_percent": body.get("trail_percent"),
            "status": body.get("status", "new"),
            "extended_hours": False,
            "legs": None,
        }
        self.orders[order["id"]] = order
        return order

    def _replace(self, order: dict[str, Any], body: dict[str, Any]) -> tuple[int, Any]:
        changed = {**order, **{k: v for k, v in body.items() if k != "trail"}, "status": "new"}
        made = self._made(changed)
        made["replaces"] = order["id"]
        received = {**made, "status": "accepted"}
        order.update(status="replaced", replaced_by=made["id"])
        self.tell("replaced", order)
        self.tell("new", made)
        return 200, received


def _legs(body: dict[str, Any]) -> list[dict[str, Any]]:
    side = "sell" if body["side"] == "buy" else "buy"
    status = "held"
    if body["order_class"] == "oco":
        side = body["side"]
    common = {
        "symbol": body["symbol"],
        "qty": body["qty"],
        "side": side,
        "time_in_force": body["time_in_force"],
    }
    legs = []
    if body["order_class"] != "oco" and body.get("take_profit"):
        legs.append({**common, **body["take_profit"], "type": "limit", "status": status})
    if body.get("stop_loss"):
        kind = "stop_limit" if "limit_price" in body["stop_loss"] else "stop"
        legs.append({**common, **body["stop_loss"], "type": kind, "status": status})
    return legs


def _now() -> str:
    now = time.time_ns()
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now // 10**9))
    return f"{whole}.{now % 10**9:09d}Z"


@contextmanager
def alpaca(port: int = 0, stream_port: int = 0) -> Iterator[AlpacaServer]:
    """A server while the block runs."""
    server = AlpacaServer(port, stream_port)
    try:
        yield server
    finally:
        server.close()


def wait_for(what: Callable[[], Any], timeout_s: float = 5.0) -> None:
    """Until ``what()`` is true; fails when that takes too long."""
    pause, until = threading.Event(), time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < until, "it did not happen in time"
        pause.wait(0.002)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--stream-port", type=int, default=8766)
    chosen = parser.parse_args()
    with alpaca(chosen.port, chosen.stream_port) as running:
        print(running.url, running.stream_url, flush=True)
        turn = threading.Event()
        while not turn.wait(1.0):
            running.trade()
