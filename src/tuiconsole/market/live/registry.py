"""The live feeds there are, by name. A new feed is a file of its own and a line here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tuiconsole.domain.clock import Clock
from tuiconsole.market.live.contract import LiveFeed
from tuiconsole.market.live.failover import FeedLine
from tuiconsole.market.live.schedule import Schedule
from tuiconsole.market.live.settings import FeedsSettings
from tuiconsole.market.live.yahoo_chart import YahooChart
from tuiconsole.market.live.yahoo_http import YahooHttp, load_client
from tuiconsole.market.live.yahoo_stream import YahooStream


@dataclass(frozen=True, slots=True)
class _Making:
    symbols: tuple[str, ...]
    schedule: Schedule
    clock: Clock
    settings: FeedsSettings
    http: YahooHttp

    def chart(self) -> YahooChart:
        return YahooChart(self.symbols, self.schedule, self.http)

    def stream(self) -> YahooStream:
        settings = self.settings
        url, timeout_s = settings.yahoo_stream_url, settings.timeout_s
        return YahooStream(self.symbols, self.schedule, self.chart(), self.clock, url, timeout_s)


_MAKERS: dict[str, Callable[[_Making], LiveFeed]] = {
    "yahoo": _Making.chart,
    "yahoo-stream": _Making.stream,
}


def make_feeds(settings: FeedsSettings, symbols: Sequence[str], schedule: Schedule, clock: Clock) -> FeedLine:
    """The feeds that ``settings.order`` names, as one line with failover.

    Raises
    ------
    FeedError
        The client they need is not installed.
    """
    load_client()
    http = YahooHttp(settings.yahoo_url, settings.timeout_s, settings.connections)
    making = _Making(tuple(symbols), schedule, clock, settings, http)
    return FeedLine([_MAKERS[name](making) for name in settings.order], clock, settings.failback_s)
