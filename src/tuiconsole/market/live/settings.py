"""What may be set about live feeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Interval, Le

from tuiconsole.domain.errors import ConfigError

FEED_NAMES = ("yahoo", "yahoo-stream", "alpaca", "alpaca-stream")
"""Live feeds there are; each is a line in :mod:`tuiconsole.market.live.registry`."""

BAR_SECONDS = {"1s": 1, "5s": 5, "1min": 60, "5min": 300, "15min": 900, "1day": 86_400}
"""Lengths of live bars in seconds."""


@dataclass(frozen=True, slots=True)
class FeedsSettings:
    """Where live prices come from when the desk trades paper money on today's market."""

    network: bool = False
    """May feed = "auto" look for live prices on the network? False: it starts on the packaged history at
    once."""

    order: tuple[str, ...] = ("yahoo",)
    """Live feeds, the best first: "yahoo" asks for bars, "yahoo-stream" makes them of streamed quotes; "alpaca" asks with
    your keys, "alpaca-stream" is told each minute. When one fails the next takes over, and it takes back after a stable
    time."""

    bar: Literal["1s", "5s", "1min", "5min", "15min", "1day"] = "1day"
    """Length of a bar. 1s and 5s need yahoo-stream first, and have no history to warm up with."""

    symbols: tuple[str, ...] = ()
    """Symbols to trade. Empty: the universe of [feed], or the 20 stocks of the packaged history."""

    calendar: str = "XNYS"
    """Exchange calendar that says when bars are due, e.g. "XNYS", "XTSE", or "24/7" for crypto. A universe whose symbols share
    one calendar brings it along."""

    warmup_bars: Annotated[int, Ge(0), Le(756)] = 756
    """Bars of history that warm the indicators before the first live one."""

    settle_s: Annotated[float, Interval(ge=0, le=3600)] = 3.0
    """Seconds after the end of a bar at which it is first asked for."""

    close_settle_s: Annotated[float, Interval(ge=0, le=36_000)] = 900.0
    """The same for daily bars, whose last prices come after the close."""

    grace_s: Annotated[float, Interval(ge=0, le=3600)] = 20.0
    """Seconds more to wait for symbols that a bar still lacks; then they are missing in it."""

    poll_s: Annotated[float, Interval(ge=0.05, le=3600)] = 5.0
    """Seconds between two questions while a bar is awaited; doubled after failures, up to a minute."""

    stale_s: Annotated[float, Interval(ge=1, le=36_000)] = 90.0
    """Seconds after a bar should have been there at which the feed is stale: an alert, and no new risk."""

    late_s: Annotated[float, Interval(ge=1, le=36_000)] = 60.0
    """Seconds that the market may have traded on after a bar settled; one that comes later takes no new risk."""

    failback_s: Annotated[float, Interval(ge=0, le=86_400)] = 300.0
    """Seconds for which a better feed must answer again before it takes back."""

    timeout_s: Annotated[float, Interval(ge=0.1, le=60)] = 8.0
    """Longest wait for one answer of a service."""

    reach_s: Annotated[float, Interval(ge=0.05, le=10)] = 1.0
    """Longest look for a live service at start, with feed = "auto"."""

    connections: Annotated[int, Interval(ge=1, le=32)] = 8
    """Questions asked at the same time."""

    yahoo_url: str = ""
    """Address of a gateway that stands for Yahoo's servers. Empty: Yahoo itself."""

    yahoo_stream_url: str = ""
    """Websocket address of a gateway that stands for Yahoo's streamer. Empty: Yahoo itself."""

    alpaca_stream_url: str = ""
    """Websocket address of a gateway that stands for Alpaca's market-data stream. Empty: Alpaca itself. Bars are asked
    for at [providers] alpaca_url."""

    def __post_init__(self) -> None:
        """Refuse names that are no feeds, and bars that no feed has."""
        unknown = [name for name in self.order if name not in FEED_NAMES]
        if unknown or not self.order:
            what = repr(unknown[0]) if unknown else "nothing"
            raise ConfigError(f"order names {what}; the live feeds are {', '.join(FEED_NAMES)}.")
        if self.bar_seconds < BAR_SECONDS["1min"] and set(self.order) != {"yahoo-stream"}:
            raise ConfigError(f'bar = "{self.bar}" needs order = ["yahoo-stream"]: no other feed has it.')

    @property
    def bar_seconds(self) -> int:
        """Length of a bar in seconds."""
        return BAR_SECONDS[self.bar]
