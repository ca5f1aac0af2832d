"""Alpaca's live bars: the real clients against a local server of the documented protocol."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from tuiconsole.domain.clock import EventClock, iso, parse_iso
from tuiconsole.domain.errors import FeedError
from tuiconsole.market.live.alpaca_bars import ERRORS, AlpacaAccess, AlpacaBars, AlpacaStream
from tuiconsole.market.live.schedule import Schedule

pytest.importorskip("alpaca", reason="needs the extra: tuiconsole[feeds]")
SYMBOLS = ("AAPL", "BRK.B", "SHOP.TO")
NOON = parse_iso("2025-11-28T15:02:30")
MINUTE = 60 * 10**9
_QUIET = logging.getLogger("tests.alpaca bars")
_QUIET.setLevel(logging.WARNING)


@dataclass
class Server:
    """What it says, and whom it was told about."""

    secret: str = "local-secret"
    refuse: int = 0
    after_subscribe: int = 0
    rest: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    clients: set[Any] = field(default_factory=set)
    said: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""
    stream_url: str = ""
    status: int = 200

    async def talk(self, connection: Any) -> None:
        import msgpack
        from websockets.exceptions import ConnectionClosed

        async def say(*messages: dict[str, Any]) -> None:
            await connection.send(msgpack.packb(list(messages)))

        try:
            await say({"T": "success", "msg": "connected"})
            shown = msgpack.unpackb(await connection.recv())
            code = self.refuse or (0 if shown["secret"] == self.secret else 402)
            if code:
                texts = {402: "auth failed", 406: "connection limit exceeded"}
                await say({"T": "error", "code": code, "msg": texts[code]})
                return
            await say({"T": "success", "msg": "authenticated"})
            wanted = msgpack.unpackb(await connection.recv())
            self.said.append(wanted)
            if self.after_subscribe:
                await say({"T": "error", "code": self.after_subscribe, "msg": "no"})
                return
            await say({"T": "subscription", "bars": wanted["bars"], "updatedBars": wanted["updatedBars"]})
            self.clients.add(connection)
            await connection.wait_closed()
        except ConnectionClosed:
            pass
        finally:
            self.clients.discard(connection)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(head.split()[1])
        body = json.dumps(self.rest).encode()
        line = (
            f"HTTP/1.1 {self.status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        )
        writer.write(f"{line}Connection: close\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    async def bar(self, kind: str, symbol: str, start: int, close: float) -> None:
        import msgpack

        stamp = msgpack.Timestamp(start // 10**9, start % 10**9)
        bar = {
            "T": kind,
            "S": symbol,
            "o": 1.0,
            "h": 9.0,
            "l": 1.0,
            "c": close,
            "v": 100,
            "t": stamp,
            "n": 1,
            "vw": 2.0,
        }
        for connection in self.clients:
            await connection.send(msgpack.packb([bar]))


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    from websockets.asyncio.server import serve

    made = Server()
    http = await asyncio.start_server(made.answer, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{http.sockets[0].getsockname()[1]}"
    async with serve(made.talk, "127.0.0.1", 0, logger=_QUIET) as stream:
        made.stream_url = f"ws://127.0.0.1:{next(iter(stream.sockets)).getsockname()[1]}"
        yield made
    http.close()


def feeds(
    server: Server, schedule: Schedule, secret: str = "local-secret"
) -> tuple[AlpacaStream, EventClock]:
    clock = EventClock(NOON)
    access = AlpacaAccess("PKLOCAL", secret, server.url, server.stream_url, "iex", 2.0)
    return AlpacaStream(SYMBOLS, schedule, AlpacaBars(SYMBOLS, schedule, access, clock), clock, access), clock


async def until(what: Callable[[], bool]) -> None:
    """Until ``what()`` is true; fails when that takes too long."""
    never = asyncio.Event()
    for _ in range(2000):
        if what():
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(never.wait(), 0.002)
    raise AssertionError("it did not happen in time")


async def taken(stream: AlpacaStream, end: int, count: int) -> None:
    await until(lambda: not (len(stream._found.get(end, {})) < count))


@pytest.mark.asyncio
async def test_streamed_minutes_become_cross_sections_that_end_with_their_minute(server, schedule):
    stream, _ = feeds(server, schedule)
    await stream.probe()
    assert sorted(server.said[0]["bars"]) == ["AAPL", "BRK.B"]
    start = parse_iso("2025-11-28T15:03:00")
    await server.bar("b", "AAPL", start, 5.0)
    await server.bar("b", "OTHER", start, 5.0)
    await taken(stream, start + MINUTE, 1)
    answer = await stream.bars(start, start + MINUTE)
    assert (len(answer.bars), answer.complete) == (1, False)
    assert [one.text for one in answer.news] == ["SHOP.TO has no prices: Alpaca does not carry it."]
    await server.bar("b", "BRK.B", start, 7.0)
    await server.bar("u", "AAPL", start, 6.0)
    await taken(stream, start + MINUTE, 2)
    await until(lambda: stream._found[start + MINUTE][0][3] == 6.0)
    answer = await stream.bars(start, start + MINUTE)
    assert answer.complete
    assert iso(answer.bars[0].ts) == "2025-11-28T15:04:00Z"
    np.testing.assert_array_equal(answer.bars[0].close, [6.0, 7.0, np.nan])
    assert server.asked == []
    await stream.close()


@pytest.mark.asyncio
async def test_what_began_before_the_connection_is_asked_for(server, schedule):
    stream, _ = feeds(server, schedule)
    row = {"o": 1, "h": 2, "l": 1, "c": 2, "v": 10, "t": "2025-11-28T15:01:00Z"}
    server.rest = {
        "bars": {"AAPL": [row], "BRK.B": [{**row, "t": "2025-11-28T09:00:00Z"}]},
        "next_page_token": None,
    }
    after = parse_iso("2025-11-28T15:01:00")
    answer = await stream.bars(after, after + MINUTE)
    assert [iso(one.ts) for one in answer.bars] == ["2025-11-28T15:02:00Z"]
    assert "symbols=AAPL%2CBRK.B" in server.asked[0]
    assert "adjustment=raw" in server.asked[0]
    await stream.close()


@pytest.mark.asyncio
@pytest.mark.parametrize(("code", "after"), [(402, False), (406, False), (409, True), (405, True)])
async def test_a_refusal_is_told_as_what_its_code_means(server, schedule, code, after, caplog):
    caplog.set_level(logging.DEBUG)
    stream, _ = feeds(server, schedule)
    stream._access = AlpacaAccess("PKLOCAL", "local-secret", "", server.stream_url, "iex", 0.3)
    if after:
        server.after_subscribe = code
    else:
        server.refuse = code
    with pytest.raises(FeedError) as caught:
        await stream.probe()
    assert ERRORS[code] in caught.value.what
    assert "local-secret" not in caplog.text + caught.value.what
    await stream.close()


@pytest.mark.asyncio
async def test_it_connects_again_and_asks_for_the_gap(server, schedule):
    stream, clock = feeds(server, schedule)
    await stream.probe()
    await until(lambda: bool(server.clients))
    for connection in list(server.clients):
        connection.transport.abort()
    await until(lambda: not (stream._subscribed.is_set()))
    clock.advance_to(NOON + 2 * MINUTE)
    await stream.probe()
    server.rest = {"bars": {}, "next_page_token": None}
    after = parse_iso("2025-11-28T15:03:00")
    assert (await stream.bars(after, after + MINUTE)).bars == ()
    assert len(server.asked) == 1
    await stream.close()


@pytest.mark.asyncio
async def test_a_refused_request_is_a_feed_error_without_the_key(server, schedule):
    stream, _ = feeds(server, schedule)
    server.status = 403
    with pytest.raises(FeedError, match="refused the key, or the plan lacks this feed"):
        await stream.history(5, NOON)
    server.status, server.rest = 200, {"bars": {"AAPL": [{"t": 5}]}, "next_page_token": None}
    with pytest.raises(FeedError, match="another shape"):
        await stream.history(5, NOON)
    await stream.close()


def test_every_documented_error_code_has_words():
    path = next(
        (
            folder / "shared/data/api_samples/alpaca/market_data_stream_error_codes.json"
            for folder in Path(__file__).resolve().parents
            if (folder / "shared").is_dir()
        ),
        None,
    )
    if path is None or not path.exists():
        pytest.skip("needs the shared captures")
    documented = {int(code) for code in json.loads(path.read_text())}
    assert documented - set(ERRORS) == {400, 403}  # what only a wrong client can cause
