"""What may be set about feeds and about the defence against bad data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Interval, Le


@dataclass(frozen=True, slots=True)
class FeedSettings:
    """Where prices come from and how fast a replay runs."""

    feed: Literal["auto", "replay", "history", "live"] = "auto"
    """Which feed to open. "auto" takes the first source that is available at start; "replay" always plays a
    tape; "history" plays the bars that `tuiconsole data import` or `data pull` stored; "live" trades paper
    money on today's market, see [feeds]."""

    universe: str = ""
    """Symbols of the history to play: the name of a stored list, or symbols with commas between. Empty: all."""

    interval: str = "1day"
    """Length of the bars of the history to play, e.g. "1min", "15min", "1h" or "1day"."""

    path: str = ""
    """CSV or Parquet file with columns ts, symbol, close and optionally open, high, low, volume; a relative
    path starts at the configuration file. Empty: the packaged history of 20 large US stocks."""

    start: str = "2007-01-03"
    """First day on which the replay trades, an ISO date; the bars before it only warm the indicators."""

    warmup_bars: Annotated[int, Ge(0), Le(756)] = 756
    """Bars before `start` that warm the indicators without trading; at most three years of days."""

    bars_per_second: Annotated[float, Gt(0.0), Le(1_000_000.0)] = 1.0
    """Speed of a replay, in bars per second of wall time."""

    pace: str = ""
    """Let the bars of a replay follow each other as they did in the market: "original", or so many times
    faster, e.g. "10x". Empty: bars_per_second counts."""

    timezone: str = ""
    """Zone of timestamps in `path` that carry none, e.g. "America/New_York" or "UTC". Empty: such timestamps
    are refused, and bare dates mean sessions of the New York exchanges."""

    bar_seconds: Annotated[int, Ge(0), Le(86_400)] = 0
    """Set when timestamps in `path` name the start of a bar: its length in seconds, added so that a bar is
    seen at its end. 0: timestamps name the end."""


@dataclass(frozen=True, slots=True)
class HistorySettings:
    """Where recorded bars are kept."""

    root: str = "history"
    """Folder of the history store; a relative path starts at the configuration file, or at the state file's
    folder where there is none."""


@dataclass(frozen=True, slots=True)
class DefenceSettings:
    """When a price is held back as bad."""

    jump_deviations: Annotated[float, Interval(ge=3.0, le=100.0)] = 18.0
    """A move beyond this many robust deviations (mean absolute log-return) of the symbol is held back until a
    bar confirms it."""

    minimum_jump: Annotated[float, Interval(gt=0.0, le=1.0)] = 0.08
    """Smallest move, as a log-return, that can ever be held back; 0.08 is about 8 %."""

    initial_deviation: Annotated[float, Interval(gt=0.0, le=0.5)] = 0.02
    """Robust deviation assumed before a symbol has any history, as a log-return per bar."""

    memory_bars: Annotated[int, Interval(ge=5, le=1000)] = 60
    """Memory of the robust deviation: the weight of a bar falls by a factor e in this many bars."""

    unconfirmed_bars: Annotated[int, Interval(ge=1, le=100)] = 10
    """After this many bars in a row that were held back, the next one is accepted whatever it says: never a
    deadlock."""

    stale_bars: Annotated[int, Interval(ge=2, le=1000)] = 10
    """A close repeated this many bars in a row is stale."""
