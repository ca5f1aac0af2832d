"""What may be set about feeds and about the defence against bad data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Interval, Le

from tuiconsole.domain.errors import ConfigError
from tuiconsole.market.macro_ages import DEFAULT_DAYS, MacroAges

PACKAGED = "packaged"
"""Stands for the packaged history where a file of prices may be named."""


@dataclass(frozen=True, slots=True)
class FeedSettings:
    """Where prices come from and how fast a replay runs."""

    feed: Literal["auto", "replay", "history", "simulated", "live"] = "auto"
    """Which feed to open. "auto" takes the first source that is available at start; "replay" always plays a
    tape; "history" plays the bars that `tuiconsole data import` or `data pull` stored; "simulated" plays the market
    of [simulation]; "live" trades paper money on today's market, see [feeds]."""

    universe: str = ""
    """Symbols of the history to play: the name of a list (stored, your own, packaged), or symbols with commas between.
    Empty: all."""

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
    """Where recorded bars are kept, and how they are played."""

    root: str = "history"
    """Folder of the history store; a relative path starts at the configuration file, or at the state file's
    folder where there is none."""

    universes: str = "universes"
    """Folder of your symbol lists, NAME.csv; a relative path starts where `root` does."""

    prices: Literal["raw", "split", "total"] = "split"
    """What stored prices are adjusted for when they are played: nothing, splits, or splits and dividends (total
    return). Orders then fill at adjusted prices."""

    macro: bool = True
    """Join stored macro series to bars of the history, each value from its release on."""

    macro_age_days: tuple[Annotated[int, Interval(ge=1, le=10_000)], ...] = DEFAULT_DAYS
    """Days after its release for which a macro value counts when no newer one comes; then it is unknown. For series that
    speak daily, weekly, monthly, quarterly and yearly, as the distance of their dates says."""

    macro_age_of: tuple[str, ...] = ()
    """Series with days of their own, e.g. ["vix=5", "money_supply=100"]."""

    def __post_init__(self) -> None:
        """Refuse ages that name no series or are not five."""
        self.macro_ages()

    def macro_ages(self) -> MacroAges:
        """How long macro values count."""
        return MacroAges(self.macro_age_days, self.macro_age_of)


