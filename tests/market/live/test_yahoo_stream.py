"""The streaming feed: the real client's websocket against a local server that sends Yahoo's frames."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest
import pytest_asyncio

from tests.market.live.yahoo_server import SECOND, StreamServer, YahooServer, frame, price
from tuiconsole.domain.clock import EventClock, iso, parse_iso
from tuiconsole.domain.errors import FeedError
from tuiconsole.market.live.schedule import Schedule
from tuiconsole.market.live.settings import FeedsSettings
from tuiconsole.market.live.yahoo_chart import YahooChart
from tuiconsole.market.live.yahoo_http import YahooHttp
from tuiconsole.market.live.yahoo_stream import YahooStream

SYMBOLS = ("AAPL", "MSFT")
MINUTE = 60 * SECOND


@pytest.fixture
def streamer() -> Iterator[StreamServer]:
    pytest.importorskip("yfinance", reason="needs the extra: tuiconsole[feeds]")
    made = StreamServer()
    yield made
    made.close()


@pytest_asyncio.fixture
async def stream(
    schedule: Schedule, clock: EventClock, settings: FeedsSettings, streamer: StreamServer
) -> AsyncIterator[YahooStream]:
    chart = YahooChart(SYMBOLS, schedule, YahooHttp(settings.yahoo_url, 5.0, 4))
    made = YahooStream(SYMBOLS, schedule, chart, clock, streamer.url, 5.0)
    await made.probe()
    await asyncio.to_thread(streamer.wait_for_clients, 1)
    yield made
    await made.close()


async def say(streamer: StreamServer, stream: YahooStream, *frames: str) -> None:
    """Send frames, and return once the last of them was taken in."""
    taken = asyncio.Event()
    counted = stream._bars.add
    left = len(frames)

    def add(quote: object) -> None:
        nonlocal left
        counted(quote)
        left -= 1
        if left <= 0:
            taken.set()

    stream._bars.add = add
    for one in frames:
        await asyncio.to_thread(streamer.say, one)
    await asyncio.wait_for(taken.wait(), 10.0)
    stream._bars.add = counted


async def test_whole_bars_come_from_the_stream_and_the_first_from_the_chart(
    clock: EventClock, streamer: StreamServer, stream: YahooStream, server: YahooServer
) -> None:
    assert set(streamer.subscribed) == set(SYMBOLS)
    whole = parse_iso("2025-11-28T15:03:00")
    first = (whole - MINUTE // 2) / SECOND
    await say(
        streamer,
        stream,
        frame("AAPL", first, 50.0, 900),  # in the minute in which the connection was made: not whole
        frame("AAPL", whole / SECOND + 1, 10.0, 1_000),
        frame("MSFT", whole / SECOND + 2, 20.25, 50),
        frame("AAPL", whole / SECOND + 30, 11.5, 1_400),
        frame("AAPL", whole / SECOND + 61, 12.0, 1_500),
    )
    clock.advance_to(whole + MINUTE + 5 * SECOND)
    answer = await stream.bars(whole - MINUTE, whole + MINUTE)
    assert [iso(bars.ts) for bars in answer.bars] == ["2025-11-28T15:03:00Z", "2025-11-28T15:04:00Z"]
    chart, made = answer.bars
    assert chart.close[0] == price("AAPL", whole // SECOND), "the chart service's, for the minute half seen"
    assert (made.open.tolist(), made.close.tolist()) == ([10.0, 20.25], [11.5, 20.25])
    assert made.volume[0] == 500.0
    asked = len(server.asked)
    (later,) = (await stream.bars(whole + MINUTE, whole + 2 * MINUTE)).bars
    assert later.close[0] == 12.0
    assert np.isnan(later.close[1])
    assert len(server.asked) == asked, "nothing more is asked of the chart service"


async def test_frames_of_other_hours_and_symbols_and_spoiled_ones_do_no_harm(
    clock: EventClock, streamer: StreamServer, stream: YahooStream
) -> None:
    begin = parse_iso("2025-11-28T15:03:00")
    moment = begin / SECOND + 1
    for spoiled in ('{"message": "!!!"}', "{}", '{"message": ""}'):
        await asyncio.to_thread(streamer.say, spoiled)
    await asyncio.to_thread(streamer.say, frame("TSLA", moment, 1.0, 1))
    await asyncio.to_thread(streamer.say, frame("AAPL", moment, 1.0, 1, hours=0))
    await say(streamer, stream, frame("AAPL", moment, 10.0, 1))
    clock.advance_to(begin + 2 * MINUTE)
    answer = await stream.bars(begin, begin + MINUTE)
    assert answer.bars[-1].low[0] == 10.0


async def test_a_connection_that_ends_is_made_again_and_the_gap_asked_from_the_chart(
    clock: EventClock, streamer: StreamServer, stream: YahooStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuiconsole.market.live.yahoo_stream._FIRST_PAUSE_S", 0.01)
    begin = parse_iso("2025-11-28T15:03:00")
    await say(streamer, stream, frame("AAPL", begin / SECOND + 1, 10.0, 1))
    clock.advance_to(begin + MINUTE // 2)
    await asyncio.to_thread(streamer.drop)
    await asyncio.to_thread(streamer.wait_for_clients, 1)
    await stream.probe()
    clock.advance_to(begin + 2 * MINUTE)
    answer = await stream.bars(begin, begin + MINUTE)
    assert answer.bars[-1].close[0] == price("AAPL", (begin + MINUTE) // SECOND)


async def test_a_stream_that_is_not_there_is_a_feed_error(
    schedule: Schedule, clock: EventClock, settings: FeedsSettings
) -> None:
    chart = YahooChart(SYMBOLS, schedule, YahooHttp(settings.yahoo_url, 5.0, 4))
    made = YahooStream(SYMBOLS, schedule, chart, clock, "ws://127.0.0.1:9", 0.3)
    with pytest.raises(FeedError, match="stream is not there"):
        await made.bars(0, 1)
    await made.close()
