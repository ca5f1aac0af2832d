"""Polled bars from Yahoo's chart service (``/v8/finance/chart``, the one that draws its charts).

The service names bars by their start, marks minutes without a trade with null, and adds rows that are no bars: the one still
forming, and one at the close. Only rows on the schedule's grid that have ended count. Prices are adjusted for splits, not for
dividends.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import Any

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, NANOSECONDS_PER_SECOND
from tuiconsole.domain.errors import FeedError
from tuiconsole.domain.events import FeedStatus
from tuiconsole.market.live.contract import FeedAnswer, Row, cross_section
from tuiconsole.market.live.schedule import Schedule
from tuiconsole.market.live.yahoo_http import SymbolUnknown, YahooHttp, yahoo_symbol

_INTERVALS = {60: "1m", 300: "5m", 900: "15m", 86_400: "1d"}
_REACH_DAYS = {60: 7, 300: 59, 900: 59}
"""How far back the service goes, in days; without limit for daily bars."""

_PATH = "/v8/finance/chart/"
_FIELDS = ("open", "high", "low", "close", "volume")
_ASK_AGAIN_NS = 900 * NANOSECONDS_PER_SECOND


class YahooChart:
    """Closed bars of the universe, one request a symbol; see :class:`~tuiconsole.market.live.contract.LiveFeed`."""

    name = "yahoo"
    family = "yahoo"

    def __init__(self, symbols: Sequence[str], schedule: Schedule, http: YahooHttp) -> None:
        self._symbols = tuple(symbols)
        self._schedule = schedule
        self._http = http
        self._unknown: dict[str, int] = {}

    async def open(self) -> None:
        """Nothing to do: every question is a request of its own."""

    async def close(self) -> None:
        """Nothing to do."""

    async def probe(self) -> None:
        """Ask for the last day of the first symbol."""
        path = _PATH + yahoo_symbol(self._symbols[0])
        chart_rows(await self._http.json(path, {"range": "1d", "interval": "1d"}), self._schedule, 0)

    async def bars(self, after: int, until: int) -> FeedAnswer:
        """The cross-sections with ``after < ts <= until``; complete when the newest has every symbol known."""
        found, news = await self._gather(after, until)
        ends = sorted({end for rows in found.values() for end in rows if end > after})
        sections = tuple(
            cross_section(
                end,
                self._schedule.session_of(end),
                [found.get(symbol, {}).get(end) for symbol in self._symbols],
            )
            for end in ends
        )
        complete = not ends or all(ends[-1] in rows for rows in found.values())
        return FeedAnswer(sections, complete, news)

    async def history(self, count: int, until: int) -> FeedAnswer:
        """Up to ``count`` cross-sections that end at or before ``until``; of intraday bars some days or weeks."""
        ends = self._schedule.ends(count + 1, until)
        reach = _REACH_DAYS.get(self._schedule.bar_seconds)
        if reach is not None:
            ends = [end for end in ends if end > until - reach * NANOSECONDS_PER_DAY]
        if len(ends) < 2:
            return FeedAnswer(())
        answer = await self.bars(ends[0], until)
        return FeedAnswer(answer.bars[-count:] if count else (), answer.complete, answer.news)

    async def _gather(
        self, after: int, until: int
    ) -> tuple[dict[str, dict[int, Row]], tuple[FeedStatus, ...]]:
        """Rows by symbol and end. A symbol that fails is left out; when all fail the first failure is raised."""
        asked = [symbol for symbol in self._symbols if self._unknown.get(symbol, 0) <= until]
        answers = await asyncio.gather(
            *(self._rows(symbol, after, until) for symbol in asked), return_exceptions=True
        )
        found: dict[str, dict[int, Row]] = {}
        news: list[FeedStatus] = []
        failures: list[FeedError] = []
        for symbol, answer in zip(asked, answers, strict=True):
            if isinstance(answer, SymbolUnknown):
                if symbol not in self._unknown:
                    news.append(FeedStatus(self.name, "symbol failed", f"{symbol} has no prices: {answer}"))
                self._unknown[symbol] = until + _ASK_AGAIN_NS
            elif isinstance(answer, FeedError):
                failures.append(answer)
                found[symbol] = {}
            elif isinstance(answer, BaseException):
                raise answer
            else:
                found[symbol] = answer
        if failures and len(failures) == len(found):
            raise failures[0]
        if not found:
            raise FeedError("Yahoo knows none of the symbols.")
        return found, tuple(news)

    async def _rows(self, symbol: str, after: int, until: int) -> dict[int, Row]:
        interval = _INTERVALS.get(self._schedule.bar_seconds)
        if interval is None:
            raise FeedError(f"Yahoo has no bars of {self._schedule.bar_seconds} s.")
        parameters = {
            "period1": str(after // NANOSECONDS_PER_SECOND - self._schedule.bar_seconds),
            "period2": str(until // NANOSECONDS_PER_SECOND + self._schedule.bar_seconds),
            "interval": interval,
            "includePrePost": "false",
            "events": "div,splits",
        }
        body = await self._http.json(_PATH + yahoo_symbol(symbol), parameters)
        return chart_rows(body, self._schedule, until)


def chart_rows(body: Any, schedule: Schedule, until: int) -> dict[int, Row]:
    """The closed bars in an answer of the chart service, by their end in ns UTC.

    Raises
    ------
    SymbolUnknown
        The service says that it has no such symbol.
    FeedError
        The answer is not of the documented shape.
    """
    try:
        chart = body["chart"]
        if chart.get("error"):
            raise SymbolUnknown(f"Yahoo says: {chart['error'].get('description', 'no reason')}.")
        result = chart["result"][0]
        starts = result.get("timestamp") or []
        quote: Mapping[str, Any] = result["indicators"]["quote"][0]
        columns = [quote.get(name) or [None] * len(starts) for name in _FIELDS]
        if any(len(column) != len(starts) for column in columns):
            raise FeedError("Yahoo's answer has columns of different lengths.")
        rows = [tuple(_number(column[i]) for column in columns) for i in range(len(starts))]
        moments = [int(start) * NANOSECONDS_PER_SECOND for start in starts]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise FeedError(f"Yahoo's answer has another shape than documented: {error!r}.") from None
    found: dict[int, Row] = {}
    for start, (opened, high, low, close, volume) in zip(moments, rows, strict=True):
        end = schedule.end_of(start)
        if end and end <= until and not math.isnan(close) and end not in found:
            found[end] = (opened, high, low, close, volume)
    return found


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)