@dataclass(frozen=True, slots=True)
class SimulationSettings:
    """The simulated market: what `feed = "simulated"` plays.

    Raises
    ------
    ConfigError
        When the regimes' figures differ in number.
    """

    seed: Annotated[int, Interval(ge=0, le=2**31)] = 7
    """Seed of the whole market: the same seed is the same tape."""

    symbols: Annotated[int, Interval(ge=1, le=2000)] = 20
    """Symbols."""

    sectors: Annotated[int, Interval(ge=1, le=100)] = 5
    """Sectors that the symbols are dealt to in turn."""

    bars: Annotated[int, Interval(ge=2, le=1_000_000)] = 3276
    """Bars of the tape; 3276 days are thirteen years."""

    start: str = "2004-01-02"
    """First session, an ISO date; every weekday is one."""

    bar_seconds: Annotated[int, Interval(ge=60, le=86_400)] = 86_400
    """Length of a bar; 86400 is one bar a session."""

    calibrate: str = ""
    """Take the regimes' figures from recorded prices instead of from the lines below: "packaged", or a CSV or
    Parquet file. Empty: from below."""

    volatility: tuple[Annotated[float, Interval(gt=0.0, le=5.0)], ...] = (0.18, 0.28, 0.55)
    """Annual volatility of a typical symbol in each regime; as many regimes as there are figures."""

    correlation: tuple[Annotated[float, Interval(ge=0.0, lt=1.0)], ...] = (0.20, 0.35, 0.65)
    """Correlation of two symbols of different sectors in each regime."""

    drift: tuple[Annotated[float, Interval(ge=-5.0, le=5.0)], ...] = (0.14, 0.07, -0.35)
    """Annual drift of the market in each regime."""

    duration_bars: tuple[Annotated[float, Interval(ge=1.0, le=1e6)], ...] = (160.0, 80.0, 30.0)
    """Bars that each regime lasts on average."""

    entry_weight: tuple[Annotated[float, Interval(ge=0.0, le=1e6)], ...] = (0.4, 0.4, 0.2)
    """How likely each regime is the next one when another ends, relative to the others."""

    sector_share: Annotated[float, Interval(ge=0.0, le=1.0)] = 0.2
    """Share of what the market leaves of a symbol's variance that its sector explains."""

    tail_degrees: Annotated[float, Interval(gt=2.0, le=100.0)] = 5.0
    """Degrees of freedom of the shocks (Student's t): the fewer, the fatter the tails."""

    jumps_per_year: Annotated[float, Interval(ge=0.0, le=1000.0)] = 0.5
    """Jumps of a symbol in a year, on average."""

    jump_volatility: Annotated[float, Interval(ge=0.0, le=1.0)] = 0.08
    """Standard deviation of a jump, as a log-return."""

    gap_share: Annotated[float, Interval(ge=0.0, lt=1.0)] = 0.2
    """Share of the variance of a session's first bar that comes before its open; 0: no gaps."""

    missing_share: Annotated[float, Interval(ge=0.0, lt=1.0)] = 0.0
    """Share of bars that are missing, each symbol for itself."""

    start_price: Annotated[float, Interval(ge=0.01, le=1e6)] = 50.0
    """Typical price before the first bar."""

    mean_volume: Annotated[float, Interval(ge=1.0, le=1e12)] = 2_000_000.0
    """Typical volume of one bar, in shares."""

    def __post_init__(self) -> None:
        regimes = {
            name: len(getattr(self, name))
            for name in ("volatility", "correlation", "drift", "duration_bars", "entry_weight")
        }
        if len(set(regimes.values())) > 1 or not self.volatility:
            told = ", ".join(f"{name} {count}" for name, count in regimes.items())
            raise ConfigError(f"every regime needs one figure in each list, found: {told}.")
        if not sum(self.entry_weight) > 0.0:
            raise ConfigError("entry_weight needs at least one figure above 0.")


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


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """Which vendors are asked for data, where, and how patiently. Keys are never written here."""

    primary: Literal["yahoo", "alpaca", "alpha_vantage"] = "yahoo"
    """The vendor asked first."""

    secondary: Literal["", "yahoo", "alpaca", "alpha_vantage"] = "alpaca"
    """The vendor asked for what the primary did not give; empty for none."""

    tertiary: Literal["", "yahoo", "alpaca", "alpha_vantage"] = "alpha_vantage"
    """The vendor asked last; empty for none."""

    yahoo_url: str = "https://query2.finance.yahoo.com"
    """Address of Yahoo's prices. Change it to reach them through a proxy of your own: every request of the Yahoo
    client then goes there."""

    alpaca_url: str = "https://data.alpaca.markets"
    """Address of Alpaca's market data, or of a proxy for it."""

    alpha_vantage_url: str = "https://www.alphavantage.co/query"
    """Address of Alpha Vantage, or of a proxy for it."""

    alpaca_feed: Literal["iex", "sip", "delayed_sip", "otc"] = "iex"
    """Which of Alpaca's stock feeds to ask for; anything but "iex" needs a plan that includes it."""

    alpha_vantage_label: Literal["start", "end"] = "start"
    """What the time of an Alpha Vantage intraday bar names. "start" is never early, whichever it is."""

    keys_file: str = ""
    """File of your keys (TOML, mode 0600); a relative path starts at the configuration file. Empty: keys.toml
    beside the configuration file. Keys of the environment come first."""

    cache_folder: str = ""
    """Folder of vendors' raw answers. Empty: in the user's cache directory."""

    cache_hours: Annotated[float, Interval(ge=0.0, le=87_600.0)] = 720.0
    """How long an answer about a finished range is used again, in hours."""

    cache_minutes_recent: Annotated[float, Interval(ge=0.0, le=10_080.0)] = 15.0
    """How long an answer that reaches into the last two days, or has no range, is used again, in minutes."""

    timeout_s: Annotated[float, Interval(ge=0.05, le=600.0)] = 20.0
    """Seconds to wait for one answer."""

    attempts: Annotated[int, Interval(ge=1, le=20)] = 4
    """Times that one request is made in all when a vendor does not answer."""

    wait_initial_s: Annotated[float, Interval(ge=0.0, le=60.0)] = 1.0
    """Seconds before the second time; doubled each time, with jitter."""

    wait_max_s: Annotated[float, Interval(ge=0.0, le=600.0)] = 30.0
    """The longest such wait, in seconds."""

    rotation_s: Annotated[float, Interval(ge=0.0, le=60.0)] = 2.5
    """Alpha Vantage: least time between two requests when the key changes or is a slow one, in seconds."""

    premium_per_minute: Annotated[int, Interval(ge=0, le=10_000)] = 75
    """Alpha Vantage: requests per minute of a premium key; 0 for no limit."""

    premium_per_day: Annotated[int, Interval(ge=0, le=10_000_000)] = 0
    """Alpha Vantage: requests per day of a premium key; 0 for no limit."""

    free_per_minute: Annotated[int, Interval(ge=0, le=10_000)] = 5
    """Alpha Vantage: requests per minute of a key with any other purpose; 0 for no limit."""

    free_per_day: Annotated[int, Interval(ge=0, le=10_000_000)] = 25
    """Alpha Vantage: requests per day of a key with any other purpose; 0 for no limit."""

    def order(self) -> tuple[str, ...]:
        """The vendors in the order in which they are asked, each once."""
        return tuple(dict.fromkeys(filter(None, (self.primary, self.secondary, self.tertiary))))
