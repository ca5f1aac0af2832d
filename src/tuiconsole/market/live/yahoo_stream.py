"""Bars from Yahoo's streamed quotes, through the yfinance client's websocket.

Bars that began before the connection stood are asked from the chart service, as is the history. The client's own ``listen``
spins for ever once the server has closed the connection, so its parts are used here: connect, subscribe, keep alive, decode.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND, Clock
from tuiconsole.domain.errors import FeedError
from tuiconsole.market.live.contract import FeedAnswer
from tuiconsole.market.live.quote_bars import Quote, QuoteBars
from tuiconsole.market.live.schedule import Schedule
from tuiconsole.market.live.yahoo_chart import YahooChart
from tuiconsole.market.live.yahoo_http import yahoo_symbol

YAHOO_STREAM_URL = "wss://streamer.finance.yahoo.com/?version=2"
_REGULAR_HOURS = 1
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 60.0


class YahooStream:
    """Quotes collected while the engine runs; see :class:`~tuiconsole.market.live.contract.LiveFeed`.

    Parameters
    ----------
    chart
        Asked for the history, and for bars that the stream saw only in part.
    url
        Websocket address of a gateway; empty for Yahoo itself.
    """

    name = "yahoo-stream"
    family = "yahoo"

    def __init__(
        self,
        symbols: Sequence[str],
        schedule: Schedule,
        chart: YahooChart,
        clock: Clock,
        url: str,
        timeout_s: float,
    ) -> None:
        self._columns = {yahoo_symbol(symbol): i for i, symbol in enumerate(symbols)}
        self._schedule = schedule
        self._chart = chart
        self._clock = clock
        self._url = url or YAHOO_STREAM_URL
        self._timeout_s = timeout_s
        self._bars = QuoteBars(len(self._columns), schedule)
        self._task: asyncio.Task[None] | None = None
        self._connected = asyncio.Event()
        self._since = 0
        self._trouble = "it has not connected yet"

    async def open(self) -> None:
        """Start to listen; connects again by itself for as long as it is open."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep_listening())

    async def close(self) -> None:
        """Stop to listen."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def probe(self) -> None:
        """Whether the stream is connected."""
        await self.open()
        try:
            await asyncio.wait_for(self._connected.wait(), self._timeout_s)
        except TimeoutError:
            raise FeedError(f"Yahoo's stream is not there: {self._trouble}.") from None

    async def bars(self, after: int, until: int) -> FeedAnswer:
        """The cross-sections with ``after < ts <= until``; nothing more comes for them."""
        await self.probe()
        whole = self._first_whole_end()
        made = [bars for bars in self._bars.close(until) if bars.ts > after and bars.ts >= whole]
        missed = FeedAnswer(())
        first_due = self._schedule.next_end(after)
        if first_due < whole and first_due <= until and self._schedule.bar_seconds >= 60:
            missed = await self._chart.bars(after, min(until, whole - 1))
        complete = missed.complete or bool(made)
        return FeedAnswer((*missed.bars, *made), complete, missed.news)

    async def history(self, count: int, until: int) -> FeedAnswer:
        """What the chart service has; nothing for bars shorter than a minute."""
        if self._schedule.bar_seconds < 60:
            return FeedAnswer(())
        return await self._chart.history(count, until)

    def _first_whole_end(self) -> int:
        """End of the first bar that lies wholly within this connection."""
        first = self._schedule.next_end(self._since)
        return self._schedule.next_end(first) if self._schedule.is_open(self._since) else first

    async def _keep_listening(self) -> None:
        from websockets.exceptions import WebSocketException

        pause = _FIRST_PAUSE_S
        while True:
            try:
                await self._listen()
                self._trouble = "the server closed the connection"
                pause = _FIRST_PAUSE_S
            except (OSError, TimeoutError, WebSocketException, ValueError, TypeError) as error:
                self._trouble = str(error).rstrip(".") or type(error).__name__
            finally:
                self._connected.clear()
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    async def _listen(self) -> None:
        """One connection, until the server ends it."""
        from yfinance.live import AsyncWebSocket

        client = AsyncWebSocket(url=self._url, verbose=False)
        try:
            await asyncio.wait_for(client.subscribe(list(self._columns)), self._timeout_s)
            self._since = self._clock.now_ns()
            self._connected.set()
            async for message in client._ws:
                quote = self._quote(client._decode_message(json.loads(message).get("message", "")))
                if quote is not None:
                    self._bars.add(quote)
        finally:
            with suppress(OSError):
                await client.close()

    def _quote(self, said: Mapping[str, Any]) -> Quote | None:
        """The quote in a decoded frame; None for other symbols, other hours, and what cannot be read."""
        column = self._columns.get(said.get("id", ""))
        if column is None or said.get("market_hours", 0) != _REGULAR_HOURS:
            return None
        price, ts = float(said.get("price", math.nan)), int(said.get("time", 0))
        volume = float(said.get("day_volume", math.nan))
        return Quote(column, ts * (NANOSECONDS_PER_SECOND // 1000), price, volume)
