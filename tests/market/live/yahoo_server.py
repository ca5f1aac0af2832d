"""A local server of Yahoo's documented shapes: chart v8 JSON with cookie and crumb, and streamed PricingData frames.

The market is made up and repeats: the price of a symbol at a moment is a function of both. By hand, with a desk on it:

    python -m tests.market.live.yahoo_server --port 8765 --stream-port 8766 --calendar 24/7
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tuiconsole.market.live.schedule import Schedule, load_schedule

SECOND = 1_000_000_000
CRUMB = "c.rumb"
COOKIE = "A3=d=local"
INTERVALS = {"1m": 60, "5m": 300, "15m": 900, "1d": 86_400}


def price(symbol: str, moment_s: int) -> float:
    """Price of ``symbol`` at ``moment_s``: slow waves of its own, and a little noise."""
    seed = hashlib.sha256(symbol.encode()).digest()
    base, phase = 20 + seed[0], seed[1] / 40
    wave = 0.15 * math.sin(moment_s / 40_000 + phase) + 0.02 * math.sin(moment_s / 900 + 2 * phase)
    noise = hashlib.sha256(f"{symbol}{moment_s}".encode()).digest()[0] / 255 - 0.5
    return round(base * math.exp(wave + 0.001 * noise), 4)


@dataclass
class Faults:
    """What the server does wrong, changed while it runs."""

    status: int = 0
    """Answer every chart request with this status."""
    raw: bytes = b""
    """Answer every chart request with these bytes."""
    hang_s: float = 0.0
    unknown: set[str] = field(default_factory=set)
    missing: set[tuple[str, int]] = field(default_factory=set)
    """``(symbol, start in s)`` of bars that the service does not have (yet)."""
    stuck_at: int = 0
    """No bar that starts at or after this second is served; 0 = all are."""


class YahooServer:
    """The HTTP side; ``now`` says what time it is in the market, in seconds."""

    def __init__(self, schedule: Schedule, now: Callable[[], float], port: int = 0) -> None:
        self.schedule = schedule
        self.now = now
        self.faults = Faults()
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.canned: dict[str, bytes] = {}
        self._never = threading.Event()

        def answer(request: BaseHTTPRequestHandler) -> None:
            self._answer(request)

        def quiet(request: BaseHTTPRequestHandler, form: str, *arguments: Any) -> None:
            """No line for each request."""

        class Handler(BaseHTTPRequestHandler):
            do_GET = answer  # noqa: N815 - the name that http.server looks for
            log_message = quiet

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._never.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        asked = urlsplit(request.path)
        query = {name: values[-1] for name, values in parse_qs(asked.query).items()}
        self.asked.append((asked.path, query))
        if asked.path == "/v1/test/getcrumb":
            knows = COOKIE in request.headers.get("Cookie", "")
            self._send(request, 200 if knows else 401, CRUMB.encode() if knows else b"{}", "text/plain")
        elif asked.path.startswith("/v8/finance/chart/"):
            self._chart(request, asked.path.rsplit("/", 1)[1], query)
        else:
            self._send(request, 404, b"<html></html>", "text/html", cookie=True)

    def _send(
        self, request: BaseHTTPRequestHandler, status: int, body: bytes, kind: str, cookie: bool = False
    ) -> None:
        try:
            request.send_response(status)
            request.send_header("Content-Type", kind)
            request.send_header("Content-Length", str(len(body)))
            if cookie:
                request.send_header("Set-Cookie", f"{COOKIE}; Path=/")
            request.end_headers()
            request.wfile.write(body)
        except ConnectionError:
            pass  # the client did not wait

    def _chart(self, request: BaseHTTPRequestHandler, symbol: str, query: dict[str, str]) -> None:
        faults = self.faults
        if faults.hang_s:
            self._never.wait(faults.hang_s)
        if faults.status or faults.raw:
            self._send(request, faults.status or 200, faults.raw or b"{}", "application/json")
            return
        if symbol in self.canned:
            self._send(request, 200, self.canned[symbol], "application/json")
            return
        if symbol in faults.unknown:
            said = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
            body = {"chart": {"result": None, "error": said}}
            self._send(request, 404, json.dumps(body).encode(), "application/json")
            return
        self._send(request, 200, json.dumps(self._body(symbol, query)).encode(), "application/json")

    def _body(self, symbol: str, query: dict[str, str]) -> dict[str, Any]:
        now = int(self.now())
        seconds = INTERVALS[query["interval"]]
        last = min(int(query.get("period2", now)), now)
        first = int(query.get("period1", last - 86_400))
        known = dict(self._bars(first, last, seconds))
        starts = list(known)
        rows = [self._row(symbol, start, min(known[start], now)) for start in starts]
        closed = self.schedule.last_end(now * SECOND) // SECOND
        if not self.schedule.is_open(now * SECOND) and starts and seconds < 86_400:
            starts.append(closed)  # as the service does: a row at the close, which is no bar
            rows.append((rows[-1][3],) * 4 + (0,))
        columns = list(zip(*rows, strict=True)) if rows else [()] * 5
        names = ("open", "high", "low", "close", "volume")
        quote = {name: list(column) for name, column in zip(names, columns, strict=True)}
        meta = {
            "currency": "USD",
            "symbol": symbol,
            "exchangeTimezoneName": self.schedule.timezone,
            "instrumentType": "EQUITY",
            "regularMarketTime": now,
            "regularMarketPrice": price(symbol, now),
            "dataGranularity": query["interval"],
            "range": "",
            "validRanges": ["1d", "5d", "1mo", "max"],
        }
        result: dict[str, Any] = {"meta": meta, "indicators": {"quote": [quote if starts else {}]}}
        if starts:
            result["timestamp"] = starts
        return {"chart": {"result": [result], "error": None}}

    def _bars(self, first: int, last: int, seconds: int) -> Iterator[tuple[int, int]]:
        """Start and end in seconds of every bar that starts in ``[first, last)``, the forming one too."""
        grid = Schedule(
            self.schedule.calendar,
            self.schedule.timezone,
            seconds,
            self.schedule.opens,
            self.schedule.closes,
            self.schedule.sessions,
        )
        moment = grid.next_start(first * SECOND)
        if grid.daily:
            for opened, closed in zip(grid.opens.tolist(), grid.closes.tolist(), strict=True):
                if first <= opened // SECOND < last:
                    yield opened // SECOND, closed // SECOND
            return
        end = grid.next_end(moment)
        start = max(moment, end - seconds * SECOND)
        while start // SECOND < last:
            if first <= start // SECOND:
                yield start // SECOND, end // SECOND
            start = grid.next_start(end)
            end = grid.next_end(start)

    def _row(self, symbol: str, start: int, end: int) -> tuple[Any, ...]:
        faults = self.faults
        if (symbol, start) in faults.missing or (faults.stuck_at and start >= faults.stuck_at):
            return (None,) * 5
        opened, close = price(symbol, start), price(symbol, end)
        high, low = max(opened, close) * 1.001, min(opened, close) * 0.999
        return opened, round(high, 4), round(low, 4), close, 1_000 + (start // 60) % 977


def frame(symbol: str, moment_s: float, amount: float, day_volume: int, hours: int = 1) -> str:
    """One websocket message as Yahoo's streamer sends it."""
    from yfinance.pricing_pb2 import PricingData

    data = PricingData(
        id=symbol,
        price=amount,
        time=int(moment_s * 1000),
        day_volume=day_volume,
        market_hours=hours,
        exchange="NMS",
        currency="USD",
    )
    return json.dumps({"type": "pricing", "message": base64.b64encode(data.SerializeToString()).decode()})


