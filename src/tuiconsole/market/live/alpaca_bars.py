"""Live bars from Alpaca through the alpaca-py client: asked for, or streamed minute by minute.

Alpaca stamps bars at their start; here they are stamped at their end, a daily one at the exchange's close. Bars are raw, not
adjusted. The client's own loop logs refused keys as tracebacks and takes seconds to stop, so its parts are used here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, NANOSECONDS_PER_SECOND, Clock
from tuiconsole.domain.errors import FeedError
from tuiconsole.domain.events import FeedStatus
from tuiconsole.market.live.contract import FeedAnswer, Row, cross_section
from tuiconsole.market.live.schedule import Schedule
from tuiconsole.market.vendor_symbols import vendor_symbol

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 60.0
_CLOSE_S = 1.0
_MINUTE = 60
_FRAMES = {_MINUTE: (1, "Min"), 300: (5, "Min"), 900: (15, "Min"), 86_400: (1, "Day")}
ERRORS = {
    401: "it was asked before the key was shown",
    402: "the key was refused",
    404: "the key came too late",
    405: "the plan does not allow so many symbols",
    406: "the plan does not allow another connection: only one may listen at a time",
    407: "this desk reads too slowly",
    409: "the plan does not include this feed",
    410: "this feed has no such bars",
    500: "Alpaca has trouble of its own",
}
"""What the error codes of Alpaca's market-data stream mean; others are told as Alpaca writes them."""


@dataclass(frozen=True, slots=True)
class AlpacaAccess:
    """Where Alpaca's market data is asked for, and with which keys; those are not shown by ``repr``.

    Attributes
    ----------
    url, stream_url
        Addresses; an empty one is Alpaca itself.
    feed
        ``iex`` or ``sip``.
    """

    key_id: str = field(repr=False)
    secret: str = field(repr=False)
    url: str
    stream_url: str
    feed: str
    timeout_s: float


