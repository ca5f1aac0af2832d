"""The live feeds there are, by name. A new feed is a file of its own and a line here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from tuiconsole.domain.clock import Clock
from tuiconsole.domain.errors import FeedError
from tuiconsole.market.live.alpaca_bars import AlpacaAccess, AlpacaBars, AlpacaStream
from tuiconsole.market.live.contract import LiveFeed
from tuiconsole.market.live.failover import FeedLine
from tuiconsole.market.live.schedule import Schedule
from tuiconsole.market.live.settings import FeedsSettings
from tuiconsole.market.live.yahoo_chart import YahooChart
from tuiconsole.market.live.yahoo_http import YahooHttp, load_client
from tuiconsole.market.live.yahoo_stream import YahooStream


@dataclass(frozen=True)
class _Making:
    symbols: tuple[str, ...]
    schedule: Schedule
    clock: Clock
    settings: FeedsSettings
    access: AlpacaAccess | None

    @cached_property
    def http(self) -> YahooHttp:
        load_client()
        return YahooHttp(self.settings.yahoo_url, self.settings.timeout_s, self.settings.connections)

    def chart(self) -> YahooChart:
        return YahooChart(self.symbols, self.schedule, self.http)

    def stream(self) -> YahooStream:
        settings = self.settings
        url, timeout_s = settings.yahoo_stream_url, settings.timeout_s
        return YahooStream(self.symbols, self.schedule, self.chart(), self.clock, url, timeout_s)

    def alpaca(self) -> AlpacaBars:
        return AlpacaBars(self.symbols, self.schedule, self._keyed(), self.clock)

    def alpaca_stream(self) -> AlpacaStream:
        return AlpacaStream(self.symbols, self.schedule, self.alpaca(), self.clock, self._keyed())

    def _keyed(self) -> AlpacaAccess:
        if self.access is None or not (self.access.key_id and self.access.secret):
            raise FeedError(
                "Alpaca's prices need a key.",
                "Set APCA_API_KEY_ID and APCA_API_SECRET_KEY, or write a key file.",
            )
        return self.access


_MAKERS: dict[str, Callable[[_Making], LiveFeed]] = {
    "yahoo": _Making.chart,
    "yahoo-stream": _Making.stream,
    "alpaca": _Making.alpaca,
    "alpaca-stream": _Making.alpaca_stream,
}


def make_feeds(
    settings: FeedsSettings,
    symbols: Sequence[str],
    schedule: Schedule,
    clock: Clock,
    access: AlpacaAccess | None = None,
) -> FeedLine:
    """The feeds that ``settings.order`` names, as one line with failover.

    Parameters
    ----------
    access
        What Alpaca's feeds need.

    Raises
    ------
    FeedError
        The client they need is not installed, or the keys that they need are not there.
    """
    making = _Making(tuple(symbols), schedule, clock, settings, access)
    return FeedLine([_MAKERS[name](making) for name in settings.order], clock, settings.failback_s)