class StreamServer:
    """The websocket side: sends what :meth:`say` is given to everybody who subscribed."""

    def __init__(self, port: int = 0) -> None:
        from websockets.sync.server import serve

        self._clients: set[Any] = set()
        self._news = threading.Condition()
        self.subscribed: list[str] = []
        self._server = serve(self._serve, "127.0.0.1", port)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}"

    def _serve(self, client: Any) -> None:
        for message in client:
            with self._news:
                self.subscribed += json.loads(message).get("subscribe", [])
                self._clients.add(client)
                self._news.notify_all()
        self._clients.discard(client)

    def wait_for_clients(self, count: int, timeout_s: float = 10.0) -> None:
        with self._news:
            assert self._news.wait_for(lambda: len(self._clients) >= count, timeout_s)

    def say(self, message: str) -> None:
        for client in list(self._clients):
            client.send(message)

    def drop(self) -> None:
        """Close every connection in good order, as a server that restarts does."""
        for client in list(self._clients):
            self._clients.discard(client)
            client.close()

    def close(self) -> None:
        self.drop()
        self._server.shutdown()
        self._thread.join()


@contextmanager
def yahoo(schedule: Schedule, now: Callable[[], float]) -> Iterator[YahooServer]:
    """A server for the duration."""
    server = YahooServer(schedule, now)
    try:
        yield server
    finally:
        server.close()


def main() -> None:
    """Serve until interrupted, on the wall clock."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--stream-port", type=int, default=8766)
    parser.add_argument("--calendar", default="24/7")
    parser.add_argument("--symbols", default="BTC-USD,ETH-USD,SOL-USD")
    chosen = parser.parse_args()
    schedule = load_schedule(chosen.calendar, 60, time.time_ns())
    http = YahooServer(schedule, time.time, chosen.port)
    stream = StreamServer(chosen.stream_port)
    print(f'yahoo_url = "{http.url}"\nyahoo_stream_url = "{stream.url}"', flush=True)
    volume = 0
    try:
        while True:
            volume += 10
            for symbol in chosen.symbols.split(","):
                stream.say(frame(symbol, time.time(), price(symbol, int(time.time())), volume))
            threading.Event().wait(0.2)
    except KeyboardInterrupt:
        stream.close()
        http.close()


if __name__ == "__main__":
    main()