class AlpacaBars:
    """Closed bars, asked for all symbols at once; see :class:`~tuiconsole.market.live.contract.LiveFeed`."""

    name = "alpaca"
    family = "alpaca"

    def __init__(
        self, symbols: Sequence[str], schedule: Schedule, access: AlpacaAccess, clock: Clock
    ) -> None:
        self._clock = clock
        self._theirs = {vendor_symbol(symbol, "alpaca"): i for i, symbol in enumerate(symbols)}
        self._unknown = [symbol for symbol in symbols if vendor_symbol(symbol, "alpaca") is None]
        self._theirs.pop(None, None)
        self._columns = len(symbols)
        self._schedule = schedule
        self._access = access
        self._client: Any = None
        self._told = False

    async def open(self) -> None:
        """Nothing to do: every question is a request of its own."""

    async def close(self) -> None:
        """Leave the connection."""
        if self._client is not None:
            self._client._session.close()
            self._client = None

    async def probe(self) -> None:
        """Ask for the bars of the last day."""
        until = self._schedule.last_end(self._clock.now_ns())
        await self.bars(until - 1, until)

    async def bars(self, after: int, until: int) -> FeedAnswer:
        """The cross-sections with ``after < ts <= until``; complete when the newest has every symbol."""
        found = await asyncio.to_thread(self._asked, after, until)
        return self.answer({end: rows for end, rows in found.items() if after < end <= until})

    async def history(self, count: int, until: int) -> FeedAnswer:
        """Up to ``count`` cross-sections that end at or before ``until``."""
        ends = self._schedule.ends(count + 1, until)
        if len(ends) < 2:
            return FeedAnswer(())
        answer = await self.bars(ends[0], until)
        return FeedAnswer(answer.bars[-count:] if count else (), answer.complete, answer.news)

    def answer(self, found: Mapping[int, Mapping[int, Row]]) -> FeedAnswer:
        """Rows by end and column as an answer; symbols that Alpaca does not carry are told once."""
        ends = sorted(found)
        sections = tuple(
            cross_section(
                end, self._schedule.session_of(end), [found[end].get(i) for i in range(self._columns)]
            )
            for end in ends
        )
        news = () if self._told else tuple(self._lack(symbol) for symbol in self._unknown)
        self._told = True
        return FeedAnswer(sections, not ends or len(found[ends[-1]]) == len(self._theirs), news)

    def _lack(self, symbol: str) -> FeedStatus:
        return FeedStatus(self.name, "symbol failed", f"{symbol} has no prices: Alpaca does not carry it.")

    def row(self, said: Mapping[str, Any], start: int) -> tuple[int, int, Row] | None:
        """``(end, column, row)`` of a bar as Alpaca writes it; None for other symbols and other hours."""
        column = self._theirs.get(said.get("S"))
        end = self._schedule.end_of(start)
        if column is None or not end:
            return None
        opened, high, low, close, volume = (float(said[letter]) for letter in "ohlcv")
        return end, column, (opened, high, low, close, volume)

    def _asked(self, after: int, until: int) -> dict[int, dict[int, Row]]:
        from alpaca.common.exceptions import APIError
        from requests.exceptions import RequestException

        try:
            raw = self._request(after, until)
            found: dict[int, dict[int, Row]] = {}
            for name, bars in raw.items():
                for bar in bars:
                    start = int(np.datetime64(bar["t"].rstrip("Z"), "ns").astype(np.int64))
                    made = self.row({**bar, "S": name}, start)
                    if made is not None:
                        found.setdefault(made[0], {})[made[1]] = made[2]
        except APIError as error:
            raise FeedError(_refusal(int(error.status_code or 0))) from None
        except RequestException as error:
            raise FeedError(
                f"Alpaca's market data does not answer in time ({type(error).__name__})."
            ) from None
        except (KeyError, ValueError, TypeError, AttributeError):
            raise FeedError("Alpaca's answer has another shape than documented.") from None
        return found

    def _request(self, after: int, until: int) -> dict[str, Any]:
        from alpaca.data.enums import Adjustment, DataFeed
        from alpaca.data.historical import StockHistoricalDataClient
        from alpaca.data.requests import StockBarsRequest
        from alpaca.data.timeframe import TimeFrame, TimeFrameUnit

        access, seconds = self._access, self._schedule.bar_seconds
        if self._client is None:
            made: Any = StockHistoricalDataClient(
                access.key_id, access.secret, raw_data=True, url_override=access.url or None
            )
            made._retry = 0
            request = made._session.request
            made._session.request = lambda *args, **kwargs: request(*args, timeout=access.timeout_s, **kwargs)
            self._client = made
        amount, unit = _FRAMES[seconds]
        early = NANOSECONDS_PER_DAY if self._schedule.daily else seconds * NANOSECONDS_PER_SECOND
        wanted = StockBarsRequest(
            symbol_or_symbols=[name for name in self._theirs if name is not None],
            timeframe=TimeFrame(amount, TimeFrameUnit(unit)),
            start=_moment(after - early),
            end=_moment(until),
            adjustment=Adjustment.RAW,
            feed=DataFeed(access.feed),
        )
        return dict(self._client.get_stock_bars(wanted))


class AlpacaStream:
    """Minute bars as Alpaca streams them; what began before the connection stood is asked for.

    Parameters
    ----------
    asked
        Asked for the history, for bars that the stream saw only in part, and for bars that are no minutes.
    """

    name = "alpaca-stream"
    family = "alpaca"

    def __init__(
        self,
        symbols: Sequence[str],
        schedule: Schedule,
        asked: AlpacaBars,
        clock: Clock,
        access: AlpacaAccess,
    ) -> None:
        self._names = [name for symbol in symbols if (name := vendor_symbol(symbol, "alpaca")) is not None]
        self._schedule = schedule
        self._asked = asked
        self._clock = clock
        self._access = access
        self._found: dict[int, dict[int, Row]] = {}
        self._since = 0
        self._task: asyncio.Task[None] | None = None
        self._subscribed = asyncio.Event()
        self._trouble = "it has not connected yet"

    async def open(self) -> None:
        """Start to listen; connects again by itself for as long as it is open."""
        if self._task is None and self._schedule.bar_seconds == _MINUTE:
            self._task = asyncio.create_task(self._keep_listening())

    async def close(self) -> None:
        """Stop to listen."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self._asked.close()

    async def probe(self) -> None:
        """Whether bars are streamed to us."""
        if self._schedule.bar_seconds != _MINUTE:
            return
        await self.open()
        try:
            await asyncio.wait_for(self._subscribed.wait(), self._access.timeout_s)
        except TimeoutError:
            raise FeedError(f"Alpaca's stream is not there: {self._trouble}.") from None

    async def bars(self, after: int, until: int) -> FeedAnswer:
        """The cross-sections with ``after < ts <= until``; nothing more comes for those before the newest."""
        if self._schedule.bar_seconds != _MINUTE:
            return await self._asked.bars(after, until)
        await self.probe()
        whole = self._schedule.next_end(self._schedule.next_start(self._since))
        first_due = self._schedule.next_end(after)
        if first_due < whole and first_due <= until:
            return await self._asked.bars(after, until)
        found = {end: rows for end, rows in self._found.items() if after < end <= until}
        self._found = {end: rows for end, rows in self._found.items() if end > after}
        return self._asked.answer(found)

    async def history(self, count: int, until: int) -> FeedAnswer:
        """What is asked for."""
        return await self._asked.history(count, until)

    async def _keep_listening(self) -> None:
        from websockets.exceptions import WebSocketException

        pause = _FIRST_PAUSE_S
        while True:
            try:
                await self._listen()
            except (OSError, TimeoutError, WebSocketException) as error:
                self._trouble = f"the connection was lost ({type(error).__name__})"
            except FeedError as error:
                self._trouble = error.what
            except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
                self._trouble = _words(str(error))
            if self._subscribed.is_set():
                pause = _FIRST_PAUSE_S
            self._subscribed.clear()
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    async def _listen(self) -> None:
        """One connection, until the server ends it."""
        from alpaca.data.enums import DataFeed
        from alpaca.data.live import StockDataStream

        access = self._access
        client: Any = StockDataStream(
            access.key_id,
            access.secret,
            raw_data=True,
            feed=DataFeed(access.feed),
            url_override=access.stream_url or None,
            websocket_params={"ping_interval": 10, "ping_timeout": 30, "logger": _quiet_logger()},
        )
        client.subscribe_bars(self._take, *self._names)
        client.subscribe_updated_bars(self._take, *self._names)
        try:
            await asyncio.wait_for(client._start_ws(), access.timeout_s)
            await client._send_subscribe_msg()
            while True:
                await self._next(client)
        finally:
            with suppress(OSError, TimeoutError):
                await asyncio.wait_for(client.close(), _CLOSE_S)

    async def _next(self, client: Any) -> None:
        import msgpack

        for message in msgpack.unpackb(await client._ws.recv()):
            kind = message.get("T")
            if kind == "error":
                raise FeedError(
                    ERRORS.get(message.get("code", 0), str(message.get("msg", "it says no reason")))
                )
            if kind == "subscription":
                self._since = self._clock.now_ns()
                self._subscribed.set()
            else:
                await client._dispatch(message)

    async def _take(self, bar: Mapping[str, Any]) -> None:
        stamp = bar["t"]
        start = stamp.seconds * NANOSECONDS_PER_SECOND + stamp.nanoseconds
        made = self._asked.row(bar, start)
        if made is not None:
            end, column, row = made
            self._found.setdefault(end, {})[column] = row


def _words(said: str) -> str:
    """The client's words for a refusal when it shows the key, as the stream's own codes mean them."""
    known = {
        "auth failed": 402,
        "auth timeout": 404,
        "connection limit exceeded": 406,
        "insufficient subscription": 409,
    }
    return ERRORS[known[said]] if said in known else "it said what cannot be understood"


def _refusal(status: int) -> str:
    if status in (401, 403):
        return f"Alpaca refused the key, or the plan lacks this feed (HTTP {status})."
    return f"Alpaca's market data answers with HTTP {status}."


def _quiet_logger() -> logging.Logger:
    """A logger for websockets that never writes frames down: one of them holds the keys."""
    logger = logging.getLogger("tuiconsole.alpaca bars")
    logger.setLevel(logging.WARNING)
    return logger


def _moment(ts: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ts // 1_000)
